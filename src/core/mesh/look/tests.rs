//! Where outcomes land and who looks when, as tables.

use super::*;
use crate::result::Phases;
use crate::service::{Rules, VantagePoints};
use crate::vocabulary::Micros;
use Outcome::{Failed, Maintenance, Mismatch, NoNetwork, Unmanaged, Up};

const TEN: Interval = Interval::new(Millis::seconds(10));
const START: MeshTime = MeshTime(1_700_000_000_000); // a multiple of 10 s

fn shop() -> ServiceId {
    ServiceId::new("shop").unwrap()
}

fn node(text: &str) -> NodeId {
    NodeId::new(text).unwrap()
}

fn cycle(n: u64) -> Cycle {
    Cycle::at(START, TEN).later(n, TEN)
}

fn after(ms: u64) -> MeshTime {
    START.plus(Millis(ms))
}

/// Lets tests end, each as (due, now, outcome), and tells for which cycles they are published.
fn placed(said: Option<Said>, tests: &[(u64, u64, Outcome)]) -> Vec<Option<u64>> {
    let mut looks = Looks::default();
    if let Some(said) = said {
        looks.known(&shop(), said);
    }
    let number = |at: Cycle| at.start().since(START).0 / TEN.span().0;
    tests
        .iter()
        .map(|(due, now, outcome)| looks.place(&shop(), cycle(*due), cycle(*now), TEN, *outcome).map(number))
        .collect()
}

#[test]
fn one_test_a_cycle_is_published_for_the_cycle_it_was_due_for() {
    for outcome in Outcome::ALL {
        let slots = [(1, 1, outcome), (2, 2, outcome), (3, 4, outcome), (4, 4, outcome), (9, 9, outcome)];
        assert_eq!(placed(None, &slots), [1, 2, 3, 4, 9].map(Some), "{outcome}");
    }
}

#[test]
fn another_word_about_a_cycle_is_published_only_when_it_changes_something() {
    // what was said first, what comes again in the same cycle, and where that goes
    for (first, again, expected) in [
        (Up, Up, None),
        (Up, Maintenance, None),
        (Failed, Mismatch, None),
        (Up, NoNetwork, None),
        (Failed, NoNetwork, None),
        (Failed, Unmanaged, None),
        (NoNetwork, NoNetwork, None),
        (Up, Failed, Some(5)),
        (Maintenance, Mismatch, Some(5)),
        (NoNetwork, Failed, Some(5)),
        (Failed, Up, Some(6)),
        (Mismatch, Maintenance, Some(6)),
        (NoNetwork, Up, Some(6)),
    ] {
        assert_eq!(placed(None, &[(5, 5, first), (5, 5, again)]), [Some(5), expected], "{first}, {again}");
    }
}

#[test]
fn a_recovery_is_the_first_word_of_the_next_cycle_and_its_slot_says_no_more_unless_that_changed() {
    let before = [(5, 5, Failed), (5, 5, Up)];
    for (slot, expected) in [(Up, None), (Failed, Some(6)), (NoNetwork, None)] {
        let tests = [before[0], before[1], (6, 6, slot)];
        assert_eq!(placed(None, &tests), [Some(5), Some(6), expected], "{slot}");
    }
}

#[test]
fn a_service_that_flaps_within_a_cycle_gets_at_most_one_cycle_ahead_of_the_clock() {
    let tests = [(5, 5, Up), (5, 5, Failed), (5, 5, Up), (5, 5, Failed), (5, 5, Up), (5, 5, Failed)];
    assert_eq!(placed(None, &tests), [Some(5), Some(5), Some(6), Some(6), None, None]);
    // the next cycle has come: its slot's recovery has room again
    let next = [tests[0], tests[1], tests[2], tests[3], tests[4], (6, 6, Up), (7, 7, Up)];
    assert_eq!(placed(None, &next), [Some(5), Some(5), Some(6), Some(6), None, Some(7), None]);
}

