//! Results that come long after their cycle: a node that was cut off ends with what the others have.

use crate::common::{BEGIN, cycle, moment, result, service, watch};
use p7_core::incident::{Incident, IncidentId};
use p7_core::past::{Before, CYCLES_BEFORE, PastFold};
use p7_core::result::ProbeResult;
use p7_core::service::Rules;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{Cycle, Outcome, ServiceId};
use p7_core::watch::{Effect, Event, KEPT_CYCLES, Sites, Watch};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many cycles the tests last.
const CYCLES: u64 = 170;
/// The node is cut off from the others in these.
const CUT_OFF: std::ops::Range<u64> = 50..160;

fn shop() -> ServiceId {
    ServiceId::new("shop").unwrap()
}

/// A node with its rules and what it has stored.
struct Node {
    watch: Watch,
    results: BTreeMap<(Cycle, String), Arc<ProbeResult>>,
    incidents: BTreeMap<IncidentId, Incident>,
    late: Option<Cycle>,
}

impl Node {
    fn new(rules: Rules) -> Self {
        Self { watch: watch(rules), results: BTreeMap::new(), incidents: BTreeMap::new(), late: None }
    }

    fn hear(&mut self, results: &[Arc<ProbeResult>], n: u64) {
        for result in results {
            self.results.insert((result.cycle, result.node.to_string()), Arc::clone(result));
        }
        let heard = self.watch.hear_all(results, moment(n));
        self.apply(heard.effects);
        self.late = self.late.into_iter().chain(heard.late.into_values()).min();
    }

    fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Status(_) => {}
                Effect::Incident(incident) => {
                    self.incidents.insert(incident.id.clone(), incident.as_ref().clone());
                }
                Effect::NoIncident(id) => {
                    self.incidents.remove(&id);
                }
            }
        }
    }

    /// Folds the past anew, as an aggregator does it from its store.
    fn correct(&mut self, rules: Rules) {
        let Some(late) = self.late.take() else { return };
        let before = self.watch.remembers_from(&shop()).unwrap();
        let cycles: BTreeSet<Cycle> = self.results.keys().map(|(cycle, _)| *cycle).collect();
        let first = cycles.range(..late).rev().nth(CYCLES_BEFORE - 1).or(cycles.first()).copied().unwrap();
        let known = Before {
            last_incident: self.incidents.values().rfind(|incident| incident.id.first < first).cloned(),
            first_seen: self.results.values().next().map(|result| result.at),
        };
        let mut fold = PastFold::new(service(rules), Sites::new(), first, known);
        for (_, result) in self.results.range((first, String::new())..(before, String::new())) {
            fold.take(result);
        }
        let past = fold.finish(before);
        let stored: Vec<Incident> = self.incidents.values().cloned().collect();
        let corrections = past.corrections(&stored, late);
        let effects = self.watch.correct(&shop(), &past, moment(CYCLES)).unwrap();
        self.apply(corrections);
        self.apply(effects);
    }

    fn status(&self) -> ServiceStatus {
        // how much a service flapped long ago is forgotten at different moments
        let status = self.watch.status(&shop()).unwrap().as_ref().clone();
        ServiceStatus { flapping: false, ..status }
    }
}

/// What each of some nodes sees in each cycle.
type Seen = Vec<Vec<Option<Outcome>>>;

fn of_cycle(seen: &Seen, n: u64, nodes: std::ops::Range<usize>) -> Vec<Arc<ProbeResult>> {
    let at = usize::try_from(n).unwrap();
    let one =
        |node: usize| seen[node][at].map(|outcome| Arc::new(result(&format!("node{node}"), n, outcome)));
    nodes.filter_map(one).collect()
}

/// A node that hears everything at once, and one that is cut off and catches up, the newest first.
fn whole_and_cut_off(rules: Rules, seen: &Seen, at_once: u64) -> (Node, Node) {
    let (mut whole, mut cut_off) = (Node::new(rules), Node::new(rules));
    let all = 0..seen.len();
    for n in 0..CUT_OFF.end {
        whole.hear(&of_cycle(seen, n, all.clone()), n);
        let heard = if CUT_OFF.contains(&n) { 0..1 } else { all.clone() };
        cut_off.hear(&of_cycle(seen, n, heard), n);
    }
    let missed: Vec<u64> = CUT_OFF.rev().collect();
    for some in missed.chunks(usize::try_from(at_once).unwrap()) {
        let results: Vec<_> = some.iter().flat_map(|n| of_cycle(seen, *n, 1..seen.len())).collect();
        cut_off.hear(&results, CUT_OFF.end);
    }
    cut_off.correct(rules);
    for n in CUT_OFF.end..CYCLES {
        whole.hear(&of_cycle(seen, n, all.clone()), n);
        cut_off.hear(&of_cycle(seen, n, all.clone()), n);
    }
    (whole, cut_off)
}

