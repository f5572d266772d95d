//! One service's memory: the results of its last cycles, what they fold to, and the status they show.

use crate::facts::{Acknowledgement, Deployment, Hold, HoldKind, Scope};
use crate::fold::{Decided, Folded};
use crate::incident::{Incident, IncidentId};
use crate::maintenance::{Active, active};
use crate::result::ProbeResult;
use crate::service::Service;
use crate::status::{
    CycleSummary, Failtage, Freshness, MaintenanceNote, ServiceStatus, SilenceNote, VantageStatus, Verdict,
};
use crate::verdict::{Say, decide, standing};
use crate::vocabulary::{Cycle, MeshTime, Micros, NodeId, Outcome, Vote};
use crate::watch::{KEPT_CYCLES, SHOWN_CYCLES, Sites};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A result without what its place in the memory says already.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    node: NodeId,
    at: MeshTime,
    outcome: Outcome,
    latency: Micros,
    reason: Option<Arc<str>>,
}

/// One cycle: what was seen, and what follows from it, worked out once.
#[derive(Debug)]
struct Slot {
    seen: Vec<Seen>,
    decided: Option<Decided>,
    summary: CycleSummary,
}

/// What a fold made of the incidents.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// Those that late results have shown never to have been.
    pub(crate) withdrawn: Vec<IncidentId>,
    /// Those that are new or not as they were.
    pub(crate) incidents: Vec<Incident>,
}

