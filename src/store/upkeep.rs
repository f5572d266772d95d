//! Upkeep: closed hours become rollups, late results are counted in, what is past its time goes. All
//! in small steps, each of which can be broken off by a crash and is then simply done again.

use crate::engine::View;
use crate::error::StoreError;
use crate::keys::{
    DAYS, FLOOR_KEY, HOLDS, HOURS, INCIDENTS, LATE, Place, RESULTS, ROLLED_KEY, Series, by_service, by_time,
    day_of, hour_of, read_by_time,
};
use crate::rollup::{DAY_MS, HOUR_MS, Resolution, Rollup};
use crate::rollups::stored;
use crate::store::{Inner, Store, Upkeep, delete_incident, locked};
use crate::{records, scan};
use p7_core::vocabulary::{MeshTime, Millis};
use rocksdb::WriteBatch;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::PoisonError;

/// How long after its end an hour is rolled up: results of its last cycles are still on their way.
const GRACE: Millis = Millis::seconds(5 * 60);
/// Work of one step, in rows read; one costs some three microseconds with all that goes with it.
const STEP_ROWS: usize = 4_000;
/// What finding and writing a service's hour costs, in rows read.
const SERVICE_COST: usize = 100;
/// Incidents deleted in one step.
const STEP_INCIDENTS: usize = 200;

/// What upkeep was at when the last step ended.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// The hour being rolled up and the first service not yet done.
    hour: Option<(u64, u32)>,
    /// One service's hour, half counted.
    count: Option<Count>,
}

/// The results of one service's hour, as far as they are counted.
#[derive(Debug)]
struct Count {
    service: u32,
    hour: u64,
    next: Place,
    by_node: BTreeMap<u32, Rollup>,
    /// The number of the late result that led to it; none for a first count.
    late: Option<u64>,
}

impl Store {
    /// One small step of rolling up closed hours and dropping what is past its time. Meant to be
    /// called about once a minute, and again at once while it says there is more.
    pub fn upkeep(&self, now: MeshTime) -> Result<Upkeep, StoreError> {
        let inner = &*self.inner;
        let mut work = locked(&inner.work);
        let mut budget = STEP_ROWS;
        while budget > 0 {
            if !(inner.go_on(&mut work, &mut budget)?
                || inner.roll_next(&mut work, now, &mut budget)?
                || inner.take_late(&mut work))
            {
                let dropped = inner.drop_one(now)?;
                return Ok(if dropped { Upkeep::More } else { Upkeep::Done });
            }
        }
        Ok(Upkeep::More)
    }
}

impl Inner {
    /// Counts on where the last step ended. False when there is nothing half done.
    fn go_on(&self, work: &mut Work, budget: &mut usize) -> Result<bool, StoreError> {
        let Some(count) = &mut work.count else {
            return Ok(false);
        };
        if self.engine.read(|view| count.on(view, budget))? {
            *budget = budget.saturating_sub(SERVICE_COST);
            self.finish(count)?;
            work.count = None;
        }
        Ok(true)
    }

    /// Goes to the next service of the hour at hand, or to the next hour that is due. False when none is.
    fn roll_next(&self, work: &mut Work, now: MeshTime, budget: &mut usize) -> Result<bool, StoreError> {
        *budget = budget.saturating_sub(1);
        let Some((hour, service)) = work.hour else {
            work.hour = self.next_hour(now)?.map(|hour| (hour, 0));
            return Ok(work.hour.is_some());
        };
        let found = self.engine.read(|view| next_service(view, hour, service))?;
        if let Some(service) = found {
            work.count = Some(Count::new(service, hour, None));
            work.hour = service.checked_add(1).map(|next| (hour, next));
        }
        if found.is_none() || work.hour.is_none() {
            let _writing = locked(&self.writer);
            self.roll_to(hour.saturating_add(HOUR_MS))?;
            work.hour = None;
        }
        Ok(true)
    }

    /// The next hour that is over and has results; those without are passed over.
    fn next_hour(&self, now: MeshTime) -> Result<Option<u64>, StoreError> {
        let writer = locked(&self.writer);
        let due = hour_of(now.minus(GRACE).0);
        let rolled = self.rolling.read().unwrap_or_else(PoisonError::into_inner).rolled;
        if rolled > due.saturating_add(2 * HOUR_MS) {
            // the clock had been ahead: go back, rolling up twice is harmless
            self.roll_to(due.max(RESULTS.start(writer.floor)))?;
            return Ok(None);
        }
        let bucket = RESULTS.bucket(rolled);
        let first = self.engine.read(|view| first_bucket(view, RESULTS, bucket))?;
        let next = match first {
            Some(found) if found == bucket => rolled,
            Some(later) => RESULTS.start(later).min(due).max(rolled),
            None => due.max(rolled),
        };
        if next > rolled {
            self.roll_to(next)?;
        }
        if next.saturating_add(HOUR_MS) > due {
            return Ok(None);
        }
        self.rolling.write().unwrap_or_else(PoisonError::into_inner).closing = next + HOUR_MS;
        Ok(Some(next))
    }

