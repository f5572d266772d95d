//! The checkers' look around every few seconds: components, their leaders, their facts, their seats.

use crate::checks::{Check, Look, Noted};
use crate::network::Index;
use crate::queue::At;
use crate::world::{Happening, START, World};
use p7_core::mesh::words::Role;
use std::collections::BTreeSet;

/// How often they look.
pub(crate) const EVERY: u64 = 5_000;
/// A component is stable when nothing has changed for so long: it must have one leader by then.
pub(crate) const STABLE: u64 = 68_000;
/// And all facts by then.
const FACTS_STABLE: u64 = 120_000;
/// A fact that is younger may be under way.
const YOUNG: u64 = 60_000;
/// Looks in a row at which something must be wrong: what passes within seconds is no fault.
const IN_A_ROW: u32 = 2;
/// Where messages are lost a peer may be held to be dead for nothing. It is met again within three seconds and
/// has its seats back ten seconds later.
const IN_A_ROW_WITH_LOSS: u32 = 4;
/// Who is met again has its seats back after this.
const SEATED_AFTER: u64 = 13_000;

impl World {
    /// Nodes that run and can reach each other, by way of others if need be; each list in order.
    pub fn components(&self) -> Vec<Vec<Index>> {
        let mut left: BTreeSet<Index> =
            self.nodes.iter().filter(|node| node.is_on()).map(|node| node.index).collect();
        let mut components = Vec::new();
        while let Some(first) = left.pop_first() {
            let mut members = vec![first];
            let mut seen = 0;
            while let Some(one) = members.get(seen).copied() {
                seen += 1;
                let near: Vec<Index> =
                    left.iter().copied().filter(|other| self.network.could(one, *other)).collect();
                for other in near {
                    left.remove(&other);
                    members.push(other);
                }
            }
            members.sort_unstable();
            components.push(members);
        }
        components
    }

    pub(crate) fn quiet_for(&self) -> u64 {
        self.now - self.weather.quiet_since
    }

    pub(crate) fn breaks(&mut self, check: Check, how: impl FnOnce(&Self) -> String) {
        let how = how(self);
        self.tell(|_| format!("BROKEN: {}: {how}", check.as_str()));
        self.checks.breaks(check, self.now - START, how);
    }

    /// Something is to be looked at after `wait`, if the world has not changed until then.
    pub(crate) fn look_later(&mut self, wait: u64, what: Look) {
        let changes = self.weather.changes;
        self.checks.noted.push(Noted { changes, what });
        self.queue.put(self.now + wait, Happening::Verify(self.checks.noted.len() - 1));
    }

    pub(crate) fn holders(&self, component: &[Index]) -> Vec<Index> {
        let holds = |node: &&Index| {
            let machine = self.nodes[usize::from(**node)].machine.as_ref();
            machine.is_some_and(|machine| machine.holds(&Role::Leader))
        };
        component.iter().filter(holds).copied().collect()
    }

    /// Whom a node follows.
    pub(crate) fn followed(&self, node: Index) -> Option<Index> {
        let machine = self.nodes[usize::from(node)].machine.as_ref()?;
        machine.holder(&Role::Leader).map(|claim| crate::effects::number_of(&claim.node))
    }

    pub(crate) fn inspect(&mut self) {
        self.queue.put(self.now + EVERY, Happening::Inspect);
        let components = self.components();
        self.note_company(&components);
        if self.quiet_for() < STABLE {
            self.checks.unequal = 0;
            self.checks.wrong_members.clear();
            self.checks.wrong_seats.clear();
            return;
        }
        for component in &components {
            self.inspect_leader(component);
            if self.quiet_for() >= FACTS_STABLE {
                self.inspect_members(component);
                self.inspect_seats(component);
            }
        }
        if self.quiet_for() >= FACTS_STABLE {
            self.inspect_facts(&components);
        }
        self.inspect_tests(&components);
        if (self.now - START).is_multiple_of(12 * EVERY) {
            self.inspect_incidents();
        }
    }

