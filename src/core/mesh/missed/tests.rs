//! What is missed and asked for, as tables.

use super::*;
use crate::rollup::{DAY_MS, HOUR_MS};

/// A day's start in 2027.
const NOW: u64 = 20_833 * DAY_MS;
const THREE_DAYS: Millis = Millis(3 * DAY_MS);

fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

fn ago(ms: u64) -> MeshTime {
    MeshTime(NOW - ms)
}

#[test]
fn who_was_off_for_longer_than_results_are_told_has_missed_that_time() {
    let span = |from: u64| Some(Missed { from: ago(from), to: MeshTime(NOW) });
    for (seen, missed) in [
        (Some(ago(0)), None),
        (Some(ago(2 * DAY_MS)), None),
        // the last hour before the others forget does not count on them
        (Some(ago(3 * DAY_MS - HOUR_MS)), span(3 * DAY_MS - HOUR_MS)),
        (Some(ago(30 * DAY_MS + 1)), span(30 * DAY_MS + HOUR_MS)),
        (Some(ago(900 * DAY_MS)), span(400 * DAY_MS)),
        (None, span(400 * DAY_MS)),
        // a clock that was ahead
        (Some(MeshTime(NOW + DAY_MS)), None),
    ] {
        assert_eq!(while_away(seen, MeshTime(NOW), THREE_DAYS), missed, "{seen:?}");
    }
}

#[test]
fn the_newest_day_is_asked_for_first_by_the_hour_and_what_is_older_than_a_month_by_the_day() {
    let mut past = Past::default();
    let missed = Missed { from: ago(75 * DAY_MS), to: ago(28 * DAY_MS - 5 * HOUR_MS) };
    assert!(past.miss(missed, None, Steady(0)));
    let peers = [node("a")];
    let mut asked = Vec::new();
    while let Some((_, of)) = past.ask(&peers, 0, MeshTime(NOW)) {
        let hours = |time: MeshTime| (NOW - time.0) / HOUR_MS;
        asked.push((of.resolution, hours(of.from), hours(of.to)));
        assert!(past.took(None, Steady(0)));
    }
    assert_eq!(
        asked,
        [
            (Resolution::Hour, 28 * 24, 28 * 24 - 5),
            (Resolution::Hour, 29 * 24, 28 * 24),
            (Resolution::Hour, 30 * 24, 29 * 24),
            (Resolution::Day, 60 * 24, 30 * 24),
            (Resolution::Day, 75 * 24, 60 * 24),
        ]
    );
    assert_eq!((past.missed(), past.due()), (None, None));
}

#[test]
fn pages_come_from_one_peer_and_when_it_goes_another_begins_anew() {
    let mut past = Past::default();
    past.miss(Missed { from: ago(DAY_MS), to: MeshTime(NOW) }, Some(node("b")), Steady(0));
    let both = [node("a"), node("b")];
    let (whom, first) = past.ask(&both, 0, MeshTime(NOW)).unwrap();
    assert_eq!((whom, first.after), (node("b"), None), "who showed it has it");
    assert!(!past.took(Some(RollupCursor(vec![7])), Steady(500)));
    assert_eq!(past.due(), Some(Steady(1_500)), "one page a second");
    let (whom, second) = past.ask(&both, 0, MeshTime(NOW)).unwrap();
    assert_eq!((whom, second.after), (node("b"), Some(RollupCursor(vec![7]))));
    assert_eq!(past.asked(&node("a")), None);
    let (whom, again) = past.ask(&both[..1], 0, MeshTime(NOW)).unwrap();
    assert_eq!((whom, again.after), (node("a"), None));
    past.failed(Steady(2_000));
    assert_eq!(past.due(), Some(Steady(32_000)), "no answer is not asked for again at once");
    assert!(past.ask(&[], 5, MeshTime(NOW)).is_none());
}

#[test]
fn a_peer_that_always_has_more_is_left_and_what_is_missed_twice_is_one_time() {
    let mut past = Past::default();
    let day = Missed { from: ago(DAY_MS), to: MeshTime(NOW) };
    assert!(past.miss(day, None, Steady(0)));
    assert!(!past.miss(Missed { from: ago(HOUR_MS), ..day }, None, Steady(0)), "that is known");
    assert!(past.miss(Missed { from: ago(2 * DAY_MS), ..day }, None, Steady(0)));
    for page in 1.. {
        assert!(page <= 1_000);
        past.ask(&[node("a")], 0, MeshTime(NOW)).unwrap();
        if past.took(Some(RollupCursor(Vec::new())), Steady(0)) {
            break;
        }
    }
    assert_eq!(past.missed(), Some(Missed { from: ago(2 * DAY_MS), to: ago(DAY_MS) }));
}
