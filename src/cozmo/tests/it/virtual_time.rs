//! Sessions through every kind of weather, in virtual time: half an hour passes in a second or two.

use crate::simulated::{correlation, pixels};
use crate::world::World;
use p7_cozmo::light::{Backpack, Light, Rgb};
use p7_cozmo::link::Ending;
use p7_cozmo::scene;
use p7_cozmo::session::{Gesture, SessionEnding, SessionEvent};
use p7_cozmo::sound::frames;
use std::time::Duration;

/// Something with loud and soft places, and every sign.
fn melody(samples: usize) -> Vec<i16> {
    let at = |i: usize| f64::from(u32::try_from(i).unwrap());
    let tone = |i: usize| (at(i) * 0.13).sin() * (2_000.0 + 29_000.0 * (at(i) * 0.0007).sin().abs());
    #[expect(clippy::cast_possible_truncation, reason = "31,000 fits")]
    (0..samples).map(|i| tone(i) as i16).collect()
}

fn ended(world: &World) -> bool {
    world.events.iter().any(|event| matches!(event, SessionEvent::Ended(_)))
}

#[test]
fn a_quarter_lost_each_way_and_everything_arrives_once_and_in_order() {
    for seed in 0..20 {
        let mut world = World::new(seed, 25);
        world.until_ready();
        let now = world.now;
        let pcm = melody(744 * 90);
        let picture = scene::two_lines("DOWN", "Google");
        world.session.light(Backpack::all(Light::flash(Rgb::RED)), now);
        world.session.show(&picture, now);
        assert!(world.session.play(frames(&pcm), now));
        world.session.gesture(Gesture::Alarm, now);
        let played = world.run(Duration::from_secs(60), |world| world.events.contains(&SessionEvent::Played));
        assert!(played, "seed {seed}: {:?}", world.events);
        let robot = &world.robot;
        assert_eq!(robot.faults, [""; 0], "seed {seed}");
        assert_eq!((robot.ignored, robot.dropped_links, robot.connections), (0, 0, 1), "seed {seed}");
        assert_eq!(robot.pcm.len(), pcm.len(), "seed {seed}");
        assert!(correlation(&robot.pcm, &pcm) > 0.999, "seed {seed}: {}", correlation(&robot.pcm, &pcm));
        let shown = pixels(robot.pictures.last().unwrap());
        for (x, column) in shown.iter().enumerate() {
            for (y, lit) in column.iter().enumerate() {
                assert_eq!(*lit, picture.is_lit(x, y), "seed {seed}: {x}, {y}");
            }
        }
        let steps = robot.tags().iter().filter(|tag| [0x36, 0x37].contains(*tag)).count();
        assert_eq!(steps, Gesture::Alarm.steps().len(), "seed {seed}");
    }
}

#[test]
fn half_an_hour_with_one_of_twenty_lost_and_no_reconnect() {
    let mut world = World::new(5, 5);
    world.until_ready();
    let pcm = melody(744 * 30);
    for minute in 0..30 {
        let now = world.now;
        let colour = if minute % 2 == 0 { Rgb::GREEN } else { Rgb::ORANGE };
        world.session.light(Backpack::centre(Light::flash(colour)), now);
        world.session.show(&scene::two_lines("INCIDENT", &format!("service {minute}")), now);
        assert!(world.session.play(frames(&pcm), now));
        assert!(!world.run(Duration::from_secs(60), ended), "minute {minute}: {:?}", world.events);
    }
    let robot = &world.robot;
    assert_eq!(robot.faults, [""; 0]);
    assert_eq!((robot.connections, robot.dropped_links, robot.ignored), (1, 0, 0));
    assert_eq!(robot.pcm.len(), 30 * pcm.len());
    assert!(robot.most_buffered <= 14, "{}", robot.most_buffered);
    println!("{} datagrams sent, {:?}", world.sent, world.session.figures());
}

#[test]
fn without_loss_sound_never_runs_dry_before_its_end() {
    let mut world = World::new(1, 0);
    world.until_ready();
    let (now, pcm) = (world.now, melody(744 * 150));
    assert!(world.session.play(frames(&pcm), now));
    assert!(world.run(Duration::from_secs(20), |world| world.events.contains(&SessionEvent::Played)));
    let took = world.now.checked_sub(now).unwrap().as_secs_f64();
    // 152 messages at 30 a second, and the way there and back
    assert!((5.0..5.3).contains(&took), "5 s of sound took {took} s");
}

#[test]
fn an_idle_link_sends_four_pings_a_second_and_hears_its_round_trip() {
    let mut world = World::new(2, 0);
    world.until_ready();
    world.run(Duration::from_secs(5), |_| false);
    let before = world.sent;
    world.run(Duration::from_secs(60), |_| false);
    let sent = world.sent - before;
    assert!((200..=260).contains(&sent), "{sent} datagrams in a minute");
    let round_trip = world.session.figures().round_trip.unwrap();
    assert!((4..80).contains(&round_trip.as_millis()), "{round_trip:?}");
}

