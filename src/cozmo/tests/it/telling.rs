//! What is said and shown when the board changes, as tables.

use p7_core::vocabulary::Level::{self, Down, Healthy, Incident, Partial, Unknown, Warning};
use p7_cozmo::board::{Activity, Board, Mood, Network, Places, Seen, Shown, Telling};
use p7_cozmo::clock::{HourTurn, LocalTime, QuietHours};
use p7_cozmo::light::{Backpack, Light, Rgb};
use p7_cozmo::queue::{Dropped, NEWS_LASTS, SpeechQueue, WAITING_LIMIT};
use p7_cozmo::scene;
use p7_cozmo::sentence::{Sentence, Topic, changes, time};
use p7_cozmo::voice::speakable;
use std::time::Duration;

fn board(services: &[(&str, Level)]) -> Board {
    let seen = Seen { by: 3, of: 5, places: Places::Offices };
    let shown = |(name, level): &(&str, Level)| {
        let service = Shown { name: (*name).to_owned(), level: *level, seen, telling: Telling::Aloud };
        (name.to_lowercase(), service)
    };
    Board { services: services.iter().map(shown).collect(), ..Board::default() }
}

fn said(before: &Board, after: &Board) -> Vec<String> {
    changes(before, after).into_iter().map(|sentence| sentence.text).collect()
}

#[test]
fn a_change_of_level_is_one_sentence_or_none() {
    let table: [(Level, Level, &[&str]); 14] = [
        (Healthy, Down, &["Google is down. Seen from three of five offices."]),
        (Unknown, Down, &["Google is down. Seen from three of five offices."]),
        (Incident, Down, &["Google is down. Seen from three of five offices."]),
        (Healthy, Incident, &["Google is failing. Seen from three of five offices."]),
        (Warning, Incident, &["Google is failing. Seen from three of five offices."]),
        (Down, Incident, &[]),
        (Down, Down, &[]),
        (Healthy, Warning, &[]),
        (Healthy, Partial, &[]),
        (Incident, Warning, &[]),
        (Incident, Unknown, &[]),
        (Unknown, Healthy, &[]),
        (Incident, Healthy, &["Google works again.", "All clear."]),
        (Down, Partial, &["Google works again.", "All clear."]),
    ];
    for (before, after, sentences) in table {
        let heard = said(&board(&[("Google", before)]), &board(&[("Google", after)]));
        assert_eq!(heard, sentences, "{before} to {after}");
    }
}

#[test]
fn who_sees_it_is_said_as_people_say_it() {
    let table = [
        ((1, 1, Places::Nodes), "Google is down."),
        ((2, 2, Places::Nodes), "Google is down. Seen from both nodes."),
        ((3, 3, Places::Offices), "Google is down. Seen from all three offices."),
        ((2, 14, Places::Nodes), "Google is down. Seen from two of 14 nodes."),
        ((0, 5, Places::Nodes), "Google is down."),
    ];
    for ((by, of, places), sentence) in table {
        let mut after = board(&[("Google", Down)]);
        after.services.get_mut("google").unwrap().seen = Seen { by, of, places };
        assert_eq!(said(&board(&[("Google", Healthy)]), &after), [sentence]);
    }
}

#[test]
fn many_at_once_are_a_number_and_the_muted_are_not_told() {
    let names = ["A", "B", "C", "D"];
    let (well, down) = (names.map(|name| (name, Healthy)), names.map(|name| (name, Down)));
    assert_eq!(said(&board(&well), &board(&down)), ["Four services are down, among them A."]);
    assert_eq!(said(&board(&down), &board(&well)), ["Four services work again, among them A.", "All clear."]);
    let mut muted = board(&[("Google", Down), ("Shop", Healthy)]);
    muted.services.get_mut("google").unwrap().telling = Telling::Mute;
    assert_eq!(said(&board(&[("Google", Healthy), ("Shop", Healthy)]), &muted), [""; 0]);
    let one_left = board(&[("Google", Down), ("Shop", Healthy)]);
    let both = board(&[("Google", Down), ("Shop", Incident)]);
    assert_eq!(said(&both, &one_left), ["Shop works again."], "all is not clear yet");
}

#[test]
fn a_machine_without_network_speaks_of_that_alone() {
    let well = board(&[("Google", Healthy)]);
    let cut_off = Board { network: Network::CutOff, ..board(&[("Google", Down)]) };
    assert_eq!(said(&well, &cut_off), ["I have no network. What I show may be old."]);
    assert_eq!(said(&cut_off, &well), ["The network is back.", "Google works again.", "All clear."]);
    assert_eq!(cut_off.mood(), Mood::CutOff);
}

