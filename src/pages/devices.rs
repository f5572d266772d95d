//! The devices of a node on the page of nodes: how each is, and what it was told last.

use super::words::TimeView;
use p7_core::mesh::devices::{DeviceState, DeviceTold};
use p7_core::mesh::view::MemberView;
use p7_core::vocabulary::MeshTime;
use serde::Serialize;

/// One device of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceLine {
    /// Its name.
    pub name: String,
    /// What it is, and its model.
    pub what: String,
    /// How it is, in words; empty when its node does not say.
    pub state: &'static str,
    /// That state's colour.
    pub tone: &'static str,
    /// What is wrong, or how it fares; may be empty.
    pub detail: String,
    /// The last order it got; empty when it got none.
    pub order: String,
    /// When it got that.
    pub ordered: Option<TimeView>,
}

/// Those of a node, as it tells of them. An earlier release tells their names only.
pub(super) fn lines(member: &MemberView, now: MeshTime) -> Vec<DeviceLine> {
    match &member.devices {
        Some(told) => told.devices.iter().map(|device| line(device, now)).collect(),
        None => member.about.iter().flat_map(|about| &about.devices).map(|text| bare(text)).collect(),
    }
}

fn line(device: &DeviceTold, now: MeshTime) -> DeviceLine {
    let (state, tone) = match device.state {
        DeviceState::Up => ("up", "green"),
        DeviceState::Starting => ("starting", "blue"),
        DeviceState::Missing => ("missing", "red"),
        DeviceState::Denied => ("denied", "red"),
        DeviceState::Trouble => ("trouble", "orange"),
    };
    let order = device.last_order.as_ref();
    DeviceLine {
        name: device.name.clone(),
        what: [device.kind.as_str(), &device.model].join(" ").trim().to_owned(),
        state,
        tone,
        detail: device.detail.clone().unwrap_or_default(),
        order: order.map(|(words, _)| words.clone()).unwrap_or_default(),
        ordered: order.map(|(_, at)| TimeView::full(*at, now)),
    }
}

/// Of `kind:name`.
fn bare(text: &str) -> DeviceLine {
    let (kind, name) = text.split_once(':').unwrap_or(("", text));
    DeviceLine {
        name: name.to_owned(),
        what: kind.to_owned(),
        state: "",
        tone: "",
        detail: String::new(),
        order: String::new(),
        ordered: None,
    }
}
