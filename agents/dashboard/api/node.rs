//! What the node says about itself and the mesh: `/api/v1/mesh`, `/api/v1/config`, `/api/v1/openapi.json`.

use super::dto::{ConfigurationDto, MeshDto, NetworkDto, NodeDto, StoreDto};
use super::query::Query;
use super::time::Timestamp;
use crate::problem::Problem;
use crate::shared::Shared;
use actix_web::http::header;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};

/// The nodes of the mesh
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
    Ok(Json(MeshDto { this: this.id.clone(), nodes: vec![this] }))
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
