//! The read model: what is known now, kept by the [`crate::Dashboard`] actor and read by every handler.
//!
//! Each change has a number. Whoever wants to follow (the event stream) remembers the number it has seen
//! and asks for what changed since; so nothing is queued for slow readers, they just see fewer steps.

mod mesh;

use crate::pages::{Card, Names};
use actix_web::web::Bytes;
use p7_bus::{
    ConfigurationNoted, DeviceStatus, Heard, IncidentChanged, NetworkNoted, Publishing, StoreNoted,
};
use p7_core::mesh::view::MeshView;
use p7_core::result::ProbeResult;
use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{NodeId, Outcome, ServiceId};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;

/// Changes of incidents that are remembered for those who follow: a bad day on 1,000 services.
const INCIDENTS_REMEMBERED: usize = 512;
/// Vantage points of one service whose last result is kept: the largest mesh.
const VANTAGE_LIMIT: usize = 256;
/// Statuses that wait for their service to be configured: those of one large configuration.
const EARLY_LIMIT: usize = 10_000;
/// Changed services that are sent one by one to somebody who comes back; above, the page loads anew for less.
const CATCH_UP_LIMIT: usize = 300;

/// A service and its status at one moment, with what was made of them for the event stream.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The service.
    pub(crate) service: Arc<Service>,
    /// Its status.
    pub(crate) status: Arc<ServiceStatus>,
    /// The event as it goes to everybody who listens, made when the first one needs it.
    pub(crate) event: OnceLock<Bytes>,
    /// Its card in the overview, made when somebody looks.
    pub(crate) card: OnceLock<Arc<Card>>,
    /// Its card in the original's page.
    pub(crate) filed: OnceLock<Arc<Card>>,
}

impl Shown {
    fn new(service: Arc<Service>, status: Arc<ServiceStatus>) -> Arc<Self> {
        Arc::new(Self {
            service,
            status,
            event: OnceLock::new(),
            card: OnceLock::new(),
            filed: OnceLock::new(),
        })
    }
}

/// What one vantage point has sent since the process started.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    /// Its last result.
    pub(crate) last: Arc<ProbeResult>,
    /// How many of each outcome, in the order of [`Outcome::ALL`].
    pub(crate) outcomes: [u64; Outcome::ALL.len()],
}

/// One service on the board.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// What is shown.
    pub(crate) shown: Arc<Shown>,
    /// The number of its last change.
    pub(crate) changed: u64,
    /// What each vantage point sent.
    pub(crate) counted: BTreeMap<NodeId, Counted>,
}

/// Something that changed.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// A service's status.
    Service(Arc<Shown>),
    /// An incident, and who has acknowledged it.
    Incident(IncidentChanged),
    /// The machine's own network.
    Network(NetworkNoted),
    /// The configuration in force, or what is wrong with a refused one.
    Configuration(Arc<ConfigurationNoted>),
    /// The set of services: pages load anew.
    Services,
    /// Whether the store takes what it is given.
    Store(StoreNoted),
    /// Who is in the mesh, and who holds which role.
    Mesh(Arc<MeshView>),
}

/// Everything known now.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The number of the last change.
    pub(crate) version: u64,
    /// The services.
    pub(crate) entries: BTreeMap<ServiceId, Entry>,
    /// Whether services were configured at all.
    pub(crate) configured: bool,
    /// Which configuration is in force.
    pub(crate) configuration: Option<Arc<ConfigurationNoted>>,
    /// The machine's own network.
    pub(crate) network: Option<NetworkNoted>,
    /// What the store said last.
    pub(crate) store: Option<StoreNoted>,
    /// The mesh as this node sees it; none while it runs alone.
    pub(crate) mesh: Option<Arc<MeshView>>,
    /// How publishing goes.
    pub(crate) publishing: Arc<Publishing>,
    /// The machine's devices.
    pub(crate) devices: Arc<Vec<DeviceStatus>>,
    /// What the nodes are called.
    pub(crate) names: Arc<Names>,
    /// Statuses that came before their service was configured, or after it was removed.
    early: BTreeMap<ServiceId, Arc<ServiceStatus>>,
    services_at: u64,
    configuration_at: u64,
    network_at: u64,
    store_at: u64,
    mesh_at: u64,
    incidents: VecDeque<(u64, IncidentChanged)>,
    incidents_forgotten: u64,
}

/// Why changes can't be told one by one: whoever asks has to load everything anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooFarBehind;

/// The shared read model.
#[derive(Debug)]
pub(crate) struct Board {
    state: RwLock<State>,
    version: watch::Sender<u64>,
}

