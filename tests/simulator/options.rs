//! What a run is like: drawn from its seed, so that every seed is another kind of mesh.

use crate::chance::Chance;
use p7_core::mesh::rules::RuleSet;

/// One minute of the simulated world, in its milliseconds.
pub const MINUTE: u64 = 60_000;
/// One hour.
pub const HOUR: u64 = 60 * MINUTE;

/// A fault that comes and goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The mesh falls into two parts.
    Cut,
    /// One node is cut off from the other nodes, not from the services.
    Isolate,
    /// What one part says does not reach the other; the way back is open.
    OneWay,
    /// Two nodes can't reach each other but both reach the rest.
    Bridge,
    /// A connection breaks; nothing else is wrong.
    Reset,
    /// A process is killed; its system closes its connections.
    Kill,
    /// A machine loses power: nobody is told, and what was not synced is lost.
    Power,
    /// A node stops on purpose.
    Stop,
    /// A machine is suspended.
    Sleep,
    /// A node is cut off from the services and channels, not from the mesh.
    Uplink,
    /// A node hears and does everything late.
    Slow,
    /// A node's wall clock is set.
    Clock,
    /// A new node joins.
    Join,
    /// A node leaves for good.
    Leave,
    /// The channel takes nothing.
    Channel,
    /// Somebody gives the mesh another configuration.
    Configure,
}

/// Whom an outage of a service hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// Every node.
    All,
    /// Some nodes.
    Some,
    /// One node.
    One,
    /// Every node, on and off.
    Flapping,
}

/// How a node lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Everything fails, it says.
    AllFails,
    /// Everything is well, it says.
    AllIsWell,
    /// It speaks of cycles that have not come.
    Future,
    /// It states results of other nodes.
    InOthersName,
}

/// A service to be watched.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How often each vantage point tests it, in milliseconds.
    pub interval: u64,
    /// How long a test may take.
    pub timeout: u64,
    /// How many nodes test it; 0 for all.
    pub vantage_points: u16,
    /// Whether only nodes at the first site may test it.
    pub at_first_site: bool,
}

/// Links between nodes.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    /// Least latency.
    pub base: u64,
    /// What comes on top of it at most.
    pub jitter: u64,
    /// Lost gossip and questions, in a thousand.
    pub loss: u64,
    /// Gossip that comes twice, in a thousand.
    pub twice: u64,
    /// Nodes that can't be dialled, in a hundred.
    pub behind_nat: u64,
    /// Longest time until a lost peer is dialled again.
    pub redial: u64,
}

/// Clocks of the nodes.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    /// How far they are off at most.
    pub offset: u64,
    /// How fast they drift at most, in parts of a million.
    pub drift: u64,
    /// How far one is set at most by [`Fault::Clock`].
    pub step: u64,
}

/// The channel that notifications go to.
#[derive(Debug, Clone, Copy)]
pub struct ChannelPlan {
    /// How long it takes at most to answer.
    pub delay: u64,
    /// Refusals, in a thousand.
    pub refuses: u64,
    /// Messages that are taken, but whose answer is lost, in a thousand.
    pub answer_lost: u64,
}

/// A run's options.
#[derive(Debug, Clone)]
pub struct Options {
    /// All chance comes from it.
    pub seed: u64,
    /// The rules in force.
    pub rules: RuleSet,
    /// How many nodes there are at first.
    pub nodes: usize,
    /// How long faults happen; what follows demands that all recovers.
    pub span: u64,
    /// What is watched.
    pub services: Vec<Plan>,
    /// Links.
    pub wire: Wire,
    /// Clocks.
    pub clocks: Clocks,
    /// The faults that happen while it storms, and their mean distance.
    pub faults: Vec<(Fault, u64)>,
    /// Mean length of a storm and of the quiet after it.
    pub storms: (u64, u64),
    /// How long a fault lasts on average.
    pub lasting: u64,
    /// Outages: the mean distance of a service's, and their mean length.
    pub outages: (u64, u64),
    /// Whom outages hit.
    pub hits: Vec<Hit>,
    /// At how many sites the nodes stand; 0 for none said.
    pub sites: usize,
    /// Whether nodes differ in their configured priority.
    pub priorities: Vec<u8>,
    /// Of how many nodes the last ones can't lead.
    pub followers: usize,
    /// Wrong answers of a node to whether it is cut off, in a thousand.
    pub misjudges: u64,
    /// The first node's way to lie.
    pub liar: Option<Lie>,
    /// A vantage point that sees everything fail, not by its own will.
    pub bad_vantage: Option<usize>,
    /// Whether everything fails that is tested from the second site, whose machines do not know why.
    pub dark_site: bool,
    /// The channel.
    pub channel: ChannelPlan,
    /// Whether the node of the highest rank flaps: goes and comes while all else is quiet.
    pub top_flaps: u64,
}

impl Options {
    /// A mesh in which nothing goes wrong but the services.
    pub fn calm(seed: u64, nodes: usize, span: u64) -> Self {
        Self {
            seed,
            rules: RuleSet::ALL,
            nodes,
            span,
            services: vec![Plan {
                interval: MINUTE,
                timeout: 3_000,
                vantage_points: 0,
                at_first_site: false,
            }],
            wire: Wire { base: 1, jitter: 20, loss: 0, twice: 0, behind_nat: 0, redial: 3_000 },
            clocks: Clocks { offset: 50, drift: 20, step: 0 },
            faults: Vec::new(),
            storms: (5 * MINUTE, 15 * MINUTE),
            lasting: 2 * MINUTE,
            outages: (40 * MINUTE, 6 * MINUTE),
            hits: vec![Hit::All],
            sites: 0,
            priorities: vec![50],
            followers: 0,
            misjudges: 0,
            liar: None,
            bad_vantage: None,
            dark_site: false,
            channel: ChannelPlan { delay: 400, refuses: 0, answer_lost: 0 },
            top_flaps: 0,
        }
    }

