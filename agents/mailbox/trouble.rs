//! Why a mailbox can't be read, in words that say what to do.

use async_imap::error::Error as ImapError;
use std::time::Duration;

/// Longest text of a server that is repeated, in characters.
const SHOWN_LIMIT: usize = 200;

/// Why a mailbox can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    /// A secret, a certificate or a token file can't be had on this node.
    #[error("{0}")]
    NotHere(String),
    /// No connection.
    #[error("can't reach {at}: {why}")]
    Unreachable {
        /// Host and port.
        at: String,
        /// What happened.
        why: String,
    },
    /// No trusted connection.
    #[error("no trusted connection to {at}: {why}; a private authority's certificate goes into `ca_file`")]
    Untrusted {
        /// Host and port.
        at: String,
        /// What is wrong with it.
        why: String,
    },
    /// The login was refused.
    #[error("the server refuses the login of {user}: {why}; check `user` and the secret")]
    Login {
        /// Whose.
        user: String,
        /// What the server said.
        why: String,
    },
    /// No access token.
    #[error("no access token from {at}: {why}")]
    Token {
        /// The token endpoint's host.
        at: String,
        /// What it said.
        why: String,
    },
    /// The server refused a command.
    #[error("the server refuses {command}: {why}")]
    Refused {
        /// Which.
        command: String,
        /// What the server said.
        why: String,
    },
    /// A command got no answer in time.
    #[error("no answer to {command} within {} s", .within.as_secs())]
    Slow {
        /// Which.
        command: String,
        /// How long was waited.
        within: Duration,
    },
    /// The connection broke, or what came over it is no IMAP.
    #[error("the connection was lost at {command}: {why}")]
    Lost {
        /// At which command.
        command: String,
        /// What happened.
        why: String,
    },
    /// The folder began anew with a lesser validity than before.
    #[error(
        "the server's UIDVALIDITY of {folder} went back from {before} to {now}; its mails are only counted until it grows"
    )]
    WentBack {
        /// Which folder.
        folder: String,
        /// The validity that is known.
        before: u32,
        /// The server's.
        now: u32,
    },
}

impl Trouble {
    /// What `command` ran into.
    pub(crate) fn of(command: &str, error: &ImapError) -> Self {
        let command = command.to_owned();
        if let ImapError::No(why) | ImapError::Bad(why) = error {
            return Self::Refused { command, why: shown(why) };
        }
        Self::Lost { command, why: shown(&error.to_string()) }
    }

    /// Whether trying again soon would only be refused again, or lock somebody out.
    pub(crate) fn is_lasting(&self) -> bool {
        match self {
            Self::NotHere(_)
            | Self::Untrusted { .. }
            | Self::Login { .. }
            | Self::Token { .. }
            | Self::WentBack { .. } => true,
            Self::Unreachable { .. } | Self::Refused { .. } | Self::Slow { .. } | Self::Lost { .. } => false,
        }
    }
}

/// A server's text, bounded and harmless.
pub(crate) fn shown(text: &str) -> String {
    let harmless = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    harmless.take(SHOWN_LIMIT).collect::<String>().trim().to_owned()
}