    /// Notes that every hour before `to` is rolled up. The caller holds the writer.
    fn roll_to(&self, to: u64) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        batch.put(ROLLED_KEY, to.to_be_bytes());
        self.write(batch)?;
        let mut rolling = self.rolling.write().unwrap_or_else(PoisonError::into_inner);
        rolling.rolled = to;
        rolling.closing = to;
        Ok(())
    }

    /// Takes up an hour that got late results. False when there is none.
    fn take_late(&self, work: &mut Work) -> bool {
        let rolling = self.rolling.read().unwrap_or_else(PoisonError::into_inner);
        let first = rolling.late.first_key_value();
        work.count = first.map(|((service, hour), late)| Count::new(*service, *hour, Some(*late)));
        work.count.is_some()
    }

    /// Writes a counted hour, and its day if that is over.
    fn finish(&self, count: &Count) -> Result<(), StoreError> {
        let _writing = locked(&self.writer);
        let (service, hour) = (count.service, count.hour);
        let mut batch = WriteBatch::default();
        for (node, rollup) in &count.by_node {
            batch.put(HOURS.key(HOURS.place(service, hour, *node)), records::rollup_row(rollup));
        }
        let rolled = self.rolling.read().unwrap_or_else(PoisonError::into_inner).rolled;
        let day = day_of(hour);
        let is_last = hour.saturating_add(HOUR_MS) == day.saturating_add(DAY_MS);
        if is_last || day.saturating_add(DAY_MS) <= rolled {
            let by_node = self.engine.read(|view| count.day(view))?;
            for (node, rollup) in by_node {
                batch.put(DAYS.key(DAYS.place(service, day, node)), records::rollup_row(&rollup));
            }
        }
        // a late result that came while it was counted keeps the mark
        let is_done = count.late.is_some_and(|counted| self.late(service, hour) == Some(counted));
        if is_done {
            batch.delete(by_service(LATE, service, hour));
        }
        self.write(batch)?;
        if is_done {
            self.rolling.write().unwrap_or_else(PoisonError::into_inner).late.remove(&(service, hour));
        }
        Ok(())
    }

    fn late(&self, service: u32, hour: u64) -> Option<u64> {
        let rolling = self.rolling.read().unwrap_or_else(PoisonError::into_inner);
        rolling.late.get(&(service, hour)).copied()
    }

    /// Drops one bucket, or some incidents, that are past their time. False when there are none.
    fn drop_one(&self, now: MeshTime) -> Result<bool, StoreError> {
        let rolled = self.rolling.read().unwrap_or_else(PoisonError::into_inner).rolled;
        let keep = self.retention;
        // results stay until they are rolled up, however old they are
        Ok(self.drop_bucket(RESULTS, now.minus(keep.results).0.min(rolled))?
            || self.drop_bucket(HOURS, now.minus(keep.hours).0)?
            || match keep.days {
                Some(days) => {
                    self.drop_bucket(DAYS, now.minus(days).0)? || self.drop_incidents(now.minus(days))?
                }
                None => false,
            }
            || self.drop_holds(now.minus(keep.hours))?
            || self.forget_log(now)?)
    }

    /// Drops the oldest bucket if it ends at `cutoff` or before.
    fn drop_bucket(&self, series: Series, cutoff: u64) -> Result<bool, StoreError> {
        let mut writer = locked(&self.writer);
        let oldest = self.engine.read(|view| first_bucket(view, series, 0))?;
        let Some(bucket) = oldest.filter(|oldest| *oldest < series.bucket(cutoff)) else {
            return Ok(false);
        };
        let (from, to) = (series.bucket_key(bucket), end_of(series, bucket));
        let mut batch = WriteBatch::default();
        batch.delete_range(&from, &to);
        if series == RESULTS {
            batch.put(FLOOR_KEY, (bucket + 1).to_be_bytes());
        }
        self.write(batch)?;
        if series == RESULTS {
            writer.floor = bucket + 1;
        }
        self.engine.drop_files(&from, &to)?;
        Ok(true)
    }

    /// Deletes ended incidents whose first cycle is before `cutoff`.
    fn drop_incidents(&self, cutoff: MeshTime) -> Result<bool, StoreError> {
        let _writing = locked(&self.writer);
        let mut batch = WriteBatch::default();
        self.engine.read(|view| {
            let end = by_time(INCIDENTS, cutoff.0, 0);
            let mut walk = view.walk(vec![INCIDENTS], end.into());
            walk.at_first();
            while let Some((key, row)) = walk.row().filter(|_row| batch.len() < 4 * STEP_INCIDENTS) {
                let (first, service) =
                    read_by_time(key).ok_or_else(|| view.damaged("a key of no known form"))?;
                if records::has_ended(row).map_err(|bad| view.damaged(bad))? {
                    delete_incident(service, first, &mut batch);
                }
                walk.forward();
            }
            walk.end()
        })?;
        let any = !batch.is_empty();
        self.write(batch)?;
        Ok(any)
    }

    /// Deletes silences and maintenances that ended before `cutoff`.
    fn drop_holds(&self, cutoff: MeshTime) -> Result<bool, StoreError> {
        let _writing = locked(&self.writer);
        let mut batch = WriteBatch::default();
        self.engine.read(|view| {
            let mut walk = view.walk_table(HOLDS);
            walk.at_first();
            while let Some((key, row)) = walk.row() {
                if records::hold_ends(row).map_err(|bad| view.damaged(bad))? < cutoff {
                    batch.delete(key);
                }
                walk.forward();
            }
            walk.end()
        })?;
        let any = !batch.is_empty();
        self.write(batch)?;
        Ok(any)
    }
}

