//! What of the past a node can have by its figures only: it was off, or cut off, for longer than the
//! others keep results to be told. Which part of it is asked for next.
//!
//! Figures are nobody's signed word: they are taken from one peer, for spans of which this node knows
//! nothing itself.

use super::words::{FiguresOf, RollupCursor, Steady};
use crate::rollup::Resolution;
use crate::vocabulary::{MeshTime, Millis, NodeId};
use serde::{Deserialize, Serialize};

/// Nothing that is longer ago is asked for: a little more than the year that charts show.
pub const MISSED_LIMIT: Millis = Millis::seconds(400 * 24 * 3600);
/// Hours are asked for that far back, as charts by the hour go; before that, days.
const BY_HOUR: Millis = Millis::seconds(30 * 24 * 3600);
/// How many days one question by day is about.
const DAYS_AT_ONCE: Millis = Millis::seconds(30 * 24 * 3600);
/// Between an answer and the next question: the past is not urgent, a page is up to 256 KiB.
pub(super) const PAGE_GAP: Millis = Millis(1_000);
/// After a question that was not answered.
const RETRY_AFTER: Millis = Millis(30_000);
/// Most pages of one question: a day of 1,000 services on 40 nodes. A peer that always has more is left.
const PAGES_LIMIT: u32 = 1_000;
/// Who was heard up to this long before the others' results of today begin still gets all of them.
const MARGIN: Millis = Millis::seconds(3600);

/// A time whose results were missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// From here.
    pub from: MeshTime,
    /// To before here.
    pub to: MeshTime,
}

impl Missed {
    /// All of both and what lies between.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), to: self.to.max(other.to) }
    }
}

/// What a node has missed that was last in the mesh at `seen`, where results are told for `told`. A node
/// that never was has missed everything.
pub fn while_away(seen: Option<MeshTime>, now: MeshTime, told: Millis) -> Option<Missed> {
    let from = match seen {
        Some(seen) if now.since(seen).0 + MARGIN.0 < told.0 => return None,
        Some(seen) => seen,
        None => MeshTime(0),
    };
    let from = Resolution::Hour.start_of(from.max(now.minus(MISSED_LIMIT)));
    let to = Resolution::Hour.start_of(now);
    (from < to).then_some(Missed { from, to })
}

/// The question that is next, newest first: the hours of one day, or the days of a month.
fn next(missed: Missed, now: MeshTime) -> FiguresOf {
    let hours = Resolution::Day.start_of(now.minus(BY_HOUR));
    let (resolution, from) = if missed.to > hours {
        (Resolution::Hour, Resolution::Day.start_of(missed.to.minus(Millis(1))))
    } else {
        (Resolution::Day, missed.to.minus(DAYS_AT_ONCE))
    };
    let from = from.max(resolution.start_of(missed.from));
    FiguresOf { resolution, from, to: missed.to, after: None }
}

/// A question under way, page by page, all from one peer.
#[derive(Debug, Clone)]
struct Asking {
    of: NodeId,
    what: FiguresOf,
    pages: u32,
}

/// What is still missed, and what of it is being asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    missed: Option<Missed>,
    /// Who showed that something is missed, and so has it.
    shown_by: Option<NodeId>,
    asking: Option<Asking>,
    due: Steady,
}

impl Past {
    /// Something was missed. True when that is news.
    pub(super) fn miss(&mut self, missed: Missed, shown_by: Option<NodeId>, now: Steady) -> bool {
        let all = self.missed.map_or(missed, |known| known.and(missed));
        if self.missed == Some(all) || missed.from >= missed.to {
            return false;
        }
        *self = Self { missed: Some(all), shown_by, asking: None, due: now.plus(PAGE_GAP) };
        true
    }

    /// What is still missed.
    pub(super) fn missed(&self) -> Option<Missed> {
        self.missed
    }

    /// When the next question may be asked; none when there is nothing to ask.
    pub(super) fn due(&self) -> Option<Steady> {
        self.missed.map(|_| self.due)
    }

    /// Whom to ask now and what; `peers` are those who would understand, `chance` picks among them.
    pub(super) fn ask(
        &mut self,
        peers: &[NodeId],
        chance: u64,
        now: MeshTime,
    ) -> Option<(NodeId, FiguresOf)> {
        let missed = self.missed?;
        let pick = usize::try_from(chance % peers.len().max(1) as u64).unwrap_or_default();
        let any = peers.get(pick)?;
        let kept = self.asking.take().filter(|asking| peers.contains(&asking.of));
        let asking = kept.unwrap_or_else(|| {
            let of = self.shown_by.as_ref().filter(|node| peers.contains(node)).unwrap_or(any).clone();
            Asking { of, what: next(missed, now), pages: 0 }
        });
        let question = (asking.of.clone(), asking.what.clone());
        self.asking = Some(asking);
        Some(question)
    }

    /// What was asked for last of this peer.
    pub(super) fn asked(&self, of: &NodeId) -> Option<&FiguresOf> {
        self.asking.as_ref().filter(|asking| asking.of == *of).map(|asking| &asking.what)
    }

    /// A page came. True when less is missed now.
    pub(super) fn took(&mut self, more: Option<RollupCursor>, now: Steady) -> bool {
        self.due = now.plus(PAGE_GAP);
        let Some(asking) = &mut self.asking else { return false };
        asking.pages += 1;
        if more.is_some() && asking.pages < PAGES_LIMIT {
            asking.what.after = more;
            return false;
        }
        let rest = self.missed.map(|missed| Missed { to: asking.what.from, ..missed });
        self.missed = rest.filter(|rest| rest.from < rest.to);
        self.asking = None;
        true
    }

    /// No answer: somebody else is asked, later.
    pub(super) fn failed(&mut self, now: Steady) {
        self.due = now.plus(RETRY_AFTER);
        self.asking = None;
        self.shown_by = None;
    }
}

#[cfg(test)]
mod tests;
