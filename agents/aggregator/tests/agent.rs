//! The aggregator with a real store: what it is told is heard at once, written soon, and there again
//! after a restart.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use actix::prelude::*;
use p7_aggregator::{Aggregator, Connect, Listeners, Parts, Stop};
use p7_bus::{Ask, AskError, Configured, Heard, IncidentChanged, ProbeFinished, Request, Snapshot};
use p7_core::facts::{HoldKind, Scope};
use p7_core::result::{Phases, ProbeResult};
use p7_core::service::{Rules, Service, VantagePoints};
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{Cycle, Interval, Level, MeshTime, Micros, Millis, NodeId, Outcome, ServiceId};
use p7_store::{IncidentsQuery, ResultsQuery, Store, Which};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const BEGIN: u64 = 1_800_000_000_000;
const PATIENCE: Duration = Duration::from_secs(10);

fn clock() -> MeshTime {
    MeshTime(BEGIN + 35_000)
}

fn shop() -> ServiceId {
    ServiceId::new("shop").unwrap()
}

fn node() -> NodeId {
    NodeId::new("node1").unwrap()
}

fn service() -> Arc<Service> {
    Arc::new(Service {
        id: shop(),
        name: "Shop".into(),
        environment: "production".into(),
        kind: "http".into(),
        target: "http://shop.example/".into(),
        interval: Interval::new(Millis::seconds(10)),
        timeout: Millis::seconds(5),
        retries: 0,
        retry_delay: Millis::seconds(1),
        rules: Rules::default(),
        vantage_points: VantagePoints::All,
        vantage_labels: BTreeMap::new(),
        description: None,
        runbook: None,
        link: None,
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
        maintenance: Vec::new(),
    })
}

fn result(n: u64, outcome: Outcome) -> Arc<ProbeResult> {
    let cycle = Cycle::starting(MeshTime(BEGIN + n * 10_000));
    Arc::new(ProbeResult {
        service: shop(),
        cycle,
        node: node(),
        at: cycle.start().plus(Millis(100)),
        outcome,
        latency: Micros(1_500),
        phases: Phases::default(),
        attempts: 1,
        reason: None,
        status_code: Some(200),
        certificate_expiry: None,
    })
}

/// Remembers what it was told.
#[derive(Default)]
struct Recorder {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    statuses: Vec<Arc<ServiceStatus>>,
    snapshots: Vec<Arc<Vec<Arc<ServiceStatus>>>>,
    incidents: usize,
}

impl Actor for Recorder {
    type Context = Context<Self>;
}

impl Handler<Heard> for Recorder {
    type Result = ();
    fn handle(&mut self, heard: Heard, _: &mut Self::Context) {
        self.seen.lock().unwrap().statuses.push(heard.status);
    }
}

impl Handler<Snapshot> for Recorder {
    type Result = ();
    fn handle(&mut self, snapshot: Snapshot, _: &mut Self::Context) {
        self.seen.lock().unwrap().snapshots.push(snapshot.0);
    }
}

impl Handler<IncidentChanged> for Recorder {
    type Result = ();
    fn handle(&mut self, _: IncidentChanged, _: &mut Self::Context) {
        self.seen.lock().unwrap().incidents += 1;
    }
}

struct Bench {
    agent: Addr<Aggregator>,
    store: Store,
    seen: Arc<Mutex<Seen>>,
}

async fn bench(dir: &Path) -> Bench {
    let store = Store::open(dir, &p7_store::Config::default()).unwrap();
    let agent = Aggregator::new(Parts { node: node(), store: store.clone(), clock }).start();
    let recorder = Recorder::default();
    let seen = Arc::clone(&recorder.seen);
    let recorder = recorder.start();
    let listeners = Listeners {
        heard: vec![recorder.clone().recipient()],
        snapshots: vec![recorder.clone().recipient()],
        incidents: vec![recorder.recipient()],
        ..Listeners::default()
    };
    agent.send(Connect(listeners)).await.unwrap();
    agent.send(Configured(Arc::new(vec![service()]))).await.unwrap();
    Bench { agent, store, seen }
}

