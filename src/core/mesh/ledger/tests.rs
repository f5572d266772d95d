//! What the ledger promises.

use super::Position::{Leader, StandBy};
use super::*;
use crate::mesh::rules::Rule;
use crate::mesh::words::Detail;
use crate::vocabulary::Level::{Down, Healthy, Incident};
use crate::vocabulary::MeshTime;
use proptest::prelude::*;

fn at(seconds: u64) -> Steady {
    Steady(1_000_000 + seconds * 1000)
}

fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

fn shop() -> ServiceId {
    ServiceId::new("shop").unwrap()
}

fn incident(n: u64) -> Cycle {
    Cycle::starting(MeshTime(n * 60_000))
}

fn notice(number: u64, by: &str, of: u64, level: Level, saying: Saying) -> Notice {
    let (service, channel) = (shop(), "slack".to_owned());
    Notice {
        service,
        channel,
        number,
        node: node(by),
        incident: incident(of),
        level,
        saying,
        detail: Detail::default(),
    }
}

fn intent(number: u64, by: &str, of: u64, level: Level) -> Notice {
    notice(number, by, of, level, Saying::Intent)
}

fn sent(number: u64, by: &str, of: u64, level: Level) -> Notice {
    notice(number, by, of, level, Saying::Sent)
}

fn want(of: u64, level: Level) -> [Wanted; 1] {
    [Wanted { service: shop(), incident: incident(of), level, word: Word::Level }]
}

/// The ledger of node `me`.
fn ledger(rules: RuleSet) -> Ledger {
    Ledger::new(node("me"), rules)
}

fn due(ledger: &mut Ledger, of: u64, level: Level, position: Position, seconds: u64) -> Vec<Step> {
    ledger.due(&want(of, level), "slack", position, at(seconds))
}

#[test]
fn the_leader_says_each_level_and_the_recovery_once() {
    let mut it = ledger(RuleSet::ALL);
    assert_eq!(due(&mut it, 7, Incident, Leader, 0), [Step::Intend(intent(1, "me", 7, Incident))]);
    assert_eq!(due(&mut it, 7, Incident, Leader, 1), [], "it is being sent");
    assert_eq!(it.sent(&intent(1, "me", 7, Incident)), sent(1, "me", 7, Incident));
    assert_eq!((due(&mut it, 7, Incident, Leader, 2), it.next_due()), (vec![], None));
    assert_eq!(due(&mut it, 7, Down, Leader, 60), [Step::Intend(intent(2, "me", 7, Down))]);
    it.sent(&intent(2, "me", 7, Down));
    assert_eq!(due(&mut it, 7, Healthy, Leader, 90), [Step::Intend(intent(3, "me", 7, Healthy))]);
    it.sent(&intent(3, "me", 7, Healthy));
    assert_eq!(due(&mut it, 7, Healthy, Leader, 91), []);
    assert_eq!(it.said(&shop(), "slack"), Some(&sent(3, "me", 7, Healthy)));
    assert_eq!(due(&mut it, 9, Incident, Leader, 92), [Step::Intend(intent(4, "me", 9, Incident))]);
}

#[test]
fn channels_and_services_are_said_apart() {
    let mut it = ledger(RuleSet::ALL);
    it.note(&sent(1, "a", 7, Incident), at(0));
    assert_eq!(due(&mut it, 7, Incident, Leader, 1), []);
    let elsewhere = Notice { channel: "teams".into(), ..intent(1, "me", 7, Incident) };
    assert_eq!(it.due(&want(7, Incident), "teams", Leader, at(1)), [Step::Intend(elsewhere)]);
    let mail = ServiceId::new("mail").unwrap();
    let wanted = Wanted { service: mail.clone(), incident: incident(7), level: Down, word: Word::Level };
    let step = Step::Intend(Notice { service: mail, ..intent(1, "me", 7, Down) });
    assert_eq!(it.due(&[wanted], "slack", Leader, at(1)), [step]);
}

#[test]
fn a_recovery_is_said_only_where_an_outage_was_and_other_levels_never() {
    let mut it = ledger(RuleSet::ALL);
    assert_eq!(due(&mut it, 7, Healthy, Leader, 0), []);
    it.note(&intent(1, "a", 7, Incident), at(0));
    assert_eq!(due(&mut it, 7, Healthy, Leader, 60), [], "it was not sent, as far as anybody knows");
    it.note(&sent(1, "a", 7, Incident), at(61));
    for level in [Level::Unknown, Level::Partial, Level::Warning] {
        assert_eq!(due(&mut it, 7, level, Leader, 61), []);
    }
    assert_eq!(due(&mut it, 7, Healthy, Leader, 61), [Step::Intend(intent(2, "me", 7, Healthy))]);
}

