//! What a count is held against: limits, and the counts of the checks before. Pure: no clock.

use std::collections::VecDeque;

/// Most checks in a row that may be asked for, so what is remembered of a service stays below a kilobyte.
pub(crate) const RISES_LIMIT: usize = 20;
/// A count older than so many intervals is forgotten: after a night's sleep "since the last check" would
/// compare with yesterday.
pub(crate) const AGE_LIMIT: u64 = 10;

/// What a count must keep to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Limits {
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    /// So many times the count of the last check is too much.
    pub(crate) factor: Option<f64>,
    /// So many checks in a row, each above the one before, are too many.
    pub(crate) rises: Option<u8>,
    /// Counts below this change as they like.
    pub(crate) rate_from: f64,
}

/// The counts of the last checks, oldest first, each with the number of its slot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    counts: VecDeque<(u64, f64)>,
}

impl Memory {
    /// Holds `count`, seen in `slot`, against the limits and the slots before, and remembers it. Says what
    /// is wrong with it. A second look within a slot takes the place of the first: it is the same check.
    pub(crate) fn look(&mut self, slot: u64, count: f64, limits: &Limits) -> Option<String> {
        while self.counts.back().is_some_and(|(known, _)| *known >= slot) {
            self.counts.pop_back();
        }
        while self.counts.front().is_some_and(|(known, _)| slot - known > AGE_LIMIT.max(RISES_LIMIT as u64)) {
            self.counts.pop_front();
        }
        let found = limits.beyond(count).or_else(|| self.changed(slot, count, limits));
        self.counts.push_back((slot, count));
        if self.counts.len() > RISES_LIMIT + 1 {
            self.counts.pop_front();
        }
        found
    }

    fn changed(&self, slot: u64, count: f64, limits: &Limits) -> Option<String> {
        if count < limits.rate_from {
            return None;
        }
        let last = self.counts.back().filter(|(known, _)| slot - known <= AGE_LIMIT).map(|(_, count)| *count);
        if let (Some(factor), Some(last)) = (limits.factor, last)
            && count > last
            && count >= last * factor
        {
            return Some(format!("{count}, after {last} at the last check: {factor} times as many or more"));
        }
        let asked = usize::from(limits.rises?);
        let rises = self.rises(slot, count);
        (rises >= asked).then(|| format!("{count}, the rise number {rises} in a row"))
    }

    /// How many checks in a row, this one included, were each above the one before.
    fn rises(&self, slot: u64, count: f64) -> usize {
        let mut above = (slot, count);
        let mut rises = 0;
        for (known, before) in self.counts.iter().rev() {
            if *before >= above.1 || above.0 - known > AGE_LIMIT {
                break;
            }
            rises += 1;
            above = (*known, *before);
        }
        rises
    }
}

impl Limits {
    fn beyond(&self, count: f64) -> Option<String> {
        if let Some(max) = self.max.filter(|max| count > *max) {
            return Some(format!("{count}, more than {max}"));
        }
        let min = self.min.filter(|min| count < *min)?;
        Some(format!("{count}, less than {min}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is said of each check, one a slot; `ok` for nothing.
    fn said(limits: Limits, counts: &[(u64, f64)]) -> Vec<String> {
        let mut memory = Memory::default();
        let look = |(slot, count): &(u64, f64)| memory.look(*slot, *count, &limits);
        counts.iter().map(look).map(|found| found.unwrap_or_else(|| "ok".to_owned())).collect()
    }

    fn one_a_slot(counts: &[f64]) -> Vec<(u64, f64)> {
        (100..).zip(counts.iter().copied()).collect()
    }

    #[test]
    fn a_count_is_held_against_both_limits() {
        let limits = Limits { min: Some(2.0), max: Some(5.0), ..Limits::default() };
        let found = said(limits, &one_a_slot(&[1.0, 2.0, 5.0, 6.0]));
        assert_eq!(found, ["1, less than 2", "ok", "ok", "6, more than 5"]);
    }

    #[test]
    fn a_count_that_doubled_since_the_last_check_is_told_once() {
        let limits = Limits { factor: Some(2.0), rate_from: 4.0, ..Limits::default() };
        let found = said(limits, &one_a_slot(&[1.0, 3.0, 5.0, 10.0, 11.0, 5.0]));
        assert_eq!(
            found,
            ["ok", "ok", "ok", "10, after 5 at the last check: 2 times as many or more", "ok", "ok"]
        );
        // from nothing to something is more than any factor, nothing to nothing is no rise
        let found = said(Limits { rate_from: 0.0, ..limits }, &one_a_slot(&[0.0, 0.0, 1.0]));
        assert_eq!(found[..2], ["ok", "ok"]);
        assert!(found[2].starts_with("1, after 0"), "{found:?}");
    }

    #[test]
    fn a_second_look_in_a_slot_is_held_against_the_slot_before() {
        let limits = Limits { factor: Some(2.0), ..Limits::default() };
        let found = said(limits, &[(1, 5.0), (2, 10.0), (2, 10.0), (2, 6.0), (3, 11.0)]);
        assert_ne!(found[1], "ok");
        assert_ne!(found[2], "ok", "a retry must not compare a count with itself");
        assert_eq!(found[3..], ["ok", "ok"]);
    }

    #[test]
    fn four_rises_in_a_row_are_told_until_the_row_ends() {
        let limits = Limits { rises: Some(4), ..Limits::default() };
        let found = said(limits, &one_a_slot(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 6.0, 7.0]));
        assert_eq!(found[..4], ["ok", "ok", "ok", "ok"]);
        assert_eq!(found[4], "5, the rise number 4 in a row");
        assert_eq!(found[5], "6, the rise number 5 in a row");
        assert_eq!(found[6..], ["ok", "ok"]);
    }

    #[test]
    fn what_is_old_is_compared_with_nothing() {
        let limits = Limits { factor: Some(2.0), rises: Some(1), ..Limits::default() };
        assert_eq!(said(limits, &[(1, 5.0), (1 + AGE_LIMIT + 1, 500.0)]), ["ok", "ok"]);
        // a clock that was set back forgets what lies ahead
        assert_eq!(said(limits, &[(100, 5.0), (50, 500.0)]), ["ok", "ok"]);
    }

    proptest! {
        #[test]
        fn memory_is_bounded_and_never_compares_with_a_later_slot(
            checks in prop::collection::vec((0u64..80, 0.0f64..1e9), 0..400),
        ) {
            let limits = Limits { factor: Some(1.5), rises: Some(3), ..Limits::default() };
            let mut memory = Memory::default();
            for (slot, count) in checks {
                memory.look(slot, count, &limits);
                prop_assert!(memory.counts.len() <= RISES_LIMIT + 1);
                prop_assert!(memory.counts.iter().zip(memory.counts.iter().skip(1)).all(|(a, b)| a.0 < b.0));
            }
        }
    }
}
