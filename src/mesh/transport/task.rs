//! The task that owns the swarm: it takes orders, hears what happens, dials, and waits for nobody.

use super::addresses::{Reach, is_free};
use super::behaviour::{Behaviour, topic};
use super::figures::{Counters, Refusal};
use super::link::{Judgement, Order};
use super::rate::Bucket;
use super::redial::{Book, Dial, Failure, Kept, Target};
use super::{Config, GossipId, Happened, PeerLimits, StartError, stack};
use crate::mesh_id::MeshId;
use crate::peer;
use futures_util::StreamExt as _;
use libp2p::request_response::{InboundRequestId, OutboundRequestId, ResponseChannel};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{self, ConnectionId, DialError, Swarm};
use libp2p::{Multiaddr, PeerId, gossipsub};
use p7_core::vocabulary::NodeId;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

/// How often it is looked whom to dial.
const TICK: Duration = Duration::from_millis(500);
/// A connection without streams is kept so long; gossip keeps its own open anyway.
const IDLE: Duration = Duration::from_secs(24 * 3600);
/// How long what is under way may take to leave when the transport stops: a goodbye is one packet.
const LINGER: Duration = Duration::from_millis(200);
/// Most questions that wait for their answers: a few per peer.
const ASKED_LIMIT: usize = 512;
/// Most events that wait because the owner of the link has no room, of those that must not be lost.
const WAITING_LIMIT: usize = 4096;

/// What a peer has used of what it may send.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) gossip: Bucket,
    pub(super) bytes: Bucket,
    pub(super) questions: Bucket,
    /// Frames of it that were refused since the last tick.
    pub(super) refused: u32,
}

/// An answer that a peer waits for.
pub(super) type Answering = (InboundRequestId, ResponseChannel<Vec<u8>>);

pub(super) struct Task {
    pub(super) swarm: Swarm<Behaviour>,
    topic: gossipsub::IdentTopic,
    pub(super) limits: PeerLimits,
    pub(super) counters: Arc<Counters>,
    tell: mpsc::Sender<Happened>,
    waiting: VecDeque<Happened>,
    pub(super) book: Book,
    pub(super) dialling: HashMap<ConnectionId, Target>,
    pub(super) budgets: BTreeMap<PeerId, Budget>,
    pub(super) asked: HashMap<OutboundRequestId, (NodeId, u64)>,
    pub(super) answering: BTreeMap<u64, Answering>,
    pub(super) last_token: u64,
    /// Who is shut out, and until when.
    pub(super) blocked: BTreeMap<PeerId, u64>,
    /// When it was last said that a key differs.
    pub(super) warned: Option<u64>,
    told: BTreeMap<Refusal, u64>,
    started: Instant,
}

impl Task {
    pub(super) fn new(
        config: Config,
        counters: Arc<Counters>,
        tell: mpsc::Sender<Happened>,
    ) -> Result<Self, StartError> {
        let mesh = MeshId::of(&config.mesh);
        let me = config.keypair.public().to_peer_id();
        let transport = stack::build(&config.keypair, &config.key, &counters)?;
        let behaviour = Behaviour::new(&config, &mesh)?;
        let settings = swarm::Config::with_tokio_executor().with_idle_connection_timeout(IDLE);
        let mut swarm = Swarm::new(transport, behaviour, me, settings);
        listen(&mut swarm, &config.listen)?;
        let chance = std::collections::hash_map::RandomState::new().build_hasher().finish();
        let mut task = Self {
            swarm,
            topic: topic(&mesh),
            limits: config.limits,
            counters,
            tell,
            waiting: VecDeque::new(),
            book: Book::new(me, Reach::of(&config.listen), chance),
            dialling: HashMap::new(),
            budgets: BTreeMap::new(),
            asked: HashMap::new(),
            answering: BTreeMap::new(),
            last_token: 0,
            blocked: BTreeMap::new(),
            warned: None,
            told: BTreeMap::new(),
            started: Instant::now(),
        };
        config.bootstrap.iter().for_each(|address| task.add_place(address));
        for (node, address) in config.known {
            task.know(&node, &[address]);
        }
        Ok(task)
    }

