//! What clocks that differ make of mesh time. The interval is 60 s: an eighth is 7.5 s, a sixteenth 3.75 s.

use super::*;
use crate::mesh::words::Steady;
use proptest::prelude::*;

type Offsets<'a> = &'a [(&'a str, i64)];

const WALL: i64 = 1_700_000_000_000;

fn id(text: &str) -> NodeId {
    NodeId::new(text).unwrap()
}

fn wall(offset_ms: i64) -> MeshTime {
    MeshTime(u64::try_from(WALL + offset_ms).unwrap())
}

fn at(ms: u64) -> Now {
    Now { wall: wall(i64::try_from(ms).unwrap()), steady: Steady(ms) }
}

fn clock(me: &str) -> MeshClock {
    MeshClock::new(id(me), DEFAULT_INTERVAL, RuleSet::ALL)
}

/// Five beats of a peer whose clock is that far ahead of ours.
fn hear(clock: &mut MeshClock, node: &str, offset_ms: i64) {
    for _ in 0..5 {
        clock.heard(&id(node), wall(offset_ms), at(0));
    }
}

fn with_peers(me: &str, offsets: Offsets<'_>) -> MeshClock {
    let mut clock = clock(me);
    for (node, offset) in offsets {
        hear(&mut clock, node, *offset);
    }
    clock
}

#[test]
fn a_clock_is_corrected_by_the_median_when_it_is_grossly_off() {
    let table: [(&str, Offsets<'_>, i64); 8] = [
        ("alone", &[], 0),
        ("near enough", &[("a", 7500), ("b", 7500)], 0),
        ("grossly behind the majority", &[("a", 7501), ("b", 9000)], 7501),
        ("grossly ahead of the majority", &[("a", -9000), ("b", -8000)], -8000),
        ("one of three is wrong, and not we", &[("a", 200), ("b", 60_000)], 0),
        (
            "we are the one of five that is wrong",
            &[("a", 59_990), ("b", 60_000), ("c", 60_010), ("d", 9)],
            59_990,
        ),
        ("two against two: the earlier clocks rule", &[("a", 60_000), ("b", 60_000), ("c", 0)], 0),
        ("two against two, seen from the other side", &[("a", 0), ("b", -60_000), ("c", -60_000)], -60_000),
    ];
    for (case, offsets, expected) in table {
        assert_eq!(with_peers("m", offsets).correction(), expected, "{case}");
    }
}

#[test]
fn of_two_nodes_the_lower_ids_clock_rules() {
    assert_eq!(with_peers("a", &[("b", 60_000)]).correction(), 0);
    assert_eq!(with_peers("b", &[("a", -60_000)]).correction(), -60_000);
}

#[test]
fn without_its_rule_nothing_is_corrected() {
    let mut clock = MeshClock::new(id("m"), DEFAULT_INTERVAL, RuleSet::ALL.without(Rule::MeshTime));
    hear(&mut clock, "a", 60_000);
    hear(&mut clock, "b", 60_000);
    assert_eq!((clock.correction(), clock.offset_of(&id("a"))), (0, Some(60_000)));
}

#[test]
fn a_correction_follows_in_steps_and_ends_below_a_sixteenth() {
    let mut clock = with_peers("b", &[("a", 8000)]);
    let table = [
        (8250, 8000),
        (7750, 8000),
        (8251, 8251),
        (5000, 5000),
        (3751, 3751),
        (3749, 0),
        (7000, 0),
        (7600, 7600),
    ];
    for (offset, expected) in table {
        hear(&mut clock, "a", offset);
        assert_eq!(clock.correction(), expected, "at an offset of {offset} ms");
    }
}

#[test]
fn mesh_time_is_the_own_wall_clock_and_the_correction() {
    let clock = with_peers("b", &[("a", -60_000)]);
    assert_eq!(clock.mesh_time(wall(1000)), wall(-59_000));
    assert_eq!(clock.mesh_time(MeshTime(5)), MeshTime(0));
}

#[test]
fn two_delayed_beats_of_five_mean_nothing() {
    let mut clock = with_peers("b", &[("a", 10_000)]);
    clock.heard(&id("a"), wall(-20_000), at(0));
    clock.heard(&id("a"), wall(-20_000), at(0));
    assert_eq!(clock.offset_of(&id("a")), Some(10_000));
    clock.heard(&id("a"), wall(-20_000), at(0));
    assert_eq!(clock.offset_of(&id("a")), Some(-20_000));
}

#[test]
fn a_step_of_the_own_clock_is_seen_with_the_next_beat_of_anybody() {
    let mut clock = with_peers("m", &[("a", 0), ("b", 0)]);
    let stepped = Now { wall: wall(30_000 + 2000), steady: Steady(2000) };
    clock.heard(&id("a"), wall(2000), stepped);
    assert_eq!((clock.offset_of(&id("b")), clock.correction()), (Some(-30_000), -30_000));
    clock.own_clock(at(2000));
    assert_eq!((clock.offset_of(&id("b")), clock.correction()), (Some(0), 0));
}

#[test]
fn who_is_gone_does_not_count_any_more() {
    let mut clock = with_peers("m", &[("a", 60_000), ("b", 60_000), ("c", 0)]);
    assert_eq!(clock.correction(), 0);
    clock.forget(&id("c"));
    assert_eq!((clock.correction(), clock.offset_of(&id("c"))), (60_000, None));
}

#[test]
fn a_clock_further_than_a_quarter_from_mesh_time_is_shown_be_it_our_own() {
    let clock = with_peers("m", &[("a", 60_000), ("b", 60_100), ("c", 75_000), ("d", 75_001)]);
    assert_eq!(clock.correction(), 60_000);
    let skewed = |node| clock.skewed(&id(node));
    assert_eq!(
        [skewed("a"), skewed("c"), skewed("d"), skewed("m"), skewed("x")],
        [false, false, true, true, false]
    );
    assert!(with_peers("m", &[("a", 0), ("b", 15_001)]).skewed(&id("b")));
    assert!(!with_peers("m", &[("a", 0), ("b", 15_000)]).skewed(&id("b")));
}

#[test]
fn a_smaller_interval_makes_smaller_faults_gross() {
    let mut clock = with_peers("b", &[("a", 2000)]);
    assert_eq!(clock.correction(), 0);
    clock.set_interval(Millis::seconds(10));
    assert_eq!(clock.correction(), 2000);
}

#[test]
fn an_own_beat_that_comes_back_says_nothing_and_absurd_clocks_break_nothing() {
    let mut clock = clock("m");
    clock.heard(&id("m"), wall(60_000), at(0));
    assert_eq!((clock.correction(), clock.offset_of(&id("m"))), (0, Some(0)));
    clock.heard(&id("a"), MeshTime(u64::MAX), at(0));
    clock.heard(&id("b"), MeshTime(0), at(0));
    assert_eq!(clock.correction(), 0);
    assert!(clock.skewed(&id("a")) && clock.skewed(&id("b")));
    clock.heard(&id("b"), MeshTime(u64::MAX), Now { wall: MeshTime(0), steady: Steady(u64::MAX) });
}

proptest! {
    /// Whatever the clocks, all nodes that hear each other follow the same one: the lower id's of two, else
    /// the middle one, to an eighth of the interval.
    #[test]
    fn all_nodes_follow_the_same_clock(offsets in prop::collection::vec(-200_000i64..200_000, 2..8)) {
        let named: Vec<(String, i64)> = ('a'..).map(String::from).zip(offsets.iter().copied()).collect();
        let ruling = if let [first, _] = offsets[..] { first } else {
            let mut sorted = offsets.clone();
            sorted.sort_unstable();
            sorted[(sorted.len() - 1) / 2]
        };
        for (me, own) in &named {
            let mut clock = clock(me);
            for (node, offset) in named.iter().filter(|(node, _)| node != me) {
                hear(&mut clock, node, offset - own);
            }
            let apart = (own + clock.correction() - ruling).abs();
            prop_assert!(apart <= 7500, "{me} at {own} is corrected by {} and {apart} off", clock.correction());
        }
    }
}
