//! Incidents as a person lives through them: opened, acknowledged, recovered, remembered.

use crate::{SOON, watching};
use p7_tests::eventually;
use p7_tests::node::{Node, p7};
use p7_tests::site::{Mood, Site};

#[test]
fn an_outage_becomes_an_incident_and_its_end_closes_it() {
    let site = Site::start();
    let node = Node::start(&watching(&[("shop", &site)]));
    node.until_level("shop", "healthy", SOON);
    assert_eq!(node.metric("p7_incidents_open"), Some(0.0));

    site.set(Mood::Answers(502));
    let told = node.until_level("shop", "incident", SOON);
    let id = told["incident"].as_str().unwrap().to_owned();
    assert!(told["reason"].as_str().unwrap().contains("502"), "{told}");
    assert_eq!(node.metric("p7_incidents_open"), Some(1.0));
    eventually("the incident is stored", SOON, || {
        (node.json("/api/v1/incidents?open=true")["items"][0]["id"] == id.as_str()).then_some(())
    });

    let down = node.until_level("shop", "down", SOON);
    assert_eq!(down["incident"], id.as_str(), "worse, but the same incident");
    assert_eq!(down["failtage_percent"], 100.0);

    let url = node.url();
    let done = p7(&["ack", "shop", "--reason", "on it", "--by", "ann", "--node", &url]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(node.service("shop")["acknowledged"]["by"], "ann");
    assert!(node.get("/").text().contains("ann"));

    site.set(Mood::Serves("all is well".to_owned()));
    let told = node.until_level("shop", "healthy", SOON);
    assert!(told["incident"].is_null());
    assert!(told["failtage_percent"].as_f64().unwrap() > 50.0, "failtage remembers: {told}");
    let past = eventually("the recovery is stored", SOON, || {
        let past = node.json("/api/v1/incidents");
        (past["items"][0]["open"] == false).then_some(past)
    });
    assert_eq!(past["items"][0]["id"], id.as_str());
    assert_eq!(past["items"][0]["worst_level"], "down");
    assert!(past["items"][0]["duration_ms"].as_u64().unwrap() >= 4000, "{past}");
    assert_eq!(p7(&["ack", "shop", "--node", &url]).status.code(), Some(1), "nothing to acknowledge");
}

#[test]
fn one_failed_test_is_a_warning_and_no_incident() {
    let site = Site::start();
    let mesh = watching(&[("shop", &site)]).replace("\"1s\"", "\"3s\"");
    let node = Node::start(&mesh);
    node.until_level("shop", "healthy", SOON);
    let tested = site.requests();
    site.set(Mood::HangsUp);
    eventually("a failed test", SOON, || (site.requests() > tested).then_some(()));
    site.set(Mood::Serves(String::new()));
    node.until_level("shop", "warning", SOON);
    node.until_level("shop", "healthy", SOON);
    assert_eq!(node.json("/api/v1/incidents")["items"].as_array().unwrap().len(), 0);
}

#[test]
fn maintenance_and_silence_change_what_is_said_and_not_what_is_measured() {
    let site = Site::start();
    let node = Node::start(&watching(&[("shop", &site)]));
    node.until_level("shop", "healthy", SOON);
    let url = node.url();
    for verb in ["silence", "maintenance"] {
        let done = p7(&[verb, "shop", "--for", "1h", "--reason", "upgrade", "--by", "ann", "--node", &url]);
        assert!(done.status.success(), "{verb}: {}", String::from_utf8_lossy(&done.stderr));
    }
    let told = node.service("shop");
    assert_eq!(told["silence"]["by"], "ann", "{told}");
    assert_eq!(told["maintenance"]["kind"], "planned", "{told}");
    assert_eq!(told["colour"], "yellow");
    site.set(Mood::Answers(500));
    node.until_level("shop", "incident", SOON);

    let listed = p7(&["silence", "list", "--json", "--node", &url]);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let silence = told["silence"]["id"].as_str().unwrap();
    assert!(listed.to_string().contains(silence), "{listed}");
    assert!(p7(&["silence", "lift", silence, "--node", &url]).status.success());
    assert!(node.service("shop")["silence"].is_null());
}
