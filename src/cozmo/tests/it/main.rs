//! The robot's protocol against a strict simulation of it, bytes against the facts, and what it says.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail where it stands, and says its seed"
)]
#![expect(clippy::format_collect, reason = "a test may be slow where it reads well")]

mod chance;
mod hostile;
mod packet_classes;
mod simulated;
mod sockets;
mod telling;
mod virtual_time;
mod wire;
mod world;
