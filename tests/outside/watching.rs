//! The main job: two files become a page that is true.

use crate::{SOON, service, watching};
use p7_tests::node::{Node, p7};
use p7_tests::peers::{ask, peer};
use p7_tests::site::{Mood, Site};
use p7_tests::{eventually, free_port};

#[test]
fn two_files_become_results_a_page_and_metrics() {
    let shop = Site::start();
    let closed = free_port();
    let mesh = watching(&[("shop", &shop)]) + &service("closed", &format!("http://127.0.0.1:{closed}/"));
    let node = Node::start(&mesh);

    let told = node.until_level("shop", "healthy", SOON);
    assert_eq!(told["outcome"], "up");
    assert_eq!(told["name"], "The shop");
    assert!(told["latency_ms"].as_f64().unwrap() > 0.0, "{told}");
    let told = node.until_level("closed", "down", SOON);
    assert_eq!(told["outcome"], "failed");
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.contains("refused") && reason.contains(&closed.to_string()), "{reason}");

    let results = node.json("/api/v1/services/shop/results");
    let result = &results["items"][0];
    assert_eq!(result["outcome"], "up");
    assert_eq!(result["status_code"], 200);
    let phases = result["phases"].as_object().unwrap();
    let sum: f64 = phases.values().filter_map(serde_json::Value::as_f64).sum();
    let whole = result["latency_ms"].as_f64().unwrap();
    assert!(sum > 0.0 && sum <= whole + 0.01, "phases of {sum} ms in {whole} ms");

    let page = node.get("/").text();
    assert!(page.contains("The shop") && page.contains("The closed"));
    let [worst, best] = ["The closed", "The shop"].map(|name| page.find(name));
    assert!(worst < best, "the worst comes first");

    let metrics = node.get("/metrics").text();
    ask(&peer("promtool"), &["check", "metrics"], &metrics);
    let success = metrics.lines().filter(|line| line.starts_with("probe_success{")).collect::<Vec<_>>();
    assert!(success.iter().any(|line| line.contains("\"shop\"") && line.ends_with(" 1")), "{success:?}");
    assert!(success.iter().any(|line| line.contains("\"closed\"") && line.ends_with(" 0")), "{success:?}");

    let status = p7(&["status", "--node", &node.url()]);
    assert_eq!(status.status.code(), Some(1), "a service is down");
    assert!(String::from_utf8_lossy(&status.stdout).contains("closed"));
}

#[test]
fn every_service_is_tested_in_every_cycle_and_a_hanging_one_delays_nobody() {
    let (quick, hanging) = (Site::start(), Site::start());
    hanging.set(Mood::Hangs);
    let node = Node::start(&watching(&[("quick", &quick), ("hanging", &hanging)]));
    node.until_level("hanging", "down", SOON);
    let before = quick.requests();
    let hung = hanging.requests();
    eventually("five more cycles of the hanging service", SOON, || {
        (hanging.requests() >= hung + 5).then_some(())
    });
    let tested = quick.requests() - before;
    assert!((4..=7).contains(&tested), "the quick service was tested {tested} times in five cycles");
    assert_eq!(node.service("quick")["level"], "healthy");
    let reason = node.service("hanging")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("800"), "the reason names the time-out: {reason}");
}

#[test]
fn what_a_service_says_is_nowhere_taken_for_html() {
    let site = Site::start();
    let evil = "<script>alert(1)</script>";
    let mesh = format!(
        "[defaults]\ninterval = \"1s\"\n[services.evil]\nname = \"{evil}\"\nenvironment = \"{evil}\"\n\
         description = \"{evil}\"\n[services.evil.http]\nurl = \"{}\"\n",
        site.url()
    );
    site.set(Mood::Answers(500));
    let node = Node::start(&mesh);
    node.until_level("evil", "incident", SOON);
    for path in ["/", "/services/evil", "/p7.html", "/p7adv.html", "/badge/evil.svg"] {
        let answer = node.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.text().contains("<script>alert"), "{path} lets it through");
    }
}
