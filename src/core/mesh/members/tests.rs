//! What a node believes about the others, on made-up time.

use super::*;
use crate::mesh::words::{Boot, Post, Role, Stamp, Term};
use crate::vocabulary::MeshTime;
use proptest::prelude::*;

const WALL: u64 = 1_700_000_000_000;

fn id(text: &str) -> NodeId {
    NodeId::new(text).unwrap()
}

fn at(ms: u64) -> Now {
    Now { wall: MeshTime(WALL + ms), steady: Steady(ms) }
}

fn beat(node: &str, boot: u32, number: u64) -> Beat {
    let post = Post { role: Role::Leader, fit: true, highest: Term(3), claim: None, yields_to: None };
    Beat {
        node: id(node),
        boot: Boot(boot),
        number,
        wall: MeshTime(WALL),
        priority: 50,
        posts: vec![post],
        links: 2,
        digest: 0,
        configuration: Stamp::default(),
        cut_off: false,
        goodbye: false,
        wire: 1,
    }
}

fn goodbye(node: &str, boot: u32, number: u64) -> Beat {
    Beat { goodbye: true, ..beat(node, boot, number) }
}

fn members() -> Members {
    Members::new(id("me"), RuleSet::ALL)
}

/// A view in which `a` has beaten once at 0 and is connected.
fn with_a(rules: RuleSet) -> Members {
    let mut members = Members::new(id("me"), rules);
    assert_eq!(members.heard(&beat("a", 1, 1), at(0)).changes, [Change::Arrived(id("a"))]);
    assert_eq!(members.connected(&id("a"), at(0)), []);
    members
}

fn liveness(members: &Members, node: &str) -> Option<Liveness> {
    members.get(&id(node)).map(|member| member.liveness)
}

fn fresh(changes: &[Change]) -> Heard {
    Heard { fresh: true, changes: changes.to_vec() }
}

#[test]
fn who_beats_is_there_and_who_is_silent_for_ten_seconds_is_down() {
    let mut members = with_a(RuleSet::ALL);
    assert_eq!(members.heard(&beat("a", 1, 2), at(2000)), fresh(&[]));
    assert_eq!(members.turn(at(11_999)), []);
    assert_eq!(liveness(&members, "a"), Some(Liveness::Alive));
    assert_eq!(members.due(), Some(Steady(12_000)));
    assert_eq!(members.turn(at(12_000)), [Change::Lost(id("a"))]);
    assert_eq!(liveness(&members, "a"), Some(Liveness::Down));
    assert_eq!(members.heard(&beat("a", 1, 3), at(13_000)), fresh(&[Change::Arrived(id("a"))]));
    assert_eq!(members.get(&id("a")).unwrap().alive_since, Steady(13_000));
}

#[test]
fn a_connection_that_brings_nothing_is_given_up_before_its_peer_is_missed() {
    let mut members = with_a(RuleSet::ALL);
    members.heard(&beat("a", 1, 2), at(2000));
    members.heard(&beat("b", 1, 1), at(2000));
    assert_eq!(members.turn(at(6999)), []);
    assert_eq!(members.due(), Some(Steady(7000)));
    assert_eq!(members.turn(at(7000)), [Change::Mute(id("a"))]);
    assert_eq!(members.disconnected(&id("a"), at(7100)), [], "it was we who closed it");
    assert_eq!(liveness(&members, "a"), Some(Liveness::Alive));
    // through others it is heard all the same
    assert_eq!(members.heard(&beat("a", 1, 3), at(9000)), fresh(&[]));
    members.heard(&beat("b", 1, 2), at(18_000));
    assert_eq!(members.turn(at(18_999)), []);
    assert_eq!(members.turn(at(19_000)), [Change::Lost(id("a"))]);
}

#[test]
fn of_two_nodes_none_gives_up_the_only_connection() {
    let mut members = with_a(RuleSet::ALL);
    members.heard(&beat("a", 1, 2), at(2000));
    assert_eq!(members.turn(at(7000)), []);
    assert_eq!(members.turn(at(12_000)), [Change::Lost(id("a"))]);
}

