//! What this node states: gathered into batches, a failure at once, all is well a little later.

use super::{Effect, Machine};
use crate::mesh::devices::DeviceTold;
use crate::mesh::words::{Batch, Chapter, Fact, Now, Sequence, Steady, Suspicion};
use crate::vocabulary::{MeshTime, Millis, ServiceId, Vote};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long a result may wait for others when all is well, in a mesh of up to [`SMALL_MESH`] nodes.
const GATHER: Millis = Millis(1_000);
/// A larger mesh gathers longer in proportion, so that a node's share of the traffic stays.
const SMALL_MESH: u64 = 16;
/// Longest gathering: still below the shortest interval that a large mesh makes sense with.
const GATHER_LIMIT: Millis = Millis(5_000);
/// What can't wait is said at once, but no more often than this: a hundred services that fail in one
/// moment are a few batches.
const URGENT_GAP: Millis = Millis(50);
/// Most facts of a batch weigh so much, in bytes as estimated: it stays well below a frame's limit.
const BATCH_WEIGHT: usize = 32 * 1024;
/// So many statements after the last time a node says again what it is and what it has: after a start only the last ones of
/// each sequence are heard again, and who is where decides who tests what.
const RESTATED_EVERY: u64 = 16;
/// Most facts that wait to be said: a whole pass over 20,000 services. Later ones are dropped and counted.
const WAITING_LIMIT: usize = 20_000;

/// What is still to be said.
#[derive(Debug, Default)]
pub(super) struct Stating {
    results: Vec<Fact>,
    statements: Vec<Fact>,
    due: Option<Steady>,
    last: Steady,
    /// The numbers of the last batches, of results and of statements.
    numbers: (u64, u64),
    /// This node's last vote on each service: a recovery is as urgent as a failure.
    votes: BTreeMap<ServiceId, Vote>,
    dropped: u64,
}

impl Stating {
    pub(super) fn due(&self) -> Option<Steady> {
        self.due
    }

    /// What waits is due now.
    pub(super) fn hurry(&mut self, now: Steady) {
        if !(self.results.is_empty() && self.statements.is_empty()) {
            self.due = Some(now);
        }
    }

    fn urge(&mut self, by: Steady) {
        self.due = Some(self.due.map_or(by, |due| due.min(by)));
    }
}

impl Machine {
    /// Takes what this node states.
    pub(super) fn state(&mut self, facts: Vec<Fact>, now: Now) {
        let patience = self.patience();
        for fact in facts {
            let waiting = self.stating.results.len() + self.stating.statements.len();
            if waiting >= WAITING_LIMIT {
                self.stating.dropped += 1;
                continue;
            }
            let urgent = self.note_own(&fact, now);
            match fact {
                Fact::Result(_) => self.stating.results.push(fact),
                Fact::Acknowledged(_)
                | Fact::Held(_)
                | Fact::Deployed(_)
                | Fact::About(_)
                | Fact::Configured(_)
                | Fact::Noticed(_)
                | Fact::Devices(_)
                | Fact::MailRead(_) => self.stating.statements.push(fact),
            }
            let by = if urgent {
                self.stating.last.plus(URGENT_GAP).max(now.steady)
            } else {
                now.steady.plus(patience)
            };
            self.stating.urge(by);
        }
    }

    /// How long a result may wait.
    fn patience(&self) -> Millis {
        let nodes = self.members.alive().count() as u64 + 1;
        Millis((GATHER.0 * nodes / SMALL_MESH).clamp(GATHER.0, GATHER_LIMIT.0))
    }

    /// Notes what is stated here; says whether it can't wait.
    fn note_own(&mut self, fact: &Fact, now: Now) -> bool {
        match fact {
            Fact::Result(result) => {
                self.lookout.own(result);
                let Some(vote) = result.outcome.vote() else { return false };
                let before = match self.stating.votes.get_mut(&result.service) {
                    Some(known) => Some(std::mem::replace(known, vote)),
                    None => self.stating.votes.insert(result.service.clone(), vote),
                };
                vote == Vote::Failed || before == Some(Vote::Failed)
            }
            Fact::About(about) => {
                self.abouts.insert(self.me.clone(), about.clone());
                true
            }
            Fact::Devices(told) => {
                self.devices.insert(self.me.clone(), Arc::clone(told));
                true
            }
            Fact::Configured(configuration) => {
                self.shared.take(Arc::clone(configuration));
                self.beat_soon(now);
                true
            }
            Fact::Acknowledged(_)
            | Fact::Held(_)
            | Fact::Deployed(_)
            | Fact::Noticed(_)
            | Fact::MailRead(_) => true,
        }
    }

