//! What is still to be written: facts wait here for the next batch, and for a disk that has room again.

use p7_bus::{StoreNoted, note_dropped};
use p7_store::{Fact, Store, StoreError};
use std::collections::VecDeque;
use std::time::Duration;

/// How often what has come in is written. A `kill -9` loses at most this much.
pub const COMMIT_EVERY: Duration = Duration::from_millis(250);
/// How many facts wait while the store takes none: five minutes of a mesh with 300 results a second, some
/// 30 MB.
const WAITING_LIMIT: usize = 100_000;
/// How many are written at once, so that a long queue does not hold the agent up.
pub(crate) const BATCH_LIMIT: usize = 2_000;

/// The facts that are not yet written.
pub(crate) struct Ledger {
    store: Store,
    waiting: VecDeque<Fact>,
    lost: u64,
    trouble: Option<String>,
    /// Whether something was written since the last sync.
    unsynced: bool,
}

impl Ledger {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, waiting: VecDeque::new(), lost: 0, trouble: None, unsynced: false }
    }

    /// Notes a fact for the next batch. When too many wait the oldest result goes, and is counted.
    pub(crate) fn note(&mut self, fact: Fact) {
        if self.waiting.len() >= WAITING_LIMIT {
            let oldest = self.waiting.iter().position(|fact| matches!(fact, Fact::Result(_)));
            self.waiting.remove(oldest.unwrap_or(0));
            self.lost += 1;
            note_dropped("store", 1);
        }
        self.waiting.push_back(fact);
    }

    /// Writes a statement at once, before it is answered.
    pub(crate) fn state(&mut self, fact: &Fact) -> Result<(), StoreError> {
        self.store.commit(std::slice::from_ref(fact))?;
        self.unsynced = true;
        Ok(())
    }

    /// Writes the next batch. Says what changed about the store's health, if something did.
    pub(crate) fn commit(&mut self) -> Option<StoreNoted> {
        if self.waiting.is_empty() {
            return None;
        }
        let batch = self.waiting.len().min(BATCH_LIMIT);
        let (front, _) = self.waiting.make_contiguous().split_at(batch);
        match self.store.commit(front) {
            Ok(()) => {
                self.waiting.drain(..batch);
                self.unsynced = true;
                let recovered = self.trouble.take().map(|_| std::mem::take(&mut self.lost))?;
                tracing::info!(lost = recovered, "the store takes results again");
                Some(StoreNoted { trouble: None, lost: 0 })
            }
            Err(error) => {
                let trouble = error.to_string();
                if self.trouble.as_ref() == Some(&trouble) && self.lost == 0 {
                    return None;
                }
                if self.trouble.is_none() {
                    tracing::error!(error = %trouble, "the store takes no results; probing goes on");
                }
                self.trouble = Some(trouble.clone());
                Some(StoreNoted { trouble: Some(trouble), lost: self.lost })
            }
        }
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether there is something for the disk itself, and forgets that there was.
    pub(crate) fn take_unsynced(&mut self) -> bool {
        std::mem::take(&mut self.unsynced)
    }

    /// Writes all that waits, for a stop.
    pub(crate) fn close(&mut self) {
        let mut before = usize::MAX;
        while (1..before).contains(&self.waiting.len()) {
            before = self.waiting.len();
            self.commit();
        }
        if !self.waiting.is_empty() {
            tracing::error!(lost = self.waiting.len(), "the store takes nothing; what waits is lost");
        }
        if let Err(error) = self.store.close() {
            tracing::error!(%error, "can't close the store in order");
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p7_core::incident::IncidentId;
    use p7_core::vocabulary::{Cycle, MeshTime, ServiceId};

    #[test]
    fn closing_ends_even_when_the_store_takes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), &p7_store::Config::default()).unwrap();
        store.close().unwrap();
        let mut ledger = Ledger::new(store);
        let service = ServiceId::new("shop").unwrap();
        ledger.note(Fact::NoIncident(IncidentId { service, first: Cycle::starting(MeshTime(1)) }));
        assert!(ledger.commit().is_some_and(|noted| noted.trouble.is_some()));
        assert_eq!(ledger.commit(), None, "the same trouble is told once");
        ledger.close();
        assert_eq!(ledger.waiting.len(), 1);
    }
}
