//! Checks of who leads: terms, claims, deaths of leaders, and returns that must change nothing.

use crate::checks::{Check, Look};
use crate::inspect::STABLE;
use crate::lives::Death;
use crate::network::Index;
use crate::world::World;
use p7_core::mesh::words::{Beat, Role, Term};
use p7_core::vocabulary::NodeId;

/// After its process was killed another leads within this, and what messages take.
const AFTER_KILL: u64 = 3_000;
/// After the power went: ten seconds without a beat, and a look around.
const AFTER_POWER_LOSS: u64 = 12_500;
/// After a goodbye.
const AFTER_GOODBYE: u64 = 1_000;
/// Lost messages are made up for by the next beats.
const LOSS_ALLOWANCE: u64 = 6_000;
/// Somebody who has just started or woken can't know whether somebody leads.
const UNSETTLED: u64 = 7_000;
/// After healing, once connected again, all agree within this.
const AGREE_WITHIN: u64 = 10_000;
/// After a return the leader is looked at when all have met and nobody may yield yet.
const LOOK_AT_LEADER_AFTER: u64 = 60_000;

/// So many looks of the inspector are the ten seconds of company that make a claim full.
const PROVED_BY: u32 = 2;

/// A change that must not change the leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Returning {
    /// A node starts or wakes.
    Node(Index),
    /// Paths are whole again.
    Paths,
}

impl World {
    pub(crate) fn check_beat(&mut self, node: Index, beat: &Beat) {
        for post in &beat.posts {
            if let Some(claim) = &post.claim {
                self.note_term(node, claim.term, beat.boot.0);
            }
        }
    }

    fn note_term(&mut self, node: Index, term: Term, boot: u32) {
        let known = *self.checks.terms.entry((node, term.0)).or_insert(boot);
        self.checks.look(Check::TermsOnce);
        if known != boot {
            self.breaks(Check::TermsOnce, |_| {
                format!("n{node} claims {term:?} in its lives {known} and {boot}")
            });
        }
    }

    /// A node is about to claim.
    pub(crate) fn check_claim(&mut self, node: Index, _role: &Role, term: Term) {
        self.checks.count("claims");
        self.checks.claims += 1;
        let one = &self.nodes[usize::from(node)];
        let boot = one.disk.boot.0;
        let since = one.started.max(one.woke);
        let is_known = self.checks.terms.contains_key(&(node, term.0));
        self.checks.look(Check::TermsOnce);
        if is_known {
            self.breaks(Check::TermsOnce, |_| format!("n{node} claims {term:?} once more"));
        }
        self.checks.terms.insert((node, term.0), boot);
        let changes = self.weather.changes;
        let expected = self.checks.returns.iter().find(|(who, then, _)| *who == node && *then == changes);
        if let Some((.., leader)) = expected.copied() {
            let leads = self.holders(&[leader]).contains(&leader);
            if leads && self.now < since + UNSETTLED {
                self.breaks(Check::NoNeedlessClaim, |_| {
                    format!("n{node} has only just come, and n{leader} leads")
                });
            }
        }
    }

    pub(crate) fn note_holder(&mut self, node: Index, _role: &Role, _holder: Option<&NodeId>) {
        self.stamp(u64::from(node), 11);
        // whoever leads now speaks at once
        self.speak(node);
    }

    /// A node closes its connection to one that it holds to be dead.
    pub(crate) fn note_accused(&mut self, node: Index, peer: Index) {
        let one = &self.nodes[usize::from(node)];
        let just_woke = one.woke > 0 && self.now < one.woke + 1_000;
        self.checks.count("peers held to be dead");
        if just_woke && self.nodes[usize::from(peer)].is_on() {
            self.breaks(Check::NobodyAccused, |_| format!("n{node} has slept and holds n{peer} to be dead"));
        }
    }

    fn is_orderly(&self) -> bool {
        let well = |node: &crate::node::Node| !node.thinks_cut_off && node.uplink_cuts == 0 && node.slow == 0;
        self.quiet_for() >= STABLE
            && self.now >= self.checks.fitness_changed + STABLE
            && self.options.misjudges == 0
            && self.nodes.iter().all(well)
    }

    fn leads_well(&self, node: Index) -> bool {
        self.is_orderly() && self.components().iter().any(|component| self.holders(component) == [node])
    }

    pub(crate) fn before_death(&mut self, node: Index, death: Death) {
        self.checks.doubles.push((self.now, self.components().len()));
        self.checks.note_loss(self.now);
        self.checks.counts.entry("deaths of leaders").or_default();
        self.weather.leader_dies = self.leads_well(node).then_some(match death {
            Death::Killed if self.is_connected_to_all(node) => AFTER_KILL,
            // who is to follow it and was not connected to it misses its beats only, and others wait for that one
            Death::Killed | Death::PowerLost => AFTER_POWER_LOSS,
        });
    }

    fn is_connected_to_all(&self, node: Index) -> bool {
        let others = self.nodes.iter().filter(|other| other.is_on() && other.index != node);
        others.map(|other| other.index).all(|other| self.network.epoch(other, node).is_some())
    }

    pub(crate) fn after_death(&mut self, _node: Index, _death: Death) {
        self.expect_another();
    }

    pub(crate) fn before_stop(&mut self, node: Index) {
        self.checks.note_loss(self.now);
        self.weather.leader_dies = self.leads_well(node).then_some(AFTER_GOODBYE);
    }

    pub(crate) fn after_stop(&mut self, _node: Index) {
        self.expect_another();
    }

