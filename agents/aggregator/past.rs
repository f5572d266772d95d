//! What the store knows of a service when a node starts, or when a service comes back.

use p7_core::incident::Incident;
use p7_core::service::Service;
use p7_core::vocabulary::{Cycle, MeshTime};
use p7_core::watch::{KEPT_CYCLES, Past, abandoned};
use p7_store::{IncidentsQuery, ResultsQuery, Store, StoreError, Which};
use std::collections::BTreeSet;

/// How many of the last incidents are looked at for the one before the results.
const INCIDENTS_LOOKED_AT: usize = 8;

/// The past of one service.
pub(crate) fn past_of(store: &Store, service: &Service) -> Result<Past, StoreError> {
    let newest_first = store.results(&ResultsQuery {
        service: service.id.clone(),
        from: MeshTime(0),
        to: MeshTime(u64::MAX),
        node: None,
        // the more vantage points there are, the fewer cycles this covers
        limit: KEPT_CYCLES * 8,
        after: None,
    })?;
    let mut results = newest_first.rows;
    let cycles: BTreeSet<Cycle> = results.iter().map(|result| result.cycle).collect();
    let oldest = cycles.iter().rev().nth(KEPT_CYCLES - 1).or(cycles.first()).copied();
    results.retain(|result| oldest.is_none_or(|oldest| result.cycle >= oldest));
    let incidents = store.incidents(&IncidentsQuery {
        service: Some(service.id.clone()),
        from: MeshTime(0),
        to: MeshTime(u64::MAX),
        which: Which::All,
        limit: INCIDENTS_LOOKED_AT,
        after: None,
    })?;
    let latest = incidents.rows.first().cloned();
    let acknowledged = match &latest {
        Some(incident) => store.acknowledgement(&incident.id)?,
        None => None,
    };
    let before = |incident: &Incident| oldest.is_none_or(|oldest| incident.id.first < oldest);
    let last_incident = incidents.rows.into_iter().find(before);
    let first_seen = match &last_incident {
        Some(_) => None,
        None => store.first_seen(&service.id)?,
    };
    Ok(Past { results, last_incident, first_seen, acknowledged, deployment: None })
}

/// Open incidents of services that are no longer configured: they have ended with their service.
pub(crate) fn orphans(
    store: &Store,
    services: &[std::sync::Arc<Service>],
    now: MeshTime,
) -> Result<Vec<Incident>, StoreError> {
    let open = store.incidents(&IncidentsQuery {
        service: None,
        from: MeshTime(0),
        to: MeshTime(u64::MAX),
        which: Which::Open,
        limit: p7_store::PAGE_LIMIT,
        after: None,
    })?;
    let gone = open.rows.into_iter().filter(|incident| {
        services.binary_search_by(|service| service.id.cmp(&incident.id.service)).is_err()
    });
    Ok(gone.map(|incident| abandoned(&incident, now)).collect())
}
