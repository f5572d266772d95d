//! What the machine wishes, done in its order.

use crate::commands::PING;
use crate::member::Member;
use p7_bus::{FactsHeard, LookNow, SeatsTaken, tell};
use p7_core::mesh::machine::Effect;
use p7_core::mesh::words::{Batch, Fact, Have, Now, Question, Span};
use p7_core::vocabulary::NodeId;
use p7_mesh::Multiaddr;
use p7_mesh::frames::{self, Command, SealError};
use p7_mesh::transport::{Judgement, Urgency};
use std::sync::Arc;

impl Member {
    /// Does what the machine wishes.
    pub(crate) fn perform(&mut self, effects: Vec<Effect>, now: Now) {
        for effect in effects {
            match effect {
                Effect::Beat(beat) => {
                    let sealed = frames::seal_beat(&beat, &self.keypair, &self.mesh, self.common_wire());
                    self.gossip_own(sealed);
                }
                Effect::Publish(batch) => self.publish(&batch),
                Effect::Suspect(suspicion) => {
                    let wire = self.common_wire();
                    let sealed = frames::seal_suspicion(&suspicion, &self.keypair, &self.mesh, wire);
                    self.gossip_own(sealed);
                }
                Effect::PassOn => {
                    if let Some(id) = self.passing.take() {
                        self.link.judge(id, Judgement::PassOn);
                    }
                }
                Effect::Take(batches) => self.take(batches),
                Effect::Release(facts) => self.deliver(&facts),
                Effect::Ask { to, ticket, question } => self.ask(&to, ticket, &question),
                Effect::Answer { token, spans, have } => self.answer(token, &spans, &have),
                Effect::AnswerFigures { token, of } => self.answer_figures(token, &of),
                Effect::Missed(missed) => self.shelf.note_missed(missed),
                Effect::Keep(role, term) => self.shelf.keep(&role, term),
                Effect::Holder(role, holder) => match holder {
                    Some(node) if node == self.me => tracing::info!(?role, "this node holds the role now"),
                    Some(node) => tracing::info!(?role, %node, "another node holds the role now"),
                    None => tracing::info!(?role, "nobody holds the role"),
                },
                Effect::Members => self.show_soon(now),
                Effect::Seats(seats) => {
                    for listener in &self.listeners.seats {
                        tell(listener, "seats", SeatsTaken(Arc::clone(&seats)));
                    }
                }
                Effect::Confirm(service) => {
                    for listener in &self.listeners.looks {
                        tell(listener, "looks", LookNow(service.clone()));
                    }
                }
                Effect::Configuration(configuration) => {
                    if let Some(to) = &self.listeners.configurations
                        && to.try_send(configuration).is_err()
                    {
                        p7_bus::note_dropped("configurations", 1);
                    }
                }
                Effect::Disconnect(peer) => self.link.disconnect(peer),
                Effect::Dropped(place, count) => p7_bus::note_dropped(place, count),
            }
        }
    }

    /// The newest wire format that every peer which is there understands.
    pub(crate) fn common_wire(&self) -> u8 {
        self.machine.common_wire().max(frames::OLDEST_WIRE)
    }

    /// Gossips what is missed at once.
    fn gossip_own(&self, sealed: Result<Vec<u8>, SealError>) {
        match sealed {
            Ok(frame) => self.link.gossip(frame, Urgency::Now),
            Err(error) => tracing::error!(%error, "can't put into a frame what this node has to say"),
        }
    }

    fn publish(&mut self, batch: &Batch) {
        // stored batches are given to whoever comes later: the oldest format is read by all of them
        let sealed = match frames::seal_batch(batch, &self.keypair, &self.mesh, frames::OLDEST_WIRE) {
            Ok(sealed) => sealed,
            Err(error) => {
                p7_bus::note_dropped("sealing", batch.facts.len() as u64);
                return tracing::error!(%error, "can't put into a batch what this node states");
            }
        };
        let stored = Batch { sealed: sealed.as_slice().into(), facts: Vec::new(), ..batch.clone() };
        // in the log before it leaves: what somebody heard of us must survive our crash
        self.shelf.put(&[stored]);
        // whoever lacks it asks for it
        self.link.gossip(sealed, Urgency::Soon);
    }

    fn take(&mut self, batches: Vec<Batch>) {
        self.shelf.put(&batches);
        let facts = batches.into_iter().flat_map(|batch| {
            let author = batch.sequence.author;
            batch.facts.into_iter().map(move |fact| (author.clone(), fact))
        });
        self.deliver(&facts.collect::<Vec<_>>());
    }

    fn deliver(&self, facts: &[(NodeId, Fact)]) {
        for (node, fact) in facts {
            if let Fact::About(about) = fact {
                let addresses: Vec<Multiaddr> =
                    about.addresses.iter().filter_map(|address| address.parse().ok()).collect();
                self.link.know(node.clone(), addresses);
            }
        }
        if facts.is_empty() {
            return;
        }
        for listener in &self.listeners.facts {
            tell(listener, "facts", FactsHeard(facts.to_vec()));
        }
    }

    fn ask(&mut self, to: &NodeId, ticket: u64, question: &Question) {
        let wire = self.common_wire();
        let frame = match question {
            Question::CatchUp { have } => frames::ask_catch_up(have, wire),
            Question::Figures(of) => frames::ask_figures(of, wire),
            Question::Ping => {
                frames::ask_command(&Command { name: PING.to_owned(), text: String::new() }, wire)
            }
        };
        match frame {
            Ok(frame) => self.link.ask(to.clone(), ticket, frame),
            Err(error) => tracing::error!(%error, "can't ask a peer"),
        }
    }

    fn answer(&mut self, token: u64, spans: &[Span], have: &[Have]) {
        let sealed = self.shelf.get(spans, frames::ASK_LIMIT);
        match frames::answer_catch_up(&sealed, have, self.common_wire()) {
            Ok((frame, _fitted)) => self.link.answer(token, frame),
            Err(error) => tracing::error!(%error, "can't answer a peer"),
        }
    }
}
