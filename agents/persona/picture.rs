//! What this node knows, as far as people ask for it.

use chrono_tz::Tz;
use p7_bus::DeviceStatus;
use p7_core::incident::Incident;
use p7_core::mesh::view::MeshView;
use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{Level, NodeId, ServiceId};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Ended incidents that are remembered: a bad week.
const ENDED_LIMIT: usize = 100;

/// Everything an answer may say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Picture {
    pub(crate) services: BTreeMap<ServiceId, Arc<Service>>,
    pub(crate) statuses: BTreeMap<ServiceId, Arc<ServiceStatus>>,
    /// Incidents that ended while this node ran, the latest first.
    pub(crate) ended: VecDeque<Arc<Incident>>,
    /// The mesh; none for a node alone.
    pub(crate) mesh: Option<Arc<MeshView>>,
    /// This node's devices.
    pub(crate) devices: Arc<Vec<DeviceStatus>>,
    /// The mesh's name.
    pub(crate) name: String,
    /// What people call this node.
    pub(crate) node: String,
    /// Which version of p7 this is.
    pub(crate) version: String,
    /// The dashboard's address, with a slash at its end, where it is known.
    pub(crate) dashboard: Option<String>,
    /// The team's time zone.
    pub(crate) zone: Tz,
}

/// A service with its status.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) service: &'a Service,
    /// None before the first one is heard.
    pub(crate) status: Option<&'a ServiceStatus>,
}

impl Known<'_> {
    pub(crate) fn level(&self) -> Level {
        self.status.map_or(Level::Unknown, |status| status.level)
    }

    /// Whether it is failing for good: an incident is open.
    pub(crate) fn is_open(&self) -> bool {
        self.status.is_some_and(|status| status.incident.is_some())
    }
}

impl Picture {
    pub(crate) fn configured(&mut self, services: &[Arc<Service>]) {
        self.services = services.iter().map(|service| (service.id.clone(), Arc::clone(service))).collect();
        let services = &self.services;
        self.statuses.retain(|id, _| services.contains_key(id));
    }

    /// A status. One that comes before its service is configured is taken with the snapshot that follows.
    pub(crate) fn heard(&mut self, status: &Arc<ServiceStatus>) {
        if self.services.contains_key(&status.service) {
            self.statuses.insert(status.service.clone(), Arc::clone(status));
        }
    }

    pub(crate) fn incident(&mut self, incident: &Arc<Incident>) {
        self.ended.retain(|known| known.id != incident.id);
        if incident.ended.is_some() && self.services.contains_key(&incident.id.service) {
            let place = self.ended.iter().position(|known| known.ended <= incident.ended);
            self.ended.insert(place.unwrap_or(self.ended.len()), Arc::clone(incident));
            self.ended.truncate(ENDED_LIMIT);
        }
    }

    pub(crate) fn known(&self, id: &ServiceId) -> Option<Known<'_>> {
        let service = self.services.get(id)?;
        Some(Known { service, status: self.statuses.get(id).map(Arc::as_ref) })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Known<'_>> {
        self.services.keys().filter_map(|id| self.known(id))
    }

    /// The environments there are, each once.
    pub(crate) fn environments(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.services.values().map(|service| service.environment.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        all.retain(|name| !name.is_empty());
        all
    }

    /// What people call a node.
    pub(crate) fn node_name(&self, node: &NodeId) -> String {
        match &self.mesh {
            Some(view) => view.name_of(node).to_owned(),
            None => self.node.clone(),
        }
    }

    /// The robots of this machine, by name.
    pub(crate) fn robots(&self) -> Vec<&str> {
        self.devices
            .iter()
            .filter(|device| device.kind == "cozmo")
            .map(|device| device.name.as_str())
            .collect()
    }
}
