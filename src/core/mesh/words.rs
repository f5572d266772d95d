//! The mesh's words: clocks, beats, claims, facts in batches, questions and answers.

use super::devices::DevicesTold;
use crate::facts::{Acknowledgement, Deployment, Hold};
use crate::mail::MailRead;
use crate::result::ProbeResult;
use crate::rollup::Resolution;
use crate::vocabulary::{Cycle, MeshTime, Millis, NodeId, ServiceId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A moment of a clock that never jumps and counts suspended time, in milliseconds from any start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Steady(pub u64);

impl Steady {
    /// This moment and `span` more.
    #[must_use]
    pub fn plus(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }
}

/// Now, by both clocks of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// The wall clock as the system tells it, not corrected.
    pub wall: MeshTime,
    /// The steady clock.
    pub steady: Steady,
}

/// How often a node has started; kept on disk, so that a sequence is never continued after a crash that
/// may have lost its tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Boot(pub u32);

/// A term of a role: each claim's is greater than every one its claimant knew of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Term(pub u64);

/// A role that one node of the mesh holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Publishes and speaks for all.
    Leader,
    /// Watches this mailbox.
    Mailbox(String),
    /// Talks with the team.
    Persona,
}

/// A claim to a role. The greatest known one of a live node is followed: their order is the whole
/// conflict rule, so the fields stand in its order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// False for a solo claim: made alone, it serves its own side and yields to any full one.
    pub full: bool,
    /// Its term.
    pub term: Term,
    /// The claimant's configured priority.
    pub priority: u8,
    /// The claimant.
    pub node: NodeId,
}

/// A node's standing towards one role it could hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// The role.
    pub role: Role,
    /// Whether it could do the work right now.
    pub fit: bool,
    /// The greatest term it has ever seen.
    pub highest: Term,
    /// Its own claim.
    pub claim: Option<Claim>,
    /// Whom it asks to take over.
    pub yields_to: Option<NodeId>,
}

/// A sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Whose.
    pub node: NodeId,
    /// Of which of its lives.
    pub boot: Boot,
    /// Counts its beats within that.
    pub number: u64,
    /// Its wall clock, not corrected.
    pub wall: MeshTime,
    /// Its configured priority; 0 never claims. Default 50.
    pub priority: u8,
    /// The roles it could hold.
    pub posts: Vec<Post>,
    /// How many peers it is connected to: who reaches everybody itself need not be passed on.
    pub links: u16,
    /// A digest of everything it has: another's that differs for long lacks something.
    pub digest: u64,
    /// Which shared configuration it has taken up.
    pub configuration: Stamp,
    /// Whether it is cut off itself.
    pub cut_off: bool,
    /// Whether this is its last word: it stops on purpose.
    pub goodbye: bool,
    /// The newest wire format it understands.
    pub wire: u8,
}

/// Which version of the shared configuration: the greatest known is taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Stamp {
    /// Counts versions; 0 is none.
    pub version: u64,
    /// The first bytes of its hash: of two edits at once the greater one wins.
    pub hash: u64,
}

/// A version of the shared configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Which.
    pub stamp: Stamp,
    /// Who gave it to the mesh: a person's or node's name.
    pub by: String,
    /// When.
    pub at: MeshTime,
    /// mesh.toml itself; secrets in it are references.
    pub text: Arc<str>,
}

/// What a node says about itself when it starts, and whenever that changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct About {
    /// Its name for people.
    pub name: String,
    /// Its labels; `site` groups nodes behind one uplink.
    pub labels: BTreeMap<String, String>,
    /// The version of p7 it runs.
    pub version: String,
    /// When it started.
    pub started: MeshTime,
    /// Where it listens for peers, as multiaddresses.
    pub addresses: Vec<String>,
    /// Its devices, `kind:name`.
    pub devices: Vec<String>,
    /// When this was said: of several the latest counts.
    pub at: MeshTime,
}

/// How far the saying of something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Saying {
    /// Stated before the message goes out.
    Intent,
    /// The channel has accepted it.
    Sent,
}

