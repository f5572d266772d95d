//! When this node tests which service: the place of each in its interval, who may start, who waits.
//!
//! A machine without clock or socket: it is told the time and what has ended, and says what to start.
//! Every service has at most one probe running or waiting, so a hanging target costs one place only.

mod places;
mod row;

pub use places::{Seat, offsets};

use crate::vocabulary::{Cycle, Interval, MeshTime, Millis, ServiceId};
use places::{Pace, Slots};
use row::{Lane, Row, State};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A probe that runs longer than this is slow: it makes room for quick ones, so that hanging targets
/// never delay others.
pub const SLOW_AFTER: Millis = Millis(1000);
/// How many probes may run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Probes of services that answer.
    pub quick: usize,
    /// Further probes that run longer than [`SLOW_AFTER`], or whose service did so last time.
    pub slow: usize,
    /// Within this time after a start every service is tested once.
    pub start_within: Millis,
}

/// A service to be scheduled, or to leave room for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Which.
    pub service: ServiceId,
    /// How often.
    pub interval: Interval,
    /// This node's place among its vantage points. None: it is not tested from here, but has its place among
    /// the services, so that every node spreads the others alike.
    pub seat: Option<Seat>,
    /// The latest cycle that has a result from this node, if any is known.
    pub known: Option<Cycle>,
}

/// Why a probe is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Occasion {
    /// Its slot has come.
    Slot,
    /// Somebody wants to know now, beside the schedule.
    Extra,
}

/// A probe to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Of which service.
    pub service: ServiceId,
    /// Which cycle its result belongs to.
    pub cycle: Cycle,
    /// When it should have started.
    pub at: MeshTime,
    /// When the service's next probe is due: retries end before.
    pub until: MeshTime,
    /// Why.
    pub occasion: Occasion,
}

/// What should follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Start this probe now.
    Start(Due),
    /// The service's last probe still runs at its next slot; that slot is left out.
    Overran(ServiceId),
    /// The service's last probe still waits for a free place at its next slot; that slot was lost.
    Starved(ServiceId),
}

/// The plan of all services. All times are the same wall clock's.
#[derive(Debug)]
pub struct Timetable {
    limits: Limits,
    rows: BTreeMap<ServiceId, Row>,
    queue: BTreeSet<(MeshTime, ServiceId)>,
    waiting: [VecDeque<ServiceId>; 2],
    quick: BTreeSet<(MeshTime, ServiceId)>,
    slow: usize,
}

