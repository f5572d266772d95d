//! Checks of what is shown: outages and recoveries in time, and no incident that is none.

use crate::checks::{Check, Look};
use crate::inspect::STABLE;
use crate::network::Index;
use crate::node::Node;
use crate::options::{Fault, Hit, Lie};
use crate::queue::At;
use crate::truth::Outage;
use crate::world::World;
use p7_core::incident::Incident;
use p7_core::result::ProbeResult;
use p7_core::vocabulary::{Level, NodeId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the promise allows beside the schedule and a test's time-out.
const PROMISED: u64 = 2_000;
/// A lost message is made up for by catching up.
const LOSS_ALLOWANCE: u64 = 40_000;
/// Clocks that differ by more than this make some nodes wait for their slot.
const CLOCKS_AGREE: u64 = 100;
/// So many intervals must be known and quiet before a promise about levels holds.
const KNOWN: u64 = 4;
/// An incident that is open so many intervals after all is well again is none.
const LONG_OPEN: u64 = 8;
/// Fewer vantage points than this may be deceived by one.
const ENOUGH: usize = 3;

/// Who could see an outage from a component.
struct Witnesses {
    /// Vantage points that see what is.
    good: usize,
    /// Those that do not.
    bad: usize,
    /// How many of the good ones count, as those of one site are one.
    sites: usize,
}

impl World {
    fn interval(&self, service: usize) -> u64 {
        self.services[service].interval.span().0
    }

    /// Whether faults of this kind happen in this run.
    pub(crate) fn has_fault(&self, fault: Fault) -> bool {
        self.options.faults.iter().any(|(known, _)| *known == fault)
    }

    fn witnesses(&self, service: usize, component: &[Index]) -> Witnesses {
        let mut sites = BTreeSet::new();
        let mut witnesses = Witnesses { good: 0, bad: 0, sites: 0 };
        for node in component.iter().map(|node| &self.nodes[usize::from(*node)]) {
            if node.desks[service].seat.is_none() {
                continue;
            }
            if node.is_honest() && node.uplink_cuts == 0 {
                witnesses.good += 1;
                sites.insert(node.site.map_or(usize::from(node.index) + 1_000, |site| site));
            } else {
                witnesses.bad += 1;
            }
        }
        witnesses.sites = sites.len();
        witnesses
    }

    /// Within how long a component must show a service's outage; none when nothing is promised.
    fn promised(&self, service: usize, component: &[Index]) -> Option<u64> {
        let witnesses = self.witnesses(service, component);
        let (interval, timeout) = (self.interval(service), self.services[service].timeout.0);
        let forger = self.options.liar == Some(Lie::InOthersName);
        if witnesses.good == 0 || witnesses.bad >= witnesses.good || forger {
            return None;
        }
        // who takes an outage for a fault of its own network does not vote
        if self.options.misjudges > 0 && witnesses.good < ENOUGH {
            return None;
        }
        if self.options.sites > 0 && witnesses.bad > 0 {
            return None;
        }
        let slowest =
            component.iter().map(|node| self.nodes[usize::from(*node)].slow).max().unwrap_or_default();
        let wire = 6 * self.options.latency_limit() + 3 * slowest;
        let is_rough = self.options.wire.loss > 0
            || self.options.misjudges > 0
            || self.options.clocks.offset > CLOCKS_AGREE
            || self.options.clocks.drift > 0 && self.now > crate::world::START + 3_600_000
            || slowest > 0;
        let confirmed = witnesses.sites >= 2;
        let seats = (witnesses.good + witnesses.bad) as u64;
        let first = interval * (witnesses.bad as u64 + 1) / seats;
        Some(match (confirmed, is_rough) {
            (true, false) => first + timeout + PROMISED + wire,
            (true, true) => interval + 2 * timeout + PROMISED + wire + LOSS_ALLOWANCE,
            (false, _) => {
                2 * interval + timeout + PROMISED + wire + if is_rough { LOSS_ALLOWANCE } else { 0 }
            }
        })
    }

    fn is_steady(&self, service: usize) -> bool {
        let known = KNOWN * self.interval(service);
        let quiet = known.max(STABLE) + 2 * self.interval(service);
        self.quiet_for() >= quiet && !self.weather.is_over && self.now > crate::world::START + quiet
    }

    pub(crate) fn note_outage(&mut self, service: usize) {
        // the words on the one before must have been said
        let rested = (KNOWN + 2) * self.interval(service);
        if let Some(since) = self.truths[service].last_began_after(rested)
            && self.truths[service].ended + rested < self.now
        {
            self.look_at_storm(service, since, 1);
        }
        let Some(outage) = &self.truths[service].outage else { return };
        let (number, is_for_all) = (outage.number, outage.hit == Hit::All);
        let rested = self.truths[service].ended + (KNOWN + 2) * self.interval(service) < self.now;
        if !is_for_all || !rested || !self.is_steady(service) {
            return;
        }
        for component in self.components() {
            let Some(promised) = self.promised(service, &component) else { continue };
            let nodes: Vec<Index> =
                component.into_iter().filter(|node| self.nodes[usize::from(*node)].lie.is_none()).collect();
            self.look_later(promised, Look::Opened { service, outage: number, nodes: nodes.clone() });
            let down = promised + 6 * self.interval(service) + 2 * LOSS_ALLOWANCE;
            self.look_later(down, Look::Down { service, outage: number, nodes });
        }
    }

    pub(crate) fn note_recovery(&mut self, service: usize, outage: &Outage) {
        let lasted = self.now - outage.from;
        let enough = 3 * self.interval(service) + 2 * self.services[service].timeout.0;
        if outage.hit != Hit::All || lasted < enough || !self.is_steady(service) {
            return;
        }
        for component in self.components() {
            let Some(promised) = self.promised(service, &component) else { continue };
            let nodes: Vec<Index> =
                component.into_iter().filter(|node| self.nodes[usize::from(*node)].lie.is_none()).collect();
            self.look_later(promised, Look::Closed { service, nodes, since: self.now });
        }
    }

    fn is_still(&self, service: usize, outage: u32) -> bool {
        self.truths[service].outage.as_ref().is_some_and(|now| now.number == outage)
    }

    pub(crate) fn look_whether_opened(&mut self, service: usize, outage: u32, nodes: &[Index]) {
        if !self.is_still(service, outage) {
            return;
        }
        let id = self.services[service].id.clone();
        let since = self.truths[service].outage.as_ref().map_or(0, |outage| outage.from);
        let mut all = true;
        for node in nodes {
            self.checks.look(Check::IncidentInTime);
            if self.nodes[usize::from(*node)].watch.open_incident(&id).is_none() {
                all = false;
                let after = self.now - since;
                let status = self.nodes[usize::from(*node)].watch.status(&id).map(|status| {
                    let newest: Vec<_> =
                        status.vantage.iter().map(|one| (one.node.clone(), one.cycle, one.outcome)).collect();
                    format!("{:?} {:?} {newest:?}", status.level, status.freshness)
                });
                self.breaks(Check::IncidentInTime, |_| {
                    format!("n{node}: {id} is out for {after} ms: {status:?}")
                });
            }
        }
        if all {
            let wait = self.time_to_say();
            self.look_later(wait, Look::Said { service, outage, since });
        }
    }

    pub(crate) fn look_whether_down(&mut self, service: usize, outage: u32, nodes: &[Index]) {
        if !self.is_still(service, outage) || self.options.misjudges > 0 {
            return;
        }
        let id = self.services[service].id.clone();
        for node in nodes {
            self.checks.look(Check::DownInTime);
            let level = self.nodes[usize::from(*node)].watch.status(&id).map(|status| status.level);
            if level != Some(Level::Down) {
                self.breaks(Check::DownInTime, |_| format!("n{node} shows {id} as {level:?}"));
            }
        }
    }

    pub(crate) fn look_whether_closed(&mut self, service: usize, nodes: &[Index], since: At) {
        if self.truths[service].outage.is_some() || self.truths[service].ended != since {
            return;
        }
        let id = self.services[service].id.clone();
        for node in nodes {
            self.checks.look(Check::RecoveryInTime);
            if self.nodes[usize::from(*node)].watch.open_incident(&id).is_some() {
                let after = self.now - since;
                let status = self.nodes[usize::from(*node)].watch.status(&id).map(|status| {
                    let newest: Vec<_> =
                        status.vantage.iter().map(|one| (one.node.clone(), one.cycle, one.outcome)).collect();
                    format!("{:?} {newest:?}", status.level)
                });
                self.breaks(Check::RecoveryInTime, |_| {
                    format!("n{node}: {id} is well for {after} ms: {status:?}")
                });
            }
        }
    }

    /// An incident has opened, changed or ended on a node.
    pub(crate) fn check_incident(&mut self, node: Index, incident: &Incident) {
        if incident.ended.is_none() {
            self.judge_incident(node, incident, incident.opened.start().0);
        }
    }

    /// Whether an incident that is open at a moment is one.
    fn judge_incident(&mut self, node: Index, incident: &Incident, at: At) {
        if !self.testing {
            // nobody but liars says anything any more
            return;
        }
        self.checks.look(Check::NoFalseIncident);
        if self.checks.false_ones.contains(&(node, incident.id.clone())) {
            return;
        }
        let service = self.place_of(&incident.id.service);
        let interval = self.interval(service);
        // clocks that are wrong put results into other cycles
        let wrong = 3 * interval + if self.has_fault(Fault::Clock) { self.options.clocks.step } else { 0 };
        let first = incident.id.first.start().0;
        let first = if at == self.now { at.saturating_sub(LONG_OPEN * interval) } else { first };
        let was_out = self.truths[service].was_out(first.saturating_sub(wrong), at + wrong);
        if was_out || self.nodes[usize::from(node)].lie.is_some() {
            return;
        }
        let is_history = at + 3 * interval < self.now;
        // who knows that it is cut off does not vote, however many they are
        let is_bad = |one: &Node| !one.is_honest();
        let blindness = self.options.misjudges > 0 && self.has_fault(Fault::Uplink);
        let nobody_is_bad = !blindness && !self.nodes.iter().any(is_bad);
        if !nobody_is_bad && (is_history || !self.is_protected(node, service)) {
            return;
        }
        self.checks.false_ones.insert((node, incident.id.clone()));
        self.breaks(Check::NoFalseIncident, |_| format!("n{node} opens {} while all is well", incident.id));
    }

    /// No node keeps an incident open for long that is none.
    pub(crate) fn inspect_incidents(&mut self) {
        for node in 0..self.nodes.len() {
            if !self.nodes[node].is_on() {
                continue;
            }
            // who was off or alone knows no better before its next test has come back
            let quiet = self.quiet_for();
            for service in 0..self.services.len() {
                let heard = 2 * self.interval(service) + self.services[service].timeout.0;
                if quiet < heard {
                    continue;
                }
                let open = self.nodes[node].watch.open_incident(&self.services[service].id).cloned();
                let index = self.nodes[node].index;
                if let Some(open) = open.filter(|_| self.hears_of(index, service)) {
                    self.judge_incident(index, &open, self.now);
                }
            }
        }
    }

    /// Whether somebody who tests a service can see it and be heard by a node. Whoever is alone without an uplink
    /// has nobody to tell it that an outage is over: what it knew last stands.
    fn hears_of(&self, node: Index, service: usize) -> bool {
        let components = self.components();
        let component = components.iter().find(|component| component.contains(&node));
        component.is_some_and(|component| self.witnesses(service, component).good > 0)
    }

    /// Whether a node's component has enough vantage points that no bad one may deceive it.
    fn is_protected(&self, node: Index, service: usize) -> bool {
        let quiet = STABLE.max(3 * self.interval(service));
        if self.quiet_for() < quiet {
            return false;
        }
        let components = self.components();
        let Some(component) = components.iter().find(|component| component.contains(&node)) else {
            return false;
        };
        let (mut good, mut bad) = (BTreeSet::new(), BTreeSet::new());
        let mut blind = 0;
        for one in component.iter().map(|one| &self.nodes[usize::from(*one)]) {
            if one.desks[service].seat.is_none() {
                continue;
            }
            let site = one.site.unwrap_or(usize::from(one.index) + 1_000);
            if !one.is_honest() || (one.uplink_cuts > 0 && self.options.misjudges > 0) {
                bad.insert(site);
            } else if one.uplink_cuts > 0 {
                // it says so itself and does not vote
                blind += 1;
            } else {
                good.insert(site);
            }
        }
        // whoever is blind for other reasons than the one bad vantage point leaves the rest to decide
        good.len() + bad.len() >= ENOUGH && bad.len() < good.len().min(2)
            || (bad.is_empty() && blind > 0 && !good.is_empty())
    }

    /// A result is about to be believed by a node.
    pub(crate) fn check_result(&mut self, node: Index, author: &NodeId, result: &Arc<ProbeResult>) {
        self.checks.look(Check::NoForgery);
        if result.node != *author {
            self.breaks(Check::NoForgery, |_| format!("n{node} believes {author} about {}", result.node));
        }
        let one = &self.nodes[usize::from(node)];
        let interval = self.services[self.place_of(&result.service)].interval.span().0;
        let lawful = one.mesh_time(self.now).0 + interval;
        self.checks.look(Check::NoFuture);
        // of its own clock's jumps a node knows itself
        if result.cycle.start().0 > lawful && one.lie.is_none() && one.id != *author {
            let ahead = result.cycle.start().0 - lawful;
            self.breaks(Check::NoFuture, |_| {
                format!("n{node} believes a result of {author} {ahead} ms too early")
            });
        }
    }

    /// A node has tested a service.
    pub(crate) fn note_test(&mut self, node: Index, service: usize) {
        if self.nodes[usize::from(node)].lie.is_none() {
            self.checks.tested.resize(self.services.len(), 0);
            self.checks.tested[service] = self.now;
        }
    }

    /// A node states a result of its own.
    pub(crate) fn check_own_result(&mut self, node: Index, result: &ProbeResult, began: At) {
        let shortest = self.options.services.iter().map(|plan| plan.interval).min().unwrap_or_default();
        if !self.has_fault(Fault::Clock) || self.quiet_for() < STABLE || !self.has_right_company(node) {
            return;
        }
        self.checks.look(Check::MeshTime);
        let off = result.at.0.abs_diff(began);
        if off > shortest / 8 + 2_000 + self.options.clocks.offset {
            self.breaks(Check::MeshTime, |_| format!("n{node}'s mesh time is {off} ms off"));
        }
    }

    /// Whether most of at least three nodes around it, itself counted, have a clock that is right.
    fn has_right_company(&self, node: Index) -> bool {
        let components = self.components();
        let Some(component) = components.iter().find(|component| component.contains(&node)) else {
            return false;
        };
        let limit = i64::try_from(self.options.clocks.offset).unwrap_or(i64::MAX).saturating_add(2_000);
        let is_right = |one: &&Index| self.nodes[usize::from(**one)].clock.ahead(self.now).abs() <= limit;
        let others = component.iter().filter(|one| **one != node);
        let right = others.filter(is_right).count();
        component.len() > 2 && right * 2 > component.len()
    }
}
