//! Which numbers of one sequence are stored: an unbroken run from a floor, and spans above it.

/// Most spans above the run. The mesh's journal refuses a number long before there are so many; this
/// keeps a row of them small, whatever is logged.
const SPANS_LIMIT: usize = 1_024;

/// What is stored of one sequence. Numbers begin at 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Numbers below are forgotten.
    pub(crate) floor: u64,
    /// Every number from the floor to here is there; below the floor when none is.
    pub(crate) upto: u64,
    /// And these spans, first and last number, in order; between any two a number is missing.
    pub(crate) above: Vec<(u64, u64)>,
    /// The latest time at which one of them was stated.
    pub(crate) latest: u64,
    /// When the first of them was stated, as far as that was looked up.
    pub(crate) oldest: Option<u64>,
}

impl Default for Kept {
    fn default() -> Self {
        Self { floor: 1, upto: 0, above: Vec::new(), latest: 0, oldest: None }
    }
}

impl Kept {
    /// As a row has it; none when no sequence is so.
    pub(crate) fn read(floor: u64, upto: u64, above: Vec<(u64, u64)>, latest: u64) -> Option<Self> {
        let mut end = upto;
        for (first, last) in &above {
            if *first <= end.checked_add(1)? || last < first {
                return None;
            }
            end = *last;
        }
        (floor >= 1 && upto >= floor - 1).then_some(Self { floor, upto, above, latest, oldest: None })
    }

    /// Notes a number. False when it is there, forgotten, or no number.
    pub(crate) fn note(&mut self, number: u64, at: u64) -> bool {
        if number < self.floor || number <= self.upto || number == u64::MAX {
            return false;
        }
        let place = self.above.partition_point(|(_, last)| *last < number);
        if self.above.get(place).is_some_and(|(first, _)| *first <= number) {
            return false;
        }
        let follows =
            number == self.upto + 1 || place.checked_sub(1).is_some_and(|p| self.ends(p, number - 1));
        let precedes = self.above.get(place).is_some_and(|(first, _)| *first == number + 1);
        if !follows && !precedes && self.above.len() >= SPANS_LIMIT {
            return false;
        }
        self.above.insert(place, (number, number));
        self.join(place);
        if let Some(before) = place.checked_sub(1) {
            self.join(before);
        }
        self.settle();
        self.latest = self.latest.max(at);
        if self.first() == Some(number) {
            self.oldest = Some(at);
        }
        true
    }

    fn ends(&self, place: usize, with: u64) -> bool {
        self.above.get(place).is_some_and(|(_, last)| *last == with)
    }

    /// Makes one span of that at `place` and the next, if they touch.
    fn join(&mut self, place: usize) {
        let Some((first, last)) = self.above.get(place + 1).copied() else { return };
        if let Some(span) = self.above.get_mut(place).filter(|span| span.1 + 1 == first) {
            span.1 = last;
            self.above.remove(place + 1);
        }
    }

    /// Takes the first span into the run, if it follows it.
    fn settle(&mut self) {
        if let Some((_, last)) = self.above.first().copied().filter(|(first, _)| *first == self.upto + 1) {
            self.upto = last;
            self.above.remove(0);
        }
    }

    /// Forgets what is below `floor`.
    pub(crate) fn forget_below(&mut self, floor: u64) {
        if floor <= self.floor {
            return;
        }
        self.floor = floor;
        self.upto = self.upto.max(floor - 1);
        self.above.retain(|(_, last)| *last >= floor);
        if let Some(span) = self.above.first_mut() {
            span.0 = span.0.max(floor);
        }
        self.settle();
        self.oldest = None;
    }

    /// The first number that is there.
    pub(crate) fn first(&self) -> Option<u64> {
        let above = self.above.first().map(|(first, _)| *first);
        if self.upto >= self.floor { Some(self.floor) } else { above }
    }

    /// The last number that is there, or the one before the floor.
    pub(crate) fn last(&self) -> u64 {
        self.above.last().map_or(self.upto, |(_, last)| *last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn numbers(kept: &Kept) -> BTreeSet<u64> {
        let above = kept.above.iter().flat_map(|(first, last)| *first..=*last);
        (kept.floor..=kept.upto).chain(above).collect()
    }

    #[test]
    fn a_hole_is_a_hole_until_it_is_filled() {
        let mut kept = Kept::default();
        for number in [1, 2, 5, 4, 9] {
            assert!(kept.note(number, 0));
        }
        assert_eq!((kept.floor, kept.upto, kept.above.clone()), (1, 2, vec![(4, 5), (9, 9)]));
        assert!(kept.note(3, 0) && !kept.note(3, 0) && !kept.note(0, 0) && !kept.note(u64::MAX, 0));
        assert_eq!((kept.upto, kept.above.clone()), (5, vec![(9, 9)]));
        kept.forget_below(8);
        assert_eq!((kept.floor, kept.upto, kept.above), (8, 7, vec![(9, 9)]));
    }

    #[test]
    fn a_number_that_would_make_too_many_spans_is_not_taken() {
        let mut kept = Kept::default();
        for number in 1..=1_024 {
            assert!(kept.note(number * 2, 0));
        }
        assert!(!kept.note(4_096, 0));
        assert!(kept.note(2_049, 0) && kept.note(1, 0));
        assert_eq!((kept.upto, kept.above.len()), (2, 1_023));
    }

    proptest! {
        #[test]
        fn it_is_the_set_of_what_was_noted_and_not_forgotten(
            acts in vec((0..40_u64, 0..8_u8), 0..120),
        ) {
            let (mut kept, mut set, mut floor) = (Kept::default(), BTreeSet::new(), 1);
            for (number, act) in acts {
                if act == 0 {
                    kept.forget_below(number);
                    floor = floor.max(number);
                    set.retain(|one| *one >= floor);
                } else {
                    prop_assert_eq!(kept.note(number, 5), number >= floor && set.insert(number));
                }
                prop_assert_eq!(numbers(&kept), set.clone());
                prop_assert_eq!(kept.first(), set.first().copied());
                let again = Kept::read(kept.floor, kept.upto, kept.above.clone(), kept.latest);
                prop_assert_eq!(again, Some(Kept { oldest: None, ..kept.clone() }));
            }
        }
    }
}
