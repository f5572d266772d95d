//! The page of nodes: who is there, how they are, who leads, and which of them sees what.

use super::card::{icon, outcome_icon};
use super::frame::{About, Frame, Site, service_link};
use super::members::{self, NodeView};
use super::names::Names;
use super::publishing::PublishRow;
use super::warnings::{self, Warning, warnings};
use super::words;
use p7_core::mesh::view as core;
use p7_core::service::Service;
use p7_core::status::{ServiceStatus, VantageStatus};
use p7_core::vocabulary::{MeshTime, Millis, NodeId};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Cells of the matrix; beyond, the page would have megabytes, and the services that are well are left out.
const CELLS_LIMIT: usize = 12_000;
/// Columns that still have room for latencies and upright names.
const ROOMY_COLUMNS: usize = 8;
/// A result that is older than so many intervals is memory.
const FRESH_INTERVALS: u64 = 3;

/// What one node sees of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// What it came to; empty when this node does not test the service.
    pub outcome: &'static str,
    /// Its colour.
    pub tone: &'static str,
    /// Its symbol.
    pub icon: &'static str,
    /// How long it took.
    pub latency: String,
    /// Why; may be empty.
    pub reason: String,
    /// Whether it is memory: the node is gone, or was not heard about this service for long.
    pub old: bool,
}

/// The head of one column of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnView {
    /// The node's name.
    pub name: String,
    /// How it is, if it is not there; else empty.
    pub away: &'static str,
}

/// One service's line of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatrixRow {
    /// The service's id.
    pub id: String,
    /// The service's name.
    pub name: String,
    /// Its environment.
    pub environment: String,
    /// Link to its page from the site's top.
    pub href: String,
    /// Its level's name in the API.
    pub level: &'static str,
    /// Its level for people, or that it is in maintenance.
    pub word: &'static str,
    /// The level of what is in maintenance; else empty.
    pub beside: &'static str,
    /// Its symbol.
    pub icon: &'static str,
    /// Its colour.
    pub tone: &'static str,
    /// A cell for each vantage point.
    pub cells: Vec<Cell>,
}

/// What the page of nodes is made from.
#[derive(Debug, Clone, Copy)]
pub struct MeshPage<'a> {
    /// The node that renders.
    pub about: &'a About,
    /// The mesh as it sees it; none while it runs alone.
    pub view: Option<&'a core::MeshView>,
    /// What the nodes are called.
    pub names: &'a Names,
    /// The services, in any order.
    pub services: &'a [(&'a Service, &'a ServiceStatus)],
    /// The places the pages are published on.
    pub publishing: &'a [PublishRow],
}

/// The page of nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeshView {
    /// What surrounds it.
    pub frame: Frame,
    /// How many there are, in words.
    pub headline: String,
    /// What the favicon and the lamp say: `healthy`, `warning`, `incident`.
    pub worst: &'static str,
    /// Who leads, and what configuration they share, in sentences; empty for a node alone.
    pub sentences: Vec<String>,
    /// What is not as it should be.
    pub warnings: Vec<Warning>,
    /// The nodes, those that are away last.
    pub nodes: Vec<NodeView>,
    /// The heads over the matrix.
    pub vantage: Vec<ColumnView>,
    /// Whether there are so many that only symbols have room.
    pub dense: bool,
    /// The matrix, the worst service first.
    pub rows: Vec<MatrixRow>,
    /// How many more services there are that are no worse; empty when all are shown.
    pub hidden: String,
    /// The places the pages are published on.
    pub publishing: Vec<PublishRow>,
}

impl MeshView {
    /// What is known of the nodes and what they see.
    pub fn new(frame: Frame, page: &MeshPage<'_>, now: MeshTime) -> Self {
        let shortest = page.services.iter().map(|(service, _)| service.interval.span()).min();
        let warnings = page.view.map(|view| warnings(view, page.names, shortest)).unwrap_or_default();
        let (headline, away) = headline(page.view);
        let columns = columns(page);
        let shown = (CELLS_LIMIT / columns.len().max(1)).max(1);
        let hidden = match page.services.len().saturating_sub(shown) {
            0 => String::new(),
            n => words::count(n, "more service", "more services"),
        };
        Self {
            worst: match (frame.notices.is_empty() && warnings.is_empty(), away) {
                (true, 0) => "healthy",
                (false, 0) => "warning",
                (_, _) => "incident",
            },
            headline,
            warnings,
            sentences: page.view.map(|view| members::sentences(view, page.names)).unwrap_or_default(),
            nodes: nodes(page, shortest, now),
            rows: sorted(page.services)
                .take(shown)
                .map(|(service, status)| row(service, status, &columns, now))
                .collect(),
            dense: columns.len() > ROOMY_COLUMNS,
            vantage: columns.into_iter().map(|column| column.head).collect(),
            hidden,
            publishing: page.publishing.to_vec(),
            frame,
        }
    }
}

