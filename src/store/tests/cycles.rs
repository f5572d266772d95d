//! Results by whole cycles.

mod common;

use common::{NEW_YEAR, commit, cycle, open, result, service};
use p7_core::result::ProbeResult;

/// Ten cycles of ten seconds from three nodes, over a day's end.
fn ten_cycles() -> Vec<ProbeResult> {
    let at = |i: u64| NEW_YEAR - 50_000 + i * 10_000;
    (0..10).flat_map(|i| ["a", "b", "c"].map(|node| result("shop", at(i), node))).collect()
}

#[test]
fn the_last_cycles_before_one_are_given_whole() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let all = ten_cycles();
    commit(&store, &all);
    commit(&store, &[result("api", NEW_YEAR, "a")]);
    let before = |before, cycles| store.cycles_before(&service("shop"), before, cycles).unwrap();
    assert_eq!(before(cycle(u64::MAX), 3), all[21..]);
    assert_eq!(before(all[6].cycle, 1), all[3..6]);
    assert_eq!(before(cycle(u64::MAX), 99), all);
    assert_eq!(before(all[0].cycle, 9), []);
    assert_eq!(before(cycle(0), 9), []);
    assert_eq!(store.cycles_before(&service("none"), cycle(u64::MAX), 9).unwrap(), []);
}

#[test]
fn cycles_of_a_time_are_given_part_by_part_each_whole() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let all = ten_cycles();
    commit(&store, &all);
    let between = |from, to, limit| store.cycles_between(&service("shop"), (from, to), limit).unwrap();
    assert_eq!(between(cycle(0), cycle(u64::MAX), 1_000), all);
    assert_eq!(between(all[3].cycle, all[9].cycle, 1_000), all[3..9]);
    assert_eq!(between(all[3].cycle, cycle(u64::MAX), 4), all[3..9], "the cycle is ended");
    assert_eq!(between(all[3].cycle, all[3].cycle, 4), []);
}
