//! Questions to one peer and its answers: catching up, and commands.

use super::rollups::{self, Figured};
use super::{ASK_LIMIT, COMMAND_LIMIT, FrameError, Kind, SealError, batch, bytes, have, header, unwrapped};
use crate::mesh_id::MeshId;
use p7_core::mesh::words::{Batch, Have, Question};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Longest name of a command, in bytes.
const COMMAND_NAME_LIMIT: usize = 64;
/// What the list of what the answerer has may take of an answer; the rest is for batches.
const HAVE_SHARE: usize = ASK_LIMIT / 2;
/// Room for what an answer holds beside its batches and its list: the header and four lengths.
const OVERHEAD: usize = 64;
/// What the length before a batch takes at most.
const LENGTH_BYTES: usize = 5;

/// Something one node asks another to do. What it means is for those who send and take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Which.
    pub name: String,
    /// Its details, as JSON; at most [`COMMAND_LIMIT`] bytes.
    pub text: String,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandAnswer {
    /// It was done; what there is to say, as JSON.
    Done(String),
    /// It was not; why.
    Refused(Refusal, String),
}

/// Why a command was not done, as far as those who asked care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The node did not take it: it knows no such command, has too many, or can't pass it on. Nothing was done.
    NotTaken,
    /// There is no such thing as it is about.
    NotFound,
    /// It makes no sense.
    Invalid,
    /// Not as things are.
    Conflict,
    /// Not now.
    Unavailable,
}

/// By their codes, from 1; 0 is done.
const REFUSALS: [Refusal; 5] =
    [Refusal::NotTaken, Refusal::NotFound, Refusal::Invalid, Refusal::Conflict, Refusal::Unavailable];

/// What a peer asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// For facts.
    Question(Question),
    /// To do something.
    Command(Command),
}

/// What a peer answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    /// Facts.
    CaughtUp(CaughtUp),
    /// What came of a command.
    Command(CommandAnswer),
    /// A page of figures.
    Figured(Figured),
}

/// The facts that were lacked, each batch verified.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CaughtUp {
    /// The batches.
    pub batches: Vec<Batch>,
    /// What the answerer has.
    pub have: Vec<Have>,
    /// How many facts are of a kind that a newer release has added.
    pub skipped: u32,
    /// How many batches are of a wire version or kind that a newer release has added.
    pub unknown: u32,
    /// How many batches are not what they should be: not signed, or broken.
    pub refused: u32,
}

#[derive(Serialize, Deserialize)]
struct CaughtUpV1<'a> {
    have: &'a [u8],
    #[serde(borrow)]
    batches: Vec<&'a [u8]>,
}

#[derive(Serialize, Deserialize)]
struct CommandV1<'a> {
    name: &'a str,
    text: &'a str,
}

#[derive(Serialize, Deserialize)]
struct CommandAnswerV1<'a> {
    /// 0 done; else the place in [`REFUSALS`] and one. Before there were others all refusals had 1.
    outcome: u8,
    text: &'a str,
}

/// A question for what this node lacks.
pub fn ask_catch_up(have: &[Have], wire: u8) -> Result<Vec<u8>, SealError> {
    let mut frame = header(Kind::CatchUp, wire)?.to_vec();
    frame.extend(have::write(have, ASK_LIMIT - OVERHEAD)?);
    Ok(frame)
}

/// A command.
pub fn ask_command(command: &Command, wire: u8) -> Result<Vec<u8>, SealError> {
    let Command { name, text } = command;
    for (what, text, limit) in
        [("a command's name", name, COMMAND_NAME_LIMIT), ("a command", text, COMMAND_LIMIT)]
    {
        if text.len() > limit {
            return Err(SealError::TooLarge { what, bytes: text.len(), limit });
        }
    }
    framed(Kind::Command, wire, &CommandV1 { name, text })
}

/// An answer with as many of the sealed batches as fit, in their order, and what this node has; and
/// how many batches those are.
pub fn answer_catch_up(sealed: &[Arc<[u8]>], have: &[Have], wire: u8) -> Result<(Vec<u8>, usize), SealError> {
    let have = have::write(have, HAVE_SHARE)?;
    let mut room = ASK_LIMIT - OVERHEAD - have.len();
    let fits = |batch: &&Arc<[u8]>| {
        let taken = room.checked_sub(batch.len() + LENGTH_BYTES);
        room = taken.unwrap_or(0);
        taken.is_some()
    };
    let batches: Vec<&[u8]> = sealed.iter().take_while(fits).map(AsRef::as_ref).collect();
    let count = batches.len();
    Ok((framed(Kind::CaughtUp, wire, &CaughtUpV1 { have: &have, batches })?, count))
}

