//! p7-persona: talks with the team in Slack, while its node holds that role.
//!
//! `slack/` speaks with Slack: envelopes of Socket Mode (pure reading), the socket, the few methods.
//! `understand.rs`, `find.rs` and `when.rs` read what people say, `answers.rs` and `words.rs` answer,
//! `talk.rs` keeps conversations apart: all pure. `agent.rs` puts them to work.

mod answers;
mod find;
mod picture;
mod talk;
mod text;
mod understand;
mod when;
mod words;
#[cfg(test)]
mod tests;
