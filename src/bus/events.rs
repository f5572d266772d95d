//! What agents tell and ask each other.

use actix::prelude::*;
use p7_core::facts::{Acknowledgement, Deployment, Hold, HoldKind, Scope};
use p7_core::incident::Incident;
use p7_core::mesh::view::MeshView;
use p7_core::mesh::words::{Configuration, Fact, Stamp};
use p7_core::result::ProbeResult;
use p7_core::schedule::Seat;
use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{Level, MeshTime, NodeId, ServiceId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// prober → aggregator: a probe of this node has finished and its result stands.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ProbeFinished(pub Arc<ProbeResult>);

/// aggregator → dashboard (and every other agent that shows or says something): a service's status.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Heard {
    /// The whole status as it now is.
    pub status: Arc<ServiceStatus>,
    /// The result that led to it; none when time, a person or the configuration did.
    pub result: Option<Arc<ProbeResult>>,
}

/// aggregator → dashboard: every service's status at once, by id: after a start, and after a change of
/// configuration. A service that is not among them is no longer watched.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Snapshot(pub Arc<Vec<Arc<ServiceStatus>>>);

/// aggregator → everybody: an incident opened, worsened, was acknowledged or ended.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct IncidentChanged {
    /// As it now stands.
    pub incident: Arc<Incident>,
    /// Who has acknowledged it.
    pub acknowledged: Option<Acknowledgement>,
}

/// node → prober, aggregator, dashboard: the services to watch from now on, in id order.
/// Probe settings travel to the prober apart from this.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Configured(pub Arc<Vec<Arc<Service>>>);

/// node → dashboard: which configuration is in force, and what is wrong with a refused newer one.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ConfigurationNoted {
    /// The configuration in force as redacted TOML-like JSON, for `/api/v1/config`.
    pub in_force: Arc<serde_json::Value>,
    /// A short hash of it.
    pub hash: String,
    /// When it was taken up.
    pub since: MeshTime,
    /// The faults of a newer file that was refused, a line each; empty when all is well.
    pub refused: Vec<String>,
    /// The mesh's name, if it has one.
    pub mesh_name: Option<String>,
    /// Whether node.toml has changed since the start: that is taken up by a restart only.
    pub restart_needed: bool,
}

/// prober → aggregator, dashboard: what is known about this machine's own network.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct NetworkNoted {
    /// Why the machine is believed to be cut off, in words; none when it is not.
    pub cut_off: Option<String>,
    /// Since when.
    pub since: MeshTime,
}

/// aggregator → dashboard: whether the store takes what it is given.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct StoreNoted {
    /// What is wrong and what to do, in words; none when nothing is.
    pub trouble: Option<String>,
    /// Results that were not stored since then.
    pub lost: u64,
}

/// anybody → prober: test this service now, outside its schedule. The result is answered, not published.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Arc<ProbeResult>, AskError>")]
pub struct ProbeNow(pub ServiceId);

/// persona → node: test this http, https, tcp or tls address now, once. The result is answered, not published.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "Result<Arc<ProbeResult>, AskError>")]
pub struct ProbeAddress(pub String);

/// dashboard, persona → aggregator: somebody states something.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "Result<Ask, AskError>")]
pub enum Request {
    /// Acknowledge the service's open incident.
    Acknowledge {
        /// The service.
        service: ServiceId,
        /// Who.
        by: String,
        /// What they say; may be empty.
        reason: String,
    },
    /// A silence or a maintenance.
    Hold {
        /// Which of the two.
        kind: HoldKind,
        /// What it covers.
        scope: Scope,
        /// From when; none means now.
        starts: Option<MeshTime>,
        /// Until when.
        ends: MeshTime,
        /// Who.
        by: String,
        /// Why; may be empty.
        reason: String,
    },
    /// End a silence or a maintenance now.
    Lift {
        /// Its id.
        id: String,
        /// Who.
        by: String,
    },
    /// A deployment started or ended; `at` is filled in by the aggregator.
    Deployed(Deployment),
    /// All holds that have not ended.
    Holds,
}