#[test]
fn without_its_rule_a_silent_peer_is_never_missed() {
    let mut members = with_a(RuleSet::ALL.without(Rule::BeatTimeout));
    assert_eq!(members.turn(at(1_000_000)), []);
    assert_eq!(liveness(&members, "a"), Some(Liveness::Alive));
}

#[test]
fn a_peer_whose_connections_closed_is_suspected_and_down_in_a_moment() {
    let mut members = with_a(RuleSet::ALL);
    assert_eq!(members.disconnected(&id("a"), at(500)), [Change::Suspected(id("a"))]);
    assert_eq!(liveness(&members, "a"), Some(Liveness::Suspect));
    assert_eq!(members.alive().count(), 1);
    assert_eq!(members.due(), Some(Steady(2000)));
    assert_eq!(members.turn(at(1999)), []);
    assert_eq!(members.turn(at(2000)), [Change::Lost(id("a"))]);
    assert_eq!(members.alive().count(), 0);
}

#[test]
fn without_its_rule_closed_connections_prove_nothing() {
    let mut members = with_a(RuleSet::ALL.without(Rule::Suspect));
    assert_eq!(members.disconnected(&id("a"), at(500)), []);
    assert_eq!(members.turn(at(9999)), []);
    assert_eq!(members.turn(at(10_000)), [Change::Lost(id("a"))]);
}

#[test]
fn a_suspect_that_is_heard_through_others_is_alive_and_only_long_silence_counts() {
    let mut members = with_a(RuleSet::ALL);
    assert_eq!(members.disconnected(&id("a"), at(500)), [Change::Suspected(id("a"))]);
    assert_eq!(members.heard(&beat("a", 1, 2), at(1500)), fresh(&[Change::Cleared(id("a"))]));
    assert_eq!(members.turn(at(11_499)), []);
    assert_eq!(members.get(&id("a")).unwrap().alive_since, Steady(0));
    assert_eq!(members.turn(at(11_500)), [Change::Lost(id("a"))]);
}

#[test]
fn a_suspect_that_connects_again_is_alive_but_its_silence_goes_on_counting() {
    let mut members = with_a(RuleSet::ALL);
    assert_eq!(members.disconnected(&id("a"), at(500)), [Change::Suspected(id("a"))]);
    assert_eq!(members.connected(&id("a"), at(700)), [Change::Cleared(id("a"))]);
    assert_eq!(members.turn(at(2000)), []);
    assert_eq!(members.turn(at(10_000)), [Change::Lost(id("a"))]);
}

#[test]
fn a_suspect_that_was_silent_for_long_gets_no_extra_time() {
    let mut members = with_a(RuleSet::ALL);
    assert_eq!(members.disconnected(&id("a"), at(9500)), [Change::Suspected(id("a"))]);
    assert_eq!(members.turn(at(10_000)), [Change::Lost(id("a"))]);
}

#[test]
fn a_goodbye_is_believed_at_once_and_told_once() {
    let mut members = with_a(RuleSet::ALL);
    assert_eq!(members.heard(&goodbye("a", 1, 2), at(100)), fresh(&[Change::Left(id("a"))]));
    assert_eq!(liveness(&members, "a"), Some(Liveness::Left));
    assert_eq!(members.disconnected(&id("a"), at(101)), []);
    assert_eq!(members.turn(at(20_000)), []);
    assert_eq!(members.heard(&beat("a", 1, 1), at(20_000)), Heard::default());
    assert_eq!(members.heard(&beat("a", 2, 1), at(20_001)), fresh(&[Change::Arrived(id("a"))]));
}

#[test]
fn without_its_rule_a_goodbye_is_a_beat_like_others() {
    let mut members = with_a(RuleSet::ALL.without(Rule::Goodbye));
    assert_eq!(members.heard(&goodbye("a", 1, 2), at(100)), fresh(&[]));
    assert_eq!(liveness(&members, "a"), Some(Liveness::Alive));
}

#[test]
fn the_goodbye_of_one_that_was_not_there_is_noted_and_told_to_nobody() {
    let mut members = members();
    assert_eq!(members.heard(&goodbye("a", 1, 9), at(0)), fresh(&[]));
    assert_eq!(liveness(&members, "a"), Some(Liveness::Left));
}

