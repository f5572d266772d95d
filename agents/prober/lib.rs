//! p7-prober: schedules the probes, runs them, and tells what they came to.
//!
//! HTTP is spoken through hyper's low-level client over our own sockets and TLS, because every phase
//! (resolve, connect, tls, processing, transfer), the peer's address and its certificates are ours to
//! measure, and a ready client hides them behind its pool. reqwest is used where nothing is measured:
//! fetching an OAuth2 access token.
//!
//! `kinds/` holds one file a kind of probe, `net/` what they share, `prober.rs` the agent. When to test
//! what is decided in `p7_core::schedule`, which outcomes are published in `p7_core::mesh::look`; whether this machine itself is cut off, in `network.rs`.

mod attempt;
mod belief;
mod clock;
mod config;
pub mod kinds;
mod messages;
mod metrics;
mod net;
mod network;
mod once;
mod outbox;
mod prober;
mod suspicions;
mod trouble;
mod words;

pub use attempt::{Attempt, Detail};
pub use clock::Clock;
pub use config::{Config, ConnectivityConfig};
pub use kinds::{PrepareError, Probe, ProbeConfig};
pub use messages::{Anchor, Drain, Parts, Seating, Watch, Watched};
pub use once::{Seen, probe_once};
pub use prober::Prober;
pub use trouble::Origin;
