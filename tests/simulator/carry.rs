//! Messages and connections between nodes.

use crate::effects::number_of;
use crate::network::Index;
use crate::node::{Message, Parcel, Power};
use crate::queue::At;
use crate::world::{Happening, World};
use p7_core::mesh::machine::{Answer, Event};
use p7_core::mesh::words::Question;
use std::rc::Rc;

/// A question without an answer is given up by the transport after this.
const ANSWER_WITHIN: u64 = 10_000;
/// In a mesh of bounded degree gossip is passed on to so many peers.
const FAN_OUT: usize = 6;
/// Whose peers are more than these passes on to some of them only.
const PASS_ON_TO_ALL: usize = 16;

impl World {
    /// Gossips something of this node's own.
    pub(crate) fn spread(&mut self, node: Index, message: Message) {
        self.gossips = self.gossips.wrapping_add(1).max(1);
        let parcel = Rc::new(Parcel { id: self.gossips, message });
        self.nodes[usize::from(node)].seen.is_new(parcel.id);
        self.gossip(node, &parcel, None);
    }

    /// Sends gossip to all peers; what is passed on does not go back to where it came from.
    pub(crate) fn gossip(&mut self, node: Index, message: &Rc<Parcel>, from: Option<Index>) {
        let author = match &message.message {
            Message::Beat(beat) => Some(number_of(&beat.node)),
            Message::Batch(batch) => Some(number_of(&batch.sequence.author)),
            Message::Suspicion(suspicion) => Some(number_of(&suspicion.author)),
            Message::Question(..) | Message::Reply(..) => None,
        };
        let count = self.network.peers(node).len();
        let few = from.is_some() && count > PASS_ON_TO_ALL;
        let first = if few { self.chance.place(count) } else { 0 };
        let goes_to = if few { FAN_OUT } else { count };
        for step in 0..goes_to {
            let to = self.network.peers(node)[(first + step) % count];
            if Some(to) == from
                || (from.is_some() && Some(to) == author)
                || self.network.loses(&mut self.chance)
            {
                continue;
            }
            self.send(node, to, message, Arrival::First);
            if self.network.doubles(&mut self.chance) {
                self.send(node, to, message, Arrival::Again);
            }
        }
    }

    fn send(&mut self, from: Index, to: Index, message: &Rc<Parcel>, copy: Arrival) {
        let Some(epoch) = self.network.epoch(from, to) else { return };
        if !self.network.passes(from, to) {
            self.network.hold(from, to, message);
            return;
        }
        let at = self.now + self.network.latency(&mut self.chance) + self.nodes[usize::from(to)].slow;
        self.queue.put(at, Happening::Deliver { to, from, epoch, copy, message: Rc::clone(message) });
    }

    pub(crate) fn deliver(
        &mut self,
        to: Index,
        from: Index,
        epoch: u32,
        message: &Rc<Parcel>,
        copy: Arrival,
    ) {
        match self.nodes[usize::from(to)].power {
            Power::On => {}
            Power::Asleep => {
                self.network.hold(from, to, message);
                return;
            }
            Power::Off | Power::Gone => return,
        }
        if !self.network.takes(to, from, epoch) {
            // the other end is told that this one knows of no such connection
            if self.network.passes(to, from) {
                let at = self.now + self.network.latency(&mut self.chance);
                self.queue.put(at, Happening::Closed { at: from, of: to, epoch });
            }
            return;
        }
        // what was relayed by several is heard once, as the transport sees to it
        if message.id != 0 && copy == Arrival::First && !self.nodes[usize::from(to)].seen.is_new(message.id) {
            return;
        }
        let event = match &message.message {
            Message::Beat(beat) => Event::HeardBeat(beat.clone()),
            Message::Batch(batch) => Event::HeardBatch(batch.clone()),
            Message::Suspicion(suspicion) => Event::HeardSuspicion(suspicion.clone()),
            Message::Question(ticket, question) => Event::Asked {
                from: self.nodes[usize::from(from)].id.clone(),
                // the token says whom to answer, and which question of theirs
                token: ticket << 16 | u64::from(from),
                question: question.clone(),
            },
            Message::Reply(ticket, answer) => Event::Answered {
                from: self.nodes[usize::from(from)].id.clone(),
                ticket: *ticket,
                answer: Some(answer.clone()),
            },
        };
        self.hear(to, event, Some((message, from)));
    }

    pub(crate) fn ask(&mut self, node: Index, to: Index, ticket: u64, question: Question) {
        // a connection loses nothing small; what is large may fail when the other end is busy
        let is_small = matches!(question, Question::Ping);
        if is_small || !self.network.loses(&mut self.chance) {
            let message = Message::Question(ticket, question);
            self.send(node, to, &Rc::new(Parcel { id: 0, message }), Arrival::First);
        }
        let life = self.nodes[usize::from(node)].life;
        self.queue.put(self.now + ANSWER_WITHIN, Happening::NoAnswer { at: node, life, of: to, ticket });
    }

