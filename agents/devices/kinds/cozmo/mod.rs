//! The robot Cozmo: a thread of its own keeps it connected, shows it the newest and passes orders on.

mod config;
mod mapping;
#[cfg(test)]
mod tests;

pub use config::{Config, HourCall, OnCharger, Quiet};

use super::{Answer, Device, Notify, Parts};
use crate::metrics::Metrics;
use crate::world::World;
use p7_bus::{DeviceDone, DeviceState, DeviceStatus, DeviceStep, DeviceWish};
use p7_core::vocabulary::{MeshTime, Millis};
use p7_cozmo::board::{Activity, Board};
use p7_cozmo::character::TEST_TELLS;
use p7_cozmo::robot::{Charger, Handle, Robot, Settings, View};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::{self, Runtime};
use tokio::sync::watch;

/// What it is called in the API, metrics and the mesh.
const KIND: &str = "cozmo";
/// How long whoever asks waits for a sentence to begin; then he hears that it comes later.
const BEGIN_WITHIN: Duration = Duration::from_millis(2_500);
/// How soon a board that found no room is offered again.
const AGAIN: Duration = Duration::from_millis(200);
/// How often it is looked at the clock at least, without a cycle.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long the colours of the test are lit, together.
const TEST_LASTS: Millis = Millis(7_500);
/// Most characters of an order that are told again.
const TOLD_LIMIT: usize = 60;

/// What the robot's thread has to go by.
#[derive(Debug, Clone, Default, PartialEq)]
struct Known {
    board: Board,
    /// The length of a cycle in milliseconds.
    cycle: Option<u64>,
    ending: bool,
}

struct Cozmo {
    desk: Arc<Desk>,
    known: watch::Sender<Known>,
    /// How to run something on the robot's thread.
    runtime: Option<runtime::Handle>,
}

/// What the device and its thread share.
struct Desk {
    name: String,
    clock: fn() -> MeshTime,
    notify: Notify,
    shared: Mutex<Shared>,
    has_ended: AtomicBool,
}

struct Shared {
    view: View,
    state: DeviceState,
    since: MeshTime,
    last_order: Option<(String, MeshTime)>,
    /// None when the robot can't be ordered any more.
    robot: Option<Handle>,
}

/// Starts looking for the robot.
pub(super) fn start(name: &str, config: &Config, parts: &Parts, notify: &Notify) -> Arc<dyn Device> {
    let known = watch::Sender::new(Known::default());
    let shared = Shared {
        view: View::default(),
        state: DeviceState::Starting,
        since: (parts.clock)(),
        last_order: None,
        robot: None,
    };
    let desk = Arc::new(Desk {
        name: name.to_owned(),
        clock: parts.clock,
        notify: Arc::clone(notify),
        shared: Mutex::new(shared),
        has_ended: AtomicBool::new(false),
    });
    let started = spawn(&desk, config.settings(parts), known.subscribe());
    let runtime = started.map_err(|error| {
        tracing::error!(device = name, %error, "can't drive the robot: the system gives no thread");
        let trouble = Some(format!("the system gives no thread: {error}"));
        desk.note(View { trouble, ..View::default() });
        desk.has_ended.store(true, Ordering::Release);
    });
    Arc::new(Cozmo { desk, known, runtime: runtime.ok() })
}

fn spawn(
    desk: &Arc<Desk>,
    settings: Settings,
    known: watch::Receiver<Known>,
) -> std::io::Result<runtime::Handle> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let robot = {
        let _inside = runtime.enter();
        Robot::start(settings)
    };
    desk.shared().robot = Some(robot.handle());
    let its_desk = Arc::clone(desk);
    let work = move || run(&its_desk, &runtime, robot, known);
    std::thread::Builder::new().name("p7-cozmo".to_owned()).spawn(work)?;
    Ok(handle)
}

fn run(desk: &Desk, runtime: &Runtime, robot: Robot, known: watch::Receiver<Known>) {
    runtime.block_on(async {
        drive(desk, &robot, known).await;
        desk.shared().robot = None;
        robot.stop().await;
    });
    desk.has_ended.store(true, Ordering::Release);
}

/// Gives the robot what is new until the node stops.
async fn drive(desk: &Desk, robot: &Robot, mut known: watch::Receiver<Known>) {
    let mut view = robot.view();
    let mut shown: Option<Board> = None;
    loop {
        let Known { mut board, cycle, ending } = known.borrow_and_update().clone();
        if ending {
            return;
        }
        let (activity, stays) = mapping::activity(cycle, (desk.clock)());
        let is_known = board != Board::default();
        board.activity = if is_known { activity } else { Activity::Waiting };
        let mut rest = stays.unwrap_or(LOOK_EVERY);
        if shown.as_ref() != Some(&board) {
            if robot.show(Arc::new(board.clone())) {
                shown = Some(board);
            } else {
                rest = AGAIN;
            }
        }
        tokio::select! {
            changed = known.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            changed = view.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = view.borrow_and_update().clone();
                desk.note(now);
            }
            () = tokio::time::sleep(rest) => {}
        }
    }
}

