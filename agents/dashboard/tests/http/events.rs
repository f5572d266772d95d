//! The event stream: hello, changes, going on where one was, and its limits.

use crate::support::{DEADLINE, NOW, Node, acknowledgement, incident, mesh, status};
use p7_bus::{IncidentChanged, MeshNoted, NetworkNoted, Snapshot, StoreNoted};
use p7_core::vocabulary::{Level, Outcome};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One event as it came.
#[derive(Debug)]
struct Event {
    id: String,
    name: String,
    data: Value,
}

/// Somebody who listens.
struct Listener {
    lines: tokio::io::Lines<BufReader<TcpStream>>,
    head: Vec<String>,
}

impl Listener {
    async fn new(node: &Node, query: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(node.address).await.unwrap();
        let ask = format!("GET /api/v1/events{query} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", node.address);
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut listener = Self { lines: BufReader::new(stream).lines(), head: Vec::new() };
        loop {
            let line = listener.line().await.expect("a head");
            if line.is_empty() {
                return listener;
            }
            listener.head.push(line.to_ascii_lowercase());
        }
    }

    async fn line(&mut self) -> Option<String> {
        tokio::time::timeout(DEADLINE, self.lines.next_line()).await.expect("a line in time").ok().flatten()
    }

    /// The next event; chunk sizes and comments between are passed over.
    async fn event(&mut self) -> Option<Event> {
        let (mut id, mut name) = (String::new(), String::new());
        loop {
            let line = self.line().await?;
            if let Some(text) = line.strip_prefix("id: ") {
                text.clone_into(&mut id);
            } else if let Some(text) = line.strip_prefix("event: ") {
                text.clone_into(&mut name);
            } else if let Some(text) = line.strip_prefix("data: ") {
                return Some(Event { id, name, data: serde_json::from_str(text).unwrap() });
            }
        }
    }
}

#[actix::test]
async fn a_listener_is_greeted_and_hears_every_change_with_its_card() {
    let node = Node::start().await;
    let mut listener = Listener::new(&node, "", "Accept-Encoding: gzip\r\n").await;
    assert!(listener.head.contains(&"content-type: text/event-stream".to_owned()), "{:?}", listener.head);
    assert!(!listener.head.iter().any(|line| line.starts_with("content-encoding")), "{:?}", listener.head);
    let hello = listener.event().await.unwrap();
    assert_eq!((hello.name.as_str(), &hello.data["node"]), ("hello", &Value::from("paris")));
    assert_eq!(hello.data["id"], Value::from(hello.id));
    node.hear("mail", Level::Incident, Outcome::Failed).await;
    let event = listener.event().await.unwrap();
    assert_eq!(event.name, "service");
    assert_eq!(
        (&event.data["service"]["id"], &event.data["service"]["level"]),
        (&"mail".into(), &"incident".into())
    );
    let card = event.data["card"].as_str().unwrap();
    assert!(card.contains("The mail") && card.contains("500 &lt;b&gt;"), "{card}");
    let incident = Arc::new(incident("mail", 1));
    let opened = IncidentChanged { incident: Arc::clone(&incident), acknowledged: None };
    node.dashboard.send(opened).await.unwrap();
    let event = listener.event().await.unwrap();
    assert_eq!((&event.data["service"], &event.data["acknowledged"]), (&"mail".into(), &Value::Null));
    let acknowledged = Some(acknowledgement(&incident));
    node.dashboard.send(IncidentChanged { incident, acknowledged }).await.unwrap();
    let event = listener.event().await.unwrap();
    assert_eq!((event.name.as_str(), &event.data["acknowledged"]["by"]), ("incident", &"anna".into()));
    node.dashboard.send(NetworkNoted { cut_off: Some("cable".to_owned()), since: NOW }).await.unwrap();
    let event = listener.event().await.unwrap();
    assert_eq!((event.name.as_str(), &event.data["cut_off"]), ("network", &"cable".into()));
    node.dashboard.send(StoreNoted { trouble: Some("full".to_owned()), lost: 1 }).await.unwrap();
    let event = listener.event().await.unwrap();
    assert_eq!((event.name.as_str(), &event.data["results_lost"]), ("store", &1.into()));
    let mut view = mesh();
    // a site would be news about the services that this node sees
    view.members[2].about.as_mut().unwrap().labels.clear();
    node.dashboard.send(MeshNoted(Arc::new(view.clone()))).await.unwrap();
    let event = listener.event().await.unwrap();
    assert_eq!(event.name, "mesh");
    assert_eq!(
        event.data,
        json!({ "leader": crate::support::node().as_str(), "term": 7, "alive": 4, "known": 5,
            "configuration": { "version": 14, "hash": "3f9c2a7105d488be" } })
    );
    // what every beat changes a little is not told
    view.members[0].heard = NOW;
    view.members[0].round_trip = None;
    node.dashboard.send(MeshNoted(Arc::new(view))).await.unwrap();
    let refused = vec!["mesh.toml:3:1: nonsense".to_owned()];
    node.note(refused, false).await;
    let event = listener.event().await.unwrap();
    assert_eq!((event.name.as_str(), event.data["refused"].as_array().unwrap().len()), ("configuration", 1));
    assert_eq!(event.data["restart_needed"], false);
    node.configure(&["mail"]).await;
    assert_eq!(listener.event().await.unwrap().name, "services");
}

