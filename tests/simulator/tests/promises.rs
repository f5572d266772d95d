//! The promises of the mesh, on a bounded set of seeds: about a minute. `scripts/simulate` goes on.

#![expect(clippy::print_stdout, reason = "what was played is told beside the test")]

use p7_simulator::checks::Check;
use p7_simulator::options::{HOUR, Options};
use p7_simulator::run::{Outcome, Sum, play};

/// Seeds that once showed a fault, with what it was.
const REGRESSIONS: &str = include_str!("../regressions.txt");
/// The seeds of each of the two tests, which run side by side.
const SEEDS: u64 = 24;

/// What comes about too seldom to be looked at in so few seeds every time.
const RARE: [&str; 2] = ["all agree soon after healing", "an outage is few words"];

fn all_keep(seeds: impl Iterator<Item = u64>) -> Sum {
    let mut sum = Sum::default();
    let mut faults = String::new();
    for seed in seeds {
        let outcome = play(Options::drawn(seed), None);
        faults.push_str(&outcome.faults());
        sum.add(&outcome);
    }
    println!("{}\n{} runs, {} node-hours", sum.table(), sum.runs, sum.node_hours());
    assert!(faults.is_empty(), "{faults}");
    sum
}

#[test]
fn the_mesh_keeps_its_promises_through_all_weathers() {
    let sum = all_keep(1..=SEEDS);
    // a checker that never looks keeps every promise
    let idle: Vec<&str> = Check::ALL
        .iter()
        .filter(|check| !sum.checks.looked.contains_key(check))
        .map(|check| check.as_str())
        .filter(|check| !RARE.contains(check))
        .collect();
    assert!(idle.is_empty(), "nobody looked at these: {idle:?}");
}

#[test]
fn the_mesh_keeps_its_promises_through_other_weathers() {
    all_keep(SEEDS + 1..=2 * SEEDS);
}

#[test]
fn what_was_once_a_fault_is_none_any_more() {
    let seeds = REGRESSIONS.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let seeds = seeds.map(|line| line.split_whitespace().next().unwrap().parse().unwrap());
    all_keep(seeds);
}

#[test]
fn in_a_calm_mesh_every_outage_is_shown_and_said_in_time_and_once() {
    for seed in 1..=4 {
        let outcome = play(Options::calm(seed, 5, 12 * HOUR), None);
        assert_eq!(outcome.faults(), "");
        let count = |what| outcome.checks.counts.get(what).copied().unwrap_or_default();
        assert_eq!(count("messages said again"), 0);
        assert!(count("messages") >= 10, "{:?}", outcome.checks.counts);
        assert_eq!(count("claims"), 1);
        assert!(outcome.checks.looked[&Check::IncidentInTime] >= 5);
    }
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_gives_another() {
    let hash = |seed| {
        let Outcome { hash, events, .. } = play(Options { span: HOUR, ..Options::drawn(seed) }, None);
        (hash, events)
    };
    assert_eq!(hash(5), hash(5));
    assert_ne!(hash(5), hash(6));
}
