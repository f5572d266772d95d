//! What the timetable promises when seats change and when somebody wants to know now, on made-up time.

use super::*;

/// Chance enough: a plain linear congruence whose seed stands in its test.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn seat(&mut self) -> Seat {
        let of = 1 + self.below(5);
        let position = self.below(of);
        Seat { position: u16::try_from(position).unwrap(), of: u16::try_from(of).unwrap() }
    }
}

/// The cycles of services with an interval of 12 s; the first is the one that lasts when time begins.
fn twelve(n: u64) -> Cycle {
    let twelve = Interval::new(Millis::seconds(12));
    Cycle::at(after(0), twelve).later(n, twelve)
}

const SECOND_OF_TWO: Option<Seat> = Some(Seat { position: 1, of: 2 });

#[test]
fn a_service_without_a_seat_is_not_tested_and_one_that_gets_a_seat_is_tested_soon() {
    let mut table = Timetable::new(limits(9, 9));
    table.plan(&seated(every(10, &["a"]), None), after(1000));
    assert_eq!((table.turn(after(1000)), table.next_turn()), (vec![], None));
    table.plan(&every(10, &["a"]), after(2000));
    assert_eq!(table.turn(after(2000)), [start("a", cycle(0), 2000, 10_000)]);
    table.ended(&id("a"), after(2100));
    table.plan(&seated(every(10, &["a"]), None), after(3000));
    assert_eq!((table.turn(after(10_000)), table.next_turn()), (vec![], None));
    // it is back within the cycle that it has a result for
    table.plan(&known(every(10, &["a"]), cycle(0)), after(4000));
    assert_eq!(table.turn(after(10_000)), [start("a", cycle(10_000), 10_000, 20_000)]);
}

#[test]
fn a_probe_that_runs_when_its_seat_is_taken_away_ends_and_is_the_last() {
    let mut table = Timetable::new(limits(9, 9));
    table.plan(&known(every(10, &["a"]), cycle(0)), after(1000));
    assert_eq!(table.turn(after(10_000)), [start("a", cycle(10_000), 10_000, 20_000)]);
    table.plan(&seated(every(10, &["a"]), None), after(10_100));
    assert_eq!((table.running(), table.next_turn()), (1, None));
    assert_eq!(table.look_now(&id("a"), after(10_200)), []);
    table.ended(&id("a"), after(10_300));
    assert_eq!(table.running(), 0);
    assert_eq!(table.look_now(&id("a"), after(10_400)), []);
}

#[test]
fn a_cycle_keeps_its_time_when_its_new_slot_has_passed_and_takes_its_new_slot_when_that_is_ahead() {
    let mut table = Timetable::new(limits(9, 9));
    // from the second half of the interval to its beginning
    table.plan(&known(seated(every(10, &["a"]), SECOND_OF_TWO), cycle(0)), after(6000));
    table.plan(&every(10, &["a"]), after(12_000));
    assert_eq!(table.turn(after(14_999)), []);
    assert_eq!(table.turn(after(15_000)), [start("a", cycle(10_000), 15_000, 20_000)]);
    table.ended(&id("a"), after(15_100));
    // and back, after the cycle was tested and before the next is
    table.plan(&seated(every(10, &["a"]), SECOND_OF_TWO), after(16_000));
    assert_eq!(table.turn(after(20_000)), []);
    assert_eq!(table.next_turn(), Some(after(25_000)));
    assert_eq!(table.turn(after(25_000)), [start("a", cycle(20_000), 25_000, 35_000)]);
}

#[test]
fn where_the_new_slot_of_a_tested_cycle_is_well_ahead_there_is_an_extra_test() {
    for (tested_at, is_tested_again) in [(1000, true), (2999, true), (3100, false), (4900, false)] {
        let mut table = Timetable::new(limits(9, 9));
        table.plan(&every(10, &["a"]), after(tested_at));
        assert_eq!(table.turn(after(tested_at)), [start("a", cycle(0), tested_at, 10_000)]);
        table.ended(&id("a"), after(tested_at + 10));
        for _ in 0..3 {
            // however often it is told
            table.plan(&seated(every(10, &["a"]), SECOND_OF_TWO), after(tested_at + 20));
        }
        let expected = [extra("a", cycle(0), 5000, 15_000)];
        assert_eq!(table.turn(after(5000)), expected.get(..usize::from(is_tested_again)).unwrap());
        table.ended(&id("a"), after(5010));
        assert_eq!(table.turn(after(14_999)), []);
        assert_eq!(table.turn(after(15_000)), [start("a", cycle(10_000), 15_000, 25_000)]);
    }
}

