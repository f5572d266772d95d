//! `/healthz`: the process lives. `/readyz`: it has results, a store that takes them and, in a mesh, peers.

use crate::api::dto::ReadinessDto;
use crate::api::query::Query;
use crate::board::State;
use crate::problem::Problem;
use crate::shared::Shared;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use p7_core::mesh::view::Liveness;
use p7_core::status::Freshness;

/// The process lives
#[utoipa::path(get, path = "/healthz", tag = "node",
    responses((status = 200, description = "It does.", content_type = "text/plain; charset=utf-8", body = String)))]
pub(crate) async fn healthz(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::of(&request, &[])?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n"))
}

/// The node has results, a store that takes them and, if it knows any, peers
#[utoipa::path(get, path = "/readyz", tag = "node",
    responses(
        (status = 200, description = "It has.", body = ReadinessDto),
        (status = 503, description = "It has not; `reasons` says why.", body = ReadinessDto),
    ))]
pub(crate) async fn readyz(request: HttpRequest, shared: Data<Shared>) -> Result<HttpResponse, Problem> {
    Query::of(&request, &[])?;
    let (reasons, notes) = {
        let state = shared.board.read();
        let (lonely, notes) = peers(&state);
        let mut reasons = reasons(&state);
        reasons.extend(lonely);
        (reasons, notes)
    };
    let ready = reasons.is_empty();
    let mut answer = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    Ok(answer.json(ReadinessDto { ready, reasons, notes }))
}

/// Why the mesh keeps the node from being ready, and what else there is to say. Peers are missed only where
/// some are known: the first node of a mesh has none, and those that stopped on purpose are not missed.
fn peers(state: &State) -> (Option<String>, Vec<String>) {
    let Some(view) = &state.mesh else { return (None, Vec::new()) };
    let count = |wanted| {
        let others = view.members.iter().filter(|member| member.node != view.me);
        others.filter(|member| member.liveness == wanted).count()
    };
    let (down, left) = (count(Liveness::Down), count(Liveness::Left));
    if count(Liveness::Alive) + count(Liveness::Suspect) > 0 {
        return (None, Vec::new());
    }
    match (down, left) {
        (0, 0) => (None, vec!["no peer is known yet: the first node of its mesh".to_owned()]),
        (0, _) => (None, vec!["every peer has stopped on purpose".to_owned()]),
        (down, _) => (Some(format!("no peer is alive; {down} known to be down")), Vec::new()),
    }
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
