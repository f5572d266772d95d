//! The repository's own text files, read once for all rules.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours.
const NOT_OURS: [&str; 7] =
    ["target", "node_modules", ".git", "data", ".venv", "__pycache__", "proptest-regressions"];
/// Files above this size are assets, not text of ours; in bytes.
const TEXT_LIMIT: u64 = 512 * 1024;

/// Path within the repository, with `/`, to text.
pub(crate) struct Tree(BTreeMap<String, String>);

impl Tree {
    pub(crate) fn read() -> Self {
        let mut files = BTreeMap::new();
        let root = root();
        gather(&root, &root, &mut files);
        assert!(files.contains_key("Cargo.toml"), "{} is not the repository", root.display());
        Self(files)
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn rust_files(&self) -> impl Iterator<Item = &str> {
        self.files().filter(|path| Path::new(path).extension().is_some_and(|e| e == "rs"))
    }

    pub(crate) fn text(&self, path: &str) -> &str {
        self.0.get(path).map_or("", String::as_str)
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }
}

/// Whether a file holds tests only, by its place.
pub(crate) fn is_test(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn gather(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            // cargo tags its target folders, wherever they are
            if !NOT_OURS.contains(&name.as_str()) && !path.join("CACHEDIR.TAG").exists() {
                gather(root, &path, files);
            }
        } else if kind.is_file() && entry.metadata().is_ok_and(|m| m.len() <= TEXT_LIMIT) {
            // what is not UTF-8 is an image or the like
            if let Ok(text) = fs::read_to_string(&path) {
                let inside = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                files.insert(inside, text);
            }
        }
    }
}
