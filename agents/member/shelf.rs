//! What the mesh needs to be remembered: the log of sealed batches, terms, addresses of peers.
//!
//! The store may refuse (a full disk). The mesh goes on then, from memory: what could not be written is
//! counted, and after a restart it comes back from the others.

use crate::past::Absence;
use crate::recall;
use p7_core::mesh::missed::Missed;
use p7_core::mesh::words::{Batch, Chapter, FiguresOf, Have, Role, Sequence, Span, Term};
use p7_core::vocabulary::{MeshTime, NodeId};
use p7_mesh::mesh_id::MeshId;
use p7_store::{LogRow, RollupCursor, RollupRow, Store, StoreError};
use std::sync::Arc;

/// Figures, and where the next page of them begins.
type FiguresPage = (Vec<RollupRow>, Option<Vec<u8>>);

/// The store as the mesh sees it.
pub(crate) struct Shelf {
    store: Store,
    clock: fn() -> MeshTime,
    trouble: bool,
}

impl Shelf {
    pub(crate) fn new(store: Store, clock: fn() -> MeshTime) -> Self {
        Self { store, clock, trouble: false }
    }

    /// Puts sealed batches into the log. Once it returns, no kill of the process loses them.
    pub(crate) fn put(&mut self, batches: &[Batch]) {
        let rows: Vec<LogRow> = batches
            .iter()
            .map(|batch| LogRow {
                sequence: batch.sequence.clone(),
                number: batch.number,
                at: batch.at,
                sealed: Arc::clone(&batch.sealed),
            })
            .collect();
        let written = self.store.log(&rows);
        self.note(written, rows.len());
    }

    fn note(&mut self, written: Result<(), StoreError>, rows: usize) {
        match written {
            Ok(()) => self.trouble = false,
            Err(error) => {
                p7_bus::note_dropped("log", rows as u64);
                if !std::mem::replace(&mut self.trouble, true) {
                    tracing::error!(%error, "what the mesh says can't be stored; it goes on from memory");
                }
            }
        }
    }

    /// Sealed batches of these spans, in their order, about `room` bytes of them.
    pub(crate) fn get(&self, spans: &[Span], room: usize) -> Vec<Arc<[u8]>> {
        let mut sealed = Vec::new();
        let mut left = room;
        for span in spans {
            if left == 0 {
                break;
            }
            let rows = match self.store.logged(span, left) {
                Ok(rows) => rows,
                Err(error) => {
                    tracing::warn!(%error, "can't read what the mesh said");
                    return sealed;
                }
            };
            for row in rows {
                left = left.saturating_sub(row.sealed.len());
                sealed.push(row.sealed);
            }
        }
        sealed
    }

    /// Brings a term to the disk itself.
    pub(crate) fn keep(&self, role: &Role, term: Term) {
        if let Err(error) = self.store.keep_term(role, term) {
            tracing::error!(%error, ?role, "can't keep a term; after a crash it may be used twice");
        }
    }

    /// The last batches of each sequence, and of earlier ones what only this process knew: see [`recall`].
    pub(crate) fn recalled(&self, mesh: &MeshId, now: MeshTime) -> Vec<Batch> {
        let since = self.absence().0.map_or(now, |seen| seen.min(now));
        let mut recalled = Vec::new();
        // statements first: they say who the others are and what is watched
        for chapter in [Chapter::Statements, Chapter::Results] {
            let rows = self.store.log_tail(chapter, recall::READ).unwrap_or_else(|error| {
                tracing::error!(%error, "can't read what the mesh said last");
                Vec::new()
            });
            recalled.extend(recall::worth_hearing(&rows, mesh, since));
        }
        recalled
    }

    /// The first numbers that are still kept.
    pub(crate) fn floors(&self) -> Vec<Have> {
        self.store.log_have().unwrap_or_else(|error| {
            tracing::warn!(%error, "can't read what is kept of the mesh's log");
            Vec::new()
        })
    }

    /// What is known of this node's absences.
    pub(crate) fn absence(&self) -> Absence {
        let unread = |error: &StoreError| tracing::warn!(%error, "can't read when this node was last there");
        let seen = self.store.seen().inspect_err(unread).unwrap_or_default();
        let missed = self.store.missed().inspect_err(unread).unwrap_or_default();
        (seen, self.store.told(), missed)
    }

    /// Remembers that this node is in the mesh.
    pub(crate) fn note_seen(&mut self, now: MeshTime) {
        let written = self.store.note_seen(now);
        self.note(written, 0);
    }

    /// Remembers of which time figures are missed.
    pub(crate) fn note_missed(&mut self, missed: Option<Missed>) {
        let written = self.store.note_missed(missed);
        self.note(written, 0);
    }

    /// When the latest batch of a sequence was stated that was ever here.
    pub(crate) fn latest_stated(&self, sequence: &Sequence) -> Option<MeshTime> {
        self.store.latest_stated(sequence)
    }

    /// Stores figures of others; false when that is not possible now.
    pub(crate) fn take_figures(&mut self, rows: &[RollupRow], now: MeshTime) -> bool {
        match self.store.import_rollups(rows, now) {
            Ok(imported) => {
                p7_bus::note_dropped("malformed figures", imported.malformed);
                true
            }
            Err(error) => {
                self.note(Err(error), rows.len());
                false
            }
        }
    }

    /// A page of figures and where the next begins; none when they can't be read.
    pub(crate) fn figures(&self, of: &FiguresOf, limit: usize) -> Option<FiguresPage> {
        let after = match &of.after {
            Some(cursor) => Some(RollupCursor::of(&cursor.0)?),
            None => None,
        };
        let page = self.store.export_rollups(of.resolution, (of.from, of.to), after, limit);
        let page = page.inspect_err(|error| tracing::warn!(%error, "can't read figures")).ok()?;
        Some((page.rows, page.next.map(RollupCursor::to_bytes)))
    }

    /// Remembers where a peer was reached.
    pub(crate) fn remember(&self, peer: &NodeId, addresses: &[String]) {
        if let Err(error) = self.store.remember_peer(peer, addresses, (self.clock)()) {
            tracing::debug!(%error, "can't remember a peer's address");
        }
    }
}