#[test]
fn who_stands_by_speaks_after_its_wait_if_nobody_has() {
    let mut it = ledger(RuleSet::ALL);
    assert_eq!((due(&mut it, 7, Incident, StandBy(2), 0), it.next_due()), (vec![], Some(at(30))));
    assert_eq!(due(&mut it, 7, Down, StandBy(2), 29), [], "a worse level doesn't start the wait anew");
    assert_eq!(due(&mut it, 7, Down, StandBy(2), 30), [Step::Intend(intent(1, "me", 7, Down))]);

    let mut it = ledger(RuleSet::ALL);
    assert_eq!(due(&mut it, 7, Incident, StandBy(1), 0), []);
    it.note(&sent(1, "a", 7, Incident), at(3));
    assert_eq!((due(&mut it, 7, Incident, StandBy(1), 15), it.next_due()), (vec![], None));
    assert_eq!((due(&mut it, 7, Down, StandBy(1), 60), it.next_due()), (vec![], Some(at(75))));
    assert_eq!(due(&mut it, 7, Down, Leader, 61).len(), 1, "it leads now");

    let mut hasty = ledger(RuleSet::ALL.without(Rule::StandBy));
    assert_eq!(due(&mut hasty, 7, Incident, StandBy(2), 0).len(), 1);
}

#[test]
fn who_hears_anothers_intent_waits_for_its_outcome() {
    let heard = |rules| {
        let mut it = ledger(rules);
        assert_eq!(due(&mut it, 7, Incident, StandBy(1), 0), []);
        it.note(&intent(1, "a", 7, Incident), at(14));
        it
    };
    let mut it = heard(RuleSet::ALL);
    assert_eq!((due(&mut it, 7, Incident, Leader, 15), it.next_due()), (vec![], Some(at(19))));
    assert_eq!((due(&mut it, 7, Incident, StandBy(1), 15), it.next_due()), (vec![], Some(at(24))), "in turn");
    it.note(&intent(1, "a", 7, Incident), at(18));
    assert_eq!(due(&mut it, 7, Incident, StandBy(1), 24), [Step::Intend(intent(2, "me", 7, Incident))]);
    let mut it = heard(RuleSet::ALL);
    it.note(&sent(1, "a", 7, Incident), at(16));
    assert_eq!(due(&mut it, 7, Incident, StandBy(1), 19), []);
    assert_eq!(due(&mut it, 7, Down, Leader, 19).len(), 1, "an intent that was sent holds nobody");
    let mut hasty = heard(RuleSet::ALL.without(Rule::HoldIntent));
    assert_eq!(due(&mut hasty, 7, Incident, StandBy(1), 15).len(), 1);
}

#[test]
fn a_number_is_above_every_known_one_so_that_none_is_used_twice() {
    let known = |rules| {
        let mut it = ledger(rules);
        it.note(&sent(3, "a", 5, Healthy), at(0));
        it.note(&intent(4, "me", 7, Down), at(0));
        it.note(&intent(6, "b", 7, Incident), at(0));
        due(&mut it, 7, Incident, Leader, 60)
    };
    assert_eq!(known(RuleSet::ALL), [Step::Intend(intent(7, "me", 7, Incident))]);
    assert_eq!(known(RuleSet::ALL.without(Rule::LedgerNumber)), [Step::Intend(intent(4, "me", 7, Incident))]);
}

#[test]
fn what_failed_is_tried_again_under_its_number_if_nobody_else_has_said_it() {
    let failing = |rules| {
        let mut it = ledger(rules);
        assert_eq!(due(&mut it, 7, Incident, Leader, 0).len(), 1);
        it.failed(&intent(1, "me", 7, Incident), at(1));
        assert_eq!(due(&mut it, 7, Incident, Leader, 6), [], "not before six seconds");
        assert!(it.next_due().is_some_and(|next| (at(7)..=at(9)).contains(&next)));
        it
    };
    let again = Step::Again(intent(1, "me", 7, Incident));
    let mut it = failing(RuleSet::ALL);
    assert_eq!(due(&mut it, 7, Incident, Leader, 14), std::slice::from_ref(&again));
    let mut it = failing(RuleSet::ALL);
    it.note(&sent(2, "a", 7, Incident), at(6));
    assert_eq!(due(&mut it, 7, Incident, Leader, 14), [], "another was faster");
    let mut it = failing(RuleSet::ALL);
    assert_eq!(due(&mut it, 7, Healthy, Leader, 14), [], "it is over");
    let mut it = failing(RuleSet::ALL);
    assert_eq!(due(&mut it, 7, Down, Leader, 14), [Step::Intend(intent(2, "me", 7, Down))]);
    let mut blind = failing(RuleSet::ALL.without(Rule::ReadAgain));
    blind.note(&sent(2, "a", 7, Incident), at(6));
    assert_eq!(due(&mut blind, 7, Incident, Leader, 14), [again]);
}