#[test]
fn the_back_is_lit_by_the_worst_level() {
    let centre = |colour| Backpack::centre(Light::flash(colour));
    let table = [
        (Unknown, Activity::Waiting, Backpack::all(Light::solid(Rgb::BLUE))),
        (Healthy, Activity::Waiting, centre(Rgb::GREEN)),
        (Partial, Activity::Waiting, centre(Rgb::GREEN)),
        (Warning, Activity::Waiting, centre(Rgb::GREEN)),
        (Incident, Activity::Waiting, centre(Rgb::ORANGE)),
        (Down, Activity::Waiting, Backpack::all(Light::flash(Rgb::RED))),
        (Down, Activity::Refreshing, Backpack::all(Light::solid(Rgb::BLUE))),
    ];
    for (level, activity, lights) in table {
        let board = Board { activity, ..board(&[("Shop", Healthy), ("Google", level)]) };
        let expected = if level == Unknown { centre(Rgb::GREEN) } else { lights };
        assert_eq!(scene::backpack(&board), expected, "{level}, {activity:?}");
    }
    assert_eq!(scene::backpack(&Board::default()), Backpack::all(Light::solid(Rgb::BLUE)));
}

#[test]
fn every_text_fits_on_the_face_and_into_a_message() {
    let at = LocalTime { hour: 23, minute: 58, weekday: 2, day: 25, month: 9 };
    let long = "W@M#".repeat(100);
    for picture in [
        scene::clock(at),
        scene::date(at),
        scene::two_lines(&long, &long),
        scene::two_lines("", "é\n\u{4e2d}"),
    ] {
        assert!(!picture.is_blank());
        assert!(picture.encode().is_ok(), "{:?}", picture.encode());
    }
    assert!(scene::face(&board(&[("Google", Healthy)])).is_blank(), "the display wears out where it shines");
    let down = scene::face(&board(&[("Google", Down), ("Shop", Incident)]));
    assert_eq!(down, scene::two_lines("DOWN +1", "Google"));
    // the clock's colon: two dots between the second and the third digit of ten pixels each, from (8, 6)
    let colon = (28..38).map(|x| (6..26).filter(|y| scene::clock(at).is_lit(x, *y)).count()).max();
    assert!(colon.is_some_and(|lit| (2..=8).contains(&lit)), "{colon:?}");
}

#[test]
fn old_news_is_not_told_and_newer_word_replaces_it() {
    let mut queue = SpeechQueue::default();
    let about = |topic: &str, text: &str| Sentence::new(Topic::Service(topic.to_owned()), text);
    let at = Duration::from_secs;
    assert_eq!(queue.push(about("a", "a is down"), 1, at(0)), []);
    assert_eq!(queue.push(about("b", "b is down"), 2, at(30)), []);
    assert_eq!(queue.push(about("a", "a works"), 3, at(31)), [(1, Dropped::Replaced)]);
    let (next, dropped) = queue.next(at(30) + NEWS_LASTS);
    assert_eq!(
        (next.map(|(sentence, _)| sentence.text), dropped),
        (Some("a works".to_owned()), vec![(2, Dropped::Stale)])
    );
    for n in 0..=WAITING_LIMIT {
        let dropped = queue.push(Sentence::new(Topic::Person, "hello"), n, at(100));
        assert_eq!(dropped.is_empty(), n < WAITING_LIMIT, "{n}: {dropped:?}");
    }
    assert_eq!(queue.len(), WAITING_LIMIT);
}

#[test]
fn quiet_hours_go_over_midnight_and_say_what_is_wrong_with_them() {
    let night: QuietHours = "22:00-07:00".parse().unwrap();
    for (hour, quiet) in [(21, false), (22, true), (0, true), (6, true), (7, false), (12, false)] {
        assert_eq!(night.contains(hour * 60), quiet, "{hour}:00");
    }
    assert_eq!(night.ends(), "07:00");
    let lunch: QuietHours = "12:30 - 13:30".parse().unwrap();
    assert!(lunch.contains(12 * 60 + 30) && !lunch.contains(13 * 60 + 30));
    for bad in
        ["", "22-7", "22:00", "22:00-22:00", "25:00-07:00", "22:60-07:00", "-1:00-07:00", "22:00-07:00:00"]
    {
        assert!(bad.parse::<QuietHours>().is_err(), "{bad}");
    }
}

#[test]
fn the_hour_is_told_once_and_not_after_a_sleep() {
    let at = |hour, minute| LocalTime { hour, minute, day: 3, ..LocalTime::default() };
    let mut turn = HourTurn::default();
    let heard =
        [at(8, 0), at(8, 59), at(9, 0), at(9, 0), at(9, 1), at(11, 20), at(12, 0)].map(|at| turn.turned(at));
    assert_eq!(heard, [false, false, true, false, false, false, true], "not at the start, not after a sleep");
    assert_eq!(time(at(0, 0)).text, "It is twelve o'clock.");
    assert_eq!(time(at(15, 0)).text, "It is three o'clock.");
    assert_eq!(time(at(15, 5)).text, "It is three 05.");
}

#[test]
fn a_text_is_cleaned_before_it_is_spoken() {
    assert_eq!(speakable("  hello\n\u{1b}[31mworld\0 "), "hello  [31mworld");
    assert_eq!(speakable(&"é".repeat(1000)).chars().count(), 300);
}
