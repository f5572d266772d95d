//! One node of the mesh as a machine: events in, effects out. No clock, no socket, no disk.
//!
//! Effects are performed in their order: what is to be kept or stored is on disk before what follows
//! leaves the node.

mod catching_up;
mod hearing;
mod past;
mod standing;
mod stating;
mod viewing;

use self::catching_up::CatchingUp;
use self::hearing::Held;
use self::stating::Stating;
use super::assign::Assignment;
use super::devices::DevicesTold;
use super::election::{Election, Fitness};
use super::journal::Journal;
use super::look::Lookout;
use super::members::Members;
use super::mesh_time::{DEFAULT_INTERVAL, MeshClock};
use super::missed::{Missed, Past};
use super::mix::Chance;
use super::rules::RuleSet;
use super::shared::Shared;
use super::words::{
    About, Batch, Beat, Boot, Configuration, Fact, FiguresOf, Have, Now, Question, Role, RollupCursor, Span,
    Stamp, Steady, Suspicion, Term,
};
use crate::schedule::Seat;
use crate::service::Service;
use crate::vocabulary::{MeshTime, Millis, NodeId, ServiceId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often a node shows that it lives: five beats make the 10 s after which it is down.
pub const BEAT_EVERY: Millis = Millis(2_000);
/// Beats out of turn, when something has changed, keep at least this distance.
const BEAT_GAP: Millis = Millis(100);
/// The time of what will not be.
const NEVER: Steady = Steady(u64::MAX);
/// Whatever happens, the machine is woken this often.
const LONGEST_WAIT: Millis = Millis(2_000);

/// What happened to a node.
#[derive(Debug, Clone)]
pub enum Event {
    /// Time has passed: the machine asked to be woken, or nothing else happened for long.
    Woke,
    /// The machine slept or its clock was set: accuse nobody, lead nothing, settle anew.
    Slept,
    /// The first connection to a peer is open.
    Connected(NodeId),
    /// The last one is closed.
    Disconnected(NodeId),
    /// A beat that its author signed.
    HeardBeat(Beat),
    /// A batch that its author signed, by gossip.
    HeardBatch(Batch),
    /// A suspicion that its author signed.
    HeardSuspicion(Suspicion),
    /// What was stored of late, after a start: it is in the journal already, but what follows from it is not known.
    Recalled(Vec<Batch>),
    /// A peer asks something; the token goes back with the answer.
    Asked {
        /// Who.
        from: NodeId,
        /// To answer with.
        token: u64,
        /// What.
        question: Question,
    },
    /// A peer has answered.
    Answered {
        /// Who.
        from: NodeId,
        /// The ticket of the question.
        ticket: u64,
        /// What; none when it did not.
        answer: Option<Answer>,
    },
    /// A page of the figures that a peer was asked for is stored; where the next one begins, if there is one.
    Figured {
        /// Who answered.
        from: NodeId,
        /// The ticket of the question.
        ticket: u64,
        /// Where the next page begins.
        more: Option<RollupCursor>,
    },
    /// Results of a time were missed that are no longer told; who showed it, if somebody did.
    Missed(Missed, Option<NodeId>),
    /// This node states something: results of its probes, what its people say.
    Stated(Vec<Fact>),
    /// A probe of this node, which began then in mesh time, takes suspiciously long.
    Suspects(ServiceId, MeshTime),
    /// Whether this node is cut off itself.
    CutOff(CutOff),
    /// Whether this node could do a role's work right now.
    Fit(Role, Fitness),
    /// The services to watch from now on, by id, and which shared configuration they come from.
    Watching(Arc<Vec<Arc<Service>>>, Stamp),
    /// Numbers below these are forgotten: the floors of some sequences.
    Forgotten(Vec<Have>),
    /// This node stops on purpose.
    Stopping,
}

/// Whether a node is cut off itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutOff {
    /// It has no network.
    Yes,
    /// It has.
    No,
}

/// What a peer answers.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What the asker lacked, or as much of it as fits.
    pub batches: Vec<Batch>,
    /// What the answerer has.
    pub have: Vec<Have>,
}

