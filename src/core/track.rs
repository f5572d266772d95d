//! One service's memory: the results of its last cycles, what they fold to, and the status they show.

use crate::facts::{Acknowledgement, Deployment, Hold, HoldKind, Scope};
use crate::fold::Folded;
use crate::incident::{Incident, IncidentId};
use crate::maintenance::{Active, active};
use crate::past::FoldedPast;
use crate::result::ProbeResult;
use crate::service::Service;
use crate::slot::{Seen, Slot};
use crate::status::{
    CycleSummary, Failtage, Freshness, MaintenanceNote, ServiceStatus, SilenceNote, VantageStatus,
};
use crate::vocabulary::{Cycle, MeshTime, Millis, Outcome, Vote};
use crate::watch::{KEPT_CYCLES, SHOWN_CYCLES, Sites};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A node that was not heard for so many decided cycles is no vantage point any more.
const VANTAGE_CYCLES: usize = 6;

/// What a fold made of the incidents.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// Those that late results have shown never to have been.
    pub(crate) withdrawn: Vec<IncidentId>,
    /// Those that are new or not as they were.
    pub(crate) incidents: Vec<Incident>,
}

/// A fold that stands as long as no result older than `before` comes.
#[derive(Debug, Default)]
struct Head {
    folded: Folded,
    ended: Vec<Incident>,
    /// The first cycle that is not in it; none when it has to be worked out anew.
    before: Option<Cycle>,
}

/// One service's memory.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) service: Arc<Service>,
    slots: BTreeMap<Cycle, Slot>,
    /// The fold of all cycles that are no longer kept.
    base: Folded,
    /// The fold of all cycles but the newest, so that its results, which come last, cost one step each.
    head: Head,
    /// The fold of all cycles.
    pub(crate) folded: Folded,
    /// Incidents that ended within the kept cycles.
    ended: Vec<Incident>,
    pub(crate) acknowledged: Option<Acknowledgement>,
    pub(crate) deployment: Option<Deployment>,
    pub(crate) status: Arc<ServiceStatus>,
    /// When the status changes even if nothing is heard.
    pub(crate) due: MeshTime,
}

