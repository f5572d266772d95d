//! What comes from the transport, opened, counted, and told to the machine.

use crate::member::Member;
use actix::Context;
use p7_core::mesh::machine::{Answer, Event};
use p7_core::vocabulary::NodeId;
use p7_mesh::frames::{self, Answered, Asked, Gossip};
use p7_mesh::transport::{Direction, GossipId, Happened, Judgement};

impl Member {
    /// Something happened in the transport.
    pub(crate) fn happened(&mut self, happened: Happened, context: &mut Context<Self>) {
        match happened {
            Happened::Listening(address) => {
                tracing::info!(%address, "listening for peers");
                self.listens(address, context);
            }
            Happened::Connected { peer, address, direction } => {
                tracing::debug!(%peer, %address, ?direction, "connected to a peer");
                if direction == Direction::Out {
                    self.shelf.remember(&peer, &[address.to_string()]);
                }
                self.hear(Event::Connected(peer), context);
            }
            Happened::Disconnected(peer) => {
                tracing::debug!(%peer, "the last connection to a peer has closed");
                self.hear(Event::Disconnected(peer), context);
            }
            Happened::Learned { peer, addresses } => {
                let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                self.shelf.remember(&peer, &addresses);
            }
            Happened::Gossip { id, bytes, .. } => self.gossip(id, &bytes, context),
            Happened::Asked { from, token, bytes } => self.asked(from, token, &bytes, context),
            Happened::Answered { from, ticket, bytes } => {
                self.answered(from, ticket, bytes.as_deref(), context);
            }
            Happened::Refused { why, count } => {
                tracing::debug!(why = why.as_str(), count, "the transport refused something");
            }
        }
    }

    /// Gossip: whatever becomes of it, it is judged, or it would stay in the transport's books.
    fn gossip(&mut self, id: GossipId, bytes: &[u8], context: &mut Context<Self>) {
        let opened = match frames::open_gossip(bytes, &self.mesh) {
            Ok(opened) => opened,
            Err(fault) => {
                // a frame of another release is not punished; one that is forged or torn is
                let judgement =
                    if fault.is_of_another_release() { Judgement::Keep } else { Judgement::Refuse };
                self.link.judge(id, judgement);
                self.metrics.refused(fault.as_str());
                return;
            }
        };
        let event = match opened {
            Gossip::Beat(beat) => Event::HeardBeat(beat),
            Gossip::Batch(opened) => {
                let now = self.machine.mesh_time(crate::clock::now());
                self.metrics.delay(now.since(opened.batch.at));
                Self::skipped(opened.skipped);
                Event::HeardBatch(opened.batch)
            }
            Gossip::Suspicion(suspicion) => Event::HeardSuspicion(suspicion),
        };
        self.passing = Some(id);
        self.hear(event, context);
        // what the machine did not wish to pass on others have already, or it is stale
        if let Some(id) = self.passing.take() {
            self.link.judge(id, Judgement::Keep);
        }
    }

    /// Facts of kinds that this release does not know.
    fn skipped(count: u32) {
        if count > 0 {
            p7_bus::note_dropped("unknown facts", u64::from(count));
        }
    }

    fn asked(&mut self, from: NodeId, token: u64, bytes: &[u8], context: &mut Context<Self>) {
        match frames::open_question(bytes) {
            Ok(Asked::Question(question)) => self.hear(Event::Asked { from, token, question }, context),
            Ok(Asked::Command(command)) => self.obey(&from, token, command, context),
            Err(fault) => {
                self.metrics.refused(fault.as_str());
                tracing::debug!(%from, %fault, "a question can't be read");
            }
        }
    }

    fn answered(&mut self, from: NodeId, ticket: u64, bytes: Option<&[u8]>, context: &mut Context<Self>) {
        if self.commanded(ticket, bytes) {
            return;
        }
        let mut figured = false;
        let opened = bytes.map(|bytes| frames::open_answer(bytes, &self.mesh));
        let answer = opened.and_then(|opened| match opened {
            Ok(Answered::Figured(page)) => {
                Self::skipped(page.skipped);
                self.figured(from.clone(), ticket, page, context);
                figured = true;
                None
            }
            Ok(Answered::CaughtUp(caught_up)) => {
                Self::skipped(caught_up.skipped);
                self.notice_losses(&from, &caught_up.have, context);
                Some(Answer { batches: caught_up.batches, have: caught_up.have })
            }
            // that it answers at all is what was asked
            Ok(Answered::Command(_)) => Some(Answer { batches: Vec::new(), have: Vec::new() }),
            Err(fault) => {
                self.metrics.refused(fault.as_str());
                tracing::debug!(%from, %fault, "an answer can't be read");
                None
            }
        });
        if !figured {
            self.hear(Event::Answered { from, ticket, answer }, context);
        }
    }
}
