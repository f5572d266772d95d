//! What of a service's status is worth a publication by itself, and which version of its page that makes.

use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{MeshTime, Millis, ServiceId};
use serde::Serialize;

/// The parts of a status that people wait for; latencies and times of tests drift all the time and follow
/// with the next regular edition.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Standing<'a> {
    level: p7_core::vocabulary::Level,
    since: Option<MeshTime>,
    freshness: p7_core::status::Freshness,
    failtage: Option<p7_core::status::Failtage>,
    outcome: Option<p7_core::vocabulary::Outcome>,
    reason: Option<&'a str>,
    flapping: bool,
    incident: Option<&'a p7_core::incident::IncidentId>,
    acknowledged: Option<&'a p7_core::facts::Acknowledgement>,
    maintenance: Option<&'a p7_core::status::MaintenanceNote>,
    silence: Option<&'a p7_core::status::SilenceNote>,
    deployment: Option<&'a p7_core::facts::Deployment>,
}

impl<'a> Standing<'a> {
    /// Of this status.
    pub(crate) fn of(status: &'a ServiceStatus) -> Self {
        Self {
            level: status.level,
            since: status.since,
            freshness: status.freshness,
            failtage: status.failtage,
            outcome: status.outcome,
            reason: status.reason.as_deref(),
            flapping: status.flapping,
            incident: status.incident.as_ref(),
            acknowledged: status.acknowledged.as_ref(),
            maintenance: status.maintenance.as_ref(),
            silence: status.silence.as_ref(),
            deployment: status.deployment.as_ref(),
        }
    }
}

/// A short hash of what a service's page shows that is worth a publication.
pub(crate) fn digest(service: &Service, status: &ServiceStatus) -> String {
    // texts and numbers always have a JSON
    let text = serde_json::to_vec(&(service, Standing::of(status))).unwrap_or_default();
    p7_pages::hash(&text)
}

/// Which of the regular renewals of a service's page it is time for; those of many services are spread over
/// the span, so that they never travel all at once.
pub(crate) fn renewal(id: &ServiceId, every: Millis, now: MeshTime) -> u64 {
    let spread = id.as_str().bytes().fold(0_u64, |sum, b| sum.wrapping_mul(31).wrapping_add(u64::from(b)));
    let every = every.0.max(1);
    (now.0 + spread.wrapping_mul(0x9E37_79B9_7F4A_7C15) % every) / every
}
