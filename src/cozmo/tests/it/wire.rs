//! Bytes: what leaves for the robot, and what its bytes are read as.

use p7_cozmo::command::{Command, Layout};
use p7_cozmo::frame::{Frame, Id, Kind, encode};
use p7_cozmo::light::{Backpack, Light, Rgb};
use p7_cozmo::link::{Link, LinkEvent, SendError};
use p7_cozmo::picture::{Picture, Pixel, TooFine};
use p7_cozmo::report::{Calibration, Motor, Report};
use p7_cozmo::sound::{decode_sample, encode_sample, frames};
use std::time::Duration;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[test]
fn a_connection_begins_with_request_one_and_its_first_message_is_two() {
    let mut link = Link::open(Duration::ZERO);
    assert_eq!(hex(&link.datagram().unwrap()), "434F5A035245010101000100 0000".replace(' ', ""));
    // the robot: a mixed container, its id 1, acknowledging 1, with one connection response in it
    let answer = [b"COZ\x03RE\x01\x09".as_slice(), &[1, 0, 1, 0, 1, 0], &[2, 0, 0]].concat();
    link.receive(&answer, Duration::from_millis(20));
    assert_eq!(link.event(), Some(LinkEvent::Opened));
    link.send(Command::Enable.encode(), Duration::from_millis(21)).unwrap();
    assert_eq!(
        hex(&link.datagram().unwrap()),
        "434F5A03524501 0B 0000 0000 0100".replace(' ', "") + &hex(&ping(20.0))
    );
    assert_eq!(
        hex(&link.datagram().unwrap()),
        "434F5A03524501 07 0200 0200 0100 04 0100 25".replace(' ', ""),
        "a container of reliable messages with id 2, acknowledging 1"
    );
    link.close(Duration::from_millis(22));
    let acknowledged = [b"COZ\x03RE\x01\x09".as_slice(), &[0, 0, 0, 0, 2, 0]].concat();
    link.receive(&acknowledged, Duration::from_millis(40));
    assert_eq!(hex(&link.datagram().unwrap()), "434F5A03524501 03 0300 0300 0100".replace(' ', ""));
    assert_eq!(link.datagram(), None);
    assert_eq!(link.send(vec![0x25], Duration::from_millis(41)), Err(SendError::Over));
}

/// The first ping, sent at `ms`.
fn ping(ms: f64) -> Vec<u8> {
    [ms.to_le_bytes().as_slice(), &[1, 0, 0, 0], &[0; 4], &[0]].concat()
}

#[test]
fn every_command_is_these_bytes() {
    let flash = "F44B 0000 09 09 00 00 0000".replace(' ', "");
    let dark = "0000 0000 FF FF 00 00 0000".replace(' ', "");
    let backpack = Command::backpack(&Backpack::centre(Light::flash(Rgb::RED)));
    let red = flash.replace("F44B", "007C");
    let table = [
        (Command::Enable, "25".to_owned()),
        (Command::SetOrigin, format!("45{}01000000{}00000080", "00".repeat(8), "00".repeat(8))),
        (Command::SyncTime(Layout::Current), format!("4B{}", "00".repeat(8))),
        (Command::SyncTime(Layout::Old), format!("4B{}", "00".repeat(12))),
        (Command::EnableAnimationState, "9F".to_owned()),
        (Command::Volume(0x1234), "643412".to_owned()),
        (Command::StopMotors, "3B".to_owned()),
        (Command::Silence, "8F".to_owned()),
        (Command::Picture(vec![0x3F, 0x3F]), "9702003F3F".to_owned()),
        (Command::Head(0.5, 7), "370000003F00002041000020410000000007".to_owned()),
        (Command::Head(9.0, 7), "37D0D5463F00002041000020410000000007".to_owned()),
        (Command::Lift(32.0, 1), "360000004200002041000020410000000001".to_owned()),
        (backpack[0].clone(), format!("03{red}{red}{red}00")),
        (backpack[1].clone(), format!("11{dark}{dark}00")),
    ];
    for (command, bytes) in table {
        assert_eq!(hex(&command.encode()), bytes, "{command:?}");
    }
    assert_eq!(Rgb::BLUE.encode(), 0x001F);
    assert_eq!(Rgb::GREEN.encode(), 0x03E0);
    assert_eq!(Rgb::ORANGE.encode(), 29 << 10 | 17 << 5 | 2);
    assert_eq!(Rgb::WHITE.encode(), 0x7FFF);
}

