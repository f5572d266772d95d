//! What the journal promises.

use super::Noted::{Known, New, Refused, TooOld};
use super::*;
use crate::mesh::words::Chapter;
use crate::vocabulary::NodeId;
use proptest::prelude::*;

fn of(author: &str, boot: u32, chapter: Chapter) -> Sequence {
    Sequence { author: NodeId::new(author).unwrap(), boot: Boot(boot), chapter }
}

fn results(author: &str) -> Sequence {
    of(author, 1, Chapter::Results)
}

fn have(author: &str, floor: u64, upto: u64, above: &[(u64, u64)]) -> Have {
    Have { sequence: results(author), floor, upto, above: above.to_vec() }
}

fn noting(numbers: impl IntoIterator<Item = u64>) -> Journal {
    let mut journal = Journal::default();
    for number in numbers {
        journal.note(&results("a"), number);
    }
    journal
}

fn short(spans: &[Span]) -> Vec<String> {
    let chapter = |span: &Span| if span.sequence.chapter == Chapter::Results { 'r' } else { 's' };
    let one =
        |s: &Span| format!("{}{}{} {}-{}", s.sequence.author, s.sequence.boot.0, chapter(s), s.first, s.last);
    spans.iter().map(one).collect()
}

#[test]
fn numbers_in_order_make_one_run_and_those_ahead_leave_holes() {
    let mut journal = noting([1, 2, 3]);
    assert_eq!((journal.have(), journal.gaps()), (vec![have("a", 1, 3, &[])], 0));
    let noted: Vec<_> = [6, 9, 7, 6, 3, 0, u64::MAX].map(|n| journal.note(&results("a"), n)).into();
    assert_eq!(noted, [New, New, New, Known, Known, TooOld, Refused]);
    assert_eq!((journal.have(), journal.gaps()), (vec![have("a", 1, 3, &[(6, 7), (9, 9)])], 2));
    assert!(journal.has(&results("a"), 7) && !journal.has(&results("a"), 8));
    for number in [4, 8, 5] {
        assert_eq!(journal.note(&results("a"), number), New);
    }
    assert_eq!((journal.have(), journal.gaps()), (vec![have("a", 1, 9, &[])], 0));
}

#[test]
fn what_is_forgotten_is_too_old_and_no_hole_and_not_asked_for() {
    let mut journal = noting([1, 2, 3, 6, 7, 9]);
    journal.forget_below(&results("a"), 5);
    assert_eq!(journal.have(), [have("a", 5, 0, &[(6, 7), (9, 9)])]);
    assert_eq!(journal.note(&results("a"), 4), TooOld);
    assert_eq!(short(&journal.lacks(&[have("a", 1, 9, &[])])), ["a1r 8-8", "a1r 5-5"]);
    journal.forget_below(&results("a"), 2);
    assert_eq!(journal.have(), [have("a", 5, 0, &[(6, 7), (9, 9)])], "a floor never sinks");
    journal.forget_below(&results("a"), 20);
    assert_eq!((journal.have(), journal.gaps()), (vec![have("a", 20, 0, &[])], 0));
    assert_eq!(journal.digest(), 0, "nothing is left, so it adds nothing");
    journal.forget_sequence(&results("a"));
    assert_eq!(journal.have(), []);
}

#[test]
fn nodes_that_forgot_at_different_moments_have_the_same_digest() {
    let (mut early, late) = (noting(1..=100), noting(1..=100));
    early.forget_below(&results("a"), 60);
    assert_eq!(early.digest(), late.digest());
    assert_ne!(early.digest(), noting(1..=99).digest());
    assert_ne!(noting([1, 2, 4]).digest(), noting([1, 3, 4]).digest(), "other holes");
}

#[test]
fn digests_are_compared_between_versions_and_never_change() {
    assert_eq!(noting([1, 2, 5]).digest(), 0x6561_cb0e_70f7_e743);
}

#[test]
fn a_joiner_is_content_with_what_nobody_has_any_more_yet_takes_it_from_whoever_does() {
    let (mut joiner, mut elder) = (noting(400..=500), noting(1..=500));
    elder.forget_below(&results("a"), 400);
    assert_eq!(joiner.gaps(), 1);
    assert_ne!(joiner.digest(), elder.digest());
    joiner.adopt_floor(&elder.have());
    assert_eq!(joiner.gaps(), 0);
    assert_eq!(joiner.digest(), elder.digest());
    let longer = have("a", 300, 500, &[]);
    assert_eq!(short(&joiner.lacks(&[longer])), ["a1r 300-399"]);
    assert_eq!(joiner.note(&results("a"), 300), New);
    joiner.adopt_floor(&[have("a", u64::MAX, 0, &[])]);
    assert_eq!(joiner.note(&results("a"), 502), New, "a floor that is a lie takes nothing away");
    assert_eq!(joiner.gaps(), 1);
}

