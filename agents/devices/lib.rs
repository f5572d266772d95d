//! p7-devices: lights and robots on the desk that show what this node knows.
//!
//! [`Devices`] hears what happens and gives every device the newest sight; a device never makes anybody
//! wait: it has threads of its own, and what it did not come to show is replaced by what is newer.

mod config;
mod devices;
mod kinds;
mod metrics;
mod world;

pub use config::{Config, Device as DeviceConfig};
pub use devices::{Connect, Devices, Listeners, Stop};
pub use kinds::{Parts, blinkstick, cozmo};
