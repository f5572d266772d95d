//! When a source is asked next: at its interval, later when it is in trouble, and never before it wants.

use std::time::Duration;

/// Longest wait between two polls of a source in trouble: it is noticed within that once it is well.
const LONGEST_BACKOFF: Duration = Duration::from_secs(15 * 60);
/// Longest wait that a source may ask for; limits are lifted by the hour.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);
/// Doubling more often than this is beyond [`LONGEST_BACKOFF`] for every interval.
const DOUBLINGS: u32 = 5;

/// When a source is asked next. Times are of any clock that never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    interval: Duration,
    due: Duration,
    failures: u32,
}

/// How a poll ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With an answer, if not to every question.
    Well,
    /// With none.
    Badly,
}

impl Pace {
    /// Due at once.
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, due: Duration::ZERO, failures: 0 }
    }

    /// Whether it is time.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        self.due <= now
    }

    /// A poll begins: whatever becomes of it, the next begins no sooner than an interval later.
    pub(crate) fn begin(&mut self, now: Duration) {
        self.due = now.saturating_add(self.interval);
    }

    /// A poll ended; `wait` is what the source asked for.
    pub(crate) fn end(&mut self, ended: Ended, wait: Option<Duration>, now: Duration) {
        self.failures = match ended {
            Ended::Well => 0,
            Ended::Badly => (self.failures + 1).min(DOUBLINGS),
        };
        let backoff = match self.failures.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => self.interval.saturating_mul(1 << doublings).min(LONGEST_BACKOFF),
        };
        let pause = backoff.max(wait.unwrap_or_default().min(LONGEST_WAIT));
        self.due = self.due.max(now.saturating_add(pause));
    }

    /// How long until it is asked next.
    pub(crate) fn left(&self, now: Duration) -> Duration {
        self.due.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_source_is_asked_at_once_and_then_at_its_interval() {
        let mut pace = Pace::new(s(60));
        assert!(pace.is_due(s(0)));
        pace.begin(s(100));
        pace.end(Ended::Well, None, s(103));
        assert!(!pace.is_due(s(159)) && pace.is_due(s(160)));
    }

    #[test]
    fn trouble_doubles_the_wait_up_to_a_quarter_of_an_hour_and_success_ends_that() {
        let mut pace = Pace::new(s(60));
        let mut waits = Vec::new();
        for _ in 0..8 {
            pace.begin(s(1_000));
            pace.end(Ended::Badly, None, s(1_000));
            waits.push(pace.left(s(1_000)).as_secs());
            pace = Pace { due: s(0), ..pace };
        }
        assert_eq!(waits, [60, 120, 240, 480, 900, 900, 900, 900]);
        pace.begin(s(2_000));
        pace.end(Ended::Well, None, s(2_001));
        assert_eq!(pace.left(s(2_001)), s(59));
    }

    #[test]
    fn what_the_source_asks_for_is_honoured_within_an_hour() {
        let mut pace = Pace::new(s(60));
        pace.begin(s(0));
        pace.end(Ended::Badly, Some(s(1_200)), s(1));
        assert_eq!(pace.left(s(1)), s(1_200));
        pace.begin(s(5_000));
        pace.end(Ended::Well, Some(s(1_000_000)), s(5_000));
        assert_eq!(pace.left(s(5_000)), s(3_600));
        pace.begin(s(9_000));
        pace.end(Ended::Well, Some(s(5)), s(9_000));
        assert_eq!(pace.left(s(9_000)), s(60), "never sooner than the interval");
    }
}
