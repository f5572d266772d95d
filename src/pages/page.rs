//! A page in pieces: what its template made, and between that the cards, each kept once and never copied.

use std::fmt;
use std::sync::Arc;

/// One piece of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Made for this page.
    Own(String),
    /// A card, as it is kept.
    Card(Arc<str>),
}

/// A rendered page. The overview of a thousand services is more than a megabyte; in pieces it costs what its
/// cards cost anyhow, and is sent as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    pieces: Vec<Piece>,
}

impl Page {
    pub(super) fn of(pieces: Vec<Piece>) -> Self {
        Self { pieces }
    }

    /// Its pieces in order.
    pub fn pieces(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().map(|piece| match piece {
            Piece::Own(text) => text.as_str(),
            Piece::Card(html) => html,
        })
    }

    /// How many pieces there are.
    pub fn count(&self) -> usize {
        self.pieces.len()
    }

    /// The piece of this number, from 0.
    pub fn piece(&self, number: usize) -> Option<&str> {
        self.pieces.get(number).map(|piece| match piece {
            Piece::Own(text) => text.as_str(),
            Piece::Card(html) => html,
        })
    }

    /// How long it is, in bytes.
    pub fn len(&self) -> usize {
        self.pieces().map(str::len).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<String> for Page {
    fn from(html: String) -> Self {
        Self { pieces: vec![Piece::Own(html)] }
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().try_for_each(|piece| f.write_str(piece))
    }
}
