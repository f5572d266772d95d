//! What we send, read by packet classes that are not ours: PyPI's pycozmo. `scripts/setup test` brings it.

use p7_cozmo::command::{Command, Layout};
use p7_cozmo::light::{Backpack, Light, Rgb};
use p7_cozmo::link::Link;
use p7_cozmo::scene;
use p7_cozmo::sound::frames;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// The datagrams as pycozmo reads them.
fn read(datagrams: &[Vec<u8>]) -> Vec<Value> {
    let exe = std::env::current_exe().unwrap();
    let deps = exe.ancestors().find(|folder| folder.ends_with("deps")).unwrap();
    let python = deps.ancestors().nth(2).unwrap().join("peers/venv/bin/python");
    assert!(python.is_file(), "{} is missing; run scripts/setup test", python.display());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packet_classes.py");
    let mut child = std::process::Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let hex =
        |datagram: &Vec<u8>| datagram.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n";
    let input: String = datagrams.iter().map(hex).collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A link that the robot has taken, and everything it sends for these commands.
fn sent(commands: &[Command]) -> Vec<Vec<u8>> {
    let mut link = Link::open(Duration::ZERO);
    let mut datagrams: Vec<Vec<u8>> = link.datagram().into_iter().collect();
    let answer = [b"COZ\x03RE\x01\x09".as_slice(), &[1, 0, 1, 0, 1, 0], &[2, 0, 0]].concat();
    link.receive(&answer, Duration::from_millis(20));
    for command in commands {
        link.send(command.encode(), Duration::from_millis(21)).unwrap();
    }
    // what is unacknowledged is packed together when it is sent again
    link.tick(Duration::from_millis(60));
    datagrams.extend(std::iter::from_fn(|| link.datagram()));
    link.close(Duration::from_millis(61));
    link.tick(Duration::from_millis(1100));
    datagrams.extend(std::iter::from_fn(|| link.datagram()));
    datagrams
}

#[test]
fn pycozmo_reads_every_command_as_it_was_meant() {
    let picture = scene::two_lines("DOWN +1", "Google");
    let pcm: Vec<i16> = (0..744).map(|i| i * 44 - 16_000).collect();
    let sound = frames(&pcm).next().unwrap();
    let lights = Backpack { left: Light::solid(Rgb::RED), ..Backpack::centre(Light::flash(Rgb::ORANGE)) };
    let mut commands = vec![
        Command::Enable,
        Command::SetOrigin,
        Command::SyncTime(Layout::Current),
        Command::EnableAnimationState,
        Command::Volume(40_000),
        Command::Head(0.5, 7),
        Command::Lift(70.0, 8),
        Command::StopMotors,
        Command::Silence,
        Command::Picture(picture.encode().unwrap()),
        Command::Sound(sound.clone()),
    ];
    commands.extend(Command::backpack(&lights));
    let frames = read(&sent(&commands));
    assert_eq!(
        (&frames[0]["type"], &frames[0]["first"], &frames[0]["ack"]),
        (&json!("RESET"), &json!(1), &json!(0))
    );
    let last = frames.last().unwrap();
    assert_eq!((&last["type"], &last["first"], &last["last"]), (&json!("FIN"), &json!(15), &json!(15)));

    // each message first alone and later together with others: both must read alike
    let orange = 29 << 10 | 17 << 5 | 2;
    let flash = |colour: i32| {
        json!({"on_color": colour, "off_color": 0, "on_frames": 9, "off_frames": 9,
               "transition_on_frames": 0, "transition_off_frames": 0, "offset": 0})
    };
    let solid = |colour: i32| {
        json!({"on_color": colour, "off_color": colour, "on_frames": 255, "off_frames": 255,
               "transition_on_frames": 0, "transition_off_frames": 0, "offset": 0})
    };
    let motion = |target: &str, value: f64, action: i32| {
        json!({target: value, "max_speed_rad_per_sec": 10.0, "accel_rad_per_sec2": 10.0, "duration_sec": 0.0,
               "action_id": action})
    };
    let expected = [
        ("Enable", json!({})),
        ("SetOrigin", json!({"pose_frame_id": 0, "pose_origin_id": 1, "pose_x": 0.0, "pose_y": 0.0})),
        ("SyncTime", json!({"timestamp": 0})),
        ("EnableAnimationState", json!({})),
        ("SetRobotVolume", json!({"level": 40_000})),
        ("SetHeadAngle", motion("angle_rad", 0.5, 7)),
        ("SetLiftHeight", motion("height_mm", 70.0, 8)),
        ("StopAllMotors", json!({})),
        ("OutputSilence", json!({})),
        ("DisplayImage", json!({"image": picture.encode().unwrap()})),
        ("OutputAudio", json!({"samples": sound.to_vec()})),
        ("LightStateCenter", json!({"states": [flash(orange), flash(orange), flash(orange)]})),
        ("LightStateSide", json!({"states": [solid(31 << 10), solid(0)]})),
    ];
    for (place, (class, fields)) in expected.iter().enumerate() {
        let id = u64::try_from(place).unwrap() + 2;
        let found: Vec<&Value> = frames.iter().filter_map(|frame| numbered(frame, id)).collect();
        assert!(found.len() >= 2, "{class} was to be sent again");
        for packet in found {
            assert_eq!(packet["class"], *class, "id {id}");
            for (name, value) in fields.as_object().unwrap() {
                assert_eq!(&packet["fields"][name], value, "{class}.{name}");
            }
        }
    }
    let shown = frames.iter().find_map(|frame| numbered(frame, 11)).unwrap();
    let pixels = shown["fields"]["pixels"].as_array().unwrap();
    assert_eq!(pixels.len(), 128 * 32);
    for (at, pixel) in pixels.iter().enumerate() {
        assert_eq!(
            *pixel == json!(1),
            picture.is_lit(at % 128, at / 128),
            "pixel {}, {}",
            at % 128,
            at / 128
        );
    }
}

/// The packet with this id, in a container.
fn numbered(frame: &Value, id: u64) -> Option<&Value> {
    if frame["type"] != "ENGINE" {
        return None;
    }
    let (first, last) = (frame["first"].as_u64()?, frame["last"].as_u64()?);
    let packets = frame["packets"].as_array()?;
    assert_eq!(u64::try_from(packets.len()).ok()?, last - first + 1, "{first} to {last}");
    let place = id.checked_sub(first)?;
    packets.get(usize::try_from(place).ok()?)
}
