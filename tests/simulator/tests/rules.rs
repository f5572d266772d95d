//! Every rule is needed: without it a promise breaks that holds with it.

use p7_core::mesh::rules::{Rule, RuleSet};
use p7_simulator::options::Options;
use p7_simulator::run::play;
use std::collections::BTreeMap;

const RULES: [Rule; 24] = [
    Rule::Settle,
    Rule::Solo,
    Rule::Stagger,
    Rule::StepDown,
    Rule::HighestTerm,
    Rule::Incumbent,
    Rule::Fitness,
    Rule::Sleep,
    Rule::Goodbye,
    Rule::BeatTimeout,
    Rule::Suspect,
    Rule::CatchUp,
    Rule::MeshTime,
    Rule::HoldFuture,
    Rule::OwnResults,
    Rule::NoNetwork,
    Rule::Sites,
    Rule::Confirm,
    Rule::Overlap,
    Rule::FreshBoot,
    Rule::ReadAgain,
    Rule::HoldIntent,
    Rule::LedgerNumber,
    Rule::StandBy,
];

#[test]
#[ignore]
fn explore() {
    let seeds: Vec<u64> = (1..=14).collect();
    let base: BTreeMap<u64, Vec<String>> =
        seeds.iter().map(|seed| (*seed, broken(Options::drawn(*seed)))).collect();
    let bad: Vec<_> = base.iter().filter(|(_, b)| !b.is_empty()).collect();
    println!("base {bad:?}");
    for rule in RULES {
        let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for seed in &seeds {
            let mut options = Options::drawn(*seed);
            options.rules = RuleSet::ALL.without(rule);
            for check in broken(options) {
                if !base[seed].contains(&check) {
                    found.entry(check).or_default().push(*seed);
                }
            }
        }
        println!("{rule:?}: {found:?}");
    }
}

fn broken(options: Options) -> Vec<String> {
    play(options, None).checks.broken.iter().filter(|(_, n)| **n > 0).map(|(c, _)| format!("{c:?}")).collect()
}
