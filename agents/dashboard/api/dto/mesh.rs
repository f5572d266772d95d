//! The mesh as the API shows it: who is there, who holds which role, who sees what.

use super::{DeviceDto, level_words, ms, outcome_words};
use crate::api::time::Timestamp;
use crate::board::Shown;
use crate::pages::Names;
use p7_core::mesh::view::{Holding, Liveness, MemberView, MeshView};
use p7_core::mesh::words::{Configuration, Role, Stamp};
use p7_core::status::VantageStatus;
use p7_core::vocabulary::NodeId;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// The words of being there.
pub(crate) const LIVENESS: [Liveness; 4] =
    [Liveness::Alive, Liveness::Suspect, Liveness::Down, Liveness::Left];

/// One node of the mesh as the answering node sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub(crate) struct MemberDto {
    /// Its id.
    id: String,
    /// Its name for people, or the end of its id while that is unknown.
    name: String,
    /// Its site, if its labels name one.
    site: Option<String>,
    /// Whether it is there: `suspect` is between alive and down, `left` stopped on purpose.
    #[schema(schema_with = liveness_words)]
    liveness: &'static str,
    /// Since when it is.
    since: Timestamp,
    /// When it was last heard.
    heard_at: Timestamp,
    /// Whether there is a connection to it; null for the answering node itself.
    connected: Option<bool>,
    /// The version it runs; null while unknown.
    version: Option<String>,
    /// When it started; null while unknown.
    started_at: Option<Timestamp>,
    /// Its labels.
    labels: BTreeMap<String, String>,
    /// Its devices, as it tells of them.
    devices: Vec<DeviceDto>,
    /// Where it listens for peers, as multiaddresses.
    addresses: Vec<String>,
    /// The roles it holds.
    #[schema(example = json!(["leader"]))]
    holds: Vec<String>,
    /// The roles it could hold.
    posts: Vec<PostDto>,
    /// Whether it says that it is cut off itself.
    cut_off: bool,
    /// The shared configuration it has taken up; null while it has none.
    configuration: Option<StampDto>,
    /// How far its wall clock is ahead of the answering node's; null while unknown.
    clock_offset_ms: Option<i64>,
    /// How long a beat of its takes there and back; null while unknown.
    round_trip_ms: Option<u64>,
    /// How many peers it is connected to.
    links: u16,
    /// The newest wire format it understands.
    wire: u8,
    /// How many services it is a vantage point of.
    services: u32,
}

/// A role that a node could hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Post)]
pub(crate) struct PostDto {
    /// Which: `leader`, `mailbox:NAME`, `persona`.
    #[schema(example = "leader")]
    role: String,
    /// Whether it could do the work right now.
    fit: bool,
}

/// Who holds a role that one node holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Holding)]
pub(crate) struct HoldingDto {
    /// Which: `leader`, `mailbox:NAME`, `persona`.
    #[schema(example = "leader")]
    role: String,
    /// The id of the node that holds it; null when nobody does.
    holder: Option<String>,
    /// The term of its claim.
    term: Option<u64>,
    /// Whether the whole mesh follows it; false for a claim made alone, which serves its own side.
    full: Option<bool>,
}

/// A version of the shared configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConfigurationStamp)]
pub(crate) struct StampDto {
    /// Counts versions.
    version: u64,
    /// The beginning of its hash: of two edits at once the greater one wins.
    #[schema(example = "3f9c2a7105d488be")]
    hash: String,
}

/// The shared configuration itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SharedConfiguration)]
pub(crate) struct SharedConfigurationDto {
    #[serde(flatten)]
    stamp: StampDto,
    /// Who gave it to the mesh.
    by: String,
    /// When.
    at: Timestamp,
    /// mesh.toml, word by word.
    text: String,
}

/// A new shared configuration that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AppliedConfiguration)]
pub(crate) struct AppliedDto {
    #[serde(flatten)]
    pub(crate) stamp: StampDto,
    /// What it changes, a line each; empty when it says what was in force already.
    pub(crate) changes: Vec<String>,
    /// The names of the nodes that take it up now.
    pub(crate) taken_by: Vec<String>,
    /// The names of those that are away, and take it up when they are back.
    pub(crate) later: Vec<String>,
}

/// What each vantage point sees of one service.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MatrixRow)]
pub(crate) struct MatrixRowDto {
    /// The service's id.
    service: String,
    /// How it is doing.
    #[schema(schema_with = level_words)]
    level: &'static str,
    /// A cell for each vantage point; a node without one does not test the service.
    cells: Vec<MatrixCellDto>,
}

/// What one vantage point sees of one service.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MatrixCell)]
pub(crate) struct MatrixCellDto {
    /// The node's id.
    node: String,
    /// Its latest outcome.
    #[schema(schema_with = outcome_words)]
    outcome: &'static str,
    /// When.
    at: Timestamp,
    /// How long it took.
    latency_ms: Option<f64>,
}

