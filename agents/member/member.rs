//! The agent: owns the machine, hears what happens, has its wishes performed.

use crate::clock::{self, Passed, passed};
use crate::commands::Commands;
use crate::devices::Telling;
use crate::metrics::Metrics;
use crate::shelf::Shelf;
use actix::prelude::*;
use p7_bus::{
    CommandHeard, FactsHeard, FitnessNoted, LookNow, MeshNoted, NetworkNoted, PeersNoted, PeersSeen,
    SeatsTaken, Stated, Suspected,
};
use p7_core::mesh::election::Fitness;
use p7_core::mesh::machine::{CutOff, Event, Machine};
use p7_core::mesh::words::{About, Configuration, Fact, Now, Role, Stamp, Steady};
use p7_core::service::Service;
use p7_core::vocabulary::{Millis, NodeId};
use p7_mesh::mesh_id::MeshId;
use p7_mesh::transport::{GossipId, Happened, Link};
use p7_mesh::{Keypair, Multiaddr};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// The mailbox: what the aggregator states in a few seconds of a large configuration.
const MAILBOX_LIMIT: usize = 4_096;
/// How often those who show the mesh are told how it is, if nothing changed: delays and offsets drift.
const SHOW_EVERY: Millis = Millis(2_000);
/// A change is shown at the earliest this long after the last.
const SHOW_GAP: Millis = Millis(200);
/// How often the log is looked at for what retention has dropped.
const FLOORS_EVERY: Duration = Duration::from_secs(600);
/// Interfaces come up one after the other: what was found is told at once after this.
const ADDRESSES_AFTER: Duration = Duration::from_millis(500);
/// Most addresses a node tells of itself.
const ADDRESSES_LIMIT: usize = 16;
/// What those who talk with the team tell their fitness of.
const PERSONA: &str = "persona";
/// How long the goodbye may take to leave.
const FAREWELL: Duration = Duration::from_millis(200);

/// Who hears what the member has to say.
#[derive(Default)]
pub struct Listeners {
    /// What other nodes state.
    pub facts: Vec<Recipient<FactsHeard>>,
    /// Who is there, and who holds which role.
    pub mesh: Vec<Recipient<MeshNoted>>,
    /// What is tested from here.
    pub seats: Vec<Recipient<SeatsTaken>>,
    /// What is to be looked at now.
    pub looks: Vec<Recipient<LookNow>>,
    /// What the peers show about this machine's own network.
    pub peers: Vec<Recipient<PeersNoted>>,
    /// Newer shared configurations; the roof takes them up.
    pub configurations: Option<mpsc::Sender<Arc<Configuration>>>,
    /// Who does what other nodes ask for, by the command's name.
    pub commands: BTreeMap<&'static str, Recipient<CommandHeard>>,
    /// How far the wall clock is to be corrected, in milliseconds.
    pub correction: Option<fn(i64)>,
}

/// node → member: from now on these listen. What was stored before the start is told to them first.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Connect(pub Listeners);

/// This node as a member of the mesh.
pub struct Member {
    pub(crate) me: NodeId,
    pub(crate) machine: Machine,
    pub(crate) link: Link,
    pub(crate) happened: Option<mpsc::Receiver<Happened>>,
    pub(crate) keypair: Keypair,
    pub(crate) mesh: MeshId,
    pub(crate) wire: u8,
    pub(crate) shelf: Shelf,
    pub(crate) listeners: Listeners,
    pub(crate) metrics: Metrics,
    pub(crate) alarm: Option<(SpawnHandle, Steady)>,
    pub(crate) looked: Now,
    pub(crate) shown: Steady,
    pub(crate) show_due: Option<Steady>,
    /// The gossip that is being heard, until it is judged.
    pub(crate) passing: Option<GossipId>,
    /// What this node says about itself.
    pub(crate) about: About,
    /// What the peers showed last about this machine's own network.
    pub(crate) peers_seen: PeersSeen,
    /// Where the transport listens, as far as it has said.
    pub(crate) listening: Vec<Multiaddr>,
    /// Whether the machine's own network is believed to be down.
    pub(crate) cut_off: CutOff,
    /// The parts of the leader's work that can't be done here.
    pub(crate) lacking: BTreeSet<&'static str>,
    /// Who may be a peer; none for whoever has the mesh's key.
    pub(crate) allow: Option<BTreeSet<NodeId>>,
    /// The commands to other nodes and from them that are under way.
    pub(crate) commands: Commands,
    /// What was told of this node's devices, and when it is looked whether more is to be.
    pub(crate) telling: Telling,
    pub(crate) telling_at: Option<SpawnHandle>,
}

