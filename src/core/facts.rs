//! What people state about services: acknowledgements, silences, maintenance, deployments.
//!
//! None of them changes what is measured, only what is shown and said.

use crate::incident::IncidentId;
use crate::vocabulary::{MeshTime, ServiceId};
use serde::{Deserialize, Serialize};

/// Longest text a person may give as reason or name, in bytes.
pub const NOTE_LIMIT: usize = 500;

/// Somebody has seen an incident and is on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Which incident.
    pub incident: IncidentId,
    /// Of which service.
    pub service: ServiceId,
    /// Who.
    pub by: String,
    /// When.
    pub at: MeshTime,
    /// What they said; may be empty.
    pub reason: String,
}

/// What a silence or a maintenance covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One service.
    Service(ServiceId),
    /// Every service of an environment.
    Environment(String),
    /// Everything.
    All,
}

/// Whether a [`Hold`] keeps people from being told, or also shows as maintenance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// Say nothing for a while.
    Silence,
    /// Work on it is going on.
    Maintenance,
}

/// A silence or an ad-hoc maintenance: from when to when, by whom and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id, made from its author and time.
    pub id: String,
    /// Silence or maintenance.
    pub kind: HoldKind,
    /// What it covers.
    pub scope: Scope,
    /// From when.
    pub starts: MeshTime,
    /// Until when. Lifting one early sets this earlier.
    pub ends: MeshTime,
    /// Who.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// When this version of it was stated; of two versions the later counts.
    pub stated: MeshTime,
}

/// How a deployment is getting on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentState {
    /// Going on: the card's line is light blue.
    Running,
    /// Done.
    Succeeded,
    /// Ended badly.
    Failed,
}

/// The last deployment of a service that the mesh was told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Of which service.
    pub service: ServiceId,
    /// Its name, such as a release number.
    pub name: String,
    /// Who or what deployed.
    pub by: String,
    /// How it is getting on.
    pub state: DeploymentState,
    /// When it was stated.
    pub at: MeshTime,
    /// Where to read more: an http(s) address.
    pub link: Option<String>,
}
