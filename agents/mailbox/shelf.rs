//! How far mailboxes were read, in a small file of the data folder.

use p7_core::mail::Position;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Largest file that is read, in bytes.
const FILE_LIMIT: u64 = 256 * 1024;

pub(crate) struct Shelf {
    path: PathBuf,
}

impl Shelf {
    pub(crate) fn in_folder(data: &Path) -> Self {
        Self { path: data.join("mailboxes.json") }
    }

    /// What was kept; nothing where there is nothing to be read.
    pub(crate) fn read(&self) -> BTreeMap<(String, String), Position> {
        if std::fs::metadata(&self.path).map_or(0, |file| file.len()) > FILE_LIMIT {
            return BTreeMap::new();
        }
        let Ok(bytes) = std::fs::read(&self.path) else { return BTreeMap::new() };
        let rows: Vec<(String, String, Position)> = serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            tracing::error!(%error, path = %self.path.display(), "can't read how far mailboxes were read");
            Vec::new()
        });
        rows.into_iter().map(|(mailbox, folder, position)| ((mailbox, folder), position)).collect()
    }

    /// Keeps it: written aside, then put in place.
    pub(crate) fn write(&self, positions: &BTreeMap<(String, String), Position>) -> std::io::Result<()> {
        let rows: Vec<(&String, &String, &Position)> =
            positions.iter().map(|((mailbox, folder), position)| (mailbox, folder, position)).collect();
        let aside = self.path.with_extension("new");
        std::fs::write(&aside, serde_json::to_vec(&rows)?)?;
        std::fs::rename(aside, &self.path)
    }
}