/// Runs of like outcomes, as outages are, with gaps.
fn outcomes() -> impl Strategy<Value = Vec<Option<Outcome>>> {
    let kinds =
        vec![Some(Outcome::Up), Some(Outcome::Up), Some(Outcome::Failed), Some(Outcome::NoNetwork), None];
    let run = (prop::sample::select(kinds), 1..14_usize);
    prop::collection::vec(run, 170).prop_map(|runs| {
        let each = runs.into_iter().flat_map(|(outcome, length)| std::iter::repeat_n(outcome, length));
        each.take(usize::try_from(CYCLES).unwrap()).collect()
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    (1..=20_u8, 1..=4_u8, 1..=8_u8, 1..=3_u8, 1..=3_u8).prop_map(
        |(window, orange, red, confirm, recover_after)| Rules { window, orange, red, confirm, recover_after },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_node_that_was_cut_off_for_110_cycles_ends_with_the_incidents_of_one_that_was_not(
        rules in rules(), seen in prop::collection::vec(outcomes(), 2..4), at_once in 1..120_u64,
    ) {
        let (whole, cut_off) = whole_and_cut_off(rules, &seen, at_once);
        prop_assert_eq!(&cut_off.incidents, &whole.incidents);
        prop_assert_eq!(cut_off.status(), whole.status());
    }

    #[test]
    fn many_results_at_once_come_to_what_they_come_to_one_by_one(
        rules in rules(), seen in prop::collection::vec(outcomes(), 1..4),
    ) {
        let (mut at_once, mut one_by_one) = (Node::new(rules), Node::new(rules));
        let all: Vec<_> = (0..CYCLES).flat_map(|n| of_cycle(&seen, n, 0..seen.len())).collect();
        for result in &all {
            let effects = one_by_one.watch.hear(Event::Result(Arc::clone(result)), moment(CYCLES));
            one_by_one.apply(effects);
        }
        let mut backwards = all;
        backwards.reverse();
        at_once.hear(&backwards, CYCLES);
        prop_assert_eq!(&at_once.incidents, &one_by_one.incidents);
        prop_assert_eq!(at_once.status(), one_by_one.status());
    }
}

/// One that is up but for these cycles.
fn failing(cycles: std::ops::Range<u64>) -> Vec<Option<Outcome>> {
    let outcome = |n| if cycles.contains(&n) { Outcome::Failed } else { Outcome::Up };
    (0..CYCLES).map(|n| Some(outcome(n))).collect()
}

#[test]
fn an_outage_that_only_the_others_saw_is_an_incident_afterwards() {
    let seen = vec![failing(0..0), failing(70..90), failing(70..90)];
    let (_, cut_off) = whole_and_cut_off(Rules::default(), &seen, 16);
    let known: Vec<_> = cut_off.incidents.values().map(|one| (one.id.first, one.recovered)).collect();
    assert_eq!(known, [(cycle(70), Some(cycle(90)))]);
}

#[test]
fn an_outage_that_only_the_cut_off_node_saw_was_none() {
    let seen = vec![failing(60..80), failing(0..0), failing(0..0)];
    let (_, cut_off) = whole_and_cut_off(Rules::default(), &seen, 16);
    assert_eq!(cut_off.incidents, BTreeMap::new());
}

#[test]
fn an_incident_that_is_still_open_begins_when_the_others_saw_it_begin() {
    let seen = vec![failing(150..CYCLES), failing(80..CYCLES), failing(80..CYCLES)];
    let (whole, cut_off) = whole_and_cut_off(Rules::default(), &seen, 16);
    let known: Vec<_> = cut_off.incidents.values().map(|one| (one.id.first, one.recovered)).collect();
    assert_eq!(known, [(cycle(80), None)]);
    assert_eq!(cut_off.status().since, whole.status().since);
}

#[test]
fn a_fold_is_refused_once_what_is_remembered_has_moved_on() {
    let mut node = Node::new(Rules::default());
    let seen = vec![failing(0..0)];
    for n in 0..40 {
        node.hear(&of_cycle(&seen, n, 0..1), n);
    }
    assert_eq!(node.watch.remembers_from(&shop()), Some(cycle(40 - KEPT_CYCLES as u64)));
    let before = node.watch.remembers_from(&shop()).unwrap();
    let past =
        PastFold::new(service(Rules::default()), Sites::new(), cycle(0), Before::default()).finish(before);
    node.hear(&of_cycle(&seen, 40, 0..1), 40);
    assert_eq!(node.watch.correct(&shop(), &past, BEGIN), None);
}