#[test]
fn while_a_channel_fails_the_leader_tries_often_and_who_stands_by_seldom() {
    let tries = |position| {
        let mut it = ledger(RuleSet::ALL);
        let mut tries: Vec<u64> = Vec::new();
        for second in 0..600 {
            for step in due(&mut it, 7, Incident, position, second) {
                let (Step::Intend(notice) | Step::Again(notice)) = step;
                it.failed(&notice, at(second));
                tries.push(second);
            }
        }
        tries
    };
    let (leader, next) = (tries(Leader), tries(StandBy(1)));
    assert!(leader[0] == 0 && (6..=9).contains(&leader[1]), "over before another's turn: {leader:?}");
    assert!(leader.windows(2).all(|pair| pair[1] - pair[0] <= 65), "{leader:?}");
    assert!(next[0] == 15 && next.len() <= 5, "{next:?}");
    let mut it = ledger(RuleSet::ALL);
    for second in [15, 60, 180] {
        due(&mut it, 7, Incident, StandBy(1), second);
        it.failed(&intent(1, "me", 7, Incident), at(second));
    }
    assert_eq!(due(&mut it, 7, Incident, Leader, 220).len(), 1, "who leads now tries as leaders do");
}

#[test]
fn a_leader_that_waits_for_its_view_is_ahead_of_who_stands_by_with_a_better_one() {
    let last = sent(3, "a", 8, Down);
    let first_word = |wants: u64, position| {
        let mut it = ledger(RuleSet::ALL);
        it.note(&last, at(0));
        (0..60).find(|second| !due(&mut it, wants, Healthy, position, *second).is_empty()).unwrap()
    };
    let (leader, next) = (first_word(7, Leader), first_word(8, StandBy(1)));
    assert!(leader + HOLD.0 / 1000 <= next, "{leader} and {next}");
}

#[test]
fn an_own_intent_from_before_a_restart_counts_as_not_sent() {
    let mut it = ledger(RuleSet::ALL);
    it.note(&intent(1, "me", 7, Incident), at(0));
    assert_eq!(due(&mut it, 7, Incident, Leader, 0), [Step::Again(intent(1, "me", 7, Incident))]);
    it.sent(&intent(1, "me", 7, Incident));
    assert_eq!(due(&mut it, 7, Incident, Leader, 1), []);
}

#[test]
fn a_sending_without_an_outcome_has_failed_after_a_minute() {
    let mut it = ledger(RuleSet::ALL);
    assert_eq!(due(&mut it, 7, Incident, Leader, 0).len(), 1);
    assert_eq!((due(&mut it, 7, Incident, Leader, 59), it.next_due()), (vec![], Some(at(60))));
    assert_eq!(due(&mut it, 7, Incident, Leader, 60), [Step::Again(intent(1, "me", 7, Incident))]);
}

#[test]
fn a_reminder_is_news_of_the_same_level_and_flapping_is_said_once() {
    let mut it = ledger(RuleSet::ALL);
    let said = |word| Notice { detail: Detail { word, ..Detail::default() }, ..sent(1, "a", 7, Incident) };
    it.note(&said(Word::Reminder(1)), at(0));
    let mut due = |word, seconds| {
        let [wanted] = want(7, Incident);
        it.due(&[Wanted { word, ..wanted }], "slack", Leader, at(seconds)).len()
    };
    assert_eq!([due(Word::Level, 1), due(Word::Reminder(1), 2), due(Word::Reminder(2), 3)], [0, 0, 1]);
    let mut it = ledger(RuleSet::ALL);
    it.note(&said(Word::Flapping), at(0));
    assert_eq!(it.due(&want(7, Incident), "slack", Leader, at(1)), []);
    assert_eq!(it.due(&want(7, Healthy), "slack", Leader, at(1)).len(), 1);
}

