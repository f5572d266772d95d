//! A stick over a strict one in software: what arrives, how spaced, and what happens when it does not.

use crate::port::PortError;
use crate::simulated::Simulated;
use crate::{Model, Rgb, SPACING, Stick, TRIES, frames};
use std::time::Duration;

const MODELS: [Model; 6] = [Model::First, Model::Pro, Model::Square, Model::Strip, Model::Nano, Model::Flex];
const RED: Rgb = Rgb::new(0xff, 0, 0);
const BLUE: Rgb = Rgb::new(0, 0, 0xff);

fn opened(stick: &Simulated) -> Stick<Simulated> {
    let model = stick.state().model;
    Stick::open(stick.clone(), model).unwrap()
}

fn row(leds: usize) -> Vec<Rgb> {
    (1..).take(leds).map(|n| Rgb::new(n, 2 * n, 3 * n)).collect()
}

#[test]
fn every_model_shows_its_row_and_swallows_nothing() {
    for model in MODELS {
        let simulated = Simulated::new(model);
        simulated.state().mode = if model == Model::First { 0 } else { 2 };
        let mut stick = opened(&simulated);
        assert_eq!(stick.leds(), model.leds(), "{model:?}");
        stick.show(&row(model.leds())).unwrap();
        stick.show(&row(model.leds() + 3)).unwrap();
        assert_eq!(simulated.colours(model.leds()), row(model.leds()), "{model:?}");
        assert_eq!(stick.shown().unwrap(), row(model.leds()), "{model:?}");
        stick.show(&[]).unwrap();
        assert_eq!(simulated.colours(64), vec![Rgb::BLACK; 64], "{model:?}");
        assert_eq!(simulated.state().faults, Vec::<String>::new(), "{model:?}");
    }
}

#[test]
fn the_bytes_of_each_models_picture() {
    let bytes = |model: Model, mode: u8| {
        let simulated = Simulated::new(model);
        simulated.state().mode = mode;
        opened(&simulated).show(&[RED, BLUE]).unwrap();
        simulated.reports()
    };
    let bulk = |id: u8, channel: u8, length: usize| {
        let mut report = vec![id, channel, 0, 0xff, 0, 0, 0, 0xff];
        report.resize(length, 0);
        report
    };
    assert_eq!(bytes(Model::First, 0), [vec![1, 0xff, 0, 0]]);
    assert_eq!(bytes(Model::Nano, 2), [bulk(6, 0, 26)]);
    assert_eq!(bytes(Model::Square, 2), [bulk(6, 0, 26)]);
    assert_eq!(bytes(Model::Strip, 2), [bulk(6, 0, 26)]);
    assert_eq!(bytes(Model::Flex, 2), [bulk(8, 0, 98)]);
    assert_eq!(bytes(Model::Pro, 2), [bulk(9, 0, 194), bulk(9, 1, 194), bulk(9, 2, 194)]);
    // a Pro with a plain LED, or one that mirrors, has one colour
    assert_eq!(bytes(Model::Pro, 0), [vec![1, 0xff, 0, 0]]);
    assert_eq!(bytes(Model::Pro, 3), [vec![1, 0xff, 0, 0]]);
}

#[test]
fn a_stick_in_the_wrong_mode_is_set_right_once_and_only_then() {
    let simulated = Simulated::new(Model::Square);
    simulated.state().mode = 0;
    drop(opened(&simulated));
    drop(opened(&simulated));
    assert_eq!(simulated.reports(), [vec![4, 2]]);
    let plain = Simulated::new(Model::Pro);
    drop(opened(&plain));
    assert_eq!((plain.reports(), plain.state().mode), (Vec::new(), 0));
}

#[test]
fn reports_are_spaced_and_no_stick_is_asked_while_it_is_deaf() {
    let simulated = Simulated::new(Model::Flex);
    let mut stick = opened(&simulated);
    for n in 0..20 {
        stick.show(&row(n)).unwrap();
        stick.shown().unwrap();
    }
    let state = simulated.state();
    assert_eq!(state.faults, Vec::<String>::new());
    for pair in state.arrived.windows(2) {
        assert!(pair[1].0 >= pair[0].0 + SPACING, "{pair:?}");
    }
}

