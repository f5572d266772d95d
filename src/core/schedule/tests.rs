//! What the timetable promises, on made-up time.

mod seats;

use super::*;

const START: MeshTime = MeshTime(1_700_000_000_000); // a multiple of 10 s and of 1 s

fn id(text: &str) -> ServiceId {
    ServiceId::new(text).unwrap()
}

fn after(ms: u64) -> MeshTime {
    START.plus(Millis(ms))
}

fn cycle(ms: u64) -> Cycle {
    Cycle::starting(after(ms))
}

fn limits(quick: usize, slow: usize) -> Limits {
    Limits { quick, slow, start_within: Millis(1000) }
}

fn every(seconds: u64, ids: &[&str]) -> Vec<Planned> {
    let planned = |service: &&str| Planned {
        service: id(service),
        interval: Interval::new(Millis::seconds(seconds)),
        seat: Some(Seat::ALONE),
        known: None,
    };
    ids.iter().map(planned).collect()
}

fn known(mut services: Vec<Planned>, last: Cycle) -> Vec<Planned> {
    for service in &mut services {
        service.known = Some(last);
    }
    services
}

fn seated(mut services: Vec<Planned>, seat: Option<Seat>) -> Vec<Planned> {
    for service in &mut services {
        service.seat = seat;
    }
    services
}

fn due(service: &str, its_cycle: Cycle, at_ms: u64, until_ms: u64, occasion: Occasion) -> Step {
    let (at, until) = (after(at_ms), after(until_ms));
    Step::Start(Due { service: id(service), cycle: its_cycle, at, until, occasion })
}

fn start(service: &str, its_cycle: Cycle, at_ms: u64, until_ms: u64) -> Step {
    due(service, its_cycle, at_ms, until_ms, Occasion::Slot)
}

fn extra(service: &str, its_cycle: Cycle, at_ms: u64, until_ms: u64) -> Step {
    due(service, its_cycle, at_ms, until_ms, Occasion::Extra)
}

#[test]
fn services_of_one_interval_are_spread_evenly_over_it_in_the_order_of_their_ids() {
    let services: Vec<_> = every(10, &["c", "a", "b", "d"]).into_iter().chain(every(60, &["m"])).collect();
    let places: Vec<_> = offsets(&services).into_iter().map(|(s, o)| (s.to_string(), o.0)).collect();
    let expected = [("a", 0), ("b", 2500), ("c", 5000), ("d", 7500), ("m", 0)];
    assert_eq!(places, expected.map(|(s, o)| (s.to_owned(), o)));
}

