//! `/api/v1/silences` and `/api/v1/maintenance`: keeping quiet for a while, alike but for one word.

use super::body::{self, HoldBody};
use super::dto::{HoldDto, Page};
use super::query::Query;
use super::statements::unexpected;
use super::{PAGE_DEFAULT, PAGE_LIMIT};
use crate::problem::Problem;
use crate::shared::Shared;
use actix_web::http::header;
use actix_web::web::{Data, Json, Payload};
use actix_web::{HttpRequest, HttpResponse};
use p7_bus::{Ask, Request};
use p7_core::facts::{Hold, HoldKind};

/// Longest id of a hold that is looked for.
const ID_LIMIT: usize = 200;
/// Who ended a hold when nothing is said.
const NOBODY: &str = "API";

/// Silences that have not ended, by id
#[utoipa::path(get, path = "/api/v1/silences", tag = "statements",
    params(
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 1000, description = "Silences a page; default 100."),
        ("cursor" = Option<String>, Query, min_length = 1, max_length = 200,
            description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of silences.", body = Page<HoldDto>)))]
pub(crate) async fn silences(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<Page<HoldDto>>, Problem> {
    list(HoldKind::Silence, &request, &shared).await
}

/// Stated maintenance that has not ended, by id
#[utoipa::path(get, path = "/api/v1/maintenance", tag = "statements",
    params(
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 1000, description = "Maintenances a page; default 100."),
        ("cursor" = Option<String>, Query, min_length = 1, max_length = 200,
            description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of maintenances.", body = Page<HoldDto>)))]
pub(crate) async fn maintenances(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<Page<HoldDto>>, Problem> {
    list(HoldKind::Maintenance, &request, &shared).await
}

/// One silence that has not ended
#[utoipa::path(get, path = "/api/v1/silences/{id}", tag = "statements",
    params(("id" = String, Path, description = "The silence's id.")),
    responses((status = 200, description = "The silence.", body = HoldDto)))]
pub(crate) async fn silence(request: HttpRequest, shared: Data<Shared>) -> Result<Json<HoldDto>, Problem> {
    one(HoldKind::Silence, &request, &shared).await
}

/// One stated maintenance that has not ended
#[utoipa::path(get, path = "/api/v1/maintenance/{id}", tag = "statements",
    params(("id" = String, Path, description = "The maintenance's id.")),
    responses((status = 200, description = "The maintenance.", body = HoldDto)))]
pub(crate) async fn maintenance(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<HoldDto>, Problem> {
    one(HoldKind::Maintenance, &request, &shared).await
}

/// Say nothing about a service, an environment or everything for a while
#[utoipa::path(post, path = "/api/v1/silences", tag = "statements", request_body = HoldBody,
    responses((status = 201, description = "It is silenced.", body = HoldDto,
        headers(("Location" = String, description = "The silence.")))))]
pub(crate) async fn start_silence(
    request: HttpRequest,
    payload: Payload,
    shared: Data<Shared>,
) -> Result<HttpResponse, Problem> {
    start(HoldKind::Silence, &request, payload, &shared).await
}

/// Say that work on a service, an environment or everything goes on for a while
#[utoipa::path(post, path = "/api/v1/maintenance", tag = "statements", request_body = HoldBody,
    responses((status = 201, description = "It is in maintenance.", body = HoldDto,
        headers(("Location" = String, description = "The maintenance.")))))]
pub(crate) async fn start_maintenance(
    request: HttpRequest,
    payload: Payload,
    shared: Data<Shared>,
) -> Result<HttpResponse, Problem> {
    start(HoldKind::Maintenance, &request, payload, &shared).await
}

/// End a silence now
#[utoipa::path(delete, path = "/api/v1/silences/{id}", tag = "statements",
    params(
        ("id" = String, Path, description = "The silence's id."),
        ("by" = Option<String>, Query, min_length = 1, max_length = 100, pattern = r"[^\s\x00-\x1f\x7f-\x9f]",
            description = "Who ends it."),
    ),
    responses((status = 200, description = "It has ended.", body = HoldDto)))]
pub(crate) async fn end_silence(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<HoldDto>, Problem> {
    end(HoldKind::Silence, &request, &shared).await
}

/// End a stated maintenance now
#[utoipa::path(delete, path = "/api/v1/maintenance/{id}", tag = "statements",
    params(
        ("id" = String, Path, description = "The maintenance's id."),
        ("by" = Option<String>, Query, min_length = 1, max_length = 100, pattern = r"[^\s\x00-\x1f\x7f-\x9f]",
            description = "Who ends it."),
    ),
    responses((status = 200, description = "It has ended.", body = HoldDto)))]
