//! Each message once: an agent that ends at any point of a sending, and the storm.

use crate::channel::{Node, Outside};
use crate::http::Http;
use crate::samples::{NOON, answer, known, recorder};
use crate::{ChannelConfig, Named, Notifier, Parts, TakenUp};
use actix::prelude::*;
use p7_bus::{Configured, Heard, IncidentChanged};
use p7_core::incident::{Incident, IncidentId};
use p7_core::mesh::words::Steady;
use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{Cycle, Level, MeshTime, Millis, NodeId};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedReceiver;

const PATIENCE: Duration = Duration::from_secs(60);

type Asked = UnboundedReceiver<(String, Vec<u8>)>;

fn steady() -> Steady {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Steady(1_000_000 + u64::try_from(START.elapsed().as_millis()).unwrap())
}

fn clock() -> MeshTime {
    NOON.plus(Millis(steady().0))
}

fn service(name: &str) -> Arc<Service> {
    known(name).service
}

/// One life of a notifier that runs alone, with a webhook at this address.
async fn life(data: &Path, at: std::net::SocketAddr, services: &[Arc<Service>]) -> (Addr<Notifier>, Arbiter) {
    std::fs::write(data.join("url"), format!("http://{at}/hook")).unwrap();
    let parts = Parts {
        node: NodeId::new("me").unwrap(),
        name: "berlin".to_owned(),
        data: data.to_owned(),
        clock,
        steady,
        member: None,
        recall: Box::new(|_| None),
        outside: Outside { http: Http::new().unwrap() },
    };
    let agent = Notifier::new(parts, &prometheus::Registry::new()).unwrap();
    let thread = Arbiter::new();
    let notifier = Notifier::start_in_arbiter(&thread.handle(), |_| agent);
    let config: crate::channels::webhook::Config = toml::from_str("url = 'file:url'").unwrap();
    let speaker =
        ChannelConfig::Webhook(Box::new(config)).prepare(&Node::at(data)).map_err(|e| e.to_string());
    let channels = BTreeMap::from([("hook".to_owned(), Named { kind: "webhook", speaker })]);
    tell(&notifier, Configured(Arc::new(services.to_vec()))).await;
    let mesh_name = "Office".to_owned();
    tell(&notifier, TakenUp { channels, routes: Vec::new(), mesh_name, dashboard: None }).await;
    (notifier, thread)
}

async fn tell<M: Message<Result = ()> + Send + 'static>(to: &Addr<Notifier>, event: M)
where
    Notifier: Handler<M>,
{
    to.send(event).await.unwrap();
}

/// A service fails from now on, or is well again.
async fn turns(to: &Addr<Notifier>, service: &Service, level: Level) {
    let id = IncidentId { service: service.id.clone(), first: Cycle::starting(NOON) };
    let fails = level >= Level::Incident;
    let incident = Incident {
        id: id.clone(),
        began: NOON,
        opened: id.first,
        worst: Level::Incident,
        recovered: (!fails).then_some(id.first),
        ended: (!fails).then(clock),
        reason: Some(Arc::from("connection refused")),
    };
    let mut status = ServiceStatus::pending(service.id.clone());
    status.level = level;
    status.incident = fails.then_some(id);
    tell(to, IncidentChanged { incident: Arc::new(incident), acknowledged: None }).await;
    tell(to, Heard { status: Arc::new(status), result: None }).await;
}

