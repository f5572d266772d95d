//! Faults: storms of them and quiet between, and the healing at the end. And the outages of services.

use crate::leading::Returning;
use crate::lives::Death;
use crate::network::Index;
use crate::node::Power;
use crate::options::{Fault, Hit, MINUTE};
use crate::queue::At;
use crate::world::{Happening, START, World};
use p7_core::mesh::machine::Event;
use p7_core::mesh::words::{Configuration, Fact, Stamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// No more nodes than this join a run.
const NODES_LIMIT: usize = 120;
/// A wall clock that is set is wrong by at most this part of what the options say, most of the time.
const SMALL_STEPS: u64 = 75;

/// A clock that is further off than this is set in the end.
const CLOCKS_RIGHT: i64 = 2_500;

/// A fault that lasts.
#[derive(Debug)]
enum Lasting {
    /// These directed paths are cut.
    Paths(Vec<(Index, Index)>),
    Uplink(Index),
    Slow(Index),
    Channel,
}

/// The weather of a run.
#[derive(Debug, Default)]
pub(crate) struct Weather {
    pub(crate) storms: bool,
    lasting: BTreeMap<u32, Lasting>,
    count: u32,
    /// When the world changed last, but for the services.
    pub(crate) quiet_since: At,
    /// And how long it had not before that.
    pub(crate) quiet_before: u64,
    /// How often it has.
    pub(crate) changes: u64,
    pub(crate) is_over: bool,
    /// A leader is about to die, and within this another must lead.
    pub(crate) leader_dies: Option<u64>,
    /// Who must go on leading after what is about to return.
    pub(crate) stays: Option<Index>,
}

impl World {
    pub(crate) fn begin_weather(&mut self) {
        self.disturb();
        for place in 0..self.options.faults.len() {
            let (fault, mean) = self.options.faults[place];
            let at = self.now + self.chance.around(mean);
            self.queue.put(at, Happening::Strikes(fault));
        }
        let quiet = self.options.storms.1;
        let at = self.now + self.chance.around(quiet);
        self.queue.put(at, Happening::Turn);
        for service in 0..self.truths.len() {
            let at = self.now + self.chance.around(self.options.outages.0);
            self.queue.put(at, Happening::OutageBegins(service));
        }
        if self.options.top_flaps > 0 {
            self.queue.put(self.now + self.options.top_flaps, Happening::TopFlaps);
        }
    }

    /// Something has changed that the mesh has to get over.
    pub(crate) fn disturb(&mut self) {
        if self.now > self.weather.quiet_since {
            self.weather.quiet_before = self.now - self.weather.quiet_since;
        }
        self.weather.quiet_since = self.now;
        self.weather.changes += 1;
        self.note_disturbance();
    }

    pub(crate) fn weather_turns(&mut self) {
        if self.weather.is_over {
            return;
        }
        self.weather.storms = !self.weather.storms;
        let mean = if self.weather.storms { self.options.storms.0 } else { self.options.storms.1 };
        if !self.weather.storms && self.chance.per_cent(60) {
            self.heal_all();
        }
        let at = self.now + self.chance.around(mean).max(MINUTE);
        self.queue.put(at, Happening::Turn);
    }

    pub(crate) fn strikes(&mut self, fault: Fault) {
        if self.weather.is_over {
            return;
        }
        let mean =
            self.options.faults.iter().find(|(known, _)| *known == fault).map_or(MINUTE, |(_, mean)| *mean);
        let at = self.now + self.chance.around(mean).max(1_000);
        self.queue.put(at, Happening::Strikes(fault));
        if self.weather.storms {
            self.checks.count(name(fault));
            self.strike(fault);
        }
    }

    fn any_node(&mut self, power: Power) -> Option<Index> {
        let nodes: Vec<Index> =
            self.nodes.iter().filter(|node| node.power == power).map(|node| node.index).collect();
        self.chance.one_of(&nodes)
    }

    /// A fault of this kind begins, at a place of chance's choosing.
    pub(crate) fn strike(&mut self, fault: Fault) {
        let lasting = self.options.lasting;
        let span = self.chance.around(lasting).max(500);
        let Some(node) = self.any_node(Power::On) else { return };
        match fault {
            Fault::Cut | Fault::Isolate | Fault::OneWay | Fault::Bridge => {
                let paths = self.paths_of(fault, node);
                self.cut_paths(paths, span);
            }
            Fault::Reset => {
                if let Some(peer) = self.chance.one_of(self.network.peers(node))
                    && let Some(epoch) = self.network.epoch(node, peer)
                {
                    self.disturb();
                    self.queue.put(self.now, Happening::Closed { at: node, of: peer, epoch });
                    self.queue.put(self.now + 1, Happening::Closed { at: peer, of: node, epoch });
                }
            }
            Fault::Kill | Fault::Power => {
                self.dies(node, if fault == Fault::Kill { Death::Killed } else { Death::PowerLost });
                self.queue.put(self.now + span, Happening::Start(node));
            }
            Fault::Stop => {
                self.stops(node, Power::Off);
                self.queue.put(self.now + span, Happening::Start(node));
            }
            Fault::Sleep => self.sleeps(node, self.now + span.max(12_000)),
            Fault::Uplink => {
                self.disturb();
                self.nodes[usize::from(node)].uplink_cuts += 1;
                self.tell(|world| format!("{} loses its uplink", world.nodes[usize::from(node)].id));
                self.lasts(Lasting::Uplink(node), span);
            }
            Fault::Slow => {
                self.disturb();
                self.nodes[usize::from(node)].slow += self.chance.between(100, 2_500);
                self.lasts(Lasting::Slow(node), span);
            }
            Fault::Clock => self.set_clock(node),
            Fault::Join => {
                if self.nodes.len() < NODES_LIMIT.min(self.options.nodes + 3) {
                    let node = self.add_node();
                    let asleep: Vec<Index> =
                        self.nodes.iter().filter(|n| n.power == Power::Asleep).map(|n| n.index).collect();
                    for sleeper in asleep {
                        self.network.cut(node, sleeper);
                        self.network.cut(sleeper, node);
                    }
                    self.start(node);
                }
            }
            Fault::Leave => {
                let stay = self.nodes.iter().filter(|node| !matches!(node.power, Power::Gone)).count();
                if stay > 2 {
                    self.stops(node, Power::Gone);
                }
            }
            Fault::Channel => {
                self.channel.down += 1;
                self.lasts(Lasting::Channel, span);
            }
            Fault::Configure => self.configure(node),
        }
    }

    fn paths_of(&mut self, fault: Fault, node: Index) -> Vec<(Index, Index)> {
        let count = Index::try_from(self.nodes.len()).unwrap_or(Index::MAX);
        if fault == Fault::Bridge {
            let other = Index::try_from(self.chance.place(usize::from(count))).unwrap_or_default();
            return if other == node { Vec::new() } else { vec![(node, other), (other, node)] };
        }
        let mut inside: Vec<bool> = (0..count).map(|one| one == node).collect();
        if fault != Fault::Isolate {
            for one in &mut inside {
                *one |= self.chance.per_cent(40);
            }
        }
        let mut paths = Vec::new();
        for a in (0..count).filter(|a| inside[usize::from(*a)]) {
            for b in (0..count).filter(|b| !inside[usize::from(*b)]) {
                paths.push((a, b));
                if fault != Fault::OneWay {
                    paths.push((b, a));
                }
            }
        }
        paths
    }

    /// Cuts directed paths for a while.
    pub(crate) fn cut_paths(&mut self, paths: Vec<(Index, Index)>, span: u64) {
        self.tell(|_| format!("paths are cut: {paths:?}"));
        for (from, to) in &paths {
            self.network.cut(*from, *to);
        }
        self.disturb();
        self.lasts(Lasting::Paths(paths), span);
    }

    fn lasts(&mut self, fault: Lasting, span: u64) {
        self.weather.count += 1;
        self.weather.lasting.insert(self.weather.count, fault);
        self.queue.put(self.now + span, Happening::Passes(self.weather.count));
    }

    pub(crate) fn passes(&mut self, number: u32) {
        let Some(fault) = self.weather.lasting.remove(&number) else { return };
        if matches!(fault, Lasting::Paths(_)) {
            self.before_return(Returning::Paths);
        }
        self.disturb();
        match fault {
            Lasting::Paths(paths) => {
                self.tell(|_| format!("paths are whole again: {paths:?}"));
                for (from, to) in paths {
                    self.heal(from, to);
                }
                self.note_disturbance();
                self.after_return(Returning::Paths);
                self.after_healing();
            }
            Lasting::Uplink(node) => {
                self.tell(|world| format!("{} has its uplink back", world.nodes[usize::from(node)].id));
                let one = &mut self.nodes[usize::from(node)];
                one.uplink_cuts -= 1;
                if one.uplink_cuts == 0 && one.is_on() {
                    // the prober looks for the network itself while it is away
                    self.note_cut_off(node, false);
                }
            }
            Lasting::Slow(node) => self.nodes[usize::from(node)].slow = 0,
            Lasting::Channel => self.channel.down -= 1,
        }
    }

    fn set_clock(&mut self, node: Index) {
        let step = self.options.clocks.step.max(1);
        let most = if self.chance.per_cent(SMALL_STEPS) { step / 40 } else { step };
        let off = i64::try_from(self.chance.below(2 * most + 1)).unwrap_or_default();
        self.disturb();
        self.set_ahead(node, off - i64::try_from(most).unwrap_or_default());
    }

    /// A wall clock is set; a node that runs notices a jump.
    fn set_ahead(&mut self, node: Index, ahead: i64) {
        let one = &mut self.nodes[usize::from(node)];
        let before = one.clock.ahead(self.now);
        (one.clock.offset, one.clock.since) = (ahead, self.now);
        self.tell(|world| {
            format!("{}'s clock is set to be {ahead} ms ahead", world.nodes[usize::from(node)].id)
        });
        if !self.nodes[usize::from(node)].is_on() {
            return;
        }
        if ahead.abs_diff(before) > 1_000 {
            self.disturb();
            self.hear(node, Event::Slept, None);
        }
        self.plan_slots_anew(node);
    }

    fn configure(&mut self, node: Index) {
        let known =
            self.nodes[usize::from(node)].machine.as_ref().and_then(|machine| machine.configuration());
        let version = known.map_or(0, |known| known.stamp.version) + 1;
        let stamp = Stamp { version, hash: self.chance.number() };
        let at = self.nodes[usize::from(node)].mesh_time(self.now);
        let configuration = Configuration { stamp, by: "somebody".to_owned(), at, text: Arc::from("") };
        self.hear(node, Event::Stated(vec![Fact::Configured(Arc::new(configuration))]), None);
        let services = Arc::clone(&self.services);
        self.hear(node, Event::Watching(services, stamp), None);
    }

    /// Every lasting fault ends.
    pub(crate) fn heal_all(&mut self) {
        let numbers: Vec<u32> = self.weather.lasting.keys().copied().collect();
        for number in numbers {
            self.passes(number);
        }
    }

    /// No more faults; whoever is off or asleep comes back, services are well.
    pub(crate) fn clear_up(&mut self) {
        self.weather.is_over = true;
        self.weather.storms = false;
        self.heal_all();
        for node in 0..self.nodes.len() {
            let index = Index::try_from(node).unwrap_or_default();
            match self.nodes[node].power {
                Power::Off => self.start(index),
                Power::Asleep => {
                    let life = self.nodes[node].life;
                    self.wakes(index, life);
                }
                Power::On | Power::Gone => {}
            }
            // whoever set a clock wrong sets it right
            let ahead = self.nodes[node].clock.ahead(self.now);
            if ahead.abs() > CLOCKS_RIGHT {
                self.set_ahead(index, 0);
            }
        }
        for service in 0..self.truths.len() {
            if let Some(number) = self.truths[service].outage.as_ref().map(|outage| outage.number) {
                self.outage_ends(service, number);
            }
        }
    }

    pub(crate) fn outage_begins(&mut self, service: usize) {
        if self.weather.is_over || self.truths[service].outage.is_some() {
            return;
        }
        let nodes = self.nodes.len();
        let outage = self.truths[service].begin(&self.options, nodes, self.now, &mut self.chance);
        let (number, hit) = (outage.number, outage.hit);
        let mean = if hit == Hit::Flapping { 20_000 } else { self.options.outages.1 };
        let at = self.now + self.chance.around(mean).max(500);
        self.tell(|world| {
            format!("{} is out: {:?}", world.services[service].id, world.truths[service].outage)
        });
        self.queue.put(at, Happening::OutageEnds(service, number));
        self.note_outage(service);
    }

    pub(crate) fn outage_ends(&mut self, service: usize, number: u32) {
        if self.truths[service].outage.as_ref().is_none_or(|outage| outage.number != number) {
            return;
        }
        self.tell(|world| format!("{} is well again", world.services[service].id));
        let Some(outage) = self.truths[service].end(self.now) else { return };
        let flaps_on = outage.hit == Hit::Flapping && self.chance.per_cent(80);
        let mean = if flaps_on { 30_000 } else { self.options.outages.0 };
        let at = self.now + self.chance.around(mean).max(1_000);
        self.queue.put(at, Happening::OutageBegins(service));
        self.note_recovery(service, &outage);
    }

    /// The node of the highest rank goes, and comes back later: nothing else happens.
    pub(crate) fn top_flaps(&mut self) {
        if self.weather.is_over {
            return;
        }
        let eligible = self.nodes.iter().filter(|node| node.eligible);
        let top = eligible.max_by(|a, b| (a.priority, &a.id).cmp(&(b.priority, &b.id)));
        let Some((index, power)) = top.map(|node| (node.index, node.power)) else { return };
        match power {
            Power::On if self.now - START > 2 * MINUTE => self.dies(index, Death::Killed),
            Power::On | Power::Gone | Power::Asleep => {}
            Power::Off => self.start(index),
        }
        let at = self.now + self.options.top_flaps;
        self.queue.put(at, Happening::TopFlaps);
    }
}

/// The name it is counted under.
fn name(fault: Fault) -> &'static str {
    match fault {
        Fault::Cut => "fault: cut",
        Fault::Isolate => "fault: isolated",
        Fault::OneWay => "fault: one way",
        Fault::Bridge => "fault: bridge",
        Fault::Reset => "fault: reset",
        Fault::Kill => "fault: killed",
        Fault::Power => "fault: power lost",
        Fault::Stop => "fault: stopped",
        Fault::Sleep => "fault: sleep",
        Fault::Uplink => "fault: uplink",
        Fault::Slow => "fault: slow",
        Fault::Clock => "fault: clock set",
        Fault::Join => "fault: join",
        Fault::Leave => "fault: leave",
        Fault::Channel => "fault: channel",
        Fault::Configure => "fault: configured",
    }
}
