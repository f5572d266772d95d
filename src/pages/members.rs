//! One node on the page of nodes: what it does, how it is, and how far away.

use super::devices::{self, DeviceLine};
use super::frame::About;
use super::mesh::MeshPage;
use super::names::{Names, short};
use super::warnings::{has_drifted, is_here, is_skewed};
use super::words::{self, TimeView};
use p7_core::mesh::view::{Liveness, MemberView, MeshView};
use p7_core::mesh::words::{Claim, Role, Stamp};
use p7_core::vocabulary::{MeshTime, Millis};
use serde::Serialize;

/// The colour of what is well.
const WELL: &str = "green";

/// Something about a node that is well or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// What: `network`, `store`, `configuration`.
    pub label: &'static str,
    /// How it is, in words.
    pub text: String,
    /// Its colour.
    pub tone: &'static str,
    /// Its symbol.
    pub icon: &'static str,
    /// More, in lines.
    pub lines: Vec<String>,
    /// Since when.
    pub since: Option<TimeView>,
}

/// A role a node holds, or could.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleView {
    /// Which, and how it stands to it.
    pub text: String,
    /// `held`, `ready` or `unfit`.
    pub kind: &'static str,
}

/// A figure of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// What about.
    pub label: &'static str,
    /// The figure.
    pub text: String,
    /// Its colour where it asks to be looked at; else empty.
    pub tone: &'static str,
    /// What it means.
    pub more: &'static str,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The end of its id.
    pub short_id: String,
    /// Its version; empty while unknown.
    pub version: String,
    /// When it started.
    pub started: Option<TimeView>,
    /// How it is, for one of several; else empty.
    pub state: &'static str,
    /// That state's colour.
    pub tone: &'static str,
    /// That state's symbol.
    pub icon: &'static str,
    /// Since when.
    pub since: Option<TimeView>,
    /// Whether it is the node that renders.
    pub here: bool,
    /// Whether it is away.
    pub away: bool,
    /// What it does.
    pub roles: Vec<RoleView>,
    /// How far, how connected, what it has.
    pub figures: Vec<Figure>,
    /// Its labels, `key=value`.
    pub labels: Vec<String>,
    /// Its devices.
    pub devices: Vec<DeviceLine>,
    /// How it is.
    pub conditions: Vec<Condition>,
}

/// The only node there is.
pub(super) fn alone(about: &About, now: MeshTime) -> NodeView {
    NodeView {
        name: about.name.clone(),
        id: about.id.to_string(),
        short_id: String::new(),
        version: about.version.clone(),
        started: Some(TimeView::full(about.started, now)),
        state: "",
        tone: "green",
        icon: "node",
        since: None,
        here: true,
        away: false,
        roles: about.roles.iter().map(|role| RoleView { text: role.clone(), kind: "held" }).collect(),
        figures: Vec::new(),
        labels: about.labels.iter().map(|(k, v)| format!("{k}={v}")).collect(),
        devices: Vec::new(),
        conditions: conditions(about, now),
    }
}

/// One of several nodes.
pub(super) fn node(
    member: &MemberView,
    view: &MeshView,
    page: &MeshPage<'_>,
    skew_limit: Option<u64>,
    now: MeshTime,
) -> NodeView {
    let about = member.about.as_ref();
    let here = member.node == view.me;
    let (tone, icon) = match member.liveness {
        Liveness::Alive => ("green", "healthy"),
        Liveness::Suspect => ("orange", "warning"),
        Liveness::Down => ("red", "down"),
        Liveness::Left => ("grey", "mute"),
    };
    NodeView {
        name: page.names.of(&member.node),
        id: member.node.to_string(),
        short_id: short(&member.node).to_owned(),
        version: about.map(|about| about.version.clone()).unwrap_or_default(),
        started: about.map(|about| TimeView::full(about.started, now)),
        state: standing(member.liveness),
        tone,
        icon,
        since: Some(TimeView::full(member.since, now)),
        here,
        away: !is_here(member),
        roles: roles(member, view),
        figures: if is_here(member) { figures(member, view, skew_limit) } else { Vec::new() },
        labels: about.map(|a| a.labels.iter().map(|(k, v)| format!("{k}={v}")).collect()).unwrap_or_default(),
        devices: devices::lines(member, now),
        conditions: if here { troubles(page.about, now) } else { cut_off(member) },
    }
}

/// How a node is, for people.
pub(super) fn standing(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Alive => "alive",
        Liveness::Suspect => "not answering",
        Liveness::Down => "down",
        Liveness::Left => "switched off",
    }
}

/// A role for people.
pub(super) fn role(role: &Role) -> String {
    match role {
        Role::Leader => "leader".to_owned(),
        Role::Mailbox(name) => format!("mailbox {name}"),
        Role::Persona => "persona".to_owned(),
    }
}

/// Who leads since which term, and which configuration is shared.
pub(super) fn sentences(view: &MeshView, names: &Names) -> Vec<String> {
    let leads = match view.leader() {
        None => "Nobody leads: nothing is said or published until somebody does.".to_owned(),
        Some(claim) => {
            let who = names.of(&claim.node);
            match claim {
                Claim { full: true, term, .. } => format!("{who} leads since term {}.", term.0),
                Claim { full: false, term, .. } => {
                    format!("{who} leads its own side only, since term {}.", term.0)
                }
            }
        }
    };
    let shared = match view.configuration {
        Stamp { version: 0, .. } => "No shared configuration yet.".to_owned(),
        stamp => format!("Shared configuration: version {} ({}).", stamp.version, hash(stamp)),
    };
    let mut sentences = vec![leads, shared];
    if view.correction_ms != 0 {
        let by = offset(view.correction_ms);
        sentences.push(format!("The clock of {} is corrected by {by}.", names.of(&view.me)));
    }
    sentences
}