/// node → member: the services to watch from now on, in id order, and which shared configuration they come from.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct TakenUp {
    /// The services.
    pub services: Arc<Vec<Arc<Service>>>,
    /// The shared configuration; version 0 when the services come from this machine's own file.
    pub stamp: Stamp,
}

/// node → member: say goodbye and stop; answered when done.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Stop;

impl Member {
    /// Tells the machine what happened and does what it wishes.
    pub(crate) fn hear(&mut self, event: Event, context: &mut Context<Self>) {
        let now = self.look_at_the_clock();
        let effects = self.machine.hear(event, now);
        self.perform(effects, now);
        self.show(now);
        self.set_alarm(now, context);
    }

    /// Notices when time jumped: then nobody is accused and nothing is led.
    pub(crate) fn look_at_the_clock(&mut self) -> Now {
        let now = clock::now();
        let expected = self.alarm.map_or(now.steady, |(_, at)| at);
        let before = std::mem::replace(&mut self.looked, now);
        if passed(before, now, expected) == Passed::Jumped {
            tracing::warn!("time jumped: the machine slept or its clock was set; settling anew");
            self.link.wake();
            let effects = self.machine.hear(Event::Slept, now);
            self.perform(effects, now);
        }
        now
    }

    fn set_alarm(&mut self, now: Now, context: &mut Context<Self>) {
        let due = self.show_due.map_or(self.machine.due(), |show| show.min(self.machine.due()));
        if let Some((handle, at)) = self.alarm {
            if at <= due && at > now.steady {
                return;
            }
            context.cancel_future(handle);
        }
        let wait = due.since(now.steady).0.max(1);
        let handle = context.run_later(Duration::from_millis(wait), |member, context| {
            member.hear(Event::Woke, context);
            member.alarm_rang(context);
        });
        self.alarm = Some((handle, now.steady.plus(Millis(wait))));
    }

    /// The timer that rang is gone; the next one is set.
    fn alarm_rang(&mut self, context: &mut Context<Self>) {
        let now = clock::now();
        if self.alarm.is_some_and(|(_, at)| at <= now.steady) {
            self.alarm = None;
            self.set_alarm(now, context);
        }
    }

    /// Tells those who show the mesh how it is, when that is due.
    fn show(&mut self, now: Now) {
        if self.show_due.is_none_or(|due| due > now.steady) {
            return;
        }
        self.shown = now.steady;
        self.show_due = Some(now.steady.plus(SHOW_EVERY));
        let view = Arc::new(self.machine.view(now));
        self.metrics.note(&self.link.figures());
        if let Some(correct) = self.listeners.correction {
            correct(view.correction_ms);
        }
        let seen = crate::peers::seen(&view);
        if seen != self.peers_seen {
            self.peers_seen = seen;
            for listener in &self.listeners.peers {
                p7_bus::tell(listener, "peers", PeersNoted(seen));
            }
        }
        for listener in &self.listeners.mesh {
            p7_bus::tell(listener, "mesh", MeshNoted(Arc::clone(&view)));
        }
    }

    /// The transport listens on one more address: others should know, but those of loopback lead nowhere
    /// else, and are told only where there are no others.
    pub(crate) fn listens(&mut self, address: Multiaddr, context: &mut Context<Self>) {
        self.listening.push(address);
        if self.listening.len() > 1 {
            return;
        }
        context.run_later(ADDRESSES_AFTER, |member, context| {
            let all = std::mem::take(&mut member.listening);
            let told = crate::address::worth_telling(&all);
            let known = &mut member.about.addresses;
            let before = known.len();
            for address in told {
                if !known.contains(&address) && known.len() < ADDRESSES_LIMIT {
                    known.push(address);
                }
            }
            if known.len() > before {
                member.about.at = member.machine.mesh_time(clock::now());
                let about = member.about.clone();
                member.hear(Event::Stated(vec![Fact::About(about)]), context);
            }
        });
    }

