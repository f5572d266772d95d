//! The agent with a strict simulated robot on a loopback socket: what it is shown and says, and how it is told of.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[expect(dead_code, reason = "the robot crate's tests use all of it")]
#[path = "../../../src/cozmo/tests/it/simulated.rs"]
mod simulated;

use actix::prelude::*;
use p7_blinkstick::simulated::Sockets;
use p7_bus::{
    AskError, CommandFault, CommandHeard, Configured, DeviceDone, DeviceOrder, DeviceState, DeviceStatus,
    DeviceWish, DevicesNoted, Heard,
};
use p7_core::service::{Rules, Service, VantagePoints};
use p7_core::status::{CycleSummary, ServiceStatus, Verdict};
use p7_core::vocabulary::{Cycle, Interval, Level, MeshTime, Millis, Outcome, ServiceId};
use p7_devices::{Config, Connect, Devices, Listeners, Parts, Stop};
use simulated::{SimulatedRobot, TICK};
use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
const RED: u16 = 0x7C00;
const GREEN: u16 = 0x03E0;

/// A shelf with its robot and its agent.
struct Shelf {
    robot: Arc<Mutex<SimulatedRobot>>,
    ended: Arc<AtomicBool>,
    agent: Addr<Devices>,
    registry: prometheus::Registry,
    told: Arc<Mutex<Vec<DeviceStatus>>>,
}

struct Recorder(Arc<Mutex<Vec<DeviceStatus>>>);

impl Actor for Recorder {
    type Context = Context<Self>;
}

impl Handler<DevicesNoted> for Recorder {
    type Result = ();

    fn handle(&mut self, DevicesNoted(devices): DevicesNoted, _: &mut Self::Context) {
        *self.0.lock().unwrap() = devices.to_vec();
    }
}

/// Half a minute after a cycle's beginning, for ever: nothing is blue.
fn clock() -> MeshTime {
    MeshTime(1_777_000_050_000)
}

/// A robot with a thread of its own, until `ended`.
fn place(robot: &Arc<Mutex<SimulatedRobot>>, ended: &Arc<AtomicBool>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let (robot, ended) = (Arc::clone(robot), Arc::clone(ended));
    std::thread::spawn(move || {
        let (epoch, mut buffer, mut next) = (Instant::now(), [0; 2048], Instant::now());
        while !ended.load(Ordering::Relaxed) {
            let rest = next.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            socket.set_read_timeout(Some(rest)).unwrap();
            if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                robot.lock().unwrap().receive(from.port(), &buffer[..length], epoch.elapsed());
            }
            if Instant::now() >= next {
                next += TICK;
                let frame = robot.lock().unwrap().tick(epoch.elapsed());
                if let Some((port, frame)) = frame {
                    socket.send_to(&frame, ("127.0.0.1", port)).ok();
                }
            }
        }
    });
    address
}

fn google() -> Arc<Service> {
    Arc::new(Service {
        id: ServiceId::new("google").unwrap(),
        name: "Google".to_owned(),
        environment: "public".to_owned(),
        kind: "tcp".to_owned(),
        target: "h:1".to_owned(),
        interval: Interval::new(Millis(60_000)),
        timeout: Millis(1_000),
        retries: 0,
        retry_delay: Millis(0),
        rules: Rules::default(),
        vantage_points: VantagePoints::All,
        vantage_labels: BTreeMap::new(),
        description: None,
        runbook: None,
        link: None,
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
        maintenance: Vec::new(),
    })
}

impl Shelf {
    async fn open(keys: &str) -> Self {
        let shelf = Self::placed(keys).await;
        until("connected", || shelf.status().is_some_and(|status| status.state == DeviceState::Up)).await;
        shelf
    }

    /// Whatever becomes of it.
    async fn placed(keys: &str) -> Self {
        let (robot, ended) = (Arc::new(Mutex::new(SimulatedRobot::new())), Arc::default());
        let address = place(&robot, &ended);
        let config: Config =
            toml::from_str(&format!("[shelf.cozmo]\naddress = '{address}'\n{keys}\n")).unwrap();
        let parts = Parts { clock, sticks: Arc::new(Sockets::default()) };
        let registry = prometheus::Registry::new();
        let agent = Devices::new(config, parts, &registry).unwrap().start();
        let told = Arc::new(Mutex::new(Vec::new()));
        let recorder = Recorder(Arc::clone(&told)).start();
        agent.send(Connect(Listeners { devices: vec![recorder.recipient()] })).await.unwrap();
        agent.send(Configured(Arc::new(vec![google()]))).await.unwrap();
        Self { robot, ended, agent, registry, told }
    }