#[test]
fn what_another_was_about_to_say_is_in_doubt_until_it_was_said() {
    let mut it = ledger(RuleSet::ALL);
    let message = |n: Notice| Notice { detail: Detail { message: 9, ..Detail::default() }, ..n };
    it.note(&message(intent(1, "a", 7, Incident)), at(0));
    let mine = intent(2, "me", 7, Incident);
    assert_eq!((it.doubt(&mine), it.doubt(&intent(2, "me", 7, Down))), (Some(9), None));
    assert_eq!(it.entries().collect::<Vec<_>>(), [message(intent(1, "a", 7, Incident))]);
    it.note(&message(sent(1, "a", 7, Incident)), at(1));
    assert_eq!(it.doubt(&mine), None);
    assert_eq!(it.entries().collect::<Vec<_>>(), [message(sent(1, "a", 7, Incident))]);
}

#[test]
fn who_slept_waits_anew() {
    let mut it = ledger(RuleSet::ALL);
    assert_eq!(due(&mut it, 7, Incident, StandBy(1), 0), []);
    it.slept();
    assert_eq!((due(&mut it, 7, Incident, StandBy(1), 3600), it.next_due()), (vec![], Some(at(3615))));
}

#[test]
fn where_the_ledger_is_ahead_of_what_this_node_knows_it_waits_before_it_speaks() {
    let knowing = |said: Notice| {
        let mut it = ledger(RuleSet::ALL);
        it.note(&said, at(0));
        it
    };
    let mut it = knowing(sent(3, "a", 8, Incident));
    assert_eq!(due(&mut it, 7, Incident, Leader, 0), [], "late results moved its beginning: it is the same");
    assert_eq!(due(&mut it, 7, Healthy, Leader, 0), [], "this node may not know yet that it failed again");
    assert_eq!(due(&mut it, 7, Healthy, Leader, 7), [Step::Intend(intent(4, "me", 8, Healthy))]);
    let mut it = knowing(sent(3, "a", 7, Healthy));
    assert_eq!(due(&mut it, 7, Down, Leader, 0), [], "this node may not know yet that it is over");
    assert_eq!(due(&mut it, 7, Down, Leader, 7), [Step::Intend(intent(4, "me", 7, Down))]);
    let mut it = knowing(sent(3, "a", 6, Incident));
    assert_eq!(due(&mut it, 7, Healthy, Leader, 0).len(), 1, "whatever was said to fail is well again");
}

#[test]
fn an_outage_that_was_said_by_who_did_not_know_of_the_recovery_is_recovered_from_once_more() {
    // which recoveries come to light beside an outage of incident 8 with number 2, and whether another is due
    let cases: [(&[Notice], bool); 6] = [
        (&[sent(3, "b", 7, Healthy)], true), // of an earlier incident: its author did not know of the outage
        (&[sent(2, "b", 8, Healthy)], true), // with the same number: nor did it here
        (&[sent(3, "b", 8, Healthy)], false), // of the same
        (&[sent(3, "b", 9, Healthy)], false), // of a later one
        (&[sent(3, "b", 8, Healthy), sent(4, "c", 7, Healthy)], false), // one is enough
        (&[sent(3, "b", 7, Healthy), sent(5, "b", 8, Down), sent(6, "b", 8, Healthy)], false),
    ];
    for (recoveries, is_due) in cases {
        let entries = [&[sent(1, "b", 7, Incident), sent(2, "a", 8, Incident)], recoveries].concat();
        for backwards in [false, true] {
            let mut it = ledger(RuleSet::ALL);
            let mut order: Vec<&Notice> = entries.iter().collect();
            if backwards {
                order.reverse();
            }
            for entry in order {
                it.note(entry, at(0));
            }
            let next = entries.iter().map(|entry| entry.number).max().unwrap() + 1;
            due(&mut it, 7, Healthy, Leader, 1);
            // of the outage's incident, though this node has dated that back
            let step = Step::Intend(intent(next, "me", 8, Healthy));
            let expected = if is_due { vec![step] } else { vec![] };
            assert_eq!(due(&mut it, 7, Healthy, Leader, 9), expected, "{recoveries:?}");
            let kept: Vec<Notice> = it.entries().collect();
            let mut later = noting(&kept);
            due(&mut later, 7, Healthy, Leader, 10);
            assert_eq!(due(&mut later, 7, Healthy, Leader, 20).len(), usize::from(is_due), "kept: {kept:?}");
            it.sent(&intent(next, "me", 8, Healthy));
            assert_eq!(due(&mut it, 7, Healthy, Leader, 60), [], "once is enough");
            assert_eq!(it.said(&shop(), "slack").map(|said| said.level), Some(Healthy));
        }
    }
}