#[test]
fn statements_are_given_before_results_and_the_newest_of_every_author_before_the_older_of_any() {
    let mut journal = Journal::default();
    for (author, boot, chapter, upto) in [
        ("a", 1, Chapter::Results, 3),
        ("a", 2, Chapter::Results, 40),
        ("b", 1, Chapter::Results, 40),
        ("a", 1, Chapter::Statements, 2),
        ("b", 1, Chapter::Statements, 1),
    ] {
        (1..=upto).for_each(|n| assert_eq!(journal.note(&of(author, boot, chapter), n), New));
    }
    let all = [
        "a1s 1-2",
        "b1s 1-1",
        "a2r 25-40",
        "b1r 25-40",
        "a2r 9-24",
        "b1r 9-24",
        "a2r 1-8",
        "b1r 1-8",
        "a1r 1-3",
    ];
    assert_eq!(short(&journal.gives(&[], Limit::ANSWER)), all);
    let first = ["a1s 1-2", "b1s 1-1", "a2r 25-40", "b1r 40-40"];
    assert_eq!(short(&journal.gives(&[], Limit(20))), first);
    assert_eq!(journal.gives(&journal.have(), Limit::ANSWER), []);
    let whole = ["a1s 1-2", "b1s 1-1", "a2r 1-40", "b1r 1-40", "a1r 1-3"];
    assert_eq!(short(&Journal::default().lacks(&journal.have())), whole);
}

#[test]
fn numbers_that_would_make_too_many_spans_are_refused_until_holes_are_closed() {
    let mut journal = noting((1..=256).map(|n| n * 2 + 1));
    assert_eq!(journal.note(&results("a"), 1001), Refused);
    assert_eq!((journal.refused(), journal.has(&results("a"), 1001)), (1, false));
    assert_eq!(journal.note(&results("a"), 514), New, "it lengthens a span");
    assert_eq!(journal.note(&results("a"), 4), New, "it closes a hole");
    assert_eq!(journal.note(&results("a"), 1001), New);
}

#[test]
fn an_author_of_very_many_lives_gives_up_its_earliest_for_others() {
    let mut journal = Journal::default();
    for boot in 1..=4095 {
        journal.note(&of("many", boot, Chapter::Statements), 1);
    }
    journal.note(&of("few", 1, Chapter::Statements), 1);
    assert_eq!(journal.note(&of("new", 1, Chapter::Statements), 1), New);
    assert_eq!((journal.have().len(), journal.given_up()), (4096, 1));
    assert_eq!(journal.note(&of("many", 1, Chapter::Statements), 1), Refused);
    let mut other = Journal::default();
    other.note(&of("many", 1, Chapter::Statements), 1);
    assert_eq!(journal.lacks(&other.have()), [], "what was given up is not asked for");
    assert!(journal.has(&of("few", 1, Chapter::Statements), 1));
}

#[test]
fn when_everybody_has_few_lives_a_further_author_is_refused() {
    let mut journal = Journal::default();
    for n in 0..4096 {
        journal.note(&results(&format!("n{n}")), 1);
    }
    assert_eq!(journal.note(&results("late"), 1), Refused);
    assert_eq!((journal.refused(), journal.given_up()), (1, 0));
    assert_eq!(journal.lacks(&[have("late", 1, 5, &[])]), []);
}

fn sequences() -> Vec<Sequence> {
    vec![results("a"), of("a", 2, Chapter::Results), of("a", 2, Chapter::Statements), results("b")]
}

fn notes() -> impl Strategy<Value = Vec<(usize, u64)>> {
    prop::collection::vec((0..4_usize, 1..80_u64), 0..150)
}

fn journal(notes: &[(usize, u64)]) -> Journal {
    let sequences = sequences();
    let mut journal = Journal::default();
    for (which, number) in notes {
        journal.note(&sequences[*which], *number);
    }
    journal
}

fn take(journal: &mut Journal, spans: &[Span]) {
    for span in spans {
        for number in span.first..=span.last {
            assert_eq!(journal.note(&span.sequence, number), New, "only what is missing is given");
        }
    }
}

/// Any order of any numbers, small ones and the greatest.
fn wild() -> impl Strategy<Value = Vec<Have>> {
    let number = || prop_oneof![0..60_u64, (u64::MAX - 3)..=u64::MAX];
    let above = prop::collection::vec((number(), number()), 0..12);
    let one = (0..4_usize, number(), number(), above).prop_map(|(which, floor, upto, above)| Have {
        sequence: sequences()[which].clone(),
        floor,
        upto,
        above,
    });
    prop::collection::vec(one, 0..6)
}

