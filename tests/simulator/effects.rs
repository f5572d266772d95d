//! What a machine wishes, done as the live node does it.

use crate::disk::{Sealed, seal};
use crate::network::Index;
use crate::node::{Message, Parcel};
use crate::world::World;
use p7_core::mesh::machine::{Answer, Effect, Event};
use p7_core::mesh::rules::Rule;
use p7_core::mesh::words::{Batch, Fact};
use p7_core::vocabulary::NodeId;
use p7_core::watch;
use std::rc::Rc;

/// As many batches fit into an answer: what the live node sends in one, by count instead of bytes.
const ANSWER_BATCHES: usize = 256;

impl World {
    pub(crate) fn perform(&mut self, node: Index, effect: Effect, heard: Option<(&Rc<Parcel>, Index)>) {
        if self.trace.is_some() {
            self.tell_effect(node, &effect);
        }
        match effect {
            Effect::Beat(beat) => {
                self.check_beat(node, &beat);
                self.spread(node, Message::Beat(beat));
            }
            Effect::Publish(batch) => self.publish(node, batch),
            Effect::Suspect(suspicion) => self.spread(node, Message::Suspicion(suspicion)),
            Effect::PassOn => {
                if let Some((message, from)) = heard {
                    self.gossip(node, message, Some(from));
                }
            }
            Effect::Take(batches) => self.take(node, batches),
            Effect::Release(facts) => {
                for (author, fact) in &facts {
                    self.believe(node, author, fact);
                }
            }
            Effect::Ask { to, ticket, question } => {
                let to = number_of(&to);
                self.ask(node, to, ticket, question);
            }
            Effect::Answer { token, spans, have } => {
                let sealed = self.nodes[usize::from(node)].disk.get(&spans, ANSWER_BATCHES);
                let batches = sealed.iter().map(|sealed| sealed.batch.clone()).collect();
                self.reply(node, token, Answer { batches, have });
            }
            Effect::Keep(role, term) => {
                self.check_claim(node, &role, term);
                self.nodes[usize::from(node)].disk.terms.insert(role, term);
            }
            Effect::Holder(role, holder) => self.note_holder(node, &role, holder.as_ref()),
            // the machine knows of a label before the fact is heard, so that is the moment for sites
            // and the simulated nodes are of a wire version without figures
            Effect::Members | Effect::AnswerFigures { .. } | Effect::Missed(_) => {}
            Effect::Seats(seats) => self.take_seats(node, &seats),
            Effect::Confirm(service) => self.look_now(node, &service),
            Effect::Configuration(configuration) => {
                let services = std::sync::Arc::clone(&self.services);
                self.hear(node, Event::Watching(services, configuration.stamp), None);
            }
            Effect::Disconnect(peer) => self.disconnect(node, number_of(&peer)),
            Effect::Dropped(place, count) => self.checks.dropped(place, count),
        }
    }

    fn publish(&mut self, node: Index, mut batch: Batch) {
        batch.sealed = seal(self.archive.len());
        let sealed = Rc::new(Sealed { batch: batch.clone(), at: self.now });
        self.archive.push(Rc::clone(&sealed));
        self.nodes[usize::from(node)].disk.put(sealed, self.now);
        self.spread(node, Message::Batch(batch));
    }

    fn take(&mut self, node: Index, batches: Vec<Batch>) {
        for batch in batches {
            let place = <[u8; 8]>::try_from(batch.sealed.as_ref()).map_or(0, u64::from_le_bytes);
            let sealed = usize::try_from(place).ok().and_then(|place| self.archive.get(place));
            if let Some(sealed) = sealed {
                let sealed = Rc::clone(sealed);
                self.nodes[usize::from(node)].disk.put(sealed, self.now);
            }
            for fact in &batch.facts {
                self.believe(node, &batch.sequence.author, fact);
            }
        }
    }

    /// A fact reaches what the node shows and says.
    pub(crate) fn believe(&mut self, node: Index, author: &NodeId, fact: &Fact) {
        match fact {
            Fact::Result(result) => {
                self.check_result(node, author, result);
                let mesh_now = self.nodes[usize::from(node)].mesh_time(self.now);
                let event = watch::Event::Result(std::sync::Arc::clone(result));
                let effects = self.nodes[usize::from(node)].watch.hear(event, mesh_now);
                self.watched(node, &effects);
            }
            Fact::Noticed(notice) => self.mouth_learns(node, notice),
            Fact::About(_) => self.note_site(node),
            Fact::Acknowledged(_)
            | Fact::Held(_)
            | Fact::Deployed(_)
            | Fact::Configured(_)
            | Fact::Devices(_)
            | Fact::MailRead(_) => {}
        }
    }

    /// Machines of one site have one vote: who is where comes from what nodes say about themselves.
    pub(crate) fn note_site(&mut self, node: Index) {
        if self.options.sites == 0 || !self.options.rules.has(Rule::Sites) {
            return;
        }
        let now = self.nodes[usize::from(node)].now(self.now);
        let one = &mut self.nodes[usize::from(node)];
        let Some(machine) = &one.machine else { return };
        let sites = machine.view(now).sites();
        if sites == one.sites {
            return;
        }
        one.sites.clone_from(&sites);
        let mesh_now = one.mesh_time(self.now);
        let effects = one.watch.place(sites, mesh_now);
        self.watched(node, &effects);
    }

    /// What a node's watch shows has changed.
    pub(crate) fn watched(&mut self, node: Index, effects: &[watch::Effect]) {
        let mut is_news = false;
        for effect in effects {
            match effect {
                watch::Effect::Status(_) => {}
                watch::Effect::Incident(incident) => {
                    is_news = true;
                    self.check_incident(node, incident);
                    let place = self.place_of(&incident.id.service);
                    let known = &mut self.nodes[usize::from(node)].disk.incidents[place];
                    known.insert(incident.id.first, (**incident).clone());
                }
                watch::Effect::NoIncident(id) => {
                    is_news = true;
                    let place = self.place_of(&id.service);
                    self.nodes[usize::from(node)].disk.incidents[place].remove(&id.first);
                }
            }
        }
        if is_news {
            self.speak(node);
        }
    }
}

/// A node's number, which is its id.
pub(crate) fn number_of(node: &NodeId) -> Index {
    node.as_str()
        .bytes()
        .skip(1)
        .fold(0, |number, digit| number * 10 + Index::from(digit.saturating_sub(b'0')))
}
