//! The prober seen from outside, against real servers on loopback; one binary, since each costs a link.

#![expect(clippy::unwrap_used, reason = "what helpers of tests can't have ends the test")]

mod common;
mod config;
mod http;
mod json_count;
mod prober;
mod seats;
mod tcp;
mod tls;
mod world;
