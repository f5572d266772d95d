//! Results in shorthand: a letter a cycle, a string a node.

use p7_core::result::{Phases, ProbeResult};
use p7_core::service::{Rules, Service, VantagePoints};
use p7_core::vocabulary::{Cycle, Interval, Level, MeshTime, Micros, Millis, NodeId, Outcome, ServiceId};
use p7_core::watch::{Effect, Event, Watch};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) const INTERVAL: Interval = Interval::new(Millis::seconds(60));
/// The start of the first cycle.
pub(crate) const BEGIN: MeshTime = MeshTime(1_700_000_040_000);

pub(crate) fn service(rules: Rules) -> Arc<Service> {
    Arc::new(Service {
        id: ServiceId::new("shop").unwrap(),
        name: "Shop".into(),
        environment: "production".into(),
        kind: "http".into(),
        target: "http://shop.example/".into(),
        interval: INTERVAL,
        timeout: Millis::seconds(10),
        retries: 0,
        retry_delay: Millis::seconds(1),
        rules,
        vantage_points: VantagePoints::All,
        vantage_labels: BTreeMap::new(),
        description: None,
        runbook: None,
        link: None,
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
        maintenance: Vec::new(),
    })
}

pub(crate) fn cycle(n: u64) -> Cycle {
    Cycle::at(BEGIN, INTERVAL).later(n, INTERVAL)
}

/// Just after the probe of cycle `n` has ended.
pub(crate) fn moment(n: u64) -> MeshTime {
    cycle(n).start().plus(Millis::seconds(5))
}

pub(crate) fn result(node: &str, n: u64, outcome: Outcome) -> ProbeResult {
    ProbeResult {
        service: ServiceId::new("shop").unwrap(),
        cycle: cycle(n),
        node: NodeId::new(node).unwrap(),
        at: cycle(n).start().plus(Millis::seconds(4)),
        outcome,
        latency: Micros(20_000),
        phases: Phases::default(),
        attempts: 1,
        reason: (outcome != Outcome::Up).then(|| outcome.as_str().into()),
        status_code: None,
        certificate_expiry: None,
    }
}

fn outcome(letter: char) -> Option<Outcome> {
    match letter {
        'P' => Some(Outcome::Up),
        'F' => Some(Outcome::Failed),
        'A' => Some(Outcome::Unauthorized),
        'M' => Some(Outcome::Maintenance),
        'X' => Some(Outcome::Mismatch),
        'N' => Some(Outcome::NoNetwork),
        'U' => Some(Outcome::Unmanaged),
        '.' => None,
        other => panic!("`{other}` is no outcome"),
    }
}

pub(crate) fn letter(level: Level) -> char {
    match level {
        Level::Unknown => '-',
        Level::Healthy => 'h',
        Level::Partial => 'p',
        Level::Warning => 'w',
        Level::Incident => 'i',
        Level::Down => 'd',
    }
}

/// A watch that has heard nothing.
pub(crate) fn watch(rules: Rules) -> Watch {
    let mut watch = Watch::default();
    watch.configure(&[service(rules)], BEGIN);
    watch
}

/// Lets each node's string happen, cycle by cycle; returns the level after each cycle and all effects.
pub(crate) fn live(watch: &mut Watch, nodes: &[&str]) -> (String, Vec<Effect>) {
    let cycles = nodes.iter().map(|letters| letters.chars().count()).max().unwrap_or(0);
    let (mut levels, mut effects) = (String::new(), Vec::new());
    for n in 0..cycles {
        for (index, letters) in nodes.iter().enumerate() {
            if let Some(outcome) = letters.chars().nth(n).and_then(outcome) {
                let heard = Event::Result(Arc::new(result(&format!("node{index}"), n as u64, outcome)));
                effects.extend(watch.hear(heard, moment(n as u64)));
            }
        }
        effects.extend(watch.hear(Event::Tick, moment(n as u64)));
        levels.push(letter(level(watch)));
    }
    (levels, effects)
}

pub(crate) fn level(watch: &Watch) -> Level {
    watch.status(&ServiceId::new("shop").unwrap()).unwrap().level
}
