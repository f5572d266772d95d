//! The store itself: opening, writing and closing it.

use crate::config::Config;
use crate::error::StoreError;
use crate::query::{IncidentsQuery, Page, ResultsQuery};
use crate::rollup::{Resolution, Rollup};
use p7_core::facts::{Acknowledgement, Deployment, Hold};
use p7_core::incident::{Incident, IncidentId};
use p7_core::result::ProbeResult;
use p7_core::vocabulary::{Cycle, MeshTime, NodeId, ServiceId};
use std::path::Path;
use std::sync::Arc;

/// What is remembered for good once [`Store::commit`] has returned.
#[derive(Debug, Clone)]
pub enum Fact {
    /// A result.
    Result(Arc<ProbeResult>),
    /// An incident as it now stands; replaces what was known of it.
    Incident(Arc<Incident>),
    /// Late results have shown that there was no such incident.
    NoIncident(IncidentId),
    /// Somebody has acknowledged an incident; of several the latest counts.
    Acknowledgement(Acknowledgement),
    /// A silence or maintenance; of several versions the latest stated counts.
    Hold(Hold),
    /// A deployment; the latest of a service counts.
    Deployment(Deployment),
}

/// Whether [`Store::upkeep`] has more to do right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// Call it again soon.
    More,
    /// All done; call it again in a minute.
    Done,
}

/// What the store takes, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Bytes of its files.
    pub disk_bytes: u64,
    /// Rows, estimated.
    pub rows: u64,
    /// Bytes it holds in memory: what is not yet in a table file, and cached blocks.
    pub memory_bytes: u64,
}

/// The node's memory. Cheap to clone; reads from any thread, writes one after the other.
#[derive(Debug, Clone)]
pub struct Store;

impl Store {
    /// Opens the store in the data folder `dir`, making both if needed.
    pub fn open(_dir: &Path, _config: &Config) -> Result<Self, StoreError> {
        Err(StoreError::Closed)
    }
    /// Writes all of `facts` or, when it fails, none. Once it has returned, no kill of the process
    /// loses them; a loss of power may, until [`Store::sync`].
    pub fn commit(&self, _facts: &[Fact]) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }
    /// Brings everything committed so far to the disk itself. Call it about once a second.
    pub fn sync(&self) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }
    /// The results of a service from the cycle `from` on, of all nodes, oldest first: for a restart.
    pub fn recent(&self, _service: &ServiceId, _from: Cycle) -> Result<Vec<ProbeResult>, StoreError> {
        Err(StoreError::Closed)
    }
    /// A page of results, newest first.
    pub fn results(&self, _query: &ResultsQuery) -> Result<Page<ProbeResult>, StoreError> {
        Err(StoreError::Closed)
    }
    /// A page of incidents, the latest first.
    pub fn incidents(&self, _query: &IncidentsQuery) -> Result<Page<Incident>, StoreError> {
        Err(StoreError::Closed)
    }
    /// One incident.
    pub fn incident(&self, _id: &IncidentId) -> Result<Option<Incident>, StoreError> {
        Err(StoreError::Closed)
    }
    /// Who has acknowledged an incident.
    pub fn acknowledgement(&self, _id: &IncidentId) -> Result<Option<Acknowledgement>, StoreError> {
        Err(StoreError::Closed)
    }
    /// The acknowledgements stated at `since` or later, those of the latest incidents first, at most
    /// [`crate::PAGE_LIMIT`].
    pub fn acknowledgements(&self, _since: MeshTime) -> Result<Vec<Acknowledgement>, StoreError> {
        Err(StoreError::Closed)
    }
    /// The silences and maintenances that end after `ending_after`, by id.
    pub fn holds(&self, _ending_after: MeshTime) -> Result<Vec<Hold>, StoreError> {
        Err(StoreError::Closed)
    }
    /// The last deployment of every service that has one, by service.
    pub fn deployments(&self) -> Result<Vec<Deployment>, StoreError> {
        Err(StoreError::Closed)
    }
    /// The figures of a service by hour or day for spans that start at `from` or later and before `to`,
    /// oldest first, of one vantage point or merged over all. Always current; a span without results
    /// is absent.
    pub fn rollups(
        &self,
        _service: &ServiceId,
        _node: Option<&NodeId>,
        _resolution: Resolution,
        _from: MeshTime,
        _to: MeshTime,
    ) -> Result<Vec<Rollup>, StoreError> {
        Err(StoreError::Closed)
    }
    /// One small step of rolling up closed hours and dropping what is past its time.
    pub fn upkeep(&self, _now: MeshTime) -> Result<Upkeep, StoreError> {
        Err(StoreError::Closed)
    }
    /// What the store takes.
    pub fn figures(&self) -> Figures {
        Figures::default()
    }
    /// Writes everything to table files and closes the store; whoever still holds it is told so.
    pub fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
