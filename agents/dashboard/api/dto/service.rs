//! Services as the API shows them.

use super::{AcknowledgementDto, DeploymentDto, level_words, ms, outcome_words, percent};
use crate::api::time::Timestamp;
use crate::board::Shown;
use crate::pages::{Failing, Names};
use p7_core::service::Rules;
use p7_core::status::{CycleSummary, Freshness, MaintenanceNote, SilenceNote, VantageStatus, Verdict};
use p7_core::vocabulary::{Outcome, ServiceId};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A service and how it is doing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Service)]
pub(crate) struct ServiceDto {
    /// Its id.
    id: String,
    /// Its name for people.
    name: String,
    /// The environment it belongs to; may be empty.
    environment: String,
    /// The probe's kind: `http`, `tcp` …
    kind: String,
    /// What is tested, without credentials.
    target: String,
    /// How often each vantage point tests it.
    interval_ms: u64,
    /// How long one attempt may take.
    timeout_ms: u64,
    /// What it is, in a sentence.
    description: Option<String>,
    /// What to do when it fails.
    runbook: Option<String>,
    /// Where people use it.
    link: Option<String>,
    /// Free labels.
    labels: BTreeMap<String, String>,
    /// How it is doing, from the last cycles.
    #[schema(schema_with = level_words)]
    level: &'static str,
    /// Since when it has been at this level; null while unknown.
    since: Option<Timestamp>,
    /// Whether the level is news (`fresh`), memory (`stale`) or nothing yet (`pending`).
    #[schema(schema_with = freshness_words)]
    freshness: &'static str,
    /// The colour of its card.
    #[schema(example = "green")]
    colour: &'static str,
    /// Failed of voting results over the window and all vantage points, 0.0 to 100.0.
    #[schema(minimum = 0, maximum = 100)]
    failtage_percent: Option<f64>,
    /// What stands for the latest cycle: one of the outcomes, null before the first result.
    #[schema(example = "up")]
    outcome: Option<&'static str>,
    /// Why, in words, when it is not up.
    reason: Option<String>,
    /// When the latest probe began.
    last_probe_at: Option<Timestamp>,
    /// The latest median latency.
    latency_ms: Option<f64>,
    /// Whether the level changes too often to be told each time.
    flapping: bool,
    /// The id of the open incident.
    incident: Option<String>,
    /// Who has acknowledged it.
    acknowledged: Option<AcknowledgementDto>,
    /// Maintenance, planned or found.
    maintenance: Option<MaintenanceDto>,
    /// A silence in force.
    silence: Option<SilenceDto>,
    /// The last deployment.
    deployment: Option<DeploymentDto>,
    /// From where it fails, as last seen: sites where all of a site agree, else nodes, by name.
    fails_from: Vec<String>,
    /// How many vantage points fail.
    vantage_failed: usize,
    /// How many have a vote.
    vantage_voting: usize,
}

/// Why a service shows as in maintenance.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Maintenance)]
pub(crate) struct MaintenanceDto {
    /// `planned` by people, or `found`: the service itself says so.
    #[schema(example = "planned")]
    kind: &'static str,
    /// Until when, if planned.
    until: Option<Timestamp>,
    /// Why; may be empty.
    reason: String,
}

/// A silence in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Silence)]
pub(crate) struct SilenceDto {
    /// Its id, to end it by.
    id: String,
    /// Until when.
    until: Timestamp,
    /// Who.
    by: String,
}

/// A service in full.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceDetail)]
pub(crate) struct ServiceDetailDto {
    #[serde(flatten)]
    service: ServiceDto,
    /// How many more attempts follow a failed one inside the cycle.
    retries: u8,
    /// How it is judged.
    rules: RulesDto,
    /// Services it needs.
    depends_on: Vec<String>,
    /// The last cycles, oldest first, gaps included.
    cycles: Vec<CycleDto>,
    /// Who sees what.
    vantage_points: Vec<VantagePointDto>,
}

/// How verdicts become a level.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rules)]
pub(crate) struct RulesDto {
    /// How many of the last cycles with a verdict are weighed.
    window: u8,
    /// Failed cycles of the window that make an incident.
    orange: u8,
    /// Failed cycles of the window that make it down.
    red: u8,
    /// Vantage points whose failure in the same cycle confirms an incident at once.
    confirm: u8,
    /// Passed cycles in a row that end an incident.
    recover_after: u8,
}

/// One cycle.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cycle)]
pub(crate) struct CycleDto {
    /// When it started.
    started_at: Timestamp,
    /// `passed`, `partial` or `failed`; null when nobody voted.
    #[schema(example = "passed")]
    verdict: Option<&'static str>,
    /// The outcome that stands for it; null when no result is known.
    #[schema(example = "up")]
    outcome: Option<&'static str>,
    /// How many vantage points failed.
    failed: u16,
    /// How many voted.
    voting: u16,
    /// The median latency.
    latency_ms: Option<f64>,
}

/// What one vantage point sees.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VantagePoint)]
pub(crate) struct VantagePointDto {
    /// The node's id.
    node: String,
    /// Its name, or the end of its id while that is unknown.
    name: String,
    /// Its site, if its labels name one.
    site: Option<String>,
    /// Its share of failed tests in the window.
    failtage_percent: Option<f64>,
    /// Its latest outcome.
    #[schema(schema_with = outcome_words)]
    outcome: &'static str,
    /// When.
    at: Timestamp,
    /// How long it took.
    latency_ms: f64,
    /// Why, in words.
    reason: Option<String>,
}

