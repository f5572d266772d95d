//! Nodes, the configuration and readiness as the API shows them.

use super::{HoldingDto, MemberDto, StampDto};
use crate::api::time::Timestamp;
use p7_bus::{ConfigurationNoted, NetworkNoted, StoreNoted};
use serde::Serialize;
use utoipa::ToSchema;

/// The mesh as the node that answers sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mesh)]
pub(crate) struct MeshDto {
    /// The id of the node that answers.
    pub(crate) this: String,
    /// The node that answers, with what only it knows of itself.
    pub(crate) nodes: Vec<NodeDto>,
    /// Every node of the mesh, by id; empty for a node that runs alone.
    pub(crate) members: Vec<MemberDto>,
    /// Who holds the roles that one node holds; empty for a node that runs alone.
    pub(crate) holdings: Vec<HoldingDto>,
    /// The newest shared configuration; null when there is none.
    pub(crate) configuration: Option<StampDto>,
    /// How far the answering node's own clock is corrected.
    pub(crate) clock_correction_ms: i64,
    /// What is not as it should be, a line each: clocks, configurations, nodes that are cut off, releases.
    pub(crate) warnings: Vec<String>,
}

/// One node.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Node)]
pub(crate) struct NodeDto {
    /// Its id.
    pub(crate) id: String,
    /// Its name for people.
    pub(crate) name: String,
    /// The version it runs.
    pub(crate) version: String,
    /// When it started.
    pub(crate) started_at: Timestamp,
    /// What it knows about its own network; null before it has looked.
    pub(crate) network: Option<NetworkDto>,
    /// Whether its store takes what it is given.
    pub(crate) store: StoreDto,
    /// How many services it knows.
    pub(crate) services: usize,
    /// How many incidents are open.
    pub(crate) incidents_open: usize,
}

/// What a node knows about its own network.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Network)]
pub(crate) struct NetworkDto {
    /// Why it is believed to be cut off; null when it is not.
    cut_off: Option<String>,
    /// Since when.
    since: Timestamp,
}

/// Whether a node's store takes what it is given.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Store)]
pub(crate) struct StoreDto {
    /// What is wrong and what to do; null when nothing is.
    trouble: Option<String>,
    /// Results that were not stored since then.
    results_lost: u64,
}

/// The configuration in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Configuration)]
pub(crate) struct ConfigurationDto {
    /// A short hash of it.
    hash: String,
    /// When it was taken up.
    since: Timestamp,
    /// The faults of a newer file that was refused, a line each; empty when all is well.
    refused: Vec<String>,
    /// Whether node.toml has changed since the start: that is taken up by a restart only.
    restart_needed: bool,
    /// The configuration itself; secrets appear as references only.
    #[schema(value_type = Object)]
    in_force: serde_json::Value,
}

/// What the event `configuration` carries.
#[derive(Debug, Serialize)]
pub(crate) struct ConfigurationChanged {
    hash: String,
    since: Timestamp,
    refused: Vec<String>,
    restart_needed: bool,
}

/// Whether the node is ready to be asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct ReadinessDto {
    /// Whether it is.
    pub(crate) ready: bool,
    /// Why not, a line each; empty when ready.
    pub(crate) reasons: Vec<String>,
    /// What else is worth knowing, a line each.
    pub(crate) notes: Vec<String>,
}

impl NetworkDto {
    /// As noted.
    pub(crate) fn of(noted: &NetworkNoted) -> Self {
        Self { cut_off: noted.cut_off.clone(), since: Timestamp(noted.since) }
    }
}

impl StoreDto {
    /// As noted.
    pub(crate) fn of(noted: &StoreNoted) -> Self {
        Self { trouble: noted.trouble.clone(), results_lost: noted.lost }
    }
}

impl ConfigurationDto {
    /// As noted.
    pub(crate) fn of(noted: &ConfigurationNoted) -> Self {
        Self {
            hash: noted.hash.clone(),
            since: Timestamp(noted.since),
            refused: noted.refused.clone(),
            restart_needed: noted.restart_needed,
            in_force: serde_json::Value::clone(&noted.in_force),
        }
    }
}

impl ConfigurationChanged {
    /// As noted.
    pub(crate) fn of(noted: &ConfigurationNoted) -> Self {
        Self {
            hash: noted.hash.clone(),
            since: Timestamp(noted.since),
            refused: noted.refused.clone(),
            restart_needed: noted.restart_needed,
        }
    }
}