/// What was stated, as it now stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// The acknowledgement.
    Acknowledged(Acknowledgement),
    /// The hold.
    Held(Hold),
    /// The deployment.
    Deployed(Deployment),
    /// The holds, by id.
    Holds(Vec<Hold>),
}

/// Why an ask was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// There is no such thing.
    #[error("there is no {kind} `{id}`")]
    NotFound {
        /// `service`, `incident`, `silence or maintenance`.
        kind: &'static str,
        /// What was asked for.
        id: String,
    },
    /// It can't be done as things are.
    #[error("{0}")]
    Conflict(String),
    /// The ask itself is wrong.
    #[error("{0}")]
    Invalid(String),
    /// It can't be stored as things are; what is wrong and what to do.
    #[error("{0}")]
    Unavailable(String),
    /// Too much at once; try again.
    #[error("the node is busy; try again in a few seconds")]
    Busy,
}

/// aggregator → member: this node states something, for the whole mesh to know.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Stated(pub Vec<Fact>);

/// member → aggregator: what other nodes have stated, each with its author, who has signed it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct FactsHeard(pub Vec<(NodeId, Fact)>);

/// member → aggregator, dashboard: who is in the mesh, and who holds which role.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct MeshNoted(pub Arc<MeshView>);

/// member → prober: the services that are tested from here, and this node's place among the vantage
/// points of each. Before the first of these a node that runs alone tests everything.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct SeatsTaken(pub Arc<BTreeMap<ServiceId, Seat>>);

/// member → prober: another vantage point sees this service change; look now, beside the schedule.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct LookNow(pub ServiceId);

/// prober → member: a probe of a service that was well takes suspiciously long.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Suspected {
    /// The service.
    pub service: ServiceId,
    /// When the probe began.
    pub began: MeshTime,
}

/// dashboard → node: somebody gives the mesh a new shared configuration. It is checked here, on the asked
/// node; what passes is stated, so that every node takes it up.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "Result<Applied, ApplyError>")]
pub struct Apply {
    /// mesh.toml itself.
    pub text: Arc<str>,
    /// Who.
    pub by: String,
}

/// What became of a new shared configuration that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Which version it is.
    pub stamp: Stamp,
    /// What it changes, a line each; empty when it says what was in force already.
    pub changes: Vec<String>,
}

/// Why a new shared configuration was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// It has faults, a line each, with line and column.
    #[error("the configuration has faults: {}", .0.join("; "))]
    Faulty(Vec<String>),
    /// Not as things are; what and what to do.
    #[error("{0}")]
    Ask(#[from] AskError),
}

/// dashboard → node: the newest shared configuration, word by word; none when the mesh has none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "Result<Option<Arc<Configuration>>, AskError>")]
pub struct SharedConfiguration;

/// member → prober: what the mesh's peers show about this machine's own network. It stands until the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct PeersNoted(pub PeersSeen);

/// What the mesh's peers show about this machine's own network. Only peers at another site count: those
/// behind the same uplink are reached without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PeersSeen {
    /// There is no mesh, or no peer at another site is known.
    #[default]
    NoMesh,
    /// A peer at another site was heard in the last moment: this machine is not cut off, whatever its
    /// anchors and routes say.
    Some,
    /// Peers at other sites are known and none is heard. They may be down themselves, so this alone does
    /// not mean that this machine is cut off.
    None,
}

/// dashboard → notifier: what was said on which channel, what waits, and what does not work; as the API's
/// JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "Result<Arc<serde_json::Value>, AskError>")]
pub struct Notifications;

/// mailbox → notifier: a mail is worth a word.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct MailFound {
    /// The mailbox's name.
    pub mailbox: String,
    /// The channels that are told.
    pub channels: Vec<String>,
    /// How grave it is.
    pub level: Level,
    /// What is said: no more of the mail than may be shared.
    pub says: String,
}

/// dashboard → notifier: somebody tries a channel out. Answered with what became of it, in words.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "Result<String, AskError>")]
pub struct TestChannel {
    /// The channel's name.
    pub channel: String,
    /// Who.
    pub by: String,
}
