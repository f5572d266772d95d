//! What a stick hangs on: feature reports there and back, and who finds sticks. The kernel's hidraw in
//! earnest, a stick in software for tests.

use crate::model::Model;
use std::time::Duration;

/// Why a report did not pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// The stick is not there any more.
    #[error("it was unplugged")]
    Gone,
    /// It did not take the report, or did not answer; it may the next time.
    #[error("{0}")]
    Failed(String),
}

/// An open stick.
pub trait Port: Send {
    /// Sends a feature report, its id first.
    ///
    /// # Errors
    /// When the stick does not take it.
    fn set(&mut self, report: &[u8]) -> Result<(), PortError>;

    /// Reads a feature report; the buffer's first byte says which. Answers how many bytes came.
    ///
    /// # Errors
    /// When the stick does not answer.
    fn get(&mut self, buffer: &mut [u8]) -> Result<usize, PortError>;

    /// Time since some moment.
    fn now(&self) -> Duration;

    /// Waits.
    fn wait(&mut self, span: Duration);
}

impl Port for Box<dyn Port> {
    fn set(&mut self, report: &[u8]) -> Result<(), PortError> {
        self.as_mut().set(report)
    }

    fn get(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        self.as_mut().get(buffer)
    }

    fn now(&self) -> Duration {
        self.as_ref().now()
    }

    fn wait(&mut self, span: Duration) {
        self.as_mut().wait(span);
    }
}

/// A stick that is plugged in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Found {
    /// Where the system has it, such as `/dev/hidraw0`.
    pub place: String,
    /// Its serial.
    pub serial: String,
    /// What it is.
    pub model: Model,
}

/// Why a stick can't be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// This user may not.
    #[error(
        "no permission to open {0}; `p7 device udev` prints the rule that gives it: put it in \
         /etc/udev/rules.d/70-p7-devices.rules, run `udevadm control --reload && udevadm trigger`, and be in \
         the group plugdev"
    )]
    Denied(String),
    /// Anything else.
    #[error("can't open {place}: {why}")]
    Failed {
        /// Where it is.
        place: String,
        /// What the system says.
        why: String,
    },
}

/// Who finds sticks and opens them. Both may take the kernel's time-outs, so neither belongs on a thread
/// that others wait for.
pub trait Finder: Send + Sync {
    /// The sticks that are plugged in, by place.
    ///
    /// # Errors
    /// What the system says, in words.
    fn find(&self) -> Result<Vec<Found>, String>;

    /// Opens one.
    ///
    /// # Errors
    /// When that is not allowed, or it has gone.
    fn open(&self, found: &Found) -> Result<Box<dyn Port>, OpenError>;
}