/// The answer to a command.
pub fn answer_command(answer: &CommandAnswer, wire: u8) -> Result<Vec<u8>, SealError> {
    let (outcome, text) = match answer {
        CommandAnswer::Done(text) => (0, text),
        CommandAnswer::Refused(why, text) => (1 + bytes::code(&REFUSALS, why), text),
    };
    if text.len() > COMMAND_LIMIT {
        let (what, bytes, limit) = ("an answer to a command", text.len(), COMMAND_LIMIT);
        return Err(SealError::TooLarge { what, bytes, limit });
    }
    framed(Kind::CommandAnswer, wire, &CommandAnswerV1 { outcome, text })
}

pub(super) fn framed(kind: Kind, wire: u8, body: &impl Serialize) -> Result<Vec<u8>, SealError> {
    let mut frame = header(kind, wire)?.to_vec();
    bytes::append(&mut frame, body)?;
    Ok(frame)
}

/// Reads what a peer asks.
pub fn open_question(frame: &[u8]) -> Result<Asked, FrameError> {
    let (kind, _wire, body) = unwrapped(frame, ASK_LIMIT)?;
    match kind {
        Kind::CatchUp => Ok(Asked::Question(Question::CatchUp { have: have::read(body)? })),
        Kind::Command => {
            let read: CommandV1<'_> = bytes::decode(body, "a command")?;
            Ok(Asked::Command(Command {
                name: bytes::text(read.name, COMMAND_NAME_LIMIT, "a command's name")?.to_owned(),
                text: bytes::text(read.text, COMMAND_LIMIT, "a command's text")?.to_owned(),
            }))
        }
        Kind::Figures => Ok(Asked::Question(Question::Figures(rollups::read_question(body)?))),
        Kind::Beat | Kind::Batch | Kind::Suspicion | Kind::CaughtUp | Kind::CommandAnswer | Kind::Figured => {
            Err(FrameError::Kind(kind as u8))
        }
    }
}

/// Reads what a peer answers, and verifies each batch in it: about 50 µs each.
pub fn open_answer(frame: &[u8], mesh: &MeshId) -> Result<Answered, FrameError> {
    let (kind, _wire, body) = unwrapped(frame, ASK_LIMIT)?;
    match kind {
        Kind::CaughtUp => caught_up(body, mesh).map(Answered::CaughtUp),
        Kind::CommandAnswer => {
            let read: CommandAnswerV1<'_> = bytes::decode(body, "an answer to a command")?;
            let text = bytes::text(read.text, COMMAND_LIMIT, "an answer's text")?.to_owned();
            match read.outcome {
                0 => Ok(Answered::Command(CommandAnswer::Done(text))),
                // one that a newer release has added is as good as any
                code => {
                    let why = bytes::coded(&REFUSALS, code - 1).unwrap_or(Refusal::Conflict);
                    Ok(Answered::Command(CommandAnswer::Refused(why, text)))
                }
            }
        }
        Kind::Figured => rollups::read_answer(body).map(Answered::Figured),
        Kind::Beat | Kind::Batch | Kind::Suspicion | Kind::CatchUp | Kind::Command | Kind::Figures => {
            Err(FrameError::Kind(kind as u8))
        }
    }
}

fn caught_up(body: &[u8], mesh: &MeshId) -> Result<CaughtUp, FrameError> {
    let read: CaughtUpV1<'_> = bytes::decode(body, "an answer")?;
    let mut caught_up = CaughtUp { have: have::read(read.have)?, ..CaughtUp::default() };
    for sealed in read.batches {
        match batch::open_batch(sealed, mesh) {
            Ok(opened) => {
                caught_up.skipped += opened.skipped;
                caught_up.batches.push(opened.batch);
            }
            Err(error) if error.is_of_another_release() => caught_up.unknown += 1,
            Err(_broken) => caught_up.refused += 1,
        }
    }
    Ok(caught_up)
}
