//! A robot on one node, and what others let it do: straight, through a neighbour, and not at all.

#[expect(dead_code, reason = "the robot crate's tests use all of it")]
#[path = "../../src/cozmo/tests/it/simulated.rs"]
mod simulated;

use crate::{SOON, watching};
use p7_tests::eventually;
use p7_tests::node::Node;
use p7_tests::offices::in_a_world;
use p7_tests::seen::{self, until_whole};
use simulated::{SimulatedRobot, TICK};
use std::net::UdpSocket;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A strict robot on the loopback of a node's own network.
struct Robot {
    robot: Arc<Mutex<SimulatedRobot>>,
    ended: Arc<AtomicBool>,
    port: u16,
}

impl Robot {
    /// Stands it beside a node.
    fn beside(node: &Node) -> Self {
        let socket = node.inside(|| UdpSocket::bind("127.0.0.1:0").unwrap());
        let port = socket.local_addr().unwrap().port();
        let (robot, ended) = (Arc::new(Mutex::new(SimulatedRobot::new())), Arc::new(AtomicBool::new(false)));
        let (own, over) = (Arc::clone(&robot), Arc::clone(&ended));
        std::thread::spawn(move || {
            let (epoch, mut buffer, mut next) = (Instant::now(), [0; 2048], Instant::now());
            while !over.load(Ordering::Relaxed) {
                let rest = next.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
                socket.set_read_timeout(Some(rest)).unwrap();
                if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                    own.lock().unwrap().receive(from.port(), &buffer[..length], epoch.elapsed());
                }
                if Instant::now() >= next {
                    next += TICK;
                    let frame = own.lock().unwrap().tick(epoch.elapsed());
                    if let Some((port, frame)) = frame {
                        // the node may be gone
                        drop(socket.send_to(&frame, ("127.0.0.1", port)));
                    }
                }
            }
        });
        Self { robot, ended, port }
    }

    /// What node.toml says of it.
    fn table(&self) -> String {
        format!("\n[devices.shelf.cozmo]\naddress = \"127.0.0.1:{}\"\n", self.port)
    }

    /// How much it was given to say.
    fn heard(&self) -> usize {
        self.robot.lock().unwrap().pcm.len()
    }
}

impl Drop for Robot {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_robot_on_another_node_says_what_it_is_told_and_the_reason_is_said_when_it_cant() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let mut nodes = world.offices(&lan, &["oslo", "lima"], &watching(&site));
        let (far, cable) = world.beyond(&lan);
        let paris = world.office("paris");
        far.plug(&paris);
        let robot = Robot::beside(&paris);
        paris.write_node(&(world.mesh(&lan.bootstrap()) + &robot.table()));
        nodes.push(paris);
        seen::start(&mut nodes);
        until_whole(&nodes.iter().collect::<Vec<_>>());
        let [oslo, lima, paris] = nodes.as_mut_slice() else { unreachable!("three nodes") };
        until_shelf_is_up(oslo);
        until_shelf_is_up(lima);

        println!("{}", does(oslo, &["say", "Lunch is ready.", "--node", "paris"], "says: Lunch is ready."));
        eventually("the robot is given the sound", SOON, || (robot.heard() > 0).then_some(()));
        does(lima, &["say", "Wherever", "you", "are."], "says: Wherever you are.");
        until_last_order(oslo, "say Wherever you are.");
        does(oslo, &["mesh"], "say Wherever you are.");
        does(oslo, &["devices"], "shelf");
        assert!(lima.get("/mesh").text().contains("shelf"), "the page has the devices of others");
        for (arguments, why) in [
            (["device", "test", "lamp", "--node", "paris"].as_slice(), "paris: there is no device `lamp`"),
            (&["device", "test", "shelf"], "there is no device `shelf` here, but paris has one"),
            (&["device", "set", "shelf", "red", "--node", "paris"], "is a robot"),
            (&["say", "hello", "--node", "rome", "--device", "shelf"], "there is no node `rome`"),
        ] {
            fails(oslo, arguments, why);
        }
        let done = "p7_mesh_commands_total{direction=\"out\",result=\"done\"}";
        assert_eq!((oslo.metric(done), lima.metric(done)), (Some(1.0), Some(1.0)));
        let refused = "p7_mesh_commands_total{direction=\"in\",result=\"not_found\"}";
        assert_eq!(paris.metric(refused), Some(1.0));

