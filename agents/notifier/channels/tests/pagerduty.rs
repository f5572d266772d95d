//! What PagerDuty is sent.

use super::*;
use crate::channel::Speaker;
use crate::http::Http;
use crate::samples::{answer, item, message, outage, recorder, recovery, storm};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn ready(url: &str) -> Ready {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("key"), KEY).unwrap();
    let config: Config = toml::from_str(&format!("routing_key = 'file:key'\nurl = '{url}'")).unwrap();
    config.prepare(&Node::at(dir.path())).unwrap()
}

#[test]
fn an_outage_triggers_and_its_recovery_resolves_the_same_alert() {
    let duty = ready(EVENTS);
    let opened = duty.render(&outage(), None).remove(0);
    insta::assert_snapshot!(format!("{:#}", opened.0[0]));
    let ended = duty.render(&recovery(), None).remove(0);
    assert_eq!(ended.0[0]["event_action"], "resolve");
    assert_eq!(ended.0[0]["dedup_key"], opened.0[0]["dedup_key"]);
    let acknowledged =
        duty.render(&message(Kind::Update, vec![item("shop", Kind::Update, Level::Down)]), None);
    assert_eq!(acknowledged[0].0[0]["event_action"], "acknowledge");
}

#[test]
fn every_service_of_a_storm_is_an_alert_of_its_own() {
    let events = ready(EVENTS).render(&storm(), None).remove(0).0;
    let keys: std::collections::BTreeSet<String> =
        events.iter().map(|event| event["dedup_key"].to_string()).collect();
    assert_eq!((events.len(), keys.len()), (100, 100));
}

#[test]
fn a_test_rings_and_is_over() {
    let mut test = item("shop", Kind::Test, Level::Healthy);
    test.incident = None;
    let events = ready(EVENTS).render(&message(Kind::Test, vec![test]), None).remove(0).0;
    let actions: Vec<_> = events.iter().map(|event| event["event_action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["trigger", "resolve"]);
    assert_eq!(events[0]["dedup_key"], events[1]["dedup_key"]);
}

#[test]
fn a_key_that_is_none_is_said_without_showing_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("key"), "hunter2").unwrap();
    let config: Config = toml::from_str("routing_key = 'file:key'").unwrap();
    let why = config.prepare(&Node::at(dir.path())).unwrap_err().to_string();
    assert!(why.contains("32 letters") && !why.contains("hunter2"), "{why}");
}

#[tokio::test]
async fn a_complaint_that_repeats_the_key_does_not_show_it() {
    let (at, mut asked) = recorder(vec![
        answer("202 Accepted", "", "{}"),
        answer("400 Bad Request", "", &format!("invalid routing_key {KEY}")),
    ])
    .await;
    let duty = ready(&format!("http://{at}/v2/enqueue"));
    let outside = Outside { http: Http::new().unwrap() };
    assert_eq!(duty.say(&outage(), None, &outside).await, Outcome::Sent(None));
    let body: Value = serde_json::from_slice(&asked.recv().await.unwrap().1).unwrap();
    assert_eq!(body["routing_key"], KEY);
    let refused = format!("{:?}", duty.say(&outage(), None, &outside).await);
    assert!(
        refused.starts_with("Refused") && !refused.contains(KEY) && !format!("{duty:?}").contains(KEY),
        "{refused}"
    );
}
