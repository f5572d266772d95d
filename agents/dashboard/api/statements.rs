//! What people state about one service: acknowledgements, deployments, and "probe it now".

use super::body::{self, AcknowledgeBody, DeploymentBody, EmptyBody};
use super::dto::{AcknowledgementDto, DeploymentDto, ResultDto};
use super::query::Query;
use super::service_of;
use crate::problem::Problem;
use crate::shared::{Shared, answered};
use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Payload};
use p7_bus::{Ask, ProbeNow, Request};
use p7_core::facts::Deployment;
use p7_core::service::Service;
use std::time::Duration;

/// How long a probe may take beyond what its service allows: waiting for its turn.
const PROBE_GRACE: Duration = Duration::from_secs(5);

/// Acknowledge the service's open incident
#[utoipa::path(post, path = "/api/v1/services/{id}/ack", tag = "statements",
    params(("id" = String, Path, description = "The service's id.")),
    request_body = AcknowledgeBody,
    responses((status = 200, description = "It is acknowledged.", body = AcknowledgementDto)))]
pub(crate) async fn acknowledge(
    request: HttpRequest,
    payload: Payload,
    shared: Data<Shared>,
) -> Result<Json<AcknowledgementDto>, Problem> {
    shared.guard.may_change(&request)?;
    Query::of(&request, &[])?;
    let said: AcknowledgeBody = body::json(&request, payload).await?;
    let asked = Request::Acknowledge {
        service: service_of(&request, &shared)?.service.id.clone(),
        by: body::name("by", &said.by)?,
        reason: body::reason(&said.reason)?,
    };
    match shared.ask(asked).await? {
        Ask::Acknowledged(ack) => Ok(Json(AcknowledgementDto::of(&ack))),
        other @ (Ask::Held(_) | Ask::Deployed(_) | Ask::Holds(_)) => Err(unexpected(&other)),
    }
}

/// Say that a deployment of the service runs or has ended
#[utoipa::path(post, path = "/api/v1/services/{id}/deployment", tag = "statements",
    params(("id" = String, Path, description = "The service's id.")),
    request_body = DeploymentBody,
    responses((status = 200, description = "It is noted.", body = DeploymentDto)))]
pub(crate) async fn deployment(
    request: HttpRequest,
    payload: Payload,
    shared: Data<Shared>,
) -> Result<Json<DeploymentDto>, Problem> {
    shared.guard.may_change(&request)?;
    Query::of(&request, &[])?;
    let said: DeploymentBody = body::json(&request, payload).await?;
    let asked = Request::Deployed(Deployment {
        service: service_of(&request, &shared)?.service.id.clone(),
        name: body::name("name", &said.name)?,
        by: body::name("by", &said.by)?,
        state: said.state,
        at: shared.now(),
        link: body::link(said.link)?,
    });
    match shared.ask(asked).await? {
        Ask::Deployed(deployment) => Ok(Json(DeploymentDto::of(&deployment))),
        other @ (Ask::Acknowledged(_) | Ask::Held(_) | Ask::Holds(_)) => Err(unexpected(&other)),
    }
}

/// Probe the service now; the result is answered and changes no status
#[utoipa::path(post, path = "/api/v1/services/{id}/probe", tag = "statements",
    params(("id" = String, Path, description = "The service's id.")),
    request_body = EmptyBody,
    responses((status = 200, description = "What the probe came to, whatever that is.", body = ResultDto)))]
pub(crate) async fn probe(
    request: HttpRequest,
    payload: Payload,
    shared: Data<Shared>,
) -> Result<Json<ResultDto>, Problem> {
    shared.guard.may_change(&request)?;
    Query::of(&request, &[])?;
    let EmptyBody {} = body::json(&request, payload).await?;
    let shown = service_of(&request, &shared)?;
    let asked = ProbeNow(shown.service.id.clone());
    let result = answered(shared.parts.prober.send(asked), patience(&shown.service)).await??;
    Ok(Json(ResultDto::of(&result)))
}

/// How long a probe of this service may take, retries included.
fn patience(service: &Service) -> Duration {
    let attempts = u64::from(service.retries) + 1;
    let one = service.timeout.0.saturating_add(service.retry_delay.0);
    Duration::from_millis(one.saturating_mul(attempts)) + PROBE_GRACE
}

/// The aggregator answered another question: a fault of ours.
pub(super) fn unexpected(answer: &Ask) -> Problem {
    tracing::error!(answer = ?answer, "an agent answered another question");
    Problem::internal("the node answered another question; please report this")
}