pub(crate) async fn end_maintenance(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<HoldDto>, Problem> {
    end(HoldKind::Maintenance, &request, &shared).await
}

async fn list(
    kind: HoldKind,
    request: &HttpRequest,
    shared: &Shared,
) -> Result<Json<Page<HoldDto>>, Problem> {
    let query = Query::of(request, &["limit", "cursor"])?;
    let limit = query.number("limit", 1..=PAGE_LIMIT, PAGE_DEFAULT)?;
    let after = query.text("cursor").map(|text| checked_cursor(text).map(str::to_owned)).transpose()?;
    let mut holds = holds(kind, shared).await?;
    holds.retain(|hold| after.as_ref().is_none_or(|after| hold.id > *after));
    let more = holds.len() > limit;
    holds.truncate(limit);
    let next_cursor = holds.last().filter(|_| more).map(|last| last.id.clone());
    Ok(Json(Page { items: holds.iter().map(HoldDto::of).collect(), next_cursor }))
}

fn checked_cursor(text: &str) -> Result<&str, Problem> {
    if (1..=ID_LIMIT).contains(&text.chars().count()) {
        Ok(text)
    } else {
        Err(Problem::bad_parameter(
            "cursor",
            "this is no cursor; use the one the page before gave, unchanged",
        ))
    }
}

async fn one(kind: HoldKind, request: &HttpRequest, shared: &Shared) -> Result<Json<HoldDto>, Problem> {
    Query::of(request, &[])?;
    found(kind, request, shared).await.map(|hold| Json(HoldDto::of(&hold)))
}

async fn start(
    kind: HoldKind,
    request: &HttpRequest,
    payload: Payload,
    shared: &Shared,
) -> Result<HttpResponse, Problem> {
    shared.guard.may_change(request)?;
    Query::of(request, &[])?;
    let said: HoldBody = body::json(request, payload).await?;
    let span = said.span(shared.now())?;
    let (by, reason) = (body::name("by", &said.by)?, body::reason(&said.reason)?);
    let scope = said.scope.into_core()?;
    let asked = Request::Hold { kind, scope, starts: span.starts, ends: span.ends, by, reason };
    match shared.ask(asked).await? {
        Ask::Held(hold) => {
            let place = format!("{}/{}", request.path(), hold.id);
            Ok(HttpResponse::Created().insert_header((header::LOCATION, place)).json(HoldDto::of(&hold)))
        }
        other @ (Ask::Acknowledged(_) | Ask::Deployed(_) | Ask::Holds(_)) => Err(unexpected(&other)),
    }
}

async fn end(kind: HoldKind, request: &HttpRequest, shared: &Shared) -> Result<Json<HoldDto>, Problem> {
    shared.guard.may_change(request)?;
    let query = Query::of(request, &["by"])?;
    let by = match query.text("by") {
        Some(by) => body::name("by", by)?,
        None => NOBODY.to_owned(),
    };
    let id = found(kind, request, shared).await?.id;
    match shared.ask(Request::Lift { id, by }).await? {
        Ask::Held(hold) => Ok(Json(HoldDto::of(&hold))),
        other @ (Ask::Acknowledged(_) | Ask::Deployed(_) | Ask::Holds(_)) => Err(unexpected(&other)),
    }
}

/// Those of `kind` that have not ended, by id.
async fn holds(kind: HoldKind, shared: &Shared) -> Result<Vec<Hold>, Problem> {
    match shared.ask(Request::Holds).await? {
        Ask::Holds(mut holds) => {
            let now = shared.now();
            holds.retain(|hold| hold.kind == kind && hold.ends > now);
            holds.sort_by(|a, b| a.id.cmp(&b.id));
            Ok(holds)
        }
        other @ (Ask::Acknowledged(_) | Ask::Held(_) | Ask::Deployed(_)) => Err(unexpected(&other)),
    }
}

async fn found(kind: HoldKind, request: &HttpRequest, shared: &Shared) -> Result<Hold, Problem> {
    let id = request.match_info().query("id");
    let what = match kind {
        HoldKind::Silence => "silence",
        HoldKind::Maintenance => "maintenance",
    };
    let hold = holds(kind, shared).await?.into_iter().find(|hold| hold.id == id);
    hold.ok_or_else(|| Problem::not_found(format!("there is no {what} `{id}` that has not ended")))
}