impl Bench {
    fn written(&self) -> usize {
        let query = ResultsQuery {
            service: shop(),
            from: MeshTime(0),
            to: MeshTime(u64::MAX),
            node: None,
            limit: 100,
            after: None,
        };
        self.store.results(&query).unwrap().rows.len()
    }

    fn open_incidents(&self) -> usize {
        let query = IncidentsQuery {
            service: None,
            from: MeshTime(0),
            to: MeshTime(u64::MAX),
            which: Which::Open,
            limit: 100,
            after: None,
        };
        self.store.incidents(&query).unwrap().rows.len()
    }

    async fn until(&self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        let begin = Instant::now();
        while !so(self) {
            assert!(begin.elapsed() < PATIENCE, "not in time: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn ask(&self, request: Request) -> Result<Ask, AskError> {
        self.agent.send(request).await.unwrap()
    }
}

#[actix::test]
async fn a_result_is_heard_at_once_and_written_with_the_next_batch() {
    let dir = tempfile::tempdir().unwrap();
    let bench = bench(dir.path()).await;
    bench.agent.send(ProbeFinished(result(0, Outcome::Up))).await.unwrap();
    bench.until("heard", |bench| bench.seen.lock().unwrap().statuses.len() == 1).await;
    assert_eq!(bench.seen.lock().unwrap().statuses[0].level, Level::Healthy);
    bench.until("written", |bench| bench.written() == 1).await;
}

#[actix::test]
async fn a_restart_shows_what_was_shown_and_the_incident_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let before = {
        let bench = bench(dir.path()).await;
        for (n, outcome) in [Outcome::Up, Outcome::Failed, Outcome::Failed].into_iter().enumerate() {
            bench.agent.send(ProbeFinished(result(n as u64, outcome))).await.unwrap();
        }
        let said = Request::Acknowledge { service: shop(), by: "ada".into(), reason: "on it".into() };
        bench.ask(said).await.unwrap();
        bench.until("four statuses", |bench| bench.seen.lock().unwrap().statuses.len() == 4).await;
        assert_eq!(bench.seen.lock().unwrap().incidents, 2, "opened and acknowledged");
        bench.agent.send(Stop).await.unwrap();
        let seen = bench.seen.lock().unwrap();
        Arc::clone(seen.statuses.last().unwrap())
    };
    let bench = bench(dir.path()).await;
    bench.until("a snapshot", |bench| !bench.seen.lock().unwrap().snapshots.is_empty()).await;
    let shown = bench.seen.lock().unwrap().snapshots[0].clone();
    assert_eq!(*shown[0], *before);
    assert_eq!(before.level, Level::Incident);
    assert_eq!(before.acknowledged.as_ref().map(|said| said.by.as_str()), Some("ada"));
}

#[actix::test]
async fn a_service_that_goes_ends_its_incident_once_and_coming_back_reopens_it() {
    let dir = tempfile::tempdir().unwrap();
    let bench = bench(dir.path()).await;
    for n in 0..2 {
        bench.agent.send(ProbeFinished(result(n, Outcome::Failed))).await.unwrap();
    }
    bench.until("opened", |bench| bench.seen.lock().unwrap().incidents == 1).await;
    bench.agent.send(Configured(Arc::new(Vec::new()))).await.unwrap();
    bench.until("gone", |bench| bench.seen.lock().unwrap().snapshots.len() == 2).await;
    assert_eq!(bench.seen.lock().unwrap().incidents, 2, "it ended once");
    assert_eq!(bench.open_incidents(), 0);
    bench.agent.send(Configured(Arc::new(vec![service()]))).await.unwrap();
    bench.until("back", |bench| bench.seen.lock().unwrap().snapshots.len() == 3).await;
    let shown = bench.seen.lock().unwrap().snapshots[2][0].incident.clone();
    assert!(shown.is_some(), "the results of before still say so");
    assert_eq!(bench.open_incidents(), 1);
}

#[actix::test]
async fn an_incident_of_other_rules_ends_with_the_restart_that_brought_new_ones() {
    let dir = tempfile::tempdir().unwrap();
    {
        let bench = bench(dir.path()).await;
        for (n, outcome) in [Outcome::Failed, Outcome::Failed].into_iter().enumerate() {
            bench.agent.send(ProbeFinished(result(n as u64, outcome))).await.unwrap();
        }
        bench.until("opened", |bench| bench.seen.lock().unwrap().incidents == 1).await;
        bench.agent.send(Stop).await.unwrap();
    }
    let bench = bench(dir.path()).await;
    bench.agent.send(Configured(Arc::new(Vec::new()))).await.unwrap();
    let patient = Service { rules: Rules { orange: 6, ..Rules::default() }, ..service().as_ref().clone() };
    bench.agent.send(Configured(Arc::new(vec![Arc::new(patient)]))).await.unwrap();
    bench.until("back", |bench| bench.seen.lock().unwrap().snapshots.len() == 3).await;
    assert_eq!(bench.seen.lock().unwrap().snapshots[2][0].incident, None);
    assert_eq!(bench.open_incidents(), 0, "pages and store agree");
}

#[actix::test]
async fn what_can_not_be_stated_is_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let bench = bench(dir.path()).await;
    let other = ServiceId::new("other").unwrap();
    let said = |service| Request::Acknowledge { service, by: "ada".into(), reason: String::new() };
    let unknown = Err(AskError::NotFound { kind: "service", id: "other".into() });
    assert_eq!(bench.ask(said(other)).await, unknown);
    assert!(matches!(bench.ask(said(shop())).await, Err(AskError::Conflict(_))), "no incident is open");
    let hold = |scope, ends| Request::Hold {
        kind: HoldKind::Silence,
        scope,
        starts: None,
        ends,
        by: "ada".into(),
        reason: String::new(),
    };
    let (past, soon) = (clock().minus(Millis(1)), clock().plus(Millis::seconds(60)));
    let far = clock().plus(Millis::seconds(400 * 24 * 3600));
    assert!(matches!(bench.ask(hold(Scope::All, past)).await, Err(AskError::Invalid(_))));
    assert!(matches!(bench.ask(hold(Scope::All, far)).await, Err(AskError::Invalid(_))));
    let nowhere = Scope::Environment("nowhere".into());
    assert!(matches!(bench.ask(hold(nowhere, soon)).await, Err(AskError::NotFound { .. })));
    let lift = Request::Lift { id: "none".into(), by: "ada".into() };
    assert!(matches!(bench.ask(lift).await, Err(AskError::NotFound { .. })));
}

#[actix::test]
async fn a_silence_holds_over_a_restart_until_it_is_lifted() {
    let dir = tempfile::tempdir().unwrap();
    let hold = Request::Hold {
        kind: HoldKind::Silence,
        scope: Scope::Environment("production".into()),
        starts: None,
        ends: clock().plus(Millis::seconds(60)),
        by: "ada\u{7}".into(),
        reason: "noise".into(),
    };
    {
        let bench = bench(dir.path()).await;
        let Ok(Ask::Held(held)) = bench.ask(hold).await else { panic!("not held") };
        assert_eq!(held.by, "ada");
        bench.agent.send(Stop).await.unwrap();
    }
    let bench = bench(dir.path()).await;
    let Ok(Ask::Holds(holds)) = bench.ask(Request::Holds).await else { panic!("no holds") };
    assert_eq!(holds.len(), 1);
    let id = holds[0].id.clone();
    bench.ask(Request::Lift { id, by: "bob".into() }).await.unwrap();
    let status = |bench: &Bench| bench.seen.lock().unwrap().statuses.last().cloned();
    bench.until("lifted", |bench| status(bench).is_some_and(|status| status.silence.is_none())).await;
}
