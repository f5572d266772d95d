//! Facts to store and a store to put them in.
#![allow(dead_code, clippy::unwrap_used, reason = "every test file uses its own part of these helpers")]

use p7_core::incident::{Incident, IncidentId};
use p7_core::result::{Phases, ProbeResult};
use p7_core::vocabulary::{Cycle, Level, MeshTime, Micros, NodeId, Outcome, ServiceId};
use p7_store::{Config, Fact, Store, Upkeep};
use std::path::Path;
use std::sync::Arc;

pub(crate) const HOUR: u64 = 3_600_000;
pub(crate) const DAY: u64 = 24 * HOUR;
/// 2026-01-01, a day's start.
pub(crate) const NEW_YEAR: u64 = 1_767_225_600_000;

pub(crate) fn service(name: &str) -> ServiceId {
    ServiceId::new(name).unwrap()
}

pub(crate) fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

pub(crate) fn cycle(start: u64) -> Cycle {
    Cycle::starting(MeshTime(start))
}

pub(crate) fn open(dir: &Path) -> Store {
    Store::open(dir, &Config::default()).unwrap()
}

/// A result that is up after 20 ms.
pub(crate) fn result(service_name: &str, start: u64, node_name: &str) -> ProbeResult {
    ProbeResult {
        service: service(service_name),
        cycle: cycle(start),
        node: node(node_name),
        at: MeshTime(start + 1234),
        outcome: Outcome::Up,
        latency: Micros(20_000),
        phases: Phases {
            resolve: Micros(1_000),
            connect: Micros(2_000),
            tls: Micros(5_000),
            processing: Micros(10_000),
            transfer: Micros(2_000),
        },
        attempts: 1,
        reason: None,
        status_code: Some(200),
        certificate_expiry: Some(MeshTime(NEW_YEAR + 90 * DAY)),
    }
}

pub(crate) fn failed(service_name: &str, start: u64, node_name: &str) -> ProbeResult {
    ProbeResult {
        outcome: Outcome::Failed,
        reason: Some(ProbeResult::reason_of("connection refused by 10.0.0.5:443")),
        status_code: None,
        certificate_expiry: None,
        ..result(service_name, start, node_name)
    }
}

pub(crate) fn incident(service_name: &str, first: u64, recovered: Option<u64>) -> Incident {
    Incident {
        id: IncidentId { service: service(service_name), first: cycle(first) },
        began: MeshTime(first + 5),
        opened: cycle(first + 10_000),
        worst: Level::Down,
        recovered: recovered.map(cycle),
        ended: recovered.map(|at| MeshTime(at + 7)),
        reason: Some("time-out after 10 s".into()),
    }
}

pub(crate) fn facts(results: &[ProbeResult]) -> Vec<Fact> {
    results.iter().cloned().map(Arc::new).map(Fact::Result).collect()
}

pub(crate) fn commit(store: &Store, results: &[ProbeResult]) {
    store.commit(&facts(results)).unwrap();
}

/// Runs upkeep until nothing is left; says how many steps it took.
pub(crate) fn keep_up(store: &Store, now: u64) -> usize {
    for step in 1.. {
        assert!(step < 100_000, "upkeep never ends");
        if store.upkeep(MeshTime(now)).unwrap() == Upkeep::Done {
            return step;
        }
    }
    0
}