    /// Waits until half a second passes without a sound.
    async fn silence(&self) {
        let heard = || self.robot.lock().unwrap().pcm.len();
        let end = Instant::now() + PATIENCE;
        loop {
            let before = heard();
            actix_rt::time::sleep(Duration::from_millis(500)).await;
            if heard() == before {
                return;
            }
            assert!(Instant::now() < end, "it speaks and speaks");
        }
    }

    /// Google's level, as three of five vantage points see it.
    async fn level(&self, level: Level) {
        let mut status = ServiceStatus::pending(ServiceId::new("google").unwrap());
        status.level = level;
        let cycle = Cycle::at(clock(), Interval::new(Millis(60_000)));
        let (verdict, outcome) = (Some(Verdict::Failed), Some(Outcome::Failed));
        status.cycles.push(CycleSummary { cycle, verdict, outcome, failed: 3, voting: 5, latency: None });
        self.agent.send(Heard { status: Arc::new(status), result: None }).await.unwrap();
    }

    fn status(&self) -> Option<DeviceStatus> {
        self.told.lock().unwrap().first().cloned()
    }

    async fn order(&self, wish: DeviceWish) -> Result<DeviceDone, AskError> {
        self.agent.send(DeviceOrder { device: "shelf".to_owned(), wish }).await.unwrap()
    }

    fn is_lit(&self, colour: u16) -> bool {
        let robot = self.robot.lock().unwrap();
        let last = robot.commands.iter().rfind(|command| command[0] == 0x03);
        last.is_some_and(|lights| lights.windows(2).any(|pair| pair == colour.to_le_bytes()))
    }

    fn gauge(&self, name: &str) -> Option<f64> {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name)?;
        Some(family.get_metric().first()?.get_gauge().get_value())
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "in vain: {what}");
        actix_rt::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix::test]
async fn a_level_is_lit_and_spoken_and_the_robot_says_goodbye() {
    let shelf = Shelf::open("").await;
    shelf.level(Level::Healthy).await;
    until("all clear", || shelf.is_lit(GREEN)).await;
    shelf.level(Level::Down).await;
    until("down", || shelf.is_lit(RED)).await;
    until("spoken", || !shelf.robot.lock().unwrap().pcm.is_empty()).await;
    until("the face", || !shelf.robot.lock().unwrap().pictures.is_empty()).await;
    let begun = Instant::now();
    shelf.agent.send(Stop(PATIENCE)).await.unwrap();
    println!("goodbye took {:?}", begun.elapsed());
    until("goodbye", || shelf.robot.lock().unwrap().goodbyes == 1).await;
    assert_eq!(shelf.robot.lock().unwrap().faults, [""; 0]);
    let refused = shelf.order(DeviceWish::Test).await.unwrap_err().to_string();
    assert!(refused.contains("not driven any more"), "{refused}");
}

#[actix::test]
async fn battery_and_charger_are_told() {
    let shelf = Shelf::open("").await;
    until("the battery", || shelf.gauge("p7_device_battery_volts").is_some_and(|v| (v - 4.1).abs() < 0.06))
        .await;
    until("off the charger", || shelf.gauge("p7_device_on_charger") == Some(0.0)).await;
    shelf.robot.lock().unwrap().status = 0x3310;
    let detail = || shelf.status().and_then(|status| status.detail).unwrap_or_default();
    until("charging", || detail() == "battery 4.10 V; charging").await;
    until("on the charger", || shelf.gauge("p7_device_on_charger") == Some(1.0)).await;
    let status = shelf.status().unwrap();
    assert_eq!((status.kind, status.model.as_str()), ("cozmo", "firmware 2457"));
    assert_eq!(shelf.gauge("p7_device_up"), Some(1.0));
}

