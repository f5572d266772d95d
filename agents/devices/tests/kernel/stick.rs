//! The driver: models, colours, frames, a chip that does not answer, a stick that is pulled out.

use crate::usb::Unit;
use crate::usbip::Plugged;
use crate::{BLUE, RED, become_nobody, faults, found, opened, wait};
use p7_blinkstick::hid::Hid;
use p7_blinkstick::port::{Finder, OpenError, PortError};
use p7_blinkstick::{Model, Rgb};
use std::time::Duration;

const MODELS: [Model; 6] = [Model::First, Model::Pro, Model::Square, Model::Strip, Model::Nano, Model::Flex];

fn row(leds: usize) -> Vec<Rgb> {
    (1..).take(leds).map(|n| Rgb::new(n, 2 * n, 3 * n)).collect()
}

#[test]
#[ignore = "scripts/test-blinkstick runs it in a kernel of its own"]
fn every_model_is_told_by_what_usb_says_and_shows_its_colours() {
    for (number, model) in (1..).zip(MODELS) {
        let unit = Unit::new(model, number);
        unit.stick.state().mode = if model == Model::First { 0 } else { 2 };
        let plugged = Plugged::new(&unit);
        let found = found(&unit);
        assert_eq!(found.model, model);
        assert!(found.place.starts_with("/dev/hidraw"), "{found:?}");
        let mut stick = opened(&unit);
        assert_eq!(stick.leds(), model.leds(), "{model:?}");
        stick.show(&row(model.leds())).unwrap();
        assert_eq!(unit.stick.colours(model.leds()), row(model.leds()), "{model:?}");
        assert_eq!(stick.shown().unwrap(), row(model.leds()), "{model:?}");
        stick.show(&[]).unwrap();
        assert_eq!(unit.stick.colours(64), [Rgb::BLACK; 64], "{model:?}");
        assert_eq!(faults(&unit), [""; 0], "{model:?}");
        drop(plugged);
        wait("pulled out", || Hid.find().unwrap().is_empty());
    }
}

#[test]
#[ignore = "scripts/test-blinkstick runs it in a kernel of its own"]
fn thirty_two_leds_of_a_flex_are_one_report_of_98_bytes() {
    let unit = Unit::new(Model::Flex, 32);
    let _plugged = Plugged::new(&unit);
    opened(&unit).show(&row(32)).unwrap();
    let reports = unit.stick.reports();
    assert_eq!(reports.iter().map(|report| (report[0], report.len())).collect::<Vec<_>>(), [(8, 98)]);
    // green, red, blue of the last LED
    assert_eq!(reports[0][95..], [64, 32, 96]);
    assert_eq!(unit.stick.colours(32), row(32));
    assert_eq!(faults(&unit), [""; 0]);
}

#[test]
#[ignore = "scripts/test-blinkstick runs it in a kernel of its own"]
fn blinking_is_on_and_off_and_ends_dark() {
    let unit = Unit::new(Model::Nano, 2);
    let _plugged = Plugged::new(&unit);
    opened(&unit).blink(RED, 3, Duration::from_millis(50), Duration::from_millis(30)).unwrap();
    let lit: Vec<bool> = unit.stick.reports().iter().map(|report| report[3] == 255).collect();
    assert_eq!(lit, [true, false, true, false, true, false]);
    assert_eq!((unit.stick.colours(2), faults(&unit).len()), (vec![Rgb::BLACK; 2], 0));
}

#[test]
#[ignore = "scripts/test-blinkstick runs it in a kernel of its own"]
fn a_stick_in_the_wrong_mode_is_set_right_once() {
    let unit = Unit::new(Model::Square, 3);
    unit.stick.state().mode = 0;
    let _plugged = Plugged::new(&unit);
    drop(opened(&unit));
    opened(&unit).show(&[BLUE; 8]).unwrap();
    let reports = unit.stick.reports();
    assert_eq!(reports.iter().map(|report| report[0]).collect::<Vec<_>>(), [4, 6]);
    assert_eq!((unit.stick.colours(8), faults(&unit).len()), (vec![BLUE; 8], 0));
}

