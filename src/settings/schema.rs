//! Which keys a type knows: asked of the type itself, so that documents and tests can't go stale.

use crate::decode::{DecodeError, Reader, What};
use crate::tree::{ROOT, Tree};
use serde::de::DeserializeOwned;

/// A key that no type knows.
const NO_KEY: &str = "?";
/// Deepest table that is asked; no configuration nests as deep.
const DEPTH_LIMIT: usize = 8;

/// The keys a type knows at its top.
pub fn keys_of<T: DeserializeOwned>() -> Vec<&'static str> {
    known_by(&mut |reader| T::deserialize(reader).map(|_| ()), &[]).unwrap_or_default()
}

/// The keys a type knows, with those of its tables, as `table.key`; the elements of a list of tables
/// are `list[].key`. Tables with free keys are named as one key.
pub fn all_keys_of<T: DeserializeOwned>() -> Vec<String> {
    all_keys_by(&mut |reader| T::deserialize(reader).map(|_| ()))
}

/// Like [`all_keys_of`], for what `read` reads.
pub fn all_keys_by(read: &mut dyn FnMut(Reader<'_>) -> Result<(), DecodeError>) -> Vec<String> {
    let mut found = Vec::new();
    explore(read, &mut Vec::new(), &mut found);
    found
}

fn explore(
    read: &mut dyn FnMut(Reader<'_>) -> Result<(), DecodeError>,
    path: &mut Vec<String>,
    found: &mut Vec<String>,
) {
    let Some(keys) = known_by(read, path) else {
        if !path.is_empty() {
            found.push(path.join(".").replace(".[]", "[]"));
        }
        return;
    };
    let keys = if path.len() < DEPTH_LIMIT { keys } else { Vec::new() };
    for key in keys {
        path.push(key.to_owned());
        let mut inside = path.clone();
        inside.push(String::from("[]"));
        if known_by(read, &inside).is_some() {
            explore(read, &mut inside, found);
        } else {
            explore(read, path, found);
        }
        path.pop();
    }
}

/// The keys known in the table at `path`; none when no table with fixed keys is there.
fn known_by(
    read: &mut dyn FnMut(Reader<'_>) -> Result<(), DecodeError>,
    path: &[String],
) -> Option<Vec<&'static str>> {
    let tree = Tree::with_one(path, NO_KEY)?;
    match read(Reader::new(&tree, ROOT, &[])).err()?.what {
        What::UnknownKey { key, known } if key == NO_KEY => Some(known.to_vec()),
        What::UnknownKey { .. } | What::MissingKey(_) | What::Value(_) => None,
    }
}
