//! What was said, on disk: read at the start, written before and after every sending.
//!
//! The mesh's log has these facts as well where there is a mesh; a node alone has only this. A file of its
//! own, replaced as a whole: it holds one or two entries for each service and channel that was ever told.

use p7_core::mesh::words::Notice;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Its name in the data folder.
const FILE: &str = "notices.json";
/// The version of what is in it.
const VERSION: u32 = 1;
/// Largest file that is read, in bytes: the ledger's limit of lines, two entries each.
const READ_LIMIT: u64 = 64 << 20;

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    notices: Vec<Notice>,
}

/// The file.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    path: PathBuf,
}

impl Shelf {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { path: folder.join(FILE) }
    }

    /// What was said before; nothing when there is no file. What can't be read is set aside, since to say
    /// something again is better than to say nothing.
    pub(crate) fn read(&self) -> Vec<Notice> {
        match self.try_read() {
            Ok(notices) => notices,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                tracing::error!(%error, file = %self.path.display(), "can't read what was said; it may be said again");
                Vec::new()
            }
        }
    }

    fn try_read(&self) -> io::Result<Vec<Notice>> {
        let mut text = String::new();
        File::open(&self.path)?.take(READ_LIMIT).read_to_string(&mut text)?;
        let kept: Kept = serde_json::from_str(&text)?;
        if kept.version == VERSION {
            Ok(kept.notices)
        } else {
            Err(io::Error::other(format!("it is of version {}, which this p7 does not know", kept.version)))
        }
    }

    /// Writes all of it, so that a crash leaves the old or the new.
    pub(crate) fn write(&self, notices: Vec<Notice>) -> io::Result<()> {
        let text = serde_json::to_vec(&Kept { version: VERSION, notices })?;
        let fresh = self.path.with_extension("json.new");
        let mut file = File::create(&fresh)?;
        file.write_all(&text)?;
        file.sync_data()?;
        fs::rename(&fresh, &self.path)
    }
}