/// `5 nodes, 1 of them down`, and how many are missed.
fn headline(view: Option<&core::MeshView>) -> (String, usize) {
    let Some(view) = view else { return ("One node".to_owned(), 0) };
    let count = |wanted| view.members.iter().filter(|member| member.liveness == wanted).count();
    let (down, left) = (count(core::Liveness::Down), count(core::Liveness::Left));
    let mut text = match view.members.len() {
        1 => "One node".to_owned(),
        n => format!("{n} nodes"),
    };
    for (n, word) in [(down, "down"), (left, "switched off")] {
        if n > 0 {
            write!(text, ", {n} {word}").unwrap_or_default();
        }
    }
    (text, down)
}

fn nodes(page: &MeshPage<'_>, shortest: Option<Millis>, now: MeshTime) -> Vec<NodeView> {
    let Some(view) = page.view else { return vec![members::alone(page.about, now)] };
    let mut sorted: Vec<&core::MemberView> = view.members.iter().collect();
    sorted.sort_by_cached_key(|member| {
        (!warnings::is_here(member), page.names.of(&member.node).to_lowercase(), member.node.clone())
    });
    let of = |member| members::node(member, view, page, warnings::skew_limit(shortest), now);
    sorted.into_iter().map(of).collect()
}

fn sorted<'a>(
    services: &[(&'a Service, &'a ServiceStatus)],
) -> impl Iterator<Item = (&'a Service, &'a ServiceStatus)> {
    let mut sorted = services.to_vec();
    sorted.sort_by_cached_key(|(service, status)| {
        (Reverse(status.level), Reverse(status.failtage), service.name.to_lowercase())
    });
    sorted.into_iter()
}

/// A column and whose it is.
struct Column<'a> {
    node: &'a NodeId,
    head: ColumnView,
}

/// Every node that sees something or is in the mesh, by name; those that are away last.
fn columns<'a>(page: &MeshPage<'a>) -> Vec<Column<'a>> {
    let mut away: BTreeMap<&NodeId, &'static str> = BTreeMap::new();
    let mut seen: BTreeSet<&NodeId> =
        page.services.iter().flat_map(|(_, s)| s.vantage.iter().map(|v| &v.node)).collect();
    for member in page.view.iter().flat_map(|view| &view.members) {
        let word = members::standing(member.liveness);
        if warnings::is_here(member) {
            seen.insert(&member.node);
        } else {
            away.insert(&member.node, word);
        }
    }
    let head = |node: &NodeId| ColumnView {
        name: page.names.of(node),
        away: away.get(node).copied().unwrap_or_default(),
    };
    let mut columns: Vec<Column<'a>> =
        seen.into_iter().map(|node| Column { node, head: head(node) }).collect();
    columns.sort_by_cached_key(|column| (!column.head.away.is_empty(), column.head.name.to_lowercase()));
    columns
}

fn row(service: &Service, status: &ServiceStatus, columns: &[Column<'_>], now: MeshTime) -> MatrixRow {
    let (word, beside) = words::standing(status);
    let oldest = now.minus(Millis(service.interval.span().0.saturating_mul(FRESH_INTERVALS)));
    let seen: BTreeMap<&NodeId, &VantageStatus> = status.vantage.iter().map(|v| (&v.node, v)).collect();
    MatrixRow {
        id: service.id.to_string(),
        name: service.name.clone(),
        environment: service.environment.clone(),
        href: service_link(Site::Live, &service.id),
        level: status.level.as_str(),
        word,
        beside,
        icon: icon(status),
        tone: status.colour().as_str(),
        cells: columns.iter().map(|column| cell(seen.get(column.node).copied(), column, oldest)).collect(),
    }
}

fn cell(seen: Option<&VantageStatus>, column: &Column<'_>, oldest: MeshTime) -> Cell {
    let Some(v) = seen else {
        let (latency, reason) = (String::new(), String::new());
        return Cell { outcome: "", tone: "grey", icon: "unknown", latency, reason, old: false };
    };
    Cell {
        outcome: words::outcome(v.outcome),
        tone: v.outcome.colour().as_str(),
        icon: outcome_icon(v.outcome),
        latency: words::latency(v.latency),
        reason: v.reason.as_deref().unwrap_or_default().to_owned(),
        old: !column.head.away.is_empty() || v.at < oldest,
    }
}
