//! Which numbers of one sequence a node has: an unbroken run from its floor, and spans above that.

use super::Noted;
use crate::mesh::mix;
use crate::mesh::words::{Chapter, Have, Sequence};

/// Most spans above the run: a catch-up closes holes within seconds, so more are an author's that leaves
/// out every other number. A number that would make one more is refused until some are closed.
pub(super) const SPANS_LIMIT: usize = 256;
/// The greatest number, so that one more still is one.
const LAST: u64 = u64::MAX - 1;

/// What one sequence adds to the journal's digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Print {
    /// Of its highest number and each of its holes.
    pub(super) hash: u64,
    /// How many holes it has.
    pub(super) holes: usize,
}

/// What a node has of one sequence. Always in order: the floor is at least 1, the run ends at or after
/// the number before it, and between any two spans at least one number is missing.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// Stands for the sequence in hashes.
    key: u64,
    floor: u64,
    upto: u64,
    above: Vec<(u64, u64)>,
    /// Nobody who was asked has numbers below this: those missing are no holes. They are taken all the same.
    waived: u64,
    print: Print,
}

impl Held {
    /// Nothing yet of a sequence.
    pub(super) fn nothing(sequence: &Sequence) -> Self {
        let chapter = match sequence.chapter {
            Chapter::Results => 0,
            Chapter::Statements => 1,
        };
        let author = mix::of_text(sequence.author.as_str());
        let key = mix::with(mix::with(author, u64::from(sequence.boot.0)), chapter);
        Self { key, floor: 1, upto: 0, above: Vec::new(), waived: 0, print: Print::default() }
    }

    /// What a store or a peer says it has; put in order, whatever it says.
    pub(super) fn of(have: &Have) -> Self {
        let floor = have.floor.clamp(1, LAST);
        let mut spans = have.above.clone();
        spans.push((floor, have.upto));
        let mut held = Self::nothing(&have.sequence);
        held.rebuild(floor, spans);
        held
    }

    /// Takes in what another says of the same sequence: what either has, above both floors.
    pub(super) fn absorb(&mut self, other: &Self) {
        let spans = self.spans().chain(other.spans()).collect();
        self.rebuild(self.floor.max(other.floor), spans);
    }

    fn rebuild(&mut self, floor: u64, mut spans: Vec<(u64, u64)>) {
        for (first, last) in &mut spans {
            *first = (*first).max(floor);
            *last = (*last).min(LAST);
        }
        spans.retain(|(first, last)| first <= last);
        spans.sort_unstable();
        self.floor = floor;
        self.upto = floor - 1;
        self.above.clear();
        for (first, last) in spans {
            match self.above.last_mut() {
                Some(before) if first <= before.1 + 1 => before.1 = before.1.max(last),
                None if first <= self.upto + 1 => self.upto = self.upto.max(last),
                Some(_) | None => self.above.push((first, last)),
            }
        }
        self.above.truncate(SPANS_LIMIT);
        self.print = self.printed();
    }

    /// As it is told to others.
    pub(super) fn have(&self, sequence: &Sequence) -> Have {
        let upto = if self.upto < self.floor { 0 } else { self.upto };
        Have { sequence: sequence.clone(), floor: self.floor, upto, above: self.above.clone() }
    }

    /// Notes a number. One that follows the run costs a comparison.
    pub(super) fn note(&mut self, number: u64) -> Noted {
        if number > LAST {
            return Noted::Refused;
        }
        if number < self.floor {
            return Noted::TooOld;
        }
        if number <= self.upto {
            return Noted::Known;
        }
        if number == self.upto + 1 && self.above.is_empty() {
            self.print.hash ^= self.tip(self.upto) ^ self.tip(number);
            self.upto = number;
            return Noted::New;
        }
        let place = self.above.partition_point(|(_, last)| *last < number);
        if self.above.get(place).is_some_and(|(first, _)| *first <= number) {
            return Noted::Known;
        }
        self.above.insert(place, (number, number));
        self.join(place);
        if let Some(before) = place.checked_sub(1) {
            self.join(before);
        }
        if let Some((_, last)) = self.above.first().copied().filter(|(first, _)| *first == self.upto + 1) {
            self.upto = last;
            self.above.remove(0);
        }
        if self.above.len() > SPANS_LIMIT {
            self.above.remove(place); // it touches none, or there were not more
            return Noted::Refused;
        }
        self.print = self.printed();
        Noted::New
    }

    /// Makes one span of that at `place` and the next, if they touch.
    fn join(&mut self, place: usize) {
        let Some((first, last)) = self.above.get(place + 1).copied() else {
            return;
        };
        if let Some(span) = self.above.get_mut(place).filter(|span| span.1 + 1 == first) {
            span.1 = last;
            self.above.remove(place + 1);
        }
    }

    pub(super) fn has(&self, number: u64) -> bool {
        let place = self.above.partition_point(|(_, last)| *last < number);
        (self.floor..=self.upto).contains(&number)
            || self.above.get(place).is_some_and(|(first, _)| *first <= number)
    }

    /// Forgets what is below `floor`; a floor never sinks.
    pub(super) fn forget_below(&mut self, floor: u64) {
        if floor > self.floor {
            let spans = self.spans().collect();
            self.rebuild(floor.min(LAST), spans);
        }
    }

    /// No longer counts what is missing below `floor` as holes, as far as this sequence goes.
    pub(super) fn waive_below(&mut self, floor: u64) {
        let floor = floor.min(self.highest() + 1);
        if floor > self.waived {
            self.waived = floor;
            self.print = self.printed();
        }
    }

    pub(super) fn floor(&self) -> u64 {
        self.floor
    }

    /// The highest number it has, or the one below its floor.
    pub(super) fn highest(&self) -> u64 {
        self.above.last().map_or(self.upto, |(_, last)| *last)
    }

    /// What it has, in order.
    pub(super) fn spans(&self) -> impl Iterator<Item = (u64, u64)> {
        let run = (self.floor <= self.upto).then_some((self.floor, self.upto));
        run.into_iter().chain(self.above.iter().copied())
    }

    /// What this has and the other lacks and has not forgotten, in order.
    pub(super) fn beyond(&self, other: &Self) -> Vec<(u64, u64)> {
        let theirs: Vec<(u64, u64)> = other.spans().collect();
        let mut missing = Vec::new();
        for (first, last) in self.spans() {
            let mut from = first.max(other.floor);
            let near = theirs.partition_point(|(_, end)| *end < from);
            for (begin, end) in theirs.iter().skip(near).take_while(|(begin, _)| *begin <= last) {
                if from < *begin {
                    missing.push((from, begin - 1));
                }
                from = end + 1;
            }
            if from <= last {
                missing.push((from, last));
            }
        }
        missing
    }

    pub(super) fn print(&self) -> Print {
        self.print
    }

    /// The lowest number that counts in the digest.
    fn base(&self) -> u64 {
        self.floor.max(self.waived)
    }

    fn tip(&self, highest: u64) -> u64 {
        if highest < self.base() { 0 } else { mix::with(self.key, highest) }
    }

    fn printed(&self) -> Print {
        let mut print = Print { hash: self.tip(self.highest()), holes: 0 };
        let mut from = self.upto + 1;
        for (first, last) in &self.above {
            let begin = from.max(self.base());
            if begin < *first {
                print.hash ^= mix::with(mix::with(self.key, begin), *first);
                print.holes += 1;
            }
            from = last + 1;
        }
        print
    }
}
