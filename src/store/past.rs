//! What a node remembers of its own absences: when it was last in the mesh, and of which time it still
//! lacks the figures.

use crate::error::StoreError;
use crate::keys::{MISSED_KEY, SEEN_KEY, time};
use crate::store::{Store, locked};
use p7_core::mesh::missed::Missed;
use p7_core::mesh::words::Sequence;
use p7_core::vocabulary::{MeshTime, Millis};
use rocksdb::WriteBatch;
use std::sync::PoisonError;

impl Store {
    /// For how long results are told to others.
    pub fn told(&self) -> Millis {
        self.inner.retention.news
    }

    /// Remembers that this node is in the mesh now.
    pub fn note_seen(&self, now: MeshTime) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        batch.put(SEEN_KEY, now.0.to_be_bytes());
        let _writing = locked(&self.inner.writer);
        self.inner.write(batch)
    }

    /// When this node was last in the mesh, as far as it was noted.
    pub fn seen(&self) -> Result<Option<MeshTime>, StoreError> {
        self.inner.engine.read(|view| Ok(view.get(SEEN_KEY)?.map(|row| MeshTime(time(&row)))))
    }

    /// Remembers of which time figures are still lacking; none when of no time.
    pub fn note_missed(&self, missed: Option<Missed>) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        match missed {
            Some(Missed { from, to }) => {
                batch.put(MISSED_KEY, [from.0.to_be_bytes(), to.0.to_be_bytes()].concat());
            }
            None => batch.delete(MISSED_KEY),
        }
        let _writing = locked(&self.inner.writer);
        self.inner.write(batch)
    }

    /// Of which time figures are still lacking.
    pub fn missed(&self) -> Result<Option<Missed>, StoreError> {
        self.inner.engine.read(|view| {
            let Some(row) = view.get(MISSED_KEY)? else { return Ok(None) };
            let ends = row.split_at_checked(8).filter(|(_, to)| to.len() == 8);
            let (from, to) = ends.ok_or_else(|| view.damaged("what was missed"))?;
            Ok(Some(Missed { from: MeshTime(time(from)), to: MeshTime(time(to)) }))
        })
    }

    /// When the latest batch of a sequence that was ever there was stated.
    pub fn latest_stated(&self, sequence: &Sequence) -> Option<MeshTime> {
        let lane = self.lane(sequence)?;
        let log = self.inner.log.read().unwrap_or_else(PoisonError::into_inner);
        log.get(&lane).map(|kept| MeshTime(kept.latest))
    }
}
