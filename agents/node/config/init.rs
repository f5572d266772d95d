//! `p7 init`: writes both files with every key in them, commented out at its default.

use super::load::{MESH_FILE, NODE_FILE};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// `node.toml` as it is written.
pub(super) const NODE_TEMPLATE: &str = include_str!("init/node.toml");
/// `mesh.toml` as it is written.
pub(super) const MESH_TEMPLATE: &str = include_str!("init/mesh.toml");

/// Why the files could not be written.
#[derive(Debug, thiserror::Error)]
#[error("can't write `{path}`: {source}; check that the folder is yours to write in")]
pub(crate) struct InitError {
    /// The file or folder.
    path: PathBuf,
    /// What the system said.
    source: std::io::Error,
}

/// Writes `node.toml` and `mesh.toml` into `dir`, which is made if need be. A file that is there stays
/// as it is. Answers what was done and what to do next, for people.
///
/// # Errors
/// When the folder or a file can't be written.
pub(crate) fn init(dir: &Path) -> Result<String, InitError> {
    std::fs::create_dir_all(dir).map_err(|source| InitError { path: dir.to_owned(), source })?;
    let mut said = String::new();
    for (name, template) in [(NODE_FILE, NODE_TEMPLATE), (MESH_FILE, MESH_TEMPLATE)] {
        let path = dir.join(name);
        let line = match write_new(&path, template) {
            Ok(()) => format!("wrote {}\n", path.display()),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                format!("{} is there already and stays as it is\n", path.display())
            }
            Err(source) => return Err(InitError { path, source }),
        };
        said.push_str(&line);
    }
    let dir = dir.display();
    said.push_str(&format_next(&dir.to_string()));
    Ok(said)
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes())
}

fn format_next(dir: &str) -> String {
    format!(
        "\nNext: add the services to watch in {dir}/{MESH_FILE}, then\n\
         \x20 p7 check {dir}          reports every fault with its line\n\
         \x20 p7 run --config {dir}   starts the node; its dashboard is http://127.0.0.1:7007/\n"
    )
}
