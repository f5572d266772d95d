//! The devices of all nodes: how they are, and what they are to do.

use super::body;
use super::dto::{DeviceDoneDto, DeviceDto, NodeDeviceDto, Page};
use super::query::Query;
use crate::problem::Problem;
use crate::shared::{ASK_TIMEOUT, Shared, answered};
use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Payload};
use p7_bus::{
    AskError, COMMAND_WITHIN, CommandFault, CommandFor, DEVICE_COMMAND, DeviceDone, DeviceOrder, DeviceWish,
    SAY_LIMIT, SHOW_LIMIT,
};
use p7_core::mesh::view::{Liveness, MemberView};
use p7_core::vocabulary::{Millis, NodeId};
use serde::Deserialize;
use std::time::Duration;
use utoipa::ToSchema;

/// Longest name or id of a node that is looked for, in characters.
const NODE_LIMIT: usize = 128;
/// Most nodes that are named where the one that was meant is not there.
const NAMES_LIMIT: usize = 12;
/// The member tells itself when a command takes too long; it has this much longer to do so.
const GRACE: Duration = Duration::from_secs(1);

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

/// The devices of all nodes: those of the answering node first, then by the node's name
#[utoipa::path(get, path = "/api/v1/devices", tag = "node",
    params(("node" = Option<String>, Query, max_length = 128, description = "Only those of this node: its name or id.")),
    responses((status = 200, description = "All of them.", body = Page<NodeDeviceDto>)))]
pub(crate) async fn list(
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<Json<Page<NodeDeviceDto>>, Problem> {
    let query = Query::of(&request, &["node"])?;
    let only = query.short("node", NODE_LIMIT)?.map(|text| node_called(&shared, text)).transpose()?;
    let me = &shared.parts.node;
    let state = shared.board.read();
    let here = state.devices.iter().map(|device| NodeDeviceDto {
        node: me.as_str().to_owned(),
        node_name: shared.parts.node_name.clone(),
        liveness: Liveness::Alive.as_str(),
        device: DeviceDto::of_status(device),
    });
    let mut items: Vec<NodeDeviceDto> = here.collect();
    let others = state.mesh.iter().flat_map(|view| &view.members).filter(|member| member.node != *me);
    let mut others: Vec<NodeDeviceDto> =
        others.flat_map(|member| NodeDeviceDto::all(member, &state.names)).collect();
    others.sort_by(|a, b| (&a.node_name, &a.node).cmp(&(&b.node_name, &b.node)));
    items.extend(others);
    items.retain(|device| only.as_ref().is_none_or(|only| device.node == only.as_str()));
    Ok(Json(Page { items, next_cursor: None }))
}

/// Let a device show a colour for a while
#[utoipa::path(post, path = "/api/v1/devices/{id}/show", tag = "statements",
    params(("id" = String, Path, description = "The device's name."),
        ("node" = Option<String>, Query, max_length = 128,
            description = "The node it belongs to, by name or id; the answering one unless given.")),
    request_body = ShowBody,
    responses((status = 200, description = "It shows it.", body = DeviceDoneDto)))]
pub(crate) async fn show(
    request: HttpRequest,
    payload: Payload,
    shared: Data<Shared>,
) -> Result<Json<DeviceDoneDto>, Problem> {
    shared.guard.may_change(&request)?;
    let query = Query::of(&request, &["node"])?;
    let said: ShowBody = body::json(&request, payload).await?;
    if said.duration_ms == 0 || said.duration_ms > SHOW_LIMIT.0 {
        return Err(Problem::unprocessable(format!("`duration_ms` is not from 1 to {}", SHOW_LIMIT.0)));
    }
    let span = Millis(said.duration_ms);
    order(&request, &shared, &query, DeviceWish::Show { colour: body::name("colour", &said.colour)?, span })
        .await
}

/// Let a device walk through what it can show
#[utoipa::path(post, path = "/api/v1/devices/{id}/test", tag = "statements",
    params(("id" = String, Path, description = "The device's name."),
        ("node" = Option<String>, Query, max_length = 128,
            description = "The node it belongs to, by name or id; the answering one unless given.")),
    request_body = body::EmptyBody,
    responses((status = 200, description = "It has begun.", body = DeviceDoneDto)))]
pub(crate) async fn test(
    request: HttpRequest,
    payload: Payload,
    shared: Data<Shared>,
) -> Result<Json<DeviceDoneDto>, Problem> {
    shared.guard.may_change(&request)?;
    let query = Query::of(&request, &["node"])?;
    let body::EmptyBody {} = body::json(&request, payload).await?;
    order(&request, &shared, &query, DeviceWish::Test).await
}

/// Let a robot say something
#[utoipa::path(post, path = "/api/v1/devices/{id}/say", tag = "statements",
    params(("id" = String, Path, description = "The device's name."),
        ("node" = Option<String>, Query, max_length = 128,
            description = "The node it belongs to, by name or id; the answering one unless given.")),
    request_body = SayBody,
    responses((status = 200, description = "It has begun, or says it next.", body = DeviceDoneDto)))]