impl Desk {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The robot's view has changed.
    fn note(&self, view: View) {
        let mut shared = self.shared();
        let unsaid = view.unsaid.saturating_sub(shared.view.unsaid);
        if unsaid > 0 {
            p7_bus::note_dropped("cozmo_sentences", unsaid);
        }
        let state = mapping::state(&view);
        if state != shared.state {
            (shared.state, shared.since) = (state, (self.clock)());
        }
        shared.view = view;
        drop(shared);
        (self.notify)();
    }
}

impl Device for Cozmo {
    fn name(&self) -> &str {
        &self.desk.name
    }

    fn see(&self, world: &World) {
        let (board, cycle) = (mapping::board(world), mapping::cycle(world));
        self.known.send_if_modified(|known| {
            let is_news = known.board != board || known.cycle != cycle;
            (known.board, known.cycle) = (board, cycle);
            is_news
        });
    }

    fn obey(&self, wish: &DeviceWish, answer: Answer) {
        // whoever asked may have gone, each time
        let (text, words) = match wish {
            DeviceWish::Show { .. } => {
                let name = &self.desk.name;
                drop(answer.send(Err(format!("{name} is a robot: it can be tested, and say something"))));
                return;
            }
            DeviceWish::Test => (None, "test".to_owned()),
            DeviceWish::Say { text } => {
                let told: String = text.chars().take(TOLD_LIMIT).collect();
                (Some(text.clone()), format!("say {told}"))
            }
        };
        let robot = {
            let mut shared = self.desk.shared();
            shared.last_order = Some((words, (self.desk.clock)()));
            shared.robot.clone()
        };
        (self.desk.notify)();
        let (Some(robot), Some(runtime)) = (robot, &self.runtime) else {
            drop(answer.send(Err("the robot is not driven any more".to_owned())));
            return;
        };
        let mut known = self.known.subscribe();
        runtime.spawn(async move {
            let done = tokio::select! {
                done = order(&robot, text) => done,
                _ended = known.wait_for(|known| known.ending) => Err("the node stops".to_owned()),
            };
            drop(answer.send(done));
        });
    }

    fn status(&self) -> Vec<DeviceStatus> {
        let shared = self.desk.shared();
        let about = shared.view.about.as_ref();
        vec![DeviceStatus {
            name: self.desk.name.clone(),
            kind: KIND,
            unit: about.map_or_else(String::new, |about| format!("{:08x}", about.serial)),
            model: about.map_or_else(String::new, |about| format!("firmware {}", about.firmware.version)),
            state: shared.state,
            detail: mapping::detail(&shared.view),
            since: shared.since,
            last_order: shared.last_order.clone(),
        }]
    }

    fn measure(&self, metrics: &Metrics) {
        let shared = self.desk.shared();
        let is_on = match shared.view.charger {
            Charger::Unknown => None,
            Charger::Off => Some(false),
            Charger::On | Charger::Charging => Some(true),
        };
        metrics.note_battery(&self.desk.name, shared.view.battery_v, is_on);
    }

    fn end(&self) {
        self.desk.shared().robot = None;
        self.known.send_modify(|known| known.ending = true);
    }

    fn has_ended(&self) -> bool {
        self.desk.has_ended.load(Ordering::Acquire)
    }
}

/// Has the robot say a text, or walk through its test; what is then to be seen and heard.
async fn order(robot: &Handle, text: Option<String>) -> Result<DeviceDone, String> {
    let step = |says: String, lasts| DeviceStep { says, lasts };
    let Some(text) = text else {
        robot.test().await.map_err(|why| why.to_string())?;
        let mut steps: Vec<_> = TEST_TELLS.iter().map(|tells| step((*tells).to_owned(), Millis(0))).collect();
        if let Some(last) = steps.last_mut() {
            last.lasts = TEST_LASTS;
        }
        return Ok(DeviceDone { steps });
    };
    let says = match tokio::time::timeout(BEGIN_WITHIN, robot.say(&text)).await {
        Ok(Ok(())) => format!("it says: {text}"),
        Ok(Err(why)) => return Err(why.to_string()),
        Err(_busy) => format!("it is still saying something else; then it says: {text}"),
    };
    Ok(DeviceDone { steps: vec![step(says, Millis(0))] })
}