#[test]
fn a_beat_counts_when_it_is_later_than_every_earlier_one() {
    let mut members = with_a(RuleSet::ALL);
    assert!(members.heard(&beat("a", 2, 5), at(1)).fresh);
    let table = [((2, 5), false), ((2, 4), false), ((1, 99), false), ((2, 6), true), ((3, 1), true)];
    for ((boot, number), expected) in table {
        assert_eq!(
            members.heard(&beat("a", boot, number), at(2)).fresh,
            expected,
            "boot {boot}, beat {number}"
        );
    }
}

#[test]
fn an_own_beat_that_comes_back_is_ignored() {
    let mut members = members();
    assert_eq!(members.heard(&beat("me", 7, 7), at(0)), Heard::default());
    assert_eq!(members.connected(&id("me"), at(0)), []);
    assert_eq!(members.all().count(), 0);
}

#[test]
fn a_new_life_before_the_old_one_was_missed_is_a_restart() {
    let mut members = with_a(RuleSet::ALL);
    assert_eq!(members.heard(&beat("a", 2, 1), at(4000)), fresh(&[Change::Restarted(id("a"))]));
    assert_eq!(members.disconnected(&id("a"), at(5000)), [Change::Suspected(id("a"))]);
    assert_eq!(members.heard(&beat("a", 3, 1), at(6000)), fresh(&[Change::Restarted(id("a"))]));
    assert_eq!(members.get(&id("a")).unwrap().alive_since, Steady(6000));
}

#[test]
fn a_connection_alone_makes_nobody_alive() {
    let mut members = members();
    assert_eq!(members.connected(&id("a"), at(0)), []);
    let a = members.get(&id("a")).unwrap();
    assert_eq!((a.connected, a.liveness, a.beat.is_none()), (true, Liveness::Down, true));
    assert_eq!(members.alive().count(), 0);
    assert_eq!(members.disconnected(&id("a"), at(1)), []);
}

#[test]
fn after_sleep_everybody_has_its_full_time_again() {
    let mut members = with_a(RuleSet::ALL);
    members.heard(&beat("b", 1, 1), at(0));
    assert_eq!(members.connected(&id("b"), at(0)), []);
    assert_eq!(members.disconnected(&id("b"), at(100)), [Change::Suspected(id("b"))]);
    assert_eq!(members.slept(at(3_600_000)), [Change::Cleared(id("b"))]);
    // the connections that broke of it close now
    assert_eq!(members.disconnected(&id("a"), at(3_600_010)), [Change::Suspected(id("a"))]);
    assert_eq!(members.turn(at(3_609_999)), []);
    assert_eq!(members.turn(at(3_610_000)), [Change::Lost(id("a")), Change::Lost(id("b"))]);
}

#[test]
fn without_its_rule_a_node_that_slept_accuses_everybody() {
    let mut members = with_a(RuleSet::ALL.without(Rule::Sleep));
    assert_eq!(members.slept(at(3_600_000)), []);
    assert_eq!(members.turn(at(3_600_000)), [Change::Lost(id("a"))]);
}

#[test]
fn the_latest_beat_and_how_far_its_clock_is_ahead_are_at_hand() {
    let mut members = with_a(RuleSet::ALL);
    let mut later = beat("a", 1, 2);
    later.wall = MeshTime(WALL + 5000);
    later.posts.clear();
    later.cut_off = true;
    assert_eq!(members.heard(&later, at(2000)), fresh(&[]));
    let a = members.get(&id("a")).unwrap();
    assert_eq!((a.beat.as_ref(), a.offset_ms, a.heard), (Some(&later), Some(3000), Steady(2000)));
}

