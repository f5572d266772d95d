//! What is told and asked about the devices of a machine: lights and robots.

use crate::AskError;
use actix::prelude::*;
pub use p7_core::mesh::devices::DeviceState;
use p7_core::vocabulary::{MeshTime, Millis};
use std::sync::Arc;

/// Longest text that is said, in characters: about twenty seconds.
pub const SAY_LIMIT: usize = 300;
/// Longest time that a device shows what somebody asked for: a day.
pub const SHOW_LIMIT: Millis = Millis(86_400_000);

/// One device as its machine knows it. A configured device that drives several units is here once for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceStatus {
    /// Its name, the key of its table in node.toml.
    pub name: String,
    /// What it is: `blinkstick`, `cozmo`.
    pub kind: &'static str,
    /// The unit: a serial; empty while none is known.
    pub unit: String,
    /// The unit's model; empty while none is known.
    pub model: String,
    /// How it is.
    pub state: DeviceState,
    /// What is wrong and what to do, or how it fares, such as its battery; none when there is nothing to say.
    pub detail: Option<String>,
    /// Since when it is so.
    pub since: MeshTime,
    /// The last order it got, in words, and when.
    pub last_order: Option<(String, MeshTime)>,
}

/// devices → dashboard, member: the devices of this machine, by name, as they now are.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct DevicesNoted(pub Arc<Vec<DeviceStatus>>);

/// What a device is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceWish {
    /// Show a colour for a while: a CSS name or `#rrggbb`.
    Show {
        /// Which.
        colour: String,
        /// For how long.
        span: Millis,
    },
    /// Walk through what it can show.
    Test,
    /// Say something.
    Say {
        /// What.
        text: String,
    },
}

/// dashboard, mesh → devices: a device of this machine is to do something. Answered once it has begun.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "Result<DeviceDone, AskError>")]
pub struct DeviceOrder {
    /// The device's name.
    pub device: String,
    /// What it is to do.
    pub wish: DeviceWish,
}

/// What a device has begun to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceDone {
    /// Its steps, for people to compare with what they see.
    pub steps: Vec<DeviceStep>,
}

/// One step of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceStep {
    /// What is to be seen.
    pub says: String,
    /// For how long.
    pub lasts: Millis,
}