#[test]
fn a_test_that_ends_in_the_next_cycle_does_not_say_again_what_its_own_cycle_says() {
    assert_eq!(placed(None, &[(5, 5, Failed), (5, 6, Failed)]), [Some(5), None]);
    assert_eq!(placed(None, &[(5, 5, Failed), (5, 6, Up)]), [Some(5), Some(6)]);
    assert_eq!(placed(None, &[(6, 6, Failed), (6, 6, Up), (6, 7, Failed)]), [Some(6), Some(7), Some(7)]);
}

#[test]
fn what_is_known_from_before_a_restart_counts_and_a_word_of_a_wrong_clock_does_not() {
    let failed = |n| Some(Said { cycle: cycle(n), vote: Some(Vote::Failed) });
    assert_eq!(placed(failed(5), &[(5, 5, Failed), (5, 5, Up)]), [None, Some(6)]);
    assert_eq!(placed(failed(6), &[(5, 5, Failed)]), [None]);
    assert_eq!(placed(failed(7), &[(5, 5, Failed), (6, 6, Failed)]), [Some(5), Some(6)]);
    let mut looks = Looks::default();
    looks.place(&shop(), cycle(5), cycle(5), TEN, Up);
    looks.known(&shop(), Said { cycle: cycle(5), vote: Some(Vote::Failed) });
    looks.known(&shop(), Said { cycle: cycle(4), vote: Some(Vote::Failed) });
    assert_eq!(looks.place(&shop(), cycle(5), cycle(5), TEN, Up), None);
    assert_eq!((looks.latest(&shop()), looks.vote(&shop())), (Some(cycle(5)), Some(Vote::Passed)));
    looks.retain(|service| *service != shop());
    assert_eq!((looks.latest(&shop()), looks.vote(&shop())), (None, None));
}

#[test]
fn with_another_interval_the_next_cycle_is_one_of_that() {
    let mut looks = Looks::default();
    let minute = Interval::new(Millis::seconds(60));
    let now = |at| Cycle::at(at, minute);
    looks.known(&shop(), Said { cycle: cycle(1), vote: Some(Vote::Failed) });
    let placed = looks.place(&shop(), cycle(1), now(after(15_000)), minute, Up);
    assert_eq!(placed, Some(Cycle::at(cycle(1).start(), minute).later(1, minute)));
}

/// A result of a test that began `at` milliseconds after the start.
fn result(who: &str, n: u64, at: u64, outcome: Outcome) -> ProbeResult {
    ProbeResult {
        service: shop(),
        cycle: cycle(n),
        node: node(who),
        at: after(at),
        outcome,
        latency: Micros(20_000),
        phases: Phases::default(),
        attempts: 1,
        reason: None,
        status_code: None,
        certificate_expiry: None,
    }
}

fn service() -> Arc<Service> {
    Arc::new(Service {
        id: shop(),
        name: "Shop".into(),
        environment: String::new(),
        kind: "http".into(),
        target: String::new(),
        interval: TEN,
        timeout: Millis::seconds(5),
        retries: 0,
        retry_delay: Millis::seconds(1),
        rules: Rules::default(),
        vantage_points: VantagePoints::All,
        description: None,
        runbook: None,
        link: None,
        vantage_labels: BTreeMap::new(),
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
        maintenance: Vec::new(),
    })
}

fn lookout_with(rules: RuleSet) -> Lookout {
    let mut lookout = Lookout::new(node("me"), rules);
    lookout.watching(&[service()], &BTreeMap::from([(shop(), Seat { position: 0, of: 3 })]));
    lookout
}

fn lookout() -> Lookout {
    lookout_with(RuleSet::ALL)
}

/// Lets results be heard, each as (node, cycle, began, outcome), 100 ms after it began, own ones included;
/// tells when the node looked.
fn looked(lookout: &mut Lookout, results: &[(&str, u64, u64, Outcome)]) -> Vec<u64> {
    let heard = |(who, n, at, outcome): &(&str, u64, u64, Outcome)| {
        let look = lookout.heard(&result(who, *n, *at, *outcome), after(at + 100));
        look.map(|service| {
            assert_eq!(service, shop());
            *at
        })
    };
    results.iter().filter_map(heard).collect()
}

