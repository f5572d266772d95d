//! The pages' handlers: what is known, put into the pages' views and rendered.

use crate::api::incidents::acknowledged;
use crate::api::query::Query;
use crate::board::Shown;
use crate::pages::{
    About, Card, Frame, HistoryBucket, IndexView, ListView, MeshPage, MeshView, Page, PagesError, Past,
    Place, Range, ServicePageView, Site, Writes,
};
use crate::problem::Problem;
use crate::sending::Sending;
use crate::shared::Shared;
use actix_web::http::{Method, StatusCode, header};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use p7_core::vocabulary::{MeshTime, Millis, ServiceId};
use p7_store::{IncidentsQuery, Resolution, ResultsQuery, Rollup, Store, StoreError, Which};
use std::sync::Arc;

/// Results and incidents on a service's page; the API has them all.
const ROWS: usize = 50;
/// Days a service's page looks back.
const DAYS: u64 = 90;
/// How long a browser may keep a style or script before it asks whether it changed.
const ASSET_MAX_AGE: &str = "public, max-age=300";
/// How long a badge may be shown from a cache, in seconds.
const BADGE_MAX_AGE: &str = "public, max-age=20";

/// One card, rendered when it is first needed.
pub(crate) fn card(shared: &Shared, shown: &Shown, site: Site) -> Arc<Card> {
    let kept = match site {
        Site::Live => &shown.card,
        Site::Static | Site::Published => &shown.filed,
    };
    let render = || {
        let rendered = shared.pages.rendered(&shown.service, &shown.status, &shared.names(), site);
        rendered.unwrap_or_else(|error| {
            // every template was tried at the start, so this is one that fails on some values only
            tracing::error!(service = %shown.service.id, error = %error, "a card could not be rendered");
            Arc::new(Card::new(&shown.service, &shown.status, "".into()))
        })
    };
    Arc::clone(kept.get_or_init(render))
}

/// `GET /`
pub(crate) async fn index(request: HttpRequest, shared: Data<Shared>) -> Result<HttpResponse, Problem> {
    let frame = frame(&request, &shared, Site::Live, Place::Top);
    rendered(&shared, |shared| {
        let cards = cards(shared, Site::Live);
        shared.pages.index(&IndexView::new(frame, &cards))
    })
    .await
}

/// `GET /p7adv.html`
pub(crate) async fn p7adv(request: HttpRequest, shared: Data<Shared>) -> Result<HttpResponse, Problem> {
    let frame = frame(&request, &shared, Site::Static, Place::Top);
    rendered(&shared, |shared| {
        let cards = cards(shared, Site::Static);
        shared.pages.p7adv_html(&IndexView::new(frame, &cards))
    })
    .await
}

/// `GET /p7.html`
pub(crate) async fn p7(request: HttpRequest, shared: Data<Shared>) -> Result<HttpResponse, Problem> {
    let frame = frame(&request, &shared, Site::Static, Place::Top);
    rendered(&shared, |shared| {
        let cards = cards(shared, Site::Static);
        shared.pages.p7_html(&ListView::new(frame, &cards))
    })
    .await
}

/// `GET /mesh`
pub(crate) async fn mesh(request: HttpRequest, shared: Data<Shared>) -> Result<HttpResponse, Problem> {
    let frame = frame(&request, &shared, Site::Live, Place::Top);
    let now = shared.now();
    rendered(&shared, move |shared| {
        let services = shared.board.services();
        let pairs: Vec<_> =
            services.iter().map(|shown| (shown.service.as_ref(), shown.status.as_ref())).collect();
        let (about, names) = (about(shared), shared.names());
        let publishing = crate::publishing::rows(&shared.board.read().publishing, now);
        let view = shared.board.read().mesh.clone();
        let page = MeshPage {
            about: &about,
            view: view.as_deref(),
            names: &names,
            services: &pairs,
            publishing: &publishing,
        };
        shared.pages.mesh(&MeshView::new(frame, &page, now))
    })
    .await
}

/// `GET /services/{id}`
pub(crate) async fn service(request: HttpRequest, shared: Data<Shared>) -> Result<HttpResponse, Problem> {
    service_page(&request, &shared, Site::Live, Place::Below).await
}