#[actix::test]
async fn who_comes_back_hears_what_was_missed_and_only_the_latest_of_each() {
    let node = Node::start().await;
    let seen = Listener::new(&node, "", "").await.event().await.unwrap().id;
    node.hear("mail", Level::Incident, Outcome::Failed).await;
    node.hear("shop", Level::Healthy, Outcome::Up).await;
    node.hear("mail", Level::Healthy, Outcome::Up).await;
    for (query, headers) in [
        (String::new(), format!("Last-Event-ID: {seen}\r\n")),
        (format!("?last_event_id={seen}"), String::new()),
    ] {
        let mut listener = Listener::new(&node, &query, &headers).await;
        assert_eq!(listener.event().await.unwrap().name, "hello");
        let (shop, mail) = (listener.event().await.unwrap(), listener.event().await.unwrap());
        assert_eq!(
            (&shop.data["service"]["id"], &shop.data["service"]["level"]),
            (&"shop".into(), &"healthy".into())
        );
        assert_eq!(
            (&mail.data["service"]["id"], &mail.data["service"]["level"]),
            (&"mail".into(), &"healthy".into())
        );
        let mut again = Listener::new(&node, "", &format!("Last-Event-ID: {}\r\n", shop.id)).await;
        assert_eq!(again.event().await.unwrap().name, "hello");
        assert_eq!(again.event().await.unwrap().id, mail.id);
    }
}

#[actix::test]
async fn statuses_that_come_at_once_are_told_one_by_one_and_only_where_they_differ() {
    let node = Node::start().await;
    let seen = Listener::new(&node, "", "").await.event().await.unwrap().id;
    let statuses = [("busy", Outcome::Up), ("mail", Outcome::Up), ("shop", Outcome::Up)]
        .map(|(id, outcome)| Arc::new(status(id, Level::Healthy, outcome)));
    node.dashboard.send(Snapshot(Arc::new(statuses.to_vec()))).await.unwrap();
    let again = async |id: &str| {
        let mut listener = Listener::new(&node, "", &format!("Last-Event-ID: {id}\r\n")).await;
        assert_eq!(listener.event().await.unwrap().name, "hello");
        listener
    };
    let first = again(&seen).await.event().await.unwrap();
    assert_eq!(first.data["service"]["id"], "busy");
    let second = again(&first.id).await.event().await.unwrap();
    assert_eq!(
        second.data["service"]["id"], "shop",
        "mail is as it was; shop is not lost with busy's number"
    );
    // nothing new: the next event is the next change
    let mut listener = again(&second.id).await;
    node.dashboard.send(Snapshot(Arc::new(statuses.to_vec()))).await.unwrap();
    node.dashboard.send(NetworkNoted { cut_off: None, since: NOW }).await.unwrap();
    assert_eq!(listener.event().await.unwrap().name, "network");
}

#[actix::test]
async fn who_can_not_be_told_what_was_missed_loads_everything_anew() {
    let node = Node::start().await;
    let seen = Listener::new(&node, "", "").await.event().await.unwrap().id;
    let first =
        async |id: &str| Listener::new(&node, "", &format!("Last-Event-ID: {id}\r\n")).await.event().await;
    for stranger in ["1-1", "nonsense", &format!("{seen}999"), &"9".repeat(500)] {
        assert_eq!(first(stranger).await.unwrap().name, "reset", "{stranger}");
    }
    assert_eq!(first(&seen).await.unwrap().name, "hello");
    node.configure(&["mail"]).await;
    assert_eq!(first(&seen).await.unwrap().name, "reset", "the set of services changed");
}

#[actix::test]
async fn listeners_are_bounded_and_a_seat_is_free_again_when_one_leaves() {
    let node = Node::start().await;
    let mut listeners = Vec::new();
    for _ in 0..128 {
        let mut listener = Listener::new(&node, "", "").await;
        assert_eq!(listener.event().await.unwrap().name, "hello");
        listeners.push(listener);
    }
    let refused = node.get("/api/v1/events").await;
    assert!(refused.problem(503, "unavailable").contains("128 pages"));
    listeners.pop();
    let deadline = std::time::Instant::now() + DEADLINE;
    loop {
        let mut listener = Listener::new(&node, "", "").await;
        if listener.head[0].contains("200") {
            assert_eq!(listener.event().await.unwrap().name, "hello");
            break;
        }
        assert!(std::time::Instant::now() < deadline, "the seat stays taken");
    }
}

#[actix::test]
async fn streams_end_when_the_node_stops() {
    let node = Node::start().await;
    let mut listener = Listener::new(&node, "", "").await;
    assert_eq!(listener.event().await.unwrap().name, "hello");
    tokio::time::timeout(DEADLINE, node.running.stop(DEADLINE)).await.unwrap();
    assert!(listener.event().await.is_none());
}

#[actix::test]
async fn a_page_says_where_its_events_go_on() {
    let node = Node::start().await;
    let page = node.get("/").await;
    let seen = page.text().split("data-seen=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    node.hear("mail", Level::Incident, Outcome::Failed).await;
    let mut listener = Listener::new(&node, &format!("?last_event_id={seen}"), "").await;
    let hello = listener.event().await.unwrap();
    assert_eq!((hello.name.as_str(), hello.id), ("hello", seen));
    assert_eq!(listener.event().await.unwrap().data["service"]["id"], "mail");
}