    pub(crate) fn reply(&mut self, node: Index, token: u64, answer: Answer) {
        let to = Index::try_from(token & 0xffff).unwrap_or_default();
        if answer.have.is_empty() || !self.network.loses(&mut self.chance) {
            let message = Message::Reply(token >> 16, answer);
            self.send(node, to, &Rc::new(Parcel { id: 0, message }), Arrival::First);
        }
    }

    pub(crate) fn no_answer(&mut self, at: Index, life: u32, of: Index, ticket: u64) {
        let one = &self.nodes[usize::from(at)];
        if one.is_on() && one.life == life {
            let from = self.nodes[usize::from(of)].id.clone();
            // for a question that was answered this comes too late and means nothing
            self.hear(at, Event::Answered { from, ticket, answer: None }, None);
        }
    }

    /// A node closes its end; the other learns it when the way there is open.
    pub(crate) fn disconnect(&mut self, node: Index, peer: Index) {
        let Some(epoch) = self.network.epoch(node, peer) else { return };
        self.note_accused(node, peer);
        self.queue.put(self.now, Happening::Closed { at: node, of: peer, epoch });
        self.hang_up(node, peer, epoch);
    }

    fn hang_up(&mut self, node: Index, peer: Index, epoch: u32) {
        if self.network.passes(node, peer) {
            let at = self.now + self.network.latency(&mut self.chance);
            self.queue.put(at, Happening::Closed { at: peer, of: node, epoch });
        }
    }

    /// A node's process ends: its system closes every connection, unless the power is gone.
    pub(crate) fn drop_connections(&mut self, node: Index, tells: Tells) {
        for peer in self.network.peers(node).to_vec() {
            let epoch = self.network.epoch(node, peer);
            self.network.close(node, peer);
            if let (Some(epoch), Tells::Everybody) = (epoch, tells) {
                self.hang_up(node, peer, epoch);
            }
        }
    }

    pub(crate) fn closed(&mut self, at: Index, of: Index, epoch: u32) {
        if self.nodes[usize::from(at)].power == Power::Asleep {
            // it finds out when it wakes and says something
            return;
        }
        if !self.network.takes(at, of, epoch) || !self.network.close(at, of) {
            return;
        }
        self.dial_soon(at, of);
        if self.nodes[usize::from(at)].is_on() {
            let peer = self.nodes[usize::from(of)].id.clone();
            self.hear(at, Event::Disconnected(peer), None);
        }
    }

    /// Two nodes will try to connect, in a while.
    pub(crate) fn dial_soon(&mut self, a: Index, b: Index) {
        if self.network.dial(a, b) {
            let wait = self.chance.between(50, self.options.wire.redial.max(50));
            self.queue.put(self.now + wait, Happening::Dial(a, b));
        }
    }

    fn can_connect(&self, a: Index, b: Index) -> bool {
        let on = |node: Index| self.nodes[usize::from(node)].is_on();
        on(a) && on(b) && self.network.could(a, b) && !self.network.whole(a, b)
    }

    pub(crate) fn dials(&mut self, a: Index, b: Index) {
        if self.can_connect(a, b) {
            let at: At = self.now + 2 * self.network.latency(&mut self.chance);
            self.queue.put(at, Happening::Connects(a, b));
        } else {
            // somebody will try again once it starts, or once the path is whole
            self.network.dialled(a, b);
        }
    }

    pub(crate) fn connects(&mut self, a: Index, b: Index) {
        self.network.dialled(a, b);
        if !self.can_connect(a, b) {
            return;
        }
        let first = self.network.connect(a, b);
        for (is_first, at, of) in [(first[0], a, b), (first[1], b, a)] {
            if is_first {
                let peer = self.nodes[usize::from(of)].id.clone();
                self.hear(at, Event::Connected(peer), None);
            }
        }
    }

    /// The path from one node to another is cut once more, or once less.
    pub(crate) fn heal(&mut self, from: Index, to: Index) {
        for (receiver, message) in self.network.heal(from, to) {
            let sender = if receiver == to { from } else { to };
            // what a sender's system repeats comes within a second of the way being open
            let at = self.now + self.chance.between(1, 1_000);
            if let Some(epoch) = self.network.epoch(sender, receiver) {
                self.queue.put(
                    at,
                    Happening::Deliver { to: receiver, from: sender, epoch, copy: Arrival::First, message },
                );
            }
        }
        self.dial_soon(from, to);
    }
}

/// Whether gossip comes as the transport lets it through, or once more in spite of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// As usual.
    First,
    /// Again, after the transport has forgotten that it was seen.
    Again,
}

/// Whether peers learn that a process is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tells {
    /// Its system closes what it had open.
    Everybody,
    /// Nobody does.
    Nobody,
}
