//! Telling an agent something without waiting: queued, dropped or dead, and counted.

use actix::prelude::*;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// What became of a told event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It waits in the mailbox.
    Queued,
    /// The mailbox was full; the event is gone and counted.
    Dropped,
    /// The agent has stopped.
    Dead,
}

static DROPPED: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());

/// Tells `recipient` an event; `place` names the mailbox in `p7_dropped_total{where}`.
pub fn tell<M>(recipient: &Recipient<M>, place: &'static str, event: M) -> Told
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    match recipient.try_send(event) {
        Ok(()) => Told::Queued,
        Err(SendError::Full(_)) => {
            note_dropped(place, 1);
            Told::Dropped
        }
        Err(SendError::Closed(_)) => Told::Dead,
    }
}

/// Counts `n` things dropped at `place`.
pub fn note_dropped(place: &'static str, n: u64) {
    let mut dropped = DROPPED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    *dropped.entry(place).or_default() += n;
}

/// How many things were dropped where, since the process started.
pub fn dropped() -> BTreeMap<&'static str, u64> {
    DROPPED.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
}
