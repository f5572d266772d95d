//! A robot on real sockets: a strict simulation on loopback, a network that loses, and espeak-ng's voice.

use crate::chance::Chance;
use crate::simulated::{SimulatedRobot, TICK, correlation, pixels};
use p7_core::vocabulary::Level;
use p7_cozmo::board::{Board, Places, Seen, Shown, Telling};
use p7_cozmo::character::{Manners, OnCharger, SayError};
use p7_cozmo::clock::LocalTime;
use p7_cozmo::robot::{Charger, Robot, Settings, View, WallClock};
use p7_cozmo::scene;
use p7_cozmo::voice::{Voice, VoiceError};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::{Instant, interval, timeout};

/// Long enough for a loaded machine.
const SOON: Duration = Duration::from_secs(60);

struct Stage {
    address: SocketAddr,
    robot: Arc<Mutex<SimulatedRobot>>,
}

/// A simulated robot on a loopback port.
async fn stage(seed: u64, loss_per_cent: u64) -> Stage {
    let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let address = socket.local_addr().unwrap();
    let robot = Arc::new(Mutex::new(SimulatedRobot::new()));
    let shared = Arc::clone(&robot);
    tokio::spawn(async move {
        let (epoch, mut ticks, mut chance) = (Instant::now(), interval(TICK), Chance::seeded(seed));
        let mut buffer = [0; 2048];
        loop {
            tokio::select! {
                Ok((length, from)) = socket.recv_from(&mut buffer) => {
                    if !chance.is(loss_per_cent) {
                        shared.lock().unwrap().receive(from.port(), &buffer[..length], epoch.elapsed());
                    }
                }
                _ = ticks.tick() => {
                    let frame = shared.lock().unwrap().tick(epoch.elapsed());
                    let Some((port, frame)) = frame else { continue };
                    for delay in chance.deliveries(loss_per_cent) {
                        let (socket, frame) = (Arc::clone(&socket), frame.clone());
                        tokio::spawn(async move {
                            tokio::time::sleep(delay).await;
                            socket.send_to(&frame, ("127.0.0.1", port)).await.ok();
                        });
                    }
                }
            }
        }
    });
    Stage { address, robot }
}

fn settings(address: SocketAddr, manners: Manners) -> Settings {
    let noon = LocalTime { hour: 12, minute: 30, weekday: 0, day: 1, month: 1 };
    let clock = WallClock(Arc::new(move || noon));
    Settings { address, volume: 40_000, voice: Voice::default(), manners, clock }
}

async fn until(robot: &Robot, what: &str, wanted: impl Fn(&View) -> bool) {
    let mut view = robot.view();
    let seen = timeout(SOON, view.wait_for(|view| wanted(view))).await;
    assert!(seen.is_ok(), "not within {SOON:?}: {what}; {:?}", *robot.view().borrow());
}