        paris.kill();
        until_fails(oslo, "paris is down");
        let listed = oslo.json("/api/v1/devices");
        assert_eq!(listed["items"][0]["liveness"], "down", "{listed}");
        paris.spawn();
        paris.wake();
        until_it_says(oslo, "Back again.");

        cable.cut();
        until_fails(oslo, "paris is down");
        cable.mend();
        until_it_says(lima, "All is well.");
        assert_eq!(robot.robot.lock().unwrap().faults, [""; 0]);
    });
}

#[test]
fn a_node_without_a_connection_is_reached_through_one_that_has_it() {
    in_a_world(|world| {
        let site = world.site();
        let (east, west) = (world.lan(), world.lan());
        let (hub, oslo, paris) = (world.office("hub"), world.office("oslo"), world.office("paris"));
        east.plug(&hub);
        west.plug(&hub);
        east.plug(&oslo);
        west.plug(&paris);
        let robot = Robot::beside(&paris);
        oslo.write_node(&world.mesh(&east.bootstrap()));
        paris.write_node(&(world.mesh(&west.bootstrap()) + &robot.table()));
        let mut nodes = [hub, oslo, paris];
        for node in &nodes {
            node.write_mesh(&watching(&site));
        }
        seen::start(&mut nodes);
        until_whole(&nodes.iter().collect::<Vec<_>>());
        let [hub, oslo, _paris] = &mut nodes;
        assert_eq!(seen::member(oslo, "paris")["connected"], false, "there is no way from oslo to paris");
        until_shelf_is_up(oslo);
        does(oslo, &["say", "Through the hub.", "--node", "paris"], "says: Through the hub.");
        eventually("the robot is given the sound", SOON, || (robot.heard() > 0).then_some(()));
        let passed = "p7_mesh_commands_total{direction=\"passed\",result=\"done\"}";
        assert_eq!(hub.metric(passed), Some(1.0));
        fails(oslo, &["device", "test", "lamp", "--node", "paris"], "paris: there is no device `lamp`");
        hub.kill();
        until_fails(oslo, "nor to any node that could pass it on");
    });
}

/// Waits until a node knows that the robot is up.
fn until_shelf_is_up(node: &Node) {
    eventually(&format!("{} knows that the shelf is up", node.name()), SOON, || {
        let listed = node.json("/api/v1/devices?node=paris");
        (listed["items"][0]["name"] == "shelf" && listed["items"][0]["state"] == "up").then_some(())
    });
}

fn until_last_order(node: &Node, order: &str) {
    eventually(&format!("{} knows that the last order was `{order}`", node.name()), SOON, || {
        let told = seen::member(node, "paris")["devices"][0]["last_order"].clone();
        (told == order).then_some(())
    });
}

/// Waits until what is said through a node reaches the robot.
fn until_it_says(node: &Node, text: &str) {
    eventually(&format!("the robot says `{text}`"), SOON, || {
        node.p7(&["say", text, "--node", "paris"]).status.success().then_some(())
    });
}

/// Waits until an order fails for this reason; before, it fails for others.
fn until_fails(node: &Node, why: &str) {
    let begun = Instant::now();
    eventually(&format!("the reason is `{why}`"), SOON, || {
        let failed = node.p7(&["say", "hello", "--node", "paris", "--device", "shelf"]);
        assert!(!failed.status.success(), "nobody is there: {}", told(&failed));
        println!("after {:.1} s: {}", begun.elapsed().as_secs_f64(), told(&failed).trim());
        told(&failed).contains(why).then_some(())
    });
}

fn does(node: &Node, arguments: &[&str], says: &str) -> String {
    let done = node.p7(arguments);
    assert!(done.status.success() && told(&done).contains(says), "p7 {arguments:?}: {}", told(&done));
    told(&done)
}

fn fails(node: &Node, arguments: &[&str], why: &str) {
    let failed = node.p7(arguments);
    assert!(
        !failed.status.success() && told(&failed).contains(why),
        "p7 {arguments:?}: {} instead of {why}",
        told(&failed)
    );
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}
