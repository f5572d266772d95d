//! Late results: the part of a service's past that is no longer remembered, folded anew.
//!
//! A node keeps the results of the last cycles in its memory, and what all before them came to. Results
//! that arrive later than that, because this node or another was cut off for long, change what was before:
//! an incident may have begun earlier, ended later, or never have been. So the past is folded again from
//! the stored results, by the rules and sites of today, from some cycles before the oldest late one.

use crate::fold::Folded;
use crate::incident::Incident;
use crate::result::ProbeResult;
use crate::service::Service;
use crate::slot::{Seen, Slot};
use crate::vocabulary::{Cycle, MeshTime};
use crate::watch::{Effect, Sites};
use std::sync::Arc;

/// How many cycles before the oldest late one are folded, too, to know how things stood: more than the
/// longest window and than flapping looks at.
pub const CYCLES_BEFORE: usize = 32;

/// What is known from before the results that are folded anew.
#[derive(Debug, Clone, Default)]
pub struct Before {
    /// The last incident that began before the first of them, as stored.
    pub last_incident: Option<Incident>,
    /// When the service was first probed.
    pub first_seen: Option<MeshTime>,
}

/// A fold of a service's past under way.
#[derive(Debug)]
pub struct PastFold {
    service: Arc<Service>,
    sites: Sites,
    folded: Folded,
    ended: Vec<Incident>,
    slot: Option<(Cycle, Slot)>,
    /// What was seen in the cycle before: who is silent about this one stands by it.
    before: Option<(Cycle, Vec<Seen>)>,
}

/// What a service's past came to.
#[derive(Debug, Clone)]
pub struct FoldedPast {
    /// The first cycle that is not in it.
    pub(crate) before: Cycle,
    pub(crate) folded: Folded,
    /// The incidents that began and ended in it.
    pub(crate) ended: Vec<Incident>,
}

impl PastFold {
    /// Begins with the cycle `first`.
    pub fn new(service: Arc<Service>, sites: Sites, first: Cycle, before: Before) -> Self {
        let last = before.last_incident.map(|incident| {
            let ended = incident.recovered.is_some_and(|cycle| cycle < first);
            // one that ended later was open then; the results end it again
            if ended { incident } else { Incident { recovered: None, ended: None, ..incident } }
        });
        let folded = Folded::resumed(last.as_ref(), before.first_seen);
        let is_new = before.first_seen.is_none_or(|seen| seen >= first.start()) && last.is_none();
        let folded = if is_new { folded } else { folded.going_on() };
        Self { service, sites, folded, ended: Vec::new(), slot: None, before: None }
    }

    /// Takes the next result; they come by cycle, oldest first. One of an earlier cycle than the last is
    /// not taken.
    pub fn take(&mut self, result: &ProbeResult) {
        match &mut self.slot {
            Some((cycle, slot)) if *cycle == result.cycle => {
                slot.take(Seen::of(result));
            }
            Some((cycle, _)) if *cycle > result.cycle => {}
            Some(_) | None => {
                self.step();
                let mut slot = Slot::empty(result.cycle);
                slot.take(Seen::of(result));
                self.slot = Some((result.cycle, slot));
            }
        }
    }

    /// Ends before the cycle `before`.
    pub fn finish(mut self, before: Cycle) -> FoldedPast {
        self.step();
        FoldedPast { before, folded: self.folded, ended: self.ended }
    }

    fn step(&mut self) {
        let Some((cycle, mut slot)) = self.slot.take() else { return };
        let before = cycle.earlier(1, self.service.interval);
        let lent = self.before.take().filter(|(known, _)| *known == before && before < cycle);
        slot.work_out(cycle, lent.as_ref().map_or(&[], |(_, seen)| seen.as_slice()), &self.sites);
        if let Some(decided) = &slot.decided {
            let (rules, interval) = (self.service.rules, self.service.interval);
            self.ended.extend(self.folded.step(&self.service.id, rules, interval, decided));
        }
        self.before = Some((cycle, slot.seen));
    }
}

impl FoldedPast {
    /// What of the stored incidents is to be corrected. Those that were over before `late`, the oldest late
    /// cycle, are as they were; those that go on into what is remembered are
    /// [`crate::watch::Watch::correct`]'s.
    pub fn corrections(&self, stored: &[Incident], late: Cycle) -> Vec<Effect> {
        let over = |incident: &&Incident| {
            incident.recovered.is_some_and(|cycle| late <= cycle && cycle < self.before)
        };
        let goes_on = self.folded.incident.as_ref().map(|open| &open.id);
        let gone = stored
            .iter()
            .filter(over)
            .filter(|was| Some(&was.id) != goes_on && !self.ended.iter().any(|is| is.id == was.id));
        let changed = self.ended.iter().filter(over).filter(|is| !stored.contains(is));
        let gone = gone.map(|was| Effect::NoIncident(was.id.clone()));
        gone.chain(changed.map(|is| Effect::Incident(Arc::new(is.clone())))).collect()
    }
}
