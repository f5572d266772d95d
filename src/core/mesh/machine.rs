//! One node of the mesh as a machine: events in, effects out. No clock, no socket, no disk.
//!
//! Effects are performed in their order: what is to be kept or stored is on disk before what follows
//! leaves the node.

use super::words::{Batch, Beat, Boot, Configuration, Fact, Have, Question, Role, Span, Suspicion, Term};
use crate::schedule::Seat;
use crate::service::Service;
use crate::vocabulary::{NodeId, ServiceId};
use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// This node states something: results of its probes, what its people say.
    Stated(Vec<Fact>),
    /// A probe of this node takes suspiciously long.
    Suspects(ServiceId),
    /// Whether this node is cut off itself.
    CutOff(bool),
    /// Whether this node could do a role's work right now.
    Fit(Role, bool),
    /// The services to watch from now on, by id.
    Watching(Arc<Vec<Arc<Service>>>),
    /// This node stops on purpose.
    Stopping,
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
    /// Facts whose time had not come when their batch was taken: let them be heard now.
    Release(Vec<Fact>),
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
    /// Bring this to the disk itself: it is claimed next.
    Keep(Role, Term),
    /// A role has another holder.
    Holder(Role, Option<NodeId>),
    /// Who is there has changed in a way that others care for: see the view of members.
    Members,
    /// These services are tested from here from now on, and no others.
    Seats(Arc<BTreeMap<ServiceId, Seat>>),
    /// Test this service now, beside its schedule.
    Confirm(ServiceId),
    /// A newer shared configuration is known.
    Configuration(Arc<Configuration>),
    /// This peer is dead or mute: close its connections.
    Disconnect(NodeId),
    /// Something was refused; a name of the place it counts under.
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
    /// The newest wire format it understands.
    pub wire: u8,
    /// Chance: different on every node, the same in a replay.
    pub seed: u64,
    /// The rules in force: all of them, but in tests of the rules.
    pub rules: super::rules::RuleSet,
}