/// What the event `service` carries.
#[derive(Debug, Serialize)]
pub(crate) struct ServiceChanged<'a> {
    service: ServiceDto,
    card: &'a str,
}

impl ServiceDto {
    /// As it is now.
    pub(crate) fn of(shown: &Shown, names: &Names) -> Self {
        let (service, status) = (&shown.service, &shown.status);
        let failing = Failing::of(status, names);
        Self {
            id: service.id.as_str().to_owned(),
            name: service.name.clone(),
            environment: service.environment.clone(),
            kind: service.kind.clone(),
            target: service.target.clone(),
            interval_ms: service.interval.span().0,
            timeout_ms: service.timeout.0,
            description: service.description.clone(),
            runbook: service.runbook.clone(),
            link: service.link.clone(),
            labels: service.labels.clone(),
            level: status.level.as_str(),
            since: status.since.map(Timestamp),
            freshness: freshness(status.freshness),
            colour: status.colour().as_str(),
            failtage_percent: percent(status.failtage),
            outcome: status.outcome.map(Outcome::as_str),
            reason: status.reason.as_deref().map(str::to_owned),
            last_probe_at: status.last_probe.map(Timestamp),
            latency_ms: ms(status.latency),
            flapping: status.flapping,
            incident: status.incident.as_ref().map(ToString::to_string),
            acknowledged: status.acknowledged.as_ref().map(AcknowledgementDto::of),
            maintenance: status.maintenance.as_ref().map(MaintenanceDto::of),
            silence: status.silence.as_ref().map(SilenceDto::of),
            deployment: status.deployment.as_ref().map(DeploymentDto::of),
            fails_from: failing.from,
            vantage_failed: failing.failed,
            vantage_voting: failing.voting,
        }
    }
}

impl ServiceDetailDto {
    /// As it is now.
    pub(crate) fn of(shown: &Shown, names: &Names) -> Self {
        let service = &shown.service;
        Self {
            service: ServiceDto::of(shown, names),
            retries: service.retries,
            rules: RulesDto::of(service.rules),
            depends_on: service.depends_on.iter().cloned().map(ServiceId::into).collect(),
            cycles: shown.status.cycles.iter().map(CycleDto::of).collect(),
            vantage_points: shown.status.vantage.iter().map(|v| VantagePointDto::of(v, names)).collect(),
        }
    }
}

impl<'a> ServiceChanged<'a> {
    /// As it is now, with its card.
    pub(crate) fn of(shown: &Shown, names: &Names, card: &'a str) -> Self {
        Self { service: ServiceDto::of(shown, names), card }
    }
}

impl RulesDto {
    fn of(rules: Rules) -> Self {
        let Rules { window, orange, red, confirm, recover_after } = rules;
        Self { window, orange, red, confirm, recover_after }
    }
}

impl CycleDto {
    fn of(summary: &CycleSummary) -> Self {
        Self {
            started_at: Timestamp(summary.cycle.start()),
            verdict: summary.verdict.map(verdict),
            outcome: summary.outcome.map(Outcome::as_str),
            failed: summary.failed,
            voting: summary.voting,
            latency_ms: ms(summary.latency),
        }
    }
}

impl VantagePointDto {
    fn of(vantage: &VantageStatus, names: &Names) -> Self {
        Self {
            node: vantage.node.as_str().to_owned(),
            name: names.of(&vantage.node),
            site: names.site(&vantage.node).map(str::to_owned),
            failtage_percent: percent(vantage.failtage),
            outcome: vantage.outcome.as_str(),
            at: Timestamp(vantage.at),
            latency_ms: vantage.latency.as_ms(),
            reason: vantage.reason.as_deref().map(str::to_owned),
        }
    }
}

impl MaintenanceDto {
    fn of(note: &MaintenanceNote) -> Self {
        match note {
            MaintenanceNote::Planned { until, reason } => {
                Self { kind: "planned", until: Some(Timestamp(*until)), reason: reason.clone() }
            }
            MaintenanceNote::Found => Self { kind: "found", until: None, reason: String::new() },
        }
    }
}

impl SilenceDto {
    fn of(note: &SilenceNote) -> Self {
        Self { id: note.id.clone(), until: Timestamp(note.until), by: note.by.clone() }
    }
}

fn freshness(freshness: Freshness) -> &'static str {
    match freshness {
        Freshness::Pending => "pending",
        Freshness::Fresh => "fresh",
        Freshness::Stale => "stale",
    }
}

fn freshness_words() -> utoipa::openapi::schema::ObjectBuilder {
    utoipa::openapi::schema::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some([Freshness::Pending, Freshness::Fresh, Freshness::Stale].map(freshness)))
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Partial => "partial",
        Verdict::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p7_core::vocabulary::Level;

    #[test]
    fn every_level_is_a_word_of_the_schema() {
        let text = serde_json::to_string(&level_words().build()).unwrap();
        for level in Level::ALL {
            assert!(text.contains(level.as_str()), "{text}");
        }
    }
}
