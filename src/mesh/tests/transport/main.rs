//! The transport over real connections on this machine: who finds whom, what arrives, and what does not.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod connections;
mod gossip;
mod node;
mod questions;