/// An entry of the notification ledger: that a level of an incident is being, or was, said on a channel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Notice {
    /// About which service.
    pub service: ServiceId,
    /// On which channel.
    pub channel: String,
    /// Above every number known when it was made, unsent intents included.
    pub number: u64,
    /// Who says it.
    pub node: NodeId,
    /// Which incident, by its first failed cycle.
    pub incident: Cycle,
    /// What is said of it: the level reached, as its place in [`crate::vocabulary::Level::ALL`]; healthy for a recovery.
    pub level: crate::vocabulary::Level,
    /// How far it is.
    pub saying: Saying,
    /// What is said beside the level, and in which message.
    pub detail: Detail,
}

/// What is said beside a level. Of one incident and level the greater is news after the lesser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Nothing: the level itself.
    #[default]
    Level,
    /// That it goes on; counts these.
    Reminder(u16),
    /// That it changes too often to be told each time.
    Flapping,
}

/// What a ledger entry says beside the level, and in which message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Detail {
    /// Beside the level.
    pub word: Word,
    /// The message it is part of: the same for all services of one message; 0 when that is not known.
    pub message: u64,
    /// What the channel answered, where it answers below or changes earlier messages by that.
    pub receipt: Option<Arc<str>>,
}

/// One thing a node states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    /// What a probe of its came to.
    Result(Arc<ProbeResult>),
    /// Somebody acknowledged an incident.
    Acknowledged(Acknowledgement),
    /// Somebody stated or changed a silence or maintenance.
    Held(Hold),
    /// A deployment began or ended.
    Deployed(Deployment),
    /// What it is.
    About(About),
    /// A version of the shared configuration.
    Configured(Arc<Configuration>),
    /// An entry of the notification ledger.
    Noticed(Notice),
    /// How its devices are.
    Devices(Arc<DevicesTold>),
    /// How far a mailbox was read.
    MailRead(MailRead),
}

/// Which of an author's two sequences: they are kept for different times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Chapter {
    /// Results: many, kept for days.
    Results,
    /// Everything else: few, kept for more than a year.
    Statements,
}

/// One sequence of batches: an author's, of one of its lives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sequence {
    /// Who states.
    pub author: NodeId,
    /// In which of its lives.
    pub boot: Boot,
    /// Which of its sequences.
    pub chapter: Chapter,
}

/// Facts that an author stated at once, signed by it. Their number is theirs for ever.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Of which sequence.
    pub sequence: Sequence,
    /// Its place in that, from 1.
    pub number: u64,
    /// When it was stated, in its author's mesh time.
    pub at: MeshTime,
    /// What is stated. Those of an unknown kind are not among them.
    pub facts: Vec<Fact>,
    /// As it was signed, for whoever lacks it; empty where nothing is signed.
    pub sealed: Arc<[u8]>,
}

/// What a node has of one sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Have {
    /// Of which.
    pub sequence: Sequence,
    /// Numbers below this are forgotten, or never were.
    pub floor: u64,
    /// It has every number from the floor to here; 0 for none.
    pub upto: u64,
    /// And these spans above, first and last number, in order.
    pub above: Vec<(u64, u64)>,
}

/// Numbers of one sequence, first to last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Of which.
    pub sequence: Sequence,
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// A probe of the author's does not come back: look now, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspicion {
    /// Who suspects.
    pub author: NodeId,
    /// Of which of its lives.
    pub boot: Boot,
    /// What.
    pub service: ServiceId,
    /// When its probe began, in its mesh time.
    pub began: MeshTime,
}

/// What one node asks of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// Give me what I lack.
    CatchUp {
        /// What I have.
        have: Vec<Have>,
    },
    /// Answer at once, so that I see how far you are.
    Ping,
    /// Give me figures of a time of which the results are no longer told.
    Figures(FiguresOf),
}

/// Which figures are asked for: of all services and vantage points, a page at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiguresOf {
    /// By the hour or the day.
    pub resolution: Resolution,
    /// Of spans that begin here or later.
    pub from: MeshTime,
    /// And before this.
    pub to: MeshTime,
    /// Where the page before ended, as that answer said.
    pub after: Option<RollupCursor>,
}

/// Where the next page of figures begins: means something to the node that said it only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollupCursor(pub Vec<u8>);

impl RollupCursor {
    /// Longest, in bytes.
    pub const LIMIT: usize = 64;
}
