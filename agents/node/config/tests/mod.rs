//! The configuration as people meet it: samples, templates, faults, the environment, hostile files.

mod checked;
mod documented;
mod faults;
mod hostile;
mod samples;

use super::load::{Loaded, Refused, load};
use std::collections::BTreeMap;
use std::fs;
use tempfile::TempDir;

/// A folder with both files.
fn folder(node: &str, mesh: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("node.toml"), node).unwrap();
    fs::write(folder.path().join("mesh.toml"), mesh).unwrap();
    folder
}

/// Loads both texts.
fn loaded(node: &str, mesh: &str) -> Result<Loaded, Refused> {
    load(folder(node, mesh).path(), &BTreeMap::new())
}

/// The faults of a `mesh.toml`, a line each, without the folder.
fn mesh_faults(mesh: &str) -> Vec<String> {
    let folder = folder("", mesh);
    let faults = load(folder.path(), &BTreeMap::new()).map_or_else(|refused| refused.faults, |_| Vec::new());
    let prefix = format!("{}/", folder.path().display());
    faults.iter().map(|fault| fault.to_string().replace(&prefix, "")).collect()
}
