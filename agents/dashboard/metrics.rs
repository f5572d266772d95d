//! `/metrics`: what each service and the node itself come to, as Prometheus text.
//!
//! Figures of services are written from the board when somebody asks, so a probe costs no gauge and a
//! removed service is gone at once; what the other agents count comes from their registry.

mod families;
mod mesh;
mod process;
mod text;

use crate::api::query::Query;
use crate::problem::Problem;
use crate::shared::Shared;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use prometheus::TextEncoder;
use text::Text;

/// Prometheus' text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics in Prometheus' text format
#[utoipa::path(get, path = "/metrics", tag = "node",
    responses((status = 200, description = "The metrics.",
        content_type = "text/plain; version=0.0.4; charset=utf-8", body = String)))]
pub(crate) async fn metrics(request: HttpRequest, shared: Data<Shared>) -> Result<HttpResponse, Problem> {
    Query::of(&request, &[])?;
    let mut text = Text::default();
    families::services(&mut text, &shared);
    families::node(&mut text, &shared);
    mesh::write(&mut text, &shared);
    process::write(&mut text, shared.started);
    let mut body = text.into_string();
    if let Err(error) = TextEncoder::new().encode_utf8(&shared.parts.registry.gather(), &mut body) {
        tracing::error!(%error, "registered metrics could not be written");
    }
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(body))
}
