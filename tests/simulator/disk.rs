//! A node's disk: batches, terms, the boot counter. What was written last is not yet on the disk itself.

use p7_core::incident::Incident;
use p7_core::mesh::words::{Batch, Boot, Chapter, Fact, Have, Role, Sequence, Span, Term};
use p7_core::vocabulary::{Cycle, MeshTime, NodeId};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

/// How long written batches may wait until they are on the disk itself.
const UNSYNCED: u64 = 1_000;
/// As many batches of each sequence are heard again after a start.
const RECALLED: usize = 64;

/// A batch as its author sealed it.
#[derive(Debug)]
pub struct Sealed {
    /// The batch whole, whatever a receiver's machine left out of it.
    pub batch: Batch,
    /// When it was stated, in true time.
    pub at: u64,
}

/// A node's disk.
#[derive(Debug, Default)]
pub struct Disk {
    log: BTreeMap<Sequence, BTreeMap<u64, Rc<Sealed>>>,
    recent: VecDeque<(u64, Rc<Sealed>)>,
    /// The terms it has kept.
    pub terms: BTreeMap<Role, Term>,
    /// How often it has started.
    pub boot: Boot,
    /// The incidents of each service that it has heard of.
    pub incidents: Vec<BTreeMap<Cycle, Incident>>,
}

impl Disk {
    /// An empty one, for so many services.
    pub fn new(services: usize) -> Self {
        Self { incidents: vec![BTreeMap::new(); services], ..Self::default() }
    }

    /// Writes a batch.
    pub fn put(&mut self, sealed: Rc<Sealed>, now: u64) {
        while self.recent.front().is_some_and(|(at, _)| at + UNSYNCED <= now) {
            self.recent.pop_front();
        }
        self.recent.push_back((now, Rc::clone(&sealed)));
        let number = sealed.batch.number;
        if let Some(numbers) = self.log.get_mut(&sealed.batch.sequence) {
            numbers.entry(number).or_insert(sealed);
        } else {
            let sequence = sealed.batch.sequence.clone();
            self.log.insert(sequence, BTreeMap::from([(number, sealed)]));
        }
    }

    /// The power is gone: what was written after `since` is lost.
    pub fn lose(&mut self, since: u64) -> usize {
        let lost: Vec<_> = self.recent.drain(..).filter(|(at, _)| *at >= since).collect();
        for (_, sealed) in &lost {
            let sequence = &sealed.batch.sequence;
            if let Some(numbers) = self.log.get_mut(sequence) {
                numbers.remove(&sealed.batch.number);
                if numbers.is_empty() {
                    self.log.remove(sequence);
                }
            }
        }
        lost.len()
    }

    /// What it has of every sequence.
    pub fn have(&self) -> Vec<Have> {
        let of = |(sequence, numbers): (&Sequence, &BTreeMap<u64, Rc<Sealed>>)| {
            let mut have = Have { sequence: sequence.clone(), floor: 1, upto: 0, above: Vec::new() };
            for number in numbers.keys().copied() {
                match have.above.last_mut() {
                    None if number == have.upto + 1 => have.upto = number,
                    Some((_, last)) if number == *last + 1 => *last = number,
                    None | Some(_) => have.above.push((number, number)),
                }
            }
            have
        };
        self.log.iter().map(of).collect()
    }

    /// The batches of these spans, as many as fit into an answer.
    pub fn get(&self, spans: &[Span], limit: usize) -> Vec<Rc<Sealed>> {
        let mut found = Vec::new();
        for span in spans {
            let Some(numbers) = self.log.get(&span.sequence) else { continue };
            let room = limit.saturating_sub(found.len());
            found.extend(
                numbers.range(span.first..=span.last).take(room).map(|(_, sealed)| Rc::clone(sealed)),
            );
        }
        found
    }

