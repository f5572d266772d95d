//! What all kinds of probes share: names to addresses, connections, TLS.

pub(crate) mod connect;
pub(crate) mod resolve;
pub(crate) mod tls;
pub(crate) mod verify;
pub(crate) mod wire;
