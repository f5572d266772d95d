//! A dashboard on a free port with a real store and played agents, and a plain HTTP client to ask it.

#[path = "elsewhere.rs"]
mod elsewhere;
#[path = "notifier.rs"]
mod notifier;

use actix::prelude::*;
use p7_bus::{
    Apply, Ask, AskError, ConfigurationNoted, Configured, Heard, ProbeNow, Request, SharedConfiguration,
};
use p7_core::facts::{Acknowledgement, Hold, HoldKind, Scope};
use p7_core::incident::{Incident, IncidentId};
use p7_core::mesh::view::MeshView;
use p7_core::result::{Phases, ProbeResult};
use p7_core::service::{Rules, Service, VantagePoints};
use p7_core::status::{Failtage, Freshness, ServiceStatus, VantageStatus};
use p7_core::vocabulary::{Cycle, Interval, Level, MeshTime, Micros, Millis, NodeId, Outcome, ServiceId};
use p7_dashboard::{Config, Dashboard, Parts, Running, StartError, start};
use p7_store::{Fact, Store};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// 2026-01-31T12:00:00Z, where the clock of every test stands.
pub(crate) const NOW: MeshTime = MeshTime(1_769_860_800_000);
/// How long anything may take before a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// Who takes a shared configuration and who knows it, if anybody.
pub(crate) type Roof = (Option<Recipient<Apply>>, Option<Recipient<SharedConfiguration>>);

/// A running dashboard.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    pub(crate) dashboard: Addr<Dashboard>,
    pub(crate) store: Store,
    /// What the aggregator was asked.
    pub(crate) asked: Arc<Mutex<Vec<Request>>>,
    pub(crate) registry: prometheus::Registry,
    pub(crate) running: Running,
    _end: Closing,
    _folder: tempfile::TempDir,
}

/// Closes the store at the test's end: RocksDB aborts a process that ends with one open.
struct Closing(Store);

impl Drop for Closing {
    fn drop(&mut self) {
        // some tests close it themselves
        drop(self.0.close());
    }
}

/// An aggregator that does as it is told, but can't store deployments of `busy`.
#[derive(Default)]
struct Aggregator {
    asked: Arc<Mutex<Vec<Request>>>,
    holds: BTreeMap<String, Hold>,
}

impl Actor for Aggregator {
    type Context = Context<Self>;
}

impl Handler<Request> for Aggregator {
    type Result = Result<Ask, AskError>;
    fn handle(&mut self, request: Request, _: &mut Self::Context) -> Self::Result {
        self.asked.lock().unwrap().push(request.clone());
        match request {
            Request::Acknowledge { service, by, reason } if service.as_str() == "shop" => {
                let incident = IncidentId { service: service.clone(), first: Cycle::starting(NOW) };
                Ok(Ask::Acknowledged(Acknowledgement { incident, service, by, at: NOW, reason }))
            }
            Request::Acknowledge { service, .. } => {
                Err(AskError::Conflict(format!("`{service}` has no open incident")))
            }
            Request::Hold { kind, scope, starts, ends, by, reason } => {
                let id = format!("h{}", self.holds.len());
                let starts = starts.unwrap_or(NOW);
                let hold = Hold { id: id.clone(), kind, scope, starts, ends, by, reason, stated: NOW };
                self.holds.insert(id, hold.clone());
                Ok(Ask::Held(hold))
            }
            Request::Lift { id, .. } => match self.holds.get_mut(&id) {
                Some(hold) => {
                    hold.ends = NOW;
                    Ok(Ask::Held(hold.clone()))
                }
                None => Err(AskError::NotFound { kind: "silence or maintenance", id }),
            },
            Request::Deployed(deployment) if deployment.service.as_str() == "busy" => {
                Err(AskError::Unavailable("the store takes nothing: disk full; free some space".to_owned()))
            }
            Request::Deployed(deployment) => Ok(Ask::Deployed(deployment)),
            Request::Holds => Ok(Ask::Holds(self.holds.values().cloned().collect())),
        }
    }
}

/// A prober for which everything is up, but `busy` has no turn.
struct Prober;

impl Actor for Prober {
    type Context = Context<Self>;
}

impl Handler<ProbeNow> for Prober {
    type Result = Result<Arc<ProbeResult>, AskError>;
    fn handle(&mut self, ask: ProbeNow, _: &mut Self::Context) -> Self::Result {
        if ask.0.as_str() == "busy" {
            return Err(AskError::Busy);
        }
        Ok(Arc::new(result(ask.0.as_str(), NOW, Outcome::Up)))
    }
}

