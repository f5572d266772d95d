//! The log of sealed batches: what every node of the mesh has stated, as its author signed it, for whoever
//! was off and asks for it.
//!
//! What is there of each sequence is written along with the batches themselves, so that a start reads some
//! thousand rows and not millions.

use crate::engine::View;
use crate::error::StoreError;
use crate::keys::{LOG, SEQUENCES, number, time};
use crate::records;
use crate::store::{Inner, Store, locked};
use p7_core::mesh::words::{Boot, Chapter, Have, Sequence, Span};
use p7_core::vocabulary::MeshTime;
use rocksdb::WriteBatch;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

pub(crate) use kept::Kept;

mod forget;
mod kept;

/// Batches of one answer at most, however small they are.
const LOGGED_LIMIT: usize = 4_096;
/// Bytes of all tails of one chapter together at most: a start hears them at once.
const TAIL_BYTES: usize = 16 << 20;

/// A batch as its author signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// Of which sequence.
    pub sequence: Sequence,
    /// Its place in that, from 1.
    pub number: u64,
    /// When it was stated, in its author's mesh time.
    pub at: MeshTime,
    /// As it was signed.
    pub sealed: Arc<[u8]>,
}

/// A sequence in keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lane {
    author: u32,
    boot: u32,
    chapter: u8,
}

/// What is there of each sequence.
pub(crate) type LogIndex = BTreeMap<Lane, Kept>;

impl Lane {
    /// The key of what is there of it.
    fn key(self) -> [u8; 10] {
        self.in_table(SEQUENCES)
    }

    /// The key of one of its batches.
    fn row_key(self, number: u64) -> [u8; 18] {
        let mut key = [0; 18];
        key[..10].copy_from_slice(&self.in_table(LOG));
        key[10..].copy_from_slice(&number.to_be_bytes());
        key
    }

    fn in_table(self, table: u8) -> [u8; 10] {
        let mut key = [table; 10];
        key[1..5].copy_from_slice(&self.author.to_be_bytes());
        key[5..9].copy_from_slice(&self.boot.to_be_bytes());
        key[9] = self.chapter;
        key
    }

    fn read(key: &[u8]) -> Option<Self> {
        let key: &[u8; 10] = key.try_into().ok()?;
        Some(Self { author: number(&key[1..5]), boot: number(&key[5..9]), chapter: key[9] })
    }

    fn chapter(self) -> Option<Chapter> {
        CHAPTERS.get(usize::from(self.chapter)).copied()
    }
}

/// Chapters by their number in keys, which is only ever added to.
const CHAPTERS: [Chapter; 2] = [Chapter::Results, Chapter::Statements];

fn code_of(chapter: Chapter) -> u8 {
    match chapter {
        Chapter::Results => 0,
        Chapter::Statements => 1,
    }
}

impl Store {
    /// Writes sealed batches, all of them or none. Once it has returned, no kill of the process loses them.
    /// One that is there already, or below what retention has forgotten, changes nothing.
    pub fn log(&self, batches: &[LogRow]) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let _writing = locked(&inner.writer);
        let mut rows = WriteBatch::default();
        let changed = inner.note_all(batches, &mut rows);
        inner.write(rows)?;
        inner.log.write().unwrap_or_else(PoisonError::into_inner).extend(changed);
        Ok(())
    }

    /// The batches of a span in their order. Where they come to more than `room` bytes the latest are
    /// given, but at least one; never more than 4,096.
    pub fn logged(&self, span: &Span, room: usize) -> Result<Vec<LogRow>, StoreError> {
        let Some(lane) = self.lane(&span.sequence) else {
            return Ok(Vec::new());
        };
        if span.first > span.last {
            return Ok(Vec::new());
        }
        self.inner.engine.read(|view| {
            let end = lane.row_key(span.last.saturating_add(1));
            latest(
                view,
                lane,
                &span.sequence,
                (lane.row_key(span.first), end),
                Room { rows: LOGGED_LIMIT, bytes: room },
            )
        })
    }

    /// What is there of each sequence, with the floors below which it is forgotten.
    pub fn log_have(&self) -> Result<Vec<Have>, StoreError> {
        let log = self.inner.log.read().unwrap_or_else(PoisonError::into_inner).clone();
        let have = |(lane, kept): (Lane, Kept)| {
            let upto = if kept.upto < kept.floor { 0 } else { kept.upto };
            Ok(Have { sequence: self.sequence(lane)?, floor: kept.floor, upto, above: kept.above })
        };
        log.into_iter().map(have).collect()
    }

    /// The last `count` batches of every sequence of a chapter, each in its order: after a start, what
    /// follows from them may not be known. At most 4,096 of each and 16 MiB in all; later lives come first.
    pub fn log_tail(&self, chapter: Chapter, count: usize) -> Result<Vec<LogRow>, StoreError> {
        let log = self.inner.log.read().unwrap_or_else(PoisonError::into_inner).clone();
        let wanted = |(lane, kept): &(Lane, Kept)| lane.chapter == code_of(chapter) && kept.first().is_some();
        let mut lanes: Vec<Lane> = log.into_iter().filter(wanted).map(|(lane, _)| lane).collect();
        lanes.sort_by_key(|lane| std::cmp::Reverse(lane.boot));
        let count = count.min(LOGGED_LIMIT);
        let mut tails = Vec::new();
        let mut left = TAIL_BYTES;
        for lane in lanes {
            if left == 0 {
                tracing::debug!("the last batches of earlier lives are too many; they are not heard again");
                break;
            }
            let sequence = self.sequence(lane)?;
            let all = (lane.row_key(0), lane.row_key(u64::MAX));
            let rows = self
                .inner
                .engine
                .read(|view| latest(view, lane, &sequence, all, Room { rows: count, bytes: left }))?;
            left = left.saturating_sub(rows.iter().map(|row| row.sealed.len()).sum());
            tails.extend(rows);
        }
        Ok(tails)
    }

    pub(crate) fn lane(&self, sequence: &Sequence) -> Option<Lane> {
        let author = self.names().nodes.number(&sequence.author)?;
        Some(Lane { author, boot: sequence.boot.0, chapter: code_of(sequence.chapter) })
    }

    fn sequence(&self, lane: Lane) -> Result<Sequence, StoreError> {
        let author = self.names().nodes.id(lane.author).cloned();
        let sequence = author.zip(lane.chapter()).map(|(author, chapter)| Sequence {
            author,
            boot: Boot(lane.boot),
            chapter,
        });
        sequence.map_or_else(
            || self.inner.engine.read(|view| Err(view.damaged("a batch of an unknown node or chapter"))),
            Ok,
        )
    }
}

