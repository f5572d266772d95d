//! Rollups are what the results say: after late and repeated results, restarts and upkeep at any time.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{DAY, HOUR, NEW_YEAR, commit, cycle, failed, incident, keep_up, node, open, result, service};
use p7_core::result::ProbeResult;
use p7_core::vocabulary::{MeshTime, Micros, Outcome};
use p7_settings::Period;
use p7_store::{Config, Fact, IncidentsQuery, Resolution, Rollup, Store, StoreError, Upkeep, Which};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

const SERVICES: [&str; 2] = ["api", "shop"];
const NODES: [&str; 3] = ["a", "b", "c"];

/// The result that stands for every key.
fn standing(results: &[ProbeResult]) -> Vec<ProbeResult> {
    let mut by_key: BTreeMap<_, ProbeResult> = BTreeMap::new();
    for result in results {
        let key = (result.service.clone(), result.cycle, result.node.clone());
        let stands = by_key.get(&key).is_none_or(|known| result.precedence(known).is_lt());
        if stands {
            by_key.insert(key, result.clone());
        }
    }
    by_key.into_values().collect()
}

/// Rollups computed from the results alone.
fn naive(
    results: &[ProbeResult],
    service_name: &str,
    node_name: Option<&str>,
    resolution: Resolution,
) -> Vec<Rollup> {
    let span = resolution.span().0;
    let mut spans: BTreeMap<u64, Rollup> = BTreeMap::new();
    for result in standing(results) {
        let is_asked =
            result.service.as_str() == service_name && node_name.is_none_or(|n| n == result.node.as_str());
        if is_asked {
            let start = result.cycle.start().0 / span * span;
            let fresh = || Rollup::new(MeshTime(start), resolution);
            spans.entry(start).or_insert_with(fresh).add(&result);
        }
    }
    spans.into_values().collect()
}

fn assert_true(store: &Store, results: &[ProbeResult], to: u64) {
    for name in SERVICES {
        let mut recent = store.recent(&service(name), cycle(0)).unwrap();
        recent.sort_by(|a, b| (a.cycle, &a.node).cmp(&(b.cycle, &b.node)));
        let expected: Vec<_> = standing(results).into_iter().filter(|r| r.service.as_str() == name).collect();
        assert_eq!(recent, expected);
        for resolution in [Resolution::Hour, Resolution::Day] {
            for one in [None, Some("a"), Some("c")] {
                let asked = one.map(node);
                let found = store.rollups(
                    &service(name),
                    asked.as_ref(),
                    resolution,
                    MeshTime(NEW_YEAR),
                    MeshTime(to),
                );
                assert_eq!(
                    found.unwrap(),
                    naive(results, name, one, resolution),
                    "{name} {one:?} {resolution:?}"
                );
            }
        }
    }
}

/// What happens to a store.
#[derive(Debug, Clone)]
enum Act {
    Commit(Vec<ProbeResult>),
    /// So many steps of upkeep at that time.
    Upkeep(u64, usize),
    Reopen,
}

