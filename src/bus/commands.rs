//! What one node asks another to do: told to the member, which brings it there, and handed to whoever does it.

use crate::AskError;
use actix::prelude::*;
use p7_core::vocabulary::NodeId;
use std::time::Duration;

/// The command of orders to a device; see [`DeviceOrder`](crate::DeviceOrder).
pub const DEVICE_COMMAND: &str = "device";
/// How long a command to another node may take, passing on and doing included.
pub const COMMAND_WITHIN: Duration = Duration::from_secs(8);

/// dashboard → member: another node is to do something, stated by somebody who may change things. Answered
/// within [`COMMAND_WITHIN`] with what that node says to it.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "Result<String, CommandFault>")]
pub struct CommandFor {
    /// Which node.
    pub node: NodeId,
    /// Which command.
    pub name: &'static str,
    /// Its details, as JSON.
    pub text: String,
}

/// member → whoever does it: a node of this mesh asks for something. Answered with JSON.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "Result<String, CommandFault>")]
pub struct CommandHeard {
    /// Who asks, or who passes it on.
    pub from: NodeId,
    /// Its details, as JSON.
    pub text: String,
}

/// Why a command was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandFault {
    /// There is no such thing, or no such node.
    #[error("{0}")]
    NotFound(String),
    /// It makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// It can't be done as things are.
    #[error("{0}")]
    Conflict(String),
    /// The node is away, out of reach, or busy.
    #[error("{0}")]
    Unavailable(String),
    /// No answer came in time: whether it was done is not known.
    #[error("{0}")]
    TimedOut(String),
}

impl From<AskError> for CommandFault {
    fn from(error: AskError) -> Self {
        let text = error.to_string();
        match error {
            AskError::NotFound { .. } => Self::NotFound(text),
            AskError::Invalid(_) => Self::Invalid(text),
            AskError::Conflict(_) => Self::Conflict(text),
            AskError::Unavailable(_) | AskError::Busy => Self::Unavailable(text),
        }
    }
}
