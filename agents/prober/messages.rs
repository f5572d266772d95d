//! What a prober is given and told.

use crate::clock::Clock;
use crate::config::ConnectivityConfig;
use crate::kinds::Probe;
use actix::prelude::*;
use p7_bus::{NetworkNoted, ProbeFinished, Suspected};
use p7_core::mesh::look::Said;
use p7_core::service::Service;
use p7_core::vocabulary::NodeId;
use std::sync::Arc;
use std::time::Duration;

/// What a prober works with.
#[derive(Debug)]
pub struct Parts {
    /// Whose results they are.
    pub node: NodeId,
    /// Tells mesh time.
    pub clock: Clock,
    /// Who says which services are tested from here.
    pub seating: Seating,
    /// Hear what probes came to.
    pub results: Recipient<ProbeFinished>,
    /// Hear whether this machine is cut off.
    pub network: Vec<Recipient<NetworkNoted>>,
    /// Hear of probes that take suspiciously long; none when nobody else could look.
    pub suspicions: Vec<Recipient<Suspected>>,
}

/// Who says which services are tested from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seating {
    /// Nobody, until a [`p7_bus::SeatsTaken`] does: this node is alone and tests everything.
    Alone,
    /// [`p7_bus::SeatsTaken`] only: before the first of them nothing is tested.
    AsTold,
}

/// A service to watch, and its probe.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The service.
    pub service: Arc<Service>,
    /// Its probe, ready.
    pub probe: Arc<Probe>,
    /// What this node has last said about it, as the store knows.
    pub known: Option<Said>,
}

/// node → prober: watch these services from now on and no others. Probes in flight of services that have
/// not changed go on.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Watch(pub Vec<Watched>);

/// node → prober: from now on this tells whether the machine has a network.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Anchor(pub ConnectivityConfig);

/// node → prober: start nothing more; probes that run may end within this time, then they are dropped.
/// Answers how many were.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "usize")]
pub struct Drain(pub Duration);
