//! The row of blocks and the sparkline: a status's last cycles as a few short SVG paths.
//!
//! A page may hold a thousand of these rows, so each is one path a colour, and the sparkline's path is at
//! the same time the data the script shows in its tooltips.

use super::words;
use p7_core::status::{CycleSummary, Verdict};
use p7_core::vocabulary::{Micros, Outcome, Vote};
use p7_core::watch::SHOWN_CYCLES;
use serde::Serialize;
use std::fmt::Write as _;

/// From one block to the next, in the drawing's units.
const STEP: usize = 6;
/// The median latency's height in the sparkline, unless the highest needs more room.
const MEDIAN_HEIGHT: u32 = 100;
/// The height of the highest latency of what passed; a failure that took longer is cut at the top, 200.
const HIGHEST: u32 = 190;

/// Blocks of one look, as one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlockPath {
    /// Its class: one letter, see `style.css`.
    pub class: &'static str,
    /// The path.
    pub d: String,
}

/// The last cycles of a service, drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CyclesView {
    /// In words, for who can't see it.
    pub title: String,
    /// The blocks.
    pub blocks: Vec<BlockPath>,
    /// The sparkline's path; empty without latencies. In units of `unit_us`, upwards negative.
    pub spark: String,
    /// For the script: start of the first cycle and interval in ms, µs per unit of the sparkline, and
    /// index of the first known cycle.
    pub scale: String,
    /// For the script: `failed/voting` of each cycle; empty when one vantage point tests.
    pub votes: String,
}

/// The looks of a block; their height differs too, so that colour is never alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Up,
    Partial,
    Failed,
    Unauthorized,
    Mismatch,
    Maintenance,
    Quiet,
    Missing,
}

impl Look {
    const ALL: [Self; 8] = [
        Self::Up,
        Self::Partial,
        Self::Failed,
        Self::Unauthorized,
        Self::Mismatch,
        Self::Maintenance,
        Self::Quiet,
        Self::Missing,
    ];

    fn of(cycle: &CycleSummary) -> Self {
        match cycle.outcome {
            None => Self::Missing,
            Some(Outcome::Up) if cycle.verdict == Some(Verdict::Partial) => Self::Partial,
            Some(Outcome::Up) => Self::Up,
            Some(Outcome::Failed) => Self::Failed,
            Some(Outcome::Unauthorized) => Self::Unauthorized,
            Some(Outcome::Mismatch) => Self::Mismatch,
            Some(Outcome::Maintenance) => Self::Maintenance,
            Some(Outcome::NoNetwork | Outcome::Unmanaged) => Self::Quiet,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Up => "g",
            Self::Partial => "h",
            Self::Failed => "r",
            Self::Unauthorized => "k",
            Self::Mismatch => "u",
            Self::Maintenance => "y",
            Self::Quiet => "x",
            Self::Missing => "z",
        }
    }

    /// Top and length: what failed is taller than what passed, what says nothing is a dot.
    fn stroke(self) -> (usize, usize) {
        match self {
            Self::Up | Self::Maintenance => (5, 8),
            Self::Partial => (9, 4),
            Self::Failed | Self::Unauthorized | Self::Mismatch => (2, 14),
            Self::Quiet => (8, 2),
            Self::Missing => (9, 0),
        }
    }
}

impl CyclesView {
    /// Draws them; fewer than are shown stand at the right, the rest is marked as missing.
    pub fn new(cycles: &[CycleSummary]) -> Self {
        let cycles = &cycles[cycles.len().saturating_sub(SHOWN_CYCLES)..];
        let missing = SHOWN_CYCLES - cycles.len();
        let unit = unit(cycles);
        Self {
            title: title(cycles),
            blocks: blocks(cycles, missing),
            spark: spark(cycles, missing, unit),
            scale: scale(cycles, missing, unit),
            votes: votes(cycles),
        }
    }
}

fn title(cycles: &[CycleSummary]) -> String {
    let mut counts = [0_usize; Outcome::ALL.len()];
    for (count, outcome) in counts.iter_mut().zip(Outcome::ALL) {
        *count = cycles.iter().filter(|c| c.outcome == Some(outcome)).count();
    }
    let partial = cycles.iter().filter(|c| c.verdict == Some(Verdict::Partial)).count();
    let known: usize = counts.iter().sum();
    if known == 0 {
        return "no results yet".to_owned();
    }
    let mut title = format!("last {}: ", words::count(known, "cycle", "cycles"));
    let said = counts.iter().zip(Outcome::ALL).filter(|(n, _)| **n > 0);
    for (i, (n, outcome)) in said.enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(title, "{comma}{n} {}", words::outcome(outcome)).unwrap_or_default();
    }
    if partial > 0 {
        write!(title, ", {partial} partial").unwrap_or_default();
    }
    title
}

fn blocks(cycles: &[CycleSummary], missing: usize) -> Vec<BlockPath> {
    let looks: Vec<Look> =
        std::iter::repeat_n(Look::Missing, missing).chain(cycles.iter().map(Look::of)).collect();
    let mut paths: Vec<BlockPath> = Look::ALL
        .into_iter()
        .filter_map(|look| {
            let (top, length) = look.stroke();
            let own = looks.iter().enumerate().filter(|(_, l)| **l == look);
            let d = strokes(own.map(|(i, _)| i), top, length);
            (!d.is_empty()).then(|| BlockPath { class: look.class(), d })
        })
        .collect();
    // a partial cycle passed, but somebody failed: a red dot above it
    let split = cycles.iter().enumerate().filter(|(_, c)| c.verdict == Some(Verdict::Partial));
    let partial = strokes(split.map(|(i, _)| missing + i), 3, 0);
    if !partial.is_empty() {
        paths.push(BlockPath { class: "p", d: partial });
    }
    paths
}

