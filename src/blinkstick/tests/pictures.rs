//! What lights mean: tables of sights and the colours they make.

use crate::picture::{Activity, Language, Moment, Night, Picture};
use crate::sight::{Mesh, Network, Sight, Standing};
use crate::{Brightness, Rgb};
use p7_core::status::{MaintenanceNote, ServiceStatus};
use p7_core::vocabulary::{Level, MeshTime, Millis, Outcome, ServiceId};
use proptest::prelude::*;

fn service(level: Level) -> ServiceStatus {
    let mut status = ServiceStatus::pending(ServiceId::new("a").unwrap());
    status.level = level;
    status
}

fn refused() -> ServiceStatus {
    let mut status = service(Level::Down);
    status.outcome = Some(Outcome::Unauthorized);
    status
}

fn resting(level: Level) -> ServiceStatus {
    let mut status = service(level);
    status.maintenance = Some(MaintenanceNote::Found);
    status
}

fn sight(services: &[ServiceStatus]) -> Sight {
    let mut sight = Sight::default();
    for one in services {
        sight.add(one);
    }
    sight.add_cycle(Millis(10_000));
    sight
}

fn at(ms: u64) -> Moment {
    Moment { now: MeshTime(ms), minute: 12 * 60 }
}

fn names(picture: &Picture) -> Vec<&'static str> {
    picture.leds.iter().map(|led| led.name().unwrap_or("?")).collect()
}

/// Two seconds into a cycle the verdict stands still.
fn pair(sight: &Sight) -> Vec<&'static str> {
    names(&Language::default().picture(sight, 2, at(2_000)))
}

#[test]
fn the_bottom_led_is_the_worst_level_and_the_top_one_what_is_special() {
    let table = [
        (vec![service(Level::Healthy)], ["green", "green"]),
        (vec![service(Level::Healthy), service(Level::Partial)], ["green", "green"]),
        (vec![service(Level::Healthy), service(Level::Incident)], ["orange", "orange"]),
        (vec![service(Level::Down), service(Level::Incident)], ["red", "red"]),
        (vec![service(Level::Warning), service(Level::Healthy)], ["white", "green"]),
        (vec![refused(), service(Level::Healthy)], ["deeppink", "red"]),
        (vec![resting(Level::Down), service(Level::Healthy)], ["yellow", "green"]),
        (vec![resting(Level::Down)], ["yellow", "yellow"]),
        (vec![resting(Level::Healthy), service(Level::Down)], ["yellow", "red"]),
        (vec![service(Level::Unknown), service(Level::Healthy)], ["green", "green"]),
        (vec![service(Level::Unknown)], ["black", "blue"]),
        (vec![], ["black", "blue"]),
    ];
    for (services, expected) in table {
        assert_eq!(pair(&sight(&services)), expected, "{services:?}");
    }
}

#[test]
fn no_network_is_white_everywhere_and_a_lost_mesh_is_told_on_top() {
    let mut cut_off = sight(&[service(Level::Down)]);
    cut_off.network = Network::CutOff;
    assert_eq!(pair(&cut_off), ["white", "white"]);
    assert_eq!(names(&Language::default().picture(&cut_off, 1, at(0))), ["white"]);
    assert_eq!(names(&Language::default().picture(&cut_off, 8, at(0))), ["white"; 8]);
    let mut lost = sight(&[service(Level::Healthy), refused()]);
    lost.mesh = Mesh::Lost;
    assert_eq!(pair(&lost), ["purple", "red"]);
    lost.mesh = Mesh::Heard;
    assert_eq!(pair(&lost), ["deeppink", "red"]);
}

#[test]
fn a_cycle_begins_blue_shows_its_verdict_and_then_blinks_blue_on_top() {
    let sight = sight(&[service(Level::Incident)]);
    let table = [
        (0, ["orange", "blue"], 1_000),
        (999, ["orange", "blue"], 1),
        (1_000, ["orange", "orange"], 2_000),
        (3_000, ["blue", "orange"], 500),
        (3_500, ["black", "orange"], 1_500),
        (5_000, ["blue", "orange"], 500),
        (9_600, ["black", "orange"], 400),
        (10_000, ["orange", "blue"], 1_000),
    ];
    for (ms, expected, stays) in table {
        let picture = Language::default().picture(&sight, 2, at(ms));
        assert_eq!((names(&picture), picture.stays), (expected.to_vec(), Some(Millis(stays))), "{ms}");
    }
    let calm = Language { activity: Activity::Calm, ..Language::default() };
    for ms in [0, 3_000, 3_500] {
        let picture = calm.picture(&sight, 2, at(ms));
        assert_eq!((names(&picture), picture.stays), (vec!["orange", "orange"], None));
    }
}

#[test]
fn cycles_too_short_to_see_are_not_told() {
    let mut sight = sight(&[service(Level::Healthy)]);
    sight.add_cycle(Millis(2_000));
    let picture = Language::default().picture(&sight, 2, at(0));
    assert_eq!((names(&picture), picture.stays), (vec!["green", "green"], None));
}

