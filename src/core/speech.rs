//! What people are told: the messages themselves, and the rules by which they become due.

pub mod grouping;
pub mod message;
pub mod rules;
pub mod words;
