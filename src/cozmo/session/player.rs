//! Sound at the robot's pace: it says how many messages of it it has played, and few may be on their way.

use super::SessionEvent;
use crate::command::Command;
use crate::sound::SoundFrame;
use std::collections::VecDeque;
use std::time::Duration;

/// Sounds sent and not played yet. The robot holds 14, and 8,192 bytes of sounds and pictures together: 9
/// and the longest picture fit.
const IN_FLIGHT: u32 = 9;
/// Most sounds that wait: 45 s, more than 300 characters take.
const WAITING_LIMIT: usize = 1350;
/// Silences after the last sound, so that it does not end with a click.
const SILENCES: u8 = 2;
/// Sound that has not moved for so long is given up.
const STALLED_AFTER: Duration = Duration::from_secs(3);
/// A count that is lower than the last by less than this is an old message that came late.
const LATE_COUNTS: i32 = 1000;

#[derive(Debug, Default)]
pub(super) struct Player {
    waiting: VecDeque<SoundFrame>,
    silences: u8,
    in_flight: u32,
    /// The robot's count, once it has said it.
    count: Option<i32>,
    /// When sound last moved.
    moved: Duration,
    event: Option<SessionEvent>,
}

impl Player {
    /// Takes all of it or nothing.
    pub(super) fn take(&mut self, frames: impl Iterator<Item = SoundFrame>, now: Duration) -> bool {
        let before = self.waiting.len();
        self.waiting.extend(frames.take(WAITING_LIMIT + 1 - before.min(WAITING_LIMIT)));
        if self.waiting.len() > WAITING_LIMIT {
            self.waiting.truncate(before);
            return false;
        }
        if self.waiting.len() > before {
            if self.in_flight == 0 {
                self.moved = now;
            }
            self.silences = SILENCES;
        }
        true
    }

    pub(super) fn is_playing(&self) -> bool {
        self.in_flight > 0 || self.has_more()
    }

    /// The robot's count of what it has played.
    pub(super) fn played(&mut self, count: i32, now: Duration) {
        let Some(before) = self.count else {
            self.count = Some(count);
            self.moved = now;
            return;
        };
        let passed = count.wrapping_sub(before);
        if passed < 0 && passed > -LATE_COUNTS {
            return;
        }
        self.count = Some(count);
        if passed == 0 || self.in_flight == 0 {
            return;
        }
        self.moved = now;
        // a robot that counts from anew has nothing of ours any more
        let played = u32::try_from(passed).unwrap_or(self.in_flight);
        self.in_flight = self.in_flight.saturating_sub(played);
        if !self.is_playing() {
            self.event = Some(SessionEvent::Played);
        }
    }

    pub(super) fn due(&mut self, now: Duration) -> Option<Command> {
        if self.is_playing() && now >= self.moved + STALLED_AFTER {
            self.waiting.clear();
            self.silences = 0;
            self.in_flight = 0;
            self.event = Some(SessionEvent::Unplayed);
        }
        if self.count.is_none() || self.in_flight >= IN_FLIGHT || !self.has_more() {
            return None;
        }
        self.in_flight += 1;
        if let Some(frame) = self.waiting.pop_front() {
            return Some(Command::Sound(frame));
        }
        self.silences -= 1;
        Some(Command::Silence)
    }

    pub(super) fn event(&mut self) -> Option<SessionEvent> {
        self.event.take()
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.is_playing().then(|| self.moved + STALLED_AFTER)
    }

    fn has_more(&self) -> bool {
        !self.waiting.is_empty() || self.silences > 0
    }
}
