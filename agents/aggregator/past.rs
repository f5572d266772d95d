//! What the store knows of a service when a node starts, or when a service comes back.

use p7_core::incident::Incident;
use p7_core::service::Service;
use p7_core::vocabulary::{Cycle, MeshTime, ServiceId};
use p7_core::watch::{KEPT_CYCLES, Past, Watch, abandoned};
use p7_store::{IncidentsQuery, Store, StoreError, Which};
use std::sync::Arc;

/// How many of the last incidents are looked at for the one before the results.
const INCIDENTS_LOOKED_AT: usize = 8;

/// The past of one service.
pub(crate) fn past_of(store: &Store, service: &Service) -> Result<Past, StoreError> {
    let results = store.cycles_before(&service.id, Cycle::starting(MeshTime(u64::MAX)), KEPT_CYCLES)?;
    let oldest = results.first().map(|result| result.cycle);
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

/// What of the stored incidents is not as it now is: open ones of services that are no longer configured
/// have ended with their service; of services that were `added` the results have the last word, unless
/// they were weighed by other rules then.
pub(crate) fn reconciled(
    store: &Store,
    watch: &Watch,
    configured: &[Arc<Service>],
    added: &[Arc<Service>],
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
    let among = |services: &[Arc<Service>], id: &ServiceId| {
        services.binary_search_by(|service| service.id.cmp(id)).is_ok()
    };
    let mut changed = Vec::new();
    for stored in open.rows {
        let id = &stored.id.service;
        if among(added, id) {
            match watch.incident(&stored.id) {
                Some(now) if *now == stored => {}
                Some(now) => changed.push(now.clone()),
                None => changed.push(abandoned(&stored, now)),
            }
        } else if !among(configured, id) && watch.service(id).is_none() {
            changed.push(abandoned(&stored, now));
        }
    }
    for incident in added.iter().filter_map(|service| watch.open_incident(&service.id)) {
        let known = changed.iter().any(|known| known.id == incident.id);
        if !known && store.incident(&incident.id)?.as_ref() != Some(incident) {
            changed.push(incident.clone());
        }
    }
    Ok(changed)
}
