//! The words everything else is said in: ids, times, outcomes, levels.
//!
//! Units are types: a bare integer never crosses a crate.

use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Longest id of a service, in bytes: it appears in URLs, file names and metric labels.
pub const SERVICE_ID_LIMIT: usize = 64;
/// Longest id of a node, in bytes: a base58 peer id has 52.
pub const NODE_ID_LIMIT: usize = 128;
/// Longest reason of a result, in bytes; longer ones are cut at a character.
pub const REASON_LIMIT: usize = 300;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadId {
    /// What was to be named: `service` or `node`.
    pub kind: &'static str,
    /// The text that was refused, shortened.
    pub text: String,
}

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            "service" => write!(
                f,
                "`{}` is no service id: use 1 to {SERVICE_ID_LIMIT} of a-z, 0-9, `-` and `_`, a letter or digit first",
                self.text
            ),
            kind => write!(f, "`{}` is no {kind} id: use 1 to {NODE_ID_LIMIT} letters and digits", self.text),
        }
    }
}

impl std::error::Error for BadId {}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $valid:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                // maps are searched by ids all the time, and most are copies of one
                if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// Takes a text as an id.
            ///
            /// # Errors
            /// [`BadId`] when it breaks the rule of its kind.
            pub fn new(text: &str) -> Result<Self, BadId> {
                if $valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(BadId { kind: $kind, text: text.chars().take(80).collect() })
                }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", &self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

fn valid_service(text: &str) -> bool {
    text.len() <= SERVICE_ID_LIMIT
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

fn valid_node(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= NODE_ID_LIMIT
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

id!(
    /// A service's id: the key of its table in `mesh.toml`, the same in URLs, files and labels.
    ServiceId,
    "service",
    valid_service
);
id!(
    /// A node's id: the peer id of its ed25519 key, so nobody can speak for another.
    NodeId,
    "node",
    valid_node
);

/// Milliseconds since the Unix epoch, in the mesh's common time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MeshTime(pub u64);

impl MeshTime {
    /// This moment and `span` more.
    #[must_use]
    pub fn plus(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// This moment less `span`, not before the epoch.
    #[must_use]
    pub fn minus(self, span: Millis) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }
}

/// A span of time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// From whole seconds.
    pub const fn seconds(s: u64) -> Self {
        Self(s * 1000)
    }
}

/// A measured span in microseconds; the longest that fits is 71 minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub u32);

impl Micros {
    /// From a measured duration, capped at what fits.
    pub fn measured(d: std::time::Duration) -> Self {
        Self(u32::try_from(d.as_micros()).unwrap_or(u32::MAX))
    }

    /// In milliseconds, with the fraction kept.
    pub fn as_ms(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// In seconds, as Prometheus wants it.
    pub fn as_seconds(self) -> f64 {
        f64::from(self.0) / 1_000_000.0
    }
}

/// How often a service is tested by each of its vantage points. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Interval(Millis);

impl Interval {
    /// An interval of `span`, at least one millisecond.
    pub const fn new(span: Millis) -> Self {
        Self(Millis(if span.0 == 0 { 1 } else { span.0 }))
    }

    /// Its length.
    pub fn span(self) -> Millis {
        self.0
    }
}

/// One slot of a service's wall clock, the same on every node: slot number
/// `floor(unix_ms / interval_ms)`, named by its start in milliseconds since the epoch.
///
/// Named by the start and not by the number, so that cycles stay in order and distinct when a
/// service's interval is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cycle(u64);

impl Cycle {
    /// The cycle that `at` lies in.
    pub fn at(at: MeshTime, interval: Interval) -> Self {
        Self(at.0 - at.0 % interval.span().0)
    }

    /// The cycle that starts at `start`, as read from a row or a frame.
    pub fn starting(start: MeshTime) -> Self {
        Self(start.0)
    }

    /// When it starts.
    pub fn start(self) -> MeshTime {
        MeshTime(self.0)
    }

    /// The one `n` later.
    #[must_use]
    pub fn later(self, n: u64, interval: Interval) -> Self {
        Self(self.0.saturating_add(n.saturating_mul(interval.span().0)))
    }

    /// The one `n` earlier, not before the epoch.
    #[must_use]
    pub fn earlier(self, n: u64, interval: Interval) -> Self {
        Self(self.0.saturating_sub(n.saturating_mul(interval.span().0)))
    }
}

/// What one probe came to, in the words of the 2020 original; its order of decision is the order here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The probe failed while the node itself was cut off (the original's 777). Does not vote.
    NoNetwork,
    /// Credentials refused (401 or a code listed as such). Counts as failed.
    Unauthorized,
    /// No connection, or an answer that says failure. Counts as failed.
    Failed,
    /// The service says it is in maintenance. Counts as passed.
    Maintenance,
    /// As it should be. Counts as passed.
    Up,
    /// A success code without the text that was asked for. Counts as failed.
    Mismatch,
    /// Codes were listed and the answer's is in no list. Does not vote.
    Unmanaged,
}

/// What an outcome says about the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    /// The service works.
    Passed,
    /// It does not.
    Failed,
}

impl Outcome {
    /// All of them, in the order of decision.
    pub const ALL: [Self; 7] = [
        Self::NoNetwork,
        Self::Unauthorized,
        Self::Failed,
        Self::Maintenance,
        Self::Up,
        Self::Mismatch,
        Self::Unmanaged,
    ];

    /// Its vote; none for an outcome that says nothing about the service.
    pub fn vote(self) -> Option<Vote> {
        match self {
            Self::NoNetwork | Self::Unmanaged => None,
            Self::Unauthorized | Self::Failed | Self::Mismatch => Some(Vote::Failed),
            Self::Maintenance | Self::Up => Some(Vote::Passed),
        }
    }

    /// Its name in the API, metrics and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoNetwork => "no_network",
            Self::Unauthorized => "unauthorized",
            Self::Failed => "failed",
            Self::Maintenance => "maintenance",
            Self::Up => "up",
            Self::Mismatch => "mismatch",
            Self::Unmanaged => "unmanaged",
        }
    }
}

/// How a service is doing, from the verdicts of its window. Worse is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// No verdict yet.
    #[default]
    Unknown,
    /// The latest verdict passed, everywhere.
    Healthy,
    /// The latest verdict passed, but some vantage points failed.
    Partial,
    /// The latest verdict failed, the only one of the window and not confirmed.
    Warning,
    /// Failed again, or failed from two vantage points at once.
    Incident,
    /// Failed for the whole window.
    Down,
}

impl Level {
    /// All of them, best first.
    pub const ALL: [Self; 6] =
        [Self::Unknown, Self::Healthy, Self::Partial, Self::Warning, Self::Incident, Self::Down];

    /// Its name in the API, metrics and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Partial => "partial",
            Self::Warning => "warning",
            Self::Incident => "incident",
            Self::Down => "down",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Cuts a text at a character so that it has at most `limit` bytes.
pub fn shortened(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}
