//! Rollups for other nodes and from them: who was off for long gets the figures of hours and days of that
//! time, since the results themselves are no longer told.

use crate::engine::View;
use crate::error::StoreError;
use crate::keys::{DAYS, HOURS, Place, RESULTS, Series, day_of};
use crate::query::PAGE_LIMIT;
use crate::rollup::{DAY_MS, Resolution, Rollup};
use crate::rollups::stored;
use crate::store::{Inner, Store, locked};
use crate::{records, scan};
use p7_core::rollup::RollupRow;
use p7_core::vocabulary::{MeshTime, NodeId, ServiceId};
use rocksdb::WriteBatch;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::ControlFlow;
use std::sync::PoisonError;

/// Rows looked at for one page; it ends early then.
const SCAN_LIMIT: usize = 20_000;

/// Where the next page begins: good for the store that gave it only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollupCursor(Place);

impl RollupCursor {
    /// As it goes to whoever asks for the next page.
    pub fn to_bytes(self) -> Vec<u8> {
        HOURS.key(self.0).to_vec()
    }

    /// The cursor of these bytes; none when they are not of this form.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        HOURS.read(bytes).map(Self)
    }
}

/// A page of rollups. It may be empty and yet not the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupPage {
    /// The rows.
    pub rows: Vec<RollupRow>,
    /// To ask for the next page with; none after the last.
    pub next: Option<RollupCursor>,
}

/// What became of rollups of other nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Taken.
    pub taken: u64,
    /// Not needed: there are results or figures of that span, or it is past its time.
    pub known: u64,
    /// Refused: not what a rollup can be.
    pub malformed: u64,
}

impl Store {
    /// Stored rollups of all services and vantage points whose spans start at `from` or later and before
    /// `to`, at most `limit` and [`PAGE_LIMIT`] of them. Hours that are not yet rolled up are not among them.
    pub fn export_rollups(
        &self,
        resolution: Resolution,
        (from, to): (MeshTime, MeshTime),
        after: Option<RollupCursor>,
        limit: usize,
    ) -> Result<RollupPage, StoreError> {
        let series = series_of(resolution);
        let limit = limit.clamp(1, PAGE_LIMIT);
        let names = self.names();
        let mut page = RollupPage { rows: Vec::new(), next: None };
        let Some(last) = to.0.checked_sub(1).filter(|last| *last >= from.0) else {
            return Ok(page);
        };
        let first = after.map_or_else(|| series.place(0, from.0, 0), |cursor| cursor.0);
        let end = Place { bucket: series.bucket(last), service: u32::MAX, time: u64::MAX, node: u32::MAX };
        self.inner.engine.read(|view| {
            let mut walk = view.walk(series.key(first).into(), series.key(end.max(first)).into());
            walk.at_first();
            let mut looked_at = 0;
            while let Some((key, row)) = walk.row() {
                let place = series.read(key).ok_or_else(|| view.damaged("a key of no known form"))?;
                looked_at += 1;
                if page.rows.len() == limit || looked_at > SCAN_LIMIT {
                    page.next = Some(RollupCursor(place));
                    return Ok(());
                }
                if place.time < from.0 {
                    walk.to(&series.key(Place { time: from.0, node: 0, ..place }));
                } else if place.time > last {
                    walk.to(&series.key(behind(place)));
                } else {
                    let rollup = records::read_rollup(place.time, resolution, row);
                    let rollup = rollup.map_err(|bad| view.damaged(bad))?;
                    let service = names.services.id(place.service);
                    let node = names.nodes.id(place.node);
                    let ids = service.cloned().zip(node.cloned());
                    let (service, node) = ids.ok_or_else(|| view.damaged("a rollup of an unknown node"))?;
                    page.rows.push(row_of(service, node, &rollup));
                    walk.forward();
                }
            }
            walk.end()
        })?;
        Ok(page)
    }

    /// Takes rollups of other nodes for spans of which this store has neither results nor figures of that
    /// service and vantage point: its results have the last word. At most [`PAGE_LIMIT`] at once.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] above that, beside those of the disk. Malformed rows are no error.
    pub fn import_rollups(&self, rows: &[RollupRow], now: MeshTime) -> Result<Imported, StoreError> {
        if rows.len() > PAGE_LIMIT {
            let (asked, limit) = (rows.len() as u64, PAGE_LIMIT as u64);
            return Err(StoreError::TooMuch { what: "rollups", asked, limit });
        }
        let inner = &*self.inner;
        let _writing = locked(&inner.writer);
        let mut imported = Imported::default();
        let mut lawful: BTreeMap<Key, Rollup> = BTreeMap::new();
        for row in rows {
            let Some(rollup) = rollup_of(row).filter(|_| row.start.plus(row.resolution.span()) <= now) else {
                imported.malformed += 1;
                continue;
            };
            let known = inner.is_past(row, now) || lawful.contains_key(&inner.key_of(row));
            if known {
                imported.known += 1;
            } else {
                lawful.insert(inner.key_of(row), rollup);
            }
        }
        let offered = lawful.len() as u64;
        inner.engine.read(|view| keep_unknown(view, &mut lawful))?;
        imported.taken = lawful.len() as u64;
        imported.known += offered - imported.taken;
        let mut batch = WriteBatch::default();
        for (key, rollup) in &lawful {
            batch.put(key.series().key(key.place()), records::rollup_row(rollup));
        }
        inner.engine.read(|view| put_days(view, &lawful, &mut batch))?;
        inner.write(batch)?;
        Ok(imported)
    }
}

