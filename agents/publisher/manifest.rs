//! What stands on a target: a file of our own beside the pages, so that a new leader sends only what differs.

use crate::edition::Edition;
use p7_core::mesh::words::Claim;
use p7_core::vocabulary::MeshTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Its name on the target.
pub(crate) const MANIFEST: &str = "p7-manifest.json";
/// The format this release writes and reads; another one is taken as "nothing is known".
const FORMAT: u32 = 1;
/// Largest manifest that is read, in bytes: one of 20,000 files.
pub(crate) const MANIFEST_LIMIT: usize = 4 << 20;

/// What stands on a target, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// The publisher's claim.
    pub(crate) claim: Claim,
    /// The publisher's name, for people.
    pub(crate) by: String,
    /// When it was published last.
    pub(crate) at: MeshTime,
    /// At least how often it is.
    pub(crate) interval_ms: u64,
    /// The files, each with its version.
    pub(crate) files: BTreeMap<String, String>,
    /// Assets that no page needs any more, and since when: a page that is being read may still ask for them.
    #[serde(default)]
    pub(crate) retired: BTreeMap<String, MeshTime>,
}

impl Manifest {
    /// Of a target on which nothing stands yet, as `edition` finds it.
    pub(crate) fn empty(edition: &Edition) -> Self {
        Self {
            format: FORMAT,
            claim: edition.claim.clone(),
            by: edition.by.clone(),
            at: edition.at,
            interval_ms: edition.interval.0,
            files: BTreeMap::new(),
            retired: BTreeMap::new(),
        }
    }

    /// The same files, published with this edition.
    pub(crate) fn signed(&self, edition: &Edition) -> Self {
        Self { files: self.files.clone(), retired: self.retired.clone(), ..Self::empty(edition) }
    }

    /// As it was written by some release of p7; none when this is not one.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MANIFEST_LIMIT {
            return None;
        }
        serde_json::from_slice::<Self>(bytes).ok().filter(|manifest| manifest.format == FORMAT)
    }

    /// As it is written.
    pub(crate) fn written(&self) -> Vec<u8> {
        // texts and numbers always have a JSON
        serde_json::to_vec(self).unwrap_or_default()
    }
}
