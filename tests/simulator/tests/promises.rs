//! The promises of the mesh, on a bounded set of seeds; `scripts/simulate` plays as many as one likes.

use p7_simulator::options::Options;
use p7_simulator::run::play;

/// Plays seeds with all their faults; every promise holds.
fn hold(seeds: impl IntoIterator<Item = u64>) {
    let mut faults = String::new();
    for seed in seeds {
        let outcome = play(Options::drawn(seed), None);
        assert!(outcome.node_time > 0 && outcome.events > 1_000, "seed {seed} played nothing");
        faults.push_str(&outcome.faults());
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn they_hold_through_every_fault() {
    hold([2, 3, 4, 5]);
}

#[test]
fn they_hold_through_every_fault_again() {
    hold([6, 7, 8, 9]);
}

#[test]
fn seeds_that_once_broke_one_hold() {
    let known = include_str!("../regressions.txt");
    let seeds = known.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next());
    hold(seeds.map(|seed| seed.parse().expect("a line begins with a seed")));
}

#[test]
fn a_calm_mesh_says_everything_once_and_never_changes_its_leader() {
    for seed in 1..=4 {
        let outcome = play(Options::calm(seed, 5, 6 * p7_simulator::options::HOUR), None);
        assert_eq!(outcome.faults(), "");
    }
}

#[test]
fn the_same_seed_plays_the_same() {
    let hash = |seed| play(Options::drawn(seed), None).hash;
    assert_eq!(hash(3), hash(3));
    assert_ne!(hash(3), hash(4));
}