async fn heard(stage: &Stage, what: &str, wanted: impl Fn(&SimulatedRobot) -> bool) {
    let deadline = Instant::now() + SOON;
    while !wanted(&stage.robot.lock().unwrap()) {
        assert!(Instant::now() < deadline, "not within {SOON:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn google(level: Level) -> Arc<Board> {
    let seen = Seen { by: 3, of: 5, places: Places::Offices };
    let service = Shown { name: "Google".to_owned(), level, seen, telling: Telling::Aloud };
    Arc::new(Board { services: [("google".to_owned(), service)].into(), ..Board::default() })
}

#[tokio::test]
async fn a_service_that_goes_down_is_lit_shown_and_spoken_through_a_quarter_of_loss() {
    let stage = stage(11, 25).await;
    let robot = Robot::start(settings(stage.address, Manners::default()));
    until(&robot, "connected", |view| view.about.is_some()).await;
    robot.show(google(Level::Healthy));
    robot.show(google(Level::Down));
    let sentence = "Google is down. Seen from three of five offices.";
    until(&robot, "spoken", |view| view.said.as_deref() == Some(sentence)).await;
    let meant = Voice::default().speak(sentence).await.unwrap();
    heard(&stage, "all of it", |robot| robot.pcm.len() >= meant.len()).await;
    {
        let robot = stage.robot.lock().unwrap();
        assert_eq!(robot.faults, [""; 0]);
        assert_eq!((robot.connections, robot.ignored), (1, 0));
        assert!(correlation(&robot.pcm, &meant) > 0.999, "{}", correlation(&robot.pcm, &meant));
        let meant = scene::two_lines("DOWN", "Google");
        for (x, column) in pixels(robot.pictures.last().unwrap()).iter().enumerate() {
            assert!((0..32).all(|y| column[y] == meant.is_lit(x, y)), "column {x}");
        }
        let lights = robot.commands.iter().rfind(|command| command[0] == 0x03).unwrap();
        assert_eq!(lights[1..7], [0x00, 0x7C, 0, 0, 9, 9], "red, flashing");
        assert!(robot.tags().contains(&0x36), "it waves");
    }
    robot.stop().await;
    heard(&stage, "goodbye", |robot| robot.goodbyes + robot.dropped_links > 0).await;
}

#[tokio::test]
async fn what_is_asked_for_is_said_or_refused_with_the_reason() {
    let stage = stage(12, 0).await;
    let quiet = Manners { quiet: "12:00-13:00".parse().ok(), ..Manners::default() };
    let robot = Robot::start(settings(stage.address, quiet));
    assert_eq!(robot.say("hello").await, Err(SayError::NotConnected));
    until(&robot, "connected", |view| view.about.is_some()).await;
    assert_eq!(robot.say("hello").await, Err(SayError::Quiet("13:00".to_owned())));
    assert_eq!(robot.test().await, Err(SayError::Quiet("13:00".to_owned())));
    heard(&stage, "the test's pictures", |robot| robot.pictures.len() >= 5).await;
    assert!(!stage.robot.lock().unwrap().tags().contains(&0x36), "it keeps still in its quiet hours");
    robot.stop().await;
    heard(&stage, "goodbye", |robot| robot.goodbyes == 1).await;

    stage.robot.lock().unwrap().status = 0x3310;
    let charging = Manners { on_charger: OnCharger::Silent, ..Manners::default() };
    let robot = Robot::start(settings(stage.address, charging));
    until(&robot, "on the charger", |view| view.charger == Charger::Charging).await;
    assert!(robot.view().borrow().battery_v.is_some_and(|volts| (volts - 4.1).abs() < 0.06));
    assert_eq!(robot.say("hello").await, Err(SayError::OnCharger));
    robot.stop().await;

    let mute = Voice { program: "there-is-no-such-voice".to_owned(), ..Voice::default() };
    let robot = Robot::start(Settings { voice: mute, ..settings(stage.address, Manners::default()) });
    until(&robot, "connected", |view| view.about.is_some()).await;
    until(&robot, "said to be silent", |view| view.mute.is_some()).await;
    let missing = VoiceError::Missing("there-is-no-such-voice".to_owned());
    assert_eq!(robot.view().borrow().mute, Some(missing.to_string()));
    assert_eq!(robot.say("hello").await, Err(SayError::Voice(missing)));
    robot.stop().await;

    let robot = Robot::start(settings(stage.address, Manners::default()));
    until(&robot, "connected", |view| view.about.is_some()).await;
    assert_eq!(robot.say("--version; $(reboot) `date`").await, Ok(()), "it is text, whatever it looks like");
    assert_eq!(robot.say(" \n ").await, Err(SayError::Voice(VoiceError::NothingToSay)));
    assert_eq!(robot.view().borrow().mute, None);
    robot.stop().await;
    assert_eq!(stage.robot.lock().unwrap().faults, [""; 0]);
}

#[tokio::test]
async fn a_robot_that_was_away_is_found_again_and_shows_what_is_known() {
    let stage = stage(13, 0).await;
    let robot = Robot::start(settings(stage.address, Manners::default()));
    until(&robot, "connected", |view| view.about.is_some()).await;
    robot.show(google(Level::Incident));
    heard(&stage, "shown", |robot| !robot.pictures.is_empty()).await;
    stage.robot.lock().unwrap().mute = true;
    until(&robot, "lost", |view| view.about.is_none() && view.trouble.is_some()).await;
    {
        let mut robot = stage.robot.lock().unwrap();
        robot.mute = false;
        robot.pictures.clear();
    }
    until(&robot, "found", |view| view.connections == 2).await;
    heard(&stage, "shown again", |robot| !robot.pictures.is_empty()).await;
    let picture = stage.robot.lock().unwrap().pictures[0].clone();
    assert_eq!(picture, scene::two_lines("INCIDENT", "Google").encode().unwrap());
    robot.stop().await;
}

#[tokio::test]
async fn the_test_walks_through_everything() {
    let stage = stage(14, 0).await;
    let robot = Robot::start(settings(stage.address, Manners::default()));
    until(&robot, "connected", |view| view.about.is_some()).await;
    assert_eq!(robot.test().await, Ok(()));
    let lit = |robot: &SimulatedRobot, colour: u16| {
        robot.commands.iter().any(|command| command[0] == 0x03 && command[1..3] == colour.to_le_bytes())
    };
    for colour in [0x7C00, 29 << 10 | 17 << 5 | 2, 0x03E0, 0x001F, 0x7FFF] {
        heard(&stage, "a colour", |robot| lit(robot, colour)).await;
    }
    heard(&stage, "five pictures", |robot| robot.pictures.len() >= 5).await;
    robot.stop().await;
    assert_eq!(stage.robot.lock().unwrap().faults, [""; 0]);
}

/// A measurement, run by hand: `P7_SECONDS=1800 cargo nextest run -p p7-cozmo --run-ignored only`.
/// Prints what an idle connection costs, and fails if it was lost under 5 % loss.
#[test]
#[ignore = "takes as long as it is told to"]
fn a_long_connection_for_real() {
    let seconds = std::env::var("P7_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let outside = tokio::runtime::Runtime::new().unwrap();
    let stage = outside.block_on(stage(21, 5));
    let own = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    own.block_on(async {
        let robot = Robot::start(settings(stage.address, Manners::default()));
        until(&robot, "connected", |view| view.about.is_some()).await;
        robot.show(google(Level::Healthy));
        let (before, began) = (thread_cpu(), Instant::now());
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let cost = thread_cpu().saturating_sub(before).as_secs_f64() / began.elapsed().as_secs_f64();
        println!("{seconds} s idle: {:.3} % of a core", cost * 100.0);
        assert_eq!(robot.view().borrow().connections, 1);
        assert_eq!(stage.robot.lock().unwrap().faults, [""; 0]);
        robot.stop().await;
    });
}

/// Processor time of this thread.
fn thread_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}
