//! What was said to people on which channel, and trying a channel out.

use super::body;
use super::query::Query;
use crate::problem::Problem;
use crate::shared::{ASK_TIMEOUT, Shared, answered};
use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Payload};
use p7_bus::{Notifications, TestChannel};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// How long a channel may take to answer a test: the notifier itself gives up before.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// What was said, what waits and what does not work, as this node knows it.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = Notifications)]
pub(crate) struct NotificationsDto {
    /// The channels, by name.
    channels: Vec<ChannelDto>,
}

/// A channel.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Channel)]
pub(crate) struct ChannelDto {
    /// Its name, the key of its table in mesh.toml.
    name: String,
    /// What it is, such as `slack`; null while it is not configured.
    kind: Option<String>,
    /// What is wrong and what to do; null when nothing is.
    trouble: Option<String>,
    /// Since when; null for a channel that can't be used on this node at all.
    trouble_since: Option<String>,
    /// Messages that are on their way.
    sending: u64,
    /// Services whose messages silences and maintenance hold back.
    held_back: u64,
    /// Services that something is to be said of.
    waiting: u64,
    /// The last messages, those that other nodes said and this one heard of among them.
    messages: Vec<SaidDto>,
}

/// One message, and what became of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Said)]
pub(crate) struct SaidDto {
    /// When.
    at: String,
    /// The name of the node that said it.
    by: String,
    /// What became of it: `sent`, `retried` or `refused`.
    result: String,
    /// Why it was not taken; null when it was.
    why: Option<String>,
    /// The message's key: the same again for a repetition.
    key: String,
    /// What kind of message it is; null for one that another node said.
    kind: Option<String>,
    /// The worst level of its services.
    level: String,
    /// Its title; null for one that another node said.
    title: Option<String>,
    /// Whether it may have been said before: `no` or `perhaps`; null for one that another node said.
    repeat: Option<String>,
    /// The services it is about.
    services: Vec<String>,
    /// How many more services it is about; null for one that another node said.
    left_out: Option<u64>,
}

/// What became of a test.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelTested)]
pub(crate) struct ChannelTestedDto {
    /// In words.
    says: String,
}

/// Who tries a channel out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChannelTestBody)]
pub(crate) struct ChannelTestBody {
    /// Who.
    #[schema(min_length = 1, max_length = 100, pattern = r"[^\s\x00-\x1f\x7f-\x9f]", example = "anna")]
    by: String,
}

/// What was said to people on which channel, what waits, and what failed
#[utoipa::path(get, path = "/api/v1/notifications", tag = "node",
    responses((status = 200, description = "The channels.", body = NotificationsDto)))]
pub(crate) async fn list(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<NotificationsDto>, Problem> {
    Query::of(&request, &[])?;
    let Some(notifier) = &shared.parts.notifications else { return Ok(Json(NotificationsDto::default())) };
    let report = answered(notifier.send(Notifications), ASK_TIMEOUT).await??;
    let told = NotificationsDto::deserialize(&*report);
    told.map(Json).map_err(|error| Problem::unavailable(format!("what was said can't be read: {error}")))
}

/// Send a marked test message on a channel
#[utoipa::path(post, path = "/api/v1/channels/{id}/test", tag = "statements",
    params(("id" = String, Path, description = "The channel's name.")),
    request_body = ChannelTestBody,
    responses((status = 200, description = "The channel has accepted it.", body = ChannelTestedDto)))]
pub(crate) async fn test(
    request: HttpRequest,
    payload: Payload,
    shared: Data<Shared>,
) -> Result<Json<ChannelTestedDto>, Problem> {
    shared.guard.may_change(&request)?;
    Query::of(&request, &[])?;
    let said: ChannelTestBody = body::json(&request, payload).await?;
    let by = body::name("by", &said.by)?;
    let channel = request.match_info().query("id").to_owned();
    let to = shared.parts.channels.as_ref();
    let to = to.ok_or_else(|| Problem::not_found(format!("there is no channel `{channel}`")))?;
    let says = answered(to.send(TestChannel { channel, by }), TEST_TIMEOUT).await??;
    Ok(Json(ChannelTestedDto { says }))
}
