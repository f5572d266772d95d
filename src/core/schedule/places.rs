//! Where in time services stand: their places in the interval, their slots, their first probes.

use super::Planned;
use crate::vocabulary::{Cycle, Interval, MeshTime, Millis, ServiceId};
use std::collections::BTreeMap;

/// Where services stand closer than this, those of one such span are tested together: waking the machine for
/// each by itself costs more than the tests. More would let them wait for each other and measure that.
const GRAIN: Millis = Millis(40);
/// Longest pause between two of the first probes after a start: a few services need not be stretched.
const START_PACE_LIMIT: Millis = Millis(10);

/// A cycle further ahead than this many intervals was seen by a clock that went wrong; it is forgotten.
const AHEAD_LIMIT: u64 = 2;

/// This node's place among the vantage points of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// Its position, from 0.
    pub position: u16,
    /// How many vantage points there are, at least 1.
    pub of: u16,
}

impl Seat {
    /// The seat of a node that watches alone.
    pub const ALONE: Self = Self { position: 0, of: 1 };
}

/// Where in its interval each service with a seat is looked at: services of one interval are spread evenly
/// over it in the order of their ids, and the vantage points of one service evenly between each other. Those
/// without a seat have their place, too, so that all nodes mean the same ones.
pub fn offsets(services: &[Planned]) -> BTreeMap<ServiceId, Millis> {
    let mut groups: BTreeMap<Interval, BTreeMap<&ServiceId, Option<Seat>>> = BTreeMap::new();
    for planned in services {
        groups.entry(planned.interval).or_default().insert(&planned.service, planned.seat);
    }
    let mut places = BTreeMap::new();
    for (interval, group) in groups {
        let share =
            |part: usize, of: usize| u128::from(interval.span().0) * (part as u128) / (of.max(1) as u128);
        let seated = group.values().flatten().count() as u64;
        let is_dense = interval.span().0 < GRAIN.0.saturating_mul(seated);
        let grain = if is_dense { u128::from(GRAIN.0) } else { 1 };
        for (index, (service, seat)) in group.iter().enumerate() {
            let Some(seat) = seat else { continue };
            let place = share(index, group.len()) + share(usize::from(seat.position), usize::from(seat.of));
            let place = place % u128::from(interval.span().0);
            let place = place - place % grain;
            places.insert((*service).clone(), Millis(u64::try_from(place).unwrap_or(0)));
        }
    }
    places
}

/// A service's slots: one a cycle, always as far from the cycle's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slots {
    pub(super) interval: Interval,
    pub(super) offset: Millis,
}

impl Slots {
    pub(super) fn time(self, cycle: Cycle) -> MeshTime {
        cycle.start().plus(self.offset)
    }

    /// The latest cycle that can have been seen by a clock that is not wrong.
    pub(super) fn horizon(self, now: MeshTime) -> Cycle {
        Cycle::at(now, self.interval).later(AHEAD_LIMIT, self.interval)
    }

    /// The cycle whose slot is the latest at or before `now`.
    pub(super) fn passed(self, now: MeshTime) -> Cycle {
        Cycle::at(now.minus(self.offset), self.interval)
    }

    /// The first cycle after `last` whose slot lies after `now`.
    pub(super) fn next(self, last: Option<Cycle>, now: MeshTime) -> Cycle {
        let upcoming = self.passed(now).later(1, self.interval);
        match last {
            Some(last) if upcoming <= last => Cycle::at(last.start(), self.interval).later(1, self.interval),
            Some(_) | None => upcoming,
        }
    }
}

/// The first probes after a start, spread so that they are no burst.
pub(super) struct Pace {
    pub(super) now: MeshTime,
    pub(super) count: u64,
    pub(super) within: Millis,
}

impl Pace {
    pub(super) fn place(&self, index: usize) -> MeshTime {
        let index = index as u64;
        let even = index.saturating_mul(self.within.0) / self.count.max(1);
        self.now.plus(Millis(even.min(index.saturating_mul(START_PACE_LIMIT.0))))
    }
}
