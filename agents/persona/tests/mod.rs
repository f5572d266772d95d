//! The tests of this crate.

mod bolt;
mod conversation;
mod fake;
mod hostile;
mod samples;
mod settings;
mod socket;
mod world;