/// The beginning of a configuration's hash, as people compare it.
pub(super) fn hash(stamp: Stamp) -> String {
    format!("{:08x}", stamp.hash >> 32)
}

fn roles(member: &MemberView, view: &MeshView) -> Vec<RoleView> {
    let mut held = Vec::new();
    let mut others = Vec::new();
    for holding in &view.holdings {
        let claim = holding.claim.as_ref().filter(|claim| claim.node == member.node);
        if let Some(claim) = claim {
            let alone = if claim.full { "" } else { ", of its side" };
            let text = format!("{}, term {}{alone}", role(&holding.role), claim.term.0);
            held.push(RoleView { text, kind: "held" });
        } else if let Some((post, fit)) = member.posts.iter().find(|(post, _)| *post == holding.role) {
            let (kind, word) = if *fit { ("ready", "stands by") } else { ("unfit", "not fit now") };
            others.push(RoleView { text: format!("{}: {word}", role(post)), kind });
        }
    }
    held.extend(others.into_iter().filter(|_| is_here(member)));
    held
}

fn figures(member: &MemberView, view: &MeshView, skew_limit: Option<u64>) -> Vec<Figure> {
    let here = member.node == view.me;
    let dash = || "–".to_owned();
    let delay = match (here, member.round_trip) {
        (true, _) => dash(),
        (false, Some(ms)) => words::span(ms),
        (false, None) if member.connected => dash(),
        (false, None) => "via others".to_owned(),
    };
    let plain = |label, text, more| Figure { label, text, tone: "", more };
    let toned =
        |figure: Figure, troubled: bool| Figure { tone: if troubled { "orange" } else { "" }, ..figure };
    let configuration = match member.configuration.version {
        0 => "none".to_owned(),
        version if has_drifted(member, view) => format!("{version}, not {}", view.configuration.version),
        version => version.to_string(),
    };
    let clock = if here { dash() } else { member.offset_ms.map_or_else(dash, offset) };
    vec![
        toned(
            plain("clock", clock, "how far its clock is ahead of this node's"),
            is_skewed(member, skew_limit),
        ),
        plain("delay", delay, "how long a beat takes there and back"),
        plain("links", member.links.to_string(), "nodes it is connected to"),
        plain("tests", member.seats.to_string(), "services it is a vantage point of"),
        toned(
            plain("config", configuration, "the version of the shared configuration it has taken up"),
            has_drifted(member, view),
        ),
        plain("wire", member.wire.to_string(), "the newest wire format it understands"),
    ]
}

/// `+21.4 s`, `−12 ms`.
fn offset(ms: i64) -> String {
    let size = ms.unsigned_abs();
    let text = match size {
        0..1000 => format!("{size} ms"),
        1000..60_000 => format!("{}.{} s", size / 1000, size % 1000 / 100),
        _ => words::span(Millis(size)),
    };
    match ms {
        0 => text,
        1.. => format!("+{text}"),
        _ => format!("−{text}"),
    }
}

fn cut_off(member: &MemberView) -> Vec<Condition> {
    let said = Condition {
        label: "Network",
        text: "says that it is cut off".to_owned(),
        tone: "red",
        icon: "offline",
        lines: Vec::new(),
        since: None,
    };
    if member.cut_off && is_here(member) { vec![said] } else { Vec::new() }
}

/// Of the node that renders, among others, what is well needs no words.
fn troubles(about: &About, now: MeshTime) -> Vec<Condition> {
    conditions(about, now).into_iter().filter(|condition| condition.tone != WELL).collect()
}

fn conditions(about: &About, now: MeshTime) -> Vec<Condition> {
    vec![network(about, now), store(about), configuration(about, now)]
}

fn network(about: &About, now: MeshTime) -> Condition {
    match &about.cut_off {
        Some((why, since)) => Condition {
            label: "Network",
            text: "cut off".to_owned(),
            tone: "red",
            icon: "offline",
            lines: vec![why.clone()],
            since: Some(TimeView::full(*since, now)),
        },
        None => fine("Network", "connected"),
    }
}

fn store(about: &About) -> Condition {
    match &about.store_trouble {
        Some(trouble) => Condition {
            label: "Store",
            text: format!("not storing, {} lost", about.results_lost),
            tone: "orange",
            icon: "store",
            lines: vec![trouble.clone()],
            since: None,
        },
        None => fine("Store", "taking results"),
    }
}

fn configuration(about: &About, now: MeshTime) -> Condition {
    let in_force = match about.configuration.as_str() {
        "" => "none yet".to_owned(),
        hash => format!("version {hash} in force"),
    };
    let since = about.configured.map(|at| TimeView::full(at, now));
    if about.refused.is_empty() {
        return Condition { since, ..fine("Configuration", &in_force) };
    }
    Condition {
        label: "Configuration",
        text: format!("{in_force}; a newer one was refused"),
        tone: "orange",
        icon: "file",
        lines: about.refused.clone(),
        since,
    }
}

fn fine(label: &'static str, text: &str) -> Condition {
    Condition { label, text: text.to_owned(), tone: WELL, icon: "healthy", lines: Vec::new(), since: None }
}
