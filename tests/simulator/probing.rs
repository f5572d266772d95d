//! What a node's prober does: tests at its slots, extra looks when asked, and whether it is cut off itself.

use crate::network::Index;
use crate::node::Node;
use crate::options::{Lie, MINUTE};
use crate::queue::At;
use crate::world::{Happening, World};
use p7_core::mesh::election::Fitness;
use p7_core::mesh::machine::{CutOff, Event};
use p7_core::mesh::rules::Rule;
use p7_core::mesh::words::{Fact, Role};
use p7_core::result::{Phases, ProbeResult};
use p7_core::schedule::Seat;
use p7_core::vocabulary::{Cycle, MeshTime, Micros, Millis, NodeId, Outcome, ServiceId};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// A probe that has not come back by then is suspicious.
const SUSPICIOUS_AFTER: u64 = 1_000;
/// How many extra looks of a service may be under way in one node.
const LOOKS_AT_ONCE: u32 = 1;

/// A test that runs.
#[derive(Debug)]
pub struct Probe {
    node: Index,
    life: u32,
    service: usize,
    /// The cycle it was due for.
    due: Cycle,
    /// When it began, in the node's mesh time.
    at: MeshTime,
    /// And in true time.
    began: At,
    took: u64,
    failed: bool,
    beside: bool,
}

/// Where in its interval a node tests a service: services are spread evenly, and the seats of one as well.
fn offset(interval: u64, service: usize, services: usize, seat: Seat) -> Millis {
    let place = interval * service as u64 / services.max(1) as u64;
    Millis((place + interval * u64::from(seat.position) / u64::from(seat.of.max(1))) % interval)
}

impl World {
    pub(crate) fn take_seats(&mut self, node: Index, seats: &BTreeMap<ServiceId, Seat>) {
        for service in 0..self.services.len() {
            let seat = seats.get(&self.services[service].id).copied();
            let desk = &mut self.nodes[usize::from(node)].desks[service];
            if desk.seat != seat {
                desk.seat = seat;
                self.plan_slot(node, service, FirstTest::Soon);
            }
        }
    }

    /// Plans the next test of a service; what was planned before is void.
    pub(crate) fn plan_slot(&mut self, node: Index, service: usize, first: FirstTest) {
        let count = self.services.len();
        let interval = self.services[service].interval;
        let mesh_now = self.nodes[usize::from(node)].mesh_time(self.now);
        let desk = &mut self.nodes[usize::from(node)].desks[service];
        desk.generation += 1;
        let Some(seat) = desk.seat else { return };
        let offset = offset(interval.span().0, service, count, seat);
        let passed = Cycle::at(mesh_now.minus(offset), interval);
        // as in the live node a slot that has passed without a word of ours is made up for
        let untested = desk.last.is_none_or(|last| last < passed);
        let wait = if first == FirstTest::Soon && untested {
            self.chance.between(1, 500)
        } else {
            passed.later(1, interval).start().plus(offset).since(mesh_now).0.max(1)
        };
        let generation = self.nodes[usize::from(node)].desks[service].generation;
        self.queue.put(self.now + wait, Happening::Slot { node, service, generation });
    }

    pub(crate) fn slot(&mut self, node: Index, service: usize, generation: u32) {
        let one = &self.nodes[usize::from(node)];
        let desk = &one.desks[service];
        if !one.is_on() || desk.generation != generation || !self.testing {
            return;
        }
        let Some(seat) = desk.seat else { return };
        let interval = self.services[service].interval;
        let offset = offset(interval.span().0, service, self.services.len(), seat);
        let cycle = Cycle::at(one.mesh_time(self.now).minus(offset), interval);
        if desk.last.is_none_or(|last| last < cycle) {
            self.nodes[usize::from(node)].desks[service].last = Some(cycle);
            self.begin_probe(node, service, cycle, Beside::Schedule);
        }
        self.plan_slot(node, service, FirstTest::AtSlot);
    }

    /// The machine wants a service to be looked at now.
    pub(crate) fn look_now(&mut self, node: Index, service: &ServiceId) {
        let place = self.place_of(service);
        let interval = self.services[place].interval;
        let one = &mut self.nodes[usize::from(node)];
        let cycle = Cycle::at(one.mesh_time(self.now), interval);
        let desk = &mut one.desks[place];
        if desk.seat.is_none() || desk.looking >= LOOKS_AT_ONCE || !self.testing {
            return;
        }
        desk.looking += 1;
        self.checks.count("extra looks");
        self.begin_probe(node, place, cycle, Beside::Extra);
    }

    fn begin_probe(&mut self, node: Index, service: usize, due: Cycle, beside: Beside) {
        let timeout = self.services[service].timeout.0;
        let one = &self.nodes[usize::from(node)];
        let (life, at, slow) = (one.life, one.mesh_time(self.now), one.slow);
        let cut = one.uplink_cuts > 0;
        let out = self.truths[service].is_out_for(node) || one.bad_vantage;
        let hangs = self.truths[service].outage.as_ref().map_or(0, |outage| outage.hangs);
        let hangs = if cut { 50 } else { hangs };
        let failed = cut || out;
        let took = if failed && self.chance.per_cent(hangs) { timeout } else { self.chance.between(2, 300) };
        if took > SUSPICIOUS_AFTER {
            self.queue.put(self.now + SUSPICIOUS_AFTER + slow, Happening::Suspicious { node, life, service });
        }
        let beside = beside == Beside::Extra;
        let began = self.now;
        let probe = Probe { node, life, service, due, at, began, took, failed, beside };
        self.queue.put(self.now + took + slow, Happening::ProbeEnds(Rc::new(probe)));
    }

