//! Whether each device is up, as a metric.

use p7_bus::{DeviceState, DeviceStatus};
use prometheus::{IntGaugeVec, Opts, Registry};

/// The devices' metrics.
pub(crate) struct Metrics {
    up: IntGaugeVec,
}

impl Metrics {
    /// Registers them.
    ///
    /// # Errors
    /// When `registry` already has metrics of these names.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let help = "Whether the device shows what it should; of several units whether one does.";
        let up = IntGaugeVec::new(Opts::new("p7_device_up", help), &["kind", "device"])?;
        registry.register(Box::new(up.clone()))?;
        Ok(Self { up })
    }

    /// Brings them up to date.
    pub(crate) fn note(&self, devices: &[DeviceStatus]) {
        for device in devices {
            let is_up = devices.iter().any(|unit| unit.name == device.name && unit.state == DeviceState::Up);
            self.up.with_label_values(&[device.kind, &device.name]).set(i64::from(is_up));
        }
    }
}