#[test]
#[ignore = "scripts/test-blinkstick runs it in a kernel of its own"]
fn what_a_deaf_chip_does_not_take_is_sent_again() {
    let unit = Unit::new(Model::Strip, 4);
    let _plugged = Plugged::new(&unit);
    let mut stick = opened(&unit);
    // three times as long as reports are apart, shorter than all the tries
    unit.stick.state().deaf_per_led = Duration::from_micros(7_500);
    let mut turn = 0_u8;
    // a machine that is busy may ask late enough by itself
    while faults(&unit).is_empty() {
        turn = turn.checked_add(1).expect("it is never asked while it is deaf");
        let row = [Rgb::new(turn, 2, 3); 8];
        stick.show(&row).unwrap();
        assert_eq!(unit.stick.colours(8), row);
    }
    let faults = faults(&unit);
    assert!(faults.iter().all(|fault| fault.contains("deaf until")), "{faults:?}");
    // one that stays deaf is lost
    unit.stick.state().deaf_per_led = Duration::from_secs(60);
    stick.show(&[RED; 8]).unwrap();
    assert!(matches!(stick.show(&[BLUE; 8]), Err(PortError::Failed(_))));
}

#[test]
#[ignore = "scripts/test-blinkstick runs it in a kernel of its own"]
fn a_flex_that_takes_no_long_report_is_written_led_by_led() {
    let unit = Unit::new(Model::Flex, 5);
    unit.stick.state().count = 12;
    unit.stick.state().failing = 2;
    let _plugged = Plugged::new(&unit);
    let mut stick = opened(&unit);
    assert_eq!(stick.leds(), 12);
    stick.show(&row(12)).unwrap();
    assert_eq!(unit.stick.colours(12), row(12));
    let other = Unit::new(Model::Flex, 6);
    other.stick.state().refuses_long = true;
    let _also_plugged = Plugged::new(&other);
    opened(&other).show(&row(32)).unwrap();
    assert_eq!(other.stick.colours(32), row(32));
    let single = other.stick.reports().iter().filter(|report| report[0] == 5).count();
    assert_eq!((single, faults(&unit).len(), faults(&other).len()), (32, 0, 0));
}

#[test]
#[ignore = "scripts/test-blinkstick runs it in a kernel of its own"]
fn a_stick_that_is_pulled_out_is_known_to_be_gone_and_works_again_when_it_is_back() {
    let unit = Unit::new(Model::Nano, 7);
    let plugged = Plugged::new(&unit);
    let mut stick = opened(&unit);
    stick.show(&[RED, BLUE]).unwrap();
    drop(plugged);
    assert_eq!(stick.show(&[BLUE, RED]), Err(PortError::Gone));
    assert!(Hid.find().unwrap().is_empty());
    let _again = Plugged::new(&unit);
    opened(&unit).show(&[BLUE, RED]).unwrap();
    assert_eq!((unit.stick.colours(2), faults(&unit).len()), (vec![BLUE, RED], 0));
}

#[test]
#[ignore = "scripts/test-blinkstick runs it in a kernel of its own"]
fn a_stick_one_may_not_open_is_found_and_explained() {
    let unit = Unit::new(Model::Nano, 8);
    let _plugged = Plugged::new(&unit);
    let found = found(&unit);
    let its = found.clone();
    let refused = std::thread::spawn(move || {
        become_nobody();
        assert_eq!(Hid.find().unwrap(), std::slice::from_ref(&its));
        Hid.open(&its).err()
    });
    let refused = refused.join().unwrap().unwrap();
    assert_eq!(refused, OpenError::Denied(found.place));
    assert!(refused.to_string().contains("p7 device udev"), "{refused}");
}