/// `GET /{id}.html`
pub(crate) async fn service_file(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<HttpResponse, Problem> {
    service_page(&request, &shared, Site::Static, Place::Top).await
}

/// `GET /badge/{id}.svg`
#[utoipa::path(get, path = "/badge/{id}.svg", tag = "node",
    params(("id" = String, Path, description = "The service's id.")),
    responses(
        (status = 200, description = "How the service is.", content_type = "image/svg+xml", body = String),
        (status = 404, description = "A badge that says so.", content_type = "image/svg+xml", body = String),
    ))]
/// How a service is, as a picture for other pages
pub(crate) async fn badge(request: HttpRequest, shared: Data<Shared>) -> Result<HttpResponse, Problem> {
    Query::of(&request, &[])?;
    let text = request.match_info().query("id");
    let shown = shared.board.service(text);
    let status = if shown.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    // a text that can't be an id is not repeated in a picture
    let id = ServiceId::new(text).or_else(|_no_id| ServiceId::new("unknown"));
    let id = id.map_err(|_never| Problem::not_found("there is no such service"))?;
    let svg = shared.pages.badge(&id, shown.as_ref().map(|shown| shown.status.as_ref())).map_err(broken)?;
    Ok(HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "image/svg+xml"))
        .insert_header((header::CACHE_CONTROL, BADGE_MAX_AGE))
        .body(svg))
}

/// `GET /assets/{name}`
pub(crate) async fn asset(request: HttpRequest, shared: Data<Shared>) -> Result<HttpResponse, Problem> {
    file(request.match_info().query("name"), &request, &shared)
}

/// `GET /favicon.ico` and `/favicon.svg`
pub(crate) async fn favicon(request: HttpRequest, shared: Data<Shared>) -> Result<HttpResponse, Problem> {
    let name = request.path().trim_start_matches('/');
    // browsers take a picture by its type, not by its name
    let name = if shared.pages.asset(name).is_some() { name } else { "favicon-healthy.svg" };
    file(name, &request, &shared)
}

/// Everything else: a page for people, a problem document for programs.
pub(crate) async fn nowhere(request: HttpRequest, shared: Data<Shared>) -> Result<HttpResponse, Problem> {
    let path = request.path();
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let person =
        accepts.contains("text/html") && !path.starts_with("/api/") && request.method() == Method::GET;
    if !person {
        return Err(Problem::not_found(
            "there is nothing at this path; /api/v1/openapi.json lists what there is",
        ));
    }
    not_found(&request, &shared)
}

fn not_found(request: &HttpRequest, shared: &Shared) -> Result<HttpResponse, Problem> {
    let frame = frame(request, shared, Site::Live, Place::Anywhere);
    let html = shared.pages.not_found(&frame, request.path()).map_err(broken)?;
    Ok(HttpResponse::NotFound().content_type("text/html; charset=utf-8").body(html))
}

fn file(name: &str, request: &HttpRequest, shared: &Shared) -> Result<HttpResponse, Problem> {
    let asset =
        shared.pages.asset(name).ok_or_else(|| Problem::not_found(format!("there is no file `{name}`")))?;
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut answer = match known {
        // a proxy that compresses makes the tag a weak one
        Some(tag) if tag.trim_start_matches("W/") == asset.etag => HttpResponse::NotModified(),
        Some(_) | None => HttpResponse::Ok(),
    };
    answer
        .insert_header((header::ETAG, asset.etag.as_str()))
        .insert_header((header::CACHE_CONTROL, ASSET_MAX_AGE));
    if known.is_some_and(|tag| tag.trim_start_matches("W/") == asset.etag) {
        return Ok(answer.finish());
    }
    Ok(answer.insert_header((header::CONTENT_TYPE, asset.content_type)).body(asset.bytes.clone()))
}

/// Renders off the worker's thread: a page of a thousand cards takes some milliseconds.
async fn rendered<F, P>(shared: &Data<Shared>, render: F) -> Result<HttpResponse, Problem>
where
    F: FnOnce(&Shared) -> Result<P, PagesError> + Send + 'static,
    P: Into<Page> + Send + 'static,
{
    let at_hand = Data::clone(shared);
    let html = web::block(move || render(&at_hand)).await;
    let html = html.map_err(|_stopping| Problem::unavailable("the node is stopping"))?.map_err(broken)?;
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(Sending::from(html.into())))
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function of map_err")]
fn broken(error: PagesError) -> Problem {
    tracing::error!(error = %error, "a page could not be rendered");
    Problem::internal(format!("the page could not be rendered: {error}"))
}