/// What should follow.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Gossip this beat of ours.
    Beat(Beat),
    /// Store this batch of ours, then gossip it.
    Publish(Batch),
    /// Gossip this suspicion of ours.
    Suspect(Suspicion),
    /// The gossip just heard is news and others may lack it: pass it on.
    PassOn,
    /// Store these batches of others, then let their facts be heard.
    Take(Vec<Batch>),
    /// Facts of stored batches that are to be heard only now, with their authors.
    Release(Vec<(NodeId, Fact)>),
    /// Ask a peer.
    Ask {
        /// Whom.
        to: NodeId,
        /// Comes back with the answer.
        ticket: u64,
        /// What.
        question: Question,
    },
    /// Answer a peer from what is stored: as many of these spans as fit, in this order.
    Answer {
        /// The question's token.
        token: u64,
        /// What it lacks, most wanted first.
        spans: Vec<Span>,
        /// What we have.
        have: Vec<Have>,
    },
    /// Answer a peer with figures from the store, as many as fit.
    AnswerFigures {
        /// The question's token.
        token: u64,
        /// Which.
        of: FiguresOf,
    },
    /// Remember over a restart of which time figures are still missed.
    Missed(Option<Missed>),
    /// Bring this to the disk itself: it is claimed next.
    Keep(Role, Term),
    /// A role has another holder.
    Holder(Role, Option<NodeId>),
    /// Who is there, or what is known of them, has changed: see [`Machine::view`].
    Members,
    /// These services are tested from here from now on, and no others.
    Seats(Arc<BTreeMap<ServiceId, Seat>>),
    /// Test this service now, beside its schedule.
    Confirm(ServiceId),
    /// A newer shared configuration is known.
    Configuration(Arc<Configuration>),
    /// This peer is dead or mute: close its connections.
    Disconnect(NodeId),
    /// Something was refused; the name of the place it counts under.
    Dropped(&'static str, u64),
}

/// What a machine starts with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// This node.
    pub me: NodeId,
    /// Which of its lives this is.
    pub boot: Boot,
    /// Its configured priority.
    pub priority: u8,
    /// The roles it could hold.
    pub roles: Vec<Role>,
    /// The terms it has kept.
    pub terms: BTreeMap<Role, Term>,
    /// What it has stored, of others and of its own earlier lives.
    pub have: Vec<Have>,
    /// What it says about itself.
    pub about: About,
    /// The newest wire format it understands.
    pub wire: u8,
    /// Chance: different on every node, the same in a replay.
    pub seed: u64,
    /// The rules in force: all of them, but in tests of the rules.
    pub rules: RuleSet,
}

/// One node of the mesh.
#[derive(Debug)]
pub struct Machine {
    me: NodeId,
    boot: Boot,
    priority: u8,
    wire: u8,
    rules: RuleSet,
    chance: Chance,
    started: Steady,
    members: Members,
    clock: MeshClock,
    journal: Journal,
    elections: Vec<Election>,
    assignment: Assignment,
    /// When the seats are to be worked out anew, if nothing changes before.
    assign_due: Option<Steady>,
    lookout: Lookout,
    shared: Shared,
    taken_up: Stamp,
    abouts: BTreeMap<NodeId, About>,
    devices: BTreeMap<NodeId, Arc<DevicesTold>>,
    services: Arc<Vec<Arc<Service>>>,
    cut_off: CutOff,
    beats: u64,
    last_beat: Steady,
    next_beat: Steady,
    stating: Stating,
    held: Held,
    catching_up: CatchingUp,
    past: Past,
    /// How many seats each node has, as assigned.
    seats: BTreeMap<NodeId, u32>,
}

impl Machine {
    /// A node that has just started; its first beat is due at once.
    pub fn new(setup: Setup, now: Now) -> Self {
        let kept = |role: &Role| setup.terms.get(role).copied().unwrap_or_default();
        let elections = setup.roles.iter().map(|role| {
            Election::new(role.clone(), setup.me.clone(), setup.priority, kept(role), setup.rules, now.steady)
        });
        let mut machine = Self {
            elections: elections.collect(),
            boot: setup.boot,
            priority: setup.priority,
            wire: setup.wire,
            rules: setup.rules,
            chance: Chance::new(setup.seed),
            started: now.steady,
            members: Members::new(setup.me.clone(), setup.rules),
            clock: MeshClock::new(setup.me.clone(), DEFAULT_INTERVAL, setup.rules),
            journal: Journal::new(&setup.have),
            assignment: Assignment::new(setup.me.clone(), setup.rules),
            assign_due: None,
            lookout: Lookout::new(setup.me.clone(), setup.rules),
            shared: Shared::default(),
            taken_up: Stamp::default(),
            abouts: BTreeMap::new(),
            devices: BTreeMap::new(),
            services: Arc::default(),
            cut_off: CutOff::No,
            beats: 0,
            last_beat: Steady::default(),
            next_beat: now.steady,
            stating: Stating::default(),
            held: Held::default(),
            catching_up: CatchingUp::new(now.steady),
            past: Past::default(),
            seats: BTreeMap::new(),
            me: setup.me,
        };
        machine.state(vec![Fact::About(setup.about)], now);
        machine
    }