impl Count {
    fn new(service: u32, hour: u64, late: Option<u64>) -> Self {
        Self { service, hour, next: RESULTS.place(service, hour, 0), by_node: BTreeMap::new(), late }
    }

    /// Counts on until the budget is used up; says whether all is counted.
    fn on(&mut self, view: &View<'_>, budget: &mut usize) -> Result<bool, StoreError> {
        let (hour, by_node) = (self.hour, &mut self.by_node);
        let stopped = scan::up_from(view, RESULTS, self.next, hour.saturating_add(HOUR_MS), |place, row| {
            if *budget == 0 {
                return Ok(ControlFlow::Break(place));
            }
            *budget -= 1;
            let (outcome, latency) = records::read_figures(row).map_err(|bad| view.damaged(bad))?;
            let fresh = || Rollup::new(MeshTime(hour), Resolution::Hour);
            by_node.entry(place.node).or_insert_with(fresh).add_parts(outcome, latency);
            Ok(ControlFlow::Continue(()))
        })?;
        self.next = stopped.unwrap_or(self.next);
        Ok(stopped.is_none())
    }

    /// The day of this hour by node: its stored hours, with this one as just counted.
    fn day(&self, view: &View<'_>) -> Result<BTreeMap<u32, Rollup>, StoreError> {
        let day = day_of(self.hour);
        let mut by_node: BTreeMap<u32, Rollup> = BTreeMap::new();
        let mut add = |node: u32, rollup: &Rollup| {
            let fresh = || Rollup::new(MeshTime(day), Resolution::Day);
            by_node.entry(node).or_insert_with(fresh).merge(rollup);
        };
        stored(
            view,
            Resolution::Hour,
            self.service,
            (day, day.saturating_add(DAY_MS)),
            |hour, node, rollup| {
                // of a node without results of its own here the figures came from others
                if hour != self.hour || !self.by_node.contains_key(&node) {
                    add(node, &rollup);
                }
            },
        )?;
        for (node, rollup) in &self.by_node {
            add(*node, rollup);
        }
        Ok(by_node)
    }
}

/// The first service from `service` on that has results on the day of `hour`.
fn next_service(view: &View<'_>, hour: u64, service: u32) -> Result<Option<u32>, StoreError> {
    let bucket = RESULTS.bucket(hour);
    let from = RESULTS.key(Place { bucket, service, time: 0, node: 0 });
    let mut walk = view.walk(from.into(), end_of(RESULTS, bucket));
    walk.at_first();
    let found = walk.row().and_then(|(key, _row)| RESULTS.read(key)).map(|place| place.service);
    walk.end().map(|()| found)
}

/// The first bucket from `bucket` on that has rows.
fn first_bucket(view: &View<'_>, series: Series, bucket: u32) -> Result<Option<u32>, StoreError> {
    let mut walk = view.walk(series.bucket_key(bucket), vec![series.table + 1]);
    walk.at_first();
    let found = walk.row().and_then(|(key, _row)| series.read(key)).map(|place| place.bucket);
    walk.end().map(|()| found)
}

/// The key behind the last of a bucket.
fn end_of(series: Series, bucket: u32) -> Vec<u8> {
    bucket.checked_add(1).map_or_else(|| vec![series.table + 1], |next| series.bucket_key(next))
}
