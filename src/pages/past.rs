//! What a service's page tells of the past, read once for a page.

use super::history::{HistoryBucket, Range, Votes};
use super::names::Names;
use super::service::ServicePage;
use p7_core::facts::Acknowledgement;
use p7_core::incident::Incident;
use p7_core::result::ProbeResult;
use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::MeshTime;

/// What a service's page tells of the past.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// The last seven days, a bucket an hour, oldest first.
    pub hours: Vec<HistoryBucket>,
    /// The last 90 days, a bucket a day, oldest first.
    pub days: Vec<HistoryBucket>,
    /// Its incidents, the latest first, each with who has acknowledged it.
    pub incidents: Vec<(Incident, Option<Acknowledgement>)>,
    /// Its last results, the latest first.
    pub results: Vec<ProbeResult>,
}

impl Past {
    /// The part of the past that a range shows.
    pub fn history(&self, range: Range, now: MeshTime) -> &[HistoryBucket] {
        let from = now.minus(range.span());
        let all = match range {
            Range::Day | Range::Week => &self.hours,
            Range::Month | Range::Quarter => &self.days,
        };
        let first = all.partition_point(|bucket| bucket.start < from);
        all.get(first..).unwrap_or_default()
    }

    /// A service's page with this past.
    pub fn page<'a>(
        &'a self,
        service: &'a Service,
        status: &'a ServiceStatus,
        names: &'a Names,
        range: Range,
        now: MeshTime,
    ) -> ServicePage<'a> {
        ServicePage {
            service,
            status,
            names,
            range,
            history: self.history(range, now),
            days: &self.days,
            uptime: Range::ALL.map(|range| Votes::of(self.history(range, now))),
            incidents: &self.incidents,
            results: &self.results,
        }
    }
}
