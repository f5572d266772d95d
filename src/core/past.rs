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
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many cycles with a vote before the oldest late one are needed to know how things stood.
pub const CYCLES_BEFORE: usize = 64;
/// The later ones of them are folded; the earlier ones fill the window and what flapping looks at, 21 at
/// most.
const CYCLES_FOLDED: usize = 32;

/// What is known from before the results that are folded anew.
#[derive(Debug, Clone, Default)]
pub struct Before {
    /// The last incident that began before the first of them, as stored.
    pub last_incident: Option<Incident>,
    /// When the service was first probed.
    pub first_seen: Option<MeshTime>,
}

/// The first cycle to be folded, from the results of the last [`CYCLES_BEFORE`] cycles with a vote before
/// `late`, oldest first. Where there are not so many they are all there ever were, and all are folded.
pub fn first_folded(earlier: &[ProbeResult], late: Cycle) -> Cycle {
    let voted = earlier.iter().filter(|result| result.outcome.vote().is_some());
    let cycles: BTreeSet<Cycle> = voted.map(|result| result.cycle).collect();
    if cycles.len() < CYCLES_BEFORE {
        return earlier.first().map_or(late, |result| result.cycle);
    }
    cycles.into_iter().rev().nth(CYCLES_FOLDED - 1).unwrap_or(late)
}

/// A fold of a service's past under way.
#[derive(Debug)]
pub struct PastFold {
    first: Cycle,
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
    /// What was seen in its last cycle.
    pub(crate) last: Option<(Cycle, Vec<Seen>)>,
}

impl PastFold {
    /// Folds from the cycle `first` on; of earlier results only the window is filled.
    pub fn new(service: Arc<Service>, sites: Sites, first: Cycle, before: Before) -> Self {
        let last = before.last_incident.map(|incident| {
            let ended = incident.recovered.is_some_and(|cycle| cycle < first);
            // one that ended later was open then; the results end it again
            if ended { incident } else { Incident { recovered: None, ended: None, ..incident } }
        });
        let folded = Folded::resumed(last.as_ref(), before.first_seen);
        let is_new = before.first_seen.is_none_or(|seen| seen >= first.start()) && last.is_none();
        let folded = if is_new { folded } else { folded.going_on() };
        Self { first, service, sites, folded, ended: Vec::new(), slot: None, before: None }
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
        FoldedPast { before, folded: self.folded, ended: self.ended, last: self.before }
    }

    fn step(&mut self) {
        let Some((cycle, mut slot)) = self.slot.take() else { return };
        let before = cycle.earlier(1, self.service.interval);
        let lent = self.before.take().filter(|(known, _)| *known == before && before < cycle);
        slot.work_out(cycle, lent.as_ref().map_or(&[], |(_, seen)| seen.as_slice()), &self.sites);
        let (rules, interval) = (self.service.rules, self.service.interval);
        match &slot.decided {
            Some(decided) if cycle < self.first => self.folded.look(rules, decided),
            Some(decided) => self.ended.extend(self.folded.step(&self.service.id, rules, interval, decided)),
            None => {}
        }
        self.before = Some((cycle, slot.seen));
    }
}

impl FoldedPast {
    /// What of the stored incidents is to be corrected. Those that were over before `late`, the oldest late
    /// cycle, are as they were; those that go on into what is remembered are
    /// [`crate::watch::Watch::correct`]'s.
    pub fn corrections(&self, stored: &[Incident], late: Cycle) -> Vec<Effect> {
        let touched = |incident: &Incident| incident.recovered.is_none_or(|cycle| cycle >= late);
        let is_past = |incident: &Incident| incident.recovered.is_some_and(|cycle| cycle < self.before);
        let goes_on = self.folded.incident.as_ref().map(|open| &open.id);
        let is_still =
            |was: &Incident| Some(&was.id) == goes_on || self.ended.iter().any(|is| is.id == was.id);
        let gone = stored.iter().filter(|was| touched(was) && is_past(was) && !is_still(was));
        // a recovery is told when enough cycles are known, so a late result may bring one from before it
        let known = |is: &Incident| stored.iter().find(|was| was.id == is.id);
        let changed = self.ended.iter().filter(|is| {
            known(is).map_or_else(|| touched(is), |was| was != *is && (touched(is) || touched(was)))
        });
        let gone = gone.map(|was| Effect::NoIncident(was.id.clone()));
        gone.chain(changed.map(|is| Effect::Incident(Arc::new(is.clone())))).collect()
    }
}