#[test]
fn what_was_said_last_outlives_any_number_of_intents() {
    let mut it = ledger(RuleSet::ALL);
    it.note(&sent(1, "a", 7, Incident), at(0));
    for number in 2..100 {
        assert!(it.note(&intent(number, "b", 7, Down), at(0)));
    }
    assert!(!it.note(&intent(50, "c", 7, Down), at(0)), "long forgotten");
    assert_eq!(it.said(&shop(), "slack"), Some(&sent(1, "a", 7, Incident)));
    assert!(!it.note(&sent(u64::MAX, "c", 7, Healthy), at(0)), "there must be room above");
    assert_eq!(it.refused(), 1);
}

/// Entries as nodes make them: one content a key, an intent and perhaps its sent.
fn entries() -> impl Strategy<Value = Vec<Notice>> {
    let one = (1..30_u64, prop::sample::select(vec!["a", "b", "me"]), any::<bool>());
    prop::collection::vec(one, 0..60).prop_map(|all| {
        let level = |number: u64| [Incident, Down, Healthy][(number % 3) as usize];
        let saying = |is_sent| if is_sent { Saying::Sent } else { Saying::Intent };
        all.into_iter().map(|(n, by, is_sent)| notice(n, by, n / 4, level(n), saying(is_sent))).collect()
    })
}

fn noting(entries: &[Notice]) -> Ledger {
    let mut it = ledger(RuleSet::ALL);
    for entry in entries {
        it.note(entry, at(0));
    }
    it
}

proptest! {
    #[test]
    fn the_order_in_which_entries_are_heard_never_matters(
        (first, second) in entries().prop_flat_map(|e| (Just(e.clone()), Just(e).prop_shuffle())),
        of in 0..9_u64, level in prop::sample::select(vec![Incident, Down, Healthy]),
    ) {
        let (mut one, mut other) = (noting(&first), noting(&second));
        let last = first.iter().filter(|e| e.saying == Saying::Sent).max();
        let said = one.said(&shop(), "slack");
        prop_assert!(said == last || said.is_some_and(|said| said.level > Healthy), "{:?} {:?}", said, last);
        prop_assert_eq!(one.said(&shop(), "slack"), other.said(&shop(), "slack"));
        // long after, so that nothing is held and every wait is over
        due(&mut one, of, level, Leader, 100);
        due(&mut other, of, level, Leader, 100);
        prop_assert_eq!(due(&mut one, of, level, Leader, 200), due(&mut other, of, level, Leader, 200));
    }

    #[test]
    fn in_a_whole_mesh_each_level_is_said_once_whoever_dies(
        dies in prop::option::of(0..60_u64), refuses_until in 0..40_u64, levels in prop::collection::vec(0..3_usize, 1..6),
    ) {
        let names = ["a", "b", "c"];
        let mut nodes: Vec<Ledger> = names.map(|n| Ledger::new(node(n), RuleSet::ALL)).into();
        let mut accepted: Vec<Level> = Vec::new();
        let mut expected: Vec<Level> = Vec::new();
        for level in levels.iter().map(|n| [Incident, Down, Healthy][*n]) {
            let was_outage = expected.last().is_some_and(|last| *last != Healthy);
            if expected.last() != Some(&level) && (level != Healthy || was_outage) {
                expected.push(level);
            }
        }
        for second in 0..levels.len() as u64 * 100 {
            let level = [Incident, Down, Healthy][levels[usize::try_from(second / 100).unwrap()]];
            // a recovery ends an incident, so the next outage has another name
            let past = &levels[..usize::try_from(second / 100).unwrap()];
            let of = past.iter().filter(|n| **n == 2).count() as u64 + u64::from(level != Healthy);
            let alive = |n: usize| n != 0 || dies.is_none_or(|dies| second < dies);
            for n in (0..3).filter(|n| alive(*n)) {
                let place = (0..n).filter(|before| alive(*before)).count();
                let position = if place == 0 { Leader } else { StandBy(u16::try_from(place).unwrap()) };
                for step in nodes[n].due(&want(of, level), "slack", position, at(second)) {
                    let (Step::Intend(notice) | Step::Again(notice)) = step;
                    for other in &mut nodes { other.note(&notice, at(second)); }
                    if second < refuses_until {
                        nodes[n].failed(&notice, at(second));
                    } else {
                        accepted.push(notice.level);
                        let sent = nodes[n].sent(&notice);
                        for other in &mut nodes { other.note(&sent, at(second)); }
                    }
                }
            }
        }
        prop_assert_eq!(accepted, expected);
    }
}
