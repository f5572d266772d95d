//! A mesh of five nodes: one leads, one is down, one's clock is off, one has an older configuration, and
//! one is cut off.

use super::{CITIES, NOW, nodes};
use p7_core::mesh::devices::{DeviceState, DeviceTold, DevicesTold};
use p7_core::mesh::view::{Holding, Liveness, MemberView, MeshView};
use p7_core::mesh::words::{About, Claim, Role, Stamp, Term};
use p7_core::vocabulary::{MeshTime, Millis, NodeId};
use std::sync::Arc;

/// The newest shared configuration.
const NEWEST: Stamp = Stamp { version: 14, hash: 0x3f9c_2a71_05d4_88be };
/// How long ago each started or, if it is down, was last heard, in milliseconds.
const SINCE_MS: [u64; 5] = [7_200_000, 420_000, 93_600_000, 1_814_400_000, 2_760_000];

/// As paris sees it.
///
/// # Panics
/// Never: paris is one of the nodes.
pub fn mesh_view() -> MeshView {
    let all = nodes(CITIES.len());
    let me = all.get(2).cloned();
    let members =
        all.into_iter().zip(CITIES).zip(SINCE_MS).map(|((node, city), since)| member(node, city, since));
    let members: Vec<MemberView> = members.collect();
    let me = me.unwrap_or_else(|| members[0].node.clone());
    let holding = |role, term, node: Option<&NodeId>| Holding {
        role,
        claim: node.map(|node| Claim { full: true, term: Term(term), priority: 50, node: node.clone() }),
    };
    let sydney = members.get(3).map(|member| &member.node);
    MeshView {
        holdings: vec![
            holding(Role::Leader, 7, Some(&me)),
            holding(Role::Mailbox("support".to_owned()), 3, sydney),
            holding(Role::Persona, 0, None),
        ],
        me,
        members,
        configuration: NEWEST,
        correction_ms: 0,
    }
}

/// A light in paris, and a robot in berlin that is not to be reached.
fn devices(city: &str) -> Option<Arc<DevicesTold>> {
    let device = |name: &str, kind: &str, state, detail: Option<&str>, order: Option<&str>| DeviceTold {
        name: name.to_owned(),
        kind: kind.to_owned(),
        unit: String::new(),
        model: if kind == "cozmo" { String::new() } else { "Flex".to_owned() },
        state,
        detail: detail.map(str::to_owned),
        since: MeshTime(NOW.0 - 3_600_000),
        last_order: order.map(|words| (words.to_owned(), MeshTime(NOW.0 - 120_000))),
    };
    let devices = match city {
        "paris" => vec![device("desk", "blinkstick", DeviceState::Up, None, Some("show orange"))],
        "berlin" => vec![device("shelf", "cozmo", DeviceState::Missing, Some("no answer"), None)],
        _ => return None,
    };
    Some(Arc::new(DevicesTold { devices, at: NOW }))
}

fn member(node: NodeId, city: &str, since_ms: u64) -> MemberView {
    let since = MeshTime(NOW.0 - since_ms);
    let (here, down) = (city == "paris", city == "tokyo");
    let labels = [("site", city), ("floor", "2")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let delay =
        [("berlin", 9), ("montreal", 84), ("sydney", 271)].into_iter().find(|(name, _)| *name == city);
    MemberView {
        about: Some(About {
            name: city.to_owned(),
            labels: labels.into(),
            version: if city == "berlin" { "0.0.9" } else { "0.1.0" }.to_owned(),
            started: since,
            addresses: vec![format!("/dns4/{city}.example.org/tcp/7070")],
            devices: if here { vec!["blinkstick:desk".to_owned()] } else { Vec::new() },
            at: since,
        }),
        devices: devices(city),
        liveness: if down { Liveness::Down } else { Liveness::Alive },
        since,
        heard: if down { since } else { NOW },
        connected: !here && !down && city != "montreal",
        offset_ms: match city {
            "sydney" => Some(21_400),
            "berlin" => Some(-12),
            "montreal" => Some(180),
            _ => None,
        },
        round_trip: delay.map(|(_, ms)| Millis(ms)),
        posts: match city {
            "tokyo" => Vec::new(),
            "sydney" => vec![(Role::Leader, true), (Role::Mailbox("support".to_owned()), true)],
            city => vec![(Role::Leader, city != "montreal")],
        },
        cut_off: city == "montreal",
        configuration: if city == "berlin" { Stamp { version: 13, hash: 0x1c } } else { NEWEST },
        links: if down { 0 } else { 3 },
        wire: if city == "berlin" { 1 } else { 2 },
        seats: if down { 0 } else { 30 },
        node,
    }
}
