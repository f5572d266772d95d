//! Connections that break, on one end or on both, and what they do to who is there.

use super::*;
use crate::mesh::view::Liveness;

#[test]
fn a_goodbye_is_the_last_beat_whatever_is_heard_after_it() {
    let mut net = Net::of(&["a", "b", "c"]);
    net.pass(12_000);
    net.tell(&id("c"), Event::Stopping);
    // still connected, it hears another claim, which others would answer with a beat
    net.pass(1_000);
    assert_eq!(net.leaders(), ["b"]);
    let view = net.nodes[&id("a")].machine.view(net.now());
    let left = view.members.iter().find(|member| member.node == id("c")).unwrap();
    assert_eq!(left.liveness, Liveness::Left);
}

#[test]
fn a_cable_that_silently_carries_one_way_only_accuses_nobody() {
    let mut net = Net::of(&["a", "b", "c"]);
    net.pass(12_000);
    // both ends still believe in their connection
    net.cut.insert((id("c"), id("b")));
    net.pass_calmly(40_000, "c");
}

#[test]
fn a_connection_that_breaks_between_two_accuses_nobody() {
    let mut net = Net::of(&["a", "b", "c"]);
    net.pass(12_000);
    for _ in 0..20 {
        net.link("b", "c", false);
        net.pass_calmly(5_350, "c");
        net.link("b", "c", true);
        net.pass_calmly(3_000, "c");
    }
}

#[test]
fn a_peer_that_is_heard_through_others_only_and_answers_nothing_is_disconnected() {
    let mut net = Net::of(&["a", "b", "hub"]);
    net.pass(5_000);
    // the path is cut; b has noticed and closed its end, a has not
    net.cut.extend([(id("a"), id("b")), (id("b"), id("a"))]);
    net.tell(&id("b"), Event::Disconnected(id("a")));
    net.pass(50_000);
    assert_eq!(net.nodes[&id("a")].closed, [] as [NodeId; 0], "one question may be lost");
    net.pass(20_000);
    assert_eq!(net.nodes[&id("a")].closed, [id("b")]);
    assert_eq!(net.nodes[&id("b")].machine.peers_alive(), 2, "a's beats are passed on, since b lacks a link");
    net.tell(&id("a"), Event::Disconnected(id("b")));
    net.pass(3_000);
    assert_eq!(net.nodes[&id("b")].machine.peers_alive(), 2);
    assert_eq!(net.nodes[&id("a")].machine.peers_alive(), 2);
}

#[test]
fn who_loses_its_only_connection_claims_alone_whoever_it_has_just_heard_through_it() {
    let mut net = Net::of(&["a", "b", "c"]);
    net.pass(12_000);
    assert_eq!(net.leaders(), ["c"]);
    net.link("a", "b", false);
    net.pass_calmly(20_000, "c");
    // the last connection of b breaks: a was heard through it only
    net.link("b", "c", false);
    net.pass(2_000);
    assert_eq!(net.leaders(), ["b", "c"]);
    let claim = |net: &Net, node: &str| net.nodes[&id(node)].machine.holder(&Role::Leader).cloned().unwrap();
    assert!(!claim(&net, "b").full, "{:?}", claim(&net, "b"));
    net.link("b", "c", true);
    net.pass(200);
    assert_eq!(net.leaders(), ["c"]);
    net.pass_calmly(20_000, "c");
    // what was made alone becomes full in company, also of whom was heard through others before
    for node in ["a", "c"] {
        net.kill(node);
    }
    net.pass(2_000);
    assert!(!claim(&net, "b").full);
    for node in ["a", "c"] {
        net.start(node, 2);
    }
    net.pass(12_000);
    assert_eq!(net.leaders(), ["b"]);
    assert!(claim(&net, "b").full);
}
