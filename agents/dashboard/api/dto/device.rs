//! Devices as the API shows them.

use crate::api::time::Timestamp;
use crate::pages::Names;
use p7_bus::{DeviceDone, DeviceStatus, DeviceStep};
use p7_core::mesh::devices::DeviceTold;
use p7_core::mesh::view::MemberView;
use serde::Serialize;
use utoipa::ToSchema;

/// The state of a device of which its node tells no more than its name.
const UNKNOWN: &str = "unknown";

/// One device; one that drives several units is listed once for each.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Device)]
pub(crate) struct DeviceDto {
    /// Its name, the key of its table in node.toml.
    name: String,
    /// What it is: `blinkstick` or `cozmo`.
    kind: String,
    /// The unit's serial; null while none is known.
    unit: Option<String>,
    /// The unit's model; null while none is known.
    model: Option<String>,
    /// How it is: `up`, `starting`, `missing`, `denied` or `trouble`; `unknown` where its node does not say.
    state: &'static str,
    /// What is wrong and what to do, or how a robot's battery is; null when there is nothing to say.
    detail: Option<String>,
    /// Since when it is so; null while unknown.
    since: Option<Timestamp>,
    /// The last order it got, in words; null when it got none.
    last_order: Option<String>,
    /// When it got that.
    last_order_at: Option<Timestamp>,
}

/// A device and the node it belongs to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NodeDevice)]
pub(crate) struct NodeDeviceDto {
    /// The id of its node.
    pub(crate) node: String,
    /// The name of its node.
    pub(crate) node_name: String,
    /// Whether that is there: `alive`, `suspect`, `down` or `left`. Of one that is away it is what was last heard.
    pub(crate) liveness: &'static str,
    #[serde(flatten)]
    pub(crate) device: DeviceDto,
}

/// What a device has begun to do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeviceDone)]
pub(crate) struct DeviceDoneDto {
    /// Its steps, to compare with what is seen.
    steps: Vec<DeviceStepDto>,
}

/// One step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeviceStep)]
pub(crate) struct DeviceStepDto {
    /// What is to be seen.
    says: String,
    /// For how long.
    duration_ms: u64,
}

impl DeviceDto {
    /// A device of this node.
    pub(crate) fn of_status(device: &DeviceStatus) -> Self {
        let order = device.last_order.as_ref();
        Self {
            name: device.name.clone(),
            kind: device.kind.to_owned(),
            unit: known(&device.unit),
            model: known(&device.model),
            state: device.state.as_str(),
            detail: device.detail.clone(),
            since: Some(Timestamp(device.since)),
            last_order: order.map(|(words, _)| words.clone()),
            last_order_at: order.map(|(_, at)| Timestamp(*at)),
        }
    }

    /// The devices of a node as it tells of them. An earlier release tells their names only.
    pub(crate) fn told(member: &MemberView) -> Vec<Self> {
        if let Some(told) = &member.devices {
            return told.devices.iter().map(Self::of_told).collect();
        }
        let lines = member.about.iter().flat_map(|about| &about.devices);
        lines.map(|line| Self::of_line(line)).collect()
    }

    fn of_told(device: &DeviceTold) -> Self {
        let order = device.last_order.as_ref();
        Self {
            name: device.name.clone(),
            kind: device.kind.clone(),
            unit: known(&device.unit),
            model: known(&device.model),
            state: device.state.as_str(),
            detail: device.detail.clone(),
            since: Some(Timestamp(device.since)),
            last_order: order.map(|(words, _)| words.clone()),
            last_order_at: order.map(|(_, at)| Timestamp(*at)),
        }
    }

    /// Of `kind:name`.
    fn of_line(line: &str) -> Self {
        let (kind, name) = line.split_once(':').unwrap_or(("", line));
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            unit: None,
            model: None,
            state: UNKNOWN,
            detail: None,
            since: None,
            last_order: None,
            last_order_at: None,
        }
    }
}

impl NodeDeviceDto {
    /// All devices of a node.
    pub(crate) fn all(member: &MemberView, names: &Names) -> Vec<Self> {
        let of = |device| Self {
            node: member.node.as_str().to_owned(),
            node_name: names.of(&member.node),
            liveness: member.liveness.as_str(),
            device,
        };
        DeviceDto::told(member).into_iter().map(of).collect()
    }
}

impl DeviceDoneDto {
    /// What was begun.
    pub(crate) fn of(done: DeviceDone) -> Self {
        let step = |DeviceStep { says, lasts }| DeviceStepDto { says, duration_ms: lasts.0 };
        Self { steps: done.steps.into_iter().map(step).collect() }
    }
}

fn known(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
