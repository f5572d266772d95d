//! Whether each device is up, and a robot's battery, as metrics.

use p7_bus::{DeviceState, DeviceStatus};
use prometheus::{GaugeVec, IntGaugeVec, Opts, Registry};

/// The devices' metrics.
pub(crate) struct Metrics {
    up: IntGaugeVec,
    battery: GaugeVec,
    charger: IntGaugeVec,
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
        let help = "The battery of a robot, in volts; below 3.5 it is low.";
        let battery = GaugeVec::new(Opts::new("p7_device_battery_volts", help), &["device"])?;
        registry.register(Box::new(battery.clone()))?;
        let help = "Whether a robot stands on its charger.";
        let charger = IntGaugeVec::new(Opts::new("p7_device_on_charger", help), &["device"])?;
        registry.register(Box::new(charger.clone()))?;
        Ok(Self { up, battery, charger })
    }

    /// A robot's battery and whether it stands on its charger, as far as they are known.
    pub(crate) fn note_battery(&self, device: &str, volts: Option<f32>, is_on_charger: Option<bool>) {
        if let Some(volts) = volts {
            self.battery.with_label_values(&[device]).set(f64::from(volts));
        }
        if let Some(on) = is_on_charger {
            self.charger.with_label_values(&[device]).set(i64::from(on));
        }
    }

    /// Brings them up to date.
    pub(crate) fn note(&self, devices: &[DeviceStatus]) {
        for device in devices {
            let is_up = devices.iter().any(|unit| unit.name == device.name && unit.state == DeviceState::Up);
            self.up.with_label_values(&[device.kind, &device.name]).set(i64::from(is_up));
        }
    }
}
