//! The simulated world: its nodes, links and services, and what happens to them, one thing after the other.

use crate::chance::{Chance, mix};
use crate::checks::Checks;
use crate::disk::Sealed;
use crate::network::{Index, Network};
use crate::node::{Node, Parcel};
use crate::options::{Fault, Options};
use crate::queue::{At, Queue};
use crate::truth::Truth;
use crate::weather::Weather;
use p7_core::mesh::machine::Event;
use p7_core::service::Service;
use std::rc::Rc;
use std::sync::Arc;

/// When every run begins, in true time: a Monday, whatever day it is here.
pub const START: At = 1_700_438_400_000;

/// What is to happen.
#[derive(Debug)]
pub enum Happening {
    /// A node's machine wants to be woken.
    Wake(Index),
    /// A message arrives.
    Deliver {
        /// At whom.
        to: Index,
        /// From whom.
        from: Index,
        /// By which connection.
        epoch: u32,
        /// Whether the transport lets it through as usual.
        copy: crate::carry::Arrival,
        /// What.
        message: Rc<Parcel>,
    },
    /// A node learns that its connection to another is closed.
    Closed {
        /// Who learns it.
        at: Index,
        /// The other.
        of: Index,
        /// Which connection.
        epoch: u32,
    },
    /// Two nodes try to connect.
    Dial(Index, Index),
    /// They have.
    Connects(Index, Index),
    /// A question has gone unanswered for too long.
    NoAnswer {
        /// Who asked.
        at: Index,
        /// In which of its lives.
        life: u32,
        /// Whom.
        of: Index,
        /// The question's ticket.
        ticket: u64,
    },
    /// A node's slot of a service has come.
    Slot {
        /// Whose.
        node: Index,
        /// Of which service.
        service: usize,
        /// Of which seat.
        generation: u32,
    },
    /// A probe takes suspiciously long.
    Suspicious {
        /// Whose.
        node: Index,
        /// In which of its lives.
        life: u32,
        /// Of which service.
        service: usize,
    },
    /// A probe has come back, or timed out.
    ProbeEnds(Rc<crate::probing::Probe>),
    /// A node starts.
    Start(Index),
    /// A suspended node wakes.
    Wakes(Index, u32),
    /// A service's outage begins.
    OutageBegins(usize),
    /// It ends.
    OutageEnds(usize, u32),
    /// Storm and quiet take turns.
    Turn,
    /// It is time for a fault of this kind.
    Strikes(Fault),
    /// The fault of this number ends.
    Passes(u32),
    /// The node of the highest rank goes or comes.
    TopFlaps,
    /// A channel has answered a node's message, or the message is to be tried.
    Mouth(crate::mouth::Heard),
    /// The checkers look around.
    Inspect,
    /// A checker wants to look at something it has noted.
    Verify(usize),
}

/// A run.
pub struct World {
    /// What it is like.
    pub options: Options,
    /// True time.
    pub now: At,
    /// All chance.
    pub chance: Chance,
    pub(crate) queue: Queue<Happening>,
    /// The nodes that are or ever were.
    pub nodes: Vec<Node>,
    pub(crate) network: Network,
    pub(crate) services: Arc<Vec<Arc<Service>>>,
    pub(crate) truths: Vec<Truth>,
    pub(crate) archive: Vec<Rc<Sealed>>,
    pub(crate) weather: Weather,
    pub(crate) channel: crate::mouth::Channel,
    /// What was checked and found.
    pub checks: Checks,
    /// Summed over all nodes that ran, in milliseconds.
    pub node_time: u64,
    pub(crate) alive: u64,
    pub(crate) alive_since: At,
    pub(crate) testing: bool,
    /// Nobody speaks on the channel any more.
    pub(crate) silent: bool,
    pub(crate) gossips: u32,
    hash: u64,
    pub(crate) trace: Option<Trace>,
}

/// Hears what happens, a line each.
pub type Trace = Box<dyn FnMut(&str)>;

/// A step of a node's mesh time by more than this is a jump to its prober, as to the live one.
const JUMP: u64 = 1_000;

impl World {
    /// A world of these options; with `trace` it tells what happens.
    pub fn new(options: Options, trace: Option<Trace>) -> Self {
        let chance = Chance::of(options.seed);
        let services = crate::setup::services(&options);
        let mut world = Self {
            network: Network::new(options.wire),
            truths: services.iter().map(|_| Truth::default()).collect(),
            services: Arc::new(services),
            chance,
            now: START,
            queue: Queue::new(),
            nodes: Vec::new(),
            archive: Vec::new(),
            weather: Weather::default(),
            channel: crate::mouth::Channel::default(),
            checks: Checks::default(),
            node_time: 0,
            alive: 0,
            alive_since: START,
            testing: true,
            silent: false,
            gossips: 0,
            hash: options.seed,
            trace,
            options,
        };
        world.set_up();
        world
    }

