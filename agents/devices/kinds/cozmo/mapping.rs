//! What the robot is told of what this node knows, and how the robot's own view reads.

use crate::world::{World, seen_by};
use p7_blinkstick::sight;
use p7_bus::DeviceState;
use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::MeshTime;
use p7_cozmo::board::{Activity, Board, Network, Places, Seen, Shown, Telling};
use p7_cozmo::robot::{Charger, LOW_BATTERY_V, View};
use std::time::Duration;

/// How long the beginning of a cycle is shown, as on a light.
const NEW_CYCLE_MS: u64 = 1_000;
/// Cycles shorter than this are not told, as on a light.
const SHORTEST_CYCLE_MS: u64 = 5_000;

/// Everything that the robot shows and tells, but the beginning of cycles.
pub(super) fn board(world: &World) -> Board {
    let shown = |service: &Service| match world.statuses.get(&service.id) {
        Some(status) => shown(service, status, world),
        None => Shown {
            name: service.name.clone(),
            level: p7_core::vocabulary::Level::Unknown,
            seen: Seen::default(),
            telling: Telling::Aloud,
        },
    };
    Board {
        services: world.services.iter().map(|(id, service)| (id.to_string(), shown(service))).collect(),
        network: match world.network {
            sight::Network::There => Network::Reachable,
            sight::Network::CutOff => Network::CutOff,
        },
        activity: Activity::Waiting,
    }
}

fn shown(service: &Service, status: &ServiceStatus, world: &World) -> Shown {
    let (by, of) = seen_by(status).unwrap_or_default();
    let mut voters = status.vantage.iter().filter(|vantage| vantage.vote.is_some()).peekable();
    let have_sites = voters.peek().is_some() && voters.all(|voter| world.sites.contains_key(&voter.node));
    let is_mute = status.silence.is_some() || status.maintenance.is_some() || status.flapping;
    Shown {
        name: service.name.clone(),
        level: status.level,
        seen: Seen {
            by: by.into(),
            of: of.into(),
            places: if have_sites { Places::Offices } else { Places::Nodes },
        },
        telling: if is_mute { Telling::Mute } else { Telling::Aloud },
    }
}

/// The length of a cycle in milliseconds: the shortest of the services'; none when it is not told.
pub(super) fn cycle(world: &World) -> Option<u64> {
    let shortest = world.services.values().map(|service| service.interval.span().0).min();
    shortest.filter(|cycle| *cycle >= SHORTEST_CYCLE_MS)
}

/// Whether a cycle begins just now, and how long that stays so; without cycles for ever.
pub(super) fn activity(cycle: Option<u64>, now: MeshTime) -> (Activity, Option<Duration>) {
    let Some(cycle) = cycle.filter(|cycle| *cycle > 0) else { return (Activity::Waiting, None) };
    let at = now.0 % cycle;
    let (activity, until) =
        if at < NEW_CYCLE_MS { (Activity::Refreshing, NEW_CYCLE_MS) } else { (Activity::Waiting, cycle) };
    (activity, Some(Duration::from_millis(until.saturating_sub(at).max(1))))
}

/// How the robot is.
pub(super) fn state(view: &View) -> DeviceState {
    match (&view.about, view.trouble.as_ref().or(view.mute.as_ref())) {
        (Some(_), None) => DeviceState::Up,
        (Some(_), Some(_)) => DeviceState::Trouble,
        (None, _) if view.trouble.is_some() => DeviceState::Missing,
        (None, _) => DeviceState::Starting,
    }
}

/// What is wrong with it and, while it is connected, how its battery is.
pub(super) fn detail(view: &View) -> Option<String> {
    let mut parts: Vec<String> = view.trouble.iter().chain(&view.mute).cloned().collect();
    if view.about.is_some() {
        if let Some(volts) = view.battery_v {
            let low = if volts < LOW_BATTERY_V { ", low: put it on its charger" } else { "" };
            parts.push(format!("battery {volts:.2} V{low}"));
        }
        match view.charger {
            Charger::Unknown | Charger::Off => {}
            Charger::On => parts.push("on its charger".to_owned()),
            Charger::Charging => parts.push("charging".to_owned()),
        }
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}
