//! What the robot is told, and how its view reads.

use super::config::local;
use super::mapping::{activity, detail, state};
use super::*;
use crate::world::{News, World};
use chrono_tz::Tz;
use p7_core::service::{Rules, Service, VantagePoints};
use p7_core::status::{CycleSummary, ServiceStatus, SilenceNote, VantageStatus, Verdict};
use p7_core::vocabulary::{Cycle, Interval, Level, Micros, NodeId, Outcome, ServiceId, Vote};
use p7_cozmo::board::{Places, Seen, Telling};
use std::collections::BTreeMap;
use std::time::Duration;

#[test]
fn a_cycles_first_second_is_blue() {
    let at = |ms: u64| activity(Some(60_000), MeshTime(1_200_000 + ms));
    assert_eq!(at(0), (Activity::Refreshing, Some(Duration::from_secs(1))));
    assert_eq!(at(999), (Activity::Refreshing, Some(Duration::from_millis(1))));
    assert_eq!(at(1_000), (Activity::Waiting, Some(Duration::from_secs(59))));
    assert_eq!(activity(None, MeshTime(0)), (Activity::Waiting, None));
}

#[test]
fn the_clock_is_that_of_the_zone() {
    // 2026-03-29 23:30 UTC, in summer time
    let there = local(MeshTime(1_774_827_000_000), Tz::Europe__Paris);
    assert_eq!((there.day, there.month, there.hour, there.minute, there.weekday), (30, 3, 1, 30, 0));
}

#[test]
fn the_battery_is_told_while_the_robot_is_there() {
    let mut view = View::default();
    assert_eq!((state(&view), detail(&view)), (DeviceState::Starting, None));
    view.trouble = Some("nobody answers".to_owned());
    view.battery_v = Some(3.45);
    view.charger = Charger::Off;
    assert_eq!((state(&view), detail(&view).unwrap()), (DeviceState::Missing, "nobody answers".to_owned()));
    let firmware = p7_cozmo::report::Firmware { version: 2381, factory: false };
    view.about = Some(p7_cozmo::session::About { firmware, serial: 7 });
    view.trouble = None;
    assert_eq!(state(&view), DeviceState::Up);
    assert_eq!(detail(&view).unwrap(), "battery 3.45 V, low: put it on its charger");
    view.battery_v = Some(4.1);
    view.charger = Charger::Charging;
    assert_eq!(detail(&view).unwrap(), "battery 4.10 V; charging");
}

#[test]
fn a_robot_without_a_voice_is_in_trouble_and_says_why() {
    let mut view = View { mute: Some("no voice".to_owned()), ..View::default() };
    assert_eq!((state(&view), detail(&view).unwrap()), (DeviceState::Starting, "no voice".to_owned()));
    view.trouble = Some("nobody answers".to_owned());
    let both = "nobody answers; no voice".to_owned();
    assert_eq!((state(&view), detail(&view).unwrap()), (DeviceState::Missing, both));
    view.trouble = None;
    let firmware = p7_cozmo::report::Firmware { version: 2381, factory: false };
    view.about = Some(p7_cozmo::session::About { firmware, serial: 7 });
    assert_eq!((state(&view), detail(&view).unwrap()), (DeviceState::Trouble, "no voice".to_owned()));
}

fn service(interval: u64) -> Arc<Service> {
    Arc::new(Service {
        id: ServiceId::new("google").unwrap(),
        name: "Google".to_owned(),
        environment: "public".to_owned(),
        kind: "tcp".to_owned(),
        target: "h:1".to_owned(),
        interval: Interval::new(Millis(interval)),
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

/// Down, as `failed` of five vantage points saw it.
fn down(failed: u16) -> ServiceStatus {
    let cycle = Cycle::starting(MeshTime(60_000));
    let mut status = ServiceStatus::pending(ServiceId::new("google").unwrap());
    status.level = Level::Down;
    let (verdict, outcome) = (Some(Verdict::Failed), Some(Outcome::Failed));
    status.cycles.push(CycleSummary { cycle, verdict, outcome, failed, voting: 5, latency: None });
    // the cycle that has just begun says nothing yet
    let cycle = Cycle::starting(MeshTime(120_000));
    status.cycles.push(CycleSummary {
        cycle,
        verdict: None,
        outcome: None,
        failed: 0,
        voting: 0,
        latency: None,
    });
    status.vantage.push(VantageStatus {
        node: NodeId::new("n1").unwrap(),
        failtage: None,
        outcome: Outcome::Failed,
        vote: Some(Vote::Failed),
        cycle,
        at: MeshTime(60_000),
        latency: Micros(0),
        reason: None,
    });
    status
}

#[test]
fn the_board_says_who_sees_it_and_a_change_of_that_is_news() {
    let mut world = World::default();
    world.configured(&[service(60_000)]);
    let shown = |world: &World| mapping::board(world).services.remove("google").unwrap();
    assert_eq!((shown(&world).level, mapping::cycle(&world)), (Level::Unknown, Some(60_000)));
    assert_eq!(world.heard(Arc::new(down(3))), News::Some);
    assert_eq!(world.heard(Arc::new(down(3))), News::None);
    assert_eq!(world.heard(Arc::new(down(4))), News::Some);
    let seen = Seen { by: 4, of: 5, places: Places::Nodes };
    assert_eq!((shown(&world).seen, shown(&world).telling), (seen, Telling::Aloud));
    world.sites = [(NodeId::new("n1").unwrap(), "sydney".to_owned())].into();
    assert_eq!(shown(&world).seen.places, Places::Offices);
    let silence = SilenceNote { id: "s".to_owned(), until: MeshTime(1), by: "me".to_owned() };
    let silenced = ServiceStatus { silence: Some(silence), ..down(4) };
    assert_eq!(world.heard(Arc::new(silenced)), News::Some);
    assert_eq!(shown(&world).telling, Telling::Mute);
    world.configured(&[service(2_000)]);
    assert_eq!(mapping::cycle(&world), None);
}