/// What the event `mesh` carries: enough to see whether to ask for more.
#[derive(Debug, Serialize)]
pub(crate) struct MeshChanged {
    leader: Option<String>,
    term: Option<u64>,
    alive: usize,
    known: usize,
    configuration: Option<StampDto>,
}

impl MemberDto {
    /// Every node of the view, by id.
    pub(crate) fn all(view: &MeshView, names: &Names) -> Vec<Self> {
        view.members.iter().map(|member| Self::of(member, view, names)).collect()
    }

    fn of(member: &MemberView, view: &MeshView, names: &Names) -> Self {
        let about = member.about.as_ref();
        let held = |holding: &&Holding| holding.claim.as_ref().is_some_and(|claim| claim.node == member.node);
        let post = |(post, fit): &(Role, bool)| PostDto { role: role(post), fit: *fit };
        Self {
            id: member.node.as_str().to_owned(),
            name: names.of(&member.node),
            site: names.site(&member.node).map(str::to_owned),
            liveness: member.liveness.as_str(),
            since: Timestamp(member.since),
            heard_at: Timestamp(member.heard),
            connected: (member.node != view.me).then_some(member.connected),
            version: about.map(|about| about.version.clone()),
            started_at: about.map(|about| Timestamp(about.started)),
            labels: about.map(|about| about.labels.clone()).unwrap_or_default(),
            devices: DeviceDto::told(member),
            addresses: about.map(|about| about.addresses.clone()).unwrap_or_default(),
            holds: view.holdings.iter().filter(held).map(|holding| role(&holding.role)).collect(),
            posts: member.posts.iter().map(post).collect(),
            cut_off: member.cut_off,
            configuration: StampDto::of(member.configuration),
            clock_offset_ms: member.offset_ms,
            round_trip_ms: member.round_trip.map(|ms| ms.0),
            links: member.links,
            wire: member.wire,
            services: member.seats,
        }
    }
}

impl HoldingDto {
    /// Every role that one node holds.
    pub(crate) fn all(view: &MeshView) -> Vec<Self> {
        let of = |holding: &Holding| {
            let claim = holding.claim.as_ref();
            Self {
                role: role(&holding.role),
                holder: claim.map(|claim| claim.node.as_str().to_owned()),
                term: claim.map(|claim| claim.term.0),
                full: claim.map(|claim| claim.full),
            }
        };
        view.holdings.iter().map(of).collect()
    }
}

impl StampDto {
    /// None for version 0, which is none.
    pub(crate) fn of(stamp: Stamp) -> Option<Self> {
        (stamp.version > 0).then(|| Self::known(stamp))
    }

    /// Of a version that there is.
    pub(crate) fn known(stamp: Stamp) -> Self {
        Self { version: stamp.version, hash: format!("{:016x}", stamp.hash) }
    }
}

impl SharedConfigurationDto {
    /// As it was given.
    pub(crate) fn of(shared: &Configuration) -> Self {
        Self {
            stamp: StampDto::known(shared.stamp),
            by: shared.by.clone(),
            at: Timestamp(shared.at),
            text: shared.text.as_ref().to_owned(),
        }
    }
}

impl MatrixRowDto {
    /// Of a service as it now is.
    pub(crate) fn of(shown: &Shown) -> Self {
        let cell = |vantage: &VantageStatus| MatrixCellDto {
            node: vantage.node.as_str().to_owned(),
            outcome: vantage.outcome.as_str(),
            at: Timestamp(vantage.at),
            latency_ms: ms(Some(vantage.latency)),
        };
        Self {
            service: shown.service.id.as_str().to_owned(),
            level: shown.status.level.as_str(),
            cells: shown.status.vantage.iter().map(cell).collect(),
        }
    }
}

impl MeshChanged {
    /// As the mesh now is.
    pub(crate) fn of(view: &MeshView) -> Self {
        let leader = view.leader();
        let alive = |member: &&MemberView| member.liveness == Liveness::Alive;
        Self {
            leader: leader.map(|claim| NodeId::as_str(&claim.node).to_owned()),
            term: leader.map(|claim| claim.term.0),
            alive: view.members.iter().filter(alive).count(),
            known: view.members.len(),
            configuration: StampDto::of(view.configuration),
        }
    }
}

/// A role's name in the API.
fn role(role: &Role) -> String {
    match role {
        Role::Leader => "leader".to_owned(),
        Role::Mailbox(name) => format!("mailbox:{name}"),
        Role::Persona => "persona".to_owned(),
    }
}

fn liveness_words() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(LIVENESS.map(Liveness::as_str)))
}
