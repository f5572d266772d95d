//! Incidents and what people state about them, as the API shows them.

use super::level_words;
use crate::api::body::NAME_LIMIT;
use crate::api::time::Timestamp;
use crate::problem::Problem;
use p7_core::facts::{Acknowledgement, Deployment, DeploymentState, Hold, HoldKind, Scope};
use p7_core::incident::Incident;
use p7_core::vocabulary::{MeshTime, ServiceId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::borrow::Cow;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// An incident: from the first failed cycle to the recovery.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Incident)]
pub(crate) struct IncidentDto {
    /// Its id, the same on every node.
    #[schema(example = "shop.mhzk1c00")]
    id: String,
    /// The service.
    service: String,
    /// Whether it still goes on.
    open: bool,
    /// When its first failed probe began.
    started_at: Timestamp,
    /// The start of the cycle that made it an incident, but not earlier than `started_at`.
    opened_at: Timestamp,
    /// When the probe began that ended it.
    recovered_at: Option<Timestamp>,
    /// From then to the recovery, or to now.
    duration_ms: u64,
    /// The worst level it reached.
    #[schema(schema_with = level_words)]
    worst_level: &'static str,
    /// The first reason heard.
    reason: Option<String>,
    /// Who has acknowledged it.
    acknowledged: Option<AcknowledgementDto>,
}

/// Somebody has seen an incident and is on it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Acknowledgement)]
pub(crate) struct AcknowledgementDto {
    /// Which incident.
    incident: String,
    /// Of which service.
    service: String,
    /// Who.
    by: String,
    /// When.
    at: Timestamp,
    /// What they said; may be empty.
    reason: String,
}

/// A silence or a maintenance.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hold)]
pub(crate) struct HoldDto {
    /// Its id.
    pub(crate) id: String,
    /// `silence` or `maintenance`.
    #[schema(example = "silence")]
    kind: &'static str,
    /// What it covers.
    scope: ScopeDto,
    /// From when.
    starts_at: Timestamp,
    /// Until when.
    ends_at: Timestamp,
    /// Who.
    by: String,
    /// Why; may be empty.
    reason: String,
}

/// What a silence or a maintenance covers: `{"service": "shop"}`, `{"environment": "staging"}` or `"all"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScopeDto {
    Service(String),
    Environment(String),
    All,
}

/// The last deployment of a service.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Deployment)]
pub(crate) struct DeploymentDto {
    /// Of which service.
    service: String,
    /// Its name, such as a release number.
    name: String,
    /// Who or what deployed.
    by: String,
    /// `running`, `succeeded` or `failed`.
    #[schema(example = "running")]
    state: &'static str,
    /// When it was stated.
    at: Timestamp,
    /// Where to read more.
    link: Option<String>,
}

impl IncidentDto {
    /// As it stands at `now`.
    pub(crate) fn of(incident: &Incident, acknowledged: Option<&Acknowledgement>, now: MeshTime) -> Self {
        let started = incident.began;
        let recovered = incident.ended;
        Self {
            id: incident.id.to_string(),
            service: incident.id.service.as_str().to_owned(),
            open: recovered.is_none(),
            started_at: Timestamp(started),
            // a cycle's probes start somewhere inside it, the first failed one too
            opened_at: Timestamp(incident.opened.start().max(started)),
            recovered_at: recovered.map(Timestamp),
            duration_ms: recovered.unwrap_or(now).since(started).0,
            worst_level: incident.worst.as_str(),
            reason: incident.reason.as_deref().map(str::to_owned),
            acknowledged: acknowledged.map(AcknowledgementDto::of),
        }
    }
}

impl AcknowledgementDto {
    /// As stated.
    pub(crate) fn of(ack: &Acknowledgement) -> Self {
        Self {
            incident: ack.incident.to_string(),
            service: ack.service.as_str().to_owned(),
            by: ack.by.clone(),
            at: Timestamp(ack.at),
            reason: ack.reason.clone(),
        }
    }
}

impl HoldDto {
    /// As stated.
    pub(crate) fn of(hold: &Hold) -> Self {
        Self {
            id: hold.id.clone(),
            kind: match hold.kind {
                HoldKind::Silence => "silence",
                HoldKind::Maintenance => "maintenance",
            },
            scope: match &hold.scope {
                Scope::Service(id) => ScopeDto::Service(id.as_str().to_owned()),
                Scope::Environment(name) => ScopeDto::Environment(name.clone()),
                Scope::All => ScopeDto::All,
            },
            starts_at: Timestamp(hold.starts),
            ends_at: Timestamp(hold.ends),
            by: hold.by.clone(),
            reason: hold.reason.clone(),
        }
    }
}

impl ScopeDto {
    /// In the core's words, if such a thing can be.
    pub(crate) fn into_core(self) -> Result<Scope, Problem> {
        let (Self::Service(name) | Self::Environment(name)) = &self else {
            return Ok(Scope::All);
        };
        if name.chars().count() > NAME_LIMIT {
            return Err(Problem::bad_body(format!(
                "the name in `scope` is longer than {NAME_LIMIT} characters"
            )));
        }
        match self {
            Self::Service(id) => ServiceId::new(&id)
                .map(Scope::Service)
                .map_err(|_no_id| Problem::not_found(format!("there is no service `{id}`"))),
            Self::Environment(name) => Ok(Scope::Environment(name)),
            Self::All => Ok(Scope::All),
        }
    }
}

impl PartialSchema for ScopeDto {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String).max_length(Some(NAME_LIMIT));
        let one_of = |key: &str| {
            ObjectBuilder::new()
                .schema_type(Type::Object)
                .property(key, text())
                .required(key)
                .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::FreeForm(false)))
        };
        OneOfBuilder::new()
            .item(one_of("service"))
            .item(one_of("environment"))
            .item(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["all"])))
            .description(Some("What it covers: one service, every service of an environment, or `\"all\"`."))
            .examples([json!({ "service": "shop" })])
            .into()
    }
}

impl ToSchema for ScopeDto {
    fn name() -> Cow<'static, str> {
        "Scope".into()
    }
}

impl DeploymentDto {
    /// As stated.
    pub(crate) fn of(deployment: &Deployment) -> Self {
        Self {
            service: deployment.service.as_str().to_owned(),
            name: deployment.name.clone(),
            by: deployment.by.clone(),
            state: match deployment.state {
                DeploymentState::Running => "running",
                DeploymentState::Succeeded => "succeeded",
                DeploymentState::Failed => "failed",
            },
            at: Timestamp(deployment.at),
            link: deployment.link.clone(),
        }
    }
}
