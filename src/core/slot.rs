//! One cycle of a service: who saw what, and what follows from it, worked out once.

use crate::fold::Decided;
use crate::result::{ProbeResult, standing_of};
use crate::status::{CycleSummary, VantageStatus, Verdict};
use crate::verdict::{Say, decide, standing};
use crate::vocabulary::{Cycle, MeshTime, Micros, NodeId, Outcome, Vote};
use crate::watch::Sites;
use std::sync::Arc;

/// A result without what its place in the memory says already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) node: NodeId,
    pub(crate) at: MeshTime,
    pub(crate) outcome: Outcome,
    pub(crate) latency: Micros,
    pub(crate) reason: Option<Arc<str>>,
}

/// One cycle: what was seen, and what follows from it, worked out once.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) seen: Vec<Seen>,
    pub(crate) decided: Option<Decided>,
    pub(crate) summary: CycleSummary,
}

impl Seen {
    pub(crate) fn of(result: &ProbeResult) -> Self {
        Self {
            node: result.node.clone(),
            at: result.at,
            outcome: result.outcome,
            latency: result.latency,
            reason: result.reason.clone(),
        }
    }

    /// As its vantage point's latest word; the failtage is still to be counted.
    pub(crate) fn status(&self, cycle: Cycle) -> VantageStatus {
        VantageStatus {
            node: self.node.clone(),
            failtage: None,
            outcome: self.outcome,
            vote: self.outcome.vote(),
            cycle,
            at: self.at,
            latency: self.latency,
            reason: self.reason.clone(),
        }
    }
}

impl Slot {
    pub(crate) fn empty(cycle: Cycle) -> Self {
        let summary =
            CycleSummary { cycle, verdict: None, outcome: None, failed: 0, voting: 0, latency: None };
        Self { seen: Vec::new(), decided: None, summary }
    }

    /// Takes a result in; says whether that changes anything. One per node stands; of two the same on every
    /// node, whichever came first: see [`ProbeResult::precedence`].
    pub(crate) fn take(&mut self, seen: Seen) -> bool {
        let rank = |seen: &Seen| (standing_of(seen.outcome), seen.at, seen.outcome, seen.latency);
        match self.seen.binary_search_by(|known| known.node.cmp(&seen.node)) {
            Ok(place) => match self.seen.get_mut(place) {
                Some(known) if rank(&seen) < rank(known) => {
                    *known = seen;
                    true
                }
                Some(_) | None => false,
            },
            Err(place) => {
                self.seen.reserve_exact(1);
                self.seen.insert(place, seen);
                true
            }
        }
    }

    /// Works out what follows. Somebody must have voted on the cycle itself; whoever has not spoken about it
    /// yet stands by its word about the cycle `before`: or a cycle that has only just begun would be judged
    /// by whoever happens to be the first to test, and a steady partial failure would open an incident and
    /// end it again in every cycle.
    pub(crate) fn work_out(&mut self, cycle: Cycle, before: &[Seen], sites: &Sites) {
        let has_vote = self.seen.iter().any(|seen| seen.outcome.vote().is_some());
        let is_silent = |one: &&Seen| self.seen.binary_search_by(|known| known.node.cmp(&one.node)).is_err();
        let standing_by = before.iter().filter(|_| has_vote).filter(is_silent);
        let words = || self.seen.iter().chain(standing_by.clone());
        let says = words()
            .map(|seen| Say { site: sites.get(&seen.node).map(String::as_str), outcome: seen.outcome });
        let decision = decide(says);
        let verdict = decision.map(|decision| decision.verdict);
        let summary = CycleSummary {
            cycle,
            verdict,
            outcome: standing(verdict, words().map(|seen| seen.outcome)),
            failed: decision.map_or(0, |decision| decision.failed),
            voting: decision.map_or(0, |decision| decision.voting),
            latency: self.median_latency(),
        };
        let decided = decision.map(|decision| {
            let side = if decision.verdict == Verdict::Failed { Vote::Failed } else { Vote::Passed };
            let of_side = |seen: &&Seen| seen.outcome.vote() == Some(side);
            let own = self.seen.iter().filter(of_side).map(|seen| seen.at).min();
            let at = own.or_else(|| words().filter(of_side).map(|seen| seen.at).min());
            Decided { cycle, decision, at: at.unwrap_or(cycle.start()), reason: self.reason() }
        });
        self.summary = summary;
        self.decided = decided;
    }

    /// Why the cycle is not simply up: the first reason of the failed results, else of any.
    pub(crate) fn reason(&self) -> Option<Arc<str>> {
        let failed = self.seen.iter().filter(|seen| seen.outcome.vote() == Some(Vote::Failed));
        failed.chain(&self.seen).find_map(|seen| seen.reason.clone())
    }

    fn median_latency(&self) -> Option<Micros> {
        let mut latencies: Vec<Micros> = self.seen.iter().map(|seen| seen.latency).collect();
        latencies.sort_unstable();
        latencies.get(latencies.len().saturating_sub(1) / 2).copied()
    }
}
