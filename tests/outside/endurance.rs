//! Death and return: what a node remembers over restarts, kills and orderly ends.

use crate::{SOON, watching};
use p7_tests::eventually;
use p7_tests::node::Node;
use p7_tests::site::{Mood, Site};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

/// What the store has not acknowledged within this may be lost by a kill.
const LOSS_LIMIT: Duration = Duration::from_secs(1);

/// The start of each cycle that has a result of `id`, as the API tells it.
fn cycles_with_results(node: &Node, id: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let page = node.json(&format!("/api/v1/services/{id}/results?limit=500{cursor}"));
        let items = page["items"].as_array().unwrap();
        found.extend(items.iter().map(|result| result["cycle_at"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[test]
fn after_a_restart_the_dashboard_shows_what_it_showed_with_the_gap_honest() {
    let (well, ill) = (Site::start(), Site::start());
    ill.set(Mood::Answers(500));
    let mut node = Node::start(&watching(&[("well", &well), ("ill", &ill)]));
    node.until_level("ill", "down", SOON);
    let (well_before, ill_before) = (node.service("well"), node.service("ill"));
    let results = cycles_with_results(&node, "well");
    let (status, took) = node.terminate();
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(5), "it took {took:?} to end");

    // away for some cycles
    std::thread::sleep(Duration::from_secs(4));
    node.run();
    let (well_now, ill_now) = (node.service("well"), node.service("ill"));
    assert_eq!(ill_now["incident"], ill_before["incident"]);
    assert_eq!(ill_now["since"], ill_before["since"]);
    assert_eq!(ill_now["level"], "down");
    assert_eq!(well_now["since"], well_before["since"]);
    assert!(cycles_with_results(&node, "well").is_superset(&results), "results were forgotten");
    node.until_level("well", "healthy", SOON);
    let told = node.service("well");
    let cycles = told["cycles"].as_array().unwrap();
    let known: Vec<bool> = cycles.iter().map(|cycle| !cycle["outcome"].is_null()).collect();
    let first = known.iter().position(|known| *known).unwrap();
    let gaps = known.iter().skip(first).filter(|known| !**known).count();
    assert!((2..=8).contains(&gaps), "{gaps} cycles are shown as missing: {told}");
}

#[test]
fn a_kill_at_any_moment_loses_at_most_a_second_and_breaks_nothing() {
    let site = Site::start();
    let mesh = watching(&[("shop", &site)]).replace("\"1s\"", "\"200ms\"").replace("\"800ms\"", "\"150ms\"");
    let mut node = Node::start(&mesh);
    let mut safe = BTreeSet::new();
    for round in 0..6_u64 {
        let from = site.requests();
        eventually("results", SOON, || (site.requests() > from + 8).then_some(()));
        let seen = cycles_with_results(&node, "shop");
        // what was seen now is a second old when the kill comes, at another moment each round
        std::thread::sleep(LOSS_LIMIT + Duration::from_millis(37 * round));
        safe.extend(seen);
        node.kill();
        node.run();
        let kept = cycles_with_results(&node, "shop");
        let lost: Vec<&String> = safe.difference(&kept).collect();
        assert!(lost.is_empty(), "kill {round} lost {lost:?}");
    }
    assert!(safe.len() >= 40, "only {} results were ever safe", safe.len());
    assert_eq!(node.until_level("shop", "healthy", SOON)["outcome"], "up");
}

#[test]
fn a_kill_keeps_the_incident_its_acknowledgement_and_the_nodes_identity() {
    let site = Site::start();
    site.set(Mood::Answers(500));
    let mut node = Node::start(&watching(&[("shop", &site)]));
    node.until_level("shop", "down", SOON);
    let answer =
        node.post("/api/v1/services/shop/ack", &serde_json::json!({ "by": "ann", "reason": "on it" }));
    assert!(answer.status < 300, "{}", answer.text());
    let before = node.service("shop");
    let id = node.json("/api/v1/mesh")["this"].clone();
    std::thread::sleep(LOSS_LIMIT);
    node.kill();
    node.run();
    let now = node.service("shop");
    for key in ["incident", "since", "acknowledged"] {
        assert!(!now[key].is_null(), "{key} is gone");
        assert_eq!(now[key], before[key], "{key}");
    }
    assert_eq!(node.json("/api/v1/mesh")["this"], id);
}

#[test]
fn an_orderly_end_takes_less_than_five_seconds_whatever_hangs() {
    let site = Site::start();
    site.set(Mood::Hangs);
    let mesh = watching(&[("shop", &site)]).replace("\"1s\"", "\"30s\"").replace("\"800ms\"", "\"20s\"");
    let mut node = Node::start(&mesh);
    eventually("a hanging probe", SOON, || (site.requests() > 0).then_some(()));
    let mut listening = TcpStream::connect(node.url().trim_start_matches("http://")).unwrap();
    std::io::Write::write_all(&mut listening, b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    assert!(listening.read(&mut [0; 64]).unwrap() > 0, "the stream of events has begun");
    let (status, took) = node.terminate();
    assert_eq!(status.code(), Some(0), "{}", node.log());
    assert!(took < Duration::from_secs(5), "it took {took:?}");
}

#[test]
fn a_second_node_on_the_same_data_is_refused_and_told_why() {
    let site = Site::start();
    let first = Node::start(&watching(&[("shop", &site)]));
    let mut second = Node::new(&watching(&[("shop", &site)])).with_data(first.data());
    let status = second.run_to_its_end(SOON);
    assert_ne!(status.code(), Some(0));
    let log = second.log();
    assert!(log.contains(&first.data().display().to_string()), "names the folder: {log}");
    assert!(log.contains("another") || log.contains("already"), "says who has it: {log}");
    first.until_level("shop", "healthy", SOON);
}

#[test]
fn a_broken_database_is_an_error_that_says_what_to_do() {
    let site = Site::start();
    let mut node = Node::start(&watching(&[("shop", &site)]));
    node.until_level("shop", "healthy", SOON);
    node.terminate();
    let broken =
        files_below(node.data()).into_iter().filter(|path| path.to_string_lossy().contains("MANIFEST"));
    let broken: Vec<_> = broken.collect();
    assert!(!broken.is_empty(), "there is no database in {}", node.data().display());
    for path in broken {
        fs::write(path, "not a manifest").unwrap();
    }
    let status = node.run_to_its_end(SOON);
    assert_ne!(status.code(), Some(0));
    let log = node.log();
    assert!(log.contains(&node.data().display().to_string()), "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[test]
fn days_of_history_answer_from_what_was_stored() {
    let site = Site::start();
    let node = Node::start(&watching(&[("shop", &site)]));
    node.until_level("shop", "healthy", SOON);
    for range in ["24h", "7d", "30d", "90d"] {
        // results are stored in batches
        let history = eventually("a result is stored", SOON, || {
            let history = node.json(&format!("/api/v1/services/shop/history?range={range}"));
            (history["total"]["results"].as_u64()? >= 1).then_some(history)
        });
        assert_eq!(history["range"], range);
        assert_eq!(history["total"]["uptime_percent"], Value::from(100.0), "{range}");
    }
}