impl Timetable {
    /// An empty plan.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            rows: BTreeMap::new(),
            queue: BTreeSet::new(),
            waiting: [VecDeque::new(), VecDeque::new()],
            quick: BTreeSet::new(),
            slow: 0,
        }
    }

    /// Replaces the services and this node's seats. Probes that run go on; a service without a result for the
    /// latest slot that has passed is tested soon, for that slot's cycle, so that the next slot is a cycle
    /// of its own. Of a service that stays planned no cycle is lost, and none has two slots; where a new slot lies
    /// well behind the test of its cycle there is an extra test.
    pub fn plan(&mut self, services: &[Planned], now: MeshTime) {
        let places = offsets(services);
        let pace = Pace { now, count: places.len() as u64, within: self.limits.start_within };
        let mut old = std::mem::take(&mut self.rows);
        self.queue.clear();
        let seated = services.iter().filter_map(|planned| Some((planned, *places.get(&planned.service)?)));
        for (index, (planned, offset)) in seated.enumerate() {
            let slots = Slots { interval: planned.interval, offset };
            let before = old.remove(&planned.service);
            let is_same = |row: &&Row| row.slots.interval == planned.interval;
            let next = before.as_ref().filter(is_same).and_then(|row| row.next);
            let mut row = Row::new(slots, planned.known, before, now);
            let at = row.replan(next, pace.place(index), now);
            self.queue.insert((at, planned.service.clone()));
            self.rows.insert(planned.service.clone(), row);
        }
        for (service, mut row) in old {
            // what still runs for a service that is gone keeps its place until it ends
            if let State::Running { then, .. } = &mut row.state {
                (row.next, *then) = (None, None);
                self.rows.insert(service, row);
            }
        }
        let rows = &self.rows;
        let waits = |s: &ServiceId| rows.get(s).is_some_and(|r| matches!(r.state, State::Waiting(_)));
        self.waiting.iter_mut().for_each(|lane| lane.retain(waits));
    }

    /// What should happen at `now`.
    pub fn turn(&mut self, now: MeshTime) -> Vec<Step> {
        let mut steps = Vec::new();
        self.set_slow_ones_apart(now);
        while self.queue.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, service)) = self.queue.pop_first() {
                steps.extend(self.come_due(&service, now));
            }
        }
        self.start_waiting(now, &mut steps);
        steps
    }

    /// Tests a service now, beside its schedule and within the same limits, unless a probe of it runs or waits
    /// already. Its slot comes all the same.
    pub fn look_now(&mut self, service: &ServiceId, now: MeshTime) -> Vec<Step> {
        let mut steps = Vec::new();
        if let Some(row) = self.rows.get_mut(service)
            && let Some(due) = row.extra(service, now)
        {
            row.state = State::Waiting(due);
            self.waiting[row.lane as usize].push_front(service.clone());
            self.set_slow_ones_apart(now);
            self.start_waiting(now, &mut steps);
        }
        steps
    }

    /// When [`Timetable::turn`] is wanted next, if nothing ends before.
    pub fn next_turn(&self) -> Option<MeshTime> {
        let due = self.queue.first().map(|(at, _)| *at);
        let room_is_wanted = !self.waiting[Lane::Quick as usize].is_empty() && self.slow < self.limits.slow;
        let room = self.quick.first().map(|(since, _)| since.plus(SLOW_AFTER));
        match (due, room.filter(|_| room_is_wanted)) {
            (Some(due), Some(room)) => Some(due.min(room)),
            (due, room) => due.or(room),
        }
    }

    /// A probe has ended; its place is free.
    pub fn ended(&mut self, service: &ServiceId, now: MeshTime) {
        let Some(row) = self.rows.get_mut(service) else {
            return;
        };
        let State::Running { since, lane, then, .. } = &mut row.state else {
            return;
        };
        let (since, lane, then) = (*since, *lane, then.take());
        row.lane = if now.since(since) >= SLOW_AFTER { Lane::Slow } else { Lane::Quick };
        row.state = then.map_or(State::Idle, State::Waiting);
        if row.state != State::Idle {
            self.waiting[row.lane as usize].push_back(service.clone());
        } else if row.next.is_none() {
            self.rows.remove(service);
        }
        match lane {
            Lane::Quick => {
                self.quick.remove(&(since, service.clone()));
            }
            Lane::Slow => self.slow = self.slow.saturating_sub(1),
        }
    }

    /// The clock jumped or the machine slept: what was missed stays missing, all go on at their next slot.
    pub fn jumped(&mut self, now: MeshTime) {
        self.queue.clear();
        self.waiting.iter_mut().for_each(VecDeque::clear);
        self.quick.clear();
        for (service, row) in &mut self.rows {
            match &mut row.state {
                State::Idle => {}
                State::Waiting(_) => row.state = State::Idle,
                State::Running { since, lane, then, .. } => {
                    (*since, *then) = (now, None);
                    if *lane == Lane::Quick {
                        self.quick.insert((now, service.clone()));
                    }
                }
            }
            if row.next.is_some() {
                let at = row.settle(now, None);
                self.queue.insert((at, service.clone()));
            }
        }
    }

    /// How many probes run.
    pub fn running(&self) -> usize {
        self.quick.len() + self.slow
    }

    fn set_slow_ones_apart(&mut self, now: MeshTime) {
        while self.slow < self.limits.slow {
            let Some((since, _)) = self.quick.first() else {
                return;
            };
            if since.plus(SLOW_AFTER) > now {
                return;
            }
            let Some((_, service)) = self.quick.pop_first() else {
                return;
            };
            self.slow += 1;
            if let Some(Row { state: State::Running { lane, .. }, .. }) = self.rows.get_mut(&service) {
                *lane = Lane::Slow;
            }
        }
    }

    fn come_due(&mut self, service: &ServiceId, now: MeshTime) -> Option<Step> {
        let row = self.rows.get_mut(service)?;
        let (due, next) = row.come_due(service, now)?;
        self.queue.insert((next, service.clone()));
        if due.occasion == Occasion::Extra && row.state != State::Idle {
            return None;
        }
        match &mut row.state {
            State::Running { occasion: Occasion::Slot, .. } => Some(Step::Overran(due.service)),
            State::Running { occasion: Occasion::Extra, then, .. } => {
                then.replace(due).map(|lost| Step::Overran(lost.service))
            }
            State::Waiting(waiting) => match std::mem::replace(waiting, due).occasion {
                Occasion::Slot => Some(Step::Starved(service.clone())),
                Occasion::Extra => None,
            },
            State::Idle => {
                self.waiting[row.lane as usize].push_back(due.service.clone());
                row.state = State::Waiting(due);
                None
            }
        }
    }

    fn start_waiting(&mut self, now: MeshTime, steps: &mut Vec<Step>) {
        for lane in [Lane::Quick, Lane::Slow] {
            while self.has_room(lane) {
                let Some(service) = self.waiting[lane as usize].pop_front() else {
                    break;
                };
                let Some(row) = self.rows.get_mut(&service) else {
                    continue;
                };
                let State::Waiting(due) = &row.state else {
                    continue;
                };
                let (due, occasion) = (due.clone(), due.occasion);
                row.state = State::Running { since: now, lane, occasion, then: None };
                steps.push(Step::Start(due));
                match lane {
                    Lane::Quick => {
                        self.quick.insert((now, service));
                    }
                    Lane::Slow => self.slow += 1,
                }
            }
        }
    }

    fn has_room(&self, lane: Lane) -> bool {
        match lane {
            Lane::Quick => self.quick.len() < self.limits.quick,
            Lane::Slow => self.slow < self.limits.slow,
        }
    }
}

#[cfg(test)]
mod tests;
