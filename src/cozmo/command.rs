//! What this side says to the robot: one message each, a tag and its fields.

use crate::light::{Backpack, Light};
use crate::sound::FRAME_SAMPLES;

/// Height of the lift's lowest place, in mm.
pub const LIFT_LOW_MM: f32 = 32.0;
/// Height of its highest place, in mm.
pub const LIFT_HIGH_MM: f32 = 92.0;
/// The head's lowest angle, in rad (-25°).
pub const HEAD_LOW_RAD: f32 = -0.436_3;
/// Its highest, in rad (44.5°).
pub const HEAD_HIGH_RAD: f32 = 0.776_7;
/// Speed of head and lift, in rad/s, and acceleration, in rad/s²: the official kit's defaults.
const MOTOR_SPEED: f32 = 10.0;

/// How the firmware lays out the few messages that have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// Firmware 2381 and 2457, and whatever is between.
    #[default]
    Current,
    /// Firmware up to 2214, and the recovery firmware.
    Old,
}

/// A message to the robot. What could harm it (shutdown, firmware, its memory, its Wi-Fi) is not among
/// them, and neither are the wheels.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Makes it answer with what it is; nothing works before.
    Enable,
    /// Where it stands is the origin.
    SetOrigin,
    /// Its clock begins at 0; makes it stream its state.
    SyncTime(Layout),
    /// Makes it say what it plays; pictures and sound are ignored before.
    EnableAnimationState,
    /// How loud it is, 0 to 65,535.
    Volume(u16),
    /// The three lights in the middle of its back.
    CentreLights([Light; 3]),
    /// The two red ones at the sides.
    SideLights([Light; 2]),
    /// The head's angle, in rad; the number comes back when it is accepted.
    Head(f32, u8),
    /// The lift's height, in mm; the number likewise.
    Lift(f32, u8),
    /// All motors rest.
    StopMotors,
    /// A picture on its face, encoded.
    Picture(Vec<u8>),
    /// A thirtieth of a second of sound, encoded.
    Sound(Box<[u8; FRAME_SAMPLES]>),
    /// As long a silence.
    Silence,
}

impl Command {
    /// Both messages that light the back.
    pub fn backpack(lights: &Backpack) -> [Self; 2] {
        let Backpack { left, front, middle, back, right } = *lights;
        [Self::CentreLights([front, middle, back]), Self::SideLights([left, right])]
    }

    /// The tag that begins it.
    pub fn tag(&self) -> u8 {
        match self {
            Self::CentreLights(_) => 0x03,
            Self::SideLights(_) => 0x11,
            Self::Enable => 0x25,
            Self::Lift(..) => 0x36,
            Self::Head(..) => 0x37,
            Self::StopMotors => 0x3B,
            Self::SetOrigin => 0x45,
            Self::SyncTime(_) => 0x4B,
            Self::Volume(_) => 0x64,
            Self::Sound(_) => 0x8E,
            Self::Silence => 0x8F,
            Self::Picture(_) => 0x97,
            Self::EnableAnimationState => 0x9F,
        }
    }

    /// Its bytes, tag first.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.tag()];
        match self {
            Self::Enable | Self::EnableAnimationState | Self::StopMotors | Self::Silence => {}
            Self::SetOrigin => {
                // 0, frame 0, origin 1, x and y 0, and a number without a meaning known to us
                for number in [0, 0, 1, 0, 0, 0x8000_0000_u32] {
                    bytes.extend_from_slice(&number.to_le_bytes());
                }
            }
            Self::SyncTime(layout) => {
                let length = match layout {
                    Layout::Current => 8,
                    Layout::Old => 12,
                };
                bytes.resize(1 + length, 0);
            }
            Self::Volume(volume) => bytes.extend_from_slice(&volume.to_le_bytes()),
            Self::CentreLights(lights) => put_lights(&mut bytes, lights),
            Self::SideLights(lights) => put_lights(&mut bytes, lights),
            Self::Head(angle, action) => {
                put_motion(&mut bytes, angle.clamp(HEAD_LOW_RAD, HEAD_HIGH_RAD), *action);
            }
            Self::Lift(height, action) => {
                put_motion(&mut bytes, height.clamp(LIFT_LOW_MM, LIFT_HIGH_MM), *action);
            }
            Self::Picture(picture) => {
                let length = u16::try_from(picture.len()).unwrap_or(u16::MAX);
                bytes.extend_from_slice(&length.to_le_bytes());
                bytes.extend_from_slice(picture);
            }
            Self::Sound(sound) => bytes.extend_from_slice(sound.as_slice()),
        }
        bytes
    }
}

fn put_lights(bytes: &mut Vec<u8>, lights: &[Light]) {
    for light in lights {
        bytes.extend_from_slice(&light.encode());
    }
    bytes.push(0); // the layer
}

/// Where to, how fast, how abruptly, in what time (0: as fast as that allows), under which number.
fn put_motion(bytes: &mut Vec<u8>, target: f32, action: u8) {
    for number in [target, MOTOR_SPEED, MOTOR_SPEED, 0.0] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.push(action);
}
