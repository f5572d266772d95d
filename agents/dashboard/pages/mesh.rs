//! The page of nodes: who is there, how they are, and which of them sees what.

use super::card::{icon, outcome_icon};
use super::frame::{About, Frame, Site, service_link};
use super::words::{self, Names, TimeView};
use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{MeshTime, NodeId};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeSet;

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

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// When it started.
    pub started: TimeView,
    /// What it does.
    pub roles: Vec<String>,
    /// Its labels, `key=value`.
    pub labels: Vec<String>,
    /// How it is.
    pub conditions: Vec<Condition>,
}

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
}

/// One service's line of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatrixRow {
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

/// The page of nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeshView {
    /// What surrounds it.
    pub frame: Frame,
    /// The nodes, by name.
    pub nodes: Vec<NodeView>,
    /// The names over the matrix.
    pub vantage: Vec<String>,
    /// The matrix, the worst service first.
    pub rows: Vec<MatrixRow>,
}

impl MeshView {
    /// Of these nodes and services; the services come in any order.
    pub fn new(
        frame: Frame,
        nodes: &[About],
        services: &[(&Service, &ServiceStatus)],
        names: &Names,
        now: MeshTime,
    ) -> Self {
        let seen: BTreeSet<&NodeId> =
            services.iter().flat_map(|(_, s)| s.vantage.iter().map(|v| &v.node)).collect();
        let mut columns: Vec<(String, &NodeId)> = seen.into_iter().map(|n| (names.of(n), n)).collect();
        columns.sort();
        let mut sorted: Vec<&(&Service, &ServiceStatus)> = services.iter().collect();
        sorted.sort_by_cached_key(|(service, status)| {
            (Reverse(status.level), Reverse(status.failtage), service.name.to_lowercase())
        });
        Self {
            frame,
            nodes: nodes.iter().map(|n| node(n, now)).collect(),
            rows: sorted.into_iter().map(|(service, status)| row(service, status, &columns)).collect(),
            vantage: columns.into_iter().map(|(name, _)| name).collect(),
        }
    }
}

fn row(service: &Service, status: &ServiceStatus, columns: &[(String, &NodeId)]) -> MatrixRow {
    let cell = |node: &NodeId| match status.vantage.iter().find(|v| v.node == *node) {
        Some(v) => Cell {
            outcome: words::outcome(v.outcome),
            tone: v.outcome.colour().as_str(),
            icon: outcome_icon(v.outcome),
            latency: words::latency(v.latency),
            reason: v.reason.as_deref().unwrap_or_default().to_owned(),
        },
        None => {
            Cell { outcome: "", tone: "grey", icon: "unknown", latency: String::new(), reason: String::new() }
        }
    };
    let (word, beside) = words::standing(status);
    MatrixRow {
        name: service.name.clone(),
        environment: service.environment.clone(),
        href: service_link(Site::Live, &service.id),
        level: status.level.as_str(),
        word,
        beside,
        icon: icon(status),
        tone: status.colour().as_str(),
        cells: columns.iter().map(|(_, node)| cell(node)).collect(),
    }
}

fn node(about: &About, now: MeshTime) -> NodeView {
    NodeView {
        name: about.name.clone(),
        id: about.id.to_string(),
        version: about.version.clone(),
        started: TimeView::full(about.started, now),
        roles: about.roles.clone(),
        labels: about.labels.iter().map(|(k, v)| format!("{k}={v}")).collect(),
        conditions: vec![network(about, now), store(about), configuration(about, now)],
    }
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
    Condition { label, text: text.to_owned(), tone: "green", icon: "healthy", lines: Vec::new(), since: None }
}
