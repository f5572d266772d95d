//! What Alertmanager is sent, and that a real one takes it.

use super::*;
use crate::channel::Speaker;
use crate::http::Http;
use crate::samples::{answer, item, message, outage, recorder, recovery, storm};
use p7_core::vocabulary::Level;

fn ready(config: &str) -> Ready {
    let config: Config = toml::from_str(config).unwrap();
    config.prepare(&Node::at(std::path::Path::new("."))).unwrap()
}

#[test]
fn an_outage_and_its_recovery_are_one_alert() {
    let cluster = ready("urls = ['http://a:9093/']\nlabels = { severity = 'page' }");
    let alerts = cluster.render(&outage(), None).remove(0);
    insta::assert_snapshot!(format!("{alerts:#}"));
    let over = cluster.render(&recovery(), None).remove(0);
    assert_eq!(alerts[0]["labels"], over[0]["labels"]);
    assert_eq!(
        (&alerts[0]["startsAt"], over[0]["endsAt"].as_str()),
        (&over[0]["startsAt"], Some("2026-11-24T15:20:00.000Z"))
    );
}

#[test]
fn a_level_that_worsens_is_no_other_alert_and_no_label_is_empty() {
    let cluster = ready("urls = ['http://a:9093']");
    let mut down = item("shop", Kind::Worsened, Level::Down);
    down.environment.clear();
    let mut less = item("shop", Kind::Outage, Level::Incident);
    less.environment.clear();
    let label = |item| cluster.render(&message(Kind::Digest, vec![item]), None).remove(0)[0]["labels"].take();
    let labels = label(down);
    assert_eq!(labels, label(less));
    assert!(labels.as_object().unwrap().values().all(|value| value != ""), "{labels}");
}

#[test]
fn faults_are_told_all_together() {
    let mut list = Vec::new();
    let config: Config = toml::from_str("urls = ['x']\nlabels = { 'a-b' = 'c', d = '' }").unwrap();
    config.check(&mut Faults::new(&mut list));
    assert_eq!(list.len(), 3, "{list:?}");
}

#[tokio::test]
async fn all_members_are_told_and_one_that_hears_is_enough() {
    let (at, mut asked) = recorder(vec![answer("200 OK", "", "")]).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cluster = ready(&format!("urls = ['http://{at}', 'http://{closed}']"));
    let outside = Outside { http: Http::new().unwrap() };
    assert_eq!(cluster.say(&storm(), None, &outside).await, Outcome::Sent(None));
    let (head, body) = asked.recv().await.unwrap();
    assert!(head.starts_with("post /api/v2/alerts "), "{head}");
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap().as_array().unwrap().len(), 100);
    let alone = ready(&format!("urls = ['http://{closed}']"));
    assert!(matches!(alone.say(&storm(), None, &outside).await, Outcome::Retry { .. }));
}