#[test]
fn new_seats_for_all_make_no_burst() {
    let ids: Vec<String> = (0..1000).map(|n| format!("s{n:04}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut table = Timetable::new(limits(256, 256));
    table.plan(&known(seated(every(10, &ids), SECOND_OF_TWO), cycle(0)), after(5000));
    for tenth in 50..400_u64 {
        let of = u16::try_from(1 + tenth % 4).unwrap();
        if tenth % 31 == 0 {
            let seat = Seat { position: of - 1, of };
            table.plan(&seated(every(10, &ids), Some(seat)), after(tenth * 100));
        }
        let steps = table.turn(after(tenth * 100));
        // ten in each tenth of a second are due when all is quiet
        assert!(steps.len() <= 24, "{} at {tenth}", steps.len());
        for step in steps {
            let Step::Start(due) = step else { panic!("{step:?}") };
            table.ended(&due.service, after(tenth * 100));
        }
    }
}

#[test]
fn however_often_seats_change_no_cycle_is_lost_and_none_has_two_slots() {
    let mut chance = Chance(11);
    let all = ["a", "b", "c", "d", "e", "f", "g"];
    let mut table = Timetable::new(limits(9, 9));
    let mut now = after(0);
    let mut latest: BTreeMap<ServiceId, Cycle> = BTreeMap::new();
    table.plan(&every(10, &all), now);
    for _ in 0..30_000 {
        if chance.below(20) == 0 {
            let mut services = every(10, &all);
            for service in &mut services {
                service.seat = Some(chance.seat());
            }
            table.plan(&services, now);
        } else {
            now = now.plus(Millis(chance.below(700)));
        }
        for step in table.turn(now) {
            let Step::Start(due) = step else { panic!("{step:?}") };
            table.ended(&due.service, now);
            if due.occasion == Occasion::Extra {
                assert_eq!(latest.get(&due.service), Some(&due.cycle), "only of a cycle that is tested");
                continue;
            }
            if let Some(before) = latest.insert(due.service.clone(), due.cycle) {
                assert_eq!(before.later(1, Interval::new(Millis::seconds(10))), due.cycle, "{due:?}");
            }
            // never outside the cycle that it is for, but for the very first
            assert!(due.at.since(due.cycle.start()) < Millis::seconds(20), "{due:?}");
        }
    }
    assert_eq!(latest.len(), all.len());
}

#[test]
fn an_extra_test_starts_at_once_for_the_current_cycle_and_takes_no_slot_away() {
    let mut table = Timetable::new(limits(9, 9));
    table.plan(&known(seated(every(10, &["a"]), SECOND_OF_TWO), cycle(0)), after(6000));
    assert_eq!(table.look_now(&id("a"), after(11_000)), [extra("a", cycle(10_000), 11_000, 15_000)]);
    // one runs already
    assert_eq!(table.look_now(&id("a"), after(11_500)), []);
    table.ended(&id("a"), after(12_000));
    assert_eq!(table.turn(after(15_000)), [start("a", cycle(10_000), 15_000, 25_000)]);
    assert_eq!(table.look_now(&id("a"), after(15_100)), []);
    table.ended(&id("a"), after(15_200));
    assert_eq!(table.look_now(&id("nobody"), after(15_300)), []);
}

#[test]
fn a_slot_that_comes_while_an_extra_test_runs_waits_for_its_end() {
    let mut table = Timetable::new(limits(9, 9));
    table.plan(&known(every(10, &["a"]), cycle(0)), after(1000));
    assert_eq!(table.look_now(&id("a"), after(9000)), [extra("a", cycle(0), 9000, 10_000)]);
    assert_eq!(table.turn(after(10_000)), []);
    table.ended(&id("a"), after(14_000));
    assert_eq!(table.running(), 0);
    assert_eq!(table.turn(after(14_000)), [start("a", cycle(10_000), 10_000, 20_000)]);
    table.ended(&id("a"), after(14_100));
    // two slots come meanwhile: the first of them is left out
    assert_eq!(table.look_now(&id("a"), after(19_000)), [extra("a", cycle(10_000), 19_000, 20_000)]);
    assert_eq!(table.turn(after(20_000)), []);
    assert_eq!(table.turn(after(30_000)), [Step::Overran(id("a"))]);
    table.ended(&id("a"), after(31_000));
    assert_eq!(table.turn(after(31_000)), [start("a", cycle(30_000), 30_000, 40_000)]);
}

#[test]
fn an_extra_test_waits_for_a_free_place_before_those_whose_slot_has_come() {
    let mut table = Timetable::new(limits(1, 0));
    table.plan(&known(every(12, &["a", "b", "c"]), twelve(1)), after(12_500));
    assert_eq!(table.look_now(&id("a"), after(15_000)), [extra("a", twelve(1), 15_000, 16_000)]);
    // the slots of a and b come
    assert_eq!(table.turn(after(20_000)), []);
    assert_eq!(table.look_now(&id("c"), after(21_000)), []);
    table.ended(&id("a"), after(21_500));
    assert_eq!(table.turn(after(21_500)), [extra("c", twelve(2), 21_000, 24_000)]);
    table.ended(&id("c"), after(21_600));
    assert_eq!(table.turn(after(21_600)), [start("b", twelve(2), 20_000, 32_000)]);
}

#[test]
fn the_slot_of_a_service_whose_extra_test_still_waits_takes_its_turn_and_is_not_lost() {
    let mut table = Timetable::new(limits(1, 0));
    table.plan(&known(every(12, &["a", "b", "c"]), twelve(1)), after(12_500));
    assert_eq!(table.look_now(&id("a"), after(15_000)), [extra("a", twelve(1), 15_000, 16_000)]);
    assert_eq!(table.look_now(&id("b"), after(15_100)), []);
    assert_eq!(table.turn(after(20_000)), []);
    table.ended(&id("a"), after(20_500));
    assert_eq!(table.turn(after(20_500)), [start("b", twelve(2), 20_000, 32_000)]);
}

#[test]
fn whatever_happens_no_cycle_of_a_service_is_started_twice_and_places_are_kept() {
    let mut chance = Chance(7);
    let mut table = Timetable::new(limits(2, 1));
    let mut now = after(0);
    let mut running: Vec<ServiceId> = Vec::new();
    let mut started: BTreeMap<ServiceId, Cycle> = BTreeMap::new();
    let all = ["a", "b", "c", "d", "e", "f"];
    for _ in 0..20_000 {
        let mut steps = Vec::new();
        match chance.below(100) {
            0 => {
                let mut services = every(1 + chance.below(3), &all);
                for service in &mut services {
                    service.seat = Some(chance.seat()).filter(|seat| seat.of > 1);
                    service.known = started.get(&service.service).copied();
                }
                table.plan(&services, now);
            }
            1 => {
                now = now.plus(Millis(chance.below(100_000)));
                table.jumped(now);
            }
            2..40 if !running.is_empty() => {
                let ended = running.remove(usize::try_from(chance.below(running.len() as u64)).unwrap());
                table.ended(&ended, now);
            }
            40..45 => {
                let one = usize::try_from(chance.below(all.len() as u64)).unwrap();
                steps = table.look_now(&id(all[one]), now);
            }
            _ => now = now.plus(Millis(chance.below(300))),
        }
        steps.extend(table.turn(now));
        for step in steps {
            let Step::Start(due) = step else { continue };
            if due.occasion == Occasion::Slot {
                assert!(started.insert(due.service.clone(), due.cycle) < Some(due.cycle), "{due:?}");
            }
            assert!(!running.contains(&due.service));
            running.push(due.service);
        }
        assert!(table.running() <= 3);
        assert_eq!(table.running(), running.len());
    }
    assert!(started.len() == all.len());
}
