//! `p7 devices` and `p7 device`: what stands on the desk, through the running node, or directly where none
//! runs on this machine.

use super::args::{self, DeviceAction};
use super::client::Client;
use super::fault::{Answer, Failure};
use super::out::{self, Screen, Tone, clean};
use super::table::{Cell, Column, Side, table};
use super::view;
use p7_blinkstick::hid::Hid;
use p7_blinkstick::picture::Colours;
use p7_blinkstick::port::{Finder, Found, OpenError};
use p7_blinkstick::walk::{Step, walk};
use p7_blinkstick::{Rgb, Stick, UDEV_RULES};
use p7_core::vocabulary::Millis;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long a node of this machine may take to accept a connection before it counts as not running.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// Longest that an order to a device may take: that of another node's is given up there within 9 s.
const DONE_WITHIN: Duration = Duration::from_secs(20);
/// Longest detail that stands in the table, in characters; a longer one stands below it in full, since it says
/// what to do.
const DETAIL_LIMIT: usize = 30;
/// The name that stands for every stick.
const ALL: &str = "all";

const DEVICES: [Column; 8] = [
    Column { title: "NODE", side: Side::Left, least: 8, gives_way: 0 },
    Column { title: "NAME", side: Side::Left, least: 32, gives_way: 0 },
    Column { title: "KIND", side: Side::Left, least: 10, gives_way: 3 },
    Column { title: "STATE", side: Side::Left, least: 8, gives_way: 0 },
    Column { title: "UNIT", side: Side::Left, least: 12, gives_way: 1 },
    Column { title: "MODEL", side: Side::Left, least: 6, gives_way: 2 },
    Column { title: "DETAIL", side: Side::Left, least: DETAIL_LIMIT, gives_way: 0 },
    Column { title: "LAST ORDER", side: Side::Left, least: 12, gives_way: 4 },
];

/// A device as the API tells of it; what is plugged in here where no node runs has no node.
#[derive(Debug, Deserialize)]
pub(super) struct Device {
    node: Option<String>,
    node_name: Option<String>,
    liveness: Option<String>,
    name: String,
    kind: String,
    state: String,
    unit: Option<String>,
    model: Option<String>,
    detail: Option<String>,
    last_order: Option<String>,
}

impl Device {
    /// A device among those of a node that is called so.
    pub(super) fn of_node(self, name: &str, liveness: &str) -> Self {
        Self { node_name: Some(name.to_owned()), liveness: Some(liveness.to_owned()), ..self }
    }

    fn is_near(&self) -> bool {
        self.liveness.as_deref().is_none_or(|liveness| matches!(liveness, "alive" | "suspect"))
    }
}

#[derive(Debug, Deserialize)]
struct Done {
    steps: Vec<DoneStep>,
}

#[derive(Debug, Deserialize)]
struct DoneStep {
    says: String,
    duration_ms: u64,
}

/// Answers `p7 device`.
pub(crate) async fn run(args: &args::Device) -> Result<Answer, Failure> {
    match &args.action {
        DeviceAction::List(args) => list(args).await,
        DeviceAction::Test(args) => test(args).await,
        DeviceAction::Set(args) => set(args).await,
        DeviceAction::Udev => {
            out::print(UDEV_RULES)?;
            Ok(Answer::Fine)
        }
    }
}

/// Answers `p7 devices` and `p7 device list`.
pub(crate) async fn list(args: &args::DeviceList) -> Result<Answer, Failure> {
    let values = if runs_nothing(&args.at) { plugged()? } else { asked(&args.at).await? };
    if args.form.json {
        out::print_json(&values)?;
    } else {
        let devices: Vec<Device> = values.iter().map(view::read).collect::<Result<_, _>>()?;
        out::print(&listed(&devices, Screen::of_stdout()))?;
    }
    Ok(Answer::Fine)
}

async fn asked(at: &args::At) -> Result<Vec<Value>, Failure> {
    let query = at.on().map(|on| ("node", on.to_owned()));
    let mut answer: Value = Client::new(&at.asked())?.get(&["devices"], query.as_slice()).await?;
    let items = answer.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take);
    Ok(items.unwrap_or_default())
}

/// Gives an order to a device, of `on` or of the node that is asked.
async fn order(at: &args::At, path: &[&str], on: Option<&str>, body: &Value) -> Result<Done, Failure> {
    let query = on.map(|on| ("node", on.to_owned()));
    Client::new(&at.asked())?.within(DONE_WITHIN).post_with(path, query.as_slice(), body).await
}

