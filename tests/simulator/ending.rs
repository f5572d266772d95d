//! The end of a run: everything heals, and the mesh must come together.

use crate::checks::{Check, Look};
use crate::network::Index;
use crate::options::MINUTE;
use crate::world::{START, World};
use std::collections::BTreeSet;

/// How long the mesh has to come together: leaders, facts, and what is still to be said.
const TOGETHER: u64 = 4 * MINUTE;
/// How long after the last test everything must be known everywhere.
const SETTLES: u64 = 90_000;
/// What was said until then has reached everybody.
const LAST_WORDS: u64 = 15_000;
/// Every interval is a multiple of this.
const SHORTEST: u64 = 30_000;

impl World {
    /// Lets the run happen, with its end in which everything must be well.
    pub fn play(&mut self) {
        self.run_until(START + self.options.span);
        self.clear_up();
        let longest = self.options.services.iter().map(|plan| plan.interval).max().unwrap_or_default();
        self.run_until(self.now + TOGETHER + 3 * longest);
        self.testing = false;
        self.run_until(self.now + SETTLES);
        self.silent = true;
        // in the middle of every cycle: at its beginning clocks differ on whether it has come
        let middle = (self.now + LAST_WORDS).next_multiple_of(SHORTEST) + SHORTEST / 2;
        self.run_until(middle);
        self.count_time();
        self.look_at_the_end();
    }

    pub(crate) fn verify(&mut self, place: usize) {
        let Some(noted) = self.checks.noted.get(place).cloned() else { return };
        if noted.changes != self.weather.changes {
            return;
        }
        match noted.what {
            Look::Leads { claims } => self.look_who_leads(claims),
            Look::Stays { leader } => self.look_who_stays(leader),
            Look::Opened { service, outage, nodes } => self.look_whether_opened(service, outage, &nodes),
            Look::Down { service, outage, nodes } => self.look_whether_down(service, outage, &nodes),
            Look::Closed { service, nodes, since } => self.look_whether_closed(service, &nodes, since),
            Look::Said { service, outage, since } => self.look_whether_said(service, outage, since),
            Look::Agreed { archived } => self.look_whether_agreed(archived),
        }
    }

    fn look_whether_agreed(&mut self, archived: usize) {
        let before = self.archive.get(archived).map_or(self.now, |sealed| sealed.at);
        for component in self.components() {
            self.checks.look(Check::AgreeInTime);
            let eligible: Vec<Index> =
                component.iter().copied().filter(|node| self.nodes[usize::from(*node)].eligible).collect();
            let holders = self.holders(&eligible);
            let alike = eligible.iter().all(|node| self.followed(*node) == holders.first().copied());
            if !eligible.is_empty() && (holders.len() != 1 || !alike) {
                self.breaks(Check::AgreeInTime, |_| format!("{holders:?} lead {component:?} after healing"));
            }
            self.find_lost(&component, before, Check::AgreeInTime);
        }
    }

    fn look_at_the_end(&mut self) {
        for component in self.components() {
            self.checks.look(Check::NoLostFact);
            self.find_lost(&component, self.now, Check::NoLostFact);
            self.look_at_journals(&component);
            self.look_at_statuses(&component);
            self.look_at_ledgers(&component);
            self.look_at_configurations(&component);
        }
        self.look_at_own_facts();
        self.look_at_sayings();
    }

    fn look_at_journals(&mut self, component: &[Index]) {
        let digest = |world: &Self, node: Index| {
            world.nodes[usize::from(node)].machine.as_ref().map(p7_core::mesh::machine::Machine::digest)
        };
        let Some(first) = component.first().copied() else { return };
        for node in component {
            if digest(self, *node) != digest(self, first) {
                self.breaks(Check::NoLostFact, |_| {
                    format!("the journals of n{first} and n{node} differ at the end")
                });
            }
        }
    }

    /// What a node has stated must still be somewhere, unless its power went in the moment after.
    fn look_at_own_facts(&mut self) {
        let mut known: BTreeSet<usize> = BTreeSet::new();
        for node in self.nodes.iter().filter(|node| node.is_on()) {
            known.extend(node.disk.batches().map(|sealed| std::rc::Rc::as_ptr(sealed) as usize));
        }
        if known.is_empty() {
            return;
        }
        let mut lost = Vec::new();
        for sealed in &self.archive {
            let author = crate::effects::number_of(&sealed.batch.sequence.author);
            let is_excused =
                !self.nodes[usize::from(author)].is_on() || self.checks.power_lost(author, sealed.at);
            if !is_excused && !known.contains(&(std::rc::Rc::as_ptr(sealed) as usize)) {
                lost.push(format!("{:?} number {}", sealed.batch.sequence, sealed.batch.number));
            }
        }
        if let Some(first) = lost.first().cloned() {
            self.breaks(Check::NoLostFact, |_| {
                format!("{} batches are nowhere, the first is {first}", lost.len())
            });
        }
    }

    fn look_at_statuses(&mut self, component: &[Index]) {
        let honest: Vec<Index> =
            component.iter().copied().filter(|node| self.nodes[usize::from(*node)].lie.is_none()).collect();
        let Some(first) = honest.first().copied() else { return };
        for service in 0..self.services.len() {
            let id = self.services[service].id.clone();
            for node in honest.iter().skip(1) {
                self.checks.look(Check::SameStatus);
                let one = self.nodes[usize::from(first)].watch.status(&id).cloned();
                let other = self.nodes[usize::from(*node)].watch.status(&id).cloned();
                let (Some(one), Some(other)) = (one, other) else { continue };
                let same = one.level == other.level
                    && one.failtage == other.failtage
                    && one.incident == other.incident
                    && one.outcome == other.outcome
                    && one.vantage == other.vantage
                    && one.flapping == other.flapping;
                if !same {
                    self.breaks(Check::SameStatus, |_| {
                        format!("{id}: n{first} {}; n{node} {}", short(&one), short(&other))
                    });
                }
            }
        }
    }

    fn look_at_configurations(&mut self, component: &[Index]) {
        let of = |world: &Self, node: Index| {
            let machine = world.nodes[usize::from(node)].machine.as_ref()?;
            machine.configuration().map(|known| known.stamp)
        };
        self.checks.look(Check::SameConfiguration);
        let Some(first) = component.first().copied() else { return };
        for node in component {
            if of(self, *node) != of(self, first) {
                self.breaks(Check::SameConfiguration, |world| {
                    format!("n{first} has {:?}, n{node} {:?}", of(world, first), of(world, *node))
                });
            }
        }
    }
}

fn short(status: &p7_core::status::ServiceStatus) -> String {
    let cycles: Vec<String> = status
        .cycles
        .iter()
        .rev()
        .take(8)
        .map(|one| format!("{}:{}/{}", one.cycle.start().0 / 1_000 % 100_000, one.failed, one.voting))
        .collect();
    format!(
        "{:?} {:?} {:?} flapping {} {:?} {cycles:?}",
        status.level, status.failtage, status.incident, status.flapping, status.outcome
    )
}