    /// Lets everything happen until `end`.
    pub fn run_until(&mut self, end: At) {
        while let Some((at, what)) = self.queue.take_next() {
            if at > end {
                self.queue.put(at, what);
                break;
            }
            self.now = at;
            self.happens(what);
        }
        self.now = end;
    }

    fn happens(&mut self, what: Happening) {
        match what {
            Happening::Wake(node) => self.wake(node),
            Happening::Deliver { to, from, epoch, copy, message } => {
                self.deliver(to, from, epoch, &message, copy);
            }
            Happening::Closed { at, of, epoch } => self.closed(at, of, epoch),
            Happening::Dial(a, b) => self.dials(a, b),
            Happening::Connects(a, b) => self.connects(a, b),
            Happening::NoAnswer { at, life, of, ticket } => self.no_answer(at, life, of, ticket),
            Happening::Slot { node, service, generation } => self.slot(node, service, generation),
            Happening::Suspicious { node, life, service } => self.suspicious(node, life, service),
            Happening::ProbeEnds(probe) => self.probe_ends(&probe),
            Happening::Start(node) => self.start(node),
            Happening::Wakes(node, life) => self.wakes(node, life),
            Happening::OutageBegins(service) => self.outage_begins(service),
            Happening::OutageEnds(service, number) => self.outage_ends(service, number),
            Happening::Turn => self.weather_turns(),
            Happening::Strikes(fault) => self.strikes(fault),
            Happening::Passes(number) => self.passes(number),
            Happening::TopFlaps => self.top_flaps(),
            Happening::Mouth(heard) => self.mouth_hears(heard),
            Happening::Inspect => self.inspect(),
            Happening::Verify(place) => self.verify(place),
        }
    }

    fn wake(&mut self, node: Index) {
        let one = &mut self.nodes[usize::from(node)];
        if one.is_on() && one.alarm == self.now {
            one.alarm = At::MAX;
            self.hear(node, Event::Woke, None);
        }
    }

    /// A node's machine hears an event, and what it wishes is done. `heard` is the gossip it came with.
    pub(crate) fn hear(&mut self, node: Index, event: Event, heard: Option<(&Rc<Parcel>, Index)>) {
        if self.trace.is_some() {
            self.tell_event(node, &event);
        }
        let now = self.nodes[usize::from(node)].now(self.now);
        let Some(machine) = self.nodes[usize::from(node)].machine.as_mut() else { return };
        let before = machine.mesh_time(now);
        let effects = machine.hear(event, now);
        let jumped = machine.mesh_time(now).0.abs_diff(before.0);
        self.stamp(u64::from(node), effects.len() as u64);
        for effect in effects {
            self.perform(node, effect, heard);
        }
        if jumped > JUMP {
            self.plan_slots_anew(node);
        }
        self.arm(node);
    }

    /// Sets a node's alarm for what its machine has due.
    fn arm(&mut self, node: Index) {
        let one = &mut self.nodes[usize::from(node)];
        let Some(machine) = &one.machine else { return };
        let due = one.clock.at(machine.due()).max(self.now + 1).saturating_add(one.slow);
        if due < one.alarm {
            one.alarm = due;
            self.queue.put(due, Happening::Wake(node));
        }
    }

    /// What happened goes into the run's hash.
    pub(crate) fn stamp(&mut self, a: u64, b: u64) {
        let word = self.now ^ (a << 48) ^ (b << 56);
        self.hash = (self.hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }

    /// A hash of all that happened: the same seed gives the same.
    pub fn hash(&self) -> u64 {
        mix(self.hash ^ self.queue.count())
    }

    /// How many things have been put into the queue.
    pub fn events(&self) -> u64 {
        self.queue.count()
    }

    /// Tells what happens, when somebody listens.
    pub(crate) fn tell(&mut self, text: impl FnOnce(&Self) -> String) {
        if let Some(mut trace) = self.trace.take() {
            let since = self.now - START;
            trace(&format!("{:>9}.{:03} {}", since / 1000, since % 1000, text(self)));
            self.trace = Some(trace);
        }
    }

    /// Counts the time that nodes have run, before their number changes.
    pub(crate) fn count_time(&mut self) {
        self.node_time += self.alive * (self.now - self.alive_since);
        self.alive_since = self.now;
        self.alive = self.nodes.iter().filter(|node| node.is_on()).count() as u64;
    }
}