#[test]
fn a_flip_to_failed_makes_a_vantage_point_look_that_has_not_seen_it() {
    for (story, expected) in [
        // its own latest word passed
        (vec![("me", 0, 1000, Up), ("b", 0, 4000, Up), ("b", 1, 14_000, Failed)], vec![14_000]),
        // the flip is a second word about the same cycle
        (vec![("me", 0, 1000, Up), ("b", 0, 4000, Up), ("b", 0, 7000, Mismatch)], vec![7000]),
        // the first word ever, when it failed
        (vec![("me", 0, 1000, Up), ("b", 0, 4000, Failed)], vec![4000]),
        (vec![("me", 0, 1000, Failed), ("b", 0, 4000, Up)], vec![]),
        (vec![("me", 0, 1000, Up), ("b", 0, 4000, Up)], vec![]),
        // it has said nothing yet
        (vec![("b", 0, 4000, Failed)], vec![4000]),
        // its own failure is of an older cycle
        (vec![("me", 0, 9000, Failed), ("b", 0, 9500, Failed), ("c", 1, 11_000, Failed)], vec![11_000]),
        // it has seen it itself
        (vec![("me", 1, 11_000, Failed), ("b", 0, 4000, Up), ("b", 1, 14_000, Failed)], vec![]),
        // its own test began after the other's
        (vec![("b", 1, 12_000, Up), ("me", 1, 14_500, Up), ("b", 1, 14_000, Failed)], vec![]),
        // so little after it that the clocks may be wrong
        (vec![("b", 1, 12_000, Up), ("me", 1, 14_200, Up), ("b", 1, 14_000, Failed)], vec![14_000]),
        // it was cut off when it looked
        (vec![("me", 0, 1000, Up), ("me", 1, 14_500, NoNetwork), ("b", 1, 14_000, Failed)], vec![]),
    ] {
        assert_eq!(looked(&mut lookout(), &story), expected, "{story:?}");
    }
}

#[test]
fn a_flip_to_passed_makes_those_look_that_still_say_failed() {
    let down = [("me", 0, 1000, Failed), ("b", 0, 1100, Failed), ("c", 0, 1200, Failed)];
    for (mine, flip, expected) in [
        (None, ("b", 1, 8000, Up), vec![8000]),
        (None, ("b", 1, 8000, NoNetwork), vec![]),
        (Some(("me", 1, 7000, Up)), ("b", 1, 8000, Up), vec![]),
        (Some(("me", 1, 8500, Failed)), ("b", 1, 8000, Up), vec![]),
    ] {
        let mut lookout = lookout();
        looked(&mut lookout, &down);
        let story: Vec<_> = mine.into_iter().chain([flip]).collect();
        assert_eq!(looked(&mut lookout, &story), expected, "{story:?}");
    }
}

#[test]
fn a_steady_partial_failure_makes_nobody_look() {
    let story: Vec<_> = (0..50)
        .flat_map(|n| {
            let at = n * 10_000;
            [("me", n, at, Up), ("b", n, at + 3000, Failed), ("c", n, at + 6000, Up)]
        })
        .collect();
    assert_eq!(looked(&mut lookout(), &story), [3000]);
}

#[test]
fn what_does_not_stand_or_is_history_makes_nobody_look() {
    let mut lookout = lookout();
    let story = [
        ("me", 0, 1000, Up),
        ("b", 3, 34_000, Up),
        // older cycles come late
        ("b", 1, 14_000, Failed),
        ("b", 2, 24_000, Failed),
        // no vote lies between
        ("b", 4, 44_000, NoNetwork),
        ("b", 5, 54_000, Up),
    ];
    assert_eq!(looked(&mut lookout, &story), [] as [u64; 0]);
    // a node that was cut off for long hears what happened meanwhile
    for n in 6..90 {
        let outcome = if n % 2 == 0 { Failed } else { Up };
        assert_eq!(lookout.heard(&result("b", n, n * 10_000, outcome), after(1_000_000)), None, "{n}");
    }
    // a passed word after a failed one of the same cycle does not stand, so it is no flip
    assert!(lookout.heard(&result("b", 100, 1_000_000, Failed), after(1_000_100)).is_some());
    lookout.own(&result("me", 100, 1_000_050, Failed));
    assert_eq!(lookout.heard(&result("b", 100, 1_005_000, Up), after(1_005_100)), None);
}

