//! `/api/v1/config` and `/api/v1/config/shared`: giving the mesh a new shared configuration, and reading it.

use super::body;
use super::dto::{AppliedDto, SharedConfigurationDto, StampDto};
use super::query::Query;
use crate::problem::Problem;
use crate::shared::{ASK_TIMEOUT, Shared, answered};
use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Payload};
use p7_bus::{Apply, SharedConfiguration};
use p7_core::mesh::view::Liveness;

/// Who gave a configuration when nobody said so.
const NOBODY: &str = "somebody";
/// What a node without a mesh says.
const ALONE: &str = "this node runs alone; change its mesh.toml";

/// Give the whole mesh a new shared configuration: mesh.toml, up to 512 KiB
#[utoipa::path(post, path = "/api/v1/config", tag = "statements",
    params(("by" = Option<String>, Query, min_length = 1, max_length = 100, pattern = r"[^\s\x00-\x1f\x7f-\x9f]",
        description = "Who gives it.")),
    request_body(content((String = "application/toml"), (String = "text/plain")),
        description = "mesh.toml, in UTF-8."),
    responses((status = 200, description = "It passed and spreads; every node takes it up.", body = AppliedDto)))]
pub(crate) async fn apply(
    request: HttpRequest,
    payload: Payload,
    shared: Data<Shared>,
) -> Result<Json<AppliedDto>, Problem> {
    shared.guard.may_change(&request)?;
    let query = Query::of(&request, &["by"])?;
    let by = query.text("by").map_or_else(|| Ok(NOBODY.to_owned()), |by| body::name("by", by))?;
    let text = body::toml(&request, payload).await?;
    let to = shared.parts.apply.as_ref().ok_or_else(|| Problem::conflict(ALONE))?;
    let applied = answered(to.send(Apply { text: text.into(), by }), ASK_TIMEOUT).await??;
    let (taken_by, later) = nodes(&shared);
    let stamp = StampDto::known(applied.stamp);
    Ok(Json(AppliedDto { stamp, changes: applied.changes, taken_by, later }))
}

/// The newest shared configuration, word by word; comments and headers included, so it needs what changes need
#[utoipa::path(get, path = "/api/v1/config/shared", tag = "node",
    responses((status = 200, description = "It.", body = SharedConfigurationDto),
        (status = 401, description = "The admin token is missing or wrong."),
        (status = 403, description = "No admin token is configured and the request comes from elsewhere."),
        (status = 409, description = "The node runs alone, or the mesh has none yet.")))]
pub(crate) async fn shared(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<SharedConfigurationDto>, Problem> {
    shared.guard.trusts(&request)?;
    Query::of(&request, &[])?;
    let of = shared.parts.shared_configuration.as_ref().ok_or_else(|| Problem::conflict(ALONE))?;
    let found = answered(of.send(SharedConfiguration), ASK_TIMEOUT).await??;
    let found = found.ok_or_else(|| {
        Problem::conflict("the mesh has no shared configuration yet; `p7 apply mesh.toml` gives it one")
    })?;
    Ok(Json(SharedConfigurationDto::of(&found)))
}

/// The names of the nodes that are there, and of those that are not but may come back.
fn nodes(shared: &Shared) -> (Vec<String>, Vec<String>) {
    let state = shared.board.read();
    let (mut here, mut away) = (Vec::new(), Vec::new());
    for member in state.mesh.iter().flat_map(|view| &view.members) {
        match member.liveness {
            Liveness::Alive | Liveness::Suspect => here.push(state.names.of(&member.node)),
            Liveness::Down | Liveness::Left => away.push(state.names.of(&member.node)),
        }
    }
    here.sort();
    away.sort();
    (here, away)
}
