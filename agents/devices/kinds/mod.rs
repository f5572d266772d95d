//! The kinds of devices, a file each; a further one is a file here and a line in [`start`].

pub mod blinkstick;
pub mod cozmo;

use crate::config::Config;
use crate::metrics::Metrics;
use crate::world::World;
use p7_blinkstick::port::Finder;
use p7_bus::{DeviceDone, DeviceStatus, DeviceWish};
use p7_core::vocabulary::MeshTime;
use std::sync::Arc;
use tokio::sync::oneshot;

/// What devices need from the rest of the node.
#[derive(Clone)]
pub struct Parts {
    /// Mesh time.
    pub clock: fn() -> MeshTime,
    /// Who finds BlinkSticks.
    pub sticks: Arc<dyn Finder>,
}

/// Says that some device's state has changed; never waits.
pub(crate) type Notify = Arc<dyn Fn() + Send + Sync>;

/// Where the answer to an order goes: the reason when it can't be followed.
pub(crate) type Answer = oneshot::Sender<Result<DeviceDone, String>>;

/// A device. None of its methods waits for the device itself.
pub(crate) trait Device: Send + Sync {
    /// Its name in node.toml.
    fn name(&self) -> &str;

    /// What this node now knows; what was not shown yet is replaced.
    fn see(&self, world: &World);

    /// It is to do something; answered once it has begun.
    fn obey(&self, wish: &DeviceWish, answer: Answer);

    /// How its units are; at least one line.
    fn status(&self) -> Vec<DeviceStatus>;

    /// Brings what only its kind measures up to date.
    fn measure(&self, _metrics: &Metrics) {}

    /// It is to show what it shows at the end, and stop.
    fn end(&self);

    /// Whether it has stopped.
    fn has_ended(&self) -> bool;
}

/// Starts every device of the configuration. `notify` is called whenever one's state has changed.
pub(crate) fn start(config: &Config, parts: &Parts, notify: &Notify) -> Vec<Arc<dyn Device>> {
    let sticks = config.devices.iter().filter_map(|(name, device)| {
        let config = device.blinkstick.clone()?;
        Some((name.clone(), config))
    });
    let mut devices = blinkstick::start(sticks.collect(), parts, notify);
    for (name, device) in &config.devices {
        if let Some(config) = &device.cozmo {
            devices.push(cozmo::start(name, config, parts, notify));
        }
    }
    devices
}