proptest! {
    #[test]
    fn the_order_in_which_numbers_are_heard_never_matters(
        (first, second) in notes().prop_flat_map(|n| (Just(n.clone()), Just(n).prop_shuffle())),
    ) {
        let (first, second) = (journal(&first), journal(&second));
        prop_assert_eq!(first.have(), second.have());
        prop_assert_eq!((first.digest(), first.gaps()), (second.digest(), second.gaps()));
        let read = Journal::new(&first.have());
        prop_assert_eq!((read.have(), read.digest(), read.gaps()), (first.have(), first.digest(), first.gaps()));
    }

    #[test]
    fn two_nodes_that_give_each_other_what_the_other_lacks_end_up_alike(
        mine in notes(), theirs in notes(), floors in prop::collection::vec((any::<bool>(), 0..4_usize, 1..90_u64), 0..5),
        limit in 1..40_u64,
    ) {
        let (mut mine, mut theirs) = (journal(&mine), journal(&theirs));
        for (is_mine, which, floor) in floors {
            let side = if is_mine { &mut mine } else { &mut theirs };
            side.forget_below(&sequences()[which], floor);
        }
        loop {
            let lacked: u64 = theirs.lacks(&mine.have()).iter().map(|s| s.last - s.first + 1).sum();
            let to_them = mine.gives(&theirs.have(), Limit(limit));
            let given: u64 = to_them.iter().map(|s| s.last - s.first + 1).sum();
            prop_assert_eq!(given, lacked.min(limit));
            take(&mut theirs, &to_them);
            let to_me = theirs.gives(&mine.have(), Limit(limit));
            take(&mut mine, &to_me);
            if to_them.is_empty() && to_me.is_empty() {
                break;
            }
        }
        mine.adopt_floor(&theirs.have());
        theirs.adopt_floor(&mine.have());
        prop_assert_eq!((mine.digest(), mine.gaps()), (theirs.digest(), theirs.gaps()));
        for (which, number) in (0..4).flat_map(|which| (90..200_u64).map(move |number| (which, number))) {
            prop_assert_eq!(mine.has(&sequences()[which], number), theirs.has(&sequences()[which], number));
        }
    }

    #[test]
    fn what_a_peer_says_it_has_never_does_harm(known in notes(), wild in wild(), number in any::<u64>()) {
        let read = Journal::new(&wild);
        prop_assert_eq!(Journal::new(&read.have()).have(), read.have());
        for have in read.have() {
            let ends: Vec<u64> = have.above.iter().flat_map(|(first, last)| [*first, *last]).collect();
            prop_assert!(ends.is_sorted() && have.floor >= 1 && have.above.len() <= 256);
        }
        let mut journal = journal(&known);
        let before = journal.have();
        for span in journal.lacks(&wild) {
            prop_assert!(span.first <= span.last && !journal.has(&span.sequence, span.first));
        }
        for span in journal.gives(&wild, Limit::ANSWER) {
            prop_assert!(journal.has(&span.sequence, span.first) && journal.has(&span.sequence, span.last));
        }
        journal.adopt_floor(&wild);
        prop_assert_eq!(journal.have(), before);
        let mut read = read;
        for sequence in sequences() {
            let had = read.has(&sequence, number);
            let noted = read.note(&sequence, number);
            prop_assert_eq!(read.has(&sequence, number), had || noted == New);
        }
    }

    #[test]
    fn the_digest_kept_in_step_is_that_of_what_is_there(
        notes in notes(), more in notes(), floor in 1..90_u64, dropped in 0..4_usize,
    ) {
        let mut kept = journal(&notes);
        kept.forget_below(&results("a"), floor);
        kept.forget_sequence(&sequences()[dropped]);
        for (which, number) in more {
            kept.note(&sequences()[which], number);
        }
        let anew = Journal::new(&kept.have());
        prop_assert_eq!((kept.digest(), kept.gaps()), (anew.digest(), anew.gaps()));
    }
}

#[test]
fn what_another_has_forgotten_and_never_came_here_is_lost() {
    let have = |floor, upto| have("a", floor, upto, &[]);
    let journal = Journal::new(&[have(1, 10)]);
    let lost = |theirs: Have| !journal.lost(&[theirs]).is_empty();
    assert!(!lost(have(1, 50)), "it still has all that is missing");
    assert!(!lost(have(11, 50)), "what it forgot is here");
    assert!(lost(have(12, 50)));
    assert!(!lost(have(12, 0)), "nothing of it is left: nothing says that it was missed");
    let stranger = Have { sequence: results("b"), ..have(2, 9) };
    assert!(lost(stranger.clone()));
    assert!(!lost(Have { floor: 1, ..stranger }));
}