/// One service's memory.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) service: Arc<Service>,
    slots: BTreeMap<Cycle, Slot>,
    /// The fold of all cycles that are no longer kept.
    base: Folded,
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

    /// Notes one result without working out what follows. False when it is known already or too old.
    pub(crate) fn note(&mut self, result: &ProbeResult, sites: &Sites) -> bool {
        let full = self.slots.len() >= KEPT_CYCLES;
        let oldest = self.slots.keys().next().copied();
        let too_old = self.base.latest().is_some_and(|latest| result.cycle <= latest)
            || (full && oldest.is_some_and(|oldest| result.cycle < oldest));
        if too_old {
            return false;
        }
        let seen = Seen {
            node: result.node.clone(),
            at: result.at,
            outcome: result.outcome,
            latency: result.latency,
            reason: result.reason.clone(),
        };
        let slot = self.slots.entry(result.cycle).or_insert_with(|| Slot::empty(result.cycle));
        if !slot.take(seen) {
            return false;
        }
        slot.work_out(result.cycle, sites);
        true
    }

    /// Works every slot out again: the sites have changed.
    pub(crate) fn recast(&mut self, sites: &Sites) {
        for (cycle, slot) in &mut self.slots {
            slot.work_out(*cycle, sites);
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
        }
    }

    /// Folds everything anew. Returns the incidents that are not as they were.
    pub(crate) fn refold(&mut self) -> Changed {
        let (id, rules, interval) = (&self.service.id, self.service.rules, self.service.interval);
        while self.slots.len() > KEPT_CYCLES {
            if let Some((_, Slot { decided: Some(decided), .. })) = self.slots.pop_first()
                && self.base.latest().is_none_or(|latest| decided.cycle > latest)
            {
                self.base.step(id, rules, interval, &decided);
            }
        }
        let mut folded = self.base.clone();
        let mut ended = Vec::new();
        let judged = self.base.latest();
        let open = |decided: &&Decided| judged.is_none_or(|judged| decided.cycle > judged);
        for decided in self.slots.values().filter_map(|slot| slot.decided.as_ref()).filter(open) {
            ended.extend(folded.step(id, rules, interval, decided));
        }
        let before = std::mem::replace(&mut self.ended, ended);
        let open_before = std::mem::replace(&mut self.folded, folded).incident;
        let before: Vec<Incident> = before.into_iter().chain(open_before).collect();
        self.changes(&before)
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
        let mut end = last.later(1, interval);
        while shown.len() < SHOWN_CYCLES && end > *oldest_known {
            let start = end.earlier(1, interval);
            // of several that fall into one slot (the interval was shorter) the newest is shown
            let known = self.slots.range(start..end).next_back().map(|(_, slot)| slot.summary);
            shown.push(known.unwrap_or_else(|| Slot::empty(start).summary));
            end = start;
        }
        shown.reverse();
        shown
    }

    /// Who sees what, and the failtage of all together.
    fn vantage(&self) -> (Vec<VantageStatus>, Option<Failtage>) {
        let mut latest: BTreeMap<&NodeId, (Cycle, &Seen)> = BTreeMap::new();
        for (cycle, slot) in self.slots.iter().rev() {
            for seen in &slot.seen {
                latest.entry(&seen.node).or_insert((*cycle, seen));
            }
        }
        let mut votes: BTreeMap<&NodeId, (u32, u32)> = BTreeMap::new();
        for (cycle, _) in self.folded.window(self.service.rules) {
            for seen in self.slots.get(&cycle).map(|slot| slot.seen.as_slice()).unwrap_or_default() {
                if let Some(vote) = seen.outcome.vote() {
                    let (failed, voting) = votes.entry(&seen.node).or_default();
                    *failed += u32::from(vote == Vote::Failed);
                    *voting += 1;
                }
            }
        }
        let all = votes.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let each = latest.into_iter().map(|(node, (cycle, seen))| VantageStatus {
            node: node.clone(),
            failtage: votes.get(node).and_then(|(failed, voting)| Failtage::of(*failed, *voting)),
            outcome: seen.outcome,
            vote: seen.outcome.vote(),
            cycle,
            at: seen.at,
            latency: seen.latency,
            reason: seen.reason.clone(),
        });
        (each.collect(), Failtage::of(all.0, all.1))
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

impl Slot {
    fn empty(cycle: Cycle) -> Self {
        let summary =
            CycleSummary { cycle, verdict: None, outcome: None, failed: 0, voting: 0, latency: None };
        Self { seen: Vec::new(), decided: None, summary }
    }

    /// Takes a result in. There is one per node; should two differ, one of them stands on every node
    /// alike, whichever came first: see [`ProbeResult::precedence`].
    fn take(&mut self, seen: Seen) -> bool {
        let rank = |seen: &Seen| (seen.at, seen.outcome, seen.latency);
        match self.seen.binary_search_by(|known| known.node.cmp(&seen.node)) {
            Ok(place) => match self.seen.get_mut(place) {
                Some(known) if rank(&seen) < rank(known) => {
                    *known = seen;
                    true
                }
                Some(_) | None => false,
            },
            Err(place) => {
                self.seen.reserve_exact(1);
                self.seen.insert(place, seen);
                true
            }
        }
    }

    fn work_out(&mut self, cycle: Cycle, sites: &Sites) {
        let says = self
            .seen
            .iter()
            .map(|seen| Say { site: sites.get(&seen.node).map(String::as_str), outcome: seen.outcome });
        let decision = decide(says);
        let verdict = decision.map(|decision| decision.verdict);
        self.summary = CycleSummary {
            cycle,
            verdict,
            outcome: standing(verdict, self.seen.iter().map(|seen| seen.outcome)),
            failed: decision.map_or(0, |decision| decision.failed),
            voting: decision.map_or(0, |decision| decision.voting),
            latency: self.median_latency(),
        };
        self.decided = decision.map(|decision| {
            let side = if decision.verdict == Verdict::Failed { Vote::Failed } else { Vote::Passed };
            let at =
                self.seen.iter().filter(|seen| seen.outcome.vote() == Some(side)).map(|seen| seen.at).min();
            Decided { cycle, decision, at: at.unwrap_or(cycle.start()), reason: self.reason() }
        });
    }

    /// Why the cycle is not simply up: the first reason of the failed results, else of any.
    fn reason(&self) -> Option<Arc<str>> {
        let failed = self.seen.iter().filter(|seen| seen.outcome.vote() == Some(Vote::Failed));
        failed.chain(&self.seen).find_map(|seen| seen.reason.clone())
    }

    fn median_latency(&self) -> Option<Micros> {
        let mut latencies: Vec<Micros> = self.seen.iter().map(|seen| seen.latency).collect();
        latencies.sort_unstable();
        latencies.get(latencies.len().saturating_sub(1) / 2).copied()
    }
}