    fn inspect_leader(&mut self, component: &[Index]) {
        let eligible: Vec<Index> =
            component.iter().copied().filter(|node| self.nodes[usize::from(*node)].eligible).collect();
        let Some(least) = eligible.first().copied() else { return };
        if self.now < self.checks.fitness_changed + STABLE {
            self.checks.leaders.remove(&least);
            return;
        }
        self.checks.look(Check::OneLeader);
        let holders = self.holders(&eligible);
        let alike = eligible.iter().all(|node| self.followed(*node) == holders.first().copied());
        let is_right = holders.len() == 1 && alike;
        let changes = self.weather.changes;
        let known = self.checks.leaders.get(&least).copied().filter(|(then, ..)| *then == changes);
        let (_, leader, faults) = known.unwrap_or((changes, None, 0));
        let faults = if is_right { 0 } else { faults + 1 };
        if faults == IN_A_ROW {
            let followed: Vec<_> = eligible.iter().map(|node| (*node, self.followed(*node))).collect();
            self.breaks(Check::OneLeader, |_| {
                format!("{holders:?} hold the role; who follows whom: {followed:?}")
            });
        }
        let now_leads = holders.first().copied().filter(|_| is_right);
        if let (Some(before), Some(after)) = (leader, now_leads) {
            self.checks.look(Check::LeaderStays);
            if before != after && !self.may_change(before, after) {
                self.breaks(Check::LeaderStays, |_| {
                    format!("n{after} leads in place of n{before} in a quiet mesh")
                });
            }
        }
        self.checks.leaders.insert(least, (changes, now_leads.or(leader), faults));
        if let Some(leader) = now_leads {
            self.checks.look(Check::FitLeader);
            let unfit = |node: Index| self.nodes[usize::from(node)].thinks_cut_off;
            if unfit(leader) && eligible.iter().any(|node| !unfit(*node)) {
                self.breaks(Check::FitLeader, |_| format!("n{leader} leads and is cut off, others are not"));
            }
        }
    }

    /// A higher configured priority takes over once it has been there for long.
    pub(crate) fn may_change(&self, before: Index, after: Index) -> bool {
        let priority = |node: Index| self.nodes[usize::from(node)].priority;
        priority(after) > priority(before) || self.options.wire.loss >= 50
    }

    fn inspect_members(&mut self, component: &[Index]) {
        for node in component {
            let Some(machine) = &self.nodes[usize::from(*node)].machine else { continue };
            self.checks.look(Check::SameMembers);
            let seen = machine.peers_alive();
            if seen + 1 == component.len() || self.options.wire.loss >= 50 {
                self.checks.wrong_members.remove(node);
                continue;
            }
            let patience = self.patience();
            let looks = self.checks.wrong_members.entry(*node).or_default();
            *looks += 1;
            if *looks == patience {
                self.breaks(Check::SameMembers, |_| {
                    format!("n{node} sees {seen} others, there are {component:?}")
                });
            }
        }
    }

    /// At how many looks in a row something must be wrong to be a fault.
    fn patience(&self) -> u32 {
        if self.options.wire.loss > 0 { IN_A_ROW_WITH_LOSS } else { 1 }
    }

    fn inspect_seats(&mut self, component: &[Index]) {
        let longest = self.options.services.iter().map(|plan| plan.interval).max().unwrap_or_default();
        if self.quiet_for() < FACTS_STABLE + 2 * longest || self.options.wire.loss >= 50 {
            return;
        }
        for service in 0..self.services.len() {
            self.checks.look(Check::Seats);
            let mut positions: Vec<u16> = Vec::new();
            for node in component {
                if let Some(seat) = self.nodes[usize::from(*node)].desks[service].seat {
                    positions.push(seat.position);
                }
            }
            positions.sort_unstable();
            let wanted = self.seats_wanted(service, component);
            let expected: Vec<u16> = (0..u16::try_from(wanted).unwrap_or(u16::MAX)).collect();
            let key = (service, component.first().copied().unwrap_or_default());
            if positions == expected {
                self.checks.wrong_seats.remove(&key);
                continue;
            }
            // who took a seat over from one that was missed for nothing keeps it for an interval more
            let is_shared = expected.iter().all(|seat| positions.contains(seat));
            let slow = self.nodes.iter().any(|node| node.slow > 0);
            let kept = self.services[service].interval.span().0 + SEATED_AFTER;
            let longer = u32::try_from(kept / EVERY).unwrap_or(u32::MAX);
            let is_rough = self.options.wire.loss > 0 || slow;
            let patience = self.patience() + if is_shared && is_rough { longer } else { 0 };
            let looks = self.checks.wrong_seats.entry(key).or_default();
            *looks += 1;
            if *looks == patience {
                self.breaks(Check::Seats, |_| {
                    format!("s{service:02}: seats {positions:?} among {component:?}, not {wanted}")
                });
            }
        }
    }

