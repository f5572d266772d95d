//! A changed mesh.toml is taken up without dropping anything; a bad one is not, and is named.

use crate::{SOON, service, watching};
use p7_tests::eventually;
use p7_tests::node::Node;
use p7_tests::site::{Mood, Site};
use serde_json::Value;

fn ids(node: &Node) -> Vec<String> {
    let services = node.json("/api/v1/services");
    services["items"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_changed_file_is_taken_up_by_itself_and_nothing_is_dropped() {
    let (old, new) = (Site::start(), Site::start());
    old.set(Mood::Answers(500));
    let node = Node::start(&watching(&[("old", &old)]));
    let before = node.until_level("old", "down", SOON);
    node.write_mesh(&watching(&[("old", &old), ("new", &new)]));
    eventually("the new service is known", SOON, || (ids(&node).len() == 2).then_some(()));
    node.until_level("new", "healthy", SOON);
    let now = node.service("old");
    for key in ["level", "since", "incident"] {
        assert_eq!(now[key], before[key], "{key}");
    }
    node.write_mesh(&watching(&[("new", &new)]));
    eventually("the old service is gone", SOON, || (ids(&node) == ["new"]).then_some(()));
    assert_eq!(node.get("/api/v1/services/old").status, 404);
    assert!(!node.get("/").text().contains("The old"));
}

#[test]
fn a_hangup_signal_reads_the_file_at_once() {
    let (old, new) = (Site::start(), Site::start());
    let node = Node::start(&watching(&[("old", &old)]));
    node.write_mesh(&watching(&[("old", &old), ("new", &new)]));
    node.signal("HUP");
    eventually("the new service is known", SOON, || (ids(&node).len() == 2).then_some(()));
}

#[test]
fn a_bad_file_keeps_the_old_one_running_and_says_why_everywhere() {
    let site = Site::start();
    let good = watching(&[("shop", &site)]);
    let node = Node::start(&good);
    node.until_level("shop", "healthy", SOON);
    let hash = node.json("/api/v1/config")["hash"].clone();
    node.write_mesh(&good.replace("url =", "ulr ="));
    node.signal("HUP");
    let refused = eventually("the fault is told", SOON, || {
        let refused = node.json("/api/v1/config")["refused"].clone();
        (refused != Value::Array(Vec::new())).then(|| refused.to_string())
    });
    assert!(refused.contains("mesh.toml") && refused.contains("ulr"), "{refused}");
    assert_eq!(node.json("/api/v1/config")["hash"], hash, "the old one is in force");
    assert!(node.get("/").text().contains("ulr"), "the page says so");
    assert!(node.log().contains("ulr"), "the log says so");
    let asked = site.requests();
    eventually("the shop is still tested", SOON, || (site.requests() > asked + 1).then_some(()));
    let metrics = node.get("/metrics").text();
    let refusal = metrics.lines().find(|line| line.starts_with("p7_config_refused"));
    assert!(refusal.is_some_and(|line| !line.ends_with(" 0")), "{refusal:?}");

    node.write_mesh(&(good + &service("second", &site.url())));
    node.signal("HUP");
    eventually("the mended file is in force", SOON, || (ids(&node).len() == 2).then_some(()));
    assert_eq!(node.json("/api/v1/config")["refused"], Value::Array(Vec::new()));
    assert!(!node.get("/").text().contains("ulr"), "the page is clean again");
}
