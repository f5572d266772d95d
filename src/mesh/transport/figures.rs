//! What goes over the wire, counted.

use crate::frames::Kind;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What was refused or dropped, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// A connection whose handshake failed: another mesh key, or something that is no p7.
    WrongKey,
    /// A peer that is not on the list of allowed nodes.
    NotAllowed,
    /// A connection above the limits.
    Connections,
    /// A peer that was found to be another than the address promised.
    OtherPeer,
    /// Gossip of a peer that sends too much.
    GossipRate,
    /// A question of a peer that asks too much.
    QuestionRate,
    /// A peer that sent far too much and is shut out for a minute.
    Flood,
    /// Gossip or a question that the owner of the link had no room for.
    EventsFull,
    /// An order that the task had no room for.
    OrdersFull,
    /// Gossip that the queues to the peers had no room for, or that is too large.
    Unsent,
    /// A question or an answer that could not be sent.
    Unasked,
    /// A peer or address too many to remember.
    Addresses,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::WrongKey,
        Self::NotAllowed,
        Self::Connections,
        Self::OtherPeer,
        Self::GossipRate,
        Self::QuestionRate,
        Self::Flood,
        Self::EventsFull,
        Self::OrdersFull,
        Self::Unsent,
        Self::Unasked,
        Self::Addresses,
    ];

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WrongKey => "wrong_key",
            Self::NotAllowed => "not_allowed",
            Self::Connections => "connections",
            Self::OtherPeer => "other_peer",
            Self::GossipRate => "gossip_rate",
            Self::QuestionRate => "question_rate",
            Self::Flood => "flood",
            Self::EventsFull => "events_full",
            Self::OrdersFull => "orders_full",
            Self::Unsent => "unsent",
            Self::Unasked => "unasked",
            Self::Addresses => "addresses",
        }
    }
}

/// What went over the wire since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Bytes read from peers' connections, all of them: handshakes and overhead are in it.
    pub bytes_in: u64,
    /// Bytes written to them.
    pub bytes_out: u64,
    /// Frames that arrived, by kind; those of an unknown kind are not in it.
    pub messages_in: BTreeMap<Kind, u64>,
    /// Frames that were handed over to be sent, by kind; a gossiped one counts once.
    pub messages_out: BTreeMap<Kind, u64>,
    /// Peers that are connected now.
    pub peers: u64,
    /// Connections that were opened.
    pub connections: u64,
    /// What was refused, by why; what never happened is not in it.
    pub refused: BTreeMap<Refusal, u64>,
}

/// The counters behind the figures.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    messages_in: [AtomicU64; Kind::ALL.len()],
    messages_out: [AtomicU64; Kind::ALL.len()],
    pub(crate) peers: AtomicU64,
    pub(crate) connections: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
}

impl Counters {
    pub(crate) fn arrived(&self, frame: &[u8]) {
        count(&Kind::ALL, &self.messages_in, Kind::of(frame));
    }

    pub(crate) fn sent(&self, frame: &[u8]) {
        count(&Kind::ALL, &self.messages_out, Kind::of(frame));
    }

    pub(crate) fn refused(&self, why: Refusal) {
        count(&Refusal::ALL, &self.refused, Some(why));
    }

    /// How often each has been refused.
    pub(crate) fn refusals(&self) -> BTreeMap<Refusal, u64> {
        counted(&Refusal::ALL, &self.refused)
    }

    pub(crate) fn figures(&self) -> Figures {
        Figures {
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
            messages_in: counted(&Kind::ALL, &self.messages_in),
            messages_out: counted(&Kind::ALL, &self.messages_out),
            peers: self.peers.load(Relaxed),
            connections: self.connections.load(Relaxed),
            refused: self.refusals(),
        }
    }
}

fn count<T: PartialEq>(all: &[T], counters: &[AtomicU64], which: Option<T>) {
    let place = which.and_then(|which| all.iter().position(|one| *one == which));
    if let Some(counter) = place.and_then(|place| counters.get(place)) {
        counter.fetch_add(1, Relaxed);
    }
}

fn counted<T: Copy + Ord>(all: &[T], counters: &[AtomicU64]) -> BTreeMap<T, u64> {
    let loaded = all.iter().copied().zip(counters.iter().map(|counter| counter.load(Relaxed)));
    loaded.filter(|(_, count)| *count > 0).collect()
}