    fn seats_wanted(&self, service: usize, component: &[Index]) -> usize {
        let plan = &self.options.services[service];
        let at_first =
            component.iter().filter(|node| self.nodes[usize::from(**node)].site == Some(0)).count();
        let may = if plan.at_first_site && at_first > 0 { at_first } else { component.len() };
        if plan.vantage_points == 0 { may } else { may.min(usize::from(plan.vantage_points)) }
    }

    fn inspect_facts(&mut self, components: &[Vec<Index>]) {
        let digest = |node: &Index| {
            self.nodes[usize::from(*node)].machine.as_ref().map(p7_core::mesh::machine::Machine::digest)
        };
        let alike = |component: &Vec<Index>| {
            let first = component.first().and_then(digest);
            component.iter().all(|node| digest(node) == first)
        };
        self.checks.look(Check::NoLostFact);
        if components.iter().all(alike) {
            self.checks.unequal = 0;
            return;
        }
        self.checks.unequal += 1;
        // what is under way makes digests differ for a moment; only when they keep to is it worth the look
        if self.checks.unequal.is_multiple_of(6) {
            for component in components {
                self.find_lost(component, self.now.saturating_sub(YOUNG), Check::NoLostFact);
            }
        }
    }

    /// Finds facts older than `before` that one node of a component has and another lacks.
    pub(crate) fn find_lost(&mut self, component: &[Index], before: At, check: Check) -> bool {
        let mut lost = None;
        // whatever one has and another lacks shows between neighbours of the list, taken as a ring
        for (place, holder) in component.iter().enumerate() {
            let other = component[(place + 1) % component.len()];
            self.checks.look(Check::OneBatchANumber);
            let theirs = &self.nodes[usize::from(other)].disk;
            if let Some(sealed) = self.nodes[usize::from(*holder)].disk.first_missing(theirs, before) {
                let is_there = theirs.has(&sealed.batch.sequence, sealed.batch.number);
                let check = if is_there { Check::OneBatchANumber } else { check };
                lost = Some((check, *holder, other, sealed));
                break;
            }
        }
        let Some((check, holder, other, sealed)) = lost else { return true };
        self.breaks(check, |_| {
            let (sequence, number) = (&sealed.batch.sequence, sealed.batch.number);
            format!(
                "n{holder} has {sequence:?} number {number} of {} and n{other} has not",
                sealed.at - START
            )
        });
        false
    }

    /// No service is without a test for longer than its interval, and what a test takes.
    fn inspect_tests(&mut self, components: &[Vec<Index>]) {
        // where much is lost a peer may be held to be dead for nothing, and its seats go to and fro
        let is_lossy = self.options.wire.loss >= 50;
        if components.len() != 1 || !self.testing || self.options.liar.is_some() || is_lossy {
            return;
        }
        let slowest = self.nodes.iter().map(|node| node.slow).max().unwrap_or_default();
        for service in 0..self.services.len() {
            let of = &self.services[service];
            let limit = of.interval.span().0 + of.timeout.0 + crate::probing::PROBE_LIMIT + slowest + 2_500;
            let last = self.checks.tested.get(service).copied().unwrap_or_default();
            self.checks.look(Check::NeverUnwatched);
            if last > 0
                && self.quiet_for() > limit + STABLE
                && last + limit < self.now
                && self.now < last + limit + 2 * EVERY
            {
                let ago = self.now - last;
                self.breaks(Check::NeverUnwatched, |_| format!("s{service:02} was last tested {ago} ms ago"));
            }
        }
    }
}
