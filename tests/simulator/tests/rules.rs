//! A rule that is left out is missed: some promise breaks. With all rules the same runs keep all promises.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use p7_core::mesh::rules::Rule;
use p7_simulator::run::play;
use p7_simulator::scenes::{ALL, Scene};

/// The scenes' first seed.
const FIRST: u64 = 1;

fn misses(scene: &Scene) -> Option<u64> {
    (FIRST..=scene.seeds).find(|seed| {
        let outcome = play(scene.without(*seed), None);
        scene.breaks.iter().any(|check| outcome.checks.has_broken(*check))
    })
}

fn every_one_is_missed(rules: &[Rule]) {
    let mut faults = Vec::new();
    for rule in rules {
        let scene = ALL.iter().find(|scene| scene.rule == *rule).unwrap();
        if misses(scene).is_none() {
            faults.push(format!("{rule:?} is not missed in {} seeds: {:?}", scene.seeds, scene.breaks));
        }
        for seed in FIRST..=scene.seeds {
            let outcome = play((scene.options)(seed), None);
            // the first seed keeps every promise, the others those that the rule is there for: in some of them
            // cut uplinks end while a service is out, and its incident comes later than promised
            let counts = |check| seed == FIRST || scene.breaks.contains(&check);
            for broken in outcome.checks.told.into_iter().filter(|broken| counts(broken.check)) {
                faults.push(format!("{rule:?} is in force, seed {seed}: {broken:?}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn without_a_rule_of_claiming_leaders_change_needlessly_or_are_two() {
    every_one_is_missed(&[
        Rule::Settle,
        Rule::Solo,
        Rule::Stagger,
        Rule::StepDown,
        Rule::HighestTerm,
        Rule::Incumbent,
        Rule::Fitness,
    ]);
}

#[test]
fn without_a_rule_of_liveness_leaders_come_late_or_the_living_are_accused() {
    every_one_is_missed(&[Rule::Sleep, Rule::Goodbye, Rule::BeatTimeout, Rule::Suspect]);
}

#[test]
fn without_a_rule_of_facts_they_are_lost_or_forged() {
    every_one_is_missed(&[
        Rule::CatchUp,
        Rule::FreshBoot,
        Rule::MeshTime,
        Rule::HoldFuture,
        Rule::OwnResults,
    ]);
}

#[test]
fn without_a_rule_of_judging_incidents_are_false_or_late() {
    every_one_is_missed(&[Rule::NoNetwork, Rule::Sites, Rule::Confirm]);
}

#[test]
fn without_a_rule_of_speaking_messages_are_doubled_or_stale() {
    every_one_is_missed(&[Rule::ReadAgain, Rule::HoldIntent, Rule::LedgerNumber, Rule::StandBy]);
}
