//! The families this agent writes itself. Their names and labels are a contract; see docs/http-api.md.

use super::text::{Kind, Text};
use crate::board::{Counted, Entry};
use crate::pages::Names;
use crate::shared::Shared;
use p7_core::mesh::view::{Liveness, MemberView};
use p7_core::service::Service;
use p7_core::status::Failtage;
use p7_core::vocabulary::{Level, MeshTime, Micros, NodeId, Outcome, Vote};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Outcomes that are written even while none was counted, so that the first one is seen as a rise.
const ALWAYS: [Outcome; 2] = [Outcome::Up, Outcome::Failed];

/// The kind of services whose answers have a status code.
const HTTP: &str = "http";

/// What a level is as a number: worse is greater.
fn number(level: Level) -> f64 {
    match level {
        Level::Unknown => 0.0,
        Level::Healthy => 1.0,
        Level::Partial => 2.0,
        Level::Warning => 3.0,
        Level::Incident => 4.0,
        Level::Down => 5.0,
    }
}

/// Writes what services come to.
pub(super) fn services(text: &mut Text, shared: &Shared) {
    // a copy, so that a scrape of many services keeps nobody from writing
    let (entries, names, away) = {
        let state = shared.board.read();
        let entries: Vec<Entry> = state.entries.values().cloned().collect();
        let gone = |member: &&MemberView| matches!(member.liveness, Liveness::Down | Liveness::Left);
        let away = state.mesh.iter().flat_map(|view| view.members.iter().filter(gone));
        let away: BTreeSet<NodeId> = away.map(|member| member.node.clone()).collect();
        (entries, Arc::clone(&state.names), away)
    };
    let mut each = Each { text, names: &names, away: &away, entries: &entries };
    each.last("probe_success", "Whether the last probe passed; absent while it says nothing.", |last| {
        last.outcome.vote().map(|vote| f64::from(u8::from(vote == Vote::Passed)))
    });
    each.last("probe_duration_seconds", "How long the last probe took.", |last| {
        Some(last.latency.as_seconds())
    });
    each.status_codes();
    each.phases();
    each.last("probe_dns_lookup_time_seconds", "How long the last probe looked up the name.", |last| {
        (last.phases.resolve != Micros(0)).then(|| last.phases.resolve.as_seconds())
    });
    each.last(
        "probe_ssl_earliest_cert_expiry",
        "When the first certificate of the chain expires, in Unix time.",
        |last| last.certificate_expiry.map(seconds),
    );
    each.results();
    each.status("p7_failtage_ratio", "Failed of voting results over the window, 0 to 1.", |entry| {
        entry.shown.status.failtage.map(Failtage::ratio)
    });
    each.status(
        "p7_service_level",
        "0 unknown, 1 healthy, 2 partial, 3 warning, 4 incident, 5 down.",
        |entry| Some(number(entry.shown.status.level)),
    );
}

/// Writes what the node itself comes to.
pub(super) fn node(text: &mut Text, shared: &Shared) {
    let state = shared.board.read();
    let flag = |on: bool| f64::from(u8::from(on));
    text.family("p7_incidents_open", Kind::Gauge, "Incidents that are open.")
        .sample(&[], count(state.incidents_open()));
    text.family("p7_services", Kind::Gauge, "Services that are watched.")
        .sample(&[], count(state.entries.len()));
    let refused = state.configuration.as_ref().is_some_and(|noted| !noted.refused.is_empty());
    text.family("p7_config_refused", Kind::Gauge, "1 while a newer configuration is refused.")
        .sample(&[], flag(refused));
    text.family("p7_store_trouble", Kind::Gauge, "1 while the store does not take what it is given.")
        .sample(&[], flag(state.store_trouble().is_some()));
    let lost = state.store.as_ref().map_or(0, |noted| noted.lost);
    text.family("p7_store_results_lost", Kind::Gauge, "Results not stored since the store's trouble began.")
        .sample(&[], exact(lost));
    let cut_off = state.network.as_ref().is_some_and(|noted| noted.cut_off.is_some());
    text.family("p7_network_cut_off", Kind::Gauge, "1 while this machine is believed to be cut off.")
        .sample(&[], flag(cut_off));
    drop(state);
    text.family("p7_event_listeners", Kind::Gauge, "Who follows the event stream.")
        .sample(&[], count(shared.listeners.count()));
    let mut dropped =
        text.family("p7_dropped_total", Kind::Counter, "What was dropped because a queue was full.");
    for (place, n) in p7_bus::dropped() {
        dropped.sample(&[("where", place)], exact(n));
    }
    text.family("p7_build_info", Kind::Gauge, "Always 1; says what runs.").sample(
        &[
            ("version", &shared.parts.version),
            ("node", shared.parts.node.as_str()),
            ("name", &shared.parts.node_name),
        ],
        1.0,
    );
}