impl Track {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        let status = Arc::new(ServiceStatus::pending(service.id.clone()));
        Self {
            service,
            slots: BTreeMap::new(),
            base: Folded::default(),
            head: Head::default(),
            folded: Folded::default(),
            ended: Vec::new(),
            acknowledged: None,
            deployment: None,
            status,
            due: MeshTime::default(),
        }
    }

    /// Starts from what a restart knows from before its results, the oldest of which is of cycle `oldest`.
    pub(crate) fn resume(
        &mut self,
        last: Option<Incident>,
        oldest: Option<Cycle>,
        first_seen: Option<MeshTime>,
    ) {
        let last = last.map(|incident| {
            let ended_before =
                incident.recovered.is_some_and(|cycle| oldest.is_none_or(|oldest| cycle < oldest));
            // one that ended within the results was open before them; they end it again
            if ended_before { incident } else { Incident { recovered: None, ended: None, ..incident } }
        });
        self.base = Folded::resumed(last.as_ref(), first_seen);
        self.folded = self.base.clone();
    }

    /// The first cycle whose results are not too old; none when nothing is.
    pub(crate) fn remembers_from(&self) -> Option<Cycle> {
        let judged = self.base.latest().map(|latest| Cycle::starting(latest.start().plus(Millis(1))));
        let full = self.slots.len() >= KEPT_CYCLES;
        judged.max(self.slots.keys().next().copied().filter(|_| full))
    }

    /// Whether it holds more cycles than are kept, until the next fold.
    pub(crate) fn overflows(&self) -> bool {
        self.slots.len() > KEPT_CYCLES
    }

    /// Takes up the fold of everything before what it remembers, as late results have made it. None when
    /// that is no longer what it ends at.
    pub(crate) fn correct(&mut self, past: &FoldedPast) -> Option<Changed> {
        if self.remembers_from() != Some(past.before) {
            return None;
        }
        self.base = past.folded.clone();
        self.head.before = None;
        let mut changed = self.refold();
        // one that now ended before what is remembered is not gone
        changed.withdrawn.retain(|id| !past.ended.iter().any(|ended| ended.id == *id));
        Some(changed)
    }

    /// Notes one result without working out what follows. False when it is known already or too old.
    pub(crate) fn note(&mut self, result: &ProbeResult, sites: &Sites) -> bool {
        if self.remembers_from().is_some_and(|from| result.cycle < from) {
            return false;
        }
        let slot = self.slots.entry(result.cycle).or_insert_with(|| Slot::empty(result.cycle));
        if !slot.take(Seen::of(result)) {
            return false;
        }
        self.work_out(result.cycle, sites);
        // who has not spoken about the next cycle stands by this word
        let next = result.cycle.later(1, self.service.interval);
        if self.slots.contains_key(&next) {
            self.work_out(next, sites);
        }
        if self.head.before.is_some_and(|before| result.cycle < before) {
            self.head.before = None;
        }
        true
    }

    /// Works every slot out again: the sites have changed.
    pub(crate) fn recast(&mut self, sites: &Sites) {
        let cycles: Vec<Cycle> = self.slots.keys().copied().collect();
        for cycle in cycles {
            self.work_out(cycle, sites);
        }
        self.head.before = None;
    }

    fn work_out(&mut self, cycle: Cycle, sites: &Sites) {
        let before = cycle.earlier(1, self.service.interval);
        let lent =
            self.slots.get_mut(&before).filter(|_| before < cycle).map(|slot| std::mem::take(&mut slot.seen));
        if let Some(slot) = self.slots.get_mut(&cycle) {
            slot.work_out(cycle, lent.as_deref().unwrap_or_default(), sites);
        }
        if let (Some(seen), Some(slot)) = (lent, self.slots.get_mut(&before)) {
            slot.seen = seen;
        }
    }

    /// Judges by another configuration from now on. What was judged by the old one stays judged, and only
    /// later results are weighed anew.
    pub(crate) fn rule(&mut self, service: Arc<Service>) {
        let before = std::mem::replace(&mut self.service, service);
        let is_same = before.rules == self.service.rules && before.interval == self.service.interval;
        if !is_same {
            self.base = self.folded.clone();
            self.ended.clear();
            self.head.before = None;
        }
    }

    /// Folds what is new, or everything when something old is. Returns the incidents that are not as
    /// they were.
    pub(crate) fn refold(&mut self) -> Changed {
        self.trim();
        self.turn_head();
        let mut folded = self.head.folded.clone();
        let mut ended = self.head.ended.clone();
        if let Some((_, slot)) = self.slots.last_key_value() {
            self.step(&mut folded, &mut ended, slot);
        }
        let before = std::mem::replace(&mut self.ended, ended);
        let open_before = std::mem::replace(&mut self.folded, folded).incident;
        let before: Vec<Incident> = before.into_iter().chain(open_before).collect();
        self.changes(&before)
    }

    /// Folds cycles that are too many into the base.
    fn trim(&mut self) {
        while self.slots.len() > KEPT_CYCLES
            && let Some((_, slot)) = self.slots.pop_first()
        {
            let mut base = std::mem::take(&mut self.base);
            self.step(&mut base, &mut Vec::new(), &slot);
            self.base = base;
        }
    }

    /// Brings the head up to the cycle before the newest.
    fn turn_head(&mut self) {
        let newest = self.slots.keys().next_back().copied();
        if self.head.before.is_some() && self.head.before == newest {
            return;
        }
        let mut head = std::mem::take(&mut self.head);
        let from = head.before.unwrap_or_else(|| {
            head = Head { folded: self.base.clone(), ..Head::default() };
            Cycle::default()
        });
        let to = newest.unwrap_or_default();
        for (_, slot) in self.slots.range(from..to.max(from)) {
            self.step(&mut head.folded, &mut head.ended, slot);
        }
        let judged = self.base.latest();
        head.ended.retain(|incident| incident.recovered > judged);
        head.before = newest;
        self.head = head;
    }

    /// Takes one cycle into a fold, unless the base has it already.
    fn step(&self, folded: &mut Folded, ended: &mut Vec<Incident>, slot: &Slot) {
        let Some(decided) = &slot.decided else { return };
        if self.base.latest().is_none_or(|judged| decided.cycle > judged) {
            ended.extend(folded.step(&self.service.id, self.service.rules, self.service.interval, decided));
        }
    }

    fn changes(&self, before: &[Incident]) -> Changed {
        let now: Vec<&Incident> = self.ended.iter().chain(&self.folded.incident).collect();
        let forgotten = self.base.latest();
        let withdrawn = before
            .iter()
            .filter(|was| !now.iter().any(|is| is.id == was.id))
            .filter(|was| was.recovered.is_none_or(|cycle| forgotten.is_none_or(|latest| cycle > latest)));
        Changed {
            withdrawn: withdrawn.map(|was| was.id.clone()).collect(),
            incidents: now.iter().filter(|is| !before.contains(is)).map(|is| (*is).clone()).collect(),
        }
    }

    /// One of its incidents that is open or ended within what is kept.
    pub(crate) fn incident(&self, id: &IncidentId) -> Option<&Incident> {
        self.ended.iter().chain(&self.folded.incident).find(|incident| incident.id == *id)
    }

    /// Builds the status as of `now`. True when it is another than before.
    pub(crate) fn show(&mut self, holds: &BTreeMap<String, Hold>, now: MeshTime) -> bool {
        let last = self.last_shown(now);
        let maintenance = active(&self.service.maintenance, now);
        let (note, silence, holds_change) = self.held(holds, &maintenance, now);
        let latest = self.slots.last_key_value().map(|(_, slot)| slot);
        let found = latest.is_some_and(|slot| slot.summary.outcome == Some(Outcome::Maintenance));
        let rules = self.service.rules;
        let known = self.folded.known(last, rules, self.service.interval);
        let (vantage, failtage) = self.vantage();
        let status = ServiceStatus {
            service: self.service.id.clone(),
            level: self.folded.level,
            since: self
                .folded
                .since
                .filter(|_| self.folded.latest().is_some() || self.folded.incident.is_some()),
            freshness: match self.folded.latest() {
                None => Freshness::Pending,
                Some(_) if self.folded.settled(known, rules) => Freshness::Fresh,
                Some(_) => Freshness::Stale,
            },
            failtage,
            outcome: latest.and_then(|slot| slot.summary.outcome),
            reason: latest.and_then(Slot::reason),
            last_probe: latest.and_then(|slot| slot.seen.iter().map(|seen| seen.at).max()),
            latency: latest.and_then(|slot| slot.summary.latency),
            flapping: self.folded.flapping,
            cycles: self.shown(last),
            vantage,
            incident: self.folded.incident.as_ref().map(|incident| incident.id.clone()),
            acknowledged: self.acknowledgement(),
            maintenance: note.or(found.then_some(MaintenanceNote::Found)),
            silence,
            deployment: self.deployment.clone(),
        };
        let overdue = last.later(2, self.service.interval).start().plus(self.service.timeout);
        self.due = [Some(overdue), maintenance.next_change, holds_change]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(overdue);
        if *self.status == status {
            return false;
        }
        self.status = Arc::new(status);
        true
    }

    fn acknowledgement(&self) -> Option<Acknowledgement> {
        let open = self.folded.incident.as_ref()?;
        self.acknowledged.clone().filter(|said| said.incident == open.id)
    }

    /// The newest cycle to show: the newest known, or the newest whose result is overdue.
    fn last_shown(&self, now: MeshTime) -> Cycle {
        let interval = self.service.interval;
        let overdue = Cycle::at(now.minus(self.service.timeout), interval).earlier(1, interval);
        match self.slots.last_key_value() {
            Some((newest, _)) => overdue.max(*newest),
            None => overdue,
        }
    }

    /// The last cycles, oldest first, a summary a slot; what is not known has no outcome.
    fn shown(&self, last: Cycle) -> Vec<CycleSummary> {
        let interval = self.service.interval;
        let Some(oldest_known) = self.slots.keys().next() else {
            return Vec::new();
        };
        let mut shown = Vec::with_capacity(SHOWN_CYCLES);
        let mut known = self.slots.values().rev().map(|slot| slot.summary).peekable();
        let mut end = last.later(1, interval);
        while shown.len() < SHOWN_CYCLES && end > *oldest_known {
            let start = end.earlier(1, interval);
            // of several that fall into one slot (the interval was shorter) the newest is shown
            let summary = known.next_if(|summary| summary.cycle >= start);
            while known.next_if(|summary| summary.cycle >= start).is_some() {}
            shown.push(summary.unwrap_or_else(|| Slot::empty(start).summary));
            end = start;
        }
        shown.reverse();
        shown
    }

    /// Who sees what, and the failtage of all together.
    fn vantage(&self) -> (Vec<VantageStatus>, Option<Failtage>) {
        let mut each: Vec<(VantageStatus, u32, u32)> = Vec::new();
        let mut decided = 0;
        for (cycle, slot) in self.slots.iter().rev() {
            decided += usize::from(slot.decided.is_some());
            if decided > usize::from(self.service.rules.window).max(VANTAGE_CYCLES) {
                break;
            }
            let weighed = slot.decided.is_some() && decided <= usize::from(self.service.rules.window);
            for seen in &slot.seen {
                let known = each.iter().position(|(one, ..)| one.node == seen.node);
                let place = known.unwrap_or_else(|| {
                    each.push((seen.status(*cycle), 0, 0));
                    each.len() - 1
                });
                if let (true, Some(vote), Some((_, failed, voting))) =
                    (weighed, seen.outcome.vote(), each.get_mut(place))
                {
                    *failed += u32::from(vote == Vote::Failed);
                    *voting += 1;
                }
            }
        }
        each.sort_unstable_by(|(a, ..), (b, ..)| a.node.cmp(&b.node));
        let (failed, voting) = each.iter().fold((0, 0), |sum, (_, f, v)| (sum.0 + f, sum.1 + v));
        let of_one = |(one, failed, voting)| VantageStatus { failtage: Failtage::of(failed, voting), ..one };
        (each.into_iter().map(of_one).collect(), Failtage::of(failed, voting))
    }

    /// Maintenance and silence in force, and when the next of them begins or ends.
    fn held(
        &self,
        holds: &BTreeMap<String, Hold>,
        planned: &Active,
        now: MeshTime,
    ) -> (Option<MaintenanceNote>, Option<SilenceNote>, Option<MeshTime>) {
        let held = || holds.values().filter(|hold| self.covered_by(&hold.scope) && hold.ends > now);
        // of several in force the one that lasts longest is shown
        let longest =
            |kind| held().filter(|hold| hold.kind == kind && hold.starts <= now).max_by_key(|hold| hold.ends);
        let stated = longest(HoldKind::Maintenance).map(|hold| (hold.ends, hold.reason.clone()));
        let maintenance = planned.now.clone().into_iter().chain(stated).max_by_key(|(until, _)| *until);
        let silence = longest(HoldKind::Silence).map(|hold| SilenceNote {
            id: hold.id.clone(),
            until: hold.ends,
            by: hold.by.clone(),
        });
        let change = held().map(|hold| if hold.starts > now { hold.starts } else { hold.ends }).min();
        let note = maintenance.map(|(until, reason)| MaintenanceNote::Planned { until, reason });
        (note, silence, change)
    }

    fn covered_by(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Service(id) => *id == self.service.id,
            Scope::Environment(environment) => *environment == self.service.environment,
            Scope::All => true,
        }
    }
}
