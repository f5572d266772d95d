//! What the store answers: results, incidents, statements.

use crate::engine::{Row, View, Walk};
use crate::error::StoreError;
use crate::keys::{
    ACKNOWLEDGEMENTS, DAYS, DEPLOYMENTS, HOLDS, INCIDENTS, INCIDENTS_BY_SERVICE, OPEN_INCIDENTS, Place,
    RESULTS, by_service, by_time, number, read_by_service, read_by_time,
};
use crate::names::Names;
use crate::query::{Cursor, IncidentsQuery, PAGE_LIMIT, Page, ResultsQuery, Which};
use crate::rollup::Resolution;
use crate::store::Store;
use crate::{records, scan};
use p7_core::facts::{Acknowledgement, Deployment, Hold};
use p7_core::incident::{Incident, IncidentId};
use p7_core::result::ProbeResult;
use p7_core::vocabulary::{Cycle, MeshTime, ServiceId};
use std::ops::ControlFlow;
use std::sync::{PoisonError, RwLockReadGuard};

/// Rows looked at for one page: a filter that matches little ends a page early, at some 10 ms.
const SCAN_LIMIT: usize = 20_000;
/// Results a restart reads of one service: 300 cycles of 64 vantage points.
const RECENT_LIMIT: usize = 20_000;

impl Store {
    /// The results of a service from the cycle `from` on, of all nodes, oldest first: for a restart.
    /// At most 20,000, the newest.
    pub fn recent(&self, service: &ServiceId, from: Cycle) -> Result<Vec<ProbeResult>, StoreError> {
        let names = self.names();
        let Some(number) = names.services.number(service) else {
            return Ok(Vec::new());
        };
        let last = Place { bucket: u32::MAX, service: number, time: u64::MAX, node: u32::MAX };
        let mut results = Vec::new();
        self.inner.engine.read(|view| {
            scan::down(view, RESULTS, last, from.start().0, |place, row| {
                results.push(read_result(view, &names, service, place, row)?);
                Ok(if results.len() < RECENT_LIMIT {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                })
            })
        })?;
        results.reverse();
        Ok(results)
    }

    /// When a service was first probed, as far as is remembered: to the day where only days are left.
    pub fn first_seen(&self, service: &ServiceId) -> Result<Option<MeshTime>, StoreError> {
        let names = self.names();
        let Some(number) = names.services.number(service) else {
            return Ok(None);
        };
        self.inner.engine.read(|view| {
            let always = (0, u64::MAX);
            let result = scan::up(view, RESULTS, number, always, |place, row| {
                let result = read_result(view, &names, service, place, row)?;
                Ok(ControlFlow::Break(result.at))
            })?;
            let day = scan::up(view, DAYS, number, always, |place, _row| {
                Ok(ControlFlow::Break(MeshTime(place.time)))
            })?;
            let within = |day: MeshTime, at: MeshTime| day.plus(Resolution::Day.span()) > at;
            Ok(match (day, result) {
                (Some(day), Some(at)) if !within(day, at) => Some(day),
                (day, result) => result.or(day),
            })
        })
    }

    /// A page of results, newest first.
    pub fn results(&self, query: &ResultsQuery) -> Result<Page<ProbeResult>, StoreError> {
        let names = self.names();
        let mut page = Page { rows: Vec::new(), next: None };
        let Some(service) = names.services.number(&query.service) else {
            return Ok(page);
        };
        let node = query.node.as_ref().map(|node| names.nodes.number(node));
        let Some(last) = last_place(query, service).filter(|_last| node != Some(None)) else {
            return Ok(page);
        };
        let limit = query.limit.clamp(1, PAGE_LIMIT);
        let mut looked_at = 0;
        let mut before = None;
        self.inner.engine.read(|view| {
            page.next = scan::down(view, RESULTS, last, query.from.0, |place, row| {
                let wanted = node.is_none_or(|node| node == Some(place.node));
                looked_at += 1;
                if looked_at > SCAN_LIMIT || (wanted && page.rows.len() == limit) {
                    return Ok(ControlFlow::Break(before));
                }
                before = Some(Cursor { at: place.time, tie: place.node });
                if wanted {
                    page.rows.push(read_result(view, &names, &query.service, place, row)?);
                }
                Ok(ControlFlow::Continue(()))
            })?
            .flatten();
            Ok(())
        })?;
        Ok(page)
    }

