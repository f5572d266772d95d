//! The wire format from outside: what yesterday's releases wrote, and what a hostile peer may send.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod golden;
mod properties;
mod samples;
mod sizes;