#[test]
fn services_that_stand_close_are_tested_a_few_at_a_time() {
    let ids: Vec<String> = (0..1000).map(|n| format!("s{n:03}")).collect();
    let services = every(10, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let mut together: BTreeMap<u64, usize> = BTreeMap::new();
    for place in offsets(&services).into_values() {
        *together.entry(place.0).or_default() += 1;
    }
    assert_eq!(together.len(), 250);
    assert!(together.iter().all(|(place, count)| place % 40 == 0 && *count == 4), "{together:?}");
}

#[test]
fn vantage_points_look_at_a_service_one_after_the_other_over_its_interval() {
    let of_b =
        |position| offsets(&seated(every(60, &["a", "b"]), Some(Seat { position, of: 3 })))[&id("b")].0;
    assert_eq!([of_b(0), of_b(1), of_b(2)], [30_000, 50_000, 10_000]);
}

#[test]
fn nodes_with_seats_at_different_services_mean_the_same_places() {
    let mut services = every(60, &["a", "b", "c"]);
    services[0].seat = None;
    services[1].seat = Some(Seat { position: 1, of: 2 });
    let places = offsets(&services);
    // b's place is the second third of the interval whoever tests a; its second vantage point is half of
    // the interval later
    assert_eq!(places, BTreeMap::from([(id("b"), Millis(50_000)), (id("c"), Millis(40_000))]));
}

#[test]
fn the_first_probe_fills_the_slot_that_has_passed_and_the_next_one_is_a_cycle_later() {
    let mut table = Timetable::new(limits(9, 9));
    table.plan(&every(10, &["a", "b"]), after(2000));
    // a's slot of this cycle has passed; b's is still ahead, so its first result is the last cycle's
    assert_eq!(table.turn(after(2000)), [start("a", cycle(0), 2000, 10_000)]);
    let before = Cycle::starting(START.minus(Millis::seconds(10)));
    assert_eq!(table.turn(after(2010)), [start("b", before, 2010, 5000)]);
    table.ended(&id("a"), after(2020));
    table.ended(&id("b"), after(2020));
    assert_eq!(table.next_turn(), Some(after(5000)));
    assert_eq!(table.turn(after(5001)), [start("b", cycle(0), 5000, 15_000)]);
    assert_eq!(table.turn(after(10_000)), [start("a", cycle(10_000), 10_000, 20_000)]);
}

#[test]
fn a_service_with_a_result_for_its_latest_slot_waits_for_the_next() {
    let mut table = Timetable::new(limits(9, 9));
    table.plan(&known(every(10, &["a"]), cycle(0)), after(2000));
    assert_eq!(table.turn(after(9999)), []);
    assert_eq!(table.turn(after(10_000)), [start("a", cycle(10_000), 10_000, 20_000)]);
}

#[test]
fn a_thousand_services_are_all_tested_within_a_second_of_the_start_and_not_in_a_burst() {
    let ids: Vec<String> = (0..1000).map(|n| format!("s{n:04}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut table = Timetable::new(limits(256, 256));
    table.plan(&every(10, &ids), after(3000));
    let mut started = BTreeSet::new();
    for ms in (3000..=4000).step_by(10) {
        let steps = table.turn(after(ms));
        assert!(steps.len() <= 25, "{} at once", steps.len());
        for step in steps {
            let Step::Start(due) = step else { panic!("{step:?}") };
            table.ended(&due.service, after(ms));
            started.insert(due.service);
        }
    }
    assert_eq!(started.len(), 1000);
}

#[test]
fn a_probe_that_still_runs_at_its_next_slot_is_not_doubled() {
    let mut table = Timetable::new(limits(9, 9));
    table.plan(&known(every(10, &["a"]), cycle(0)), after(1));
    assert_eq!(table.turn(after(10_000)), [start("a", cycle(10_000), 10_000, 20_000)]);
    assert_eq!(table.turn(after(20_000)), [Step::Overran(id("a"))]);
    table.ended(&id("a"), after(21_000));
    assert_eq!(table.turn(after(30_000)), [start("a", cycle(30_000), 30_000, 40_000)]);
    assert_eq!(table.running(), 1);
}

#[test]
fn hanging_probes_make_room_for_quick_ones_after_a_second() {
    let mut table = Timetable::new(limits(1, 1));
    table.plan(&known(every(2, &["hangs", "quick"]), cycle(0)), after(1001));
    assert_eq!(table.turn(after(2000)), [start("hangs", cycle(2000), 2000, 4000)]);
    assert_eq!(table.turn(after(3000)), [start("quick", cycle(2000), 3000, 5000)]);
    table.ended(&id("quick"), after(3001));
    assert_eq!(table.turn(after(4000)), [Step::Overran(id("hangs"))]);
    table.ended(&id("hangs"), after(4500));
    // known to be slow, it takes the other lane at once and the quick one does not wait
    assert_eq!(table.turn(after(5000)), [start("quick", cycle(4000), 5000, 7000)]);
    table.ended(&id("quick"), after(5001));
    assert_eq!(table.turn(after(6000)), [start("hangs", cycle(6000), 6000, 8000)]);
}

#[test]
fn a_probe_without_a_free_place_waits_and_a_lost_slot_is_told() {
    let mut table = Timetable::new(limits(1, 0));
    table.plan(&known(every(2, &["a", "b"]), cycle(0)), after(1001));
    assert_eq!(table.turn(after(2000)), [start("a", cycle(2000), 2000, 4000)]);
    assert_eq!(table.turn(after(3000)), []);
    assert_eq!(table.turn(after(4000)), [Step::Overran(id("a"))]);
    assert_eq!(table.turn(after(5000)), [Step::Starved(id("b"))]);
    table.ended(&id("a"), after(5100));
    assert_eq!(table.turn(after(5100)), [start("b", cycle(4000), 5000, 7000)]);
}

#[test]
fn after_a_sleep_nothing_is_made_up_for_and_all_go_on_at_their_next_slot() {
    let mut table = Timetable::new(limits(9, 9));
    table.plan(&known(every(10, &["a", "b"]), cycle(0)), after(6000));
    table.jumped(after(3_602_000));
    assert_eq!(table.turn(after(3_602_000)), []);
    assert_eq!(table.turn(after(3_605_000)), [start("b", cycle(3_600_000), 3_605_000, 3_615_000)]);
    assert_eq!(table.turn(after(3_610_000)), [start("a", cycle(3_610_000), 3_610_000, 3_620_000)]);
}

#[test]
fn a_clock_set_back_a_little_repeats_no_cycle_and_one_set_back_far_stops_nothing() {
    let mut table = Timetable::new(limits(9, 9));
    table.plan(&known(every(10, &["a"]), cycle(0)), after(1));
    assert_eq!(table.turn(after(10_000)), [start("a", cycle(10_000), 10_000, 20_000)]);
    table.ended(&id("a"), after(10_010));
    table.jumped(after(4000));
    assert_eq!(table.next_turn(), Some(after(20_000)));
    let day_before = MeshTime(START.0 - 86_400_000);
    table.jumped(day_before);
    assert_eq!(table.next_turn(), Some(day_before.plus(Millis::seconds(10))));
}

#[test]
fn a_new_plan_leaves_running_probes_alone_and_forgets_what_is_gone() {
    let mut table = Timetable::new(limits(9, 9));
    table.plan(&known(every(10, &["a", "b"]), cycle(0)), after(5001));
    assert_eq!(table.turn(after(10_000)), [start("a", cycle(10_000), 10_000, 20_000)]);
    table.plan(&every(10, &["a", "c"]), after(11_000));
    assert_eq!(table.running(), 1);
    // a is not tested again for the cycle that runs; c is new
    assert_eq!(table.turn(after(11_010)), [start("c", cycle(0), 11_010, 15_000)]);
    table.plan(&every(10, &[]), after(11_020));
    assert_eq!(table.running(), 2);
    table.ended(&id("a"), after(11_100));
    table.ended(&id("c"), after(11_100));
    assert_eq!((table.running(), table.next_turn()), (0, None));
}
