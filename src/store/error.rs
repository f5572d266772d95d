//! What can go wrong with the store, and what to do about it.

use rocksdb::ErrorKind;
use std::path::{Path, PathBuf};

/// What failed, on what, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder can't be made or used.
    #[error("can't use the store's folder `{path}`: {detail}; p7's user needs to read and write it")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// Another process has it open.
    #[error(
        "the store `{path}` is in use by another process; stop the other p7 or choose another data folder"
    )]
    Locked {
        /// The database's folder.
        path: PathBuf,
    },
    /// It was written by a newer version.
    #[error(
        "the store `{path}` was written by a newer p7 (its format is {found}, this p7 knows up to {known}); \
         upgrade p7 or choose another data folder"
    )]
    Newer {
        /// The database's folder.
        path: PathBuf,
        /// The format it has.
        found: String,
        /// The newest format this program knows.
        known: u32,
    },
    /// It is damaged. Nothing was changed or deleted.
    #[error(
        "the store `{path}` is damaged: {detail}; nothing was deleted. Restore it from a backup, or move the folder \
         `{path}` aside and start again: p7 then starts with an empty one"
    )]
    Corrupt {
        /// The database's folder.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// No room to write. What was to be written was not; it can be committed again once there is room.
    #[error("the disk of the store `{path}` is full: {detail}; free some space, p7 goes on by itself")]
    Full {
        /// The database's folder.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// Reading or writing failed in another way.
    #[error("the store `{path}` can't be read or written: {detail}; check the disk")]
    Io {
        /// The database's folder.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// A query asks for more than is answered at once.
    #[error("{asked} {what} were asked for; ask for at most {limit} at once")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How many were asked for.
        asked: u64,
        /// How many are answered at most.
        limit: u64,
    },
    /// It was closed.
    #[error("the store is closed")]
    Closed,
    /// The node's key can't be read or made.
    #[error("can't use the node's key `{path}`: {detail}")]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        detail: String,
    },
}

impl StoreError {
    /// Says what an error of the database means. Its kinds are coarse, so its words are looked at too;
    /// tests hold every one of them against the real thing.
    pub(crate) fn of(path: &Path, error: &rocksdb::Error) -> Self {
        let path = path.to_path_buf();
        let detail = error.to_string();
        let says = |words: &[&str]| words.iter().any(|word| detail.contains(word));
        if says(&["No space left on device", "Disk quota exceeded", "File too large"]) {
            return Self::Full { path, detail };
        }
        if says(&["While lock file", "lock hold by current process"]) {
            return Self::Locked { path };
        }
        if says(&["Column families not opened"]) {
            let found = "unknown".to_owned();
            return Self::Newer { path, found, known: crate::records::FORMAT };
        }
        let damaged = error.kind() == ErrorKind::Corruption || says(&["No such file or directory"]);
        if damaged { Self::Corrupt { path, detail } } else { Self::Io { path, detail } }
    }
}
