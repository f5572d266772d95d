//! What the robot is told, and how its view reads.
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use super::config::local;
use super::mapping::{activity, detail, state};
use super::*;
use chrono_tz::Tz;
use std::time::Duration;

#[test]
fn a_cycles_first_second_is_blue_and_short_cycles_are_not_told() {
    let at = |ms| activity(Some(60_000), MeshTime(1_200_000 + ms));
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
