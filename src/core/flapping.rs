//! Flapping, after Nagios ("Detection and Handling of State Flapping"): the weighted share of state
//! changes over the last 21 cycles; newer changes weigh up to half as much again as the oldest.

use crate::status::Verdict;

/// How many verdicts are looked at.
pub const FLAPPING_VERDICTS: usize = 21;
/// Flapping begins at this share of changes, in per mille.
const BEGINS_AT: u32 = 500;
/// It ends below this share.
const ENDS_BELOW: u32 = 250;
/// Weight of the oldest possible change, in per mille; the newest has 1200.
const OLDEST_WEIGHT: u32 = 800;

/// Whether a service flaps, given whether it did before; `verdicts` oldest first.
/// With fewer than 21 verdicts the missing ones count as no change.
pub fn flaps(before: bool, verdicts: impl DoubleEndedIterator<Item = Verdict>) -> bool {
    let share = changes_per_mille(verdicts);
    if before { share >= ENDS_BELOW } else { share >= BEGINS_AT }
}

fn changes_per_mille(verdicts: impl DoubleEndedIterator<Item = Verdict>) -> u32 {
    let transitions = u32::try_from(FLAPPING_VERDICTS - 1).unwrap_or(20);
    let mut total = 0;
    let mut newer: Option<bool> = None;
    for (age, verdict) in (0..=transitions).zip(verdicts.rev()) {
        let failed = verdict == Verdict::Failed;
        if newer.is_some_and(|newer| newer != failed) {
            // the newest change has age 1 here
            let position = transitions - age;
            total += OLDEST_WEIGHT + 400 * position / (transitions - 1);
        }
        newer = Some(failed);
    }
    total / transitions
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Failed, Passed};

    fn share(states: &[Verdict]) -> u32 {
        changes_per_mille(states.iter().copied())
    }

    #[test]
    fn the_newest_change_weighs_half_as_much_again_as_the_oldest() {
        let mut oldest = vec![Passed; 21];
        oldest[0] = Failed;
        let mut newest = vec![Passed; 21];
        newest[20] = Failed;
        assert_eq!(share(&oldest), 800 / 20);
        assert_eq!(share(&newest), 1200 / 20);
        assert_eq!(share(&[Passed; 21]), 0);
        assert_eq!(share(&[]), 0);
    }

    #[test]
    fn a_change_at_every_cycle_is_all_of_it() {
        let states: Vec<_> = (0..21).map(|n| if n % 2 == 0 { Passed } else { Failed }).collect();
        assert!((990..=1000).contains(&share(&states)), "{}", share(&states));
    }

    #[test]
    fn flapping_begins_at_half_and_ends_below_a_quarter() {
        let with_changes = |n: usize| {
            let mut state = Passed;
            let mut states = vec![Passed; 21 - n];
            for _ in 0..n {
                state = if state == Passed { Failed } else { Passed };
                states.push(state);
            }
            states
        };
        let flap = |before, n| flaps(before, with_changes(n).into_iter());
        assert!(!flap(false, 8));
        assert!(flap(false, 10));
        assert!(flap(true, 6));
        assert!(!flap(true, 3));
    }

    #[test]
    fn partial_is_not_a_change_of_state() {
        let states: Vec<_> = (0..21).map(|n| if n % 2 == 0 { Passed } else { Verdict::Partial }).collect();
        assert_eq!(share(&states), 0);
    }
}