fn any_result() -> impl Strategy<Value = ProbeResult> {
    // few hours around a day's end and few attempts, so that keys repeat and hours are hit again
    let at = prop_oneof![(22..26_u64), Just(0_u64), Just(47)].prop_flat_map(|hour| (Just(hour), 0..3_u64));
    (0..2_usize, 0..3_usize, at, 0..7_usize, 1..5_u32, 0..3_u64).prop_map(
        |(s, n, (hour, minute), outcome, ms, began)| {
            let mut result = result(SERVICES[s], NEW_YEAR + hour * HOUR + minute * 60_000, NODES[n]);
            result.at = MeshTime(result.cycle.start().0 + began);
            result.outcome = Outcome::ALL[outcome];
            result.latency = Micros(ms * ms * ms * 1000);
            result
        },
    )
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => vec(any_result(), 1..12).prop_map(Act::Commit),
        3 => (20..60_u64, 1..9_usize).prop_map(|(hour, steps)| Act::Upkeep(NEW_YEAR + hour * HOUR, steps)),
        1 => Just(Act::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_in_whatever_order_rollups_equal_a_naive_recomputation(acts in vec(any_act(), 1..14)) {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let mut results = Vec::new();
        let end = NEW_YEAR + 3 * DAY;
        for act in acts {
            match act {
                Act::Commit(some) => {
                    commit(&store, &some);
                    results.extend(some);
                }
                Act::Upkeep(now, steps) => {
                    for _ in 0..steps {
                        store.upkeep(MeshTime(now)).unwrap();
                    }
                }
                Act::Reopen => {
                    drop(store);
                    store = open(dir.path());
                }
            }
            assert_true(&store, &results, end);
        }
        keep_up(&store, end);
        assert_true(&store, &results, end);
    }

    #[test]
    fn results_in_any_order_and_repeated_make_the_same_store(
        results in vec(any_result(), 1..60).prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        at_once in 1..20_usize,
    ) {
        let (dir_a, dir_b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (a, b) = (open(dir_a.path()), open(dir_b.path()));
        commit(&a, &results.0);
        for some in results.1.chunks(at_once) {
            commit(&b, some);
            keep_up(&b, NEW_YEAR + 30 * HOUR);
        }
        commit(&b, &results.0);
        assert_true(&a, &results.0, NEW_YEAR + 3 * DAY);
        assert_true(&b, &results.0, NEW_YEAR + 3 * DAY);
    }
}

#[test]
fn uptime_counts_what_voted_and_a_span_without_results_is_absent() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut no_network = result("shop", NEW_YEAR + 30_000, "a");
    no_network.outcome = Outcome::NoNetwork;
    commit(&store, &[result("shop", NEW_YEAR, "a"), failed("shop", NEW_YEAR + 10_000, "a"), no_network]);
    commit(&store, &[result("shop", NEW_YEAR + 3 * HOUR, "a")]);
    let hours = store
        .rollups(&service("shop"), None, Resolution::Hour, MeshTime(NEW_YEAR), MeshTime(NEW_YEAR + DAY))
        .unwrap();
    let starts: Vec<_> = hours.iter().map(|hour| hour.start.0 - NEW_YEAR).collect();
    assert_eq!(starts, [0, 3 * HOUR]);
    assert_eq!(hours[0].uptime(), Some(0.5));
    assert_eq!((hours[0].results(), hours[0].voting(), hours[0].count(Outcome::NoNetwork)), (3, 2, 1));
    assert_eq!(hours[0].percentile(0.5), Some(Micros(20_000)));
    assert_eq!(Rollup::new(MeshTime(0), Resolution::Day).uptime(), None);
}

#[test]
fn too_many_spans_at_once_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let asked = store.rollups(&service("shop"), None, Resolution::Hour, MeshTime(0), MeshTime(NEW_YEAR));
    assert!(matches!(asked, Err(StoreError::TooMuch { limit: 2232, .. })), "{asked:?}");
}

#[test]
fn upkeep_goes_in_small_steps_and_catches_up_on_what_was_missed_while_off() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let minute = |s: &str, day: u64| -> Vec<_> {
        (0..1440).map(|i| result(s, NEW_YEAR + day * DAY + i * 60_000, "a")).collect()
    };
    let mut results = [minute("shop", 0), minute("api", 0)].concat();
    // off for two months
    results.extend(minute("shop", 60));
    commit(&store, &results);
    let steps = keep_up(&store, NEW_YEAR + 62 * DAY);
    assert!((2..60).contains(&steps), "{steps} steps");
    let days = store.rollups(
        &service("shop"),
        None,
        Resolution::Day,
        MeshTime(NEW_YEAR),
        MeshTime(NEW_YEAR + 90 * DAY),
    );
    assert_eq!(days.unwrap(), naive(&results, "shop", None, Resolution::Day));
}

