//! A message: everything a channel needs to say something, so that a channel's file only lays it out.

use crate::facts::DeploymentState;
use crate::incident::IncidentId;
use crate::status::Failtage;
use crate::vocabulary::{Level, MeshTime, ServiceId};
use serde::Serialize;
use std::sync::Arc;

/// Most services of one message; the worst are kept and the others counted. Channels may show fewer.
pub const ITEMS_LIMIT: usize = 100;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Services fail.
    Outage,
    /// What failed is down by now.
    Worsened,
    /// Something about an outage that was said changed.
    Update,
    /// What failed is well again.
    Recovery,
    /// An outage goes on.
    Reminder,
    /// Nobody has acknowledged an outage that was said elsewhere.
    Escalation,
    /// Several things at once, or much of what goes wrong in a storm.
    Digest,
    /// A service changes too often to be told each time.
    Flapping,
    /// A person tries the channel out.
    Test,
}

impl Kind {
    /// Its name in the API, metrics and channels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::Worsened => "worsened",
            Self::Update => "update",
            Self::Recovery => "recovery",
            Self::Reminder => "reminder",
            Self::Escalation => "escalation",
            Self::Digest => "digest",
            Self::Flapping => "flapping",
            Self::Test => "test",
        }
    }
}

/// Whether a message may have reached people already: its first sender died before it could say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// It has not.
    #[default]
    No,
    /// It may have. Channels say so, unless they can find out, or the far end drops a key it knows.
    Perhaps,
}

/// A message as it is to be laid out by a channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// The same for the same thing said on the same channel, whichever node says it: for receivers that drop
    /// what they have, at most 64 letters, digits and `-`.
    pub key: String,
    /// The channel's name.
    pub channel: String,
    /// What it is about.
    pub kind: Kind,
    /// The worst level that is told of; healthy when all is well again.
    pub worst: Level,
    /// What happened, in one line of plain words.
    pub title: String,
    /// The services it is about, worst first.
    pub items: Vec<Item>,
    /// How many more there are that have no room.
    pub left_out: usize,
    /// Further things to know, a line each: what was held back, what was left out and why.
    pub notes: Vec<String>,
    /// How many nodes the sender saw, when that is not most of them.
    pub seen_by: Option<Minority>,
    /// Whether it may be a repetition.
    pub repeat: Repeat,
    /// The mesh's name.
    pub mesh: String,
    /// What people call the node that says it.
    pub by: String,
    /// When it is said.
    pub at: MeshTime,
    /// The dashboard's address, where one is known.
    pub link: Option<String>,
}

/// A sender that is apart from most of the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Minority {
    /// Nodes it sees, itself included.
    pub seen: usize,
    /// Nodes it knows.
    pub of: usize,
}

/// One service of a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    /// Which.
    pub service: ServiceId,
    /// Its name for people.
    pub name: String,
    /// Its environment; may be empty.
    pub environment: String,
    /// What is tested, without credentials.
    pub target: String,
    /// What is told of it.
    pub kind: Kind,
    /// How it is doing; healthy once it has recovered.
    pub level: Level,
    /// The incident that is told of; none in a test.
    pub incident: Option<IncidentId>,
    /// Since when it fails or failed.
    pub since: Option<MeshTime>,
    /// When it was well again.
    pub ended: Option<MeshTime>,
    /// Failed of all votes in its window.
    pub failtage: Option<Failtage>,
    /// Why it fails, in words: the first reason heard.
    pub reason: Option<Arc<str>>,
    /// Vantage points that see it fail, each with its reason, by name.
    pub failing: Vec<View>,
    /// Vantage points that don't, by name.
    pub passing: Vec<String>,
    /// Its page on the dashboard.
    pub link: Option<String>,
    /// What to do when it fails.
    pub runbook: Option<String>,
    /// A deployment that runs, or has just ended.
    pub deployment: Option<Deploying>,
    /// Who is on it.
    pub acknowledged: Option<Acknowledged>,
    /// How many services that need it fail as well and are not told apart.
    pub dependents: usize,
}

/// One vantage point's view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct View {
    /// What people call the node.
    pub node: String,
    /// Why it fails from there; may be empty.
    pub reason: Arc<str>,
}

/// A deployment beside an outage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deploying {
    /// Its name.
    pub name: String,
    /// Who or what deploys.
    pub by: String,
    /// How it is getting on.
    pub state: DeploymentState,
    /// Where to read more.
    pub link: Option<String>,
}

/// Who is on an outage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Acknowledged {
    /// Who.
    pub by: String,
    /// When.
    pub at: MeshTime,
    /// What they said; may be empty.
    pub reason: String,
}

/// The message that a new one follows: its receipt, and what it told of, as that stands now.
#[derive(Debug, Clone, PartialEq)]
pub struct Previous {
    /// What the channel answered to it.
    pub receipt: Arc<str>,
    /// All services it was about, those of the new message among them.
    pub items: Vec<Item>,
}

impl Message {
    /// The same with at most `limit` services; the others are counted as left out.
    #[must_use]
    pub fn with_at_most(&self, limit: usize) -> Self {
        let mut less = self.clone();
        less.left_out += less.items.len().saturating_sub(limit);
        less.items.truncate(limit);
        less
    }

    /// The line that says what is left out; none when nothing is.
    pub fn more(&self) -> Option<String> {
        (self.left_out > 0).then(|| format!("… and {} more", self.left_out))
    }

    /// The lines that stand below the services: repetition, minority, notes.
    pub fn remarks(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.repeat == Repeat::Perhaps {
            lines.push("This may be a repetition: its first sender went away while sending it.".to_owned());
        }
        if let Some(minority) = self.seen_by {
            lines.push(format!("Seen from {} of {} nodes only.", minority.seen, minority.of));
        }
        lines.extend(self.notes.iter().cloned());
        lines
    }
}