    /// Notes what happened and says what should follow, in this order. Never blocks, never fails.
    pub fn hear(&mut self, event: Event, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Woke => {}
            Event::Slept => self.wake_up(now, &mut effects),
            Event::Connected(peer) => {
                let changes = self.members.connected(&peer, now);
                self.catching_up.met(peer, now.steady);
                effects.push(Effect::Members);
                self.beat_soon(now);
                self.changed(changes, now, &mut effects);
                // company makes a claim full, and its peer may have been heard through others already
                self.elect(now, &mut effects);
            }
            Event::Disconnected(peer) => {
                self.catching_up.parted(&peer);
                let changes = self.members.disconnected(&peer, now);
                effects.push(Effect::Members);
                // from now on others pass on what we say; whom we no longer reach may doubt that we live
                self.beat_soon(now);
                self.changed(changes, now, &mut effects);
            }
            Event::HeardBeat(beat) => self.hear_beat(&beat, now, &mut effects),
            Event::HeardBatch(batch) => self.hear_batch(batch, now, &mut effects),
            Event::HeardSuspicion(suspicion) => self.hear_suspicion(&suspicion, now, &mut effects),
            Event::Recalled(batches) => self.recall(batches, now, &mut effects),
            Event::Asked { from, token, question } => {
                self.answer(&from, token, question, now, &mut effects);
            }
            Event::Answered { from, ticket, answer } => {
                self.hear_answer(&from, ticket, answer, now, &mut effects);
            }
            Event::Figured { from, ticket, more } => {
                self.took_figures(&from, ticket, more, now, &mut effects);
            }
            Event::Missed(missed, shown_by) => self.miss(missed, shown_by, now, &mut effects),
            Event::Stated(facts) => self.state(facts, now),
            Event::Suspects(service, began) => self.suspect(service, began, &mut effects),
            Event::CutOff(cut_off) => self.note_cut_off(cut_off, now),
            Event::Fit(role, fitness) => self.note_fitness(&role, fitness, now, &mut effects),
            Event::Watching(services, stamp) => self.watching(services, stamp, now, &mut effects),
            Event::Forgotten(floors) => {
                for floor in floors {
                    self.journal.forget_below(&floor.sequence, floor.floor);
                }
            }
            Event::Stopping => self.leave(now, &mut effects),
        }
        self.turn(now, &mut effects);
        effects
    }

    /// When the machine wants to be woken, if nothing happens before.
    pub fn due(&self) -> Steady {
        let longest = self.last_beat.plus(LONGEST_WAIT);
        [
            Some(self.next_beat),
            self.stating.due(),
            self.members.due(),
            self.catching_up.due(),
            self.past_due(),
            self.held.due(),
            self.assign_due,
        ]
        .into_iter()
        .flatten()
        .chain(self.elections.iter().filter_map(Election::due))
        .fold(longest, Steady::min)
    }

    /// The mesh's time.
    pub fn mesh_time(&self, now: Now) -> MeshTime {
        self.clock.mesh_time(now.wall)
    }

    /// What time brings.
    fn turn(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.members.due().is_some_and(|due| due <= now.steady) {
            let changes = self.members.turn(now);
            self.changed(changes, now, effects);
        }
        if self.elections.iter().any(|election| election.due().is_some_and(|due| due <= now.steady)) {
            self.elect(now, effects);
        }
        if self.assign_due.is_some_and(|due| due <= now.steady) {
            self.assign(now, effects);
        }
        self.release(now, effects);
        self.publish(now, effects);
        self.catch_up(now, effects);
        self.ask_for_the_past(now, effects);
        if self.next_beat <= now.steady {
            self.beat(now, effects);
        }
    }

    /// Lets the next beat come at once, but for the distance that beats keep. A goodbye is the last one: a
    /// beat after it would bring the node back, to be missed once more.
    fn beat_soon(&mut self, now: Now) {
        if self.next_beat == NEVER {
            return;
        }
        let soon = self.last_beat.plus(BEAT_GAP).max(now.steady);
        self.next_beat = self.next_beat.min(soon);
    }

    fn beat(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.last_beat = now.steady;
        self.next_beat = now.steady.plus(BEAT_EVERY);
        effects.push(Effect::Beat(self.sign_of_life(now)));
    }

    fn sign_of_life(&mut self, now: Now) -> Beat {
        self.beats += 1;
        Beat {
            node: self.me.clone(),
            boot: self.boot,
            number: self.beats,
            wall: now.wall,
            priority: self.priority,
            posts: self.elections.iter().map(Election::post).collect(),
            links: self.links(),
            digest: self.journal.digest(),
            configuration: self.taken_up,
            cut_off: self.cut_off == CutOff::Yes,
            goodbye: false,
            wire: self.wire,
        }
    }

    /// How many peers this node is connected to.
    pub(super) fn links(&self) -> u16 {
        let links = self.members.all().filter(|member| member.connected).count();
        u16::try_from(links).unwrap_or(u16::MAX)
    }

    /// Says goodbye, with what is still to be said.
    fn leave(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.stating.hurry(now.steady);
        self.publish(now, effects);
        let mut elections = std::mem::take(&mut self.elections);
        for election in &mut elections {
            let wishes = election.leave();
            self.grant(&election.role().clone(), wishes, now, effects);
        }
        self.elections = elections;
        let beat = self.sign_of_life(now);
        effects.push(Effect::Beat(Beat { goodbye: self.rules.has(super::rules::Rule::Goodbye), ..beat }));
        self.next_beat = NEVER;
    }
}

#[cfg(test)]
mod tests;
