//! What the store costs: run with `cargo test --release -p p7-store --test cost -- --ignored --nocapture`.
//! Prints figures, judges none.

#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, reason = "a bench")]

mod common;

use common::{DAY, HOUR, NEW_YEAR, commit, cycle, facts, node, open, result, service};
use p7_core::result::ProbeResult;
use p7_core::vocabulary::{MeshTime, Micros};
use p7_store::{Resolution, Store, Upkeep};
use std::fs;
use std::time::{Duration, Instant};

const SERVICES: u64 = 1000;
/// Six hours.
const CYCLES: u64 = 2160;

/// CPU time of this process, all threads.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// Bytes this process has handed to the system to write, logs and compactions included.
fn written() -> u64 {
    let io = fs::read_to_string("/proc/self/io").unwrap();
    let line = io.lines().find(|line| line.starts_with("wchar")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn rss_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Results of all services in one cycle, with latencies as they vary.
fn cycle_of(number: u64) -> Vec<ProbeResult> {
    (0..SERVICES)
        .map(|i| {
            let start = NEW_YEAR + number * 10_000;
            let mut one = result(&format!("service-{i}"), start, "12D3KooWGpXqHYs8u");
            let noise = (number * 1_000_003 + i).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            let vary = |base: u64, bits: u32| Micros(u32::try_from(base + (noise >> bits) % base).unwrap());
            one.at = MeshTime(start + noise % 10_000);
            one.latency = vary(20_000, 0);
            one.phases.resolve = vary(300, 3);
            one.phases.connect = vary(2_000, 5);
            one.phases.tls = vary(6_000, 7);
            one.phases.processing = vary(9_000, 9);
            one.phases.transfer = vary(700, 11);
            one
        })
        .collect()
}

fn measure<T>(what: &str, per: u64, act: impl FnOnce() -> T) -> T {
    let (wall, used) = (Instant::now(), cpu());
    let done = act();
    let (wall, used) = (wall.elapsed(), cpu().saturating_sub(used));
    println!(
        "{what}: {:.2} us wall, {:.2} us cpu each of {per}; {wall:?} in all; RSS {} KiB",
        wall.as_secs_f64() * 1e6 / per as f64,
        used.as_secs_f64() * 1e6 / per as f64,
        rss_kib()
    );
    done
}

fn commit_cycles(store: &Store, cycles: std::ops::Range<u64>, at_once: usize) {
    for number in cycles {
        for some in facts(&cycle_of(number)).chunks(at_once) {
            store.commit(some).unwrap();
        }
    }
}

#[test]
#[ignore = "a bench that takes a minute"]
fn what_1000_services_every_10_s_cost() {
    let dir = tempfile::tempdir().unwrap();
    println!("RSS before {} KiB", rss_kib());
    let store = open(dir.path());
    println!("RSS open {} KiB", rss_kib());
    measure("making the results alone", 100 * SERVICES, || {
        (0..100).map(|n| facts(&cycle_of(n)).len()).sum::<usize>()
    });
    let mut next = 0;
    for at_once in [1, 10, 100, 1000] {
        let cycles = next..next + 100;
        next += 100;
        measure(&format!("commit, {at_once} at once"), 100 * SERVICES, || {
            commit_cycles(&store, cycles, at_once);
        });
    }
    measure("sync after 100 results", 1, || {
        commit(&store, &cycle_of(next)[..100]);
        store.sync().unwrap();
    });
    measure("repeat 10,000 that are known", 10_000, || commit_cycles(&store, 5..15, 100));
    measure("commit the rest, 100 at once", (CYCLES - next) * SERVICES, || {
        commit_cycles(&store, next..CYCLES, 100);
    });
    store.flush().unwrap();
    let rows = CYCLES * SERVICES;
    println!(
        "{:.1} bytes a result on disk before compaction",
        store.figures().disk_bytes as f64 / rows as f64
    );
    println!("{:.0} bytes written a result", written() as f64 / rows as f64);
    let mut longest = Duration::ZERO;
    let mut steps = 0;
    measure("upkeep, per result", rows, || {
        loop {
            let start = Instant::now();
            let more = store.upkeep(MeshTime(NEW_YEAR + DAY + HOUR)).unwrap();
            longest = longest.max(start.elapsed());
            steps += 1;
            if more == Upkeep::Done {
                break;
            }
        }
    });
    println!("{steps} steps, the longest {longest:?}");
    std::thread::sleep(Duration::from_secs(5));
    println!(
        "{:.1} bytes a result on disk; {:?}; RSS {} KiB",
        store.figures().disk_bytes as f64 / rows as f64,
        store.figures(),
        rss_kib()
    );
    drop(store);
    let store = measure("open again", 1, || open(dir.path()));
    let read = measure("recent 30 cycles of 1000 services, per service", SERVICES, || {
        let from = cycle(NEW_YEAR + (CYCLES - 30) * 10_000);
        let read =
            (0..SERVICES).map(|i| store.recent(&service(&format!("service-{i}")), from).unwrap().len());
        read.sum::<usize>()
    });
    assert_eq!(read, 30_000);
    let one = service("service-77");
    for (what, node) in [("all nodes", None), ("one node", Some(node("12D3KooWGpXqHYs8u")))] {
        for resolution in [Resolution::Hour, Resolution::Day] {
            measure(&format!("rollups of a day by {resolution:?}, {what}"), 1, || {
                let asked = store.rollups(
                    &one,
                    node.as_ref(),
                    resolution,
                    MeshTime(NEW_YEAR),
                    MeshTime(NEW_YEAR + DAY),
                );
                assert!(!asked.unwrap().is_empty());
            });
        }
    }
    println!("{:?}", store.figures());
}