#[test]
fn who_is_gone_for_a_month_is_forgotten_unless_it_is_connected() {
    let month = FORGET.0;
    let mut members = with_a(RuleSet::ALL);
    members.heard(&goodbye("b", 1, 1), at(0));
    assert_eq!(members.connected(&id("c"), at(0)), []);
    assert_eq!(members.turn(at(10_000)), [Change::Lost(id("a"))]);
    assert_eq!(members.turn(at(month - 1)), []);
    assert_eq!(members.all().count(), 3);
    assert_eq!(members.turn(at(month)), []);
    let known: Vec<&str> = members.all().map(|member| member.node.as_str()).collect();
    assert_eq!(known, ["a", "c"]);
    assert_eq!(members.disconnected(&id("a"), at(month)), []);
    assert_eq!(members.turn(at(month + 10_000)), []);
    assert_eq!(liveness(&members, "a"), None);
}

#[test]
fn the_one_gone_for_longest_makes_room_and_the_living_never_do() {
    let mut members = members();
    for n in 0..MEMBERS_LIMIT {
        members.heard(&beat(&format!("n{n:04}"), 1, 1), at(0));
    }
    assert_eq!(members.heard(&beat("x", 1, 1), at(1)), Heard::default());
    assert_eq!((members.all().count(), members.refused()), (MEMBERS_LIMIT, 1));
    members.heard(&goodbye("n0007", 1, 2), at(2));
    members.heard(&goodbye("n0003", 1, 2), at(3));
    assert_eq!(members.heard(&beat("x", 1, 1), at(4)), fresh(&[Change::Arrived(id("x"))]));
    assert_eq!((liveness(&members, "n0007"), liveness(&members, "n0003")), (None, Some(Liveness::Left)));
    assert_eq!((members.all().count(), members.refused()), (MEMBERS_LIMIT, 1));
}

#[derive(Debug, Clone)]
enum Act {
    Beat(u8, u32, u64),
    Goodbye(u8, u32, u64),
    Connect(u8),
    Disconnect(u8),
    Wait(u64),
    Sleep,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..4u8, 1..4u32, 1..20u64).prop_map(|(n, boot, number)| Act::Beat(n, boot, number)),
        1 => (0..4u8, 1..4u32, 1..20u64).prop_map(|(n, boot, number)| Act::Goodbye(n, boot, number)),
        1 => (0..4u8).prop_map(Act::Connect),
        1 => (0..4u8).prop_map(Act::Disconnect),
        3 => (1..9000u64).prop_map(Act::Wait),
        1 => Just(Act::Sleep),
    ]
}

proptest! {
    /// Whatever happens, the changes told add up to who is there, and after a turn nothing is overdue.
    #[test]
    fn the_changes_told_add_up_to_who_is_there(acts in prop::collection::vec(act(), 1..120)) {
        let name = |n: u8| format!("n{n}");
        let (mut members, mut now) = (members(), 0);
        let mut there = std::collections::BTreeSet::new();
        for act in acts {
            let mut changes = match act {
                Act::Beat(n, boot, number) => members.heard(&beat(&name(n), boot, number), at(now)).changes,
                Act::Goodbye(n, boot, number) => members.heard(&goodbye(&name(n), boot, number), at(now)).changes,
                Act::Connect(n) => members.connected(&id(&name(n)), at(now)),
                Act::Disconnect(n) => members.disconnected(&id(&name(n)), at(now)),
                Act::Sleep => { now += 100_000; members.slept(at(now)) }
                Act::Wait(ms) => { now += ms; Vec::new() }
            };
            changes.extend(members.turn(at(now)));
            for change in changes {
                match change {
                    Change::Arrived(node) => prop_assert!(there.insert(node)),
                    Change::Lost(node) | Change::Left(node) => prop_assert!(there.remove(&node)),
                    Change::Suspected(node)
                    | Change::Cleared(node)
                    | Change::Restarted(node)
                    | Change::Mute(node) => prop_assert!(there.contains(&node)),
                }
            }
            let alive: Vec<&NodeId> = members.alive().map(|member| &member.node).collect();
            prop_assert_eq!(alive, there.iter().collect::<Vec<_>>());
            prop_assert!(members.due().is_none_or(|due| due.0 > now), "due {:?} at {now}", members.due());
            for member in members.alive() {
                prop_assert!(member.deadline.is_some_and(|deadline| Some(deadline) >= members.due()));
            }
        }
    }
}