#[test]
fn one_led_shows_trouble_before_what_is_special() {
    let table = [
        (vec![service(Level::Healthy)], "green"),
        (vec![service(Level::Healthy), resting(Level::Down)], "yellow"),
        (vec![service(Level::Incident), resting(Level::Down)], "orange"),
        (vec![service(Level::Down), service(Level::Warning)], "red"),
        (vec![service(Level::Warning)], "white"),
        (vec![], "blue"),
    ];
    for (services, expected) in table {
        assert_eq!(names(&Language::default().picture(&sight(&services), 1, at(0))), [expected]);
    }
}

#[test]
fn a_row_shows_shares_the_worst_first_and_a_dot_that_walks() {
    let mut services = vec![service(Level::Down), service(Level::Incident), service(Level::Incident)];
    services.extend(vec![service(Level::Healthy); 5]);
    let sight = sight(&services);
    let calm = Language { activity: Activity::Calm, ..Language::default() };
    let still = calm.picture(&sight, 8, at(0));
    assert_eq!(names(&still), ["red", "orange", "orange", "green", "green", "green", "green", "green"]);
    assert_eq!(still.stays, None);
    for led in 0..32_usize {
        let ms = 2_000 * u64::try_from(led).unwrap() + 300;
        let picture = Language::default().picture(&sight, 32, at(ms));
        let mut expected = [vec!["red"; 4], vec!["orange"; 8], vec!["green"; 20]].concat();
        expected[led] = "blue";
        assert_eq!((names(&picture), picture.stays), (expected, Some(Millis(1_700))));
    }
}

#[test]
fn one_of_many_is_still_seen_in_a_row() {
    let mut services = vec![service(Level::Healthy); 999];
    services.push(service(Level::Down));
    let calm = Language { activity: Activity::Calm, ..Language::default() };
    for leds in [8, 32, 64] {
        let shown = names(&calm.picture(&sight(&services), leds, at(0)));
        assert_eq!(shown.iter().filter(|name| **name == "red").count(), 1, "{leds}");
        assert_eq!(shown.iter().filter(|name| **name == "green").count(), leds - 1, "{leds}");
    }
}

#[test]
fn at_night_it_is_dark_also_over_midnight() {
    let over = Night { from: 22 * 60, until: 7 * 60 };
    let within = Night { from: 60, until: 120 };
    let table = [
        (over, 22 * 60 - 1, false),
        (over, 22 * 60, true),
        (over, 0, true),
        (over, 7 * 60 - 1, true),
        (over, 7 * 60, false),
        (within, 59, false),
        (within, 60, true),
        (within, 120, false),
        (Night { from: 5, until: 5 }, 5, false),
    ];
    for (night, minute, expected) in table {
        assert_eq!(night.covers(minute), expected, "{night:?} {minute}");
    }
    let language = Language { night: Some(over), ..Language::default() };
    let down = sight(&[service(Level::Down)]);
    let picture = language.picture(&down, 2, Moment { now: MeshTime(61_000), minute: 23 * 60 });
    assert_eq!((names(&picture), picture.stays), (vec!["black", "black"], Some(Millis(59_000))));
    let day = language.picture(&down, 2, Moment { now: MeshTime(2_000), minute: 600 });
    assert_eq!(names(&day), ["red", "red"]);
}

#[test]
fn brightness_limits_every_led() {
    let language = Language { brightness: Brightness::percent(10), ..Language::default() };
    let picture = language.picture(&sight(&[service(Level::Down)]), 2, at(2_000));
    assert_eq!(picture.leds, [Rgb::new(25, 0, 0); 2]);
    assert_eq!(language.unknown(3), [Rgb::new(12, 12, 12); 3]);
}

#[test]
fn a_service_stands_as_its_card_is_coloured() {
    let mut unmanaged = service(Level::Healthy);
    unmanaged.outcome = Some(Outcome::Unmanaged);
    assert_eq!(Standing::of(&unmanaged), Standing::Unknown);
    let mut passing = service(Level::Healthy);
    passing.outcome = Some(Outcome::Unauthorized);
    assert_eq!(Standing::of(&passing), Standing::Healthy, "others see it well");
    assert_eq!(Standing::of(&refused()), Standing::Unauthorized);
    assert_eq!(Standing::of(&resting(Level::Down)), Standing::Maintenance);
}

proptest! {
    /// Whatever there is: a picture has a colour for every LED, all standings that fit are seen, and it
    /// says when it has to be looked at again before it is wrong.
    #[test]
    fn a_picture_is_whole_and_stays_as_long_as_it_says(
        levels in prop::collection::vec(0_usize..6, 0..200),
        leds in 1_usize..=64,
        now in 0_u64..100_000,
        later in 0_u64..3_000,
    ) {
        let known = [Level::Unknown, Level::Healthy, Level::Partial, Level::Warning, Level::Incident, Level::Down];
        let services: Vec<ServiceStatus> = levels.iter().map(|level| service(known[*level])).collect();
        let sight = sight(&services);
        let language = Language::default();
        let picture = language.picture(&sight, leds, at(now));
        prop_assert_eq!(picture.leds.len(), leds);
        if picture.stays.is_none_or(|stays| later < stays.0) {
            prop_assert_eq!(language.picture(&sight, leds, at(now + later)).leds, picture.leds);
        }
    }
}