/// A moment in Unix seconds.
pub(super) fn seconds(at: MeshTime) -> f64 {
    exact(at.0) / 1000.0
}

/// A count as Prometheus writes numbers.
#[expect(clippy::cast_precision_loss, reason = "counts and times stay far below 2^52")]
pub(super) fn exact(n: u64) -> f64 {
    n as f64
}

/// A number of things as Prometheus writes numbers.
pub(super) fn count(n: usize) -> f64 {
    exact(u64::try_from(n).unwrap_or(u64::MAX))
}

/// Writes families with a sample for each service, or each service and vantage point.
struct Each<'a> {
    text: &'a mut Text,
    names: &'a Names,
    /// Nodes whose last results are memory.
    away: &'a BTreeSet<NodeId>,
    entries: &'a [Entry],
}

impl Each<'_> {
    /// One figure of every vantage point's last result.
    fn last(
        &mut self,
        name: &'static str,
        help: &str,
        figure: impl Fn(&p7_core::result::ProbeResult) -> Option<f64>,
    ) {
        let mut family = self.text.family(name, Kind::Gauge, help);
        for_each_vantage(self.entries, |service, node, counted| {
            if let Some(value) = figure(&counted.last).filter(|_| !self.away.contains(node)) {
                let labels = [("service", service.id.as_str()), ("vantage", vantage(self.names, node))];
                family.sample(&labels, value);
            }
        });
    }

    /// As blackbox_exporter writes it: 0 when a service of HTTP gave no answer.
    fn status_codes(&mut self) {
        let help = "The status code of the last answer; 0 when there was none.";
        let mut family = self.text.family("probe_http_status_code", Kind::Gauge, help);
        for_each_vantage(self.entries, |service, node, counted| {
            let none = (service.kind == HTTP).then_some(0);
            if let Some(code) = counted.last.status_code.or(none).filter(|_| !self.away.contains(node)) {
                let labels = [("service", service.id.as_str()), ("vantage", vantage(self.names, node))];
                family.sample(&labels, f64::from(code));
            }
        });
    }

    fn phases(&mut self) {
        let help = "Where the last probe's time went, summed over its redirects.";
        let mut family = self.text.family("probe_http_duration_seconds", Kind::Gauge, help);
        for_each_vantage(self.entries, |service, node, counted| {
            if counted.last.status_code.is_none() || self.away.contains(node) {
                return;
            }
            let node = vantage(self.names, node);
            for (phase, took) in counted.last.phases.named() {
                let labels = [("service", service.id.as_str()), ("vantage", node), ("phase", phase)];
                family.sample(&labels, took.as_seconds());
            }
        });
    }

    fn results(&mut self) {
        let help = "Results since the process started.";
        let mut family = self.text.family("p7_probe_results_total", Kind::Counter, help);
        for_each_vantage(self.entries, |service, node, counted| {
            let node = vantage(self.names, node);
            for (outcome, n) in Outcome::ALL.into_iter().zip(counted.outcomes) {
                if n > 0 || ALWAYS.contains(&outcome) {
                    let labels =
                        [("service", service.id.as_str()), ("vantage", node), ("outcome", outcome.as_str())];
                    family.sample(&labels, exact(n));
                }
            }
        });
    }

    /// One figure of every service.
    fn status(&mut self, name: &'static str, help: &str, figure: impl Fn(&Entry) -> Option<f64>) {
        let mut family = self.text.family(name, Kind::Gauge, help);
        for entry in self.entries {
            if let Some(value) = figure(entry) {
                family.sample(&[("service", entry.shown.service.id.as_str())], value);
            }
        }
    }
}

fn for_each_vantage(entries: &[Entry], mut write: impl FnMut(&Service, &NodeId, &Counted)) {
    for entry in entries {
        for (node, counted) in &entry.counted {
            write(&entry.shown.service, node, counted);
        }
    }
}

/// What a vantage point is called: by its name, or by its id while that is unknown; never two alike.
fn vantage<'a>(names: &'a Names, node: &'a NodeId) -> &'a str {
    names.known(node).unwrap_or_else(|| node.as_str())
}
