//! The handle to the transport: orders go in, and none of them waits.

use super::figures::{Counters, Figures, Refusal};
use super::{GossipId, ORDERS_LIMIT};
use libp2p::Multiaddr;
use p7_core::vocabulary::NodeId;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Room in the queue of orders that is kept for what can't wait.
const RESERVE: usize = ORDERS_LIMIT / 4;

/// Whether gossip may be dropped first when there is too much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// It is missed at once: beats, suspicions.
    Now,
    /// Whoever lacks it asks for it: batches.
    Soon,
}

/// What becomes of gossip that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It is news: others may lack it.
    PassOn,
    /// It is good, and others have it.
    Keep,
    /// It is not what it should be.
    Refuse,
}

/// What the task is told to do.
#[derive(Debug)]
pub(crate) enum Order {
    Gossip(Vec<u8>),
    Judge(GossipId, Judgement),
    Ask { to: NodeId, ticket: u64, bytes: Vec<u8> },
    Answer { token: u64, bytes: Vec<u8> },
    Disconnect(NodeId),
    Dial(Multiaddr),
    Know(NodeId, Vec<Multiaddr>),
    Wake,
    Stop(oneshot::Sender<()>),
}

/// The handle to a transport. Orders that find no room are dropped and counted.
#[derive(Debug, Clone)]
pub struct Link {
    orders: mpsc::Sender<Order>,
    counters: Arc<Counters>,
}

impl Link {
    pub(crate) fn new(orders: mpsc::Sender<Order>, counters: Arc<Counters>) -> Self {
        Self { orders, counters }
    }

    /// Gossips a frame to everybody. Alone, it goes nowhere, and that is no fault.
    pub fn gossip(&self, bytes: Vec<u8>, urgency: Urgency) {
        match urgency {
            Urgency::Soon if self.orders.capacity() < RESERVE => self.counters.refused(Refusal::OrdersFull),
            Urgency::Now | Urgency::Soon => self.order(Order::Gossip(bytes)),
        }
    }

    /// Says what becomes of gossip that arrived. Without a word it goes no further.
    pub fn judge(&self, id: GossipId, judgement: Judgement) {
        self.order(Order::Judge(id, judgement));
    }

    /// Asks a peer. An answer, or that there is none, comes with the ticket; only when the queue of
    /// orders is full nothing comes.
    pub fn ask(&self, to: NodeId, ticket: u64, bytes: Vec<u8>) {
        self.order(Order::Ask { to, ticket, bytes });
    }

    /// Answers a peer.
    pub fn answer(&self, token: u64, bytes: Vec<u8>) {
        self.order(Order::Answer { token, bytes });
    }

    /// Closes all connections to a peer. It is dialled again as any other.
    pub fn disconnect(&self, peer: NodeId) {
        self.order(Order::Disconnect(peer));
    }

    /// Dials an address from now on whenever its peer is not connected.
    pub fn dial(&self, address: Multiaddr) {
        self.order(Order::Dial(address));
    }

    /// Tells where a peer listens: it is dialled whenever it is not connected.
    pub fn know(&self, peer: NodeId, addresses: Vec<Multiaddr>) {
        self.order(Order::Know(peer, addresses));
    }

    /// The machine has slept or its network came back: everybody is dialled at once.
    pub fn wake(&self) {
        self.order(Order::Wake);
    }

    /// What went over the wire.
    pub fn figures(&self) -> Figures {
        self.counters.figures()
    }

    /// Sends what is still to be sent, closes everything, and returns when that is done.
    pub async fn stop(self) {
        let (done, stopped) = oneshot::channel();
        if self.orders.send(Order::Stop(done)).await.is_ok() {
            // an error says that the task is gone, which is what is wanted
            drop(stopped.await);
        }
    }

    fn order(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            self.counters.refused(Refusal::OrdersFull);
        }
    }
}
