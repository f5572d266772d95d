//! The HTTP API under `/api/v1`: reading, and stating things.

pub(crate) mod body;
pub(crate) mod devices;
pub(crate) mod dto;
pub(crate) mod holds;
pub(crate) mod incidents;
pub(crate) mod node;
pub(crate) mod notifications;
pub(crate) mod query;
pub(crate) mod services;
pub(crate) mod shared_config;
pub(crate) mod statements;
pub(crate) mod time;

use crate::board::Shown;
use crate::problem::Problem;
use crate::shared::Shared;
use actix_web::HttpRequest;
use std::sync::Arc;

/// Items of a page when nothing is said.
const PAGE_DEFAULT: usize = 100;
/// Most items of a page of what the store holds.
const PAGE_LIMIT: usize = p7_store::PAGE_LIMIT;

/// The service of the path's `{id}`.
fn service_of(request: &HttpRequest, shared: &Shared) -> Result<Arc<Shown>, Problem> {
    let id = request.match_info().query("id");
    shared.board.service(id).ok_or_else(|| Problem::not_found(format!("there is no service `{id}`")))
}
