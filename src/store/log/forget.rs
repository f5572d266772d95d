//! What of the log is past its time: dropped from the front of each sequence, a step at a time.

use super::{Kept, Lane, numbered};
use crate::engine::View;
use crate::error::StoreError;
use crate::records;
use crate::store::{Inner, locked};
use p7_core::mesh::words::Chapter;
use p7_core::vocabulary::{MeshTime, Millis};
use rocksdb::WriteBatch;
use std::sync::PoisonError;

/// Batches looked at in one step.
const STEP_BATCHES: usize = 2_000;
/// Bytes read in one step.
const STEP_BYTES: usize = 4 << 20;
/// Sequences whose first batch is looked up in one step.
const STEP_SEQUENCES: usize = 200;
/// What is stated for later than this after now has a broken clock behind it; it would stay for ever.
const AHEAD: Millis = Millis::seconds(24 * 3600);
/// How long the floor of an ended life is kept after its last batch went: nodes forget at different
/// moments, and one that had lost its floor would take the batches from a later one anew.
const FLOOR_KEPT: Millis = Millis::seconds(7 * 24 * 3600);

/// What is to be forgotten next.
enum Next {
    /// Nothing.
    Nothing,
    /// Some first batches were looked up; look again.
    LookedUp,
    /// The front of this sequence.
    Front(Lane, Kept),
    /// This sequence altogether.
    Whole(Lane),
}

impl Inner {
    /// Forgets a step's worth of what is past its time. False when nothing is.
    pub(crate) fn forget_log(&self, now: MeshTime) -> Result<bool, StoreError> {
        let _writing = locked(&self.writer);
        match self.next_forgotten(now)? {
            Next::Nothing => Ok(false),
            Next::LookedUp => Ok(true),
            Next::Front(lane, kept) => self.forget_front(lane, kept, now).map(|()| true),
            Next::Whole(lane) => {
                let mut batch = WriteBatch::default();
                batch.delete(lane.key());
                self.write(batch)?;
                self.log.write().unwrap_or_else(PoisonError::into_inner).remove(&lane);
                Ok(true)
            }
        }
    }

    fn next_forgotten(&self, now: MeshTime) -> Result<Next, StoreError> {
        let mut log = self.log.write().unwrap_or_else(PoisonError::into_inner);
        let mut later: Option<Lane> = None;
        let mut looked_up = 0;
        // the latest life of an author comes first
        for (lane, kept) in log.iter_mut().rev() {
            let keep = self.kept_for(*lane);
            let is_latest = later.is_none_or(|later| later.author != lane.author);
            if is_latest {
                later = Some(*lane);
            }
            let ended = later.is_some_and(|later| later.boot > lane.boot);
            let Some(first) = kept.first() else {
                let gone = now.minus(keep).minus(FLOOR_KEPT).0;
                if ended && (kept.latest < gone || is_ahead(kept.latest, now)) {
                    return Ok(Next::Whole(*lane));
                }
                continue;
            };
            let oldest = match kept.oldest {
                Some(oldest) => oldest,
                None if looked_up == STEP_SEQUENCES => return Ok(Next::LookedUp),
                None => {
                    looked_up += 1;
                    self.engine.read(|view| stated(view, *lane, first))?
                }
            };
            kept.oldest = Some(oldest);
            if oldest < now.minus(keep).0 || is_ahead(oldest, now) {
                return Ok(Next::Front(*lane, kept.clone()));
            }
        }
        Ok(Next::Nothing)
    }

    fn forget_front(&self, lane: Lane, mut kept: Kept, now: MeshTime) -> Result<(), StoreError> {
        let cutoff = now.minus(self.kept_for(lane)).0;
        let first = lane.row_key(kept.first().unwrap_or(kept.floor));
        let floor = self.engine.read(|view| {
            let (mut floor, mut bytes) = (kept.last().saturating_add(1), 0);
            let mut walk = view.walk(first.into(), lane.row_key(u64::MAX).into());
            walk.at_first();
            for step in 0.. {
                let Some((key, row)) = walk.row() else { break };
                let (at, sealed) = records::read_logged(row).map_err(|bad| view.damaged(bad))?;
                bytes += sealed.len();
                let stays = at >= cutoff && !is_ahead(at, now);
                if stays || step == STEP_BATCHES || bytes > STEP_BYTES && step > 0 {
                    floor = numbered(key, lane).ok_or_else(|| view.damaged("a key of no known form"))?;
                    break;
                }
                walk.forward();
            }
            walk.end().map(|()| floor)
        })?;
        kept.forget_below(floor);
        kept.oldest = None;
        let mut batch = WriteBatch::default();
        let (begin, end) = (lane.row_key(0), lane.row_key(floor));
        batch.delete_range(begin, end);
        batch.put(lane.key(), records::kept_row(&kept));
        self.write(batch)?;
        self.log.write().unwrap_or_else(PoisonError::into_inner).insert(lane, kept);
        self.engine.drop_files(&begin, &end)
    }

    fn kept_for(&self, lane: Lane) -> Millis {
        match lane.chapter() {
            Some(Chapter::Results) => self.retention.news,
            Some(Chapter::Statements) | None => self.retention.statements,
        }
    }
}

fn is_ahead(at: u64, now: MeshTime) -> bool {
    at > now.plus(AHEAD).0
}

/// When a batch was stated; the beginning of time when it is not there.
fn stated(view: &View<'_>, lane: Lane, number: u64) -> Result<u64, StoreError> {
    let Some(row) = view.get(&lane.row_key(number))? else {
        return Ok(0);
    };
    records::read_logged(&row).map(|(at, _)| at).map_err(|bad| view.damaged(bad))
}
