//! What this node has of every sequence: what to ask for, what to give, whether two nodes have the same.
//!
//! A version vector with holes. Three decisions:
//!
//! * **The digest** takes in, of each sequence, its highest number and its holes, but nothing of what lies
//!   below the floor: two nodes that forgot at different moments still agree once neither lacks what the
//!   other has. A sequence of which nothing is left adds nothing.
//! * **A floor is always somebody's retention.** Nothing else raises one: what is beyond a limit is
//!   refused as if it had not been heard, so it is asked for again, never skipped.
//! * **A floor told by others is not taken over**, since a liar could wipe what others still have. What
//!   is missing below it merely no longer counts as a hole, in the digest neither; should a third node
//!   offer it, it is taken like anything else ([`Journal::adopt_floor`]).

use super::words::{Boot, Have, Sequence, Span};
use crate::vocabulary::NodeId;
use choice::Missing;
use held::Held;
use std::collections::BTreeMap;

mod choice;
mod held;

/// Most sequences: two a life, so the statements of 16 machines that are switched on every working day
/// of a year. Beyond, the author with most of them gives up its earliest life.
pub const SEQUENCES_LIMIT: usize = 4096;
/// With so few sequences an author gives up none for others: eight lives.
const KEPT_LIMIT: usize = 16;
/// Most authors of whom it is known which lives they gave up: each had more than [`KEPT_LIMIT`] sequences.
const SHED_LIMIT: usize = 1024;
/// Most spans that are told as lacking: whoever has more to ask asks again.
const LACKS_LIMIT: usize = 1024;

/// What became of a number that was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// It was missing.
    New,
    /// It was there.
    Known,
    /// It is below the floor.
    TooOld,
    /// A limit is reached: as if it had not been heard.
    Refused,
}

/// At most so many numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(pub u64);

impl Limit {
    /// What one answer may hold: at some 500 bytes a batch, a quarter of a megabyte.
    pub const ANSWER: Self = Self(512);
}

/// What this node has of every sequence.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    rows: BTreeMap<Sequence, Held>,
    /// Lives before these were given up for want of room.
    shed: BTreeMap<NodeId, Boot>,
    digest: u64,
    holes: usize,
    refused: u64,
    given_up: u64,
}

impl Journal {
    /// As it is read from the store; what is malformed is put in order.
    pub fn new(have: &[Have]) -> Self {
        let mut journal = Self::default();
        for have in have {
            let held = Held::of(have);
            if journal.change(&have.sequence, |row| row.absorb(&held)).is_some() {
                continue;
            }
            if journal.make_room(&have.sequence) {
                journal.insert(&have.sequence, held);
            } else {
                journal.refused += 1;
            }
        }
        journal
    }

    /// Notes that a number of a sequence is here.
    pub fn note(&mut self, sequence: &Sequence, number: u64) -> Noted {
        let noted = self.note_or_refuse(sequence, number);
        if noted == Noted::Refused {
            self.refused += 1;
        }
        noted
    }

    fn note_or_refuse(&mut self, sequence: &Sequence, number: u64) -> Noted {
        if let Some(noted) = self.change(sequence, |row| row.note(number)) {
            return noted;
        }
        let mut row = Held::nothing(sequence);
        let noted = row.note(number);
        if noted != Noted::New {
            return noted;
        }
        if !self.make_room(sequence) {
            return Noted::Refused;
        }
        self.insert(sequence, row);
        noted
    }

    fn insert(&mut self, sequence: &Sequence, row: Held) {
        self.digest ^= row.print().hash;
        self.holes += row.print().holes;
        self.rows.insert(sequence.clone(), row);
    }

    /// Changes a row and keeps the digest in step.
    fn change<T>(&mut self, sequence: &Sequence, change: impl FnOnce(&mut Held) -> T) -> Option<T> {
        let row = self.rows.get_mut(sequence)?;
        let before = row.print();
        let outcome = change(row);
        let after = row.print();
        self.digest ^= before.hash ^ after.hash;
        self.holes = self.holes - before.holes + after.holes;
        Some(outcome)
    }

    /// Whether a number is here.
    pub fn has(&self, sequence: &Sequence, number: u64) -> bool {
        self.rows.get(sequence).is_some_and(|row| row.has(number))
    }

    /// The store has forgotten what is below `floor`: it is too old from now on.
    pub fn forget_below(&mut self, sequence: &Sequence, floor: u64) {
        self.change(sequence, |row| row.forget_below(floor));
    }

    /// Drops a sequence, its floor too: whoever still has some of it would give it again. So only for one
    /// of an earlier life of which nothing has been left for longer than nodes differ in forgetting.
    pub fn forget_sequence(&mut self, sequence: &Sequence) {
        if let Some(row) = self.rows.remove(sequence) {
            self.digest ^= row.print().hash;
            self.holes -= row.print().holes;
        }
    }

    /// What is here, by sequence.
    pub fn have(&self) -> Vec<Have> {
        self.rows.iter().map(|(sequence, row)| row.have(sequence)).collect()
    }