fn keeping(dir: &std::path::Path) -> Store {
    let days = |n: u64| Period::seconds(n * 86_400);
    let config = Config {
        keep_results: days(2),
        keep_news: days(1),
        keep_hours: days(40),
        keep_days: Some(days(1100)),
    };
    Store::open(dir, &config).unwrap()
}

#[test]
fn results_go_after_their_time_and_are_not_taken_again_while_hours_and_days_stay() {
    let dir = tempfile::tempdir().unwrap();
    let store = keeping(dir.path());
    let old = [result("shop", NEW_YEAR, "a"), failed("shop", NEW_YEAR + HOUR, "a")];
    let young = result("shop", NEW_YEAR + 4 * DAY, "a");
    commit(&store, &old);
    commit(&store, std::slice::from_ref(&young));
    keep_up(&store, NEW_YEAR + 5 * DAY);
    assert_eq!(store.recent(&service("shop"), cycle(0)).unwrap(), std::slice::from_ref(&young));
    let hours = |store: &Store| {
        let range = (MeshTime(NEW_YEAR), MeshTime(NEW_YEAR + 5 * DAY));
        store.rollups(&service("shop"), None, Resolution::Hour, range.0, range.1).unwrap().len()
    };
    assert_eq!(hours(&store), 3);
    // a peer that has kept them longer sends them again, and one of that day we never had
    commit(&store, &old);
    commit(&store, &[result("shop", NEW_YEAR + 10_000, "b")]);
    drop(store);
    let store = keeping(dir.path());
    commit(&store, &old);
    keep_up(&store, NEW_YEAR + 5 * DAY);
    assert_eq!(store.recent(&service("shop"), cycle(0)).unwrap(), [young]);
    assert_eq!(hours(&store), 3);
    let day =
        store.rollups(&service("shop"), None, Resolution::Day, MeshTime(NEW_YEAR), MeshTime(NEW_YEAR + DAY));
    assert_eq!(day.unwrap()[0].uptime(), Some(0.5));
}

#[test]
fn hours_days_incidents_and_holds_go_after_their_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = keeping(dir.path());
    commit(&store, &[result("shop", NEW_YEAR, "a")]);
    let ended = incident("shop", NEW_YEAR, Some(NEW_YEAR + HOUR));
    let still_open = incident("api", NEW_YEAR, None);
    store.commit(&[Fact::Incident(Arc::new(ended)), Fact::Incident(Arc::new(still_open.clone()))]).unwrap();
    let rows = |store: &Store, resolution| {
        store
            .rollups(&service("shop"), None, resolution, MeshTime(NEW_YEAR), MeshTime(NEW_YEAR + DAY))
            .unwrap()
            .len()
    };
    keep_up(&store, NEW_YEAR + 39 * DAY);
    assert_eq!((rows(&store, Resolution::Hour), rows(&store, Resolution::Day)), (1, 1));
    // buckets of 32 days go as a whole
    keep_up(&store, NEW_YEAR + 73 * DAY);
    assert_eq!((rows(&store, Resolution::Hour), rows(&store, Resolution::Day)), (0, 1));
    keep_up(&store, NEW_YEAR + 2200 * DAY);
    assert_eq!(rows(&store, Resolution::Day), 0);
    let left = store.incidents(&IncidentsQuery {
        service: None,
        from: MeshTime(0),
        to: MeshTime(u64::MAX),
        which: Which::All,
        limit: 10,
        after: None,
    });
    assert_eq!(left.unwrap().rows, [still_open]);
}

#[test]
fn a_clock_that_was_far_ahead_does_no_lasting_harm() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    keep_up(&store, NEW_YEAR + 1000 * DAY);
    let mut results = vec![result("shop", NEW_YEAR, "a")];
    commit(&store, &results);
    keep_up(&store, NEW_YEAR + 2 * HOUR);
    results.push(failed("shop", NEW_YEAR + 2 * HOUR, "a"));
    commit(&store, &results);
    assert_eq!(store.upkeep(MeshTime(NEW_YEAR + 2 * HOUR + 1)).unwrap(), Upkeep::Done);
    assert_true(&store, &results, NEW_YEAR + DAY);
}
