//! What is believed about this machine's own network, and who is told when that changes.

use crate::config::ConnectivityConfig;
use crate::network::Network;
use crate::once::Shown;
use crate::suspicions::OwnNetwork;
use actix::prelude::*;
use p7_bus::{NetworkNoted, PeersSeen, tell};
use p7_core::vocabulary::MeshTime;
use std::sync::Arc;
use tokio::time::Instant;

/// The belief.
#[derive(Debug)]
pub(crate) struct Belief {
    network: Arc<Network>,
    listeners: Vec<Recipient<NetworkNoted>>,
    /// Why this machine is believed to be cut off.
    cut_off: Option<Arc<str>>,
    /// When the network was last known to work.
    back: Instant,
}

impl Belief {
    pub(crate) fn new(connectivity: &ConnectivityConfig, listeners: Vec<Recipient<NetworkNoted>>) -> Self {
        let network = Arc::new(Network::new(connectivity, PeersSeen::NoMesh));
        Self { network, listeners, cut_off: None, back: Instant::now() }
    }

    /// What a probe asks whether this machine is cut off.
    pub(crate) fn network(&self) -> Arc<Network> {
        Arc::clone(&self.network)
    }

    pub(crate) fn own(&self) -> OwnNetwork {
        if self.cut_off.is_some() { OwnNetwork::CutOff } else { OwnNetwork::Works }
    }

    /// From now on other anchors tell.
    pub(crate) fn anchor(&mut self, connectivity: &ConnectivityConfig) {
        self.network = Arc::new(Network::new(connectivity, self.network.peers()));
    }

    /// From now on the mesh's peers show this.
    pub(crate) fn note_peers(&mut self, peers: PeersSeen, now: MeshTime) {
        self.network.note_peers(peers);
        if peers == PeersSeen::Some {
            self.note(Shown::Works, now);
        }
    }

    /// A probe has shown something of the network.
    pub(crate) fn note(&mut self, shown: Shown, now: MeshTime) {
        let cut_off = match shown {
            Shown::Nothing => return,
            Shown::Works => None,
            // found out before the network was known to be back: an old story
            Shown::CutOff(found) if found.at <= self.back => return,
            Shown::CutOff(found) => Some(found.why),
        };
        if cut_off.is_none() {
            self.back = Instant::now();
            if self.cut_off.is_some() {
                self.network.works();
            }
        }
        if cut_off == self.cut_off {
            return;
        }
        if let Some(why) = &cut_off {
            tracing::warn!(%why, "this machine is cut off; its failing probes don't count");
        } else {
            tracing::info!("this machine has network again");
        }
        let noted = NetworkNoted { cut_off: cut_off.as_deref().map(str::to_owned), since: now };
        self.cut_off = cut_off;
        for listener in &self.listeners {
            tell(listener, "network", noted.clone());
        }
    }

    /// Asks the system again while it is what says that we are cut off; anchors are asked by failing probes.
    pub(crate) fn notice_return(&mut self, now: MeshTime) {
        if self.cut_off.is_some() && !self.network.has_anchors() && self.network.cut_off_by_system().is_none()
        {
            self.note(Shown::Works, now);
        }
    }
}
