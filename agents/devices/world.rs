//! What this node knows, as far as its devices care.

use p7_blinkstick::sight::{Mesh, Network, Standing};
use p7_core::mesh::view::{Liveness, MeshView};
use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{NodeId, ServiceId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything a device may show.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) services: BTreeMap<ServiceId, Arc<Service>>,
    pub(crate) statuses: BTreeMap<ServiceId, Arc<ServiceStatus>>,
    pub(crate) network: Network,
    pub(crate) mesh: Mesh,
    /// Which node is at which site.
    pub(crate) sites: BTreeMap<NodeId, String>,
}

/// Whether an event changed what is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    Some,
    None,
}

impl World {
    /// A service's status.
    pub(crate) fn heard(&mut self, status: Arc<ServiceStatus>) -> News {
        let looks = |status: &ServiceStatus| {
            let is_silenced = status.silence.is_some();
            (Standing::of(status), status.level, seen_by(status), status.flapping, is_silenced)
        };
        let now = looks(&status);
        let before = self.statuses.insert(status.service.clone(), status);
        if before.is_some_and(|before| looks(&before) == now) { News::None } else { News::Some }
    }

    /// Every service's status.
    pub(crate) fn snapshot(&mut self, statuses: &[Arc<ServiceStatus>]) -> News {
        self.statuses = statuses.iter().map(|status| (status.service.clone(), Arc::clone(status))).collect();
        News::Some
    }

    /// What is watched from now on.
    pub(crate) fn configured(&mut self, services: &[Arc<Service>]) -> News {
        self.services = services.iter().map(|service| (service.id.clone(), Arc::clone(service))).collect();
        let services = &self.services;
        self.statuses.retain(|id, _| services.contains_key(id));
        News::Some
    }

    /// Who is in the mesh.
    pub(crate) fn mesh(&mut self, view: &MeshView) -> News {
        let mut others =
            view.members.iter().filter(|member| member.node != view.me && member.liveness != Liveness::Left);
        let heard = |liveness| matches!(liveness, Liveness::Alive | Liveness::Suspect);
        let mesh = if others.clone().any(|member| heard(member.liveness)) {
            Mesh::Heard
        } else if others.next().is_some() {
            Mesh::Lost
        } else {
            Mesh::Alone
        };
        let sites = Self::noted(&mut self.sites, view.sites());
        let mesh = Self::noted(&mut self.mesh, mesh);
        if sites == News::Some { sites } else { mesh }
    }

    /// Whether this machine has its network.
    pub(crate) fn network(&mut self, network: Network) -> News {
        Self::noted(&mut self.network, network)
    }

    fn noted<T: PartialEq>(known: &mut T, now: T) -> News {
        if *known == now {
            return News::None;
        }
        *known = now;
        News::Some
    }
}

/// How many vantage points saw it failing, of how many that voted, in the last cycle that was decided.
pub(crate) fn seen_by(status: &ServiceStatus) -> Option<(u16, u16)> {
    let decided = status.cycles.iter().rfind(|cycle| cycle.verdict.is_some())?;
    Some((decided.failed, decided.voting))
}