pub(crate) async fn say(
    request: HttpRequest,
    payload: Payload,
    shared: Data<Shared>,
) -> Result<Json<DeviceDoneDto>, Problem> {
    shared.guard.may_change(&request)?;
    let query = Query::of(&request, &["node"])?;
    let said: SayBody = body::json(&request, payload).await?;
    if said.text.chars().count() > SAY_LIMIT {
        return Err(Problem::bad_body(format!("`text` is longer than {SAY_LIMIT} characters")));
    }
    let text: String = said.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().is_empty() {
        return Err(Problem::bad_body("`text` is empty".to_owned()));
    }
    order(&request, &shared, &query, DeviceWish::Say { text: text.trim().to_owned() }).await
}

/// Brings an order to the device: of this node, or of the one that the query names.
async fn order(
    request: &HttpRequest,
    shared: &Shared,
    query: &Query,
    wish: DeviceWish,
) -> Result<Json<DeviceDoneDto>, Problem> {
    let device = request.match_info().query("id").to_owned();
    let node = query.short("node", NODE_LIMIT)?.map(|text| node_called(shared, text)).transpose()?;
    let order = DeviceOrder { device, wish };
    if let Some(node) = node.filter(|node| *node != shared.parts.node) {
        return order_elsewhere(shared, node, &order).await;
    }
    let missing = missing_here(shared, &order.device);
    let Some(to) = shared.parts.devices.as_ref() else { return Err(missing) };
    match answered(to.send(order), ASK_TIMEOUT).await? {
        Ok(done) => Ok(Json(DeviceDoneDto::of(done))),
        Err(AskError::NotFound { .. }) => Err(missing),
        Err(error) => Err(error.into()),
    }
}

async fn order_elsewhere(
    shared: &Shared,
    node: NodeId,
    order: &DeviceOrder,
) -> Result<Json<DeviceDoneDto>, Problem> {
    let to = shared.parts.commands.as_ref();
    let to = to.ok_or_else(|| Problem::unavailable("this node runs alone: it has no way to another"))?;
    let name = shared.names().of(&node);
    let command = CommandFor { node, name: DEVICE_COMMAND, text: order.to_text() };
    let done = match answered(to.send(command), COMMAND_WITHIN + GRACE).await? {
        Ok(text) => DeviceDone::of_text(&text)?,
        Err(CommandFault::NotFound(why)) => return Err(Problem::not_found(format!("{name}: {why}"))),
        Err(CommandFault::Invalid(why)) => return Err(Problem::unprocessable(format!("{name}: {why}"))),
        Err(CommandFault::Conflict(why)) => return Err(Problem::conflict(format!("{name}: {why}"))),
        // these say of themselves who it is that is away
        Err(CommandFault::Unavailable(why) | CommandFault::TimedOut(why)) => {
            return Err(Problem::unavailable(why));
        }
    };
    Ok(Json(DeviceDoneDto::of(done)))
}

/// That there is no such device here, and where there is one.
fn missing_here(shared: &Shared, device: &str) -> Problem {
    let state = shared.board.read();
    let others = state.mesh.iter().flat_map(|view| &view.members);
    let has = |member: &&MemberView| {
        let told = member.devices.as_ref();
        member.node != shared.parts.node
            && told.is_some_and(|told| told.devices.iter().any(|one| one.name == device))
    };
    let names: Vec<String> = others.filter(has).map(|member| state.names.of(&member.node)).collect();
    Problem::not_found(match names.as_slice() {
        [] => format!("there is no device `{device}`"),
        [name, ..] => format!("there is no device `{device}` here, but {name} has one: say `node={name}`"),
    })
}

fn is_here(member: &MemberView) -> bool {
    match member.liveness {
        Liveness::Alive | Liveness::Suspect => true,
        Liveness::Down | Liveness::Left => false,
    }
}

/// The node that is called so, or has this id.
fn node_called(shared: &Shared, text: &str) -> Result<NodeId, Problem> {
    if text == shared.parts.node.as_str() {
        return Ok(shared.parts.node.clone());
    }
    let state = shared.board.read();
    let Some(view) = &state.mesh else {
        if text == shared.parts.node_name {
            return Ok(shared.parts.node.clone());
        }
        let why = format!("there is no node `{text}`; {} runs alone", shared.parts.node_name);
        return Err(Problem::not_found(why));
    };
    if let Some(member) = view.members.iter().find(|member| member.node.as_str() == text) {
        return Ok(member.node.clone());
    }
    // of nodes that share a name each is also called by that and the end of its id
    let is_called =
        |member: &&MemberView| view.name_of(&member.node) == text || state.names.of(&member.node) == text;
    let called: Vec<&MemberView> = view.members.iter().filter(is_called).collect();
    let there: Vec<&MemberView> = called.iter().copied().filter(|member| is_here(member)).collect();
    match (called.as_slice(), there.as_slice()) {
        ([one], _) | (_, [one]) => Ok(one.node.clone()),
        ([], _) => {
            let mut names: Vec<String> =
                view.members.iter().map(|member| state.names.of(&member.node)).take(NAMES_LIMIT).collect();
            names.sort();
            Err(Problem::not_found(format!("there is no node `{text}`; there are: {}", names.join(", "))))
        }
        (several, _) => {
            let ids: Vec<&str> = several.iter().map(|member| member.node.as_str()).collect();
            Err(Problem::conflict(format!(
                "several nodes are called `{text}`: say which id: {}",
                ids.join(", ")
            )))
        }
    }
}
