//! Walks over the rows of one service through the buckets of a series, both ways.

use crate::engine::View;
use crate::error::StoreError;
use crate::keys::{Place, Series};
use std::ops::ControlFlow;

/// Gives every row of `service` with `from <= time < to`, oldest first, until `each` breaks.
pub(crate) fn up<B>(
    view: &View<'_>,
    series: Series,
    service: u32,
    (from, to): (u64, u64),
    each: impl FnMut(Place, &[u8]) -> Result<ControlFlow<B>, StoreError>,
) -> Result<Option<B>, StoreError> {
    up_from(view, series, series.place(service, from, 0), to, each)
}

/// The same, from a place on.
pub(crate) fn up_from<B>(
    view: &View<'_>,
    series: Series,
    first: Place,
    to: u64,
    mut each: impl FnMut(Place, &[u8]) -> Result<ControlFlow<B>, StoreError>,
) -> Result<Option<B>, StoreError> {
    if first.time >= to {
        return Ok(None);
    }
    let end = series.key(Place { bucket: series.bucket(to - 1), service: first.service, time: to, node: 0 });
    let mut walk = view.walk(series.key(first).into(), end.into());
    walk.at_first();
    loop {
        let Some((key, value)) = walk.row() else {
            walk.end()?;
            return Ok(None);
        };
        let place = series.read(key).ok_or_else(|| view.damaged("a key of no known form"))?;
        if place.service == first.service {
            if let ControlFlow::Break(found) = each(place, value)? {
                return Ok(Some(found));
            }
            walk.forward();
        } else if place.service < first.service {
            walk.to(&series.key(Place { service: first.service, time: 0, node: 0, ..place }));
        } else if let Some(bucket) = place.bucket.checked_add(1) {
            walk.to(&series.key(Place { bucket, service: first.service, time: 0, node: 0 }));
        } else {
            return Ok(None);
        }
    }
}

/// Gives every row of the service at or before `last` and with `from <= time`, newest first, until
/// `each` breaks.
pub(crate) fn down<B>(
    view: &View<'_>,
    series: Series,
    last: Place,
    from: u64,
    mut each: impl FnMut(Place, &[u8]) -> Result<ControlFlow<B>, StoreError>,
) -> Result<Option<B>, StoreError> {
    let start = series.key(series.place(last.service, from, 0));
    let mut walk = view.walk(start.into(), vec![series.table + 1]);
    walk.back_to(&series.key(last));
    loop {
        let Some((key, value)) = walk.row() else {
            walk.end()?;
            return Ok(None);
        };
        let place = series.read(key).ok_or_else(|| view.damaged("a key of no known form"))?;
        if place.service == last.service {
            if let ControlFlow::Break(found) = each(place, value)? {
                return Ok(Some(found));
            }
            walk.back();
        } else if place.service > last.service {
            walk.back_to(&series.key(Place {
                service: last.service,
                time: u64::MAX,
                node: u32::MAX,
                ..place
            }));
        } else if let Some(bucket) = place.bucket.checked_sub(1) {
            walk.back_to(&series.key(Place {
                bucket,
                service: last.service,
                time: u64::MAX,
                node: u32::MAX,
            }));
        } else {
            return Ok(None);
        }
    }
}
