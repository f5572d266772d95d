//! Mesh time: how far the others' clocks are from ours, and by how much ours is corrected for that.

use super::members::MEMBERS_LIMIT;
use super::rules::{Rule, RuleSet};
use super::words::Now;
use crate::vocabulary::{MeshTime, Millis, NodeId};
use std::collections::BTreeMap;

/// The smallest interval in use when nothing else is said.
pub const DEFAULT_INTERVAL: Millis = Millis::seconds(60);
/// A correction follows the median in steps greater than this: networks are slower than that at times,
/// and a clock that is moved with each beat is no clock.
pub const STEP: Millis = Millis(250);
/// A peer's offset is the median of this many beats, so that two delayed ones mean nothing.
const SAMPLES: usize = 5;

/// What a peer's latest beats said of its clock, as its wall time less our steady time: so a step of our
/// own wall clock is not taken for one of theirs.
#[derive(Debug, Clone, Copy, Default)]
struct Samples {
    latest: [i64; SAMPLES],
    count: usize,
    next: usize,
    median: i64,
}

impl Samples {
    fn take(&mut self, sample: i64) {
        if let Some(slot) = self.latest.get_mut(self.next) {
            *slot = sample;
        }
        self.next = (self.next + 1) % SAMPLES;
        self.count = (self.count + 1).min(SAMPLES);
        let mut sorted = self.latest;
        if let Some(known) = sorted.get_mut(..self.count) {
            self.median = median(known).unwrap_or(sample);
        }
    }
}

/// The clock of the mesh as one node knows it. Its own wall clock is never set: it is corrected in
/// reading, and only when it is grossly off.
#[derive(Debug, Clone)]
pub struct MeshClock {
    me: NodeId,
    rules: RuleSet,
    interval: Millis,
    peers: BTreeMap<NodeId, Samples>,
    /// Our wall time less our steady time.
    own: i64,
    correction: i64,
    /// Kept between calls, so that hearing a beat allocates nothing.
    scratch: Vec<i64>,
}

impl MeshClock {
    /// The clock of a node that knows no other, with the smallest interval in use.
    pub fn new(me: NodeId, interval: Millis, rules: RuleSet) -> Self {
        let peers = BTreeMap::new();
        Self { me, rules, interval, peers, own: 0, correction: 0, scratch: Vec::new() }
    }

    /// The smallest interval in use is another one.
    pub fn set_interval(&mut self, interval: Millis) {
        self.interval = interval;
        self.correct();
    }

    /// A fresh beat of a peer was heard. What the network took is not known and therefore ignored.
    pub fn heard(&mut self, node: &NodeId, peer_wall: MeshTime, now: Now) {
        if *node == self.me {
            return;
        }
        let sample = signed(peer_wall.0).saturating_sub(signed(now.steady.0));
        if let Some(samples) = self.peers.get_mut(node) {
            samples.take(sample);
        } else if self.peers.len() < MEMBERS_LIMIT {
            self.peers.entry(node.clone()).or_default().take(sample);
        }
        self.own_clock(now);
    }

    /// What the own clocks say. Worth telling after waking; hearing a beat tells it, too.
    pub fn own_clock(&mut self, now: Now) {
        self.own = signed(now.wall.0).saturating_sub(signed(now.steady.0));
        self.correct();
    }

    /// A peer is gone: its clock does not count any more.
    pub fn forget(&mut self, node: &NodeId) {
        if self.peers.remove(node).is_some() {
            self.correct();
        }
    }

    /// What is to be added to the own wall clock, in milliseconds.
    pub fn correction(&self) -> i64 {
        self.correction
    }

    /// Mesh time at a moment of the own wall clock.
    pub fn mesh_time(&self, wall: MeshTime) -> MeshTime {
        MeshTime(wall.0.saturating_add_signed(self.correction))
    }

    /// How far a node's wall clock is ahead of ours, in milliseconds; none while it was not heard.
    pub fn offset_of(&self, node: &NodeId) -> Option<i64> {
        if *node == self.me {
            return Some(0);
        }
        self.peers.get(node).map(|samples| samples.median.saturating_sub(self.own))
    }

    /// Whether a node's clock is further than a quarter of the interval from mesh time: to be shown as a
    /// warning. Ours may be the one.
    pub fn skewed(&self, node: &NodeId) -> bool {
        self.offset_of(node)
            .is_some_and(|offset| offset.saturating_sub(self.correction).unsigned_abs() > self.interval.0 / 4)
    }

    /// Corrected above an eighth of the interval and until below a sixteenth, so that a clock near the
    /// limit does not go to and fro.
    fn correct(&mut self) {
        if !self.rules.has(Rule::MeshTime) {
            self.correction = 0;
            return;
        }
        let median = self.median_offset();
        let off = median.unsigned_abs();
        if off < self.interval.0 / 16 || (self.correction == 0 && off <= self.interval.0 / 8) {
            self.correction = 0;
        } else if self.correction == 0 || median.abs_diff(self.correction) > STEP.0 {
            self.correction = median;
        }
    }

    /// How far the clock that rules is ahead of ours: the median one, ours among them. Of an even number
    /// it is the earlier of the two in the middle, so that it is a clock that somebody has and all choose
    /// the same; of two it is that of the lower id, so that they do not chase each other.
    fn median_offset(&mut self) -> i64 {
        if let (1, Some((peer, samples))) = (self.peers.len(), self.peers.first_key_value()) {
            return if *peer < self.me { samples.median.saturating_sub(self.own) } else { 0 };
        }
        self.scratch.clear();
        self.scratch.push(0);
        self.scratch.extend(self.peers.values().map(|samples| samples.median.saturating_sub(self.own)));
        median(&mut self.scratch).unwrap_or(0)
    }
}

/// The middle one; of an even number the lower of the two. None of nothing.
fn median(values: &mut [i64]) -> Option<i64> {
    let middle = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable(middle).1)
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