#[actix::test]
async fn it_says_what_it_is_told_and_nothing_else() {
    let shelf = Shelf::open("").await;
    let done = shelf.order(DeviceWish::Say { text: "Lunch is ready.".to_owned() }).await.unwrap();
    assert!(done.steps[0].says.ends_with("says: Lunch is ready."), "{done:?}");
    until("sound", || !shelf.robot.lock().unwrap().pcm.is_empty()).await;
    let order = || shelf.status().and_then(|status| status.last_order).map(|(words, _)| words);
    until("the order", || order().as_deref() == Some("say Lunch is ready.")).await;
    let show = DeviceWish::Show { colour: "red".to_owned(), span: Millis(1_000) };
    let refused = shelf.order(show).await.unwrap_err().to_string();
    assert!(refused.contains("is a robot"), "{refused}");
    let done = shelf.order(DeviceWish::Test).await.unwrap();
    assert!(done.steps.len() == 4 && done.steps[0].says.contains("red, orange"), "{done:?}");
    assert_eq!(shelf.robot.lock().unwrap().faults, [""; 0]);
}

#[actix::test]
async fn another_node_gives_orders_as_this_one_does() {
    let shelf = Shelf::open("").await;
    let from = p7_core::vocabulary::NodeId::new("lima").unwrap();
    let ask = |text: &str| shelf.agent.send(CommandHeard { from: from.clone(), text: text.to_owned() });
    let order = |device: &str, wish| DeviceOrder { device: device.to_owned(), wish }.to_text();
    let say = |text: &str| DeviceWish::Say { text: text.to_owned() };
    let done = ask(&order("shelf", say("hello"))).await.unwrap().unwrap();
    let done = DeviceDone::of_text(&done).unwrap();
    assert!(done.steps[0].says.ends_with("says: hello"), "{done:?}");
    let missing = ask(&order("lamp", DeviceWish::Test)).await.unwrap();
    assert_eq!(missing, Err(CommandFault::NotFound("there is no device `lamp`".to_owned())));
    let show = DeviceWish::Show { colour: "red".to_owned(), span: Millis(1_000) };
    assert!(matches!(ask(&order("shelf", show)).await.unwrap(), Err(CommandFault::Conflict(_))));
    let long = say(&"x".repeat(p7_bus::SAY_LIMIT + 1));
    assert!(matches!(ask(&order("shelf", long)).await.unwrap(), Err(CommandFault::Invalid(_))));
    assert!(matches!(ask("nonsense").await.unwrap(), Err(CommandFault::Invalid(_))));
}

#[actix::test]
async fn a_voice_that_does_not_work_is_told_with_the_reason() {
    let shelf = Shelf::placed("voice = 'mb-en1'").await;
    let told = || shelf.status().map(|status| (status.state, status.detail.unwrap_or_default()));
    until("told", || {
        told().is_some_and(|(state, detail)| {
            state == DeviceState::Trouble && detail.contains("is `mb-en1` one of its voices?")
        })
    })
    .await;
}

/// A measurement, run by hand: `cargo nextest run -p p7-devices --run-ignored only --no-capture sentence`.
#[actix::test]
#[ignore = "it waits until each sentence is spoken"]
async fn how_long_from_a_change_to_the_sentence() {
    let shelf = Shelf::open("").await;
    let mut took = Vec::new();
    for turn in 0..6 {
        let heard = || shelf.robot.lock().unwrap().pcm.len();
        let before = heard();
        let begun = Instant::now();
        shelf.level(if turn % 2 == 0 { Level::Down } else { Level::Healthy }).await;
        until("a sentence", || heard() > before).await;
        took.push(begun.elapsed());
        shelf.silence().await;
    }
    took.sort_unstable();
    println!(
        "from a level's change to a sentence's first sound: median {:?}, longest {:?}",
        took[3], took[5]
    );
    assert_eq!(shelf.robot.lock().unwrap().faults, [""; 0]);
}

#[actix::test]
async fn quiet_hours_are_the_reason() {
    // the clock stands at 03:07 in UTC
    let shelf = Shelf::open("quiet_hours = '03:00-04:00'").await;
    let refused = shelf.order(DeviceWish::Say { text: "hello".to_owned() }).await.unwrap_err().to_string();
    assert!(refused.contains("quiet hours until 04:00"), "{refused}");
    until("counted", || p7_bus::dropped().get("cozmo_sentences").is_some_and(|n| *n > 0)).await;
}
