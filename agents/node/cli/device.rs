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
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long a node of this machine may take to accept a connection before it counts as not running.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// Longest detail that stands in the table, in characters; a longer one stands below it in full, since it says
/// what to do.
const DETAIL_LIMIT: usize = 30;
/// The name that stands for every stick.
const ALL: &str = "all";

const DEVICES: [Column; 6] = [
    Column { title: "NAME", side: Side::Left, least: 32, gives_way: 0 },
    Column { title: "KIND", side: Side::Left, least: 10, gives_way: 3 },
    Column { title: "STATE", side: Side::Left, least: 8, gives_way: 0 },
    Column { title: "UNIT", side: Side::Left, least: 12, gives_way: 1 },
    Column { title: "MODEL", side: Side::Left, least: 6, gives_way: 2 },
    Column { title: "DETAIL", side: Side::Left, least: DETAIL_LIMIT, gives_way: 0 },
];

#[derive(Debug, Deserialize)]
struct Device {
    name: String,
    kind: String,
    state: String,
    unit: Option<String>,
    model: Option<String>,
    detail: Option<String>,
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
    let values = if nobody_runs_here(&args.node) { plugged()? } else { asked(&args.node).await? };
    if args.form.json {
        out::print_json(&values)?;
    } else {
        let devices: Vec<Device> = values.iter().map(view::read).collect::<Result<_, _>>()?;
        out::print(&listed(&devices, Screen::of_stdout()))?;
    }
    Ok(Answer::Fine)
}

async fn asked(node: &args::Node) -> Result<Vec<Value>, Failure> {
    let mut answer: Value = Client::new(node)?.get(&["devices"], &[]).await?;
    let items = answer.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take);
    Ok(items.unwrap_or_default())
}

fn listed(devices: &[Device], screen: Screen) -> String {
    if devices.is_empty() {
        return "no devices; [devices.NAME] of node.toml says what stands on the desk\n".to_owned();
    }
    let row = |device: &Device| {
        let tone = match device.state.as_str() {
            "up" | "plugged in" => Tone::Good,
            "starting" => Tone::Note,
            _ => Tone::Bad,
        };
        vec![
            Cell::new(Tone::Strong, &device.name),
            Cell::plain(&device.kind),
            Cell::new(tone, &device.state),
            Cell::plain(device.unit.as_deref().unwrap_or_default()),
            Cell::plain(device.model.as_deref().unwrap_or_default()),
            Cell::plain(device.detail.as_deref().filter(|detail| !is_long(detail)).unwrap_or_default()),
        ]
    };
    let mut text = table(&DEVICES, &devices.iter().map(row).collect::<Vec<_>>(), screen);
    for device in devices {
        if let Some(detail) = device.detail.as_deref().filter(|detail| is_long(detail)) {
            let unit = device.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default();
            text.push_str(&format!("{}{}: {}\n", clean(&device.name), clean(&unit), clean(detail)));
        }
    }
    text
}

fn is_long(detail: &str) -> bool {
    detail.chars().count() > DETAIL_LIMIT
}

async fn test(args: &args::DeviceTest) -> Result<Answer, Failure> {
    if nobody_runs_here(&args.node) {
        return drive(&args.name, &walk(&Colours::default()), End::Dark);
    }
    let path = ["devices", args.name.as_str(), "test"];
    let done: Done = Client::new(&args.node)?.post(&path, &json!({})).await?;
    for step in done.steps {
        out::print(&format!("{}\n", clean(&step.says)))?;
        tokio::time::sleep(Duration::from_millis(step.duration_ms)).await;
    }
    Ok(Answer::Fine)
}

/// Answers `p7 say`.
pub(crate) async fn say(args: &args::Say) -> Result<Answer, Failure> {
    let name = match &args.device {
        Some(name) => name.clone(),
        None => only_robot(asked(&args.node).await?.iter())?,
    };
    let path = ["devices", name.as_str(), "say"];
    let body = json!({ "text": args.text.join(" ") });
    let done: Done = Client::new(&args.node)?.post(&path, &body).await?;
    for step in done.steps {
        out::print(&format!("{}: {}\n", clean(&name), clean(&step.says)))?;
    }
    Ok(Answer::Fine)
}

