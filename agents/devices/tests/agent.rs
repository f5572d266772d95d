//! The agent with strict sticks in software: what they show, and what happens when they come, go, hang or
//! are forbidden.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use actix::prelude::*;
use p7_blinkstick::simulated::{Simulated, Sockets};
use p7_blinkstick::{Model, Rgb};
use p7_bus::{
    AskError, Configured, DeviceOrder, DeviceState, DeviceStatus, DeviceWish, DevicesNoted, Heard,
    NetworkNoted,
};
use p7_core::service::{Rules, Service, VantagePoints};
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{Interval, Level, MeshTime, Millis, ServiceId};
use p7_devices::{Config, Connect, Devices, Listeners, Parts, Stop};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const GREEN: Rgb = Rgb::new(0, 0x80, 0);
const RED: Rgb = Rgb::new(255, 0, 0);
const ORANGE: Rgb = Rgb::new(255, 0xa5, 0);

/// A desk with its agent; nothing of it moves by itself.
struct Office {
    sockets: Sockets,
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

fn clock() -> MeshTime {
    MeshTime(1_777_000_000_000)
}

fn service(id: &str, environment: &str) -> Arc<Service> {
    Arc::new(Service {
        id: ServiceId::new(id).unwrap(),
        name: id.to_owned(),
        environment: environment.to_owned(),
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

impl Office {
    async fn open(toml: &str, sockets: &Sockets) -> Self {
        Self::at(clock, toml, sockets).await
    }

    async fn at(clock: fn() -> MeshTime, toml: &str, sockets: &Sockets) -> Self {
        let config: Config = toml::from_str(toml).unwrap();
        let parts = Parts { clock, sticks: Arc::new(sockets.clone()) };
        let registry = prometheus::Registry::new();
        let agent = Devices::new(config, parts, &registry).unwrap().start();
        let told = Arc::new(Mutex::new(Vec::new()));
        let recorder = Recorder(Arc::clone(&told)).start();
        let listeners = Listeners { devices: vec![recorder.recipient()] };
        agent.send(Connect(listeners)).await.unwrap();
        let services = vec![service("a", "production"), service("b", "staging")];
        agent.send(Configured(Arc::new(services))).await.unwrap();
        Self { sockets: sockets.clone(), agent, registry, told }
    }

    async fn level(&self, id: &str, level: Level) {
        let mut status = ServiceStatus::pending(ServiceId::new(id).unwrap());
        status.level = level;
        self.agent.send(Heard { status: Arc::new(status), result: None }).await.unwrap();
    }

    async fn all(&self, level: Level) {
        self.level("a", level).await;
        self.level("b", level).await;
    }

    fn state(&self) -> Option<DeviceState> {
        self.told.lock().unwrap().first().map(|device| device.state)
    }

    async fn order(&self, wish: DeviceWish) -> Result<p7_bus::DeviceDone, AskError> {
        self.agent.send(DeviceOrder { device: "desk".to_owned(), wish }).await.unwrap()
    }

    fn up(&self) -> i64 {
        let families = self.registry.gather();
        let up = families.iter().find(|family| family.name() == "p7_device_up");
        up.map_or(-1, |family| {
            #[expect(clippy::cast_possible_truncation, reason = "it is 0 or 1")]
            let value = family.get_metric()[0].get_gauge().get_value() as i64;
            value
        })
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "in vain: {what}");
        actix_rt::time::sleep(Duration::from_millis(2)).await;
    }
}

const CALM: &str = "[desk.blinkstick]\nactivity = 'calm'\n";

#[actix::test]
async fn a_level_is_shown_and_only_what_changed_is_sent() {
    let (sockets, stick) = (Sockets::default(), Simulated::in_real_time(Model::Nano));
    sockets.plug("/dev/hidraw0", "BS000001-3.0", &stick);
    let office = Office::open(CALM, &sockets).await;
    office.all(Level::Healthy).await;
    until("all clear", || stick.colours(2) == [GREEN, GREEN]).await;
    until("told", || office.state() == Some(DeviceState::Up)).await;
    let sent = stick.state().arrived.len();
    office.level("a", Level::Partial).await;
    office.level("a", Level::Healthy).await;
    office.level("b", Level::Incident).await;
    until("an incident", || stick.colours(2) == [ORANGE, ORANGE]).await;
    assert_eq!(office.up(), 1);
    // the picture that stays is sent again now and then
    assert!(stick.state().arrived.len() <= sent + 2, "{:?}", stick.reports());
    assert_eq!(stick.state().faults, Vec::<String>::new());
}

#[actix::test]
async fn a_light_shows_its_own_services_only() {
    let sockets = Sockets::default();
    let (staging, production) = (Simulated::in_real_time(Model::Nano), Simulated::in_real_time(Model::Flex));
    sockets.plug("/dev/hidraw0", "BS000001-3.0", &staging);
    sockets.plug("/dev/hidraw1", "BS000002-3.0", &production);
    let toml = "[desk.blinkstick]\nactivity = 'calm'\nenvironments = ['staging']\n\
                [team.blinkstick]\nserial = 'bs000002-3.0'\nactivity = 'calm'\nservices = ['a']\n";
    let office = Office::open(toml, &sockets).await;
    office.level("a", Level::Down).await;
    office.level("b", Level::Healthy).await;
    until("a team's light", || production.colours(32) == [RED; 32]).await;
    until("the other's", || staging.colours(2) == [GREEN, GREEN]).await;
    assert_eq!((production.state().faults.len(), staging.state().faults.len()), (0, 0));
}

#[actix::test]
async fn a_stick_that_is_replugged_shows_the_last_picture_again() {
    let (sockets, stick) = (Sockets::default(), Simulated::in_real_time(Model::Nano));
    let office = Office::open(CALM, &sockets).await;
    until("missing", || office.state() == Some(DeviceState::Missing)).await;
    office.all(Level::Down).await;
    sockets.plug("/dev/hidraw0", "BS000001-3.0", &stick);
    until("plugged in", || stick.colours(2) == [RED, RED]).await;
    // told after it is shown; else the `missing` of before would pass for the next one
    until("up at first", || office.state() == Some(DeviceState::Up) && office.up() == 1).await;
    sockets.unplug("/dev/hidraw0");
    until("missing again", || office.state() == Some(DeviceState::Missing) && office.up() == 0).await;
    let refused = office.order(DeviceWish::Test).await.unwrap_err().to_string();
    assert!(refused.contains("no BlinkStick") || refused.contains("unplugged"), "{refused}");
    let other = Simulated::in_real_time(Model::Square);
    sockets.plug("/dev/hidraw3", "BS000009-3.0", &other);
    until("another, elsewhere", || other.colours(8) == [RED; 8]).await;
    until("up", || office.up() == 1).await;
}

#[actix::test]
async fn a_stick_that_may_not_be_opened_is_explained_with_the_udev_rule() {
    let (sockets, stick) = (Sockets::default(), Simulated::in_real_time(Model::Nano));
    sockets.plug("/dev/hidraw0", "BS000001-3.0", &stick);
    sockets.deny("/dev/hidraw0", true);
    let office = Office::open(CALM, &sockets).await;
    office.all(Level::Healthy).await;
    until("denied", || office.state() == Some(DeviceState::Denied)).await;
    let detail = office.told.lock().unwrap()[0].detail.clone().unwrap();
    assert!(detail.contains("p7 device udev") && detail.contains("/dev/hidraw0"), "{detail}");
    let refused = office.order(DeviceWish::Test).await.unwrap_err().to_string();
    assert!(refused.contains("p7 device udev"), "{refused}");
    sockets.deny("/dev/hidraw0", false);
    until("allowed", || stick.colours(2) == [GREEN, GREEN]).await;
    until("up", || office.state() == Some(DeviceState::Up)).await;
}

#[actix::test]
async fn a_stick_that_hangs_delays_no_other_and_nobody_else() {
    let sockets = Sockets::default();
    let (hanging, well) = (Simulated::in_real_time(Model::Nano), Simulated::in_real_time(Model::Nano));
    sockets.plug("/dev/hidraw0", "BS000001-3.0", &hanging);
    sockets.plug("/dev/hidraw1", "BS000002-3.0", &well);
    let office = Office::open(CALM, &sockets).await;
    office.all(Level::Healthy).await;
    until("both", || [&hanging, &well].iter().all(|stick| stick.colours(2) == [GREEN, GREEN])).await;
    hanging.state().hangs = Some(Duration::from_secs(3));
    // any number of changes: each is taken at once, and the last is what the other stick shows
    for turn in 0..200 {
        office.level("a", if turn % 2 == 0 { Level::Incident } else { Level::Healthy }).await;
    }
    office.level("a", Level::Down).await;
    until("the other", || well.colours(2) == [RED, RED]).await;
    let said = || office.told.lock().unwrap().iter().map(|device| device.state).collect::<Vec<_>>();
    until("said", || said() == [DeviceState::Trouble, DeviceState::Up]).await;
    hanging.state().hangs = None;
    until("well again", || hanging.colours(2) == [RED, RED]).await;
    until("said, too", || said() == [DeviceState::Up, DeviceState::Up]).await;
}

#[actix::test]
async fn an_order_shows_its_colour_for_a_while_and_then_the_level_again() {
    let (sockets, stick) = (Sockets::default(), Simulated::in_real_time(Model::Strip));
    sockets.plug("/dev/hidraw0", "BS000001-3.0", &stick);
    let office = Office::open("[desk.blinkstick]\nactivity = 'calm'\nbrightness = 50\n", &sockets).await;
    office.all(Level::Down).await;
    let red = Rgb::new(127, 0, 0);
    until("red", || stick.colours(8) == [red; 8]).await;
    until("up", || office.state() == Some(DeviceState::Up)).await;
    let show = |colour: &str, ms| DeviceWish::Show { colour: colour.to_owned(), span: Millis(ms) };
    let done = office.order(show("Blue", 1_000)).await.unwrap();
    assert_eq!((done.steps.len(), done.steps[0].says.as_str()), (1, "blue"));
    assert_eq!(stick.colours(8), [Rgb::new(0, 0, 127); 8]);
    until("red again", || stick.colours(8) == [red; 8]).await;
    let refused = office.order(show("blau", 1_000)).await.unwrap_err().to_string();
    assert!(refused.contains("`blau` is no colour"), "{refused}");
    let nobody = DeviceOrder { device: "shelf".to_owned(), wish: DeviceWish::Test };
    let refused = office.agent.send(nobody).await.unwrap().unwrap_err();
    assert_eq!(refused.to_string(), "there is no device `shelf`");
    let walk = office.order(DeviceWish::Test).await.unwrap();
    assert!(walk.steps.len() > 10 && walk.steps[0].says == "every LED red", "{walk:?}");
    assert_eq!(stick.state().faults, Vec::<String>::new());
    assert_eq!(office.told.lock().unwrap()[0].last_order.as_ref().unwrap().0, "test");
}

#[actix::test]
async fn at_the_end_it_is_off_or_shows_that_nothing_is_known() {
    for (at_end, expected) in [("off", Rgb::BLACK), ("unknown", Rgb::new(0x80, 0x80, 0x80))] {
        let (sockets, stick) = (Sockets::default(), Simulated::in_real_time(Model::Nano));
        sockets.plug("/dev/hidraw0", "BS000001-3.0", &stick);
        let office = Office::open(&format!("{CALM}at_end = '{at_end}'\n"), &sockets).await;
        office.all(Level::Down).await;
        until("red", || stick.colours(2) == [RED, RED]).await;
        office.agent.send(Stop(PATIENCE)).await.unwrap();
        assert_eq!(stick.colours(2), [expected; 2]);
        drop(office.sockets);
    }
}

#[actix::test]
async fn a_machine_without_network_is_white() {
    let (sockets, stick) = (Sockets::default(), Simulated::in_real_time(Model::First));
    sockets.plug("/dev/hidraw0", "BS000001-1.3", &stick);
    let office = Office::open(CALM, &sockets).await;
    office.all(Level::Down).await;
    until("red", || stick.colours(1) == [RED]).await;
    let cut_off = NetworkNoted { cut_off: Some("no route".to_owned()), since: clock() };
    office.agent.send(cut_off).await.unwrap();
    until("white", || stick.colours(1) == [Rgb::new(255, 255, 255)]).await;
}

/// Prints what the issue asks for; a loaded machine may take longer, so nothing is asserted but an end.
#[actix::test]
async fn how_long_from_a_change_to_the_bytes() {
    let (sockets, stick) = (Sockets::default(), Simulated::in_real_time(Model::Nano));
    sockets.plug("/dev/hidraw0", "BS000001-3.0", &stick);
    let office = Office::open(CALM, &sockets).await;
    office.all(Level::Healthy).await;
    until("all clear", || stick.colours(2) == [GREEN, GREEN]).await;
    let mut took = Vec::new();
    for turn in 0..50 {
        let (level, colour) = if turn % 2 == 0 { (Level::Down, RED) } else { (Level::Healthy, GREEN) };
        let begun = Instant::now();
        office.level("a", level).await;
        until("shown", || stick.colours(2) == [colour, colour]).await;
        took.push(begun.elapsed());
        actix_rt::time::sleep(Duration::from_millis(25)).await;
    }
    took.sort_unstable();
    println!("from a level's change to the bytes: median {:?}, longest {:?}", took[25], took[49]);
    assert_eq!(stick.state().faults, Vec::<String>::new());
}

/// A measurement, run by hand: `P7_SECONDS=60 cargo nextest run -p p7-devices --run-ignored only --no-capture idle`.
#[actix::test]
#[ignore = "takes as long as it is told to"]
async fn what_an_idle_stick_costs() {
    let seconds = std::env::var("P7_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let (sockets, stick) = (Sockets::default(), Simulated::in_real_time(Model::Nano));
    sockets.plug("/dev/hidraw0", "BS000001-3.0", &stick);
    let clock = || {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        MeshTime(u64::try_from(now.as_millis()).unwrap())
    };
    let office = Office::at(clock, "[desk.blinkstick]\n", &sockets).await;
    office.all(Level::Healthy).await;
    until("up", || office.state() == Some(DeviceState::Up)).await;
    let (before, began) = (process_cpu(), Instant::now());
    actix_rt::time::sleep(Duration::from_secs(seconds)).await;
    let cost = process_cpu().saturating_sub(before).as_secs_f64() / began.elapsed().as_secs_f64();
    println!("{seconds} s idle: {:.3} % of a core, without the kernel's part", cost * 100.0);
    assert!(stick.state().arrived.len() as u64 > seconds / 2, "it blinks");
    // looking for sticks, which is done every 1.5 s, asks the kernel and not the stick
    let (began, looks) = (Instant::now(), 200);
    for _ in 0..looks {
        p7_blinkstick::port::Finder::find(&p7_blinkstick::hid::Hid).unwrap();
    }
    println!("a look for sticks takes {:?}", began.elapsed() / looks);
}

/// Processor time of this process, all its threads.
fn process_cpu() -> Duration {
    let mut nanos = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let text = std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap_or_default();
        nanos += text.split(' ').next().and_then(|first| first.parse::<u64>().ok()).unwrap_or_default();
    }
    Duration::from_nanos(nanos)
}