/// An upright stroke for each block of these numbers.
fn strokes(numbers: impl Iterator<Item = usize>, top: usize, length: usize) -> String {
    let mut d = String::new();
    for i in numbers {
        write!(d, "M{} {top}v{length}", 3 + i * STEP).unwrap_or_default();
    }
    d
}

/// Microseconds per unit, such that the median of what passed stands in the middle and the highest fits.
fn unit(cycles: &[CycleSummary]) -> u32 {
    let passed = |c: &&CycleSummary| c.outcome.and_then(Outcome::vote) == Some(Vote::Passed);
    let mut all: Vec<Micros> = cycles.iter().filter(passed).filter_map(|c| c.latency).collect();
    if all.is_empty() {
        all = cycles.iter().filter_map(|c| c.latency).collect();
    }
    all.sort_unstable();
    let median = all.get(all.len() / 2).map_or(0, |m| m.0 / MEDIAN_HEIGHT);
    let highest = all.last().map_or(0, |h| h.0.div_ceil(HIGHEST));
    median.max(highest).max(1)
}

fn spark(cycles: &[CycleSummary], missing: usize, unit: u32) -> String {
    let mut d = String::new();
    let mut before: Option<i64> = None;
    for (i, cycle) in cycles.iter().enumerate() {
        let y = cycle.latency.map(|l| i64::from((l.0 + unit / 2) / unit));
        // a sign parts two numbers as well as a space does
        let part = |y: i64| if y < 0 { "" } else { " " };
        let next_known = cycles.get(i + 1).is_some_and(|c| c.latency.is_some());
        match (before, y) {
            (None, Some(y)) => {
                write!(d, "M{}{}{}", missing + i, part(-y), -y).unwrap_or_default();
                // a line of no length shows as a dot
                d.push_str(if next_known { "l" } else { "l0 0" });
            }
            (Some(last), Some(y)) => {
                let up = last - y;
                let space = if d.ends_with('l') { "" } else { " " };
                write!(d, "{space}1{}{up}", part(up)).unwrap_or_default();
            }
            (_, None) => {}
        }
        before = y;
    }
    d
}

fn scale(cycles: &[CycleSummary], missing: usize, unit: u32) -> String {
    let (Some(first), Some(last)) = (cycles.first(), cycles.last()) else {
        return String::new();
    };
    let count = u64::try_from(cycles.len()).unwrap_or(u64::MAX);
    let interval = last.cycle.start().since(first.cycle.start()).0 / (count - 1).max(1);
    format!("{} {interval} {unit} {missing}", first.cycle.start().0)
}

fn votes(cycles: &[CycleSummary]) -> String {
    if cycles.iter().all(|c| c.voting <= 1) {
        return String::new();
    }
    let each: Vec<String> = cycles.iter().map(|c| format!("{}/{}", c.failed, c.voting)).collect();
    each.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use p7_core::vocabulary::{Cycle, MeshTime};

    fn cycle(n: u64, outcome: Option<Outcome>, us: u32) -> CycleSummary {
        CycleSummary {
            cycle: Cycle::starting(MeshTime(n * 60_000)),
            verdict: outcome.and_then(Outcome::vote).map(|v| match v {
                Vote::Passed => Verdict::Passed,
                Vote::Failed => Verdict::Failed,
            }),
            outcome,
            failed: u16::from(outcome == Some(Outcome::Failed)),
            voting: u16::from(outcome.is_some()),
            latency: outcome.map(|_| Micros(us)),
        }
    }

    #[test]
    fn three_cycles_stand_at_the_right_and_the_rest_is_missing() {
        let up = Some(Outcome::Up);
        let view = CyclesView::new(&[
            cycle(1, up, 10_000),
            cycle(2, Some(Outcome::Failed), 40_000),
            cycle(3, up, 10_500),
        ]);
        assert_eq!(view.title, "last 3 cycles: 1 failed, 2 up");
        let classes: Vec<_> = view.blocks.iter().map(|b| b.class).collect();
        assert_eq!(classes, ["g", "r", "z"]);
        assert_eq!(view.blocks[0].d, "M165 5v8M177 5v8");
        assert_eq!(view.blocks[1].d, "M171 2v14");
        assert_eq!(view.spark, "M27-95l1-286 1 281");
        assert_eq!(view.scale, "60000 60000 105 27");
    }

    #[test]
    fn a_gap_parts_the_sparkline_and_a_lonely_cycle_is_a_dot() {
        let up = Some(Outcome::Up);
        let view = CyclesView::new(&[cycle(1, up, 1000), cycle(2, None, 0), cycle(3, up, 1000)]);
        assert_eq!(view.spark, "M27-100l0 0M29-100l0 0");
    }

    #[test]
    fn no_cycles_are_thirty_dots_and_say_so() {
        let view = CyclesView::new(&[]);
        assert_eq!(view.title, "no results yet");
        assert_eq!(view.blocks.len(), 1);
        assert_eq!(view.spark, "");
        assert_eq!(view.scale, "");
    }
}