impl Default for Board {
    fn default() -> Self {
        Self { state: RwLock::default(), version: watch::Sender::new(0) }
    }
}

impl Board {
    /// Nothing is known yet but what this node is called.
    pub(crate) fn of(node: &NodeId, name: &str) -> Self {
        let names = Arc::new(Names::alone(node, name));
        Self { state: RwLock::new(State { names, ..State::default() }), ..Self::default() }
    }

    /// Everything, for a short look: writers wait meanwhile.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the last change, and word of each further one.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// The machine's devices as they now are.
    pub(crate) fn devices(&self, devices: Arc<Vec<DeviceStatus>>) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).devices = devices;
    }

    /// One service as it now is.
    pub(crate) fn service(&self, id: &str) -> Option<Arc<Shown>> {
        self.read().entries.get(id).map(|entry| Arc::clone(&entry.shown))
    }

    /// All services as they now are, in id order.
    pub(crate) fn services(&self) -> Vec<Arc<Shown>> {
        self.read().entries.values().map(|entry| Arc::clone(&entry.shown)).collect()
    }

    /// What changed after `seen`, oldest first, each with its number.
    pub(crate) fn changes_since(&self, seen: u64) -> Result<Vec<(u64, Change)>, TooFarBehind> {
        self.read().changes_since(seen)
    }

    /// Like [`Self::changes_since`], but not more than is worth telling one by one.
    pub(crate) fn catch_up(&self, seen: u64) -> Result<(), TooFarBehind> {
        let state = self.read();
        let changed = state.entries.values().filter(|entry| entry.changed > seen).count();
        if seen > state.version || state.services_at > seen || changed > CATCH_UP_LIMIT {
            return Err(TooFarBehind);
        }
        state.changes_since(seen).map(drop)
    }

    /// The services to watch from now on. What is known of those that stay is kept.
    pub(crate) fn configured(&self, services: &[Arc<Service>]) {
        let as_before = |state: &State| {
            state.configured && state.entries.values().map(|entry| &entry.shown.service).eq(services)
        };
        if as_before(&self.read()) {
            return;
        }
        self.change(|state| {
            let mut before = std::mem::take(&mut state.entries);
            state.configured = true;
            state.services_at = state.next();
            for service in services {
                let known = before.remove(&service.id);
                let status = known.as_ref().map(|entry| Arc::clone(&entry.shown.status));
                let status = status.or_else(|| state.early.remove(&service.id));
                let status = status.unwrap_or_else(|| Arc::new(ServiceStatus::pending(service.id.clone())));
                let entry = Entry {
                    shown: Shown::new(Arc::clone(service), status),
                    changed: known.as_ref().map_or(0, |entry| entry.changed),
                    counted: known.map(|entry| entry.counted).unwrap_or_default(),
                };
                state.entries.insert(service.id.clone(), entry);
            }
            state.early.clear();
        });
    }

    /// A service's status, and perhaps the result that led to it.
    pub(crate) fn heard(&self, heard: Heard) {
        self.change(|state| {
            if let Some(entry) = state.show(heard.status)
                && let Some(result) = heard.result
            {
                entry.count(result);
            }
        });
    }

    /// The statuses of all services at once; those that are as shown are no change.
    pub(crate) fn snapshot(&self, statuses: &[Arc<ServiceStatus>]) {
        self.change(|state| {
            for status in statuses {
                let shown = state.entries.get(&status.service).map(|entry| &entry.shown.status);
                if shown != Some(status) {
                    state.show(Arc::clone(status));
                }
            }
        });
    }

    /// An incident opened, worsened, was acknowledged or ended.
    pub(crate) fn incident(&self, changed: IncidentChanged) {
        self.change(|state| {
            if state.incidents.len() >= INCIDENTS_REMEMBERED
                && let Some((number, _)) = state.incidents.pop_front()
            {
                state.incidents_forgotten = number;
            }
            let number = state.next();
            state.incidents.push_back((number, changed));
        });
    }

    /// Which configuration is in force.
    pub(crate) fn configuration(&self, noted: ConfigurationNoted) {
        self.change(|state| {
            state.configuration = Some(Arc::new(noted));
            state.configuration_at = state.next();
        });
    }

    /// What is known about the machine's own network.
    pub(crate) fn network(&self, noted: NetworkNoted) {
        self.change(|state| {
            state.network = Some(noted);
            state.network_at = state.next();
        });
    }

    /// Whether the store takes what it is given.
    pub(crate) fn store(&self, noted: StoreNoted) {
        self.change(|state| {
            state.store = Some(noted);
            state.store_at = state.next();
        });
    }

    /// How publishing goes; the page of nodes shows it when it is asked for the next time.
    pub(crate) fn publishing(&self, publishing: Arc<Publishing>) {
        self.change(|state| state.publishing = publishing);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let version = {
            let mut state: RwLockWriteGuard<'_, State> =
                self.state.write().unwrap_or_else(PoisonError::into_inner);
            change(&mut state);
            state.version
        };
        self.version.send_if_modified(|told| {
            // another change may have been told of first
            let more = version > *told;
            *told = version.max(*told);
            more
        });
    }
}