    /// A page of incidents, the latest first.
    pub fn incidents(&self, query: &IncidentsQuery) -> Result<Page<Incident>, StoreError> {
        let names = self.names();
        let service = query.service.as_ref().map(|service| names.services.number(service));
        let mut page = Page { rows: Vec::new(), next: None };
        if service == Some(None) || query.from >= query.to {
            return Ok(page);
        }
        let service = service.flatten();
        let limit = query.limit.clamp(1, PAGE_LIMIT);
        self.inner.engine.read(|view| {
            let (mut walk, by_service) = walk_incidents(view, query, service);
            let mut before = None;
            let mut looked_at = 0;
            while let Some((key, _row)) = walk.row() {
                let place =
                    if by_service { read_by_service(key).map(|(s, t)| (t, s)) } else { read_by_time(key) };
                let (first, of) = place.ok_or_else(|| view.damaged("a key of no known form"))?;
                let wanted = service.is_none_or(|service| service == of);
                looked_at += 1;
                if looked_at > SCAN_LIMIT || (wanted && page.rows.len() == limit) {
                    page.next = before;
                    return Ok(());
                }
                before = Some(Cursor { at: first, tie: of });
                if wanted {
                    page.rows.push(read_incident(view, &names, first, of)?);
                }
                walk.back();
            }
            walk.end()
        })?;
        Ok(page)
    }

    /// One incident.
    pub fn incident(&self, id: &IncidentId) -> Result<Option<Incident>, StoreError> {
        let Some(service) = self.names().services.number(&id.service) else {
            return Ok(None);
        };
        self.inner.engine.read(|view| {
            let row = view.get(&by_time(INCIDENTS, id.first.start().0, service))?;
            row.map(|row| records::read_incident(id.clone(), &row).map_err(|bad| view.damaged(bad)))
                .transpose()
        })
    }

    /// Who has acknowledged an incident.
    pub fn acknowledgement(&self, id: &IncidentId) -> Result<Option<Acknowledgement>, StoreError> {
        let Some(service) = self.names().services.number(&id.service) else {
            return Ok(None);
        };
        self.inner.engine.read(|view| {
            let row = view.get(&by_time(ACKNOWLEDGEMENTS, id.first.start().0, service))?;
            let read = |row: Vec<u8>| records::read_acknowledgement(id.clone(), &row);
            row.map(|row| read(row).map_err(|bad| view.damaged(bad))).transpose()
        })
    }

    /// The acknowledgements stated at `since` or later, those of the latest incidents first, at most
    /// [`PAGE_LIMIT`].
    pub fn acknowledgements(&self, since: MeshTime) -> Result<Vec<Acknowledgement>, StoreError> {
        let names = self.names();
        let mut stated = Vec::new();
        self.inner.engine.read(|view| {
            let mut walk = view.walk_table(ACKNOWLEDGEMENTS);
            walk.at_last();
            for _row in 0..SCAN_LIMIT {
                let Some((key, row)) = walk.row().filter(|_row| stated.len() < PAGE_LIMIT) else {
                    break;
                };
                let (first, service) =
                    read_by_time(key).ok_or_else(|| view.damaged("a key of no known form"))?;
                let id = incident_id(view, &names, first, service)?;
                let read = records::read_acknowledgement(id, row).map_err(|bad| view.damaged(bad))?;
                stated.extend(Some(read).filter(|read| read.at >= since));
                walk.back();
            }
            walk.end()
        })?;
        Ok(stated)
    }

    /// The silences and maintenances that end after `ending_after`, by id.
    pub fn holds(&self, ending_after: MeshTime) -> Result<Vec<Hold>, StoreError> {
        self.inner.engine.read(|view| {
            let mut holds = Vec::new();
            for (key, row) in all(view, HOLDS)? {
                let id = key.get(1..).and_then(|id| std::str::from_utf8(id).ok());
                let id = id.ok_or_else(|| view.damaged("a key of no known form"))?;
                let hold = records::read_hold(id, &row).map_err(|bad| view.damaged(bad))?;
                holds.extend(Some(hold).filter(|hold| hold.ends > ending_after));
            }
            Ok(holds)
        })
    }

