//! Results and their figures over time, as the API shows them.

use super::outcome_words;
use crate::api::time::Timestamp;
use p7_core::result::{Phases, ProbeResult};
use p7_core::vocabulary::{Micros, Outcome};
use p7_store::Rollup;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One result: what one probe of one service from one node in one cycle came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Result)]
pub(crate) struct ResultDto {
    /// What was tested.
    service: String,
    /// The start of the cycle it counts for.
    cycle_at: Timestamp,
    /// From which node.
    node: String,
    /// When the attempt that counts began.
    at: Timestamp,
    /// What it came to.
    #[schema(schema_with = outcome_words)]
    outcome: &'static str,
    /// How long the attempt took.
    latency_ms: f64,
    /// Where that time went.
    phases: PhasesDto,
    /// How many attempts there were; the last one counts.
    attempts: u8,
    /// Why, in words; null when up.
    reason: Option<String>,
    /// The answer's status code, where the kind has one.
    status_code: Option<u16>,
    /// When the first certificate of the chain expires.
    certificate_expires_at: Option<Timestamp>,
}

/// Where a probe's time went, summed over its redirects.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Phases)]
pub(crate) struct PhasesDto {
    /// Looking up the name.
    resolve_ms: f64,
    /// Opening the connection.
    connect_ms: f64,
    /// The TLS handshake.
    tls_ms: f64,
    /// From the request to the first byte of the answer.
    processing_ms: f64,
    /// From the first byte to the last.
    transfer_ms: f64,
}

/// Uptime and latency of a service over some time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = History)]
pub(crate) struct HistoryDto {
    /// The service.
    pub(crate) service: String,
    /// The range that was asked for.
    pub(crate) range: String,
    /// Where it starts.
    pub(crate) from: Timestamp,
    /// Where it ends.
    pub(crate) to: Timestamp,
    /// The span of one point.
    pub(crate) step_ms: u64,
    /// The whole range as one.
    pub(crate) total: PointDto,
    /// Its parts, oldest first; those without results are absent.
    pub(crate) points: Vec<PointDto>,
}

/// The results of one span.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryPoint)]
pub(crate) struct PointDto {
    /// When the span starts.
    started_at: Timestamp,
    /// How many results there were.
    results: u64,
    /// How many of each outcome; absent ones had none.
    outcomes: BTreeMap<&'static str, u32>,
    /// Share of the voting results that passed, 0 to 100; null when nobody voted.
    #[schema(minimum = 0, maximum = 100)]
    uptime_percent: Option<f64>,
    /// The least latency of results that passed.
    latency_min_ms: Option<f64>,
    /// Their mean.
    latency_mean_ms: Option<f64>,
    /// Their median, 1 % more or less.
    latency_p50_ms: Option<f64>,
    /// What 95 % of them stayed within.
    latency_p95_ms: Option<f64>,
    /// What 99 % of them stayed within.
    latency_p99_ms: Option<f64>,
    /// The greatest.
    latency_max_ms: Option<f64>,
}

impl ResultDto {
    /// As it was.
    pub(crate) fn of(result: &ProbeResult) -> Self {
        Self {
            service: result.service.as_str().to_owned(),
            cycle_at: Timestamp(result.cycle.start()),
            node: result.node.as_str().to_owned(),
            at: Timestamp(result.at),
            outcome: result.outcome.as_str(),
            latency_ms: result.latency.as_ms(),
            phases: PhasesDto::of(result.phases),
            attempts: result.attempts,
            reason: result.reason.as_deref().map(str::to_owned),
            status_code: result.status_code,
            certificate_expires_at: result.certificate_expiry.map(Timestamp),
        }
    }
}

impl PhasesDto {
    fn of(phases: Phases) -> Self {
        Self {
            resolve_ms: phases.resolve.as_ms(),
            connect_ms: phases.connect.as_ms(),
            tls_ms: phases.tls.as_ms(),
            processing_ms: phases.processing.as_ms(),
            transfer_ms: phases.transfer.as_ms(),
        }
    }
}

impl PointDto {
    /// The figures of a rollup.
    pub(crate) fn of(rollup: &Rollup) -> Self {
        let at = |q| rollup.percentile(q).map(Micros::as_ms);
        let count = |outcome: Outcome| (outcome.as_str(), rollup.count(outcome));
        Self {
            started_at: Timestamp(rollup.start),
            results: rollup.results(),
            outcomes: Outcome::ALL.map(count).into_iter().filter(|(_, n)| *n > 0).collect(),
            uptime_percent: rollup.uptime().map(|ratio| ratio * 100.0),
            latency_min_ms: rollup.latency_min().map(Micros::as_ms),
            latency_mean_ms: rollup.latency_mean().map(Micros::as_ms),
            latency_p50_ms: at(0.5),
            latency_p95_ms: at(0.95),
            latency_p99_ms: at(0.99),
            latency_max_ms: rollup.latency_max().map(Micros::as_ms),
        }
    }
}