    fn expect_another(&mut self) {
        let Some(within) = self.weather.leader_dies.take() else { return };
        self.checks.count("deaths of leaders");
        let loss = if self.options.wire.loss > 0 { LOSS_ALLOWANCE } else { 0 };
        let claims = self.checks.claims;
        self.look_later(within + loss + 4 * self.options.latency_limit(), Look::Leads { claims });
    }

    /// Before a return: if all is well where it returns to, the leader there must stay.
    pub(crate) fn before_return(&mut self, returning: Returning) {
        if !self.is_orderly() {
            self.weather.stays = None;
            return;
        }
        let components = self.components();
        let many: Vec<_> = components.iter().filter(|component| component.len() > 1).collect();
        let component = match (many.as_slice(), components.as_slice()) {
            ([one], _) => Some(*one),
            // a claim made alone yields to another one made alone: nothing is promised
            ([], [one]) if returning != Returning::Paths => Some(one),
            _ => None,
        };
        let leader = component.and_then(|component| match self.holders(component).as_slice() {
            [leader] => Some(*leader),
            _ => None,
        });
        self.weather.stays = leader.filter(|leader| !self.yields_to_proved(*leader, &components));
    }

    /// Whether a leader must yield to another one that comes back. Design §4: a claim that has been in company
    /// for ten seconds is full, stays so when the company is lost, and the greater of two full ones wins.
    fn yields_to_proved(&self, leader: Index, components: &[Vec<Index>]) -> bool {
        let claim = |node: Index| {
            let machine = self.nodes[usize::from(node)].machine.as_ref();
            machine.and_then(|machine| machine.holder(&Role::Leader)).filter(|claim| claim.full)
        };
        let others = components.iter().flat_map(|component| self.holders(component));
        others
            .filter(|other| *other != leader)
            .filter(|other| self.checks.accompanied.get(other).is_some_and(|looks| *looks >= PROVED_BY))
            .any(|other| claim(other) > claim(leader))
    }

    /// Who holds the role among others, and for how many looks in a row: what makes a claim a full one is
    /// counted here and not taken from the claim itself.
    pub(crate) fn note_company(&mut self, components: &[Vec<Index>]) {
        for node in 0..self.nodes.len() {
            let index = Index::try_from(node).unwrap_or_default();
            if !self.holders(&[index]).contains(&index) {
                self.checks.accompanied.remove(&index);
            }
        }
        for component in components.iter().filter(|component| component.len() > 1) {
            for holder in self.holders(component) {
                *self.checks.accompanied.entry(holder).or_default() += 1;
            }
        }
    }

    /// After it: what is expected is noted.
    pub(crate) fn after_return(&mut self, returning: Returning) {
        let Some(leader) = self.weather.stays.take() else { return };
        self.checks.count("returns to a leader");
        self.look_later(LOOK_AT_LEADER_AFTER, Look::Stays { leader });
        if let Returning::Node(node) = returning {
            self.checks.returns.retain(|(who, ..)| *who != node);
            self.checks.returns.push((node, self.weather.changes, leader));
            self.checks.look(Check::NoNeedlessClaim);
        }
    }

    pub(crate) fn note_disturbance(&mut self) {
        let components = self.components().len();
        if self.checks.doubles.last().is_none_or(|(_, last)| *last != components) {
            self.checks.doubles.push((self.now, components));
        }
    }

    /// After healing: what was known before must be known to all soon.
    pub(crate) fn after_healing(&mut self) {
        let rough = self.options.wire.loss > 0 || self.options.misjudges > 0;
        let all_there = self.nodes.iter().all(|node| node.slow == 0 && node.uplink_cuts == 0);
        if rough || !all_there || self.weather.quiet_before < STABLE {
            return;
        }
        let archived = self.archive.len();
        let wait = self.options.wire.redial + AGREE_WITHIN + 4 * self.options.latency_limit();
        self.look_later(wait, Look::Agreed { archived });
    }

    pub(crate) fn look_who_leads(&mut self, claims: u64) {
        let claimed = self.checks.claims - claims;
        let mut needed = 0;
        for component in self.components() {
            let eligible: Vec<Index> =
                component.into_iter().filter(|node| self.nodes[usize::from(*node)].eligible).collect();
            if eligible.is_empty() {
                continue;
            }
            needed += 1;
            self.checks.look(Check::LeaderInTime);
            let holders = self.holders(&eligible);
            let follow = eligible.iter().all(|node| self.followed(*node) == holders.first().copied());
            if holders.is_empty() || (!follow && self.options.wire.loss == 0) {
                self.breaks(Check::LeaderInTime, |_| format!("{holders:?} lead {eligible:?} by now"));
            }
        }
        self.checks.look(Check::OneClaim);
        if claimed > needed && self.options.wire.loss == 0 {
            self.breaks(Check::OneClaim, |_| format!("{claimed} claims to {needed} vacancies"));
        }
    }

    pub(crate) fn look_who_stays(&mut self, leader: Index) {
        let components = self.components();
        let Some(component) = components.iter().find(|component| component.contains(&leader)) else { return };
        self.checks.look(Check::LeaderStays);
        let followed: Vec<_> = component
            .iter()
            .filter(|node| self.nodes[usize::from(**node)].eligible)
            .map(|node| (*node, self.followed(*node)))
            .collect();
        // a higher configured priority takes over once it has been there for long
        let may = |whom: &Option<Index>| {
            *whom == Some(leader) || whom.is_some_and(|whom| self.may_change(leader, whom))
        };
        if !followed.iter().all(|(_, whom)| may(whom)) {
            self.breaks(Check::LeaderStays, |_| format!("n{leader} led; who follows whom now: {followed:?}"));
        }
    }
}
