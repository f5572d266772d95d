//! The log of sealed batches: what was logged is there after a crash, and goes when its time is over.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{DAY, HOUR, NEW_YEAR, keep_up, node, open};
use p7_core::mesh::words::{Boot, Chapter, Have, Sequence, Span};
use p7_core::vocabulary::MeshTime;
use p7_settings::Period;
use p7_store::{Config, LogRow, Store, StoreError};
use std::path::Path;
use std::process::Command;

fn results(author: &str, boot: u32) -> Sequence {
    Sequence { author: node(author), boot: Boot(boot), chapter: Chapter::Results }
}

fn statements(author: &str, boot: u32) -> Sequence {
    Sequence { chapter: Chapter::Statements, ..results(author, boot) }
}

/// A batch of 100 bytes.
fn row(sequence: &Sequence, number: u64, at: u64) -> LogRow {
    let sealed = vec![u8::try_from(number % 251).unwrap(); 100];
    LogRow { sequence: sequence.clone(), number, at: MeshTime(at), sealed: sealed.into() }
}

fn rows(sequence: &Sequence, numbers: impl IntoIterator<Item = u64>) -> Vec<LogRow> {
    numbers.into_iter().map(|number| row(sequence, number, NEW_YEAR + number * 1_000)).collect()
}

fn span(sequence: &Sequence, first: u64, last: u64) -> Span {
    Span { sequence: sequence.clone(), first, last }
}

fn have(sequence: &Sequence, floor: u64, upto: u64, above: &[(u64, u64)]) -> Have {
    Have { sequence: sequence.clone(), floor, upto, above: above.to_vec() }
}

/// Everything that is logged of a sequence.
fn all(store: &Store, sequence: &Sequence) -> Vec<LogRow> {
    store.logged(&span(sequence, 0, u64::MAX), usize::MAX).unwrap()
}

#[test]
fn batches_are_given_again_as_they_came_after_a_restart_too() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (results("a", 7), statements("b", 1));
    let store = open(dir.path());
    assert_eq!(store.log_have().unwrap(), []);
    store.log(&rows(&a, [1, 2, 3, 7, 8, 5])).unwrap();
    store.log(&rows(&b, [2])).unwrap();
    store.log(&rows(&a, [3, 2])).unwrap();
    let expected = [have(&a, 1, 3, &[(5, 5), (7, 8)]), have(&b, 1, 0, &[(2, 2)])];
    assert_eq!(store.log_have().unwrap(), expected);
    store.close().unwrap();
    let store = open(dir.path());
    assert_eq!(store.log_have().unwrap(), expected);
    assert_eq!(all(&store, &a), rows(&a, [1, 2, 3, 5, 7, 8]));
    assert_eq!(store.logged(&span(&a, 2, 5), usize::MAX).unwrap(), rows(&a, [2, 3, 5]));
    assert_eq!(store.logged(&span(&b, 1, 9), usize::MAX).unwrap(), rows(&b, [2]));
    assert_eq!(all(&store, &results("a", 8)), []);
    assert_eq!(all(&store, &results("stranger", 7)), []);
    assert_eq!(store.logged(&span(&a, 5, 2), usize::MAX).unwrap(), []);
}

#[test]
fn the_first_word_of_a_number_stands() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let a = results("a", 1);
    store.log(&[row(&a, 1, NEW_YEAR)]).unwrap();
    let forged = LogRow { sealed: [9, 9].into(), ..row(&a, 1, NEW_YEAR + 5) };
    store.log(&[forged, row(&a, 2, NEW_YEAR), row(&a, 0, NEW_YEAR), row(&a, u64::MAX, NEW_YEAR)]).unwrap();
    assert_eq!(all(&store, &a), [row(&a, 1, NEW_YEAR), row(&a, 2, NEW_YEAR)]);
}

#[test]
fn what_does_not_fit_into_an_answer_is_the_earlier_part() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let a = results("a", 1);
    store.log(&rows(&a, 1..=20)).unwrap();
    let whole = span(&a, 1, 20);
    assert_eq!(store.logged(&whole, 350).unwrap(), rows(&a, 18..=20));
    assert_eq!(store.logged(&whole, 300).unwrap(), rows(&a, 18..=20));
    assert_eq!(store.logged(&whole, 1).unwrap(), rows(&a, [20]), "one at least");
}

#[test]
fn the_last_of_every_sequence_are_heard_again_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let sequences = [results("a", 1), results("a", 2), statements("a", 1), results("b", 1)];
    for sequence in &sequences {
        store.log(&rows(sequence, 1..=10)).unwrap();
    }
    store.log(&rows(&sequences[3], [15, 12])).unwrap();
    assert_eq!(store.log_tail(Chapter::Statements, 2).unwrap(), rows(&sequences[2], 9..=10));
    let tails = store.log_tail(Chapter::Results, 3).unwrap();
    let expected =
        [rows(&sequences[1], 8..=10), rows(&sequences[0], 8..=10), rows(&sequences[3], [10, 12, 15])];
    assert_eq!(tails, expected.concat());
}

