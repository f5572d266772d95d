//! Every report as bytes, and which model is which.

use crate::frames::{self, Info};
use crate::{Model, Rgb};

const RED: Rgb = Rgb::new(0xff, 0x10, 0x20);

#[test]
fn single_colours_are_red_green_blue() {
    assert_eq!(frames::led(RED), [0x01, 0xff, 0x10, 0x20]);
    assert_eq!(frames::indexed(0, 7, RED), [0x05, 0, 7, 0xff, 0x10, 0x20]);
    assert_eq!(frames::indexed(2, 63, RED), [0x05, 2, 63, 0xff, 0x10, 0x20]);
}

#[test]
fn a_row_is_green_red_blue_in_the_smallest_report_that_holds_it_filled_with_zeros() {
    for (leds, id, length) in [
        (0, 6, 26),
        (1, 6, 26),
        (2, 6, 26),
        (8, 6, 26),
        (9, 7, 50),
        (16, 7, 50),
        (17, 8, 98),
        (32, 8, 98),
        (33, 9, 194),
        (64, 9, 194),
    ] {
        let report = frames::all(1, &vec![RED; leds]).unwrap();
        let mut expected = vec![id, 1];
        for _ in 0..leds {
            expected.extend([0x10, 0xff, 0x20]);
        }
        expected.resize(length, 0);
        assert_eq!(report, expected, "{leds} LEDs");
    }
    assert_eq!(frames::all(0, &[RED; 65]), None);
}

#[test]
fn each_models_whole_row_has_its_report() {
    let expected = [
        (Model::Nano, 6, 26),
        (Model::Square, 6, 26),
        (Model::Strip, 6, 26),
        (Model::Flex, 8, 98),
        (Model::Pro, 9, 194),
    ];
    for (model, id, length) in expected {
        let report = frames::all(0, &vec![RED; model.leds()]).unwrap();
        assert_eq!((report[0], report.len()), (id, length), "{model:?}");
    }
}

#[test]
fn mode_count_and_names_are_as_long_as_the_stick_wants_them() {
    assert_eq!(frames::mode(2), [0x04, 2]);
    assert_eq!(frames::count(32), [0x81, 32]);
    let mut name = vec![0x02];
    name.extend(b"desk");
    name.resize(33, 0);
    assert_eq!(frames::info(Info::Name, "desk"), name);
    let data = frames::info(Info::Data, &"x".repeat(40));
    assert_eq!((data[0], data.len(), data[32]), (0x03, 33, b'x'));
    assert_eq!(frames::read_info(&name), "desk");
}

#[test]
fn what_is_asked_has_room_for_the_whole_answer() {
    let expected = [(1, 4), (2, 33), (3, 33), (4, 2), (5, 6), (6, 26), (7, 50), (8, 98), (9, 194), (0x81, 2)];
    for (id, length) in expected {
        let buffer = frames::ask(id).unwrap();
        assert_eq!((buffer[0], buffer.len()), (id, length));
    }
    assert_eq!(frames::ask(0), None);
    assert_eq!(frames::ask(10), None);
    assert_eq!(frames::read_all(&[6, 0, 1, 2, 3, 4, 5, 6]), [Rgb::new(2, 1, 3), Rgb::new(5, 4, 6)]);
}

#[test]
fn a_model_is_told_by_serial_then_release_then_product() {
    let table = [
        ("BS000001-1.3", 0x0200, "BlinkStick", Model::First),
        ("BS000001-2.0", 0x0200, "BlinkStick", Model::Pro),
        ("BS063819-3.0", 0x0200, "BlinkStick", Model::Square),
        ("BS000001-3.0", 0x0201, "BlinkStick", Model::Strip),
        ("BS000001-3.0", 0x0202, "BlinkStick", Model::Nano),
        ("BS000001-3.1", 0x0203, "BlinkStick Square", Model::Flex),
        ("BS000001-3.1", 0, "Agile Innovative Ltd BlinkStick Nano", Model::Nano),
        ("BS000001-3.1", 0x0204, "BlinkStick", Model::First),
        ("BS000001-4.0", 0x0202, "BlinkStick Flex", Model::Flex),
        ("", 0, "", Model::First),
        ("garbage-", 9, "x", Model::First),
    ];
    for (serial, release, product, expected) in table {
        assert_eq!(Model::identify(serial, release, product), expected, "{serial} {release:#x} {product}");
    }
}
