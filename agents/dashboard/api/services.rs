//! `/api/v1/services`: the services, one service, its results and its history.

use super::body::NAME_LIMIT;
use super::dto::{HistoryDto, Page, PointDto, ResultDto, ServiceDetailDto, ServiceDto};
use super::query::Query;
use super::time::Timestamp;
use super::{PAGE_DEFAULT, PAGE_LIMIT, service_of};
use crate::problem::Problem;
use crate::shared::Shared;
use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use p7_core::vocabulary::{Level, MeshTime, Millis, NodeId};
use p7_store::{Cursor, Resolution, ResultsQuery, Rollup};
use std::ops::Bound;

/// A day.
const DAY: Millis = Millis::seconds(86_400);

/// The spans of a history, with what their points stand for.
pub(crate) const RANGES: [(&str, Range); 4] = [
    ("24h", Range { days: 1, resolution: Resolution::Hour }),
    ("7d", Range { days: 7, resolution: Resolution::Hour }),
    ("30d", Range { days: 30, resolution: Resolution::Day }),
    ("90d", Range { days: 90, resolution: Resolution::Day }),
];

/// How far a history goes back and in which steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    /// How many days.
    pub(crate) days: u64,
    /// In which steps.
    pub(crate) resolution: Resolution,
}

impl Range {
    /// From the start of a step to the end of the one that `now` lies in.
    pub(crate) fn until(self, now: MeshTime) -> (MeshTime, MeshTime) {
        let step = self.resolution.span();
        let to = MeshTime(now.0 - now.0 % step.0).plus(step);
        (to.minus(Millis(DAY.0 * self.days)), to)
    }
}

/// All services and how they are doing, in id order
#[utoipa::path(get, path = "/api/v1/services", tag = "services",
    params(
        ("environment" = Option<String>, Query, max_length = 100, description = "Only those of this environment."),
        ("level" = Option<String>, Query, pattern = "^(unknown|healthy|partial|warning|incident|down)$",
            description = "Only those at this level."),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 1000, description = "Services a page; default 1000."),
        ("cursor" = Option<String>, Query, max_length = 64, pattern = "^[a-z0-9][a-z0-9_-]*$",
            description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of services.", body = Page<ServiceDto>)))]
pub(crate) async fn list(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<Page<ServiceDto>>, Problem> {
    let query = Query::of(&request, &["environment", "level", "limit", "cursor"])?;
    let limit = query.number("limit", 1..=PAGE_LIMIT, PAGE_LIMIT)?;
    let level = query.word("level", &Level::ALL.map(|level| (level.as_str(), level)))?;
    let after = query.parsed::<p7_core::vocabulary::ServiceId>("cursor")?;
    let environment = query.short("environment", NAME_LIMIT)?;
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let state = shared.board.read();
    let mut wanted = state
        .entries
        .range((from, Bound::Unbounded))
        .map(|(_, entry)| &entry.shown)
        .filter(|shown| environment.is_none_or(|name| shown.service.environment == name))
        .filter(|shown| level.is_none_or(|level| shown.status.level == level));
    let shown: Vec<_> = wanted.by_ref().take(limit).cloned().collect();
    let more = wanted.next().is_some();
    let names = std::sync::Arc::clone(&state.names);
    drop(state);
    let next_cursor = shown.last().filter(|_| more).map(|last| last.service.id.as_str().to_owned());
    Ok(Json(Page { items: shown.iter().map(|shown| ServiceDto::of(shown, &names)).collect(), next_cursor }))
}

/// One service in full: its last cycles and what each vantage point sees
#[utoipa::path(get, path = "/api/v1/services/{id}", tag = "services",
    params(("id" = String, Path, description = "The service's id.")),
    responses((status = 200, description = "The service.", body = ServiceDetailDto)))]
pub(crate) async fn one(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<ServiceDetailDto>, Problem> {
    Query::of(&request, &[])?;
    Ok(Json(ServiceDetailDto::of(&*service_of(&request, &shared)?, &shared.names())))
}

/// Results of a service, newest first
#[utoipa::path(get, path = "/api/v1/services/{id}/results", tag = "services",
    params(
        ("id" = String, Path, description = "The service's id."),
        ("from" = Option<String>, Query, format = DateTime, description = "Of cycles that start then or later."),
        ("to" = Option<String>, Query, format = DateTime, description = "Of cycles that start before then."),
        ("node" = Option<String>, Query, min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9-]+$",
            description = "From this node only."),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 1000, description = "Results a page; default 100."),
        ("cursor" = Option<String>, Query, pattern = "^[0-9a-f]{1,16}-[0-9a-f]{1,8}$",
            description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of results.", body = Page<ResultDto>)))]
pub(crate) async fn results(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<Page<ResultDto>>, Problem> {
    let query = Query::of(&request, &["from", "to", "node", "limit", "cursor"])?;
    let asked = ResultsQuery {
        service: service_of(&request, &shared)?.service.id.clone(),
        from: query.time("from", MeshTime(0))?,
        to: query.time("to", MeshTime(u64::MAX))?,
        node: query.parsed::<NodeId>("node")?,
        limit: query.number("limit", 1..=PAGE_LIMIT, PAGE_DEFAULT)?,
        after: query.parsed::<Cursor>("cursor")?,
    };
    let page = shared.stored(move |store| store.results(&asked)).await?;
    Ok(Json(Page {
        items: page.rows.iter().map(ResultDto::of).collect(),
        next_cursor: page.next.map(|cursor| cursor.to_string()),
    }))
}

/// Uptime and latency percentiles of a service over time, by the hour (24h, 7d) or the day (30d, 90d)
#[utoipa::path(get, path = "/api/v1/services/{id}/history", tag = "services",
    params(
        ("id" = String, Path, description = "The service's id."),
        ("range" = Option<String>, Query, pattern = "^(24h|7d|30d|90d)$", description = "How far back; default 24h."),
        ("node" = Option<String>, Query, min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9-]+$",
            description = "As seen from this node only."),
    ),
    responses((status = 200, description = "The history.", body = HistoryDto)))]
pub(crate) async fn history(request: HttpRequest, shared: Data<Shared>) -> Result<Json<HistoryDto>, Problem> {
    let query = Query::of(&request, &["range", "node"])?;
    let names = RANGES.map(|(name, range)| (name, (name, range)));
    let (name, range) = query.word("range", &names)?.unwrap_or(RANGES[0]);
    let node = query.parsed::<NodeId>("node")?;
    let service = service_of(&request, &shared)?.service.id.clone();
    let (from, to) = range.until(shared.now());
    let id = service.clone();
    let rollups =
        shared.stored(move |store| store.rollups(&id, node.as_ref(), range.resolution, from, to)).await?;
    let mut total = Rollup::new(from, range.resolution);
    for rollup in &rollups {
        total.merge(rollup);
    }
    Ok(Json(HistoryDto {
        service: service.into(),
        range: name.to_owned(),
        from: Timestamp(from),
        to: Timestamp(to),
        step_ms: range.resolution.span().0,
        total: PointDto::of(&total),
        points: rollups.iter().map(PointDto::of).collect(),
    }))
}
