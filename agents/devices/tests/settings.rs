//! What node.toml may say of devices.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use p7_devices::Config;
use p7_settings::{Check, Faults};

fn faults(toml: &str) -> Vec<(String, String)> {
    let config: Config = toml::from_str(toml).unwrap();
    let mut list = Vec::new();
    config.check(&mut Faults::new(&mut list));
    list.into_iter().map(|fault| (fault.path.join("."), fault.message)).collect()
}

#[test]
fn an_empty_table_is_every_stick_in_the_originals_colours() {
    assert_eq!(faults("[desk.blinkstick]\n"), []);
    let full = "[desk.blinkstick]\nserial = 'BS1-3.0'\nbrightness = 40\nactivity = 'calm'\nat_end = 'unknown'\n\
                night = '22:00-07:00'\ntime_zone = 'Europe/Paris'\nservices = ['shop']\n\
                environments = ['production']\nlabels = { team = 'payments' }\n\
                [desk.blinkstick.colours]\nhealthy = 'limegreen'\nlost_mesh = '#808'\n";
    assert_eq!(faults(full), []);
}

#[test]
fn faults_name_their_key() {
    let table = [
        ("[desk]\n", "desk", "[devices.desk.blinkstick]"),
        ("['My desk'.blinkstick]\n", "My desk", "a-z"),
        ("[desk.blinkstick]\nbrightness = 0\n", "desk.blinkstick.brightness", "1 to 100"),
        ("[desk.blinkstick]\nserial = ' '\n", "desk.blinkstick.serial", "names no stick"),
        ("[a.cozmo]\n[a.blinkstick]\n", "a", "two kinds"),
        ("[a.cozmo]\nvolume = 101\n", "a.cozmo.volume", "0 to 100"),
        ("[a.cozmo]\nvoice = '-x'\n", "a.cozmo.voice", "no voice's name"),
        ("[a.cozmo]\nwords_per_minute = 10\n", "a.cozmo.words_per_minute", "80 to 450"),
        ("[a.cozmo]\n[b.cozmo]\n", "b.cozmo.address", "what a drives"),
        ("[a.blinkstick]\n[b.blinkstick]\n", "b.blinkstick.serial", "what a drives"),
    ];
    for (toml, place, says) in table {
        let found = faults(toml);
        assert_eq!(found.len(), 1, "{toml}: {found:?}");
        assert!(found[0].0 == place && found[0].1.contains(says), "{toml}: {found:?}");
    }
}

#[test]
fn what_is_no_colour_hour_zone_or_key_is_refused_when_it_is_read() {
    let wrong = [
        ("colours = { down = 'rot' }", "`rot` is no colour"),
        ("colours = { dwon = 'red' }", "dwon"),
        ("night = '22:00-25:00'", "expected hours"),
        ("night = '07:00-07:00'", "expected hours"),
        ("time_zone = 'Paris'", "expected a time zone"),
        ("activity = 'wild'", "wild"),
        ("services = ['No Id']", "is no service id"),
        ("bright = 1", "bright"),
    ];
    for (line, says) in wrong {
        let refused =
            toml::from_str::<Config>(&format!("[desk.blinkstick]\n{line}\n")).unwrap_err().to_string();
        assert!(refused.contains(says), "{line}: {refused}");
    }
}
