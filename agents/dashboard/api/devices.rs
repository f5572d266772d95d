//! The machine's devices: how they are, and what they are to do.

use super::body;
use super::dto::Page;
use super::query::Query;
use super::time::Timestamp;
use crate::problem::Problem;
use crate::shared::{ASK_TIMEOUT, Shared, answered};
use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Payload};
use p7_bus::{DeviceDone, DeviceOrder, DeviceStatus, DeviceStep, DeviceWish};
use p7_core::vocabulary::Millis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest time that a device shows what somebody asked for: a day.
const SHOW_LIMIT_MS: u64 = 86_400_000;
/// Longest text that is said, in characters: about twenty seconds.
const SAY_LIMIT: usize = 300;

/// One device; one that drives several units is listed once for each.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Device)]
pub(crate) struct DeviceDto {
    /// Its name, the key of its table in node.toml.
    name: String,
    /// What it is: `blinkstick` or `cozmo`.
    kind: &'static str,
    /// The unit's serial; null while none is known.
    unit: Option<String>,
    /// The unit's model; null while none is known.
    model: Option<String>,
    /// How it is: `up`, `starting`, `missing`, `denied` or `trouble`.
    state: &'static str,
    /// What is wrong and what to do, or how a robot's battery is; null when there is nothing to say.
    detail: Option<String>,
    /// Since when it is so.
    since: Timestamp,
    /// The last order it got, in words; null when it got none.
    last_order: Option<String>,
    /// When it got that.
    last_order_at: Option<Timestamp>,
}

/// A colour to show.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ShowBody)]
pub(crate) struct ShowBody {
    /// A CSS name or `#rrggbb`.
    #[schema(
        min_length = 1,
        max_length = 40,
        pattern = r"^(#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})|[A-Za-z]{3,24})$",
        example = "orange"
    )]
    colour: String,
    /// For how long; then it shows the mesh's state again.
    #[schema(minimum = 1, maximum = 86_400_000, example = 10_000)]
    #[serde(deserialize_with = "body::millis")]
    duration_ms: u64,
}

/// Something to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SayBody)]
pub(crate) struct SayBody {
    /// What; control characters become blanks.
    #[schema(min_length = 1, max_length = 300, pattern = r"\S", example = "Lunch is ready.")]
    text: String,
}

/// What a device has begun to do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeviceDone)]
pub(crate) struct DeviceDoneDto {
    /// Its steps, to compare with what is seen.
    steps: Vec<DeviceStepDto>,
}

/// One step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeviceStep)]
pub(crate) struct DeviceStepDto {
    /// What is to be seen.
    says: String,
    /// For how long.
    duration_ms: u64,
}

/// The machine's devices, by name
#[utoipa::path(get, path = "/api/v1/devices", tag = "node",
    responses((status = 200, description = "All of them.", body = Page<DeviceDto>)))]
pub(crate) async fn list(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<Page<DeviceDto>>, Problem> {
    Query::of(&request, &[])?;
    let devices = std::sync::Arc::clone(&shared.board.read().devices);
    Ok(Json(Page { items: devices.iter().map(DeviceDto::of).collect(), next_cursor: None }))
}

/// Let a device show a colour for a while
#[utoipa::path(post, path = "/api/v1/devices/{id}/show", tag = "statements",
    params(("id" = String, Path, description = "The device's name.")),
    request_body = ShowBody,
    responses((status = 200, description = "It shows it.", body = DeviceDoneDto)))]
pub(crate) async fn show(
    request: HttpRequest,
    payload: Payload,
    shared: Data<Shared>,
) -> Result<Json<DeviceDoneDto>, Problem> {
    shared.guard.may_change(&request)?;
    Query::of(&request, &[])?;
    let said: ShowBody = body::json(&request, payload).await?;
    if said.duration_ms == 0 || said.duration_ms > SHOW_LIMIT_MS {
        return Err(Problem::unprocessable(format!("`duration_ms` is not from 1 to {SHOW_LIMIT_MS}")));
    }
    let span = Millis(said.duration_ms);
    order(&request, &shared, DeviceWish::Show { colour: body::name("colour", &said.colour)?, span }).await
}

/// Let a device walk through what it can show
#[utoipa::path(post, path = "/api/v1/devices/{id}/test", tag = "statements",
    params(("id" = String, Path, description = "The device's name.")),
    request_body = body::EmptyBody,
    responses((status = 200, description = "It has begun.", body = DeviceDoneDto)))]
pub(crate) async fn test(
    request: HttpRequest,
    payload: Payload,
    shared: Data<Shared>,
) -> Result<Json<DeviceDoneDto>, Problem> {
    shared.guard.may_change(&request)?;
    Query::of(&request, &[])?;
    let body::EmptyBody {} = body::json(&request, payload).await?;
    order(&request, &shared, DeviceWish::Test).await
}

/// Let a robot say something
#[utoipa::path(post, path = "/api/v1/devices/{id}/say", tag = "statements",
    params(("id" = String, Path, description = "The device's name.")),
    request_body = SayBody,
    responses((status = 200, description = "It has begun, or says it next.", body = DeviceDoneDto)))]
pub(crate) async fn say(
    request: HttpRequest,
    payload: Payload,
    shared: Data<Shared>,
) -> Result<Json<DeviceDoneDto>, Problem> {
    shared.guard.may_change(&request)?;
    Query::of(&request, &[])?;
    let said: SayBody = body::json(&request, payload).await?;
    if said.text.chars().count() > SAY_LIMIT {
        return Err(Problem::bad_body(format!("`text` is longer than {SAY_LIMIT} characters")));
    }
    let text: String = said.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().is_empty() {
        return Err(Problem::bad_body("`text` is empty".to_owned()));
    }
    order(&request, &shared, DeviceWish::Say { text: text.trim().to_owned() }).await
}

async fn order(
    request: &HttpRequest,
    shared: &Shared,
    wish: DeviceWish,
) -> Result<Json<DeviceDoneDto>, Problem> {
    let device = request.match_info().query("id").to_owned();
    let to = shared.parts.devices.as_ref();
    let to = to.ok_or_else(|| Problem::not_found(format!("there is no device `{device}`")))?;
    let done = answered(to.send(DeviceOrder { device, wish }), ASK_TIMEOUT).await??;
    Ok(Json(DeviceDoneDto::of(done)))
}

impl DeviceDto {
    fn of(device: &DeviceStatus) -> Self {
        let known = |text: &String| (!text.is_empty()).then(|| text.clone());
        let order = device.last_order.as_ref();
        Self {
            name: device.name.clone(),
            kind: device.kind,
            unit: known(&device.unit),
            model: known(&device.model),
            state: device.state.as_str(),
            detail: device.detail.clone(),
            since: Timestamp(device.since),
            last_order: order.map(|(words, _)| words.clone()),
            last_order_at: order.map(|(_, at)| Timestamp(*at)),
        }
    }
}

impl DeviceDoneDto {
    fn of(done: DeviceDone) -> Self {
        let step = |DeviceStep { says, lasts }| DeviceStepDto { says, duration_ms: lasts.0 };
        Self { steps: done.steps.into_iter().map(step).collect() }
    }
}
