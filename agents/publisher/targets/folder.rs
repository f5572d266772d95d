//! A folder that a web server serves. Files appear by a rename, so nobody ever reads half of one.

use super::OpenError;
use crate::config::FolderConfig;
use crate::manifest::MANIFEST_LIMIT;
use crate::target::{Answer, Found, Put, Tag, Target, TargetError};
use bytes::Bytes;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Everybody may read what is published.
const FILE_MODE: u32 = 0o644;
/// What the names of files that are being written begin with.
const UNFINISHED: &str = ".p7-";

/// Numbers unfinished files: two tasks never write the same.
static NUMBER: AtomicU64 = AtomicU64::new(0);

pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder where it is not there, and tries to write in it. What an earlier life left
    /// unfinished is removed.
    pub(super) fn open(config: &FolderConfig, dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(&config.path);
        let wrong = |error: std::io::Error| {
            let shown = path.display();
            OpenError::Wrong(format!("can't write to the folder `{shown}`: {error}; check its access rights"))
        };
        std::fs::create_dir_all(path.join("assets")).map_err(wrong)?;
        for entry in std::fs::read_dir(&path).map_err(wrong)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                // another life's, or one that another task removes right now
                std::fs::remove_file(entry.path()).unwrap_or_default();
            }
        }
        let folder = Self { path: path.clone() };
        let tried = path.join(format!("{UNFINISHED}try-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        std::fs::write(&tried, b"").map_err(wrong)?;
        std::fs::remove_file(&tried).map_err(wrong)?;
        Ok(folder)
    }

    /// Runs something that may wait for a disk.
    fn on_disk<T: Send + 'static>(
        &self,
        path: &str,
        what: &'static str,
        work: impl FnOnce(&Path, &Path) -> std::io::Result<T> + Send + 'static,
    ) -> Answer<'static, T> {
        let (folder, file) = (self.path.clone(), self.path.join(path));
        Box::pin(async move {
            let shown = file.display().to_string();
            let worked = tokio::task::spawn_blocking(move || work(&folder, &file)).await;
            worked
                .map_err(|_stopping| TargetError::Failed("the node is stopping".to_owned()))?
                .map_err(|error| TargetError::Failed(format!("can't {what} `{shown}`: {error}")))
        })
    }
}

impl Target for Folder {
    fn may_condition(&self) -> bool {
        false
    }

    fn read<'a>(&'a self, path: &'a str) -> Answer<'a, Option<Found>> {
        self.on_disk(path, "read", |_, file| {
            let opened = match std::fs::File::open(file) {
                Ok(opened) => opened,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            let mut bytes = Vec::new();
            opened.take(MANIFEST_LIMIT as u64 + 1).read_to_end(&mut bytes)?;
            Ok(Some(Found { bytes: Bytes::from(bytes), tag: None }))
        })
    }

    fn tag<'a>(&'a self, _: &'a str) -> Answer<'a, Option<Tag>> {
        Box::pin(async { Ok(None) })
    }

    fn write<'a>(&'a self, put: Put<'a>) -> Answer<'a, Option<Tag>> {
        let bytes = put.bytes;
        self.on_disk(put.path, "write", move |folder, file| {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let unfinished = folder.join(format!("{UNFINISHED}{}-{number}", std::process::id()));
            let mut options = std::fs::OpenOptions::new();
            let mut opened = options.write(true).create_new(true).mode(FILE_MODE).open(&unfinished)?;
            opened.write_all(&bytes)?;
            // the mode above is less what the process's mask takes away
            opened.set_permissions(std::fs::Permissions::from_mode(FILE_MODE))?;
            drop(opened);
            std::fs::rename(&unfinished, file).inspect_err(|_| {
                std::fs::remove_file(&unfinished).unwrap_or_default();
            })?;
            Ok(None)
        })
    }

    fn remove<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        self.on_disk(path, "remove", |_, file| match std::fs::remove_file(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        })
    }
}