#[test]
fn a_robot_that_falls_silent_is_lost_after_five_seconds_and_found_again_from_a_fresh_port() {
    let mut world = World::new(3, 0);
    world.until_ready();
    world.robot.mute = true;
    let silent_from = world.now;
    assert!(world.run(Duration::from_secs(10), ended));
    assert!(world.events.contains(&SessionEvent::Quiet), "{:?}", world.events);
    assert_eq!(world.events.last(), Some(&SessionEvent::Ended(SessionEnding::Link(Ending::Silence))));
    let took = world.now.checked_sub(silent_from).unwrap().as_secs_f64();
    assert!((4.9..5.2).contains(&took), "{took}");
    // the robot still holds the old link for up to five seconds and takes no other port before
    world.robot.mute = false;
    let mut attempts = 0;
    while world.session.about().is_none() {
        attempts += 1;
        assert!(attempts < 4, "{:?}", world.events);
        world.events.clear();
        world.reconnect();
        world.run(Duration::from_secs(7), |world| world.session.about().is_some() || ended(world));
    }
    assert_eq!((world.robot.connections, world.robot.dropped_links), (2, 1));
}

#[test]
fn nobody_there_is_said_after_five_seconds() {
    let mut world = World::new(4, 100);
    assert!(world.run(Duration::from_secs(6), ended));
    assert_eq!(world.events, [SessionEvent::Ended(SessionEnding::Link(Ending::NoAnswer))]);
    assert_eq!(world.session.deadline(), None);
}

#[test]
fn a_robot_that_does_not_say_what_it_is_is_left_in_good_order() {
    let mut world = World::new(4, 0);
    world.robot.firmware = "{}".to_owned();
    assert!(world.run(Duration::from_secs(10), ended));
    assert_eq!(world.events, [SessionEvent::Ended(SessionEnding::Unnamed)]);
    world.run(Duration::from_secs(2), |_| false);
    assert_eq!(world.robot.goodbyes, 1);
}

#[test]
fn goodbye_puts_out_the_lights_and_is_the_last_word() {
    for seed in 0..10 {
        let mut world = World::new(seed, 20);
        world.until_ready();
        let now = world.now;
        world.session.light(Backpack::all(Light::solid(Rgb::BLUE)), now);
        world.session.show(&scene::two_lines("DOWN", "Google"), now);
        world.run(Duration::from_secs(2), |_| false);
        let now = world.now;
        world.session.close(now);
        assert!(world.run(Duration::from_secs(3), ended), "seed {seed}");
        let sent = world.sent;
        world.run(Duration::from_secs(10), |_| false);
        assert_eq!(world.sent, sent, "seed {seed}: something was sent after the goodbye");
        let lights = world.robot.commands.iter().rfind(|command| command[0] == 0x03).unwrap();
        assert_eq!(lights[1..5], [0; 4], "seed {seed}");
        assert_eq!(world.robot.pictures.last().unwrap(), &[0x3F, 0x3F], "seed {seed}");
        assert_eq!(world.robot.goodbyes + world.robot.dropped_links, 1, "seed {seed}");
    }
}

#[test]
fn a_robot_on_recovery_firmware_is_lit_and_never_moved() {
    let mut world = World::new(6, 0);
    world.robot.firmware = r#"{"version": 10501, "build": "FACTORY"}"#.to_owned();
    world.until_ready();
    let now = world.now;
    world.session.gesture(Gesture::Greet, now);
    world.session.light(Backpack::all(Light::solid(Rgb::BLUE)), now);
    world.run(Duration::from_secs(5), |_| false);
    let tags = world.robot.tags();
    assert!(!tags.contains(&0x36) && !tags.contains(&0x37), "{tags:02x?}");
    assert!(tags.contains(&0x03));
    assert_eq!(world.robot.faults, [""; 0]);
}

#[test]
fn a_picture_is_shown_again_before_the_robot_forgets_it() {
    let mut world = World::new(7, 0);
    world.until_ready();
    let now = world.now;
    world.session.show(&scene::two_lines("DOWN", "Google"), now);
    world.run(Duration::from_secs(65), |_| false);
    let shown = world.robot.pictures.len();
    assert!((3..=8).contains(&shown), "{shown} times in 65 s");
}

#[test]
fn ids_go_round_from_65534_to_1_without_a_reconnect() {
    let mut world = World::new(8, 2);
    world.until_ready();
    let mut volume = 0;
    while volume < 66_000_u32 {
        for _ in 0..20 {
            volume += 1;
            let now = world.now;
            world.session.set_volume(u16::try_from(volume % 65_536).unwrap(), now);
        }
        world.run(Duration::from_secs(1), |world| world.session.pending() == 0);
    }
    assert_eq!(world.robot.faults, [""; 0]);
    let heard = world.robot.commands.iter().filter(|command| command[0] == 0x64).count();
    assert_eq!(heard, usize::try_from(volume).unwrap() + 1);
    assert_eq!(world.robot.connections, 1);
}
