//! Rollups from one store to another: what was missed comes in, what is known better stays.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{DAY, HOUR, NEW_YEAR, commit, failed, keep_up, node, open, result, service};
use p7_core::mesh::missed::Missed;
use p7_core::result::ProbeResult;
use p7_core::vocabulary::MeshTime;
use p7_store::{Imported, Resolution, Rollup, RollupCursor, RollupRow, Store, StoreError};

/// The end of the test's time.
const END: u64 = NEW_YEAR + 3 * DAY;

/// Three days of two services, tested every ten minutes from two nodes; the last of an hour fails.
fn three_days() -> Vec<ProbeResult> {
    let mut results = Vec::new();
    for i in 0..3 * 24 * 6 {
        for (name, by) in [("shop", "a"), ("shop", "b"), ("api", "a")] {
            let start = NEW_YEAR + i * HOUR / 6;
            results.push(if i % 6 == 5 { failed(name, start, by) } else { result(name, start, by) });
        }
    }
    results
}

fn filled(dir: &std::path::Path) -> Store {
    let store = open(dir);
    commit(&store, &three_days());
    keep_up(&store, END + HOUR);
    store
}

/// All rollups of a time, page by page.
fn exported(store: &Store, resolution: Resolution, from: u64, to: u64, limit: usize) -> Vec<RollupRow> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = store.export_rollups(resolution, (MeshTime(from), MeshTime(to)), after, limit).unwrap();
        assert!(page.rows.len() <= limit);
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            return rows;
        }
    }
}

fn asked(store: &Store, name: &str, resolution: Resolution) -> Vec<Rollup> {
    store.rollups(&service(name), None, resolution, MeshTime(NEW_YEAR), MeshTime(END)).unwrap()
}

fn import(store: &Store, rows: &[RollupRow]) -> Imported {
    store.import_rollups(rows, MeshTime(END + HOUR)).unwrap()
}

#[test]
fn rollups_of_a_time_are_given_in_pages_of_any_size() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path());
    let whole = exported(&store, Resolution::Hour, NEW_YEAR, END, 1000);
    assert_eq!(whole.len(), 3 * 72);
    let some = exported(&store, Resolution::Hour, NEW_YEAR + 5 * HOUR, NEW_YEAR + 7 * HOUR, 1000);
    let starts: Vec<(String, u64)> =
        some.iter().map(|row| (row.service.to_string(), (row.start.0 - NEW_YEAR) / HOUR)).collect();
    let expected = [("shop", 5), ("shop", 5), ("shop", 6), ("shop", 6), ("api", 5), ("api", 6)];
    assert_eq!(starts, expected.map(|(name, hour)| (name.to_owned(), hour)));
    assert_eq!(some[0].counts.iter().sum::<u32>(), 6);
    for limit in [1, 2, 5] {
        assert_eq!(exported(&store, Resolution::Hour, NEW_YEAR + 5 * HOUR, NEW_YEAR + 7 * HOUR, limit), some);
    }
    assert_eq!(exported(&store, Resolution::Day, 0, u64::MAX, 4).len(), 9);
    assert_eq!(exported(&store, Resolution::Day, END, END, 4), []);
}

#[test]
fn a_node_that_was_off_shows_the_same_hours_and_days_afterwards() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (store, empty) = (filled(here.path()), open(there.path()));
    keep_up(&empty, END + HOUR);
    let hours = exported(&store, Resolution::Hour, NEW_YEAR, END, 1000);
    assert_eq!(import(&empty, &hours), Imported { taken: 216, known: 0, malformed: 0 });
    for name in ["shop", "api"] {
        for resolution in [Resolution::Hour, Resolution::Day] {
            assert_eq!(asked(&empty, name, resolution), asked(&store, name, resolution));
        }
    }
    assert_eq!(import(&empty, &hours), Imported { taken: 0, known: 216, malformed: 0 });
    let days = exported(&store, Resolution::Day, NEW_YEAR, END, 1000);
    assert_eq!(import(&empty, &days), Imported { taken: 0, known: 9, malformed: 0 });
}

