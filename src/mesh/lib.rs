//! p7-mesh: how nodes reach each other: libp2p, the versioned wire format, signatures. Knows no rules.

pub mod frames;
pub mod invite;
pub mod key;
pub mod mesh_id;
pub mod peer;
mod printable;
pub mod transport;

pub use libp2p::Multiaddr;
pub use libp2p::identity::Keypair;
pub use libp2p::multiaddr::Protocol;
