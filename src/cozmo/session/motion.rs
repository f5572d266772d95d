//! Gestures of head and lift: steps, each with its time, once the motors have calibrated themselves.

use crate::command::{Command, HEAD_LOW_RAD, LIFT_LOW_MM};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a calibration takes at most; one whose end was not heard is over then.
const CALIBRATION_PATIENCE: Duration = Duration::from_secs(2);
/// Time for one movement.
const STEP: Duration = Duration::from_millis(350);

/// One movement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// The head's angle, in rad.
    Head(f32),
    /// The lift's height, in mm.
    Lift(f32),
}

/// What head and lift express.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gesture {
    /// Looks up and lifts an arm: after a connection, and when all is clear again.
    Greet,
    /// Looks up and waves: an incident.
    Alarm,
    /// Nods: the time, or something said.
    Nod,
    /// Head down, lift down.
    Rest,
}

impl Gesture {
    /// Its movements in order.
    pub fn steps(self) -> &'static [Step] {
        match self {
            Self::Greet => &[Step::Head(0.6), Step::Lift(70.0), Step::Lift(LIFT_LOW_MM), Step::Head(0.2)],
            Self::Alarm => &[
                Step::Head(0.75),
                Step::Lift(85.0),
                Step::Lift(45.0),
                Step::Lift(85.0),
                Step::Lift(LIFT_LOW_MM),
                Step::Head(0.4),
            ],
            Self::Nod => &[Step::Head(0.5), Step::Head(0.1), Step::Head(0.4)],
            Self::Rest => &[Step::Lift(LIFT_LOW_MM), Step::Head(HEAD_LOW_RAD)],
        }
    }
}

/// The movements to be made.
#[derive(Debug, Default)]
pub(super) struct Motions {
    steps: VecDeque<Step>,
    next_at: Duration,
    action: u8,
    calibrating: u8,
    calibrated_by: Duration,
}

impl Motions {
    pub(super) fn begin(&mut self, gesture: Gesture, now: Duration) {
        self.steps = gesture.steps().iter().copied().collect();
        self.next_at = self.next_at.max(now);
    }

    pub(super) fn calibration_started(&mut self, now: Duration) {
        self.calibrating = self.calibrating.saturating_add(1);
        self.calibrated_by = now + CALIBRATION_PATIENCE;
    }

    pub(super) fn calibration_finished(&mut self) {
        self.calibrating = self.calibrating.saturating_sub(1);
    }

    pub(super) fn due(&mut self, now: Duration) -> Option<Command> {
        if self.calibrating > 0 && now >= self.calibrated_by {
            self.calibrating = 0;
        }
        if self.calibrating > 0 || now < self.next_at {
            return None;
        }
        let step = self.steps.pop_front()?;
        self.next_at = now + STEP;
        // numbers of actions are 1 to 255
        self.action = self.action.checked_add(1).unwrap_or(1);
        Some(match step {
            Step::Head(angle) => Command::Head(angle, self.action),
            Step::Lift(height) => Command::Lift(height, self.action),
        })
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        if self.steps.is_empty() {
            return None;
        }
        Some(if self.calibrating > 0 { self.calibrated_by } else { self.next_at })
    }
}
