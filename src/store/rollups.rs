//! Rollups as they are asked for: from stored rows where these are settled, else from the results, so
//! that an answer is always what the results say now.

use crate::engine::View;
use crate::error::StoreError;
use crate::keys::{DAYS, HOURS, RESULTS, Series, day_of, hour_of};
use crate::rollup::{DAY_MS, HOUR_MS, Resolution, Rollup};
use crate::store::Store;
use crate::{records, scan};
use p7_core::vocabulary::{MeshTime, NodeId, ServiceId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::PoisonError;

/// Spans of one answer: 93 days by hour. A rollup takes one to some kilobytes of memory.
pub const ROLLUPS_LIMIT: u64 = 93 * 24;

/// Whose rollups are asked for, and what of them is not settled.
struct Ask {
    service: u32,
    node: Option<u32>,
    /// Hours from here on are not rolled up.
    rolled: u64,
    /// Hours before that which got late results.
    late: BTreeSet<u64>,
}

/// Merged rollups by their start.
type Spans = BTreeMap<u64, Rollup>;

impl Store {
    /// The figures of a service by hour or day for spans that start at `from` or later and before `to`,
    /// oldest first, of one vantage point or merged over all. Always current; a span without results
    /// is absent.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] above [`ROLLUPS_LIMIT`] spans, beside those of the disk.
    pub fn rollups(
        &self,
        service: &ServiceId,
        node: Option<&NodeId>,
        resolution: Resolution,
        from: MeshTime,
        to: MeshTime,
    ) -> Result<Vec<Rollup>, StoreError> {
        let span = resolution.span().0;
        let asked = to.since(from).0.div_ceil(span);
        if asked > ROLLUPS_LIMIT {
            return Err(StoreError::TooMuch { what: "rollups", asked, limit: ROLLUPS_LIMIT });
        }
        let Some(ask) = self.ask(service, node) else {
            return Ok(Vec::new());
        };
        let first = from.0.checked_next_multiple_of(span).unwrap_or(u64::MAX);
        let end = to.0.checked_next_multiple_of(span).unwrap_or(u64::MAX);
        let spans = self.inner.engine.read(|view| match resolution {
            Resolution::Hour => ask.hours(view, first, end),
            Resolution::Day => ask.days(view, first, end),
        })?;
        Ok(spans.into_values().collect())
    }

    /// None when the service or node has never been heard of.
    fn ask(&self, service: &ServiceId, node: Option<&NodeId>) -> Option<Ask> {
        let names = self.names();
        let service = names.services.number(service)?;
        let node = match node {
            Some(node) => Some(names.nodes.number(node)?),
            None => None,
        };
        let rolling = self.inner.rolling.read().unwrap_or_else(PoisonError::into_inner);
        let late = rolling.late.range((service, 0)..=(service, u64::MAX));
        let late = late.map(|((_service, hour), _generation)| *hour).collect();
        Some(Ask { service, node, rolled: rolling.rolled, late })
    }
}

impl Ask {
    fn hours(&self, view: &View<'_>, from: u64, to: u64) -> Result<Spans, StoreError> {
        let mut spans = Spans::new();
        let settled = to.min(self.rolled);
        self.stored(view, Resolution::Hour, (from, settled), |hour| !self.late.contains(&hour), &mut spans)?;
        if from < settled {
            for hour in self.late.range(from..settled) {
                self.count(view, (*hour, hour.saturating_add(HOUR_MS)), &mut spans)?;
            }
        }
        self.count(view, (from.max(self.rolled), to), &mut spans)?;
        Ok(spans)
    }

    fn days(&self, view: &View<'_>, from: u64, to: u64) -> Result<Spans, StoreError> {
        let mut spans = Spans::new();
        let settled = to.min(day_of(self.rolled));
        let late: BTreeSet<u64> = self.late.iter().map(|hour| day_of(*hour)).collect();
        self.stored(view, Resolution::Day, (from, settled), |day| !late.contains(&day), &mut spans)?;
        if from < settled {
            for day in late.range(from..settled) {
                self.merge_hours(view, (*day, day.saturating_add(DAY_MS)), &mut spans)?;
            }
        }
        self.merge_hours(view, (from.max(settled), to), &mut spans)?;
        Ok(spans)
    }

    fn stored(
        &self,
        view: &View<'_>,
        resolution: Resolution,
        range: (u64, u64),
        is_settled: impl Fn(u64) -> bool,
        spans: &mut Spans,
    ) -> Result<(), StoreError> {
        stored(view, resolution, self.service, range, |start, node, rollup| {
            if is_settled(start) && self.node.is_none_or(|asked| asked == node) {
                merge(spans, &rollup);
            }
        })
    }

    fn merge_hours(
        &self,
        view: &View<'_>,
        (from, to): (u64, u64),
        spans: &mut Spans,
    ) -> Result<(), StoreError> {
        for hour in self.hours(view, from, to)?.into_values() {
            merge(spans, &{
                let day = MeshTime(day_of(hour.start.0));
                hour.within(day, Resolution::Day)
            });
        }
        Ok(())
    }

    /// Counts results by hour.
    fn count(&self, view: &View<'_>, range: (u64, u64), spans: &mut Spans) -> Result<(), StoreError> {
        scan::up(view, RESULTS, self.service, range, |place, row| {
            if self.node.is_none_or(|node| node == place.node) {
                let (outcome, latency) = records::read_figures(row).map_err(|bad| view.damaged(bad))?;
                let hour = hour_of(place.time);
                let fresh = || Rollup::new(MeshTime(hour), Resolution::Hour);
                spans.entry(hour).or_insert_with(fresh).add_parts(outcome, latency);
            }
            Ok(ControlFlow::<()>::Continue(()))
        })?;
        Ok(())
    }
}

/// Gives every stored rollup of a service that starts in a range, with its start and node.
pub(crate) fn stored(
    view: &View<'_>,
    resolution: Resolution,
    service: u32,
    range: (u64, u64),
    mut each: impl FnMut(u64, u32, Rollup),
) -> Result<(), StoreError> {
    let series: Series = match resolution {
        Resolution::Hour => HOURS,
        Resolution::Day => DAYS,
    };
    scan::up(view, series, service, range, |place, row| {
        let rollup = records::read_rollup(place.time, resolution, row).map_err(|bad| view.damaged(bad))?;
        each(place.time, place.node, rollup);
        Ok(ControlFlow::<()>::Continue(()))
    })?;
    Ok(())
}

fn merge(spans: &mut Spans, rollup: &Rollup) {
    match spans.get_mut(&rollup.start.0) {
        Some(known) => known.merge(rollup),
        None => {
            spans.insert(rollup.start.0, rollup.clone());
        }
    }
}