    pub(crate) fn suspicious(&mut self, node: Index, life: u32, service: usize) {
        let one = &self.nodes[usize::from(node)];
        if one.is_on() && one.life == life {
            let id = self.services[service].id.clone();
            let began = one.mesh_time(self.now).minus(Millis(SUSPICIOUS_AFTER));
            self.hear(node, Event::Suspects(id, began), None);
        }
    }

    pub(crate) fn probe_ends(&mut self, probe: &Probe) {
        let node = probe.node;
        let one = &mut self.nodes[usize::from(node)];
        if one.life != probe.life {
            return;
        }
        if probe.beside {
            let desk = &mut one.desks[probe.service];
            desk.looking = desk.looking.saturating_sub(1);
        }
        if !one.is_on() {
            return;
        }
        let outcome = self.judge(node, probe.failed, probe.began);
        self.note_test(node, probe.service);
        let service = Arc::clone(&self.services[probe.service]);
        let interval = service.interval;
        let one = &mut self.nodes[usize::from(node)];
        let running = Cycle::at(one.mesh_time(self.now), interval);
        let Some(cycle) = one.looks.place(&service.id, probe.due, running, interval, outcome) else { return };
        let result = ProbeResult {
            service: service.id.clone(),
            cycle,
            node: one.id.clone(),
            at: probe.at,
            outcome,
            latency: Micros(u32::try_from(probe.took * 1_000).unwrap_or(u32::MAX)),
            phases: Phases::default(),
            attempts: 1,
            reason: None,
            status_code: None,
            certificate_expiry: None,
        };
        self.state_result(node, result);
    }

    /// Whether a failed probe counts: the node looks whether it is cut off itself, and may be wrong.
    /// As in the live prober a cut that is over still counts for what began before it was.
    fn judge(&mut self, node: Index, failed: bool, began: At) -> Outcome {
        let one = &self.nodes[usize::from(node)];
        let cut = one.uplink_cuts > 0;
        if !failed {
            self.note_cut_off(node, false);
            return Outcome::Up;
        }
        let wrong = self.chance.per_mille(self.options.misjudges);
        let seems_cut = cut != wrong;
        self.note_cut_off(node, seems_cut);
        let was_cut = began < self.nodes[usize::from(node)].back;
        if (seems_cut || was_cut) && self.options.rules.has(Rule::NoNetwork) {
            self.checks.count("probes without network");
            Outcome::NoNetwork
        } else {
            Outcome::Failed
        }
    }

    pub(crate) fn note_cut_off(&mut self, node: Index, is_cut: bool) {
        let one = &mut self.nodes[usize::from(node)];
        if std::mem::replace(&mut one.thinks_cut_off, is_cut) == is_cut {
            return;
        }
        if !is_cut {
            one.back = self.now;
        }
        self.checks.fitness_changed = self.now;
        let (cut_off, fitness) =
            if is_cut { (CutOff::Yes, Fitness::Unfit) } else { (CutOff::No, Fitness::Fit) };
        self.hear(node, Event::CutOff(cut_off), None);
        self.hear(node, Event::Fit(Role::Leader, fitness), None);
    }

    /// A node states a result of its own; a liar states something else.
    fn state_result(&mut self, node: Index, mut result: ProbeResult) {
        let mut stated = Vec::with_capacity(1);
        match self.nodes[usize::from(node)].lie {
            None => {}
            Some(Lie::AllFails) => result.outcome = Outcome::Failed,
            Some(Lie::AllIsWell) => result.outcome = Outcome::Up,
            Some(Lie::Future) => {
                let ahead = result.cycle.start().plus(Millis(60 * MINUTE));
                result.cycle = Cycle::starting(ahead);
                result.outcome = Outcome::Failed;
            }
            Some(Lie::InOthersName) => {
                for other in self.nodes.iter().filter(|other| other.index != node) {
                    let forged = forged(&result, other);
                    stated.push(Fact::Result(Arc::new(forged)));
                }
            }
        }
        let result = Arc::new(result);
        let began =
            self.now.saturating_sub(u64::from(result.latency.0) / 1_000 + self.nodes[usize::from(node)].slow);
        self.check_own_result(node, &result, began);
        let fact = Fact::Result(result);
        let me: NodeId = self.nodes[usize::from(node)].id.clone();
        self.believe(node, &me, &fact);
        stated.push(fact);
        self.hear(node, Event::Stated(stated), None);
    }

    pub(crate) fn place_of(&self, service: &ServiceId) -> usize {
        self.services.binary_search_by(|known| known.id.cmp(service)).unwrap_or_default()
    }

    /// When a node's next slots are is another matter once its clock was set, or it slept.
    pub(crate) fn plan_slots_anew(&mut self, node: Index) {
        for service in 0..self.services.len() {
            let interval = self.services[service].interval;
            let horizon =
                Cycle::at(self.nodes[usize::from(node)].mesh_time(self.now), interval).later(2, interval);
            let desk = &mut self.nodes[usize::from(node)].desks[service];
            desk.last = desk.last.filter(|last| *last <= horizon);
            self.plan_slot(node, service, FirstTest::AtSlot);
        }
    }
}

/// A result as another node could have had it, failed.
fn forged(result: &ProbeResult, other: &Node) -> ProbeResult {
    ProbeResult { node: other.id.clone(), outcome: Outcome::Failed, ..result.clone() }
}

/// When a seat that was just taken is first tested from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstTest {
    /// At once, if this cycle's slot has passed without a test.
    Soon,
    /// At its next slot.
    AtSlot,
}

/// Whether a test is beside the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Schedule,
    Extra,
}

/// How far a slot may be from its time: what a checker allows.
pub(crate) const PROBE_LIMIT: At = 300;