#[test]
fn a_suspicion_counts_as_a_flip_to_failed_and_the_failure_that_follows_makes_nobody_look_again() {
    let mut one = lookout();
    looked(&mut one, &[("me", 0, 1000, Up), ("b", 0, 2000, Up)]);
    assert_eq!(one.suspected(&shop(), after(12_000), after(13_700)), Some(shop()));
    assert_eq!(one.heard(&result("b", 1, 12_000, Failed), after(17_000)), None);
    // of one that has failed in this cycle, or has looked since, nothing follows
    one.own(&result("me", 1, 13_700, Failed));
    assert_eq!(one.suspected(&shop(), after(18_000), after(19_700)), None);
    let mut one = lookout();
    looked(&mut one, &[("me", 1, 13_000, Up)]);
    assert_eq!(one.suspected(&shop(), after(12_000), after(13_700)), None);
    // nor of an old one
    assert_eq!(one.suspected(&shop(), after(13_500), after(40_000)), None);
}

#[test]
fn extra_looks_of_one_service_are_a_second_apart() {
    let mut lookout = lookout();
    looked(&mut lookout, &[("me", 1, 10_000, Up)]);
    let flip = |who, at| result(who, 1, at, Failed);
    assert_eq!(lookout.heard(&flip("b", 12_000), after(12_010)), Some(shop()));
    assert_eq!(lookout.heard(&flip("c", 12_500), after(12_510)), None);
    assert_eq!(lookout.heard(&flip("d", 13_000), after(13_009)), None);
    assert_eq!(lookout.heard(&flip("e", 13_000), after(13_010)), Some(shop()));
}

#[test]
fn only_services_with_a_seat_of_this_node_are_looked_at_and_what_was_heard_of_kept_ones_stays() {
    let mut lookout = lookout();
    looked(&mut lookout, &[("me", 0, 1000, Up), ("b", 0, 4000, Failed)]);
    let seats = |position| BTreeMap::from([(shop(), Seat { position, of: 3 })]);
    lookout.watching(&[service()], &seats(2));
    assert_eq!(looked(&mut lookout, &[("b", 1, 14_000, Failed)]), [] as [u64; 0]);
    lookout.watching(&[service()], &BTreeMap::new());
    assert_eq!(looked(&mut lookout, &[("c", 1, 15_000, Failed)]), [] as [u64; 0]);
    assert_eq!(lookout.suspected(&shop(), after(15_000), after(15_100)), None);
    // a seat of a service that is not known is none
    lookout.watching(&[], &seats(0));
    assert_eq!(looked(&mut lookout, &[("c", 1, 15_000, Failed)]), [] as [u64; 0]);
}

#[test]
fn without_the_rule_nobody_looks() {
    let mut lookout = lookout_with(RuleSet::ALL.without(Rule::Confirm));
    assert_eq!(looked(&mut lookout, &[("me", 0, 1000, Up), ("b", 0, 4000, Failed)]), [] as [u64; 0]);
    assert_eq!(lookout.suspected(&shop(), after(4000), after(5000)), None);
}

#[test]
fn after_a_sleep_what_this_node_saw_before_does_not_keep_it_from_looking() {
    let mut lookout = lookout();
    // seen by a clock that was an hour ahead
    looked(&mut lookout, &[("me", 360, 3_600_000, Failed), ("b", 1, 11_000, Up)]);
    assert_eq!(looked(&mut lookout, &[("b", 1, 14_000, Failed)]), [] as [u64; 0]);
    lookout.slept();
    assert_eq!(looked(&mut lookout, &[("c", 1, 15_000, Failed)]), [15_000]);
}

#[test]
fn however_many_nodes_speak_only_so_many_are_remembered_and_the_longest_silent_is_forgotten() {
    let mut lookout = lookout();
    for n in 0..2 * NODES_LIMIT {
        lookout.heard(&result(&format!("n{n}"), n as u64, 0, Up), START);
    }
    let words = &lookout.scenes[&shop()].words;
    assert_eq!(words.len(), NODES_LIMIT);
    assert!(words.values().all(|word| word.cycle >= cycle(NODES_LIMIT as u64)));
}
