//! What the swarm says, turned into what happened.

use super::behaviour::BehaviourEvent;
use super::figures::Refusal;
use super::link::Judgement;
use super::rate::Bucket;
use super::redial::{Failure, Kept};
use super::task::{Budget, Task};
use super::{Direction, GossipId, Happened, stack};
use crate::frames::GOSSIP_LIMIT;
use crate::peer::node_of;
use libp2p::core::ConnectedPoint;
use libp2p::swarm::{ConnectionDenied, ConnectionId, DialError, ListenError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, allow_block_list, gossipsub, identify, mdns, request_response};
use std::num::NonZeroU32;
use std::sync::atomic::Ordering::Relaxed;

/// Peers whose budgets are remembered when they are gone, so that one does not get a new one by coming
/// again.
const BUDGETS_LIMIT: usize = 1024;
/// A peer that sends so many times its share within a tick, half a second, is shut out.
const FLOOD: u32 = 4;
/// For so long.
const SHUT_OUT_MS: u64 = 60_000;
/// How often it is said that a key differs.
const WARN_EVERY_MS: u64 = 60_000;
/// Most answers that peers wait for at once.
const ANSWERING_LIMIT: usize = 256;
/// Most addresses that are taken from the local network at once.
const HINTS_LIMIT: usize = 64;

