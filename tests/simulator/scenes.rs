//! Scenes: kinds of runs that make one rule matter, and the promises that break without it.

use crate::checks::Check;
use crate::options::{ChannelPlan, Fault, HOUR, Hit, Lie, MINUTE, Options, Plan};
use p7_core::mesh::rules::Rule;

/// A kind of run for a rule.
#[derive(Clone, Copy)]
pub struct Scene {
    /// Which rule it is about.
    pub rule: Rule,
    /// What breaks without it; one of these at least.
    pub breaks: &'static [Check],
    /// A seed's run.
    pub options: fn(u64) -> Options,
    /// Within how many seeds it must break.
    pub seeds: u64,
}

impl Scene {
    /// A seed's run with the rule left out.
    pub fn without(&self, seed: u64) -> Options {
        let options = (self.options)(seed);
        Options { rules: options.rules.without(self.rule), ..options }
    }
}

/// All scenes.
pub const ALL: [Scene; 23] = [
    Scene { rule: Rule::Settle, breaks: &[Check::NoNeedlessClaim], options: restarts, seeds: 3 },
    Scene { rule: Rule::Solo, breaks: &[Check::LeaderStays], options: loners, seeds: 4 },
    Scene { rule: Rule::Stagger, breaks: &[Check::OneClaim], options: deaths, seeds: 3 },
    Scene {
        rule: Rule::StepDown,
        breaks: &[Check::OneLeader, Check::AgreeInTime],
        options: partitions,
        seeds: 3,
    },
    Scene {
        rule: Rule::HighestTerm,
        breaks: &[Check::LeaderStays, Check::OneLeader, Check::AgreeInTime],
        options: blind,
        seeds: 3,
    },
    Scene { rule: Rule::Incumbent, breaks: &[Check::LeaderStays], options: top_flaps, seeds: 2 },
    Scene { rule: Rule::Fitness, breaks: &[Check::FitLeader], options: uplinks, seeds: 3 },
    Scene { rule: Rule::Sleep, breaks: &[Check::NobodyAccused], options: sleepers, seeds: 3 },
    Scene { rule: Rule::Goodbye, breaks: &[Check::LeaderInTime], options: stops, seeds: 3 },
    Scene {
        rule: Rule::BeatTimeout,
        breaks: &[Check::LeaderInTime, Check::OneLeader],
        options: power_losses,
        seeds: 3,
    },
    Scene { rule: Rule::Suspect, breaks: &[Check::LeaderInTime], options: deaths, seeds: 3 },
    Scene { rule: Rule::CatchUp, breaks: &[Check::NoLostFact], options: partitions, seeds: 2 },
    Scene { rule: Rule::MeshTime, breaks: &[Check::MeshTime], options: clocks, seeds: 3 },
    Scene { rule: Rule::HoldFuture, breaks: &[Check::NoFuture], options: futures, seeds: 1 },
    Scene { rule: Rule::OwnResults, breaks: &[Check::NoForgery], options: forgers, seeds: 1 },
    Scene { rule: Rule::NoNetwork, breaks: &[Check::NoFalseIncident], options: blind, seeds: 4 },
    Scene { rule: Rule::Sites, breaks: &[Check::NoFalseIncident], options: sites, seeds: 6 },
    Scene { rule: Rule::Confirm, breaks: &[Check::IncidentInTime], options: outages, seeds: 2 },
    Scene {
        rule: Rule::FreshBoot,
        breaks: &[Check::NoLostFact, Check::OneBatchANumber],
        options: power_losses,
        seeds: 3,
    },
    Scene {
        rule: Rule::ReadAgain,
        breaks: &[Check::SaidOnce, Check::RecoverySaid, Check::NoStorm],
        options: refusals,
        seeds: 8,
    },
    Scene { rule: Rule::HoldIntent, breaks: &[Check::SaidOnce], options: handovers, seeds: 12 },
    Scene { rule: Rule::LedgerNumber, breaks: &[Check::OneEntryANumber], options: refusals, seeds: 8 },
    Scene { rule: Rule::StandBy, breaks: &[Check::SaidOnce], options: outages, seeds: 1 },
];

fn nodes(seed: u64) -> usize {
    usize::try_from(3 + seed % 4).unwrap_or(3)
}

fn calm(seed: u64) -> Options {
    Options {
        storms: (20 * MINUTE, 8 * MINUTE),
        outages: (4 * HOUR, 6 * MINUTE),
        ..Options::calm(seed, nodes(seed), 3 * HOUR)
    }
}