    /// Runs until the link says stop, or is gone.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let tell = self.tell.clone();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Stop(done)) => return self.finish(done).await,
                    Some(order) => self.obey(order),
                    None => return,
                },
                event = self.swarm.select_next_some() => self.hear(event),
                room = tell.reserve(), if !self.waiting.is_empty() => match (room, self.waiting.pop_front()) {
                    (Ok(room), Some(happened)) => room.send(happened),
                    (Err(_gone), _) => return,
                    (Ok(_), None) => {}
                },
                _ = tick.tick() => self.tick(),
            }
        }
    }

    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Tells what must not be lost: it waits if there is no room.
    pub(super) fn tell(&mut self, happened: Happened) {
        let mut happened = happened;
        if self.waiting.is_empty() {
            match self.tell.try_send(happened) {
                Ok(()) => return,
                Err(TrySendError::Full(it) | TrySendError::Closed(it)) => happened = it,
            }
        }
        if self.waiting.len() < WAITING_LIMIT {
            self.waiting.push_back(happened);
        } else {
            self.counters.refused(Refusal::EventsFull);
        }
    }

    /// Tells what may be lost; false when it is.
    pub(super) fn tell_if_room(&mut self, happened: Happened) -> bool {
        let told = self.waiting.is_empty() && self.tell.try_send(happened).is_ok();
        if !told {
            self.counters.refused(Refusal::EventsFull);
        }
        told
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Gossip(bytes) => self.gossip(bytes),
            Order::Judge(id, judgement) => self.judge(&id, judgement),
            Order::Ask { to, ticket, bytes } => self.ask(to, ticket, bytes),
            Order::Answer { token, bytes } => self.answer(token, bytes),
            Order::Disconnect(node) => self.disconnect(&node),
            Order::Dial(address) => {
                self.add_place(&address);
                self.dial();
            }
            Order::Know(node, addresses) => {
                self.know(&node, &addresses);
                self.dial();
            }
            Order::Wake => {
                self.book.wake(self.now());
                self.dial();
            }
            // taken where orders are received
            Order::Stop(_) => {}
        }
    }

    fn gossip(&mut self, bytes: Vec<u8>) {
        self.counters.sent(&bytes);
        match self.swarm.behaviour_mut().gossip.publish(self.topic.clone(), bytes) {
            // alone, or said already: no fault
            Ok(_)
            | Err(gossipsub::PublishError::NoPeersSubscribedToTopic | gossipsub::PublishError::Duplicate) => {
            }
            Err(error) => {
                tracing::debug!(%error, "gossip was not sent");
                self.counters.refused(Refusal::Unsent);
            }
        }
    }

    pub(super) fn judge(&mut self, id: &GossipId, judgement: Judgement) {
        let acceptance = match judgement {
            Judgement::PassOn => gossipsub::MessageAcceptance::Accept,
            Judgement::Keep => gossipsub::MessageAcceptance::Ignore,
            Judgement::Refuse => gossipsub::MessageAcceptance::Reject,
        };
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        // false says that it was judged long after it came, and is no longer kept
        if !gossip.report_message_validation_result(&id.message, &id.source, acceptance) {
            tracing::debug!("gossip was judged too late");
        }
    }

    fn ask(&mut self, to: NodeId, ticket: u64, bytes: Vec<u8>) {
        let room = self.asked.len() < ASKED_LIMIT;
        let connected = peer::peer_of(&to).filter(|peer| room && self.swarm.is_connected(peer));
        let Some(peer) = connected else {
            self.counters.refused(Refusal::Unasked);
            return self.tell(Happened::Answered { from: to, ticket, bytes: None });
        };
        self.counters.sent(&bytes);
        let id = self.swarm.behaviour_mut().ask.send_request(&peer, bytes);
        self.asked.insert(id, (to, ticket));
    }

    fn answer(&mut self, token: u64, bytes: Vec<u8>) {
        let Some((_, channel)) = self.answering.remove(&token) else { return };
        self.counters.sent(&bytes);
        if self.swarm.behaviour_mut().ask.send_response(channel, bytes).is_err() {
            self.counters.refused(Refusal::Unasked);
        }
    }

    fn disconnect(&mut self, node: &NodeId) {
        if let Some(peer) = peer::peer_of(node)
            && self.swarm.disconnect_peer_id(peer).is_err()
        {
            tracing::debug!(peer = %node, "there is no connection to close");
        }
    }

    fn add_place(&mut self, address: &Multiaddr) {
        let now = self.now();
        if !self.book.add_place(address, now) {
            self.counters.refused(Refusal::Addresses);
        }
    }

    fn know(&mut self, node: &NodeId, addresses: &[Multiaddr]) {
        if let Some(peer) = peer::peer_of(node) {
            self.learn(peer, addresses, Kept::ForEver);
        }
    }

    /// Remembers the addresses of a peer that are of use, and says which those are.
    pub(super) fn learn(&mut self, peer: PeerId, addresses: &[Multiaddr], kept: Kept) -> Vec<Multiaddr> {
        // on every machine with containers the same address leads to itself
        let own: Vec<&Multiaddr> = self.swarm.listeners().collect();
        let others: Vec<Multiaddr> = addresses.iter().filter(|told| !own.contains(told)).cloned().collect();
        let now = self.now();
        let taken = self.book.know(peer, &others, kept, now);
        if taken.is_empty() && !others.is_empty() {
            self.counters.refused(Refusal::Addresses);
        }
        taken
    }

    fn tick(&mut self) {
        let now = self.now();
        let free: Vec<PeerId> =
            self.blocked.iter().filter(|(_, until)| **until <= now).map(|(peer, _)| *peer).collect();
        for peer in free {
            self.blocked.remove(&peer);
            self.swarm.behaviour_mut().blocked.unblock_peer(peer);
        }
        for budget in self.budgets.values_mut() {
            budget.refused = 0;
        }
        let refusals = self.counters.refusals();
        for (why, total) in &refusals {
            let count = total - self.told.get(why).copied().unwrap_or(0);
            // that there was no room is not told where there is none
            if count > 0 && *why != Refusal::EventsFull {
                self.tell(Happened::Refused { why: *why, count });
            }
        }
        self.told = refusals;
        self.dial();
    }

    /// Dials who is due.
    pub(super) fn dial(&mut self) {
        let now = self.now();
        for Dial { target, addresses } in self.book.due(now) {
            let options = match (&target, addresses.first()) {
                (Target::Peer(peer), _) => DialOpts::peer_id(*peer)
                    .condition(PeerCondition::DisconnectedAndNotDialing)
                    .addresses(addresses)
                    // from the port it listens on, two nodes that dial each other at once would be one
                    // connection with two beginnings, and neither would be the other's answer
                    .allocate_new_port()
                    .build(),
                (Target::Place(_), Some(address)) => {
                    DialOpts::unknown_peer_id().address(address.clone()).allocate_new_port().build()
                }
                (Target::Place(_), None) => continue,
            };
            let id = options.connection_id();
            match self.swarm.dial(options) {
                Ok(()) => {
                    self.dialling.insert(id, target);
                }
                Err(error) => {
                    tracing::debug!(%error, "a peer can't be dialled");
                    if let DialError::Denied { cause } = &error {
                        self.denied(cause);
                    }
                    self.book.failed(&target, &Failure::Refused, now);
                }
            }
        }
    }

    /// Lets what is under way leave, then closes everything.
    async fn finish(mut self, done: oneshot::Sender<()>) {
        self.drain(LINGER).await;
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            if self.swarm.disconnect_peer_id(peer).is_err() {
                tracing::debug!(%peer, "it was gone already");
            }
        }
        self.drain(LINGER).await;
        // listeners are closed before the other side hears that it is done
        drop(self);
        if done.send(()).is_err() {
            tracing::debug!("nobody waited for the transport to stop");
        }
    }

    /// Runs the swarm while there are connections, but no longer than `most`.
    async fn drain(&mut self, most: Duration) {
        let end = tokio::time::sleep(most);
        tokio::pin!(end);
        while self.swarm.connected_peers().next().is_some() {
            tokio::select! {
                () = &mut end => return,
                _event = self.swarm.select_next_some() => {}
            }
        }
    }
}

/// Listens on all addresses, or on none that is taken.
fn listen(swarm: &mut Swarm<Behaviour>, addresses: &[Multiaddr]) -> Result<(), StartError> {
    let failed =
        |address: &Multiaddr, detail: String| StartError::Listen { address: address.clone(), detail };
    // all are looked at first: one for IPv6 seems taken once this node listens on the same port for IPv4
    for address in addresses {
        is_free(address).map_err(|error| failed(address, error.to_string()))?;
    }
    for address in addresses {
        swarm.listen_on(address.clone()).map_err(|error| failed(address, error.to_string()))?;
    }
    Ok(())
}