#[test]
fn results_are_forgotten_after_their_time_and_statements_much_later() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { keep_news: Period::seconds(2 * 3600), ..Config::default() };
    let store = Store::open(dir.path(), &config).unwrap();
    let (a, b, said) = (results("a", 1), results("b", 1), statements("a", 1));
    let hourly = |sequence: &Sequence| -> Vec<LogRow> {
        (1..=10).map(|number| row(sequence, number, NEW_YEAR + number * HOUR)).collect()
    };
    for sequence in [&a, &b, &said] {
        store.log(&hourly(sequence)).unwrap();
    }
    keep_up(&store, NEW_YEAR + 7 * HOUR);
    let expected = [have(&a, 5, 10, &[]), have(&said, 1, 10, &[]), have(&b, 5, 10, &[])];
    assert_eq!(store.log_have().unwrap(), expected);
    assert_eq!(all(&store, &a), hourly(&a)[4..]);
    // what is forgotten does not come back
    store.log(&hourly(&a)).unwrap();
    store.close().unwrap();
    let store = Store::open(dir.path(), &config).unwrap();
    assert_eq!(store.log_have().unwrap(), expected);
    assert_eq!(all(&store, &a), hourly(&a)[4..]);
    keep_up(&store, NEW_YEAR + 30 * DAY);
    assert_eq!(all(&store, &a), []);
    assert_eq!(store.log_have().unwrap()[0], have(&a, 11, 0, &[]), "its floor says where it goes on");
    assert_eq!(all(&store, &said), hourly(&said));
    keep_up(&store, NEW_YEAR + 401 * DAY);
    assert_eq!(all(&store, &said), []);
}

#[test]
fn forgetting_goes_in_small_steps() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let a = results("a", 1);
    store.log(&rows(&a, 1..=9_000)).unwrap();
    assert!(keep_up(&store, NEW_YEAR + 30 * DAY) >= 5);
    assert_eq!(store.log_have().unwrap(), [have(&a, 9_001, 0, &[])]);
}

#[test]
fn an_ended_life_of_which_nothing_is_left_is_forgotten_altogether_the_last_one_never() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (old, new) = (results("a", 1), results("a", 2));
    store.log(&rows(&old, 1..=3)).unwrap();
    store.log(&rows(&new, 1..=3)).unwrap();
    keep_up(&store, NEW_YEAR + 9 * DAY);
    assert_eq!(store.log_have().unwrap(), [have(&old, 4, 0, &[]), have(&new, 4, 0, &[])]);
    keep_up(&store, NEW_YEAR + 11 * DAY);
    assert_eq!(store.log_have().unwrap(), [have(&new, 4, 0, &[])]);
}

#[test]
fn a_batch_of_a_far_future_does_not_stay_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let a = results("a", 1);
    let batches = [row(&a, 1, u64::MAX), row(&a, 2, NEW_YEAR + 23 * HOUR), row(&a, 3, NEW_YEAR)];
    store.log(&batches).unwrap();
    keep_up(&store, NEW_YEAR);
    assert_eq!(all(&store, &a), batches[1..]);
}

/// Run by the test below: logs and is gone without a word.
#[test]
fn log_child() {
    let Some(dir) = std::env::var_os("P7_STORE_TEST_LOG_DIR") else { return };
    let store = open(Path::new(&dir));
    for number in 1..=500 {
        store.log(&rows(&results("a", 1), [number])).unwrap();
    }
    std::process::abort();
}

#[test]
fn what_was_logged_survives_a_sudden_death() {
    let dir = tempfile::tempdir().unwrap();
    let died = Command::new(std::env::current_exe().unwrap())
        .args(["log_child", "--exact"])
        .env("P7_STORE_TEST_LOG_DIR", dir.path())
        .status();
    assert!(!died.unwrap().success());
    let store = open(dir.path());
    let a = results("a", 1);
    assert_eq!(store.log_have().unwrap(), [have(&a, 1, 500, &[])]);
    assert_eq!(all(&store, &a), rows(&a, 1..=500));
}

#[test]
fn a_batch_of_a_newer_version_is_refused_with_words() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let a = results("a", 1);
    store.log(&rows(&a, 1..=2)).unwrap();
    store.close().unwrap();
    let db = rocksdb::DB::open_default(dir.path().join("store")).unwrap();
    let key = db.iterator(rocksdb::IteratorMode::Start).map(Result::unwrap).find(|(key, _)| key[0] == b'l');
    db.put(key.unwrap().0, [2, 0, 0]).unwrap();
    drop(db);
    let error = open(dir.path()).logged(&span(&a, 1, 2), usize::MAX).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("a row of version 2"), "{error}");
}
