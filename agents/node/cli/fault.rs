//! Why a command did not do what it was asked, and with which code the process ends.

use std::io;
use std::process::ExitCode;

/// How a command ended that could answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Fine: exit code 0.
    Fine,
    /// What was asked is not so: exit code 1.
    NotSo,
    /// A configuration has faults, which have been shown: exit code 2.
    Faulty,
}

/// Why a command could not answer; a sentence for standard error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The node understood and says that it is not so.
    #[error("{0}")]
    NotSo(String),
    /// The command was used wrongly, or a configuration is wrong.
    #[error("{0}")]
    Use(String),
    /// No answer from the node.
    #[error("{0}")]
    Unreachable(String),
    /// Standard output can't be written.
    #[error("can't write the output: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// The exit code of the contract: 1 not so, 2 wrong use or configuration, 3 node not reached.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::NotSo(_) | Self::Output(_) => 1,
            Self::Use(_) => 2,
            Self::Unreachable(_) => 3,
        }
    }
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Fine => Self::SUCCESS,
            Answer::NotSo => Self::from(1),
            Answer::Faulty => Self::from(2),
        }
    }
}
