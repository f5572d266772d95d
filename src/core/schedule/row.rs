//! One service of the timetable: its next probe, and whether one runs.

use super::Due;
use super::places::Slots;
use crate::vocabulary::{Cycle, MeshTime, ServiceId};

/// A cycle further ahead than this many intervals was seen by a clock that went wrong; it is forgotten.
const AHEAD_LIMIT: u64 = 2;

/// Whether a service's probe runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    /// For a free place.
    Waiting(Due),
    Running {
        since: MeshTime,
        lane: Lane,
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
    pub(super) state: State,
    /// The lane of its next probe: slow when the last one was.
    pub(super) lane: Lane,
}

impl Row {
    pub(super) fn new(slots: Slots, known: Option<Cycle>, before: Option<Row>) -> Self {
        let (last, state, lane) =
            before.map_or((None, State::Idle, Lane::Quick), |b| (b.last, b.state, b.lane));
        Self { slots, last: last.max(known), next: None, state, lane }
    }

    /// Finds the next probe: at `start` for the slot that has passed if that has no result, else at the
    /// next slot. Returns when it is due.
    pub(super) fn settle(&mut self, now: MeshTime, start: Option<MeshTime>) -> MeshTime {
        let horizon = Cycle::at(now, self.slots.interval).later(AHEAD_LIMIT, self.slots.interval);
        self.last = self.last.filter(|last| *last <= horizon);
        let passed = self.slots.passed(now);
        let upcoming = self.slots.next(self.last, now);
        let slot = self.slots.time(upcoming);
        let (cycle, at) = match start {
            Some(start) if self.last < Some(passed) && start < slot => (passed, start),
            Some(_) | None => (upcoming, slot),
        };
        self.next = Some((cycle, at));
        at
    }

    /// Its slot has come: what is due now, and when the one after it is.
    pub(super) fn come_due(&mut self, service: &ServiceId, now: MeshTime) -> Option<(Due, MeshTime)> {
        let (mut cycle, mut at) = self.next?;
        let passed = self.slots.passed(now);
        if passed > cycle {
            // late by more than an interval: the slots between are missing, not made up for
            (cycle, at) = (passed, self.slots.time(passed));
        }
        self.last = Some(cycle);
        let until = self.settle(now, None);
        let due = Due { service: service.clone(), cycle, at, until };
        Some((due, until))
    }
}
