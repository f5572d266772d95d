//! `/healthz`: the process lives. `/readyz`: it has results and a store that takes them.

use crate::api::dto::ReadinessDto;
use crate::api::query::Query;
use crate::board::State;
use crate::problem::Problem;
use crate::shared::Shared;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use p7_core::status::Freshness;

/// The process lives
#[utoipa::path(get, path = "/healthz", tag = "node",
    responses((status = 200, description = "It does.", content_type = "text/plain; charset=utf-8", body = String)))]
pub(crate) async fn healthz(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::of(&request, &[])?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n"))
}

/// The node has results and a store that takes them
#[utoipa::path(get, path = "/readyz", tag = "node",
    responses(
        (status = 200, description = "It has.", body = ReadinessDto),
        (status = 503, description = "It has not; `reasons` says why.", body = ReadinessDto),
    ))]
pub(crate) async fn readyz(request: HttpRequest, shared: Data<Shared>) -> Result<HttpResponse, Problem> {
    Query::of(&request, &[])?;
    let reasons = reasons(&shared.board.read());
    let ready = reasons.is_empty();
    let mut answer = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    Ok(answer.json(ReadinessDto { ready, reasons }))
}

/// Why the node is not ready to be asked.
fn reasons(state: &State) -> Vec<String> {
    let mut reasons = Vec::new();
    if !state.configured {
        reasons.push("no configuration was taken up yet".to_owned());
    }
    let mut known = state.entries.values().map(|entry| entry.shown.status.freshness != Freshness::Pending);
    if !state.entries.is_empty() && !known.any(|known| known) {
        reasons.push("no result is known yet".to_owned());
    }
    if let Some(trouble) = state.store_trouble() {
        reasons.push(format!("the store takes nothing: {trouble}"));
    }
    reasons
}