#[test]
fn the_robots_words_are_read_as_these() {
    let mut state = vec![0; 92];
    state[0] = 0xF0;
    state[41..45].copy_from_slice(&0.25_f32.to_le_bytes());
    state[73..77].copy_from_slice(&4.05_f32.to_le_bytes());
    state[77..81].copy_from_slice(&0x3310_u32.to_le_bytes());
    let Some(Report::State(state)) = Report::decode(&state) else { panic!("no state") };
    assert!((state.head_rad - 0.25).abs() < 1e-6 && (state.battery_v - 4.05).abs() < 1e-6);
    let status = state.status;
    assert!(status.on_charger() && status.charging() && status.head_in_place() && status.lift_in_place());
    assert!(!status.picked_up());
    let signature = |json: &str| [&[0xEE, 1, 0, 0, 0], json.as_bytes()].concat();
    let firmware = |json: &str| match Report::decode(&signature(json)) {
        Some(Report::Firmware(firmware)) => {
            Some((firmware.version, firmware.is_recovery(), firmware.is_old()))
        }
        _ => None,
    };
    assert_eq!(firmware(r#"{"version":2381,"build":"DEV"}"#), Some((2381, false, false)));
    assert_eq!(firmware(r#"{"version" : 10501}"#), Some((10_501, true, true)));
    assert_eq!(firmware(r#"{"build":"FACTORY","version":2}"#), Some((2, true, true)));
    assert_eq!(firmware(r#"{"version":2214}"#), Some((2214, false, true)));
    assert_eq!(firmware("{}"), None);
    let calibration = Report::Calibration(Motor::Head, Calibration::Finished);
    assert_eq!(Report::decode(&[0xD1, 3, 0, 0]), Some(calibration));
    assert_eq!(Report::decode(&[0xC4, 9]), Some(Report::ActionTaken(9)));
    let old_short = [&[0xF1][..], &[0; 8], &7_i32.to_le_bytes(), &[0, 0]].concat();
    assert_eq!(Report::decode(&old_short), Some(Report::Played(7)), "14 bytes on old firmware");
    assert_eq!(Report::decode(&[0xF1, 1]), None);
    assert_eq!(Report::decode(&[0xF2, 1]), Some(Report::Other(0xF2)));
}

#[test]
fn ids_go_round_and_zero_is_none() {
    let id = |n| Id::from_wire(n).unwrap();
    assert_eq!(id(65_534).next(), id(1));
    assert_eq!(id(1).next(), id(2));
    assert_eq!((Id::from_wire(0), Id::from_wire(65_535)), (None, None));
    let ids = Some((id(65_533), id(1)));
    let body = [4, 1, 0, 0xAA, 5, 1, 0, 0xBB, 4, 1, 0, 0xCC, 4, 1, 0, 0xDD];
    let datagram = encode(Kind::MixedContainer, ids, None, &body);
    let parts: Vec<_> =
        Frame::decode(&datagram).unwrap().parts().map(|part| (part.id, part.payload[0])).collect();
    assert_eq!(
        parts,
        [(Some(id(65_533)), 0xAA), (None, 0xBB), (Some(id(65_534)), 0xCC), (Some(id(1)), 0xDD)],
        "an unreliable message takes no id"
    );
}

#[test]
fn every_sample_survives_within_its_step() {
    for sample in i16::MIN..=i16::MAX {
        let back = decode_sample(encode_sample(sample));
        let error = (i32::from(sample) - i32::from(back)).abs();
        let step = (i32::from(sample).abs() / 16).max(16);
        assert!(error <= step, "{sample} became {back}");
    }
    assert_eq!(encode_sample(0), 0, "silence is zero");
    for byte in 0..=255_u8 {
        let expected = if byte == 0x80 { 0 } else { byte };
        let sample = decode_sample(byte);
        // of -n the complement is taken, so what lies on a step's edge from below belongs to the step before
        let again = encode_sample(if sample < 0 { sample - 1 } else { sample });
        assert_eq!(again, expected, "{byte:#04x} is {sample}");
    }
    let cut: Vec<_> = frames(&[1000; 745]).collect();
    assert_eq!(cut.len(), 2);
    assert_eq!(cut[1][1..], [0; 743], "the last is filled up with silence");
}

#[test]
fn a_picture_too_fine_for_a_message_is_refused() {
    let mut noise = Picture::default();
    for x in 0..128 {
        for y in (0..32).step_by(2) {
            noise.set(x, y, Pixel::Lit);
        }
    }
    assert_eq!(noise.encode(), Err(TooFine(128 * 32)));
    assert_eq!(Picture::default().encode(), Ok(vec![0x3F, 0x3F]));
    let mut dot = Picture::default();
    dot.set(0, 0, Pixel::Lit);
    dot.set(500, 500, Pixel::Lit);
    let bytes = dot.encode().unwrap();
    // one lit pixel, 31 dark ones, and 127 columns of 32 dark ones
    assert_eq!(bytes[..3], [0b1000_0001, 0b1111_1000, 0b1111_1100]);
    assert_eq!(bytes.len(), 2 + 127);
}