/// A rollup as it goes to others.
fn row_of(service: ServiceId, node: NodeId, rollup: &Rollup) -> RollupRow {
    RollupRow {
        service,
        node,
        start: rollup.start,
        resolution: rollup.resolution,
        counts: rollup.counts,
        sketch: records::sketch_row(rollup.latencies()),
    }
}

/// The rollup that a row is; none when it can't be one.
fn rollup_of(row: &RollupRow) -> Option<Rollup> {
    let latencies = records::read_sketch(&row.sketch).ok()?;
    let counted = latencies.count();
    let rollup = Rollup::from_parts(row.start, row.resolution, row.counts, latencies);
    let is_whole = row.start.0.is_multiple_of(row.resolution.span().0)
        && rollup.results() > 0
        && counted == rollup.passed();
    is_whole.then_some(rollup)
}

/// Which rollup: hours before days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    resolution: Resolution,
    service: u32,
    start: u64,
    node: u32,
}

impl Key {
    fn series(self) -> Series {
        series_of(self.resolution)
    }

    fn place(self) -> Place {
        self.series().place(self.service, self.start, self.node)
    }

    fn range(self) -> (u64, u64) {
        (self.start, self.start.saturating_add(self.resolution.span().0))
    }
}

impl Inner {
    fn key_of(&self, row: &RollupRow) -> Key {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let (service, node) = (names.service(&row.service), names.node(&row.node));
        Key { resolution: row.resolution, service, start: row.start.0, node }
    }

    /// Whether figures of that span are dropped anyway.
    fn is_past(&self, row: &RollupRow, now: MeshTime) -> bool {
        let keep = match row.resolution {
            Resolution::Hour => Some(self.retention.hours),
            Resolution::Day => self.retention.days,
        };
        keep.is_some_and(|keep| row.start < now.minus(keep))
    }
}

/// Leaves those of which there is nothing yet.
fn keep_unknown(view: &View<'_>, rollups: &mut BTreeMap<Key, Rollup>) -> Result<(), StoreError> {
    let mut known = Vec::new();
    let mut spans: BTreeMap<(u32, u64, u64), Vec<Key>> = BTreeMap::new();
    for key in rollups.keys() {
        if view.get(&key.series().key(key.place()))?.is_some() {
            known.push(*key);
        } else {
            let (from, to) = key.range();
            spans.entry((key.service, from, to)).or_default().push(*key);
        }
    }
    for ((service, from, to), mut wanted) in spans {
        let mut note = |place: Place| {
            known.extend(wanted.iter().filter(|key| key.node == place.node));
            wanted.retain(|key| key.node != place.node);
            if wanted.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let done = scan::up(view, RESULTS, service, (from, to), |place, _row| Ok(note(place)))?;
        if done.is_none() && to - from == DAY_MS {
            scan::up(view, HOURS, service, (from, to), |place, _row| Ok(note(place)))?;
        }
    }
    rollups.retain(|key, _| !known.contains(key));
    Ok(())
}

/// Adds the days that imported hours belong to, where the hours know more than what is stored.
fn put_days(
    view: &View<'_>,
    imported: &BTreeMap<Key, Rollup>,
    batch: &mut WriteBatch,
) -> Result<(), StoreError> {
    let mut days: BTreeMap<(u32, u64, u32), Rollup> = BTreeMap::new();
    for (key, rollup) in imported.iter().filter(|(key, _)| key.resolution == Resolution::Hour) {
        let day = day_of(key.start);
        let of_day = (key.service, day, key.node);
        let hours = match days.entry(of_day) {
            Entry::Occupied(counted) => counted.into_mut(),
            Entry::Vacant(vacant) => {
                let mut hours = Rollup::new(MeshTime(day), Resolution::Day);
                let range = (day, day.saturating_add(DAY_MS));
                stored(view, Resolution::Hour, key.service, range, |_, node, rollup| {
                    if node == key.node {
                        hours.merge(&rollup);
                    }
                })?;
                vacant.insert(hours)
            }
        };
        hours.merge(rollup);
    }
    for ((service, day, node), hours) in days {
        let key = DAYS.key(DAYS.place(service, day, node));
        let known = match view.get(&key)? {
            Some(row) => {
                records::read_rollup(day, Resolution::Day, &row).map_err(|bad| view.damaged(bad))?.results()
            }
            None => 0,
        };
        if hours.results() > known {
            batch.put(key, records::rollup_row(&hours));
        }
    }
    Ok(())
}

fn series_of(resolution: Resolution) -> Series {
    match resolution {
        Resolution::Hour => HOURS,
        Resolution::Day => DAYS,
    }
}

/// The first place behind those of a service in its bucket.
fn behind(place: Place) -> Place {
    match place.service.checked_add(1) {
        Some(service) => Place { service, time: 0, node: 0, ..place },
        None => Place { bucket: place.bucket.saturating_add(1), service: 0, time: 0, node: 0 },
    }
}
