//! p7-blinkstick: lights on a USB stick: models, feature reports as bytes, a stick over a small port, and
//! what its colours mean.
//!
//! [`Stick`] speaks to a [`port::Port`]: the kernel's hidraw in earnest ([`hid::Hid`]), a strict stick in
//! software in tests. [`picture`] is pure: what a node knows and the time make the colours.

mod colour;
pub mod frames;
pub mod hid;
mod model;
pub mod picture;
pub mod port;
pub mod sight;
#[cfg(any(test, feature = "simulated"))]
pub mod simulated;
mod stick;
#[cfg(test)]
mod tests;
pub mod walk;

pub use colour::{BadColour, Brightness, Rgb};
pub use model::{LEDS_LIMIT, Model, PRODUCT, VENDOR};
pub use stick::{SPACING, Stick, TRIES};

/// The udev rule that lets people at the machine, and the group plugdev, open BlinkSticks.
pub const UDEV_RULES: &str = include_str!("../../scripts/packaging/70-p7-devices.rules");
