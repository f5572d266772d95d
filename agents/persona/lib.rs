//! p7-persona: talks with the team in Slack, while its node holds that role.
//!
//! `slack/` speaks with Slack: envelopes of Socket Mode (pure reading), the socket, the few methods.
//! `understand.rs`, `find.rs` and `when.rs` read what people say, `answers.rs`, `outcomes.rs` and `words.rs`
//! answer, `talk.rs` keeps conversations apart: all pure. `agent.rs` and `answering.rs` put them to work.

mod agent;
mod answering;
mod answers;
mod config;
mod find;
mod metrics;
mod outcomes;
mod people;
mod picture;
mod slack;
mod speak;
mod talk;
#[cfg(test)]
mod tests;
mod text;
mod understand;
mod when;
mod words;

pub use agent::{Parts, Persona, Standing, TakeUp};
pub use config::{Changes, Config};