impl Task {
    pub(super) fn hear(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.hear_behaviour(event),
            SwarmEvent::ConnectionEstablished {
                peer_id, connection_id, endpoint, num_established, ..
            } => {
                self.opened(peer_id, connection_id, &endpoint, num_established);
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established, .. } => {
                self.closed(peer_id, num_established);
            }
            SwarmEvent::OutgoingConnectionError { connection_id, peer_id, error } => {
                self.dial_failed(connection_id, peer_id, &error);
            }
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                self.came_to_nothing(&send_back_addr, &error);
            }
            SwarmEvent::NewListenAddr { address, .. } => self.tell(Happened::Listening(address)),
            SwarmEvent::ListenerClosed { addresses, reason, .. } => {
                tracing::warn!(
                    ?addresses,
                    ?reason,
                    "no longer listening for peers; restart p7 to listen again"
                );
            }
            SwarmEvent::ListenerError { error, .. } => tracing::debug!(%error, "a listener's hiccup"),
            // all that is told of a connection before it is open; more may be added
            SwarmEvent::IncomingConnection { .. }
            | SwarmEvent::ExpiredListenAddr { .. }
            | SwarmEvent::Dialing { .. }
            | SwarmEvent::NewExternalAddrCandidate { .. }
            | SwarmEvent::ExternalAddrConfirmed { .. }
            | SwarmEvent::ExternalAddrExpired { .. }
            | SwarmEvent::NewExternalAddrOfPeer { .. }
            | _ => {}
        }
    }

    fn hear_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Gossip(gossipsub::Event::Message { propagation_source, message_id, message }) => {
                self.gossiped(&GossipId { message: message_id, source: propagation_source }, message.data);
            }
            BehaviourEvent::Gossip(other) => tracing::trace!(event = ?other, "gossip says"),
            BehaviourEvent::Ask(event) => self.hear_ask(event),
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                let addresses = self.learn(peer_id, &info.listen_addrs, Kept::ForEver);
                self.learned(peer_id, addresses);
            }
            BehaviourEvent::Identify(other) => tracing::trace!(event = ?other, "identify says"),
            BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => {
                for (peer, address) in found.into_iter().take(HINTS_LIMIT) {
                    let addresses = self.learn(peer, &[address], Kept::Hint);
                    self.learned(peer, addresses);
                }
            }
            // no sign of anything: an answer may have been lost
            BehaviourEvent::Mdns(mdns::Event::Expired(_)) => {}
        }
    }

    fn learned(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        if let Some(peer) = node_of(&peer)
            && !addresses.is_empty()
        {
            self.tell(Happened::Learned { peer, addresses });
        }
    }

    fn opened(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint, open: NonZeroU32) {
        let (now, dialled) = (self.now(), self.dialling.remove(&id));
        self.counters.connections.fetch_add(1, Relaxed);
        self.book.connected(peer, dialled.as_ref(), now);
        self.make_budget(peer, now);
        if open.get() > 1 {
            return;
        }
        self.counters.peers.fetch_add(1, Relaxed);
        let direction = if endpoint.is_dialer() { Direction::Out } else { Direction::In };
        if let Some(peer) = node_of(&peer) {
            let address = endpoint.get_remote_address().clone();
            self.tell(Happened::Connected { peer, address, direction });
        }
    }

    fn closed(&mut self, peer: PeerId, open: u32) {
        if open > 0 {
            return;
        }
        let now = self.now();
        self.book.disconnected(peer, now);
        self.counters.peers.fetch_sub(1, Relaxed);
        if let Some(peer) = node_of(&peer) {
            self.tell(Happened::Disconnected(peer));
        }
    }

    fn make_budget(&mut self, peer: PeerId, now: u64) {
        if self.budgets.len() >= BUDGETS_LIMIT {
            let swarm = &self.swarm;
            self.budgets.retain(|peer, _| swarm.is_connected(peer));
        }
        let limits = self.limits;
        self.budgets.entry(peer).or_insert_with(|| Budget {
            gossip: Bucket::full(limits.gossip_per_second, now),
            bytes: Bucket::full(limits.gossip_bytes_per_second, now),
            questions: Bucket::full(limits.questions_per_second, now),
            refused: 0,
        });
    }

    fn gossiped(&mut self, id: &GossipId, bytes: Vec<u8>) {
        let now = self.now();
        let source = id.source;
        let in_time = self
            .budgets
            .get_mut(&source)
            .is_none_or(|budget| budget.gossip.take(1, now) && budget.bytes.take(bytes.len(), now));
        if !in_time {
            self.counters.refused(Refusal::GossipRate);
            self.judge(id, Judgement::Keep);
            return self.note_flood(source, now);
        }
        self.counters.arrived(&bytes);
        let Some(from) = node_of(&source).filter(|_| bytes.len() <= GOSSIP_LIMIT) else {
            return self.judge(id, Judgement::Refuse);
        };
        if !self.tell_if_room(Happened::Gossip { id: id.clone(), bytes, from }) {
            self.judge(id, Judgement::Keep);
        }
    }

    fn note_flood(&mut self, peer: PeerId, now: u64) {
        // what was read before it was shut out still comes
        let open = !self.blocked.contains_key(&peer);
        let Some(budget) = self.budgets.get_mut(&peer).filter(|_| open) else { return };
        budget.refused = budget.refused.saturating_add(1);
        if budget.refused > self.limits.gossip_per_second.saturating_mul(FLOOD) {
            tracing::warn!(%peer, "a peer sends far too much and is shut out for a minute");
            self.counters.refused(Refusal::Flood);
            self.blocked.insert(peer, now + SHUT_OUT_MS);
            self.swarm.behaviour_mut().blocked.block_peer(peer);
        }
    }

    fn hear_ask(&mut self, event: request_response::Event<Vec<u8>, Vec<u8>>) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                request_response::Message::Request { request_id, request, channel } => {
                    self.asked(peer, request, (request_id, channel));
                }
                request_response::Message::Response { request_id, response } => {
                    self.counters.arrived(&response);
                    self.answered(request_id, Some(response));
                }
            },
            request_response::Event::OutboundFailure { request_id, error, .. } => {
                tracing::debug!(%error, "a question was not answered");
                self.answered(request_id, None);
            }
            request_response::Event::InboundFailure { request_id, .. } => {
                self.answering.retain(|_, (id, _)| *id != request_id);
            }
            request_response::Event::ResponseSent { .. } => {}
        }
    }

    fn asked(&mut self, peer: PeerId, bytes: Vec<u8>, channel: super::task::Answering) {
        let now = self.now();
        let in_time = self.budgets.get_mut(&peer).is_none_or(|budget| budget.questions.take(1, now));
        // dropping the channel tells the peer that there is no answer
        if !in_time || self.answering.len() >= ANSWERING_LIMIT {
            return self.counters.refused(Refusal::QuestionRate);
        }
        self.counters.arrived(&bytes);
        let Some(from) = node_of(&peer) else { return };
        self.last_token += 1;
        let token = self.last_token;
        if self.tell_if_room(Happened::Asked { from, token, bytes }) {
            self.answering.insert(token, channel);
        }
    }

    fn answered(&mut self, id: request_response::OutboundRequestId, bytes: Option<Vec<u8>>) {
        if let Some((from, ticket)) = self.asked.remove(&id) {
            self.tell(Happened::Answered { from, ticket, bytes });
        }
    }

    fn dial_failed(&mut self, id: ConnectionId, peer: Option<PeerId>, error: &DialError) {
        let now = self.now();
        let failure = match error {
            DialError::LocalPeerId { address } => Failure::Ourselves(address.clone()),
            DialError::WrongPeerId { address, .. } => {
                self.counters.refused(Refusal::OtherPeer);
                Failure::OtherPeer(address.clone())
            }
            DialError::Denied { cause } => {
                self.denied(cause);
                peer.map_or(Failure::Refused, Failure::Enough)
            }
            DialError::Transport(errors) => {
                for (address, _) in errors.iter().filter(|(_, error)| stack::is_refused(error)) {
                    self.wrong_key(address);
                }
                Failure::Refused
            }
            DialError::NoAddresses | DialError::DialPeerConditionFalse(_) | DialError::Aborted => {
                Failure::Refused
            }
        };
        tracing::debug!(?peer, %error, "a peer was not reached");
        if let Some(target) = self.dialling.remove(&id) {
            self.book.failed(&target, &failure, now);
        }
    }

    fn came_to_nothing(&mut self, address: &Multiaddr, error: &ListenError) {
        match error {
            ListenError::Denied { cause } => self.denied(cause),
            ListenError::Transport(_) => self.wrong_key(address),
            ListenError::Aborted | ListenError::WrongPeerId { .. } | ListenError::LocalPeerId { .. } => {}
        }
    }

    pub(super) fn denied(&self, cause: &ConnectionDenied) {
        let not_allowed = cause.downcast_ref::<allow_block_list::NotAllowed>().is_some();
        self.counters.refused(if not_allowed { Refusal::NotAllowed } else { Refusal::Connections });
    }

    /// The other side never says that its key is another: all there is to see is a handshake that fails.
    fn wrong_key(&mut self, address: &Multiaddr) {
        self.counters.refused(Refusal::WrongKey);
        let now = self.now();
        if self.warned.is_none_or(|at| now.saturating_sub(at) >= WARN_EVERY_MS) {
            self.warned = Some(now);
            tracing::warn!(%address, "a handshake failed: the mesh keys differ, or it is no p7; \
                compare the fingerprints of the keys");
        }
    }
}