/// Nodes stop and come back while a leader serves.
fn restarts(seed: u64) -> Options {
    Options { faults: vec![(Fault::Kill, 4 * MINUTE)], lasting: 40_000, ..calm(seed) }
}

/// One node after the other is cut off for a while, long enough to claim.
fn loners(seed: u64) -> Options {
    Options { faults: vec![(Fault::Isolate, 4 * MINUTE)], lasting: MINUTE, ..calm(seed) }
}

/// Processes are killed.
fn deaths(seed: u64) -> Options {
    Options { faults: vec![(Fault::Kill, 3 * MINUTE)], lasting: 2 * MINUTE, ..calm(seed) }
}

/// Nodes stop on purpose.
fn stops(seed: u64) -> Options {
    Options { faults: vec![(Fault::Stop, 3 * MINUTE)], lasting: 2 * MINUTE, ..calm(seed) }
}

/// Machines lose power: nobody is told.
fn power_losses(seed: u64) -> Options {
    Options { faults: vec![(Fault::Power, 3 * MINUTE)], lasting: 2 * MINUTE, ..calm(seed) }
}

/// The mesh falls apart and heals.
fn partitions(seed: u64) -> Options {
    let wire = Options::calm(seed, 3, 0).wire;
    Options { faults: vec![(Fault::Cut, 5 * MINUTE)], lasting: 2 * MINUTE, wire, ..calm(seed) }
}

/// The node of the highest rank goes and comes.
fn top_flaps(seed: u64) -> Options {
    Options { top_flaps: 5 * MINUTE, ..calm(seed) }
}

/// Nodes lose the way to the services, and have it back.
fn uplinks(seed: u64) -> Options {
    Options { faults: vec![(Fault::Uplink, 8 * MINUTE)], lasting: 6 * MINUTE, ..calm(seed) }
}

/// Machines are suspended.
fn sleepers(seed: u64) -> Options {
    Options { faults: vec![(Fault::Sleep, 3 * MINUTE)], lasting: MINUTE, ..calm(seed) }
}

/// Clocks are set wrong.
fn clocks(seed: u64) -> Options {
    let mut options = Options { faults: vec![(Fault::Clock, 10 * MINUTE)], ..calm(seed) };
    options.nodes = 5;
    options.clocks.step = 120_000;
    options
}

/// The first node speaks of cycles that have not come.
fn futures(seed: u64) -> Options {
    Options { liar: Some(Lie::Future), nodes: 4, ..calm(seed) }
}

/// The first node speaks in the others' name.
fn forgers(seed: u64) -> Options {
    Options { liar: Some(Lie::InOthersName), nodes: 4, ..calm(seed) }
}

/// Most nodes lose the way to the services at times.
fn blind(seed: u64) -> Options {
    Options {
        faults: vec![(Fault::Uplink, MINUTE)],
        lasting: 15 * MINUTE,
        outages: (40 * HOUR, MINUTE),
        nodes: 4,
        ..calm(seed)
    }
}

/// Nodes at three sites; one of them has half of the machines and loses its uplink without knowing it.
fn sites(seed: u64) -> Options {
    let mut options = blind(seed);
    options.sites = 3;
    options.nodes = 9;
    options.dark_site = true;
    options.faults = Vec::new();
    options
}

/// Outages that all nodes see.
fn outages(seed: u64) -> Options {
    Options { outages: (20 * MINUTE, 8 * MINUTE), services: many(3), ..calm(seed) }
}

/// A channel that refuses much, and nodes that stop in between.
fn refusals(seed: u64) -> Options {
    Options {
        channel: ChannelPlan { delay: 1_500, refuses: 600, answer_lost: 0 },
        outages: (8 * MINUTE, 3 * MINUTE),
        hits: vec![Hit::All, Hit::Flapping],
        services: many(5),
        faults: vec![(Fault::Kill, 6 * MINUTE)],
        lasting: MINUTE,
        ..calm(seed)
    }
}

/// A slow channel, and leaders that hand over while a message is under way.
fn handovers(seed: u64) -> Options {
    Options {
        channel: ChannelPlan { delay: 4_500, refuses: 0, answer_lost: 0 },
        outages: (5 * MINUTE, 3 * MINUTE),
        services: many(10),
        misjudges: 300,
        ..calm(seed)
    }
}

fn many(services: usize) -> Vec<Plan> {
    let plan = Plan { interval: MINUTE, timeout: 3_000, vantage_points: 0, at_first_site: false };
    vec![plan; services]
}
