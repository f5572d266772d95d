//! The tests of this crate.

mod conversation;
mod hostile;
mod samples;
