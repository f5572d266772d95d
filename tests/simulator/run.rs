//! One run, or many, and what they come to as a table.

use crate::checks::{Check, Checks};
use crate::options::{HOUR, Options};
use crate::world::{Trace, World};

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// Of which seed.
    pub seed: u64,
    /// What was checked and found.
    pub checks: Checks,
    /// Over all nodes, in milliseconds.
    pub node_time: u64,
    /// How many things happened.
    pub events: u64,
    /// A hash of everything that happened.
    pub hash: u64,
}

impl Outcome {
    /// What is wrong with it and how to see it again; empty when nothing is.
    pub fn faults(&self) -> String {
        let mut text = String::new();
        for broken in &self.checks.told {
            let (seconds, millis) = (broken.at / 1_000, broken.at % 1_000);
            let line = format!("  {} at {seconds}.{millis:03} s: {}\n", broken.check.as_str(), broken.how);
            text.push_str(&line);
        }
        if !text.is_empty() {
            text =
                format!("seed {}: scripts/simulate --seed {} --runs 1 --trace\n{text}", self.seed, self.seed);
        }
        text
    }
}

/// Plays a run to its end.
pub fn play(options: Options, trace: Option<Trace>) -> Outcome {
    let seed = options.seed;
    let mut world = World::new(options, trace);
    world.play();
    Outcome {
        seed,
        node_time: world.node_time,
        events: world.events(),
        hash: world.hash(),
        checks: std::mem::take(&mut world.checks),
    }
}

/// Many runs' sum.
#[derive(Debug, Default)]
pub struct Sum {
    /// How many runs.
    pub runs: u64,
    /// Over all nodes, in milliseconds.
    pub node_time: u64,
    /// How many things happened.
    pub events: u64,
    /// What was checked and found.
    pub checks: Checks,
    /// The seeds that broke a promise.
    pub failed: Vec<u64>,
}

impl Sum {
    /// Adds a run.
    pub fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.node_time += outcome.node_time;
        self.events += outcome.events;
        self.checks.merge(&outcome.checks);
        if !outcome.checks.all_kept() {
            self.failed.push(outcome.seed);
        }
    }

    /// Adds the sum of other runs.
    pub fn merge(&mut self, other: &Self) {
        self.runs += other.runs;
        self.node_time += other.node_time;
        self.events += other.events;
        self.checks.merge(&other.checks);
        self.failed.extend(&other.failed);
    }

    /// Node-hours.
    pub fn node_hours(&self) -> u64 {
        self.node_time / HOUR
    }

    /// The table of promises, and of what happened.
    pub fn table(&self) -> String {
        let mut text = format!("{:<40}{:>14}{:>10}\n", "promise", "looked at", "broken");
        for check in Check::ALL {
            let looked = self.checks.looked.get(&check).copied().unwrap_or_default();
            let broken = self.checks.broken.get(&check).copied().unwrap_or_default();
            let line = format!("{:<40}{looked:>14}{broken:>10}\n", check.as_str());
            text.push_str(&line);
        }
        text.push('\n');
        for (what, times) in &self.checks.counts {
            let line = format!("{what:<40}{times:>14}\n");
            text.push_str(&line);
        }
        text
    }
}