    /// A number for all that is here: where it differs from another's, one of both lacks something, or
    /// has not forgotten yet what the other has.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// How many holes there are: each is something that was missed and that somebody may still have.
    pub fn gaps(&self) -> usize {
        self.holes
    }

    /// How many numbers were refused because a limit is reached.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// How many sequences were given up for want of room.
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    /// What another has and this node lacks: most wanted first, as [`Journal::gives`] has it.
    pub fn lacks(&self, other: &[Have]) -> Vec<Span> {
        let has_room = self.rows.len() < SEQUENCES_LIMIT || self.fullest().is_some();
        let missing = other.iter().take(SEQUENCES_LIMIT).filter_map(|have| {
            let sequence = &have.sequence;
            let spans = match self.rows.get(sequence) {
                Some(row) => Held::of(have).beyond(row),
                None if has_room && self.admits(sequence) => Held::of(have).spans().collect(),
                None => return None,
            };
            Some(Missing { sequence, spans })
        });
        choice::whole(missing.collect(), LACKS_LIMIT)
    }

    /// What this node has and another lacks, most wanted first: statements before results, an author's
    /// newest life before its earlier ones, and of those that are equal the newest numbers of each in turn,
    /// so that a joiner can say something about everything after its first answer.
    pub fn gives(&self, other: &[Have], limit: Limit) -> Vec<Span> {
        let mut theirs: BTreeMap<&Sequence, Held> = BTreeMap::new();
        for have in other.iter().take(SEQUENCES_LIMIT) {
            let held = Held::of(have);
            theirs.entry(&have.sequence).and_modify(|known| known.absorb(&held)).or_insert(held);
        }
        let missing = self.rows.iter().map(|(sequence, row)| {
            let spans = match theirs.get(sequence) {
                Some(held) => row.beyond(held),
                None => row.spans().collect(),
            };
            Missing { sequence, spans }
        });
        choice::in_turn(missing.collect(), limit.0)
    }

    /// A peer that was asked for all that is missing here has answered, and has this: what it has
    /// forgotten itself no longer counts as missed. Nothing is skipped: see the head of this file.
    pub fn adopt_floor(&mut self, other: &[Have]) {
        for have in other.iter().take(SEQUENCES_LIMIT) {
            let floor = Held::of(have).floor();
            self.change(&have.sequence, |row| row.waive_below(floor));
        }
    }

    /// Sequences of which another has forgotten numbers that never came here, and has later ones: what it
    /// forgot can't be had any more.
    pub fn lost(&self, other: &[Have]) -> Vec<Sequence> {
        let is_lost = |have: &&Have| {
            let theirs = Held::of(have);
            let next = self.rows.get(&have.sequence).map_or(1, |row| row.highest().saturating_add(1));
            theirs.floor() > next && theirs.highest() >= theirs.floor()
        };
        let known = other.iter().take(SEQUENCES_LIMIT).filter(is_lost);
        known.map(|have| have.sequence.clone()).collect()
    }

    /// Whether a sequence may come in at all.
    fn admits(&self, sequence: &Sequence) -> bool {
        self.shed.get(&sequence.author).is_none_or(|first| *first <= sequence.boot)
    }

    /// Who has most sequences, if that is more than everybody may keep.
    fn fullest(&self) -> Option<NodeId> {
        let mut most: Option<(usize, &NodeId)> = None;
        let mut count = 0;
        let mut last = None;
        for sequence in self.rows.keys() {
            count = if last == Some(&sequence.author) { count + 1 } else { 1 };
            last = Some(&sequence.author);
            if count > most.map_or(KEPT_LIMIT, |(count, _)| count) {
                most = Some((count, &sequence.author));
            }
        }
        most.map(|(_, author)| author.clone())
    }

    /// Makes room for a new sequence if it must: whoever states under many lives, or only pretends to,
    /// pays for it, and everybody's latest lives stay. False when there is none.
    fn make_room(&mut self, sequence: &Sequence) -> bool {
        if !self.admits(sequence) {
            return false;
        }
        if self.rows.len() < SEQUENCES_LIMIT {
            return true;
        }
        let Some(author) = self.fullest() else {
            return false;
        };
        let Some(oldest) = self.rows.keys().find(|known| known.author == author).map(|known| known.boot)
        else {
            return false;
        };
        if author == sequence.author && sequence.boot <= oldest {
            return false;
        }
        let lives = |known: &&Sequence| known.author == author && known.boot == oldest;
        let dropped: Vec<Sequence> = self.rows.keys().filter(lives).cloned().collect();
        for one in &dropped {
            self.forget_sequence(one);
            self.given_up += 1;
        }
        self.shed.insert(author, Boot(oldest.0.saturating_add(1)));
        if self.shed.len() > SHED_LIMIT {
            self.shed.pop_first();
        }
        self.admits(sequence)
    }
}

#[cfg(test)]
mod tests;