async fn service_page(
    request: &HttpRequest,
    shared: &Data<Shared>,
    site: Site,
    place: Place,
) -> Result<HttpResponse, Problem> {
    let frame = frame(request, shared, site, place);
    let Some(shown) = shared.board.service(request.match_info().query("id")) else {
        return nowhere(request.clone(), Data::clone(shared)).await;
    };
    let asked = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let range =
        asked.ok().and_then(|pairs| pairs.iter().find(|(name, _)| name == "range").map(|(_, v)| v.clone()));
    // a page is for people: a range that is none shows the usual one
    let range = range.and_then(|text| Range::parse(&text)).unwrap_or_default();
    let (now, id) = (shared.now(), shown.service.id.clone());
    // the present is shown even when the past can't be; the frame says what is wrong with the store
    let past: Past = shared.stored(move |store| past(store, &id, now)).await.unwrap_or_default();
    rendered(shared, move |shared| {
        let names = shared.names();
        let page = past.page(&shown.service, &shown.status, &names, range, now);
        shared.pages.service(&ServicePageView::new(frame, site, &page, now))
    })
    .await
}

/// What is stored of a service's past.
pub fn past(store: &Store, id: &ServiceId, now: MeshTime) -> Result<Past, StoreError> {
    let end = MeshTime(u64::MAX);
    let from = |days: u64| now.minus(Millis::seconds(days * 86_400));
    let soon = now.plus(Millis::seconds(86_400));
    let rollups = |resolution, days| store.rollups(id, None, resolution, from(days), soon);
    let asked = ResultsQuery {
        service: id.clone(),
        from: MeshTime(0),
        to: end,
        node: None,
        limit: ROWS,
        after: None,
    };
    let incidents = IncidentsQuery {
        service: Some(id.clone()),
        from: MeshTime(0),
        to: end,
        which: Which::All,
        limit: ROWS,
        after: None,
    };
    Ok(Past {
        hours: rollups(Resolution::Hour, 7)?.iter().map(bucket).collect(),
        days: rollups(Resolution::Day, DAYS)?.iter().map(bucket).collect(),
        incidents: acknowledged(store, store.incidents(&incidents)?.rows)?,
        results: store.results(&asked)?.rows,
    })
}

fn bucket(rollup: &Rollup) -> HistoryBucket {
    HistoryBucket {
        start: rollup.start,
        span: rollup.resolution.span(),
        voting: rollup.voting(),
        failed: rollup.voting() - rollup.passed(),
        p50: rollup.percentile(0.5),
        p95: rollup.percentile(0.95),
        p99: rollup.percentile(0.99),
        min: rollup.latency_min(),
        max: rollup.latency_max(),
    }
}

fn cards(shared: &Shared, site: Site) -> Vec<Arc<Card>> {
    shared.board.services().iter().map(|shown| card(shared, shown, site)).collect()
}

fn frame(request: &HttpRequest, shared: &Shared, site: Site, place: Place) -> Frame {
    let writes = match shared.guard.trusts(request) {
        Ok(()) => Writes::Allowed,
        Err(_refused) => Writes::Refused,
    };
    // read before the services are, so that nothing falls between the page and its events
    let seen = shared.listeners.id(shared.board.read().version);
    let frame = Frame::new(&about(shared), site, place, writes, shared.now());
    Frame { seen, ..frame }
}

fn about(shared: &Shared) -> About {
    let state = shared.board.read();
    let configuration = state.configuration.as_deref();
    About {
        name: shared.parts.node_name.clone(),
        id: shared.parts.node.clone(),
        version: shared.parts.version.clone(),
        started: shared.started,
        roles: vec!["probe".to_owned()],
        labels: shared.parts.labels.clone(),
        mesh: configuration.and_then(|noted| noted.mesh_name.clone()),
        cut_off: state.network.as_ref().and_then(|noted| noted.cut_off.clone().map(|why| (why, noted.since))),
        store_trouble: state.store_trouble().map(str::to_owned),
        results_lost: state.store.as_ref().map_or(0, |noted| noted.lost),
        configuration: configuration.map(|noted| noted.hash.clone()).unwrap_or_default(),
        configured: configuration.map(|noted| noted.since),
        refused: configuration.map(|noted| noted.refused.clone()).unwrap_or_default(),
        restart_needed: configuration.is_some_and(|noted| noted.restart_needed),
    }
}