#[test]
fn what_fails_is_tried_again_and_then_the_stick_is_lost() {
    let simulated = Simulated::new(Model::Nano);
    let mut stick = opened(&simulated);
    simulated.state().failing = TRIES - 1;
    stick.show(&[RED, BLUE]).unwrap();
    assert_eq!(simulated.colours(2), [RED, BLUE]);
    simulated.state().failing = TRIES;
    let lost = stick.show(&[BLUE, RED]).unwrap_err();
    assert_eq!(lost, PortError::Failed("ioctl (SFEATURE): EPIPE".to_owned()));
    assert_eq!(simulated.colours(2), [RED, BLUE]);
}

#[test]
fn an_unplugged_stick_is_known_at_once() {
    let simulated = Simulated::new(Model::Nano);
    let mut stick = opened(&simulated);
    simulated.state().unplugged = true;
    let before = crate::port::Port::now(&simulated);
    assert_eq!(stick.show(&[RED]), Err(PortError::Gone));
    // one try and no more
    assert!(crate::port::Port::now(&simulated) <= before + SPACING);
}

#[test]
fn a_flex_that_takes_no_row_is_written_led_by_led_from_then_on() {
    let simulated = Simulated::new(Model::Flex);
    simulated.state().count = 20;
    simulated.state().refuses_long = true;
    let mut stick = opened(&simulated);
    stick.show(&row(20)).unwrap();
    assert_eq!(simulated.colours(20), row(20));
    simulated.state().arrived.clear();
    stick.show(&row(20)).unwrap();
    let expected: Vec<Vec<u8>> =
        (0..).zip(row(20)).map(|(index, colour)| frames::indexed(0, index, colour)).collect();
    assert_eq!(simulated.reports(), expected);
    assert_eq!(simulated.state().faults, Vec::<String>::new());
}

#[test]
fn an_old_stick_that_swallows_red_after_green_is_brought_there_by_a_small_step() {
    let green = Rgb::new(0, 0xff, 0);
    let simulated = Simulated::new(Model::First);
    simulated.state().swallows_swapped = true;
    let mut stick = opened(&simulated);
    for colour in [RED, green, green, RED, BLUE, Rgb::BLACK] {
        stick.show(&[colour]).unwrap();
        assert_eq!(simulated.colours(1), [colour]);
    }
    assert_eq!(simulated.reports().len(), 8);
}

#[test]
fn blinking_ends_off() {
    let simulated = Simulated::new(Model::First);
    let mut stick = opened(&simulated);
    let started = crate::port::Port::now(&simulated);
    stick.blink(RED, 2, Duration::from_millis(500), Duration::from_millis(100)).unwrap();
    let lit = vec![1, 0xff, 0, 0];
    let dark = vec![1, 0, 0, 0];
    assert_eq!(simulated.reports(), [lit.clone(), dark.clone(), lit, dark]);
    let ended = crate::port::Port::now(&simulated);
    assert_eq!(ended, started + Duration::from_millis(1_100));
}

#[test]
fn the_strict_stick_is_strict() {
    use crate::port::Port;
    let wrong: [(Model, u8, Vec<u8>, &str); 7] = [
        (Model::Nano, 2, vec![6, 0, 0], "has 3 bytes"),
        (Model::Nano, 2, frames::indexed(0, 2, RED), "no LED 2"),
        (Model::Nano, 2, frames::indexed(1, 0, RED), "no channel 1"),
        (Model::Nano, 0, frames::indexed(0, 0, RED), "in mode 0"),
        (Model::Nano, 2, frames::mode(1), "hangs a Nano"),
        (Model::Nano, 2, frames::count(4), "only a Flex"),
        (Model::Nano, 2, frames::all(0, &[RED; 3]).unwrap(), "beyond LED 2"),
    ];
    for (model, mode, report, why) in wrong {
        let mut simulated = Simulated::new(model);
        simulated.state().mode = mode;
        simulated.set(&report).unwrap_err();
        let faults = simulated.state().faults.join("; ");
        assert!(faults.contains(why), "{report:?}: {faults}");
    }
    let mut simulated = Simulated::new(Model::Strip);
    simulated.set(&frames::all(0, &[RED; 8]).unwrap()).unwrap();
    simulated.set(&frames::led(RED)).unwrap_err();
    assert!(simulated.state().faults[0].contains("deaf"), "{:?}", simulated.state().faults);
}
