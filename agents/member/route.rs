//! How a command gets to its node, or why it can't.

use p7_bus::CommandFault;
use p7_core::mesh::view::{Liveness, MemberView, MeshView};
use p7_core::vocabulary::{MeshTime, NodeId};
use std::cmp::Reverse;

/// Most neighbours that are asked to pass a command on, one after the other.
const NEIGHBOURS: usize = 3;

/// How a command gets to its node.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// By the connection there is.
    Straight,
    /// Through the first of these that can; at least one.
    Through(Vec<NodeId>),
}

/// How to get to a node, or why not.
pub(crate) fn route(view: &MeshView, to: &NodeId) -> Result<Route, CommandFault> {
    let Some(target) = view.members.iter().find(|member| member.node == *to) else {
        return Err(CommandFault::NotFound(format!("there is no node `{to}` in this mesh")));
    };
    let name = view.name_of(to);
    match target.liveness {
        _ if *to == view.me => return Err(CommandFault::Invalid(format!("{name} is this node itself"))),
        Liveness::Down => {
            let heard = time(target.heard);
            return Err(CommandFault::Unavailable(format!("{name} is down: it was last heard at {heard}")));
        }
        Liveness::Left => {
            let since = time(target.since);
            return Err(CommandFault::Unavailable(format!("{name} is away: it was switched off at {since}")));
        }
        Liveness::Alive | Liveness::Suspect => {}
    }
    if target.connected {
        return Ok(Route::Straight);
    }
    let mut near: Vec<&MemberView> =
        view.members.iter().filter(|member| member.connected && is_near(member)).collect();
    near.sort_by_key(|member| (Reverse(member.links), member.node.clone()));
    if near.is_empty() {
        let why = format!("this node has no connection to {name}, nor to any node that could pass it on");
        return Err(CommandFault::Unavailable(why));
    }
    Ok(Route::Through(near.into_iter().take(NEIGHBOURS).map(|member| member.node.clone()).collect()))
}

/// Whether a node is there, as far as is known.
pub(crate) fn is_near(member: &MemberView) -> bool {
    match member.liveness {
        Liveness::Alive | Liveness::Suspect => true,
        Liveness::Down | Liveness::Left => false,
    }
}

/// A moment for people.
fn time(at: MeshTime) -> String {
    let utc = i64::try_from(at.0).ok().and_then(chrono::DateTime::from_timestamp_millis);
    utc.map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use p7_core::mesh::words::{About, Stamp};

    fn id(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    fn member(name: &str, liveness: Liveness, connected: bool, links: u16) -> MemberView {
        MemberView {
            node: id(name),
            about: Some(About { name: name.to_uppercase(), ..About::default() }),
            devices: None,
            liveness,
            since: MeshTime(1_764_000_000_000),
            heard: MeshTime(1_764_000_060_000),
            connected,
            offset_ms: None,
            round_trip: None,
            posts: Vec::new(),
            cut_off: false,
            configuration: Stamp::default(),
            links,
            wire: 3,
            seats: 0,
        }
    }

    fn routed(others: Vec<MemberView>, to: &str) -> Result<Route, String> {
        let members = [vec![member("me", Liveness::Alive, false, 9)], others].concat();
        let (configuration, holdings) = (Stamp::default(), Vec::new());
        let view = MeshView { me: id("me"), members, holdings, configuration, correction_ms: 0 };
        route(&view, &id(to)).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_command_goes_straight_where_there_is_a_connection_and_else_through_the_best_connected() {
        let alive = |name, connected, links| member(name, Liveness::Alive, connected, links);
        assert_eq!(routed(vec![alive("a", true, 1)], "a"), Ok(Route::Straight));
        let others = vec![
            alive("a", false, 1),
            alive("b", true, 1),
            alive("c", true, 4),
            alive("d", false, 9),
            member("e", Liveness::Down, true, 9),
            alive("f", true, 2),
            alive("g", true, 1),
        ];
        assert_eq!(routed(others, "a"), Ok(Route::Through(vec![id("c"), id("f"), id("b")])));
    }

    #[test]
    fn who_is_not_there_is_the_reason() {
        let lone = |liveness| routed(vec![member("a", liveness, false, 0)], "a").unwrap_err();
        assert_eq!(lone(Liveness::Down), "A is down: it was last heard at 2025-11-24 16:01:00 UTC");
        assert_eq!(lone(Liveness::Left), "A is away: it was switched off at 2025-11-24 16:00:00 UTC");
        let alone = "this node has no connection to A, nor to any node that could pass it on";
        assert_eq!(lone(Liveness::Alive), alone);
        assert_eq!(lone(Liveness::Suspect), alone);
        assert_eq!(routed(Vec::new(), "a").unwrap_err(), "there is no node `a` in this mesh");
        assert_eq!(routed(Vec::new(), "me").unwrap_err(), "ME is this node itself");
    }
}
