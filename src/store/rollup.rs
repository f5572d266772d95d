//! The figures of an hour or a day: counts by outcome and a sketch of the latencies that merges.

use crate::sketch::Sketch;
use p7_core::result::ProbeResult;
use p7_core::vocabulary::{MeshTime, Micros, Outcome, Vote};

pub use p7_core::rollup::Resolution;
pub(crate) use p7_core::rollup::{DAY_MS, HOUR_MS};

/// What the results of a service came to in one hour or day.
///
/// Latencies are those of results that passed: how long a failure took says when the probe gave up,
/// not how fast the service is.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollup {
    /// When its span begins.
    pub start: MeshTime,
    /// How long its span is.
    pub resolution: Resolution,
    /// Results by outcome, in the order of [`Outcome::ALL`].
    pub counts: [u32; Outcome::ALL.len()],
    latencies: Sketch,
}

impl Rollup {
    /// A rollup of nothing.
    pub fn new(start: MeshTime, resolution: Resolution) -> Self {
        Self { start, resolution, counts: [0; Outcome::ALL.len()], latencies: Sketch::default() }
    }

    pub(crate) fn from_parts(
        start: MeshTime,
        resolution: Resolution,
        counts: [u32; Outcome::ALL.len()],
        latencies: Sketch,
    ) -> Self {
        Self { start, resolution, counts, latencies }
    }

    pub(crate) fn latencies(&self) -> &Sketch {
        &self.latencies
    }

    /// Counts one result.
    pub fn add(&mut self, result: &ProbeResult) {
        self.add_parts(result.outcome, result.latency);
    }

    pub(crate) fn add_parts(&mut self, outcome: Outcome, latency: Micros) {
        if let Some(count) = self.counts.get_mut(place(outcome)) {
            *count = count.saturating_add(1);
        }
        if outcome.vote() == Some(Vote::Passed) {
            self.latencies.add(latency);
        }
    }

    /// Takes up another rollup: of another vantage point, or of another part of the span.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
        self.latencies.merge(&other.latencies);
    }

    /// The same figures as part of a longer span.
    pub(crate) fn within(self, start: MeshTime, resolution: Resolution) -> Self {
        Self { start, resolution, ..self }
    }

    /// How many results had this outcome.
    pub fn count(&self, outcome: Outcome) -> u32 {
        self.counts.get(place(outcome)).copied().unwrap_or(0)
    }

    /// How many results there were.
    pub fn results(&self) -> u64 {
        self.counts.iter().copied().map(u64::from).sum()
    }

    /// How many results passed.
    pub fn passed(&self) -> u64 {
        self.voted(Vote::Passed)
    }

    /// How many results passed or failed.
    pub fn voting(&self) -> u64 {
        self.voted(Vote::Passed) + self.voted(Vote::Failed)
    }

    /// Share of the voting results that passed, 0 to 1; none when nobody voted.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn uptime(&self) -> Option<f64> {
        (self.voting() > 0).then(|| self.passed() as f64 / self.voting() as f64)
    }

    /// The least latency.
    pub fn latency_min(&self) -> Option<Micros> {
        self.latencies.min()
    }

    /// The greatest latency.
    pub fn latency_max(&self) -> Option<Micros> {
        self.latencies.max()
    }

    /// The mean latency.
    pub fn latency_mean(&self) -> Option<Micros> {
        self.latencies.mean()
    }

    /// The latency that the share `q` (0 to 1) of results stayed within, 1 % more or less.
    pub fn percentile(&self, q: f64) -> Option<Micros> {
        self.latencies.quantile(q)
    }

    fn voted(&self, vote: Vote) -> u64 {
        let with = |outcome: &&Outcome| outcome.vote() == Some(vote);
        Outcome::ALL.iter().filter(with).map(|outcome| u64::from(self.count(*outcome))).sum()
    }
}

/// Where an outcome stands in [`Outcome::ALL`].
fn place(outcome: Outcome) -> usize {
    Outcome::ALL.iter().position(|one| *one == outcome).unwrap_or(0)
}
