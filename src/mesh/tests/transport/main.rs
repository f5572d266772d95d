//! The transport over real connections on this machine: who finds whom, what arrives, and what does not.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests, which wait for one thing"
)]

mod connections;
mod cost;
mod gossip;
mod node;
mod questions;
