//! What the node says about itself and the mesh: `/api/v1/mesh`, `/api/v1/config`, `/api/v1/openapi.json`.

use super::PAGE_LIMIT;
use super::dto::{
    ConfigurationDto, HoldingDto, MatrixRowDto, MemberDto, MeshDto, NetworkDto, NodeDto, Page, StampDto,
    StoreDto,
};
use super::query::Query;
use super::time::Timestamp;
use crate::pages::warnings;
use crate::problem::Problem;
use crate::shared::Shared;
use actix_web::http::header;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use p7_core::vocabulary::ServiceId;
use std::ops::Bound;

/// The mesh: its nodes, who holds which role, and what is not as it should be
#[utoipa::path(get, path = "/api/v1/mesh", tag = "node",
    responses((status = 200, description = "The mesh as this node knows it.", body = MeshDto)))]
pub(crate) async fn mesh(request: HttpRequest, shared: Data<Shared>) -> Result<Json<MeshDto>, Problem> {
    Query::of(&request, &[])?;
    let state = shared.board.read();
    let this = NodeDto {
        id: shared.parts.node.as_str().to_owned(),
        name: shared.parts.node_name.clone(),
        version: shared.parts.version.clone(),
        started_at: Timestamp(shared.started),
        network: state.network.as_ref().map(NetworkDto::of),
        store: state.store.as_ref().map(StoreDto::of).unwrap_or_default(),
        services: state.entries.len(),
        incidents_open: state.incidents_open(),
    };
    let mut answer = MeshDto {
        this: this.id.clone(),
        nodes: vec![this],
        members: Vec::new(),
        holdings: Vec::new(),
        configuration: None,
        clock_correction_ms: 0,
        warnings: Vec::new(),
    };
    if let Some(view) = &state.mesh {
        let shortest = state.entries.values().map(|entry| entry.shown.service.interval.span()).min();
        answer.members = MemberDto::all(view, &state.names);
        answer.holdings = HoldingDto::all(view);
        answer.configuration = StampDto::of(view.configuration);
        answer.clock_correction_ms = view.correction_ms;
        answer.warnings =
            warnings(view, &state.names, shortest).into_iter().map(|warning| warning.title).collect();
    }
    Ok(Json(answer))
}

/// What each vantage point sees of each service, in id order
#[utoipa::path(get, path = "/api/v1/mesh/matrix", tag = "node",
    params(
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 1000, description = "Services a page; default 1000."),
        ("cursor" = Option<String>, Query, max_length = 64, pattern = "^[a-z0-9][a-z0-9_-]*$",
            description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of the matrix.", body = Page<MatrixRowDto>)))]
pub(crate) async fn matrix(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<Page<MatrixRowDto>>, Problem> {
    let query = Query::of(&request, &["limit", "cursor"])?;
    let limit = query.number("limit", 1..=PAGE_LIMIT, PAGE_LIMIT)?;
    let from = query.parsed::<ServiceId>("cursor")?.map_or(Bound::Unbounded, Bound::Excluded);
    let state = shared.board.read();
    let mut left = state.entries.range((from, Bound::Unbounded)).map(|(_, entry)| &entry.shown);
    let items: Vec<_> = left.by_ref().take(limit).cloned().collect();
    let more = left.next().is_some();
    drop(state);
    let next_cursor = items.last().filter(|_| more).map(|last| last.service.id.as_str().to_owned());
    Ok(Json(Page { items: items.iter().map(|shown| MatrixRowDto::of(shown)).collect(), next_cursor }))
}

/// The configuration in force; secrets appear as references only
#[utoipa::path(get, path = "/api/v1/config", tag = "node",
    responses((status = 200, description = "The configuration.", body = ConfigurationDto)))]
pub(crate) async fn config(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<ConfigurationDto>, Problem> {
    Query::of(&request, &[])?;
    let noted = shared.board.read().configuration.clone();
    let noted = noted.ok_or_else(|| Problem::unavailable("no configuration is in force yet"))?;
    Ok(Json(ConfigurationDto::of(&noted)))
}

/// This description
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "node",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)))]
pub(crate) async fn openapi(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::of(&request, &[])?;
    let document = crate::openapi::document();
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(document))
}