impl Inner {
    /// Adds batches that are not there yet; gives what is then there of their sequences.
    fn note_all(&self, batches: &[LogRow], rows: &mut WriteBatch) -> LogIndex {
        let log = self.log.read().unwrap_or_else(PoisonError::into_inner);
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = LogIndex::new();
        for row in batches {
            let author = names.node(&row.sequence.author);
            let lane = Lane { author, boot: row.sequence.boot.0, chapter: code_of(row.sequence.chapter) };
            let kept = changed.entry(lane).or_insert_with(|| log.get(&lane).cloned().unwrap_or_default());
            if kept.note(row.number, row.at.0) {
                rows.put(lane.row_key(row.number), records::logged_row(row.at.0, &row.sealed));
            }
        }
        changed.retain(|lane, kept| log.get(lane).unwrap_or(&Kept::default()) != kept);
        for (lane, kept) in &changed {
            rows.put(lane.key(), records::kept_row(kept));
        }
        changed
    }
}

/// How much is read.
#[derive(Clone, Copy)]
struct Room {
    rows: usize,
    bytes: usize,
}

/// The latest batches of a sequence between two keys, in their order.
fn latest(
    view: &View<'_>,
    lane: Lane,
    sequence: &Sequence,
    (from, to): ([u8; 18], [u8; 18]),
    room: Room,
) -> Result<Vec<LogRow>, StoreError> {
    let mut rows: Vec<LogRow> = Vec::new();
    let mut bytes = 0;
    let mut walk = view.walk(from.into(), to.into());
    walk.at_last();
    while let Some((key, row)) = walk.row() {
        let (at, sealed) = records::read_logged(row).map_err(|bad| view.damaged(bad))?;
        bytes += sealed.len();
        if rows.len() >= room.rows || (bytes > room.bytes && !rows.is_empty()) {
            break;
        }
        let number = numbered(key, lane).ok_or_else(|| view.damaged("a key of no known form"))?;
        rows.push(LogRow { sequence: sequence.clone(), number, at: MeshTime(at), sealed: sealed.into() });
        walk.back();
    }
    walk.end()?;
    rows.reverse();
    Ok(rows)
}

/// The number in the key of one of a sequence's batches.
fn numbered(key: &[u8], lane: Lane) -> Option<u64> {
    let of = key.strip_prefix(&lane.in_table(LOG))?;
    (of.len() == 8).then(|| time(of))
}

/// What is there of each sequence, as the database has it.
pub(crate) fn log_index(view: &View<'_>) -> Result<LogIndex, StoreError> {
    let mut walk = view.walk_table(SEQUENCES);
    walk.at_first();
    let mut index = LogIndex::new();
    while let Some((key, row)) = walk.row() {
        let lane = Lane::read(key).ok_or_else(|| view.damaged("a key of no known form"))?;
        index.insert(lane, records::read_kept(row).map_err(|bad| view.damaged(bad))?);
        walk.forward();
    }
    walk.end().map(|()| index)
}
