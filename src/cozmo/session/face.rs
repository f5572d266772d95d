//! What the robot's face shows, and when it must be shown again.

use crate::picture::Picture;
use std::collections::VecDeque;
use std::time::Duration;

/// The robot shows a picture for 30 s at most; it is sent again long before.
const AGAIN_AFTER: Duration = Duration::from_secs(10);
/// Most pictures that wait to be shown for a while.
const INTERRUPTIONS_LIMIT: usize = 8;

/// A picture that stays, and those that interrupt it.
#[derive(Debug, Default)]
pub(super) struct Face {
    stays: Picture,
    interrupting: VecDeque<(Picture, Duration)>,
    /// Until when the first of those is shown.
    until: Option<Duration>,
    /// When what is shown must be sent; none when the robot shows it, or nothing is to be shown.
    send_at: Option<Duration>,
}

impl Face {
    pub(super) fn show(&mut self, picture: &Picture, now: Duration) {
        if *picture != self.stays {
            self.stays = picture.clone();
            if self.interrupting.is_empty() {
                self.send_at = Some(now);
            }
        }
    }

    /// What interrupted before is over.
    pub(super) fn interrupt(&mut self, pictures: Vec<(Picture, Duration)>, now: Duration) {
        self.interrupting = pictures.into_iter().take(INTERRUPTIONS_LIMIT).collect();
        self.until = self.interrupting.front().map(|(_, span)| now + *span);
        self.send_at = Some(now);
    }

    /// The picture to send now.
    pub(super) fn due(&mut self, now: Duration) -> Option<Vec<u8>> {
        while self.until.is_some_and(|until| now >= until) {
            self.interrupting.pop_front();
            self.until = self.interrupting.front().map(|(_, span)| now + *span);
            self.send_at = Some(now);
        }
        self.send_at.filter(|at| now >= *at)?;
        let picture = self.interrupting.front().map_or(&self.stays, |(picture, _)| picture);
        self.send_at = (!picture.is_blank()).then(|| now + AGAIN_AFTER);
        picture.encode().ok()
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        [self.until, self.send_at].into_iter().flatten().min()
    }
}
