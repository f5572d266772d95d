//! The past of a made-up service: history, incidents, results.

use super::{Chance, NOW, nodes};
use crate::{HistoryBucket, Range};
use p7_core::facts::Acknowledgement;
use p7_core::incident::{Incident, IncidentId};
use p7_core::result::{Phases, ProbeResult};
use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{Cycle, Level, MeshTime, Micros, Millis, Outcome};

/// How long the samples' certificates last: short enough to be remarked on.
const CERTIFICATE_LEFT: Millis = Millis(9 * 86_400_000);

/// The past of a range, with a gap and a bad hour in it.
pub fn history(range: Range) -> Vec<HistoryBucket> {
    let (count, span) = match range {
        Range::Day => (96, Millis(900_000)),
        Range::Week => (168, Millis(3_600_000)),
        Range::Month => (120, Millis(21_600_000)),
        Range::Quarter => (90, Millis(86_400_000)),
    };
    let mut chance = Chance(7);
    let end = NOW.0 - NOW.0 % span.0 + span.0;
    (0..count)
        .filter(|i| !(count / 5..count / 5 + 3).contains(i))
        .map(|i| {
            let hump = if (count / 2..count * 5 / 8).contains(&i) { 60_000 } else { 0 };
            let p50 = 110_000 + hump + chance.below(30_000);
            let p95 = p50 + 40_000 + hump / 2 + chance.below(50_000);
            let p99 = p95 + 30_000 + chance.below(90_000);
            let bad = i == count * 3 / 4 || i == count * 3 / 4 + 1 || i == count / 3;
            HistoryBucket {
                start: MeshTime(end - (count - i) * span.0),
                span,
                voting: span.0 / 60_000,
                failed: if bad { span.0 / 60_000 / 3 } else { 0 },
                p50: Some(Micros(p50)),
                p95: Some(Micros(p95)),
                p99: Some(Micros(p99)),
                min: Some(Micros(p50 / 2)),
                max: Some(Micros(p99 * 2)),
            }
        })
        .collect()
}

/// One incident that goes on, acknowledged, and two that are over.
pub fn incidents(service: &Service) -> Vec<(Incident, Option<Acknowledgement>)> {
    let incident = |ago_min: u64, lasted_min: Option<u64>, worst, reason: &str| {
        let began = MeshTime(NOW.0 - ago_min * 60_000 - 12_000);
        let ended = lasted_min.map(|min| began.plus(Millis(min * 60_000)));
        let first = Cycle::starting(began);
        Incident {
            id: IncidentId { service: service.id.clone(), first },
            began,
            opened: first,
            worst,
            recovered: ended.map(Cycle::starting),
            ended,
            reason: Some(reason.into()),
        }
    };
    let open = incident(14, None, Level::Down, "connection refused by 10.0.0.5:443");
    let ack = Acknowledgement {
        incident: open.id.clone(),
        service: service.id.clone(),
        by: "ada".to_owned(),
        at: MeshTime(NOW.0 - 300_000),
        reason: "the power supply is being replaced".to_owned(),
    };
    vec![
        (open, Some(ack)),
        (incident(9000, Some(7), Level::Incident, "no answer within 10 s"), None),
        (incident(41_000, Some(95), Level::Down, "status 503 Service Unavailable"), None),
    ]
}

/// The last results that fit the status.
pub fn results(service: &Service, status: &ServiceStatus) -> Vec<ProbeResult> {
    let mut chance = Chance(3);
    let from = nodes(1.max(status.vantage.len()));
    (status.cycles.iter().rev())
        .filter_map(|cycle| {
            let outcome = cycle.outcome?;
            let latency = cycle.latency.unwrap_or_default();
            let part = |per_mille: u32| {
                Micros(u32::try_from(u64::from(latency.0) * u64::from(per_mille) / 1000).unwrap_or(0))
            };
            let node = usize::try_from(chance.below(u32::try_from(from.len()).unwrap_or(1))).unwrap_or(0);
            Some(ProbeResult {
                service: service.id.clone(),
                cycle: cycle.cycle,
                node: from.get(node)?.clone(),
                at: cycle.cycle.start().plus(Millis(2000)),
                outcome,
                latency,
                phases: Phases {
                    resolve: part(20 + chance.below(60)),
                    connect: part(80 + chance.below(60)),
                    tls: part(150 + chance.below(100)),
                    processing: part(400 + chance.below(100)),
                    transfer: part(30 + chance.below(20)),
                },
                attempts: if outcome == Outcome::Failed { 3 } else { 1 },
                reason: status.reason.clone().filter(|_| outcome != Outcome::Up),
                status_code: (outcome != Outcome::Failed).then_some(200),
                certificate_expiry: (outcome != Outcome::Failed).then_some(NOW.plus(CERTIFICATE_LEFT)),
            })
        })
        .collect()
}
