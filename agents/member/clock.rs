//! The clocks of this machine: the wall's, and one that never jumps and counts suspended time.

use p7_core::mesh::words::{Now, Steady};
use p7_core::vocabulary::{MeshTime, Millis};
use rustix::time::{ClockId, clock_gettime};
use std::time::{SystemTime, UNIX_EPOCH};

/// A wake-up that comes later than this means that the machine slept or was stopped.
pub(crate) const LATE_LIMIT: Millis = Millis(8_000);
/// The wall clock may go on by this much more or less than the steady one between two looks.
const JUMP_LIMIT: Millis = Millis(1_000);

/// The steady clock: `CLOCK_BOOTTIME`, since Rust's `Instant` stands still while the machine sleeps.
pub fn steady() -> Steady {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let millis = u64::try_from(now.tv_nsec / 1_000_000).unwrap_or_default();
    Steady(seconds.saturating_mul(1_000).saturating_add(millis))
}

/// Both clocks now.
pub(crate) fn now() -> Now {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { wall: MeshTime(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)), steady: steady() }
}

/// How time passed between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    /// As usual.
    Evenly,
    /// The machine slept, was stopped, or its clock was set.
    Jumped,
}

/// Compares two looks; the second should have come at `expected` at the latest.
pub(crate) fn passed(before: Now, now: Now, expected: Steady) -> Passed {
    let steady = now.steady.since(before.steady);
    let should_be = before.wall.plus(steady);
    let off = now.wall.since(should_be).max(should_be.since(now.wall));
    if now.steady.since(expected) > LATE_LIMIT || off > JUMP_LIMIT { Passed::Jumped } else { Passed::Evenly }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steady_clock_goes_on() {
        let first = steady();
        let second = steady();
        assert!(first <= second && first > Steady(0));
    }

    #[test]
    fn sleep_and_a_clock_that_is_set_are_jumps_and_a_busy_machine_is_not() {
        let at =
            |wall: u64, steady: u64| Now { wall: MeshTime(1_000_000 + wall), steady: Steady(5_000 + steady) };
        let after =
            |wall, steady, expected: u64| passed(at(0, 0), at(wall, steady), Steady(5_000 + expected));
        assert_eq!(after(2_000, 2_000, 2_000), Passed::Evenly);
        assert_eq!(after(9_900, 9_900, 2_000), Passed::Evenly);
        assert_eq!(after(11_000, 11_000, 2_000), Passed::Jumped);
        assert_eq!(after(3_600_000, 2_000, 2_000), Passed::Jumped);
        assert_eq!(after(0, 2_000, 2_000), Passed::Jumped);
    }
}
