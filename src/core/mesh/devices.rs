//! The devices of a node as it tells the mesh of them: lights and robots, how they are, what they were told.

use crate::vocabulary::MeshTime;
use serde::{Deserialize, Serialize};

/// Most devices that a node tells of: a configured one that drives several units is one for each.
pub const TOLD_LIMIT: usize = 32;
/// Longest name, kind, unit and model, each, in bytes.
pub const WORD_LIMIT: usize = 64;
/// Longest detail and last order, each, in bytes: what people read at a glance.
pub const DETAIL_LIMIT: usize = 160;

/// How a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// It shows what it should.
    Up,
    /// It is there and being set up.
    Starting,
    /// It is not plugged in, or out of reach.
    Missing,
    /// This user may not open it.
    Denied,
    /// It is there, but does not do what it should.
    Trouble,
}

impl DeviceState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Up, Self::Starting, Self::Missing, Self::Denied, Self::Trouble];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Starting => "starting",
            Self::Missing => "missing",
            Self::Denied => "denied",
            Self::Trouble => "trouble",
        }
    }
}

/// One device of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceTold {
    /// Its name, the key of its table in that node's node.toml.
    pub name: String,
    /// What it is: `blinkstick`, `cozmo`.
    pub kind: String,
    /// The unit's serial; empty while none is known.
    pub unit: String,
    /// The unit's model; empty while none is known.
    pub model: String,
    /// How it is.
    pub state: DeviceState,
    /// What is wrong, or how it fares, in short.
    pub detail: Option<String>,
    /// Since when it is so.
    pub since: MeshTime,
    /// The last order it got, in words, and when.
    pub last_order: Option<(String, MeshTime)>,
}

/// All devices of a node, as it tells of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DevicesTold {
    /// They, by name; at most [`TOLD_LIMIT`].
    pub devices: Vec<DeviceTold>,
    /// When this was said: of several the latest counts.
    pub at: MeshTime,
}
