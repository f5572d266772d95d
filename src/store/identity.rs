//! The node's own key, made once and kept in the data folder.

use crate::error::StoreError;
use libp2p_identity::Keypair;
use p7_core::vocabulary::NodeId;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The key's file in the data folder: the key pair in libp2p's protobuf form.
const FILE: &str = "identity.key";
/// Largest key file that is read, in bytes; an ed25519 pair has 68.
const FILE_LIMIT: u64 = 1024;

/// Who this node is: an ed25519 key pair and the id that follows from it.
#[derive(Clone)]
pub struct Identity {
    /// The node's id: the peer id of its key, in base58.
    pub id: NodeId,
    keypair: Keypair,
}

impl Identity {
    /// The key pair, to prove to peers that it is this node.
    pub fn keypair(&self) -> &Keypair {
        &self.keypair
    }

    fn of(keypair: Keypair, path: &Path) -> Result<Self, StoreError> {
        let text = keypair.public().to_peer_id().to_base58();
        let id = NodeId::new(&text).map_err(|bad| fault(path, bad.to_string()))?;
        Ok(Self { id, keypair })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The identity kept in the data folder `dir`. Made when there is none: two processes that start at
/// once get the same, and a crash leaves either none or a whole one.
pub fn identity(dir: &Path) -> Result<Identity, StoreError> {
    make_folder(dir)?;
    let path = dir.join(FILE);
    if let Some(found) = read(&path)? {
        return Ok(found);
    }
    make(dir, &path)?;
    read(&path)?.ok_or_else(|| fault(&path, "it vanished after it was made; start p7 again"))
}

/// Makes a folder that only its owner can look into; leaves one that is there as it is.
pub(crate) fn make_folder(dir: &Path) -> Result<(), StoreError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| StoreError::Folder { path: dir.to_path_buf(), detail: e.to_string() })
}

fn read(path: &Path) -> Result<Option<Identity>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(fault(path, format!("{e}; p7's user needs to read it"))),
    };
    let mode = file.metadata().map_err(|e| fault(path, e.to_string()))?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), mode = format!("{:o}", mode & 0o777),
            "other users of this machine can use the node's key; chmod it to 600");
    }
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT).read_to_end(&mut bytes).map_err(|e| fault(path, e.to_string()))?;
    let keypair = Keypair::from_protobuf_encoding(&bytes).map_err(|e| {
        fault(
            path,
            format!(
                "it is no key ({e}); restore it from a backup, or move it aside and this node gets a new id"
            ),
        )
    })?;
    Identity::of(keypair, path).map(Some)
}

/// Writes a new key beside `path`, then gives it its name, which fails if somebody was faster.
fn make(dir: &Path, path: &Path) -> Result<(), StoreError> {
    let keypair = Keypair::generate_ed25519();
    let bytes = keypair.to_protobuf_encoding().map_err(|e| fault(path, e.to_string()))?;
    let mut name = OsString::from(FILE);
    name.push(format!(".{}", keypair.public().to_peer_id()));
    let draft: PathBuf = dir.join(name);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        match fs::hard_link(&draft, path) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    })();
    let removed = fs::remove_file(&draft);
    written.and(removed).map_err(|e| fault(path, format!("it can't be made: {e}")))?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| fault(path, e.to_string()))
}

fn fault(path: &Path, detail: impl Into<String>) -> StoreError {
    StoreError::Identity { path: path.to_path_buf(), detail: detail.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_made_once_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("a/b");
        let first = identity(&data).unwrap();
        assert_eq!(identity(&data).unwrap().id, first.id);
        assert!(first.id.as_str().starts_with("12D3KooW"), "{}", first.id);
        let mode = fs::metadata(data.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "no draft is left");
        assert!(!format!("{first:?}").contains("keypair"));
    }

    #[test]
    fn processes_that_start_at_once_agree_on_one_identity() {
        let dir = tempfile::tempdir().unwrap();
        let ids: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| identity(dir.path()).unwrap().id)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_key_is_an_error_that_says_what_to_do_and_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        for garbage in [&b""[..], b"hello", &[0xff; 5000]] {
            fs::write(&path, garbage).unwrap();
            let error = identity(dir.path()).unwrap_err().to_string();
            assert!(error.contains("restore it from a backup, or move it aside"), "{error}");
            assert_eq!(fs::read(&path).unwrap(), garbage);
        }
    }
}
