//! How publishing goes, as agents tell each other.

use actix::prelude::*;
use p7_core::vocabulary::MeshTime;
use std::sync::Arc;

/// publisher → dashboard: how publishing goes on this node.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct PublishNoted(pub Arc<Publishing>);

/// How publishing goes on this node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Publishing {
    /// Whether it is this node that publishes.
    pub leading: bool,
    /// The targets, by name.
    pub targets: Vec<PublishTarget>,
}

/// How publishing on one target goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishTarget {
    /// Its name.
    pub name: String,
    /// `folder`, `s3`, `azure`.
    pub kind: &'static str,
    /// How it is.
    pub standing: PublishStanding,
    /// When this node last published there.
    pub published: Option<MeshTime>,
    /// Files that the site has.
    pub files: u64,
    /// Of those, how many travelled the last time.
    pub sent: u64,
    /// And how many bytes.
    pub sent_bytes: u64,
    /// What is wrong, in words without secrets.
    pub trouble: Option<String>,
    /// Since when.
    pub since: Option<MeshTime>,
    /// Whether the target refuses an old leader's pages; none before that was tried.
    pub fenced: Option<bool>,
}

/// How publishing on a target stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishStanding {
    /// Another node publishes.
    Idle,
    /// The first edition is on its way.
    Waiting,
    /// It has the newest edition.
    Published,
    /// It does not take it.
    Failing,
    /// Another side of the network leads and publishes there; this node keeps quiet.
    Outranked,
}

impl PublishStanding {
    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Waiting => "waiting",
            Self::Published => "published",
            Self::Failing => "failing",
            Self::Outranked => "outranked",
        }
    }
}

/// publisher (and everybody who does a role's work) → member: whether this node can do it.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct FitnessNoted {
    /// Which part of the work: `publish`, or `persona`, which is a role of its own.
    pub what: &'static str,
    /// Why it can't be done here, in words without secrets; none when it can.
    pub trouble: Option<String>,
}
