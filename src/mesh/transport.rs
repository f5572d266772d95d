//! The transport: libp2p's swarm in one task of its own. It connects to peers and keeps connected,
//! carries gossip, questions and answers as bytes, and knows nothing of what they say.
//!
//! TCP behind the mesh key (pnet), encrypted and authenticated (Noise), multiplexed (yamux). Everything
//! is bounded; what does not fit is dropped and counted, and the task never waits for anybody.

mod addresses;
mod behaviour;
mod codec;
mod figures;
mod greeting;
mod hear;
mod link;
mod meter;
mod rate;
mod redial;
mod stack;
mod task;

pub use figures::{Figures, Refusal};
pub use link::{Judgement, Link, Urgency};

use crate::key::MeshKey;
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, gossipsub};
use p7_core::vocabulary::NodeId;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc;

/// Most connections at once: a full mesh of 64 with a spare for each.
pub const CONNECTIONS_LIMIT: u32 = 128;
/// Most connections to one peer: two nodes that dial each other at once get two, and with one allowed
/// both might close.
pub const CONNECTIONS_PER_PEER_LIMIT: u32 = 2;
/// Up to here everybody connects to everybody; in a larger mesh a node dials only [`DIALS_LIMIT`] peers.
pub const FULL_MESH_LIMIT: usize = 64;
/// Most peers that a node of a large mesh dials: gossip reaches 1,000 nodes over a few hops.
pub const DIALS_LIMIT: usize = 16;
/// Most events that wait for the owner of the link; it looks after them at once, so these are seconds.
const HAPPENED_LIMIT: usize = 1024;
/// Most orders that wait for the task.
const ORDERS_LIMIT: usize = 1024;

/// Whether the local network is asked for peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mdns {
    /// Ask and answer. What is heard is a hint only.
    #[default]
    On,
    /// Do neither.
    Off,
}

/// What one peer may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerLimits {
    /// Gossiped frames a second, on average; bursts of four times that pass.
    pub gossip_per_second: u32,
    /// Bytes of gossip a second, on average; bursts of four times that pass.
    pub gossip_bytes_per_second: u32,
    /// Questions a second, on average; bursts of four times that pass.
    pub questions_per_second: u32,
    /// How long a peer has to answer, and this node to answer a peer.
    pub answer_within: Duration,
}

impl Default for PeerLimits {
    /// Enough for the only link to a mesh of 1,000 nodes, each beating and publishing.
    fn default() -> Self {
        Self {
            gossip_per_second: 1_000,
            gossip_bytes_per_second: 1024 * 1024,
            questions_per_second: 20,
            answer_within: Duration::from_secs(10),
        }
    }
}

/// How a node takes part.
#[derive(Debug, Clone)]
pub struct Config {
    /// The mesh's key: peers with another are not talked to.
    pub key: MeshKey,
    /// The node's own key.
    pub keypair: Keypair,
    /// The mesh's name.
    pub mesh: String,
    /// Where to listen; nowhere is lawful, for a node that only dials.
    pub listen: Vec<Multiaddr>,
    /// Addresses to dial, with or without the peer's id.
    pub bootstrap: Vec<Multiaddr>,
    /// Peers that were reached before.
    pub known: Vec<(NodeId, Multiaddr)>,
    /// Whether to look for peers on the local network.
    pub mdns: Mdns,
    /// If given, only these nodes are talked to.
    pub allow: Option<BTreeSet<NodeId>>,
    /// What one peer may send.
    pub limits: PeerLimits,
}

/// Why the transport does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address can't be listened on.
    #[error("can't listen for peers on `{address}`: {detail}; free it, or change `listen` in node.toml")]
    Listen {
        /// Which.
        address: Multiaddr,
        /// What the system or libp2p said.
        detail: String,
    },
    /// Something of libp2p's does not come up.
    #[error("the mesh can't start: {what}: {detail}")]
    Setup {
        /// Which part.
        what: &'static str,
        /// What it said.
        detail: String,
    },
    /// An id of the allow-list that is none.
    #[error("`{0}` in the list of allowed nodes is no node id; `p7 status` on that machine tells it")]
    Allow(NodeId),
}

/// Who opened a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// This node did.
    Out,
    /// The peer did.
    In,
}

/// Which gossip a judgement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GossipId {
    message: gossipsub::MessageId,
    source: libp2p::PeerId,
}

/// What happened.
#[derive(Debug)]
pub enum Happened {
    /// Peers can reach this node here.
    Listening(Multiaddr),
    /// The first connection to a peer is open.
    Connected {
        /// Who.
        peer: NodeId,
        /// Its address; that of an incoming connection is of no use to dial.
        address: Multiaddr,
        /// Who opened it.
        direction: Direction,
    },
    /// The last connection to a peer is closed.
    Disconnected(NodeId),
    /// A frame was gossiped. It is passed on only when [`Link::judge`] says so.
    Gossip {
        /// To judge it with.
        id: GossipId,
        /// The frame.
        bytes: Vec<u8>,
        /// The peer it came through, which need not be its author.
        from: NodeId,
    },
    /// A peer asks.
    Asked {
        /// Who.
        from: NodeId,
        /// To answer with.
        token: u64,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// A peer has answered, or it won't.
    Answered {
        /// Who.
        from: NodeId,
        /// The question's.
        ticket: u64,
        /// The frame; none when it did not answer in time or is not connected.
        bytes: Option<Vec<u8>>,
    },
    /// A peer says, or the local network does, where it listens.
    Learned {
        /// Who.
        peer: NodeId,
        /// Where.
        addresses: Vec<Multiaddr>,
    },
    /// Something was refused or dropped, told once a second.
    Refused {
        /// What and why.
        why: Refusal,
        /// How often since it was told last.
        count: u64,
    },
}

/// Starts the transport as a task of the current tokio runtime. It ends when the link says so, or when
/// the link and its copies are gone.
///
/// # Errors
/// [`StartError`] when an address can't be listened on, or libp2p does not come up.
pub fn start(config: Config) -> Result<(Link, mpsc::Receiver<Happened>), StartError> {
    let (orders, taken) = mpsc::channel(ORDERS_LIMIT);
    let (tell, happened) = mpsc::channel(HAPPENED_LIMIT);
    let figures = std::sync::Arc::new(figures::Counters::default());
    let task = task::Task::new(config, figures.clone(), tell)?;
    tokio::spawn(task.run(taken));
    Ok((Link::new(orders, figures), happened))
}
