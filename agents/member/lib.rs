//! p7-member: this node as a member of the mesh: hears its peers, states what is measured here, holds
//! roles and hands out seats.
//!
//! It owns the core's machine and does what that wishes: with the transport of p7-mesh, the log of
//! p7-store, and the agents that care. An agent more than the plan names: the transport must not know
//! the store, nor the rules a socket, so somebody stands between them.

mod address;
mod clock;
mod commands;
mod config;
mod devices;
mod hear;
mod member;
mod metrics;
mod past;
mod peers;
mod perform;
mod recall;
mod route;
mod shelf;
mod start;

pub use address::{BadAddress, listening, multiaddress};
pub use clock::steady;
pub use config::{Config, DEFAULT_PORT};
pub use member::{Connect, Listeners, Member, Stop, TakenUp};
pub use start::{Parts, StartError, start};
