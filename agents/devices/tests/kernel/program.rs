//! The program: `p7 device` without a node.

use crate::usb::Unit;
use crate::usbip::Plugged;
use crate::{BLUE, NOBODY, faults, found};
use p7_blinkstick::{Model, Rgb};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

/// Where scripts/test-blinkstick puts it.
const PROGRAM: &str = "/bin/p7";

fn p7(arguments: &[&str]) -> (String, Option<i32>) {
    let run = Command::new(PROGRAM).args(arguments).uid(NOBODY).current_dir("/tmp").output().unwrap();
    let Output { status, stdout, stderr } = run;
    let said = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (said, status.code())
}

#[test]
#[ignore = "scripts/test-blinkstick runs it in a kernel of its own"]
fn p7_lists_tests_and_sets_a_stick() {
    let unit = Unit::new(Model::Nano, 21);
    let _plugged = Plugged::new(&unit);
    let place = found(&unit).place;
    let (listed, code) = p7(&["device", "list"]);
    assert!(listed.contains("denied") && listed.contains("p7 device udev"), "{listed}");
    assert_eq!(code, Some(0));
    let (refused, code) = p7(&["device", "test", &unit.serial]);
    assert!(refused.contains("p7 device udev"), "{refused}");
    assert_eq!(code, Some(1));
    fs::set_permissions(&place, Permissions::from_mode(0o666)).unwrap();
    let (listed, _) = p7(&["device", "list", "--json"]);
    for part in [place.as_str(), unit.serial.as_str(), "Nano", "plugged in"] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    let (set, code) = p7(&["device", "set", &unit.serial, "blue"]);
    assert_eq!((unit.stick.colours(2), code), (vec![BLUE; 2], Some(0)), "{set}");
    let (tested, code) = p7(&["device", "test", "all"]);
    assert!(tested.starts_with("every LED red\n") && tested.ends_with("nothing: dark\n"), "{tested}");
    assert_eq!((unit.stick.colours(2), code), (vec![Rgb::BLACK; 2], Some(0)));
    let shown: Vec<Vec<u8>> = unit.stick.reports().iter().map(|report| report[2..8].to_vec()).collect();
    // green comes first on the wire: red, green, blue, then only the top LED
    let first =
        [[0, 255, 0].repeat(2), [255, 0, 0].repeat(2), [0, 0, 255].repeat(2), vec![255, 255, 255, 0, 0, 0]];
    assert_eq!(shown[1..5], first);
    assert_eq!(faults(&unit), [""; 0]);
}