    /// The last deployment of every service that has one, by service.
    pub fn deployments(&self) -> Result<Vec<Deployment>, StoreError> {
        let names = self.names();
        let mut deployments = self.inner.engine.read(|view| {
            let rows = all(view, DEPLOYMENTS)?.into_iter();
            rows.map(|(key, row)| {
                let service = service(view, &names, number(key.get(1..).unwrap_or_default()))?;
                records::read_deployment(service, &row).map_err(|bad| view.damaged(bad))
            })
            .collect::<Result<Vec<_>, _>>()
        })?;
        deployments.sort_by(|a, b| a.service.cmp(&b.service));
        Ok(deployments)
    }

    pub(crate) fn names(&self) -> RwLockReadGuard<'_, Names> {
        self.inner.names.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place a page of results begins at; none when there can be no row.
fn last_place(query: &ResultsQuery, service: u32) -> Option<Place> {
    let newest = Place {
        bucket: RESULTS.bucket(query.to.0.checked_sub(1)?),
        service,
        time: query.to.0 - 1,
        node: u32::MAX,
    };
    let Some(after) = query.after else {
        return Some(newest);
    };
    let next = match after.tie.checked_sub(1) {
        Some(node) => RESULTS.place(service, after.at, node),
        None => RESULTS.place(service, after.at.checked_sub(1)?, u32::MAX),
    };
    Some(newest.min(next))
}

/// A walk that stands at the latest incident asked for, and whether it goes by service.
fn walk_incidents<'a>(view: &'a View<'_>, query: &IncidentsQuery, service: Option<u32>) -> (Walk<'a>, bool) {
    let (from, to) = (query.from.0, query.to.0);
    let table = match query.which {
        Which::All => INCIDENTS,
        Which::Open => OPEN_INCIDENTS,
    };
    let index = service.filter(|_service| query.which == Which::All);
    let key = |time, tie| match index {
        Some(service) => by_service(INCIDENTS_BY_SERVICE, service, time),
        None => by_time(table, time, tie),
    };
    let end = match query.after {
        Some(after) => key(to, 0).min(key(after.at, after.tie)),
        None => key(to, 0),
    };
    let start = key(from, 0);
    let mut walk = view.walk(start.into(), end.max(start).into());
    walk.at_last();
    (walk, index.is_some())
}

fn all(view: &View<'_>, table: u8) -> Result<Vec<Row>, StoreError> {
    let mut walk = view.walk_table(table);
    walk.at_first();
    walk.rest(SCAN_LIMIT)
}

pub(crate) fn read_result(
    view: &View<'_>,
    names: &Names,
    service: &ServiceId,
    place: Place,
    row: &[u8],
) -> Result<ProbeResult, StoreError> {
    let node = names.nodes.id(place.node).ok_or_else(|| view.damaged("a result of an unknown node"))?;
    let cycle = Cycle::starting(MeshTime(place.time));
    let read = records::read_result(service.clone(), cycle, node.clone(), row);
    read.map_err(|bad| view.damaged(bad))
}

fn read_incident(view: &View<'_>, names: &Names, first: u64, service: u32) -> Result<Incident, StoreError> {
    let row = view.get(&by_time(INCIDENTS, first, service))?;
    let row = row.ok_or_else(|| view.damaged("an incident in an index only"))?;
    let id = incident_id(view, names, first, service)?;
    records::read_incident(id, &row).map_err(|bad| view.damaged(bad))
}

fn incident_id(view: &View<'_>, names: &Names, first: u64, of: u32) -> Result<IncidentId, StoreError> {
    Ok(IncidentId { service: service(view, names, of)?, first: Cycle::starting(MeshTime(first)) })
}

fn service(view: &View<'_>, names: &Names, number: u32) -> Result<ServiceId, StoreError> {
    let found = names.services.id(number).cloned();
    found.ok_or_else(|| view.damaged("a row of an unknown service"))
}
