//! How nodes start, stop, die, sleep and wake.

use crate::carry::Tells;
use crate::checks::Check;
use crate::leading::Returning;
use crate::network::Index;
use crate::node::{Power, Seen};
use crate::queue::At;
use crate::world::{Happening, World};
use p7_core::mesh::look::{Looks, Said};
use p7_core::mesh::machine::{Event, Machine, Setup};
use p7_core::mesh::rules::Rule;
use p7_core::mesh::words::{About, Fact, Role, Stamp};
use p7_core::result::ProbeResult;
use p7_core::vocabulary::{Cycle, MeshTime};
use p7_core::watch::{KEPT_CYCLES, Past, Sites, Watch};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A goodbye has left by then.
const FAREWELL: u64 = 200;

/// How a process ends that does not mean to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// It was killed: what it wrote is the system's, and its connections are closed.
    Killed,
    /// The power is gone.
    PowerLost,
}

impl World {
    pub(crate) fn start(&mut self, node: Index) {
        if self.nodes[usize::from(node)].power != Power::Off {
            return;
        }
        self.before_return(Returning::Node(node));
        let fresh = self.options.rules.has(Rule::FreshBoot);
        let one = &mut self.nodes[usize::from(node)];
        one.power = Power::On;
        one.life += 1;
        one.started = self.now;
        if fresh || one.disk.boot.0 == 0 {
            one.disk.next_boot();
        }
        let now = one.now(self.now);
        let mut about = About { name: one.id.as_str().to_owned(), at: now.wall, ..About::default() };
        if let Some(site) = one.site {
            about.labels.insert("site".to_owned(), format!("site-{site}"));
        }
        let setup = Setup {
            me: one.id.clone(),
            boot: one.disk.boot,
            priority: one.priority,
            roles: if one.eligible { vec![Role::Leader] } else { Vec::new() },
            terms: one.disk.terms.clone(),
            have: one.disk.have(),
            about,
            wire: 1,
            seed: crate::chance::mix(self.options.seed ^ u64::from(node) << 32 ^ u64::from(one.life)),
            rules: self.options.rules,
        };
        one.machine = Some(Machine::new(setup, now));
        one.alarm = At::MAX;
        one.seen = Seen::nothing();
        (one.thinks_cut_off, one.back) = (false, 0);
        one.sites = Sites::new();
        for desk in &mut one.desks {
            (desk.seat, desk.looking) = (None, 0);
            desk.generation += 1;
        }
        self.count_time();
        self.disturb();
        self.after_return(Returning::Node(node));
        self.tell(|world| {
            let one = &world.nodes[usize::from(node)];
            format!(
                "{} starts: boot {}, priority {}, site {:?}",
                one.id, one.disk.boot.0, one.priority, one.site
            )
        });
        self.resume(node);
        self.open_mouth(node);
        self.note_site(node);
        let one = &self.nodes[usize::from(node)];
        let recalled = one.disk.recalled(one.mesh_time(self.now));
        let services = Arc::clone(&self.services);
        self.hear(node, Event::Watching(services, Stamp::default()), None);
        self.hear(node, Event::Recalled(recalled), None);
        for other in 0..self.nodes.len() {
            let other = Index::try_from(other).unwrap_or_default();
            if other != node && self.network.could(node, other) {
                self.dial_soon(node, other);
            }
        }
        self.speak(node);
    }

    /// The watch takes up what is stored, as the live node's does.
    fn resume(&mut self, node: Index) {
        let one = &self.nodes[usize::from(node)];
        let mesh_now = one.mesh_time(self.now);
        let mut results: BTreeMap<usize, Vec<ProbeResult>> = BTreeMap::new();
        let longest = self.services.iter().map(|service| service.interval.span().0).max().unwrap_or_default();
        // clocks may be wrong by less than that much more
        let since = self.now.saturating_sub(longest * (KEPT_CYCLES as u64 + 8));
        for (batch, fact) in one.disk.results_since(since) {
            let Fact::Result(result) = fact else { continue };
            let place = self.place_of(&result.service);
            let interval = self.services[place].interval;
            let oldest = Cycle::at(mesh_now, interval).earlier(KEPT_CYCLES as u64, interval);
            let ahead = Cycle::at(mesh_now, interval).later(1, interval);
            let is_lawful = result.node == batch.sequence.author && result.cycle <= ahead;
            if result.cycle >= oldest && (is_lawful || !self.options.rules.has(Rule::HoldFuture)) {
                results.entry(place).or_default().push((**result).clone());
            }
        }
        let mut watch = Watch::default();
        let mut looks = Looks::default();
        for (place, service) in self.services.iter().enumerate() {
            let results = results.remove(&place).unwrap_or_default();
            let oldest = results.iter().map(|result| result.cycle).min();
            let own = results.iter().filter(|result| result.node == one.id).max_by_key(|result| result.cycle);
            if let Some(own) = own {
                looks.known(&service.id, Said::of(own));
            }
            let incidents = &one.disk.incidents[place];
            let before = oldest.map_or(MeshTime(u64::MAX), p7_core::vocabulary::Cycle::start);
            let last_incident =
                incidents.range(..Cycle::starting(before)).next_back().map(|(_, last)| last.clone());
            let past = Past { results, last_incident, ..Past::default() };
            watch.resume(service, past, mesh_now);
        }
        let one = &mut self.nodes[usize::from(node)];
        (one.watch, one.looks) = (watch, looks);
        for (service, desk) in self.services.iter().zip(&mut one.desks) {
            desk.last = one.looks.latest(&service.id);
        }
    }

