//! How publishing goes: in the API, and on the page of nodes.

use crate::api::query::Query;
use crate::api::time::Timestamp;
use crate::pages::{PublishRow, TimeView};
use crate::problem::Problem;
use crate::shared::Shared;
use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use p7_bus::{PublishStanding, PublishTarget, Publishing};
use p7_core::vocabulary::MeshTime;
use serde::Serialize;
use utoipa::ToSchema;

/// How publishing goes on this node.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Publishing)]
pub(crate) struct PublishingDto {
    /// Whether it is this node that publishes; ask the leader where it is not.
    leading: bool,
    /// The targets, by name.
    targets: Vec<PublishTargetDto>,
}

/// How publishing on one target goes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PublishTarget)]
pub(crate) struct PublishTargetDto {
    /// Its name.
    name: String,
    /// What kind of place it is: `folder`, `s3`, `azure`.
    kind: &'static str,
    /// `idle` while another node publishes, `waiting`, `published`, `failing`, or `outranked`: another side of
    /// the network leads and publishes there.
    standing: &'static str,
    /// When this node last published there.
    published_at: Option<Timestamp>,
    /// Files of the site.
    files: u64,
    /// Those of them that travelled the last time.
    sent_files: u64,
    /// Bytes that travelled the last time.
    sent_bytes: u64,
    /// What is wrong.
    trouble: Option<String>,
    /// Since when.
    trouble_since: Option<Timestamp>,
    /// Whether the target refuses an old leader's pages; null before that was tried.
    fenced: Option<bool>,
}

/// How publishing goes on this node, a target each
#[utoipa::path(get, path = "/api/v1/publish", tag = "node",
    responses((status = 200, description = "The targets.", body = PublishingDto)))]
pub(crate) async fn publish(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<PublishingDto>, Problem> {
    Query::of(&request, &[])?;
    let noted = shared.board.read().publishing.clone();
    Ok(Json(PublishingDto {
        leading: noted.leading,
        targets: noted.targets.iter().map(PublishTargetDto::of).collect(),
    }))
}

impl PublishTargetDto {
    fn of(target: &PublishTarget) -> Self {
        Self {
            name: target.name.clone(),
            kind: target.kind,
            standing: target.standing.as_str(),
            published_at: target.published.map(Timestamp),
            files: target.files,
            sent_files: target.sent,
            sent_bytes: target.sent_bytes,
            trouble: target.trouble.clone(),
            trouble_since: target.since.map(Timestamp),
            fenced: target.fenced,
        }
    }
}

/// The lines of the page of nodes.
pub(crate) fn rows(publishing: &Publishing, now: MeshTime) -> Vec<PublishRow> {
    publishing.targets.iter().map(|target| row(target, now)).collect()
}

fn row(target: &PublishTarget, now: MeshTime) -> PublishRow {
    let (state, tone, icon) = match target.standing {
        PublishStanding::Idle => ("another node publishes", "grey", "unknown"),
        PublishStanding::Waiting => ("on its way", "grey", "stale"),
        PublishStanding::Published => ("published", "green", "healthy"),
        PublishStanding::Failing => ("failing", "orange", "incident"),
        PublishStanding::Outranked => ("another side publishes", "orange", "partial"),
    };
    let sent = match target.published {
        Some(_) => {
            format!("{} of {} files, {} kB", target.sent, target.files, target.sent_bytes.div_ceil(1000))
        }
        None => String::new(),
    };
    PublishRow {
        name: target.name.clone(),
        kind: target.kind,
        state,
        tone,
        icon,
        published: target.published.map(|at| TimeView::full(at, now)),
        sent,
        trouble: target.trouble.clone().unwrap_or_default(),
        note: if target.fenced == Some(false) { "does not refuse an old leader's pages" } else { "" },
    }
}
