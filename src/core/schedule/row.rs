//! One service of the timetable: its next probe, and whether one runs.

use super::places::Slots;
use super::{Due, Occasion};
use crate::vocabulary::{Cycle, MeshTime, Millis, ServiceId};

/// A service that was tested so long before its new slot of the same cycle is tested there once more: the
/// slack that promise 4 has. Else nobody might look for most of a cycle where a mesh has just gathered,
/// since everybody has tested at once before having the seats of the whole.
const AGAIN_AFTER: Millis = Millis::seconds(2);

/// Whether a service's probe runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    /// For a free place.
    Waiting(Due),
    Running {
        since: MeshTime,
        lane: Lane,
        occasion: Occasion,
        /// The slot that came while an extra test ran: no slot is taken away by one.
        then: Option<Due>,
    },
}

/// Which limit a probe counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Quick,
    Slow,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) slots: Slots,
    /// The latest cycle a probe came due for, or is known.
    pub(super) last: Option<Cycle>,
    /// The cycle of the next probe and when it is due; none when the service is no longer planned and
    /// only its last probe still runs.
    pub(super) next: Option<(Cycle, MeshTime)>,
    /// When a cycle that is tested already is tested once more, before `next`.
    pub(super) again: Option<MeshTime>,
    /// When it last came due.
    pub(super) tested: Option<MeshTime>,
    pub(super) state: State,
    /// The lane of its next probe: slow when the last one was.
    pub(super) lane: Lane,
}

impl Row {
    /// A service that is planned, after what it was `before`; what is known of it says how far it is only when
    /// nothing ran from here before.
    pub(super) fn new(slots: Slots, known: Option<Cycle>, before: Option<Row>, now: MeshTime) -> Self {
        let current = Cycle::at(now, slots.interval);
        // one ahead of the clock may have a word, but no slot yet
        let known = known.filter(|known| *known <= slots.horizon(now)).map(|known| known.min(current));
        let fresh = Self {
            slots,
            last: known,
            next: None,
            again: None,
            tested: None,
            state: State::Idle,
            lane: Lane::Quick,
        };
        before.map_or(fresh, |before| Row { slots, next: None, ..before })
    }

    /// Finds the next probe under a new plan, `before` which it stood there; at `start` if the slot that has
    /// passed was never planned. A cycle that was planned is neither lost nor tested twice: where its
    /// slot is past in the new plan, it keeps the time it had in the old one. Returns when it is due.
    pub(super) fn replan(
        &mut self,
        before: Option<(Cycle, MeshTime)>,
        start: MeshTime,
        now: MeshTime,
    ) -> MeshTime {
        let at = match before {
            Some((cycle, at)) if cycle <= self.slots.passed(now) => self.settle(now, Some(at)),
            Some(_) => self.settle(now, None),
            None => self.settle(now, Some(start)),
        };
        let ahead = self.slots.passed(now).later(1, self.slots.interval);
        let slot = self.slots.time(ahead);
        let is_long_ago = self.tested.is_some_and(|tested| slot >= tested.plus(AGAIN_AFTER));
        self.again = Some(slot).filter(|slot| self.last == Some(ahead) && is_long_ago && *slot < at);
        self.again.unwrap_or(at)
    }

    /// Finds the next probe: at `start` for the slot that has passed if that has no result, else at the
    /// next slot. Returns when it is due.
    pub(super) fn settle(&mut self, now: MeshTime, start: Option<MeshTime>) -> MeshTime {
        self.last = self.last.filter(|last| *last <= self.slots.horizon(now));
        let passed = self.slots.passed(now);
        let upcoming = self.slots.next(self.last, now);
        let slot = self.slots.time(upcoming);
        let (cycle, at) = match start {
            Some(start) if self.last < Some(passed) && start < slot => (passed, start),
            Some(_) | None => (upcoming, slot),
        };
        self.next = Some((cycle, at));
        self.again = None;
        at
    }

    /// Its slot has come: what is due now, and when the one after it is.
    pub(super) fn come_due(&mut self, service: &ServiceId, now: MeshTime) -> Option<(Due, MeshTime)> {
        let (mut cycle, mut at) = self.next?;
        if let Some(again) = self.again.take().filter(|_| now < at) {
            self.tested = Some(now);
            let cycle = Cycle::at(again, self.slots.interval);
            let due =
                Due { service: service.clone(), cycle, at: again, until: at, occasion: Occasion::Extra };
            return Some((due, at));
        }
        let passed = self.slots.passed(now);
        if passed > cycle {
            // late by more than an interval: the slots between are missing, not made up for
            (cycle, at) = (passed, self.slots.time(passed));
        }
        (self.last, self.tested) = (Some(cycle), Some(now));
        let until = self.settle(now, None);
        let due = Due { service: service.clone(), cycle, at, until, occasion: Occasion::Slot };
        Some((due, until))
    }

    /// A test beside its schedule, if none runs or waits.
    pub(super) fn extra(&self, service: &ServiceId, now: MeshTime) -> Option<Due> {
        let (_, until) = self.next.filter(|_| self.state == State::Idle)?;
        let cycle = Cycle::at(now, self.slots.interval);
        Some(Due { service: service.clone(), cycle, at: now, until, occasion: Occasion::Extra })
    }
}
