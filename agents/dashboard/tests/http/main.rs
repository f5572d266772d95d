//! The dashboard seen from outside: a real server, a real store, played agents.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod api;
mod devices;
mod events;
mod figures;
mod guarding;
mod mesh;
mod notifications;
mod pages;
mod shared_config;
mod statements;
mod support;