    /// Whatever this seed brings.
    pub fn drawn(seed: u64) -> Self {
        let mut chance = Chance::of(seed ^ 0x0007_5eed);
        let mut options = if chance.per_mille(8) {
            let nodes = usize::try_from(chance.between(16, 48)).unwrap_or(16);
            Self::calm(seed, nodes, 4 * MINUTE)
        } else if chance.per_mille(60) {
            let nodes = usize::try_from(chance.between(8, 15)).unwrap_or(8);
            Self::calm(seed, nodes, HOUR)
        } else {
            let nodes = usize::try_from(chance.between(2, 7)).unwrap_or(2);
            Self::calm(seed, nodes, chance.between(4, 12) * HOUR)
        };
        options.draw_world(&mut chance);
        options.draw_nodes(&mut chance);
        options.draw_faults(&mut chance);
        options
    }

    fn draw_world(&mut self, chance: &mut Chance) {
        let count = if chance.per_cent(85) { chance.between(1, 5) } else { chance.between(6, 20) };
        self.services = (0..count)
            .map(|_| {
                let interval = chance.one_of(&[60_000, 60_000, 60_000, 30_000, 120_000]).unwrap_or(MINUTE);
                let vantage_points = chance.one_of(&[0, 0, 0, 1, 3, 5]).unwrap_or_default();
                Plan { interval, timeout: chance.between(2, 8) * 1_000, vantage_points, at_first_site: false }
            })
            .collect();
        let base = chance.one_of(&[1, 5, 20, 80, 150]).unwrap_or(1);
        let jitter = chance.one_of(&[2, 20, 100, 300]).unwrap_or(20);
        let loss = chance.one_of(&[0, 0, 5, 20, 100]).unwrap_or_default();
        let twice = chance.one_of(&[0, 0, 10, 50]).unwrap_or_default();
        let behind_nat = chance.one_of(&[0, 0, 0, 30]).unwrap_or_default();
        self.wire = Wire { base, jitter, loss, twice, behind_nat, redial: 3_000 };
        let offset = chance.one_of(&[50, 500, 2_000]).unwrap_or(50);
        self.clocks = Clocks { offset, drift: chance.between(0, 50), step: 200_000 };
        self.outages = (chance.between(15, 60) * MINUTE, chance.between(2, 12) * MINUTE);
        self.hits = vec![Hit::All, Hit::All, Hit::Some, Hit::One, Hit::Flapping];
    }

    fn draw_nodes(&mut self, chance: &mut Chance) {
        self.sites = chance.one_of(&[0, 0, 0, 2, 3]).unwrap_or_default();
        if self.sites > 0 && chance.per_cent(30) {
            for plan in &mut self.services {
                plan.at_first_site = chance.per_cent(30);
            }
        }
        self.priorities = if chance.per_cent(30) { vec![50, 50, 60, 150] } else { vec![50] };
        self.followers = if chance.per_cent(20) { chance.place(self.nodes) } else { 0 };
        self.misjudges = chance.one_of(&[0, 0, 20, 100]).unwrap_or_default();
        if chance.per_cent(15) && self.nodes > 2 {
            self.liar = chance.one_of(&[Lie::AllFails, Lie::AllIsWell, Lie::Future, Lie::InOthersName]);
        }
        if chance.per_cent(15) && self.liar.is_none() {
            self.bad_vantage = Some(chance.place(self.nodes));
        }
        let refuses = chance.one_of(&[0, 0, 50, 200]).unwrap_or_default();
        let answer_lost = chance.one_of(&[0, 0, 20]).unwrap_or_default();
        self.channel = ChannelPlan { delay: chance.between(100, 2_000), refuses, answer_lost };
    }

    fn draw_faults(&mut self, chance: &mut Chance) {
        const ALL: [Fault; 16] = [
            Fault::Cut,
            Fault::Isolate,
            Fault::OneWay,
            Fault::Bridge,
            Fault::Reset,
            Fault::Kill,
            Fault::Power,
            Fault::Stop,
            Fault::Sleep,
            Fault::Uplink,
            Fault::Slow,
            Fault::Clock,
            Fault::Join,
            Fault::Leave,
            Fault::Channel,
            Fault::Configure,
        ];
        // swarm testing: a few kinds of faults a run bring out what all of them together hide
        let share = chance.between(10, 50);
        for fault in ALL {
            if chance.per_cent(share) {
                self.faults.push((fault, chance.between(1, 6) * MINUTE));
            }
        }
        self.storms = (chance.between(2, 15) * MINUTE, chance.between(8, 30) * MINUTE);
        self.lasting = chance.between(5, 240) * 1_000;
    }

    /// Longest latency of a message, outside of faults.
    pub fn latency_limit(&self) -> u64 {
        // the wire's spikes are eight times the jitter, see `Network::latency`
        self.wire.base + 8 * self.wire.jitter
    }
}
