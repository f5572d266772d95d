//! Killed with kill -9 at any instant the store loses nothing it has acknowledged and opens again.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{DAY, NEW_YEAR, facts, result, service};
use p7_core::vocabulary::MeshTime;
use p7_settings::Period;
use p7_store::{Config, Resolution, ResultsQuery, Store};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

const DIR: &str = "P7_STORE_TEST_CRASH_DIR";
const FIRST: &str = "P7_STORE_TEST_CRASH_FIRST";
/// How often it is killed.
const KILLS: u64 = 25;
/// Results of a batch, one a minute so that hours pass quickly.
const BATCH: u64 = 20;
/// Batches of one life at most.
const LIFE: u64 = 400;

/// Keeps results for longer than the test's time runs.
fn open(dir: &Path) -> Store {
    let keep = Period::seconds(360 * 86_400);
    Store::open(dir, &Config { keep_results: keep, keep_hours: keep, ..Config::default() }).unwrap()
}

fn batch(number: u64) -> Vec<p7_store::Fact> {
    let results: Vec<_> =
        (0..BATCH).map(|i| result("shop", NEW_YEAR + (number * BATCH + i) * 60_000, "a")).collect();
    facts(&results)
}

/// Run by the test below: commits, says so, keeps up, until it is killed.
#[test]
fn crash_child() {
    let (Some(dir), Ok(first)) = (std::env::var_os(DIR), std::env::var(FIRST)) else { return };
    let first: u64 = first.parse().unwrap();
    let store = open(Path::new(&dir));
    let mut out = std::io::stdout();
    for number in first..first + LIFE {
        store.commit(&batch(number)).unwrap();
        writeln!(out, "committed {number}").unwrap();
        out.flush().unwrap();
        store.upkeep(MeshTime(NEW_YEAR + number * BATCH * 60_000)).unwrap();
        if number % 64 == 0 {
            store.flush().unwrap();
        }
    }
}

fn minutes(store: &Store, number: u64) -> u64 {
    let from = MeshTime(NEW_YEAR + number * BATCH * 60_000);
    let to = MeshTime(from.0 + BATCH * 60_000);
    let query = ResultsQuery { service: service("shop"), from, to, node: None, limit: 1000, after: None };
    store.results(&query).unwrap().rows.len() as u64
}

#[test]
fn nothing_acknowledged_is_lost_by_kill_9_and_batches_are_whole() {
    let dir = tempfile::tempdir().unwrap();
    let me = std::env::current_exe().unwrap();
    let mut next = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(&me)
            .args(["crash_child", "--exact", "--nocapture"])
            .env(DIR, dir.path())
            .env(FIRST, next.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // killed after another number of batches each time, somewhere in the middle of the next
        let batches = kill * 37 % (LIFE / 2);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = None;
        for line in lines.by_ref() {
            let number =
                line.unwrap().strip_prefix("committed ").map(|number| number.parse::<u64>().unwrap());
            acknowledged = number.or(acknowledged);
            if acknowledged.is_some_and(|number| number >= next + batches) {
                break;
            }
        }
        child.kill().unwrap();
        // what it still managed to say counts too
        for line in lines {
            let line = line.unwrap_or_default();
            acknowledged =
                line.strip_prefix("committed ").and_then(|number| number.parse().ok()).or(acknowledged);
        }
        child.wait().unwrap();
        let acknowledged = acknowledged.unwrap();
        let store = open(dir.path());
        for number in 0..=acknowledged {
            assert_eq!(minutes(&store, number), BATCH, "batch {number} after kill {kill}");
        }
        let unsaid = minutes(&store, acknowledged + 1);
        assert!(unsaid == 0 || unsaid == BATCH, "half a batch: {unsaid}");
        assert_eq!(minutes(&store, acknowledged + 2), 0);
        next = acknowledged + 1;
    }
    let store = open(dir.path());
    common::keep_up(&store, NEW_YEAR + 365 * DAY);
    let to = MeshTime(NEW_YEAR + 365 * DAY);
    let days = store.rollups(&service("shop"), None, Resolution::Day, MeshTime(NEW_YEAR), to).unwrap();
    let counted: u64 = days.iter().map(p7_store::Rollup::results).sum();
    assert!(counted == next * BATCH || counted == (next + 1) * BATCH, "{counted} of {next} batches");
}
