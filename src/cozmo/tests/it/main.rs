//! The robot's protocol against a strict simulation of it, bytes against the facts, and what it says.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod chance;
mod hostile;
mod packet_classes;
mod simulated;
mod sockets;
mod telling;
mod virtual_time;
mod wire;
mod world;