impl State {
    /// The number of one further change. Each has its own: who comes back with the last number it saw would
    /// miss another change of that number. And a number without a change would wake those who follow for nothing.
    fn next(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// Shows a status; one of a service that is not configured yet waits until it is.
    fn show(&mut self, status: Arc<ServiceStatus>) -> Option<&mut Entry> {
        if let Some(entry) = self.entries.get_mut(&status.service) {
            self.version += 1;
            entry.changed = self.version;
            entry.shown = Shown::new(Arc::clone(&entry.shown.service), status);
            return Some(entry);
        }
        if self.early.len() < EARLY_LIMIT {
            self.early.insert(status.service.clone(), status);
        } else {
            p7_bus::note_dropped("board_early", 1);
        }
        None
    }

    fn changes_since(&self, seen: u64) -> Result<Vec<(u64, Change)>, TooFarBehind> {
        if self.incidents_forgotten > seen {
            return Err(TooFarBehind);
        }
        let mut changes: Vec<(u64, Change)> = Vec::new();
        let services = self.entries.values().filter(|entry| entry.changed > seen);
        changes.extend(services.map(|entry| (entry.changed, Change::Service(Arc::clone(&entry.shown)))));
        let incidents = self.incidents.iter().rev().take_while(|(number, _)| *number > seen);
        changes.extend(incidents.map(|(number, changed)| (*number, Change::Incident(changed.clone()))));
        if self.services_at > seen {
            changes.push((self.services_at, Change::Services));
        }
        if let Some(network) = self.network.clone().filter(|_| self.network_at > seen) {
            changes.push((self.network_at, Change::Network(network)));
        }
        if let Some(noted) = self.configuration.clone().filter(|_| self.configuration_at > seen) {
            changes.push((self.configuration_at, Change::Configuration(noted)));
        }
        if let Some(noted) = self.store.clone().filter(|_| self.store_at > seen) {
            changes.push((self.store_at, Change::Store(noted)));
        }
        if let Some(view) = self.mesh.clone().filter(|_| self.mesh_at > seen) {
            changes.push((self.mesh_at, Change::Mesh(view)));
        }
        changes.sort_by_key(|(number, _)| *number);
        Ok(changes)
    }

    /// How many incidents are open.
    pub(crate) fn incidents_open(&self) -> usize {
        self.entries.values().filter(|entry| entry.shown.status.incident.is_some()).count()
    }

    /// What is wrong with the store; none when nothing is.
    pub(crate) fn store_trouble(&self) -> Option<&str> {
        self.store.as_ref().and_then(|noted| noted.trouble.as_deref())
    }
}

impl Entry {
    /// Counts a result of one vantage point.
    fn count(&mut self, result: Arc<ProbeResult>) {
        let outcome = result.outcome;
        if !self.counted.contains_key(&result.node) && self.counted.len() >= VANTAGE_LIMIT {
            p7_bus::note_dropped("board_vantage", 1);
            return;
        }
        let counted = self
            .counted
            .entry(result.node.clone())
            .or_insert_with(|| Counted { last: Arc::clone(&result), outcomes: Default::default() });
        counted.last = result;
        for (count, one) in counted.outcomes.iter_mut().zip(Outcome::ALL) {
            *count += u64::from(one == outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_nothing_wakes_nobody() {
        let board = Board::default();
        let pending = |id: &str| Arc::new(ServiceStatus::pending(ServiceId::new(id).unwrap()));
        let mut follower = board.follow();
        board.heard(Heard { status: pending("shop"), result: None });
        board.snapshot(&[pending("mail"), pending("shop")]);
        assert!(!follower.has_changed().unwrap(), "neither is watched yet");
        board.network(NetworkNoted { cut_off: None, since: p7_core::vocabulary::MeshTime(1) });
        assert_eq!(*follower.borrow_and_update(), 1);
        assert_eq!(board.changes_since(0).unwrap().len(), 1);
    }
}
