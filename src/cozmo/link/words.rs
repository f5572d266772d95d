//! What a link says: events, why it ended, why it takes no more, what it has seen.

use super::QUEUE_LIMIT;
use crate::frame::MESSAGE_LIMIT;
use std::time::Duration;

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The robot takes less than it is given.
    #[error("{QUEUE_LIMIT} messages wait for the robot already")]
    Full,
    /// It does not fit into one frame.
    #[error("a message of {0} bytes is longer than {MESSAGE_LIMIT}")]
    TooLong(usize),
    /// The link is closing or over.
    #[error("the connection to the robot is over")]
    Over,
}

/// Why a link is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ending {
    /// Nobody answered the connection request.
    #[error("no answer: is the robot on, and this machine in its Wi-Fi?")]
    NoAnswer,
    /// It answered once and then fell silent.
    #[error("nothing heard for 5 s")]
    Silence,
    /// The robot ended the connection.
    #[error("the robot ended the connection")]
    Left,
    /// We did.
    #[error("disconnected")]
    Closed,
}

/// What happened on a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    /// The robot has taken the connection.
    Opened,
    /// A message of the robot, each reliable one once and in order: a tag and its fields.
    Message(Vec<u8>),
    /// A second of silence.
    Quiet,
    /// It is over; nothing more will be sent.
    Ended(Ending),
}

/// What a link has seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkFigures {
    /// Datagrams sent.
    pub sent: u64,
    /// Of those, repetitions.
    pub resent: u64,
    /// Frames received.
    pub received: u64,
    /// Reliable messages that came twice or out of order and were left.
    pub left: u64,
    /// Datagrams that were no frames.
    pub refused: u64,
    /// The last ping's way there and back.
    pub round_trip: Option<Duration>,
}
