//! Messages as channels get them, for their snapshots and limits; and a listener that records requests.

use p7_core::facts::DeploymentState;
use p7_core::incident::IncidentId;
use p7_core::result::{Phases, ProbeResult};
use p7_core::service::{Rules, Service, VantagePoints};
use p7_core::speech::message::{
    Acknowledged, Deploying, Item, Kind, Message, Minority, Previous, Repeat, View,
};
use p7_core::speech::rules::Known;
use p7_core::status::{Failtage, ServiceStatus};
use p7_core::vocabulary::{Cycle, Interval, Level, MeshTime, Micros, Millis, NodeId, ServiceId};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// 2026-11-24 15:20:00 UTC.
pub(crate) const NOON: MeshTime = MeshTime(1_795_533_600_000);

/// A service that fails from two of three places, with everything there is to say about it.
pub(crate) fn item(id: &str, kind: Kind, level: Level) -> Item {
    let service = ServiceId::new(id).unwrap();
    let since = MeshTime(NOON.0 - 12 * 60_000);
    let view = |node: &str| View { node: node.to_owned(), reason: Arc::from("connection refused") };
    let ended = (kind == Kind::Recovery).then_some(NOON);
    Item {
        name: format!("The {id} <&> \"service\""),
        environment: "production".to_owned(),
        target: format!("https://{id}.example.org/"),
        kind,
        level,
        incident: Some(IncidentId { service: service.clone(), first: Cycle::starting(since) }),
        since: Some(since),
        ended,
        failtage: Failtage::of(4, 6),
        reason: Some(Arc::from("connection refused")),
        failing: if ended.is_some() { Vec::new() } else { vec![view("berlin"), view("oslo")] },
        passing: vec!["rome".to_owned()],
        link: Some(format!("https://p7.example.org/services/{id}")),
        runbook: Some(format!("https://wiki.example.org/{id}")),
        deployment: Some(Deploying {
            name: "release 42".to_owned(),
            by: "ci".to_owned(),
            state: DeploymentState::Running,
            link: Some("https://ci.example.org/42".to_owned()),
        }),
        acknowledged: Some(Acknowledged { by: "ada".to_owned(), at: NOON, reason: "on it".to_owned() }),
        dependents: 2,
        service,
    }
}

/// A message about these.
pub(crate) fn message(kind: Kind, items: Vec<Item>) -> Message {
    let worst = items.iter().map(|item| item.level).max().unwrap_or(Level::Healthy);
    Message {
        key: "p7-0123456789abcdef".to_owned(),
        channel: "chat".to_owned(),
        kind,
        worst,
        title: format!("{} services fail", items.len()),
        items,
        left_out: 0,
        notes: Vec::new(),
        seen_by: None,
        repeat: Repeat::No,
        mesh: "Office".to_owned(),
        by: "berlin".to_owned(),
        at: NOON,
        link: Some("https://p7.example.org/".to_owned()),
    }
}

/// One service fails.
pub(crate) fn outage() -> Message {
    message(Kind::Outage, vec![item("shop", Kind::Outage, Level::Incident)])
}

/// It is well again.
pub(crate) fn recovery() -> Message {
    message(Kind::Recovery, vec![item("shop", Kind::Recovery, Level::Healthy)])
}

/// Five hundred services at once, said by a node that is apart, perhaps a second time.
pub(crate) fn storm() -> Message {
    let items = (0..100).map(|n| item(&format!("service-{n}"), Kind::Outage, Level::Down)).collect();
    Message {
        left_out: 400,
        seen_by: Some(Minority { seen: 2, of: 5 }),
        repeat: Repeat::Perhaps,
        notes: vec!["3 messages were held back by the silence of ada.".to_owned()],
        ..message(Kind::Digest, items)
    }
}

/// What the recovery follows.
pub(crate) fn previous() -> Previous {
    Previous { receipt: Arc::from("C123/1795533600.000100"), items: outage().items }
}

/// Answers each request in turn with one of `answers` (the last one again and again), and gives what was
/// asked, head and body. Listens on loopback only.
pub(crate) async fn recorder(
    answers: Vec<String>,
) -> (std::net::SocketAddr, tokio::sync::mpsc::UnboundedReceiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (to, from) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut answers = answers.into_iter().peekable();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = Vec::new();
            let mut piece = [0_u8; 4096];
            let (head, body) = loop {
                let read = stream.read(&mut piece).await.unwrap_or(0);
                asked.extend_from_slice(&piece[..read]);
                let Some(end) = asked.windows(4).position(|four| four == b"\r\n\r\n") else {
                    assert!(read > 0, "the request broke off");
                    continue;
                };
                let head = String::from_utf8_lossy(&asked[..end]).to_lowercase();
                let length =
                    head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                if asked.len() >= end + 4 + length.unwrap_or(0) || read == 0 {
                    break (head, asked[end + 4..].to_vec());
                }
            };
            to.send((head, body)).ok();
            let answer = answers.peek().cloned().unwrap_or_default();
            if answers.len() > 1 {
                answers.next();
            }
            stream.write_all(answer.as_bytes()).await.ok();
        }
    });
    (address, from)
}

/// An answer with this status line, headers and body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// A service of which nothing is known yet.
pub(crate) fn known(name: &str) -> Known {
    let service = Service {
        id: ServiceId::new(name).unwrap(),
        name: name.to_owned(),
        environment: "production".to_owned(),
        kind: "http".to_owned(),
        target: format!("https://{name}.example.org/"),
        interval: Interval::new(Millis(60_000)),
        timeout: Millis(1),
        retries: 0,
        retry_delay: Millis(1),
        rules: Rules::default(),
        vantage_points: VantagePoints::All,
        vantage_labels: BTreeMap::new(),
        description: None,
        runbook: None,
        link: None,
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
        maintenance: Vec::new(),
    };
    let status = ServiceStatus::pending(service.id.clone());
    Known { service: Arc::new(service), status: Arc::new(status), incident: None }
}

/// A failed result of it, at [`NOON`].
pub(crate) fn result(name: &str) -> ProbeResult {
    ProbeResult {
        service: ServiceId::new(name).unwrap(),
        cycle: Cycle::starting(NOON),
        node: NodeId::new("me").unwrap(),
        at: NOON,
        outcome: p7_core::vocabulary::Outcome::Failed,
        latency: Micros(123_400),
        phases: Phases::default(),
        attempts: 2,
        reason: Some(Arc::from("connection refused")),
        status_code: Some(500),
        certificate_expiry: None,
    }
}