    /// The last batches of each sequence, whole, and those before that speak of cycles that have not come.
    pub fn recalled(&self, now: MeshTime) -> Vec<Batch> {
        let is_ahead = |fact: &Fact| matches!(fact, Fact::Result(result) if result.cycle.start() > now);
        let tail = |numbers: &BTreeMap<u64, Rc<Sealed>>| {
            let latest = numbers.values().rev().enumerate();
            let latest = latest
                .take_while(|(place, sealed)| *place < RECALLED || sealed.batch.facts.iter().any(is_ahead));
            let mut tail: Vec<Batch> = latest.map(|(_, sealed)| sealed.batch.clone()).collect();
            tail.reverse();
            tail
        };
        self.log.values().flat_map(tail).collect()
    }

    /// The results stated since a moment of true time, with their batches.
    pub fn results_since(&self, since: u64) -> impl Iterator<Item = (&Batch, &Fact)> {
        let logs = self.log.iter().filter(|(sequence, _)| sequence.chapter == Chapter::Results);
        let recent = logs.flat_map(move |(_, numbers)| {
            numbers.values().rev().take_while(move |sealed| sealed.at >= since)
        });
        recent.flat_map(|sealed| sealed.batch.facts.iter().map(move |fact| (&sealed.batch, fact)))
    }

    /// Every statement it has.
    pub fn statements(&self) -> impl Iterator<Item = &Fact> {
        let logs = self.log.iter().filter(|(sequence, _)| sequence.chapter == Chapter::Statements);
        logs.flat_map(|(_, numbers)| numbers.values()).flat_map(|sealed| &sealed.batch.facts)
    }

    /// The statements of one author.
    pub fn facts_of(&self, author: &NodeId) -> impl Iterator<Item = &Fact> {
        let is_theirs =
            |sequence: &Sequence| sequence.author == *author && sequence.chapter == Chapter::Statements;
        let numbers =
            self.log.iter().filter(move |(sequence, _)| is_theirs(sequence)).map(|(_, numbers)| numbers);
        numbers.flat_map(BTreeMap::values).flat_map(|sealed| &sealed.batch.facts)
    }

    /// Every batch.
    pub fn batches(&self) -> impl Iterator<Item = &Rc<Sealed>> {
        self.log.values().flat_map(|numbers| numbers.values())
    }

    /// A batch older than `before` that this disk has and another lacks, or has otherwise.
    pub fn first_missing(&self, other: &Self, before: u64) -> Option<Rc<Sealed>> {
        let nothing = BTreeMap::new();
        self.log.iter().find_map(|(sequence, numbers)| {
            let theirs = other.log.get(sequence).unwrap_or(&nothing);
            let same_ends = numbers.last_key_value().map(|(number, sealed)| (number, Rc::as_ptr(sealed)))
                == theirs.last_key_value().map(|(number, sealed)| (number, Rc::as_ptr(sealed)));
            if same_ends && numbers.len() == theirs.len() {
                return None;
            }
            let lacks = |(number, sealed): &(&u64, &Rc<Sealed>)| {
                sealed.at < before && theirs.get(number).is_none_or(|known| !Rc::ptr_eq(known, sealed))
            };
            numbers.iter().find(lacks).map(|(_, sealed)| Rc::clone(sealed))
        })
    }

    /// Whether it has a batch.
    pub fn has(&self, sequence: &Sequence, number: u64) -> bool {
        self.log.get(sequence).is_some_and(|numbers| numbers.contains_key(&number))
    }

    /// The batch that its author sealed under this key, as this node has it.
    pub fn sealed(&self, sequence: &Sequence, number: u64) -> Option<&Rc<Sealed>> {
        self.log.get(sequence)?.get(&number)
    }

    /// How many batches it has.
    pub fn len(&self) -> usize {
        self.log.values().map(BTreeMap::len).sum()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    /// Another life begins.
    pub fn next_boot(&mut self) -> Boot {
        self.boot = Boot(self.boot.0 + 1);
        self.boot
    }
}

/// The seal of a batch: where its author's own is, in the world's archive.
pub fn seal(number: usize) -> Arc<[u8]> {
    Arc::from((number as u64).to_le_bytes().as_slice())
}