impl Node {
    /// With this configuration; the port is always a free one.
    pub(crate) fn try_start(config: &Config) -> Result<Self, StartError> {
        Self::under(config, (None, None))
    }

    /// The same below a roof that takes shared configurations.
    pub(crate) fn under(config: &Config, roof: Roof) -> Result<Self, StartError> {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &p7_store::Config::default()).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let aggregator = Aggregator { asked: Arc::clone(&asked), ..Aggregator::default() }.start();
        let registry = prometheus::Registry::new();
        let notifier = notifier::Notifier.start();
        let parts = Parts {
            node: node(),
            node_name: "paris".to_owned(),
            labels: [("site".to_owned(), "paris".to_owned())].into(),
            version: "0.1.0".to_owned(),
            store: store.clone(),
            aggregator: aggregator.recipient(),
            prober: Prober.start().recipient(),
            apply: roof.0,
            shared_configuration: roof.1,
            devices: None,
            commands: Some(elsewhere::Elsewhere.start().recipient()),
            notifications: Some(notifier.clone().recipient()),
            channels: Some(notifier.recipient()),
            registry: registry.clone(),
            clock: Arc::new(|| NOW),
        };
        let running = start(config, folder.path(), parts)?;
        let (address, dashboard) = (running.listening[0], running.address.clone());
        let end = Closing(store.clone());
        Ok(Self { address, dashboard, store, asked, registry, running, _end: end, _folder: folder })
    }

    /// On loopback, watching nothing yet.
    pub(crate) fn empty() -> Self {
        Self::try_start(&loopback()).unwrap()
    }

    /// Watching `shop`, which is down, `mail`, which is up, and `busy`, of which nothing is known.
    pub(crate) async fn start() -> Self {
        Self::with(loopback()).await
    }

    /// The same with another configuration.
    pub(crate) async fn with(config: Config) -> Self {
        let node = Self::try_start(&config).unwrap();
        node.configure(&["busy", "mail", "shop"]).await;
        node.note(Vec::new(), false).await;
        node.hear("mail", Level::Healthy, Outcome::Up).await;
        node.hear("shop", Level::Down, Outcome::Failed).await;
        node
    }

    /// This configuration is in force, and these are the faults of a newer one.
    pub(crate) async fn note(&self, refused: Vec<String>, restart_needed: bool) {
        let in_force = Arc::new(serde_json::json!({ "services": {} }));
        let hash = "abc123".to_owned();
        let noted = ConfigurationNoted {
            in_force,
            hash,
            since: NOW,
            refused,
            mesh_name: Some("Acme".to_owned()),
            restart_needed,
        };
        self.dashboard.send(noted).await.unwrap();
    }

    /// Watches these services from now on.
    pub(crate) async fn configure(&self, ids: &[&str]) {
        let services = ids.iter().map(|id| Arc::new(service(id))).collect();
        self.dashboard.send(Configured(Arc::new(services))).await.unwrap();
    }

    /// A result comes in, and with it a status.
    pub(crate) async fn hear(&self, id: &str, level: Level, outcome: Outcome) {
        let result = Some(Arc::new(result(id, NOW, outcome)));
        let status = Arc::new(status(id, level, outcome));
        self.dashboard.send(Heard { status, result }).await.unwrap();
    }

    /// Writes to the store.
    pub(crate) fn remember(&self, facts: &[Fact]) {
        self.store.commit(facts).unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, "").await
    }

    /// With further header lines, each ending in `\r\n`.
    pub(crate) async fn get_with(&self, path: &str, headers: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.address)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.post_with(path, body, "Content-Type: application/json\r\n").await
    }

    pub(crate) async fn post_with(&self, path: &str, body: &str, headers: &str) -> Answer {
        let (host, length) = (self.address, body.len());
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{headers}\r\n");
        self.send(&format!("{head}{body}")).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(&format!("DELETE {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address)).await
    }

    /// Sends a request as it stands, but for a header that ends the connection after it.
    pub(crate) async fn send(&self, request: &str) -> Answer {
        let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        let ask = async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut bytes = Vec::new();
            // a refused body may end in a reset after the answer
            stream.read_to_end(&mut bytes).await.ok();
            bytes
        };
        Answer::of(&tokio::time::timeout(DEADLINE, ask).await.expect("an answer in time"))
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a whole head") + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Self { status, head, body: bytes[end..].to_vec() };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = unchunked(&answer.body);
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body of a success.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert!(self.status < 300, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The detail of a problem of this status and kind; all else that a problem needs is there.
    pub(crate) fn problem(&self, status: u16, kind: &str) -> String {
        assert_eq!(self.status, status, "{} {}", self.head, self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.head);
        let document: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(document["type"], format!("urn:p7:problem:{kind}"), "{document}");
        assert_eq!(document["status"], status);
        assert!(document["instance"].as_str().unwrap().starts_with('/'), "{document}");
        assert!(!document["title"].as_str().unwrap().is_empty());
        document["detail"].as_str().unwrap().to_owned()
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
    body
}

/// On a free port of loopback.
pub(crate) fn loopback() -> Config {
    Config { listen: vec!["127.0.0.1:0".parse().unwrap()], ..Config::default() }
}

/// This node.
pub(crate) fn node() -> NodeId {
    NodeId::new("12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp").unwrap()
}

pub(crate) fn service(id: &str) -> Service {
    Service {
        id: ServiceId::new(id).unwrap(),
        name: format!("The {id}"),
        environment: if id == "mail" { "office" } else { "production" }.to_owned(),
        kind: "http".to_owned(),
        target: format!("https://{id}.example.org/"),
        interval: Interval::new(Millis::seconds(60)),
        timeout: Millis::seconds(10),
        retries: 1,
        retry_delay: Millis::seconds(1),
        rules: Rules::default(),
        vantage_points: VantagePoints::All,
        vantage_labels: BTreeMap::new(),
        description: None,
        runbook: Some("https://wiki.example.org/shop".to_owned()),
        link: None,
        labels: [("team".to_owned(), "web".to_owned())].into(),
        depends_on: Vec::new(),
        maintenance: Vec::new(),
    }
}

pub(crate) fn result(id: &str, at: MeshTime, outcome: Outcome) -> ProbeResult {
    let passed = outcome == Outcome::Up;
    ProbeResult {
        service: ServiceId::new(id).unwrap(),
        cycle: Cycle::at(at, Interval::new(Millis::seconds(60))),
        node: node(),
        at,
        outcome,
        latency: Micros(12_345),
        phases: Phases {
            resolve: Micros(1000),
            connect: Micros(2000),
            tls: Micros(3000),
            processing: Micros(4000),
            transfer: Micros(2345),
        },
        attempts: 1,
        reason: (!passed).then(|| "status 500 <b>".into()),
        status_code: Some(if passed { 200 } else { 500 }),
        certificate_expiry: Some(MeshTime(1_800_000_000_000)),
    }
}

pub(crate) fn status(id: &str, level: Level, outcome: Outcome) -> ServiceStatus {
    let result = result(id, NOW, outcome);
    let failed = u32::from(outcome == Outcome::Failed) * 6;
    ServiceStatus {
        level,
        since: Some(NOW.minus(Millis::seconds(600))),
        freshness: Freshness::Fresh,
        failtage: Failtage::of(failed, 6),
        outcome: Some(outcome),
        reason: result.reason.clone(),
        last_probe: Some(NOW),
        latency: Some(result.latency),
        incident: (level == Level::Down).then(|| incident(id, 10).id),
        vantage: vec![VantageStatus {
            node: node(),
            failtage: Failtage::of(failed, 6),
            outcome,
            vote: outcome.vote(),
            cycle: result.cycle,
            at: NOW,
            latency: result.latency,
            reason: result.reason,
        }],
        ..ServiceStatus::pending(ServiceId::new(id).unwrap())
    }
}

/// A mesh of five nodes, seen from this one, which is called paris and leads.
pub(crate) fn mesh() -> MeshView {
    let view = p7_dashboard::pages::sample::mesh_view();
    let text = serde_json::to_string(&view).unwrap().replace(view.me.as_str(), node().as_str());
    serde_json::from_str(&text).unwrap()
}

/// An incident that began so many minutes ago and goes on.
pub(crate) fn incident(id: &str, minutes: u64) -> Incident {
    let began = NOW.minus(Millis::seconds(minutes * 60));
    let first = Cycle::starting(began);
    Incident {
        id: IncidentId { service: ServiceId::new(id).unwrap(), first },
        began,
        opened: first,
        worst: Level::Down,
        recovered: None,
        ended: None,
        reason: Some("status 500 <b>".into()),
    }
}

/// Anna is on it.
pub(crate) fn acknowledgement(incident: &Incident) -> Acknowledgement {
    Acknowledgement {
        incident: incident.id.clone(),
        service: incident.id.service.clone(),
        by: "anna".to_owned(),
        at: NOW,
        reason: "on it".to_owned(),
    }
}

/// A silence as the aggregator is asked for it.
pub(crate) fn silence(scope: Scope, ends: MeshTime) -> Request {
    let (by, reason) = ("anna".to_owned(), "night".to_owned());
    Request::Hold { kind: HoldKind::Silence, scope, starts: None, ends, by, reason }
}