/// The one robot among these devices.
fn only_robot<'a>(devices: impl Iterator<Item = &'a Value>) -> Result<String, Failure> {
    let all: Vec<Device> = devices.map(view::read).collect::<Result<_, _>>()?;
    let robots: Vec<&str> =
        all.iter().filter(|device| device.kind == "cozmo").map(|device| device.name.as_str()).collect();
    match robots.as_slice() {
        [] => {
            Err(Failure::NotSo("there is no robot; [devices.NAME.cozmo] of node.toml names one".to_owned()))
        }
        [name] => Ok((*name).to_owned()),
        several => Err(Failure::Use(format!(
            "there are several robots; add --device: {}",
            clean(&several.join(", "))
        ))),
    }
}

async fn set(args: &args::DeviceSet) -> Result<Answer, Failure> {
    let colour: Rgb =
        args.colour.parse().map_err(|bad: p7_blinkstick::BadColour| Failure::Use(bad.to_string()))?;
    let span = Millis::seconds(u64::from(args.seconds));
    if nobody_runs_here(&args.node) {
        return drive(&args.name, &[Step::show(colour, Millis(0))], End::Lit);
    }
    let body = json!({ "colour": colour.to_string(), "duration_ms": span.0 });
    let path = ["devices", args.name.as_str(), "show"];
    let done: Done = Client::new(&args.node)?.post(&path, &body).await?;
    for step in done.steps {
        out::print(&format!("{} shows {} for {} s\n", clean(&args.name), clean(&step.says), args.seconds))?;
    }
    Ok(Answer::Fine)
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
mod tests {
    use super::*;

    #[test]
    fn devices_are_listed_with_what_is_wrong() {
        let line = |name: &str, state: &str, detail: Option<&str>| {
            json!({ "name": name, "kind": "blinkstick", "state": state, "unit": "BS1-3.0", "model": "Nano",
                    "detail": detail, "since": "2026-01-01T00:00:00.000Z" })
        };
        let long = "no permission to open /dev/hidraw0; `p7 device udev` prints the rule";
        let values = [
            line("desk", "up", None),
            line("shelf", "denied", Some("no permission")),
            line("wall", "denied", Some(long)),
        ];
        let devices: Vec<Device> = values.iter().map(|value| view::read(value).unwrap()).collect();
        let text = listed(&devices, Screen { width: 80, ink: out::Ink::Plain });
        let expected = "NAME   KIND        STATE   UNIT     MODEL  DETAIL\n\
                        desk   blinkstick  up      BS1-3.0  Nano\n\
                        shelf  blinkstick  denied  BS1-3.0  Nano   no permission\n\
                        wall   blinkstick  denied  BS1-3.0  Nano\n\
                        wall BS1-3.0: no permission to open /dev/hidraw0; `p7 device udev` prints the rule\n";
        assert_eq!(text, expected);
        assert!(listed(&[], Screen { width: 100, ink: out::Ink::Plain }).contains("[devices.NAME]"));
    }

    #[test]
    fn the_only_robot_needs_no_name() {
        let line = |name: &str, kind: &str| json!({ "name": name, "kind": kind, "state": "up" });
        let (desk, one, two) = (line("desk", "blinkstick"), line("a", "cozmo"), line("b", "cozmo"));
        assert_eq!(only_robot([&desk, &one].into_iter()).unwrap(), "a");
        assert!(matches!(only_robot([&desk].into_iter()), Err(Failure::NotSo(_))));
        assert!(
            matches!(only_robot([&one, &two].into_iter()), Err(Failure::Use(why)) if why.contains("a, b"))
        );
    }

    #[test]
    fn only_a_node_of_this_machine_is_passed_over() {
        let at = |url: String| args::Node { url, token: None };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!nobody_runs_here(&at(format!("http://127.0.0.1:{port}"))));
        drop(listener);
        assert!(nobody_runs_here(&at(format!("http://127.0.0.1:{port}"))));
        assert!(!nobody_runs_here(&at("http://192.0.2.1:1".to_owned())));
        assert!(!nobody_runs_here(&at("nonsense".to_owned())));
    }
}