    /// Publishes what is due, in numbered batches.
    pub(super) fn publish(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.stating.due.is_none_or(|due| due > now.steady) {
            return;
        }
        self.stating.due = None;
        self.stating.last = now.steady;
        let dropped = std::mem::take(&mut self.stating.dropped);
        if dropped > 0 {
            effects.push(Effect::Dropped("stating", dropped));
        }
        let statements = std::mem::take(&mut self.stating.statements);
        for facts in portions(statements) {
            self.publish_batch(Chapter::Statements, facts, now, effects);
        }
        let results = std::mem::take(&mut self.stating.results);
        for facts in portions(results) {
            self.publish_batch(Chapter::Results, facts, now, effects);
        }
    }

    fn publish_batch(&mut self, chapter: Chapter, facts: Vec<Fact>, now: Now, effects: &mut Vec<Effect>) {
        let last = match chapter {
            Chapter::Results => &mut self.stating.numbers.0,
            Chapter::Statements => &mut self.stating.numbers.1,
        };
        *last += 1;
        let number = *last;
        let mut facts = facts;
        if chapter == Chapter::Statements && number.is_multiple_of(RESTATED_EVERY) {
            facts.extend(self.abouts.get(&self.me).cloned().map(Fact::About));
            facts.extend(self.devices.get(&self.me).cloned().map(Fact::Devices));
        }
        let sequence = Sequence { author: self.me.clone(), boot: self.boot, chapter };
        self.journal.note(&sequence, number);
        let at = self.mesh_time(now);
        effects.push(Effect::Publish(Batch { sequence, number, at, facts, sealed: Arc::default() }));
    }

    /// Tells the others that a probe takes suspiciously long. It is about when that began: who has looked
    /// since then has seen as much.
    pub(super) fn suspect(&mut self, service: ServiceId, began: MeshTime, effects: &mut Vec<Effect>) {
        let (author, boot) = (self.me.clone(), self.boot);
        effects.push(Effect::Suspect(Suspicion { author, boot, service, began }));
    }
}

/// Facts in portions that fit a batch each; a configuration, which is large, has one of its own.
fn portions(facts: Vec<Fact>) -> Vec<Vec<Fact>> {
    let mut portions: Vec<Vec<Fact>> = Vec::new();
    let mut room = 0;
    for fact in facts {
        let weight = weight(&fact);
        match portions.last_mut() {
            Some(portion) if weight <= room => {
                portion.push(fact);
                room -= weight;
            }
            Some(_) | None => {
                portions.push(vec![fact]);
                room = BATCH_WEIGHT.saturating_sub(weight);
            }
        }
    }
    portions
}

/// What a fact takes in a frame, in bytes, roughly and rather too much.
fn weight(fact: &Fact) -> usize {
    match fact {
        Fact::Result(result) => {
            48 + result.service.as_str().len() + result.reason.as_ref().map_or(0, |reason| reason.len())
        }
        Fact::About(about) => {
            let labels = about.labels.iter().map(|(name, value)| name.len() + value.len() + 8);
            let lines = about.addresses.iter().chain(&about.devices).map(|line| line.len() + 8);
            256 + labels.chain(lines).sum::<usize>()
        }
        Fact::Devices(told) => {
            let long = |text: Option<&String>| text.map_or(0, String::len);
            let line = |device: &DeviceTold| {
                let words = [&device.name, &device.kind, &device.unit, &device.model];
                let order = device.last_order.as_ref().map(|(words, _)| words);
                let texts = long(device.detail.as_ref()) + long(order);
                48 + texts + words.iter().map(|word| word.len()).sum::<usize>()
            };
            64 + told.devices.iter().map(line).sum::<usize>()
        }
        Fact::Acknowledged(_) | Fact::Held(_) | Fact::Noticed(_) | Fact::MailRead(_) => 2 * 1024,
        Fact::Deployed(_) => 4 * 1024,
        Fact::Configured(_) => BATCH_WEIGHT,
    }
}