pub(super) fn listed(devices: &[Device], screen: Screen) -> String {
    if devices.is_empty() {
        return "no devices; [devices.NAME] of node.toml says what stands on the desk\n".to_owned();
    }
    let row = |device: &Device| {
        let tone = match device.state.as_str() {
            "up" | "plugged in" => Tone::Good,
            "starting" => Tone::Note,
            "unknown" => Tone::Faint,
            _ => Tone::Bad,
        };
        let (state, tone) = match device.liveness.as_deref() {
            Some("down") => ("node is down", Tone::Bad),
            Some("left") => ("node is off", Tone::Faint),
            _ => (device.state.as_str(), tone),
        };
        vec![
            Cell::plain(device.node_name.as_deref().unwrap_or_default()),
            Cell::new(Tone::Strong, &device.name),
            Cell::plain(&device.kind),
            Cell::new(tone, state),
            Cell::plain(device.unit.as_deref().unwrap_or_default()),
            Cell::plain(device.model.as_deref().unwrap_or_default()),
            Cell::plain(device.detail.as_deref().filter(|detail| !is_long(detail)).unwrap_or_default()),
            Cell::plain(device.last_order.as_deref().unwrap_or_default()),
        ]
    };
    let mut text = table(&DEVICES, &devices.iter().map(row).collect::<Vec<_>>(), screen);
    for device in devices {
        if let Some(detail) = device.detail.as_deref().filter(|detail| is_long(detail)) {
            let unit = device.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default();
            let node = device.node_name.as_deref().map(|node| format!(" on {node}")).unwrap_or_default();
            writeln!(text, "{}{}{}: {}", clean(&device.name), clean(&unit), clean(&node), clean(detail))
                .unwrap_or_default();
        }
    }
    text
}

fn is_long(detail: &str) -> bool {
    detail.chars().count() > DETAIL_LIMIT
}

async fn test(args: &args::DeviceTest) -> Result<Answer, Failure> {
    if runs_nothing(&args.at) {
        return drive(&args.name, &walk(&Colours::default()), End::Dark);
    }
    let path = ["devices", args.name.as_str(), "test"];
    let done = order(&args.at, &path, args.at.on(), &json!({})).await?;
    for step in done.steps {
        out::print(&format!("{}\n", clean(&step.says)))?;
        tokio::time::sleep(Duration::from_millis(step.duration_ms)).await;
    }
    Ok(Answer::Fine)
}

/// Answers `p7 say`.
pub(crate) async fn say(args: &args::Say) -> Result<Answer, Failure> {
    let (name, node) = match (&args.device, args.at.on()) {
        (Some(name), Some(on)) => (name.clone(), Some(on.to_owned())),
        (name, _) => robot(&asked(&args.at).await?, name.as_deref())?,
    };
    let path = ["devices", name.as_str(), "say"];
    let body = json!({ "text": args.text.join(" ") });
    let done = order(&args.at, &path, node.as_deref(), &body).await?;
    for step in done.steps {
        out::print(&format!("{}: {}\n", clean(&name), clean(&step.says)))?;
    }
    Ok(Answer::Fine)
}

/// The one robot among these devices, of this name if there is one: its name and the id of its node. One that
/// is up is preferred, then one of a node that is there.
fn robot(devices: &[Value], name: Option<&str>) -> Result<(String, Option<String>), Failure> {
    let all: Vec<Device> = devices.iter().map(view::read).collect::<Result<_, _>>()?;
    let is_meant = |robot: &&Device| robot.kind == "cozmo" && name.is_none_or(|name| robot.name == name);
    let robots: Vec<&Device> = all.iter().filter(is_meant).collect();
    let up: Vec<&Device> =
        robots.iter().copied().filter(|robot| robot.is_near() && robot.state == "up").collect();
    let near: Vec<&Device> = robots.iter().copied().filter(|robot| robot.is_near()).collect();
    let choice = [up, near, robots].into_iter().find(|some| !some.is_empty()).unwrap_or_default();
    match choice.as_slice() {
        [] => Err(Failure::NotSo(match name {
            Some(name) => format!("there is no robot `{}` in the mesh", clean(name)),
            None => "there is no robot; [devices.NAME.cozmo] of a node's node.toml names one".to_owned(),
        })),
        [one] => Ok((one.name.clone(), one.node.clone())),
        several => {
            let place = |robot: &&Device| match &robot.node_name {
                Some(node) => format!("{} on {}", clean(&robot.name), clean(node)),
                None => clean(&robot.name),
            };
            let places: Vec<String> = several.iter().map(place).collect();
            Err(Failure::Use(format!(
                "there are several robots; add --device or --node: {}",
                places.join(", ")
            )))
        }
    }
}