async fn next(asked: &mut Asked) -> Value {
    let (_, body) =
        tokio::time::timeout(PATIENCE, asked.recv()).await.expect("a message within a minute").unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// Waits until the file says that something was said, or that it is about to be.
async fn kept(data: &Path, what: &str) {
    let until = Instant::now() + PATIENCE;
    while !std::fs::read_to_string(data.join("notices.json")).is_ok_and(|text| text.contains(what)) {
        assert!(Instant::now() < until, "no `{what}` was kept");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Ends a life at once, whatever it is doing.
fn ended(thread: Arbiter) {
    thread.stop();
    thread.join().unwrap();
}

fn ok() -> String {
    answer("200 OK", "", "")
}

#[actix::test]
async fn an_outage_and_its_recovery_are_said_once_each_across_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let shop = service("shop");
    let (at, mut asked) = recorder(vec![ok()]).await;
    let (first, thread) = life(data.path(), at, std::slice::from_ref(&shop)).await;
    turns(&first, &shop, Level::Incident).await;
    let outage = next(&mut asked).await;
    assert_eq!((outage["kind"].as_str(), outage["repeat"].as_str()), (Some("outage"), Some("no")));
    assert!(outage["title"].as_str().unwrap().contains("shop (production) is failing"), "{outage}");
    kept(data.path(), "\"sent\"").await;
    ended(thread);
    let (second, _thread) = life(data.path(), at, std::slice::from_ref(&shop)).await;
    turns(&second, &shop, Level::Incident).await;
    // the recovery comes next, so the outage was not said again
    turns(&second, &shop, Level::Healthy).await;
    assert_eq!(next(&mut asked).await["kind"], "recovery");
}

#[actix::test]
async fn whoever_ends_while_a_message_is_on_its_way_has_it_repeated_and_marked() {
    let data = tempfile::tempdir().unwrap();
    let shop = service("shop");
    // it takes the message and never answers
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (first, thread) = life(data.path(), silent.local_addr().unwrap(), std::slice::from_ref(&shop)).await;
    turns(&first, &shop, Level::Incident).await;
    let (_held, _) = tokio::time::timeout(PATIENCE, silent.accept()).await.unwrap().unwrap();
    kept(data.path(), "\"intent\"").await;
    ended(thread);
    let (at, mut asked) = recorder(vec![ok()]).await;
    let (second, _thread) = life(data.path(), at, std::slice::from_ref(&shop)).await;
    turns(&second, &shop, Level::Incident).await;
    let again = next(&mut asked).await;
    assert_eq!((again["kind"].as_str(), again["repeat"].as_str()), (Some("outage"), Some("perhaps")));
}

#[actix::test]
async fn a_message_that_is_changed_keeps_the_services_that_did_not_change() {
    let data = tempfile::tempdir().unwrap();
    let services: Vec<Arc<Service>> = ["shop", "stock", "till"].into_iter().map(service).collect();
    let (at, mut asked) =
        recorder(vec![answer("200 OK", "", r#"{"ok":true,"channel":"C1","ts":"1.2"}"#)]).await;
    let (notifier, _thread) = life(data.path(), at, &services).await;
    let config = format!("token = 'file:url'\nchannel = 'C1'\napi = 'http://{at}/'");
    let config: crate::channels::slack::Config = toml::from_str(&config).unwrap();
    std::fs::write(data.path().join("url"), "xoxb-1").unwrap();
    let speaker =
        ChannelConfig::Slack(Box::new(config)).prepare(&Node::at(data.path())).map_err(|e| e.to_string());
    let channels = BTreeMap::from([("chat".to_owned(), Named { kind: "slack", speaker })]);
    let mesh_name = "Office".to_owned();
    tell(&notifier, TakenUp { channels, routes: Vec::new(), mesh_name, dashboard: None }).await;
    for one in &services {
        turns(&notifier, one, Level::Incident).await;
    }
    // all in one, or one before the others: what counts is what is changed in the end
    let mut whole = next(&mut asked).await.to_string();
    while !services.iter().all(|one| whole.contains(one.id.as_str())) {
        whole.push_str(&next(&mut asked).await.to_string());
    }
    kept(data.path(), "\"sent\"").await;
    turns(&notifier, &services[0], Level::Healthy).await;
    let update = loop {
        let call = next(&mut asked).await;
        if call["ts"] == "1.2" {
            break call.to_string();
        }
    };
    assert!(services.iter().all(|one| update.contains(one.id.as_str())), "{update}");
    assert!(update.contains("shop (production) is well again"), "{update}");
}

#[actix::test]
async fn every_own_result_is_a_line_of_the_log() {
    let data = tempfile::tempdir().unwrap();
    let shop = service("shop");
    let (at, mut asked) = recorder(vec![ok()]).await;
    let (notifier, _thread) = life(data.path(), at, std::slice::from_ref(&shop)).await;
    let config: crate::channels::sumo::Config = toml::from_str("url = 'file:url'\nformat = 'json'").unwrap();
    let speaker =
        ChannelConfig::Sumo(Box::new(config)).prepare(&Node::at(data.path())).map_err(|e| e.to_string());
    let channels = BTreeMap::from([("log".to_owned(), Named { kind: "sumo", speaker })]);
    let mesh_name = "Office".to_owned();
    tell(&notifier, TakenUp { channels, routes: Vec::new(), mesh_name, dashboard: None }).await;
    let status = Arc::new(ServiceStatus::pending(shop.id.clone()));
    for latency in [1_000, 2_000] {
        let mut result = crate::samples::result("shop");
        (result.at, result.latency.0) = (clock(), latency);
        tell(&notifier, Heard { status: Arc::clone(&status), result: Some(Arc::new(result)) }).await;
    }
    let (_, body) = tokio::time::timeout(PATIENCE, asked.recv()).await.expect("a batch").unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&body[..]), &mut text).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seen: Vec<_> = lines.iter().map(|line| (line["node"].as_str(), line["resp_time"].as_f64())).collect();
    assert_eq!(seen, [(Some("berlin"), Some(0.001)), (Some("berlin"), Some(0.002))]);
}

#[actix::test]
async fn a_storm_is_a_few_messages_that_name_or_count_every_service() {
    let data = tempfile::tempdir().unwrap();
    let services: Vec<Arc<Service>> = (0..500).map(|n| service(&format!("service-{n}"))).collect();
    let (at, mut asked) = recorder(vec![ok()]).await;
    let (notifier, _thread) = life(data.path(), at, &services).await;
    for one in &services {
        turns(&notifier, one, Level::Incident).await;
    }
    let (mut told, mut messages) = (0, 0);
    while told < 500 {
        let message = next(&mut asked).await;
        told += message["items"].as_array().unwrap().len() as u64 + message["left_out"].as_u64().unwrap();
        messages += 1;
    }
    assert_eq!(told, 500);
    assert!(messages <= 3, "{messages} messages");
}
