//! `[devices.NAME]` of node.toml: what is plugged into this machine.

use crate::kinds::{blinkstick, cozmo};
use p7_settings::{Check, Faults};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Most devices of a machine: they are told to every node of the mesh.
const DEVICES_LIMIT: usize = 16;
/// Longest name of a device, in bytes.
const NAME_LIMIT: usize = 32;

/// The devices of this machine, by name.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Config {
    /// Each with its kind as a table of its own, such as `[devices.desk.blinkstick]`.
    pub devices: BTreeMap<String, Device>,
}

/// One device: exactly one kind. A further kind is a field here.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Device {
    /// A light on a USB stick.
    pub blinkstick: Option<blinkstick::Config>,
    /// A robot.
    pub cozmo: Option<cozmo::Config>,
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.devices.len() > DEVICES_LIMIT {
            faults.here(format!("more than {DEVICES_LIMIT} devices; leave some out"));
        }
        let mut drives: BTreeMap<String, &str> = BTreeMap::new();
        let mut robots: BTreeMap<SocketAddr, &str> = BTreeMap::new();
        for (name, device) in &self.devices {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
            if name.is_empty() || name.len() > NAME_LIMIT || !name.bytes().all(plain) {
                let what = format!("is no name of a device: use 1 to {NAME_LIMIT} of a-z, 0-9, `-` and `_`");
                faults.push(name, what);
            }
            match (&device.blinkstick, &device.cozmo) {
                (Some(stick), None) => {
                    stick.check(&mut faults.under(name).under("blinkstick"));
                    if let Some(other) = drives.insert(stick.serial.to_ascii_lowercase(), name) {
                        let what =
                            format!("`{}` is what {other} drives, too; name another serial", stick.serial);
                        faults.under(name).under("blinkstick").push("serial", what);
                    }
                }
                (None, Some(robot)) => {
                    robot.check(&mut faults.under(name).under("cozmo"));
                    if let Some(other) = robots.insert(robot.address, name) {
                        let what =
                            format!("{} is what {other} drives, too; one at a time can", robot.address);
                        faults.under(name).under("cozmo").push("address", what);
                    }
                }
                (None, None) => {
                    let kinds = format!("[devices.{name}.blinkstick] or [devices.{name}.cozmo]");
                    faults.push(name, format!("says of no kind what it is; write {kinds}"));
                }
                (Some(_), Some(_)) => {
                    faults.push(name, "is of two kinds; give each device a name of its own");
                }
            }
        }
    }
}