async fn set(args: &args::DeviceSet) -> Result<Answer, Failure> {
    let colour: Rgb =
        args.colour.parse().map_err(|bad: p7_blinkstick::BadColour| Failure::Use(bad.to_string()))?;
    let span = Millis::seconds(u64::from(args.seconds));
    if runs_nothing(&args.at) {
        return drive(&args.name, &[Step::show(colour, Millis(0))], End::Lit);
    }
    let body = json!({ "colour": colour.to_string(), "duration_ms": span.0 });
    let path = ["devices", args.name.as_str(), "show"];
    let done = order(&args.at, &path, args.at.on(), &body).await?;
    for step in done.steps {
        out::print(&format!("{} shows {} for {} s\n", clean(&args.name), clean(&step.says), args.seconds))?;
    }
    Ok(Answer::Fine)
}

/// Whether what is plugged in here is meant, and no node runs to ask.
fn runs_nothing(at: &args::At) -> bool {
    at.on().is_none() && nobody_runs_here(&at.asked())
}

/// Whether the node that would be asked is one of this machine and does not run.
fn nobody_runs_here(node: &args::Node) -> bool {
    let Ok(url) = url::Url::parse(&node.url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let Ok(addresses) = (host, url.port_or_known_default().unwrap_or(80)).to_socket_addrs() else {
        return false;
    };
    let addresses: Vec<_> = addresses.collect();
    addresses.iter().all(|address| {
        address.ip().is_loopback() && TcpStream::connect_timeout(address, CONNECT_WITHIN).is_err()
    })
}

/// How a light is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Dark,
    Lit,
}

fn found() -> Result<Vec<Found>, Failure> {
    Hid.find().map_err(|why| Failure::NotSo(format!("can't look for BlinkSticks: {why}")))
}

/// The sticks of this machine, in the API's words.
fn plugged() -> Result<Vec<Value>, Failure> {
    let devices = found()?.into_iter().map(|one| {
        let refused = Hid.open(&one).err();
        let state = match &refused {
            None => "plugged in",
            Some(OpenError::Denied(_)) => "denied",
            Some(OpenError::Failed { .. }) => "trouble",
        };
        json!({ "name": one.place, "kind": "blinkstick", "state": state, "unit": one.serial,
                "model": one.model.as_str(), "detail": refused.map(|why| why.to_string()) })
    });
    Ok(devices.collect())
}

/// Drives the sticks of this machine itself.
fn drive(name: &str, steps: &[Step], end: End) -> Result<Answer, Failure> {
    let all = found()?;
    let known: Vec<&str> = all.iter().map(|one| one.serial.as_str()).collect();
    let wanted = |one: &&Found| name == ALL || one.serial.eq_ignore_ascii_case(name);
    let chosen: Vec<&Found> = all.iter().filter(wanted).collect();
    if chosen.is_empty() {
        return Err(Failure::NotSo(format!(
            "no node runs here, and no BlinkStick `{}` is plugged in (there are: {})",
            clean(name),
            if known.is_empty() { "none".to_owned() } else { clean(&known.join(", ")) }
        )));
    }
    let failed = |why: String| Failure::NotSo(why);
    let mut sticks = Vec::new();
    for one in chosen {
        let port = Hid.open(one).map_err(|e| failed(e.to_string()))?;
        let stick = Stick::open(port, one.model).map_err(|e| failed(format!("{}: {e}", one.serial)))?;
        sticks.push(stick);
    }
    for step in steps {
        for stick in &mut sticks {
            let leds = step.leds(stick.leds());
            stick.show(&leds).map_err(|e| failed(e.to_string()))?;
        }
        out::print(&format!("{}\n", step.says))?;
        std::thread::sleep(Duration::from_millis(step.lasts.0));
    }
    if end == End::Dark {
        for stick in &mut sticks {
            stick.show(&[]).map_err(|e| failed(e.to_string()))?;
        }
    }
    Ok(Answer::Fine)
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
