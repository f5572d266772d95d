//! The figures of an hour or a day as they go from node to node.

use crate::vocabulary::{MeshTime, Millis, NodeId, Outcome, ServiceId};
use serde::{Deserialize, Serialize};

/// An hour, in milliseconds.
pub const HOUR_MS: u64 = 3_600_000;
/// A UTC day, in milliseconds.
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// The span a rollup covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Resolution {
    /// An hour.
    Hour,
    /// A day, in UTC.
    Day,
}

impl Resolution {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Hour, Self::Day];

    /// How long it is.
    pub fn span(self) -> Millis {
        match self {
            Self::Hour => Millis(HOUR_MS),
            Self::Day => Millis(DAY_MS),
        }
    }

    /// The start of the span a time lies in.
    #[must_use]
    pub fn start_of(self, time: MeshTime) -> MeshTime {
        MeshTime(time.0 - time.0 % self.span().0)
    }
}

/// The figures of one vantage point of a service for one hour or day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollupRow {
    /// The service.
    pub service: ServiceId,
    /// The vantage point.
    pub node: NodeId,
    /// When its span begins.
    pub start: MeshTime,
    /// How long that is.
    pub resolution: Resolution,
    /// Results by outcome, in the order of [`Outcome::ALL`].
    pub counts: [u32; Outcome::ALL.len()],
    /// Latencies in bins, as stored.
    pub sketch: Vec<u8>,
}
