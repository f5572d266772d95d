//! The mesh in figures; a node that runs alone has none of these.

use super::families::{count, exact};
use super::text::{Kind, Text};
use crate::api::dto::LIVENESS;
use crate::shared::Shared;
use p7_core::mesh::view::{Liveness, MemberView};

/// Writes who is there, who leads, and how far clocks are apart.
pub(super) fn write(text: &mut Text, shared: &Shared) {
    let (view, names) = {
        let state = shared.board.read();
        (state.mesh.clone(), std::sync::Arc::clone(&state.names))
    };
    let Some(view) = view else { return };
    let alive = |member: &&MemberView| member.node != view.me && member.liveness == Liveness::Alive;
    text.family("p7_mesh_peers", Kind::Gauge, "Other nodes that are alive.")
        .sample(&[], count(view.members.iter().filter(alive).count()));
    let mut members = text.family("p7_mesh_members", Kind::Gauge, "Nodes that are known, this one included.");
    for liveness in LIVENESS {
        let n = view.members.iter().filter(|member| member.liveness == liveness).count();
        members.sample(&[("liveness", liveness.as_str())], count(n));
    }
    let leader = view.leader();
    let leads = leader.is_some_and(|claim| claim.node == view.me);
    text.family("p7_mesh_leader", Kind::Gauge, "1 on the node that leads.")
        .sample(&[], f64::from(u8::from(leads)));
    text.family("p7_mesh_term", Kind::Gauge, "The term of the leader that is followed; 0 without one.")
        .sample(&[], exact(leader.map_or(0, |claim| claim.term.0)));
    let help = "How far the peer's clock is ahead of this node's.";
    let mut skew = text.family("p7_clock_skew_seconds", Kind::Gauge, help);
    for member in view.members.iter().filter(|member| member.node != view.me) {
        if let Some(ms) = member.offset_ms {
            skew.sample(&[("peer", &names.of(&member.node))], seconds(ms));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "clocks are not apart by 2^52 milliseconds")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
