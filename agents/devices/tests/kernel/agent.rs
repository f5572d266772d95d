//! The agent: sticks that come, go, hang and are forbidden while it runs.

use crate::usb::Unit;
use crate::usbip::Plugged;
use crate::{BLUE, GREEN, PATIENCE, RED, become_nobody, become_root, faults};
use actix::prelude::*;
use p7_blinkstick::Model;
use p7_blinkstick::hid::Hid;
use p7_bus::{
    Configured, DeviceOrder, DeviceState, DeviceStatus, DeviceWish, DevicesNoted, NetworkNoted, Snapshot,
};
use p7_core::service::{Rules, Service, VantagePoints};
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{Interval, Level, MeshTime, Millis, ServiceId};
use p7_devices::{Config, Connect, Devices, Listeners, Parts, Stop};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

type Told = Arc<Mutex<Vec<DeviceStatus>>>;

struct Recorder(Told);

impl Actor for Recorder {
    type Context = Context<Self>;
}

impl Handler<DevicesNoted> for Recorder {
    type Result = ();

    fn handle(&mut self, DevicesNoted(devices): DevicesNoted, _: &mut Self::Context) {
        *self.0.lock().unwrap() = devices.to_vec();
    }
}

fn service(id: &str) -> Arc<Service> {
    Arc::new(Service {
        id: ServiceId::new(id).unwrap(),
        name: id.to_owned(),
        environment: "office".to_owned(),
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

/// A node's agent, with one service.
struct Office {
    agent: Addr<Devices>,
    told: Told,
}

impl Office {
    async fn open() -> Self {
        let config: Config = toml::from_str("[desk.blinkstick]\nactivity = 'calm'\n").unwrap();
        let parts = Parts { clock: || MeshTime(1_777_000_000_000), sticks: Arc::new(Hid) };
        let agent = Devices::new(config, parts, &prometheus::Registry::new()).unwrap().start();
        let told = Told::default();
        let recorder = Recorder(Arc::clone(&told)).start();
        agent.send(Connect(Listeners { devices: vec![recorder.recipient()] })).await.unwrap();
        agent.send(Configured(Arc::new(vec![service("google")]))).await.unwrap();
        Self { agent, told }
    }

    async fn level(&self, level: Level) {
        let mut status = ServiceStatus::pending(ServiceId::new("google").unwrap());
        status.level = level;
        self.agent.send(Snapshot(Arc::new(vec![Arc::new(status)]))).await.unwrap();
    }

    /// The states of the sticks of these serials.
    fn states(&self) -> BTreeMap<String, DeviceState> {
        self.told.lock().unwrap().iter().map(|device| (device.unit.clone(), device.state)).collect()
    }

    fn is(&self, unit: &Unit, state: DeviceState) -> bool {
        self.states().get(&unit.serial) == Some(&state)
    }

    async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < end, "in vain: {what}; {:#?}", self.told.lock().unwrap());
            actix_rt::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn is_missing(&self) -> bool {
        self.states().into_iter().eq([(String::new(), DeviceState::Missing)])
    }
}

#[actix::test]
#[ignore = "scripts/test-blinkstick runs it in a kernel of its own"]
async fn sticks_come_and_go_while_the_node_runs_and_show_the_newest() {
    let office = Office::open().await;
    office.until("none yet", || office.is_missing()).await;
    office.level(Level::Healthy).await;
    let (nano, flex) = (Unit::new(Model::Nano, 11), Unit::new(Model::Flex, 12));
    let nano_plugged = Plugged::new(&nano);
    let _flex_plugged = Plugged::new(&flex);
    office
        .until("both green", || nano.stick.colours(2) == [GREEN; 2] && flex.stick.colours(32) == [GREEN; 32])
        .await;
    office.until("both up", || office.is(&nano, DeviceState::Up) && office.is(&flex, DeviceState::Up)).await;
    drop(nano_plugged);
    office.until("one has gone", || !office.states().contains_key(&nano.serial)).await;
    office.level(Level::Down).await;
    office.until("the other is red", || flex.stick.colours(32) == [RED; 32]).await;
    let _again = Plugged::new(&nano);
    office.until("red when it is back", || nano.stick.colours(2) == [RED; 2]).await;
    office.until("up again", || office.is(&nano, DeviceState::Up)).await;
    let wish = DeviceWish::Show { colour: "blue".to_owned(), span: Millis(60_000) };
    office.agent.send(DeviceOrder { device: "desk".to_owned(), wish }).await.unwrap().unwrap();
    office
        .until("blue as ordered", || {
            nano.stick.colours(2) == [BLUE; 2] && flex.stick.colours(32) == [BLUE; 32]
        })
        .await;
    office.agent.send(Stop(PATIENCE)).await.unwrap();
    assert!(
        nano.stick.colours(2).iter().chain(&flex.stick.colours(32)).all(|led| led.to_string() == "#000000")
    );
    assert_eq!((faults(&nano), faults(&flex)), (Vec::new(), Vec::new()));
}

#[actix::test]
#[ignore = "scripts/test-blinkstick runs it in a kernel of its own"]
async fn a_stick_one_may_not_open_is_said_and_used_as_soon_as_one_may() {
    let unit = Unit::new(Model::Nano, 13);
    let _plugged = Plugged::new(&unit);
    let place = crate::found(&unit).place;
    become_nobody();
    let office = Office::open().await;
    office.level(Level::Healthy).await;
    office.until("denied", || office.is(&unit, DeviceState::Denied)).await;
    become_root();
    let detail = office.told.lock().unwrap()[0].detail.clone().unwrap();
    assert!(detail.contains(&place) && detail.contains("p7 device udev"), "{detail}");
    // what udev does by the rule
    fs::set_permissions(&place, Permissions::from_mode(0o666)).unwrap();
    office.until("green", || unit.stick.colours(2) == [GREEN; 2]).await;
    office.until("up", || office.is(&unit, DeviceState::Up)).await;
    office.agent.send(Stop(PATIENCE)).await.unwrap();
}

#[actix::test]
#[ignore = "scripts/test-blinkstick runs it in a kernel of its own"]
async fn a_stick_that_hangs_is_said_and_delays_no_other() {
    let (hanging, well) = (Unit::new(Model::Nano, 14), Unit::new(Model::Square, 15));
    let (_one, _two) = (Plugged::new(&hanging), Plugged::new(&well));
    let office = Office::open().await;
    office.level(Level::Healthy).await;
    office
        .until("both up", || office.is(&hanging, DeviceState::Up) && office.is(&well, DeviceState::Up))
        .await;
    hanging.stick.state().hangs = Some(Duration::ZERO);
    let network = NetworkNoted { cut_off: Some("no route".to_owned()), since: MeshTime(0) };
    office.agent.send(network).await.unwrap();
    office
        .until("the other is white", || well.stick.colours(8).iter().all(|led| led.to_string() == "#ffffff"))
        .await;
    // while its thread waits for the kernel
    office.until("said", || office.is(&hanging, DeviceState::Trouble)).await;
    assert!(office.is(&well, DeviceState::Up));
    hanging.stick.state().hangs = None;
    office
        .until("well again", || hanging.stick.colours(2).iter().all(|led| led.to_string() == "#ffffff"))
        .await;
    office.until("and up", || office.is(&hanging, DeviceState::Up)).await;
    office.agent.send(Stop(PATIENCE)).await.unwrap();
}
