//! What a node tells of its devices, on the wire.

use super::{FrameError, SealError, bytes};
use p7_core::mesh::devices::{DETAIL_LIMIT, DeviceState, DeviceTold, DevicesTold, TOLD_LIMIT, WORD_LIMIT};
use p7_core::mesh::words::Fact;
use p7_core::vocabulary::MeshTime;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
struct DevicesV1<'a> {
    at: u64,
    #[serde(borrow)]
    devices: Vec<DeviceV1<'a>>,
}

#[derive(Serialize, Deserialize)]
struct DeviceV1<'a> {
    name: &'a str,
    kind: &'a str,
    unit: &'a str,
    model: &'a str,
    state: u8,
    #[serde(borrow)]
    detail: Option<&'a str>,
    since: u64,
    #[serde(borrow)]
    last_order: Option<(&'a str, u64)>,
}

pub(super) fn write(told: &DevicesTold) -> Result<Vec<u8>, SealError> {
    bytes::encode(&DevicesV1 { at: told.at.0, devices: told.devices.iter().map(device_v1).collect() })
}

fn device_v1(device: &DeviceTold) -> DeviceV1<'_> {
    DeviceV1 {
        name: &device.name,
        kind: &device.kind,
        unit: &device.unit,
        model: &device.model,
        state: bytes::code(&DeviceState::ALL, &device.state),
        detail: device.detail.as_deref(),
        since: device.since.0,
        last_order: device.last_order.as_ref().map(|(words, at)| (words.as_str(), at.0)),
    }
}

/// None when a device is in a state that a newer release has added.
pub(super) fn read(body: &[u8]) -> Result<Option<Fact>, FrameError> {
    let read: DevicesV1<'_> = bytes::decode(body, "what a node's devices are")?;
    if read.devices.len() > TOLD_LIMIT {
        return Err(FrameError::Shape("a list of devices"));
    }
    let devices = read.devices.iter().map(device).collect::<Result<Option<Vec<_>>, _>>()?;
    let at = MeshTime(read.at);
    Ok(devices.map(|devices| Fact::Devices(Arc::new(DevicesTold { devices, at }))))
}

fn device(read: &DeviceV1<'_>) -> Result<Option<DeviceTold>, FrameError> {
    let word = |text| bytes::text(text, WORD_LIMIT, "a word of a device").map(str::to_owned);
    let line = |text| bytes::text(text, DETAIL_LIMIT, "a line of a device").map(str::to_owned);
    let order = read.last_order.map(|(words, at)| line(words).map(|words| (words, MeshTime(at))));
    let Some(state) = bytes::coded(&DeviceState::ALL, read.state) else { return Ok(None) };
    Ok(Some(DeviceTold {
        name: word(read.name)?,
        kind: word(read.kind)?,
        unit: word(read.unit)?,
        model: word(read.model)?,
        state,
        detail: read.detail.map(line).transpose()?,
        since: MeshTime(read.since),
        last_order: order.transpose()?,
    }))
}
