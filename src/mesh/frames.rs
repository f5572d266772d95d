//! The wire format: what one node tells another, in frames of a version and a kind.
//!
//! A frame is `[0x50, wire version, kind]` and a body. The body of a gossiped frame is its author's
//! peer id, the author's signature, and what is said; that of a question or an answer is what is said,
//! since the connection proves who speaks. What is said is a struct of this folder in bincode, apart
//! from the core's types and frozen: codes are only added, and a changed struct is a new one under the
//! next wire version. Several versions are written and read, so that neighbouring releases work together:
//! 1 is the first; 2 adds to beats whether a node is cut off and a digest; 3 adds questions for figures
//! and takes a number out of suspicions.
//!
//! A frame of an unknown version or kind is no fault of the peer's: it is counted and skipped.
//!
//! Everything is bounded before it is decoded, and no byte may be left over.

mod batch;
mod beat;
mod bytes;
mod devices;
mod error;
mod facts;
mod have;
mod long;
mod questions;
mod results;
mod rollups;
mod sealed;
mod suspicion;

pub use batch::{Opened, open_batch, seal_batch};
pub use beat::seal_beat;
pub use error::{FrameError, SealError};
pub use questions::{
    Answered, Asked, CaughtUp, Command, CommandAnswer, Refusal, answer_catch_up, answer_command,
    ask_catch_up, ask_command, open_answer, open_question,
};
pub use rollups::{FIGURES_LIMIT, Figured, answer_figures, ask_figures};
pub use suspicion::seal_suspicion;

use crate::mesh_id::MeshId;
use p7_core::mesh::words::{Beat, Suspicion};

/// What every frame begins with: a P.
const MAGIC: u8 = 0x50;
/// The oldest wire version that is written and read.
pub const OLDEST_WIRE: u8 = 1;
/// The newest. A node writes the least of its live peers' newest.
pub const NEWEST_WIRE: u8 = 3;

/// Largest gossiped frame, in bytes: a batch with a configuration, and its seal.
pub const GOSSIP_LIMIT: usize = 256 * 1024;
/// Largest frame of a question or an answer, in bytes: as much as is taken into memory per request.
pub const ASK_LIMIT: usize = 256 * 1024;
/// Largest body of a batch, in bytes: gossip passes it on a few times, so it should not hold up beats.
pub const BATCH_LIMIT: usize = 48 * 1024;
/// Largest body of a batch that holds one configuration and nothing else, in bytes.
pub const CONFIGURATION_BATCH_LIMIT: usize = 192 * 1024;
/// So many results fit into a batch whatever they are: a reason, a service's id and what else there is
/// take less than 450 bytes.
pub const RESULTS_THAT_FIT: usize = 100;
/// Longest text of a configuration, in bytes, inflated.
pub const CONFIGURATION_LIMIT: usize = 1024 * 1024;
/// Most sequences in a list of what a node has: 1,000 authors in a few lives each.
pub const HAVE_LIMIT: usize = 8_192;
/// Most spans above the gap that are told of one sequence; further ones are asked for again.
pub const SPANS_LIMIT: usize = 64;
/// Longest text of a command or its answer, in bytes.
pub const COMMAND_LIMIT: usize = 16 * 1024;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// A sign of life.
    Beat = 1,
    /// Facts.
    Batch = 2,
    /// A probe that does not come back.
    Suspicion = 3,
    /// Give me what I lack.
    CatchUp = 16,
    /// Here it is.
    CaughtUp = 17,
    /// Do something.
    Command = 18,
    /// What came of it.
    CommandAnswer = 19,
    /// Give me figures of the past.
    Figures = 20,
    /// Here they are.
    Figured = 21,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Beat,
        Self::Batch,
        Self::Suspicion,
        Self::CatchUp,
        Self::CaughtUp,
        Self::Command,
        Self::CommandAnswer,
        Self::Figures,
        Self::Figured,
    ];

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Beat => "beat",
            Self::Batch => "batch",
            Self::Suspicion => "suspicion",
            Self::CatchUp => "catch_up",
            Self::CaughtUp => "caught_up",
            Self::Command => "command",
            Self::CommandAnswer => "command_answer",
            Self::Figures => "figures",
            Self::Figured => "figured",
        }
    }

    /// The kind that a frame says it is of, without opening it.
    pub fn of(frame: &[u8]) -> Option<Self> {
        let code = frame.get(2)?;
        Self::ALL.into_iter().find(|kind| *kind as u8 == *code)
    }
}

/// What was gossiped, after its author's signature was verified.
#[derive(Debug, Clone, PartialEq)]
pub enum Gossip {
    /// A sign of life.
    Beat(Beat),
    /// Facts.
    Batch(Opened),
    /// A probe that does not come back.
    Suspicion(Suspicion),
}

/// Opens a gossiped frame: what it says is its author's own.
pub fn open_gossip(frame: &[u8], mesh: &MeshId) -> Result<Gossip, FrameError> {
    let opened = sealed::open(frame, mesh)?;
    match opened.kind {
        Kind::Beat => beat::read(&opened).map(Gossip::Beat),
        Kind::Batch => batch::read(&opened, frame).map(Gossip::Batch),
        Kind::Suspicion => suspicion::read(&opened).map(Gossip::Suspicion),
        Kind::CatchUp
        | Kind::CaughtUp
        | Kind::Command
        | Kind::CommandAnswer
        | Kind::Figures
        | Kind::Figured => Err(FrameError::Kind(opened.kind as u8)),
    }
}

/// Writes something that is no frame but lies outside of the process, too; empty if it can't be.
pub(crate) fn encode_plain(value: &impl serde::Serialize) -> Vec<u8> {
    bytes::encode(value).unwrap_or_default()
}

/// Reads it.
pub(crate) fn decode_plain<'a, T: serde::Deserialize<'a>>(written: &'a [u8]) -> Option<T> {
    bytes::decode(written, "it").ok()
}

/// A frame's kind, version and body.
fn unwrapped(frame: &[u8], limit: usize) -> Result<(Kind, u8, &[u8]), FrameError> {
    if frame.len() > limit {
        return Err(FrameError::TooLarge { bytes: frame.len(), limit });
    }
    let [MAGIC, wire, code, body @ ..] = frame else {
        return Err(FrameError::NotAFrame);
    };
    if !(OLDEST_WIRE..=NEWEST_WIRE).contains(wire) {
        return Err(FrameError::Version(*wire));
    }
    let kind = Kind::of(frame).ok_or(FrameError::Kind(*code))?;
    Ok((kind, *wire, body))
}

/// The first bytes of a frame.
fn header(kind: Kind, wire: u8) -> Result<[u8; 3], SealError> {
    if (OLDEST_WIRE..=NEWEST_WIRE).contains(&wire) {
        Ok([MAGIC, wire, kind as u8])
    } else {
        Err(SealError::Version(wire))
    }
}
