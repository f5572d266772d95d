//! What the robot says: the few messages that matter here, read from bytes nobody vouches for.

/// Longest description of the firmware that is looked at, in bytes; a real one has about 300.
const SIGNATURE_LIMIT: usize = 1024;
/// Firmware from this number on is the recovery one.
const RECOVERY_FROM: u32 = 10_000;
/// Up to this one some messages are laid out as in the recovery firmware.
const OLD_UP_TO: u32 = 2214;

/// A motor that calibrates itself after a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motor {
    /// The one that lifts.
    Lift,
    /// The one that nods.
    Head,
    /// Another.
    Other(u8),
}

/// What the robot runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Firmware {
    /// Its number: 2381 is Anki's last, 2457 that of 2025.
    pub version: u32,
    /// Whether it calls itself the factory's.
    pub factory: bool,
}

impl Firmware {
    /// Whether this is the recovery firmware, which knows other motor messages.
    pub fn is_recovery(self) -> bool {
        self.factory || self.version >= RECOVERY_FROM
    }

    /// Whether its messages are laid out the old way.
    pub fn is_old(self) -> bool {
        self.is_recovery() || self.version <= OLD_UP_TO
    }
}

/// The robot's state, about thirty times a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RobotState {
    /// The head's angle, in rad.
    pub head_rad: f32,
    /// The lift's height, in mm.
    pub lift_mm: f32,
    /// The battery, in V; not linear, below 3.5 is low.
    pub battery_v: f32,
    /// Bits of what it does.
    pub status: Status,
}

/// What the robot does, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status(pub u32);

impl Status {
    /// Somebody has it in the hand.
    pub fn picked_up(self) -> bool {
        self.bit(3)
    }

    /// The lift is where it was told to be.
    pub fn lift_in_place(self) -> bool {
        self.bit(8)
    }

    /// The head is.
    pub fn head_in_place(self) -> bool {
        self.bit(9)
    }

    /// It stands on its charger.
    pub fn on_charger(self) -> bool {
        self.bit(12)
    }

    /// And charges.
    pub fn charging(self) -> bool {
        self.bit(13)
    }

    fn bit(self, bit: u32) -> bool {
        self.0 >> bit & 1 == 1
    }
}

/// A message of the robot.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// What firmware it runs.
    Firmware(Firmware),
    /// Its serial number; the answer to Enable.
    Body(u32),
    /// It has taken the time and starts to stream its state.
    TimeTaken,
    /// An action was accepted.
    ActionTaken(u8),
    /// A motor begins or ends its calibration.
    Calibration(Motor, Calibration),
    /// Its state.
    State(RobotState),
    /// How many sounds it has played since it was switched on.
    Played(i32),
    /// Something else, of this tag.
    Other(u8),
}

/// How far a calibration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calibration {
    /// It has begun; the motor takes no orders.
    Started,
    /// It is done.
    Finished,
}

impl Report {
    /// Reads a message; none when it is shorter than its tag says. Longer ones are read as far as known.
    pub fn decode(message: &[u8]) -> Option<Self> {
        let (&tag, fields) = message.split_first()?;
        Some(match tag {
            0xEE => Self::Firmware(firmware(fields)?),
            0xED => Self::Body(u32_at(fields, 0)?),
            0xC2 => Self::TimeTaken,
            0xC4 => Self::ActionTaken(*fields.first()?),
            0xD1 => calibration(fields)?,
            0xF0 => Self::State(RobotState {
                head_rad: f32_at(fields, 40)?,
                lift_mm: f32_at(fields, 44)?,
                battery_v: f32_at(fields, 72)?,
                status: Status(u32_at(fields, 76)?),
            }),
            0xF1 => Self::Played(u32_at(fields, 8)?.cast_signed()),
            other => Self::Other(other),
        })
    }
}

fn calibration(fields: &[u8]) -> Option<Report> {
    let &[motor, started] = fields.first_chunk::<2>()?;
    let motor = match motor {
        2 => Motor::Lift,
        3 => Motor::Head,
        other => Motor::Other(other),
    };
    let how_far = if started == 0 { Calibration::Finished } else { Calibration::Started };
    Some(Report::Calibration(motor, how_far))
}

/// A length and JSON; of that only the number `version` and the text `build` matter.
fn firmware(fields: &[u8]) -> Option<Firmware> {
    let text = fields.get(4..)?;
    let text = String::from_utf8_lossy(text.get(..text.len().min(SIGNATURE_LIMIT))?).into_owned();
    let value = |key: &str| -> Option<String> {
        let after = text.split_once(&format!("\"{key}\""))?.1.trim_start().strip_prefix(':')?;
        let end = after.find([',', '}', '\n']).unwrap_or(after.len());
        Some(after.get(..end)?.trim().trim_matches('"').to_owned())
    };
    let version = value("version")?.parse().ok()?;
    let factory = value("build").is_some_and(|build| build == "FACTORY");
    Some(Firmware { version, factory })
}

fn u32_at(fields: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*fields.get(at..)?.first_chunk()?))
}

fn f32_at(fields: &[u8], at: usize) -> Option<f32> {
    u32_at(fields, at).map(f32::from_bits)
}
