//! `/api/v1/incidents`: what went wrong, and who is on it.

use super::dto::{IncidentDto, Page};
use super::query::Query;
use super::{PAGE_DEFAULT, PAGE_LIMIT};
use crate::problem::Problem;
use crate::shared::Shared;
use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use p7_core::facts::Acknowledgement;
use p7_core::incident::{Incident, IncidentId};
use p7_core::vocabulary::{MeshTime, ServiceId};
use p7_store::{Cursor, IncidentsQuery, Store, StoreError, Which};

/// An incident, and who has acknowledged it.
pub(crate) type Acknowledged = (Incident, Option<Acknowledgement>);

/// Incidents, the latest first
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents",
    params(
        ("service" = Option<String>, Query, max_length = 64, pattern = "^[a-z0-9][a-z0-9_-]*$",
            description = "Of this service only."),
        ("open" = Option<bool>, Query, description = "`true`: only those that go on. `false`, the default: all."),
        ("from" = Option<String>, Query, format = DateTime, description = "Started then or later."),
        ("to" = Option<String>, Query, format = DateTime, description = "Started before then."),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 1000, description = "Incidents a page; default 100."),
        ("cursor" = Option<String>, Query, pattern = "^[0-9a-f]{1,16}-[0-9a-f]{1,8}$",
            description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of incidents.", body = Page<IncidentDto>)))]
pub(crate) async fn list(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<Page<IncidentDto>>, Problem> {
    let query = Query::of(&request, &["service", "open", "from", "to", "limit", "cursor"])?;
    let asked = IncidentsQuery {
        service: query.parsed::<ServiceId>("service")?,
        from: query.time("from", MeshTime(0))?,
        to: query.time("to", MeshTime(u64::MAX))?,
        which: query.word("open", &[("true", Which::Open), ("false", Which::All)])?.unwrap_or_default(),
        limit: query.number("limit", 1..=PAGE_LIMIT, PAGE_DEFAULT)?,
        after: query.parsed::<Cursor>("cursor")?,
    };
    let (rows, next) = shared
        .stored(move |store| {
            let page = store.incidents(&asked)?;
            Ok((acknowledged(store, page.rows)?, page.next))
        })
        .await?;
    let now = shared.now();
    Ok(Json(Page {
        items: rows.iter().map(|(incident, ack)| IncidentDto::of(incident, ack.as_ref(), now)).collect(),
        next_cursor: next.map(|cursor| cursor.to_string()),
    }))
}

/// One incident
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents",
    params(("id" = String, Path, description = "The incident's id.")),
    responses((status = 200, description = "The incident.", body = IncidentDto)))]
pub(crate) async fn one(request: HttpRequest, shared: Data<Shared>) -> Result<Json<IncidentDto>, Problem> {
    Query::of(&request, &[])?;
    let text = request.match_info().query("id").to_owned();
    let missing = || Problem::not_found(format!("there is no incident `{text}`"));
    let id: IncidentId = text.parse().map_err(|_no_id| missing())?;
    let found =
        shared.stored(move |store| acknowledged(store, store.incident(&id)?.into_iter().collect())).await?;
    let (incident, ack) = found.into_iter().next().ok_or_else(missing)?;
    Ok(Json(IncidentDto::of(&incident, ack.as_ref(), shared.now())))
}

/// Incidents with who has acknowledged each.
pub(crate) fn acknowledged(store: &Store, incidents: Vec<Incident>) -> Result<Vec<Acknowledged>, StoreError> {
    let with_ack = |incident: Incident| {
        let ack = store.acknowledgement(&incident.id)?;
        Ok((incident, ack))
    };
    incidents.into_iter().map(with_ack).collect()
}
