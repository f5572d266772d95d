//! The wall clock, and whether it or the machine jumped: a laptop that slept must accuse nobody.

use p7_core::vocabulary::{MeshTime, Millis};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A turn that comes later than this means the machine slept or was stopped.
const LATE_LIMIT: Duration = Duration::from_secs(8);
/// The wall clock and the monotonic one may differ by this much between two turns; clock discipline
/// slews by at most half a millisecond a second.
const DRIFT_LIMIT: Duration = Duration::from_secs(1);

/// Tells the wall-clock time; made up in tests.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> MeshTime + Send + Sync>);

impl Clock {
    /// The machine's own.
    pub fn system() -> Self {
        Self(Arc::new(wall))
    }

    /// One that tells what `now` says.
    pub fn telling(now: impl Fn() -> MeshTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time.
    pub fn now(&self) -> MeshTime {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({:?})", self.now())
    }
}

/// The machine's wall clock.
pub(crate) fn wall() -> MeshTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    MeshTime(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// What happened to time between two turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    /// It passed as usual.
    Evenly,
    /// The machine slept or was stopped: the turn came far too late.
    Slept(Duration),
    /// The wall clock went on while the monotonic one stood: the machine slept, or the clock was set.
    JumpedAhead(Millis),
    /// The wall clock was set back.
    JumpedBack(Millis),
}

/// Both clocks as they stood at the last turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watchman {
    wall: MeshTime,
    /// Of a clock that never jumps, from any start.
    steady: Duration,
}

impl Watchman {
    pub(crate) fn new(wall: MeshTime, steady: Duration) -> Self {
        Self { wall, steady }
    }

    /// Notes both clocks; `expected` is when this turn should have come, by the steady one.
    pub(crate) fn turn(&mut self, wall: MeshTime, steady: Duration, expected: Duration) -> Passed {
        let passed = steady.saturating_sub(self.steady);
        let should_be = self.wall.plus(Millis(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)));
        *self = Self { wall, steady };
        let limit = Millis(u64::try_from(DRIFT_LIMIT.as_millis()).unwrap_or(u64::MAX));
        let late = steady.saturating_sub(expected);
        if wall.since(should_be) > limit {
            Passed::JumpedAhead(wall.since(should_be))
        } else if should_be.since(wall) > limit {
            Passed::JumpedBack(should_be.since(wall))
        } else if late > LATE_LIMIT {
            Passed::Slept(late)
        } else {
            Passed::Evenly
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: MeshTime = MeshTime(1_700_000_000_000);

    /// What a turn says after `wall_ms` and `steady_ms`, when it should have come after `expected_ms`.
    fn after(wall_ms: i64, steady_ms: u64, expected_ms: u64) -> Passed {
        let start = Duration::from_secs(100);
        let mut watchman = Watchman::new(NOON, start);
        let wall = MeshTime(NOON.0.saturating_add_signed(wall_ms));
        let at = |ms| start + Duration::from_millis(ms);
        watchman.turn(wall, at(steady_ms), at(expected_ms))
    }

    #[test]
    fn time_that_passes_on_both_clocks_is_no_jump_however_busy_the_machine_is() {
        assert_eq!(after(1000, 1000, 1000), Passed::Evenly);
        assert_eq!(after(8900, 8900, 1000), Passed::Evenly);
        assert_eq!(after(1999, 1000, 1000), Passed::Evenly);
        assert_eq!(after(1, 1000, 1000), Passed::Evenly);
    }

    #[test]
    fn a_suspended_machine_is_noticed_though_its_steady_clock_stood_still() {
        assert_eq!(after(3_600_000, 1000, 1000), Passed::JumpedAhead(Millis(3_599_000)));
    }

    #[test]
    fn a_stopped_process_is_noticed_by_its_late_turn() {
        assert_eq!(after(10_000, 10_000, 1000), Passed::Slept(Duration::from_secs(9)));
    }

    #[test]
    fn a_clock_set_back_is_noticed() {
        assert_eq!(after(-60_000, 1000, 1000), Passed::JumpedBack(Millis(61_000)));
    }
}