    /// Whether this node could do the leader's work right now: its network is up, and it lacks nothing that
    /// the others may have.
    fn fitness(&self) -> Fitness {
        match self.cut_off {
            CutOff::No if self.lacking.is_empty() => Fitness::Fit,
            CutOff::No | CutOff::Yes => Fitness::Unfit,
        }
    }

    /// Something that is shown has changed.
    pub(crate) fn show_soon(&mut self, now: Now) {
        let soon = self.shown.plus(SHOW_GAP).max(now.steady);
        self.show_due = Some(self.show_due.map_or(soon, |due| due.min(soon)));
    }
}

impl Actor for Member {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX_LIMIT);
        if let Some(mut happened) = self.happened.take() {
            context.add_stream(futures_util::stream::poll_fn(move |task| happened.poll_recv(task)));
        }
        context.run_interval(FLOORS_EVERY, |member, context| {
            let floors = member.shelf.floors();
            member.hear(Event::Forgotten(floors), context);
            member.note_presence(context);
        });
    }
}

impl Handler<Connect> for Member {
    type Result = ();

    fn handle(&mut self, Connect(listeners): Connect, context: &mut Self::Context) {
        self.listeners = listeners;
        let now = self.machine.mesh_time(clock::now());
        let recalled = self.shelf.recalled(&self.mesh, now);
        self.hear(Event::Recalled(recalled), context);
        self.look_back(context);
    }
}

impl StreamHandler<Happened> for Member {
    fn handle(&mut self, happened: Happened, context: &mut Self::Context) {
        self.happened(happened, context);
    }

    fn finished(&mut self, _: &mut Self::Context) {
        tracing::debug!("the transport has stopped");
    }
}

impl Handler<Stated> for Member {
    type Result = ();

    fn handle(&mut self, Stated(facts): Stated, context: &mut Self::Context) {
        self.hear(Event::Stated(facts), context);
    }
}

impl Handler<Suspected> for Member {
    type Result = ();

    fn handle(&mut self, suspected: Suspected, context: &mut Self::Context) {
        self.hear(Event::Suspects(suspected.service, suspected.began), context);
    }
}

impl Handler<NetworkNoted> for Member {
    type Result = ();

    fn handle(&mut self, noted: NetworkNoted, context: &mut Self::Context) {
        self.cut_off = if noted.cut_off.is_some() { CutOff::Yes } else { CutOff::No };
        self.hear(Event::CutOff(self.cut_off), context);
        self.hear(Event::Fit(Role::Leader, self.fitness()), context);
    }
}

impl Handler<FitnessNoted> for Member {
    type Result = ();

    fn handle(&mut self, noted: FitnessNoted, context: &mut Self::Context) {
        if noted.what == PERSONA {
            let fitness = if noted.trouble.is_none() { Fitness::Fit } else { Fitness::Unfit };
            return self.hear(Event::Fit(Role::Persona, fitness), context);
        }
        match noted.trouble {
            Some(_) => self.lacking.insert(noted.what),
            None => self.lacking.remove(noted.what),
        };
        self.hear(Event::Fit(Role::Leader, self.fitness()), context);
    }
}

impl Handler<TakenUp> for Member {
    type Result = ();

    fn handle(&mut self, taken_up: TakenUp, context: &mut Self::Context) {
        self.hear(Event::Watching(taken_up.services, taken_up.stamp), context);
    }
}

impl Handler<Stop> for Member {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Stop: Stop, context: &mut Self::Context) -> Self::Result {
        self.note_presence(context);
        self.hear(Event::Stopping, context);
        if let Some((handle, _)) = self.alarm.take() {
            context.cancel_future(handle);
        }
        let link = self.link.clone();
        let (done, ended) = oneshot::channel::<()>();
        tokio::spawn(async move {
            // the goodbye leaves before the connections do
            tokio::time::sleep(FAREWELL).await;
            link.stop().await;
            drop(done);
        });
        Box::pin(async move {
            // dropped means done
            drop(ended.await);
        })
    }
}