    pub(crate) fn dies(&mut self, node: Index, death: Death) {
        if !self.nodes[usize::from(node)].is_on() {
            return;
        }
        self.tell(|world| format!("{} is {death:?}", world.nodes[usize::from(node)].id));
        self.before_death(node, death);
        match death {
            Death::Killed => self.drop_connections(node, Tells::Everybody),
            Death::PowerLost => {
                self.drop_connections(node, Tells::Nobody);
                let since = self.now - self.chance.below(1_000);
                let lost = self.nodes[usize::from(node)].disk.lose(since);
                self.checks.add("unsynced batches lost", lost as u64);
                self.checks.power_losses.push((node, self.now));
            }
        }
        self.ends(node, Power::Off);
        self.after_death(node, death);
    }

    /// A node stops on purpose.
    pub(crate) fn stops(&mut self, node: Index, then: Power) {
        if !self.nodes[usize::from(node)].is_on() {
            return;
        }
        self.tell(|world| format!("{} stops", world.nodes[usize::from(node)].id));
        self.before_stop(node);
        self.hear(node, Event::Stopping, None);
        // the goodbye leaves before the connections do
        for peer in self.network.peers(node).to_vec() {
            let epoch = self.network.epoch(node, peer);
            self.network.close(node, peer);
            if let Some(epoch) = epoch.filter(|_| self.network.passes(node, peer)) {
                let at = self.now + FAREWELL + self.options.latency_limit();
                self.queue.put(at, Happening::Closed { at: peer, of: node, epoch });
            }
        }
        self.ends(node, then);
        self.after_stop(node);
    }

    fn ends(&mut self, node: Index, then: Power) {
        let one = &mut self.nodes[usize::from(node)];
        one.power = then;
        one.machine = None;
        one.alarm = At::MAX;
        one.life += 1;
        self.count_time();
        self.disturb();
    }

    /// A machine is suspended: it hears and does nothing; nobody is told.
    pub(crate) fn sleeps(&mut self, node: Index, until: At) {
        if !self.nodes[usize::from(node)].is_on() {
            return;
        }
        self.tell(|world| format!("{} sleeps", world.nodes[usize::from(node)].id));
        let one = &mut self.nodes[usize::from(node)];
        one.power = Power::Asleep;
        let life = one.life;
        self.count_time();
        self.disturb();
        self.cut_off_from_all(node, true);
        self.queue.put(until, Happening::Wakes(node, life));
    }

    pub(crate) fn wakes(&mut self, node: Index, life: u32) {
        let one = &self.nodes[usize::from(node)];
        if one.power != Power::Asleep || one.life != life {
            return;
        }
        self.before_return(Returning::Node(node));
        let one = &mut self.nodes[usize::from(node)];
        one.power = Power::On;
        one.woke = self.now;
        one.alarm = At::MAX;
        self.count_time();
        self.disturb();
        self.tell(|world| format!("{} wakes", world.nodes[usize::from(node)].id));
        self.checks.look(Check::NobodyAccused);
        self.hear(node, Event::Slept, None);
        self.cut_off_from_all(node, false);
        self.after_return(Returning::Node(node));
        if let Some(ledger) = self.nodes[usize::from(node)].mouth.ledger.as_mut() {
            ledger.slept();
        }
        self.plan_slots_anew(node);
        self.speak(node);
    }

    /// Cuts every path of a node, or heals what was cut so.
    pub(crate) fn cut_off_from_all(&mut self, node: Index, cut: bool) {
        for other in 0..self.nodes.len() {
            let other = Index::try_from(other).unwrap_or_default();
            if other == node {
                continue;
            }
            if cut {
                self.network.cut(node, other);
                self.network.cut(other, node);
            } else {
                self.heal(node, other);
                self.heal(other, node);
            }
        }
    }
}