#[test]
fn results_have_the_last_word_before_and_after() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = filled(here.path());
    let partial = open(there.path());
    // not rolled up yet, of one node, and of an hour that is
    commit(&partial, &[result("shop", NEW_YEAR + 2 * DAY + 3 * HOUR, "a"), result("shop", NEW_YEAR, "b")]);
    let rows: Vec<_> = exported(&store, Resolution::Hour, NEW_YEAR, END, 1000)
        .into_iter()
        .filter(|row| row.service == service("shop"))
        .collect();
    assert_eq!(import(&partial, &rows), Imported { taken: 142, known: 2, malformed: 0 });
    let one_day = |store: &Store, day: u64, by: &str| {
        let from = NEW_YEAR + day * DAY;
        let by = node(by);
        let day =
            store.rollups(&service("shop"), Some(&by), Resolution::Day, MeshTime(from), MeshTime(from + 1));
        day.unwrap()[0].results()
    };
    keep_up(&partial, END + HOUR);
    assert_eq!(one_day(&partial, 0, "a"), 144);
    assert_eq!(one_day(&partial, 0, "b"), 139, "23 hours from the other, one result of its own");
    assert_eq!(one_day(&partial, 2, "a"), 139);
    // a late result: its hour is counted anew, the figures of others stay
    commit(&partial, &[result("shop", NEW_YEAR + 4 * HOUR, "b")]);
    keep_up(&partial, END + 2 * HOUR);
    assert_eq!(one_day(&partial, 0, "a"), 144);
    assert_eq!(one_day(&partial, 0, "b"), 134);
}

#[test]
fn a_day_is_taken_only_where_nothing_of_it_is_known() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = filled(here.path());
    let partial = open(there.path());
    commit(&partial, &[result("shop", NEW_YEAR + DAY + HOUR, "a")]);
    keep_up(&partial, NEW_YEAR + DAY + 3 * HOUR);
    let days = exported(&store, Resolution::Day, NEW_YEAR, END, 1000);
    assert_eq!(import(&partial, &days), Imported { taken: 8, known: 1, malformed: 0 });
}

#[test]
fn what_no_rollup_can_be_is_refused_and_counted() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let row = exported(&filled(here.path()), Resolution::Hour, NEW_YEAR, NEW_YEAR + HOUR, 1)[0].clone();
    let store = open(there.path());
    let changed = |change: fn(&mut RollupRow)| {
        let mut row = row.clone();
        change(&mut row);
        row
    };
    let bad = [
        changed(|row| row.start = MeshTime(row.start.0 + 1)),
        changed(|row| row.start = MeshTime(END + HOUR)),
        changed(|row| row.start = MeshTime(u64::MAX - u64::MAX % HOUR)),
        changed(|row| row.resolution = Resolution::Day),
        changed(|row| row.counts = [0; 7]),
        changed(|row| row.counts = [u32::MAX; 7]),
        changed(|row| row.sketch.clear()),
        changed(|row| row.sketch.truncate(5)),
        changed(|row| row.sketch[0] = 2),
        changed(|row| row.sketch = vec![0xff; 5_000]),
    ];
    // a day begins at midnight like its first hour does
    let (day, others): (Vec<_>, Vec<_>) = bad.into_iter().partition(|row| row.resolution == Resolution::Day);
    assert_eq!(import(&store, &others), Imported { taken: 0, known: 0, malformed: 9 });
    assert_eq!(import(&store, &day), Imported { taken: 1, known: 0, malformed: 0 });
    let twice = [row.clone(), row.clone()];
    assert_eq!(import(&store, &twice), Imported { taken: 1, known: 1, malformed: 0 });
    let old = changed(|row| row.start = MeshTime(NEW_YEAR - 400 * DAY));
    assert_eq!(import(&store, &[old]), Imported { taken: 0, known: 1, malformed: 0 });
    let error = store.import_rollups(&vec![row; 1001], MeshTime(END)).unwrap_err();
    assert!(matches!(error, StoreError::TooMuch { asked: 1001, limit: 1000, .. }), "{error:?}");
}

#[test]
fn a_page_goes_on_where_the_bytes_of_its_cursor_say_and_absences_are_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path());
    let span = (MeshTime(NEW_YEAR), MeshTime(END));
    let first = store.export_rollups(Resolution::Hour, span, None, 10).unwrap();
    let cursor = RollupCursor::of(&first.next.unwrap().to_bytes()).unwrap();
    assert_eq!(Some(cursor), first.next);
    let second = store.export_rollups(Resolution::Hour, span, Some(cursor), 10).unwrap();
    let both = exported(&store, Resolution::Hour, NEW_YEAR, END, 20);
    assert_eq!([first.rows, second.rows].concat(), both[..20]);
    assert_eq!(RollupCursor::of(b"anything"), None);

    assert_eq!((store.seen().unwrap(), store.missed().unwrap()), (None, None));
    let missed = Some(Missed { from: span.0, to: span.1 });
    store.note_seen(span.1).unwrap();
    store.note_missed(missed).unwrap();
    store.close().unwrap();
    let store = open(dir.path());
    assert_eq!((store.seen().unwrap(), store.missed().unwrap()), (Some(span.1), missed));
    store.note_missed(None).unwrap();
    assert_eq!(store.missed().unwrap(), None);
}
