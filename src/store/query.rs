//! Questions to the store and the pages they are answered with.

use p7_core::vocabulary::{MeshTime, NodeId, ServiceId};
use std::fmt;
use std::str::FromStr;

/// Most rows of one page; a greater `limit` is taken as this.
pub const PAGE_LIMIT: usize = 1000;

/// Where the next page begins: opaque text for a URL, good for this store only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The time of the last row that was answered.
    pub(crate) at: u64,
    /// What tells rows of the same time apart: the number of its node or service.
    pub(crate) tie: u32,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.at, self.tie)
    }
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor; use the one the page before gave, unchanged")]
pub struct BadCursor;

impl FromStr for Cursor {
    type Err = BadCursor;
    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (at, tie) = text.split_once('-').ok_or(BadCursor)?;
        Ok(Self {
            at: u64::from_str_radix(at, 16).map_err(|_not_a_number| BadCursor)?,
            tie: u32::from_str_radix(tie, 16).map_err(|_not_a_number| BadCursor)?,
        })
    }
}

/// Some rows, newest first, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows. May be fewer than asked for, even none, while there are more: only `next` tells.
    pub rows: Vec<T>,
    /// Where the next page begins; none when this was the last.
    pub next: Option<Cursor>,
}

/// Which results of a service, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultsQuery {
    /// Of which service.
    pub service: ServiceId,
    /// Of cycles that start then or later.
    pub from: MeshTime,
    /// Of cycles that start before then.
    pub to: MeshTime,
    /// From this vantage point only.
    pub node: Option<NodeId>,
    /// How many at most; see [`PAGE_LIMIT`].
    pub limit: usize,
    /// Go on where this page ended.
    pub after: Option<Cursor>,
}

/// Whether incidents that have ended are wanted too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// All.
    #[default]
    All,
    /// Only those that have not recovered.
    Open,
}

/// Which incidents, the latest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentsQuery {
    /// Of which service; none means every one.
    pub service: Option<ServiceId>,
    /// Whose first failed cycle starts then or later.
    pub from: MeshTime,
    /// Whose first failed cycle starts before then.
    pub to: MeshTime,
    /// All or only the open ones.
    pub which: Which,
    /// How many at most; see [`PAGE_LIMIT`].
    pub limit: usize,
    /// Go on where this page ended.
    pub after: Option<Cursor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_written_and_nothing_else_is_one() {
        for cursor in [Cursor { at: 0, tie: 0 }, Cursor { at: u64::MAX, tie: u32::MAX }] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "-", "1", "x-1", "1-x", "1-1-1", "11111111111111111-1"] {
            assert_eq!(text.parse::<Cursor>(), Err(BadCursor), "{text}");
        }
    }
}
