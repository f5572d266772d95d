//! The aggregator as part of a mesh: what others state counts like its own, what it states is told.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use actix::prelude::*;
use p7_aggregator::{Aggregator, Connect, Listeners, Parts, Stop};
use p7_bus::{
    Ask, Configured, FactsHeard, Heard, IncidentChanged, MeshNoted, ProbeFinished, Request, Snapshot, Stated,
};
use p7_core::facts::{Acknowledgement, Deployment, DeploymentState, Hold, HoldKind, Scope};
use p7_core::incident::{Incident, IncidentId};
use p7_core::mesh::view::{Liveness, MemberView, MeshView};
use p7_core::mesh::words::{About, Fact, Stamp};
use p7_core::result::{Phases, ProbeResult};
use p7_core::service::{Rules, Service, VantagePoints};
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{Cycle, Interval, Level, MeshTime, Micros, Millis, NodeId, Outcome, ServiceId};
use p7_store::{Counted, IncidentsQuery, Store, Which};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const BEGIN: u64 = 1_800_000_000_000;
const PATIENCE: Duration = Duration::from_secs(20);
/// Cycles until now.
const CYCLES: u64 = 150;

fn clock() -> MeshTime {
    MeshTime(BEGIN + CYCLES * 10_000)
}

fn shop() -> ServiceId {
    ServiceId::new("shop").unwrap()
}

fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

fn cycle(n: u64) -> Cycle {
    Cycle::starting(MeshTime(BEGIN + n * 10_000))
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
        description: None,
        runbook: None,
        link: None,
        vantage_labels: BTreeMap::new(),
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
        maintenance: Vec::new(),
    })
}

fn result(by: &str, n: u64, outcome: Outcome) -> Arc<ProbeResult> {
    Arc::new(ProbeResult {
        service: shop(),
        cycle: cycle(n),
        node: node(by),
        at: cycle(n).start().plus(Millis(100)),
        outcome,
        latency: Micros(1_500),
        phases: Phases::default(),
        attempts: 1,
        reason: None,
        status_code: Some(200),
        certificate_expiry: None,
    })
}

/// Results of some nodes in some cycles, as the mesh brings them.
fn heard(nodes: &[&str], cycles: impl Iterator<Item = u64>, outcome: impl Fn(u64) -> Outcome) -> FactsHeard {
    let mut facts = Vec::new();
    for n in cycles {
        facts.extend(nodes.iter().map(|by| (node(by), Fact::Result(result(by, n, outcome(n))))));
    }
    FactsHeard(facts)
}

fn failed_from_100_to_120(n: u64) -> Outcome {
    if (100..120).contains(&n) { Outcome::Failed } else { Outcome::Up }
}

/// Remembers what it was told.
#[derive(Default)]
struct Recorder {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    statuses: Vec<Arc<ServiceStatus>>,
    incidents: Vec<IncidentChanged>,
    stated: Vec<Fact>,
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
        self.seen.lock().unwrap().statuses.extend(snapshot.0.iter().cloned());
    }
}

impl Handler<IncidentChanged> for Recorder {
    type Result = ();
    fn handle(&mut self, changed: IncidentChanged, _: &mut Self::Context) {
        self.seen.lock().unwrap().incidents.push(changed);
    }
}

impl Handler<Stated> for Recorder {
    type Result = ();
    fn handle(&mut self, Stated(facts): Stated, _: &mut Self::Context) {
        self.seen.lock().unwrap().stated.extend(facts);
    }
}

struct Bench {
    agent: Addr<Aggregator>,
    store: Store,
    recorder: Addr<Recorder>,
    seen: Arc<Mutex<Seen>>,
}

async fn bench(dir: &Path) -> Bench {
    let store = Store::open(dir, &p7_store::Config::default()).unwrap();
    let agent = Aggregator::new(Parts { node: node("me"), store: store.clone(), clock }).start();
    let recorder = Recorder::default();
    let seen = Arc::clone(&recorder.seen);
    let recorder = recorder.start();
    let listeners = Listeners {
        heard: vec![recorder.clone().recipient()],
        snapshots: vec![recorder.clone().recipient()],
        incidents: vec![recorder.clone().recipient()],
        stated: vec![recorder.clone().recipient()],
        ..Listeners::default()
    };
    agent.send(Connect(listeners)).await.unwrap();
    agent.send(Configured(Arc::new(vec![service()]))).await.unwrap();
    Bench { agent, store, recorder, seen }
}

impl Bench {
    /// Sends, and waits until everybody has been told what follows.
    async fn tell<M>(&self, event: M)
    where
        M: Message<Result = ()> + Send + 'static,
        Aggregator: Handler<M>,
    {
        self.agent.send(event).await.unwrap();
        // what was told before is handled before
        self.recorder.send(Stated(Vec::new())).await.unwrap();
    }

    fn status(&self) -> Arc<ServiceStatus> {
        Arc::clone(self.seen.lock().unwrap().statuses.last().unwrap())
    }

    fn statuses(&self) -> usize {
        self.seen.lock().unwrap().statuses.len()
    }

    fn incidents(&self) -> Vec<Incident> {
        let query = IncidentsQuery {
            service: None,
            from: MeshTime(0),
            to: MeshTime(u64::MAX),
            which: Which::All,
            limit: 100,
            after: None,
        };
        self.store.incidents(&query).unwrap().rows
    }

    fn stored(&self) -> usize {
        self.store.cycles_before(&shop(), cycle(1_000_000), 10_000, Counted::All).unwrap().len()
    }

    async fn until(&self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        let begin = Instant::now();
        while !so(self) {
            assert!(begin.elapsed() < PATIENCE, "not in time: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn acknowledged(n: u64, by: &str, at: u64) -> Fact {
    let incident = IncidentId { service: shop(), first: cycle(n) };
    Fact::Acknowledged(Acknowledgement {
        incident,
        service: shop(),
        by: by.into(),
        at: MeshTime(at),
        reason: String::new(),
    })
}

#[actix::test]
async fn results_of_others_count_like_own_ones_and_are_not_stated_again() {
    let dir = tempfile::tempdir().unwrap();
    let bench = bench(dir.path()).await;
    bench.tell(ProbeFinished(result("me", 149, Outcome::Failed))).await;
    assert_eq!(bench.status().level, Level::Warning);
    bench.tell(heard(&["a", "b"], 149..150, |_| Outcome::Failed)).await;
    assert_eq!(bench.status().level, Level::Incident, "confirmed by three");
    assert_eq!(bench.status().vantage.len(), 3);
    bench.until("written", |bench| bench.stored() == 3).await;
    assert_eq!(bench.incidents().len(), 1);
    assert_eq!(bench.seen.lock().unwrap().stated, [Fact::Result(result("me", 149, Outcome::Failed))]);
}

#[actix::test]
async fn nobody_states_results_for_another() {
    let dir = tempfile::tempdir().unwrap();
    let bench = bench(dir.path()).await;
    let before = bench.statuses();
    let forged = (node("liar"), Fact::Result(result("me", 149, Outcome::Failed)));
    bench.tell(FactsHeard(vec![forged])).await;
    assert_eq!(bench.statuses(), before);
    bench.agent.send(Stop).await.unwrap();
    let store = Store::open(dir.path(), &p7_store::Config::default()).unwrap();
    assert_eq!(store.cycles_before(&shop(), cycle(1_000), 9, Counted::All).unwrap(), []);
}

#[actix::test]
async fn thousands_at_once_are_one_status_and_all_written() {
    let dir = tempfile::tempdir().unwrap();
    let bench = bench(dir.path()).await;
    let before = bench.statuses();
    let nodes: Vec<String> = (0..40).map(|i| format!("n{i}")).collect();
    let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
    bench.tell(heard(&nodes, (0..CYCLES).rev(), failed_from_100_to_120)).await;
    assert_eq!(bench.statuses(), before + 1);
    let told = bench.seen.lock().unwrap().incidents.len();
    assert_eq!(told, 1, "an incident is told as it stands in the end");
    bench.until("written", |bench| bench.stored() == 40 * 150).await;
    let known: Vec<_> = bench.incidents().iter().map(|one| (one.id.first, one.recovered)).collect();
    assert_eq!(known, [(cycle(100), Some(cycle(120)))]);
}

#[actix::test]
async fn results_that_come_before_the_services_are_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &p7_store::Config::default()).unwrap();
    let agent = Aggregator::new(Parts { node: node("me"), store, clock }).start();
    let recorder = Recorder::default();
    let seen = Arc::clone(&recorder.seen);
    let recorder = recorder.start();
    let listeners = Listeners { snapshots: vec![recorder.clone().recipient()], ..Listeners::default() };
    agent.send(Connect(listeners)).await.unwrap();
    agent.send(heard(&["a", "b"], 148..150, |_| Outcome::Failed)).await.unwrap();
    agent.send(Configured(Arc::new(vec![service()]))).await.unwrap();
    recorder.send(Stated(Vec::new())).await.unwrap();
    assert_eq!(seen.lock().unwrap().statuses[0].level, Level::Incident);
}

#[actix::test]
async fn what_people_say_elsewhere_shows_here_and_the_latest_word_counts() {
    let dir = tempfile::tempdir().unwrap();
    let bench = bench(dir.path()).await;
    bench.tell(heard(&["a", "b"], 149..150, |_| Outcome::Failed)).await;
    let said = |fact: Fact| FactsHeard(vec![(node("a"), fact)]);
    bench.tell(said(acknowledged(149, "ada\u{7}", 9))).await;
    bench.tell(said(acknowledged(149, "bob", 5))).await;
    assert_eq!(bench.status().acknowledged.as_ref().unwrap().by, "ada");
    let told: Vec<Option<String>> = {
        let seen = bench.seen.lock().unwrap();
        seen.incidents.iter().map(|one| one.acknowledged.as_ref().map(|said| said.by.clone())).collect()
    };
    assert_eq!(told, [None, Some("ada".into())], "the incident is told again, once");
    let hold = |ends: u64, stated: u64| {
        Fact::Held(Hold {
            id: "a-1".into(),
            kind: HoldKind::Silence,
            scope: Scope::All,
            starts: MeshTime(BEGIN),
            ends: MeshTime(ends),
            by: "ada".into(),
            reason: String::new(),
            stated: MeshTime(stated),
        })
    };
    let later = clock().0 + 60_000;
    bench.tell(said(hold(clock().0, 9))).await;
    bench.tell(said(hold(later, 5))).await;
    assert_eq!(bench.status().silence, None, "it was lifted");
    bench.tell(said(hold(later, 10))).await;
    assert_eq!(bench.status().silence.as_ref().unwrap().until, MeshTime(later));
    let deployed = Deployment {
        service: shop(),
        name: "v2".into(),
        by: "ci".into(),
        state: DeploymentState::Running,
        at: clock(),
        link: None,
    };
    bench.tell(said(Fact::Deployed(deployed.clone()))).await;
    assert_eq!(bench.status().deployment, Some(deployed));
    assert_eq!(bench.seen.lock().unwrap().stated, []);
    bench.agent.send(Stop).await.unwrap();
    let store = Store::open(dir.path(), &p7_store::Config::default()).unwrap();
    assert_eq!(store.acknowledgements(MeshTime(0)).unwrap()[0].by, "ada");
    assert_eq!(store.holds(MeshTime(0)).unwrap()[0].stated, MeshTime(10));
    assert_eq!(store.deployments().unwrap().len(), 1);
}

#[actix::test]
async fn what_people_say_here_is_stated_to_the_mesh() {
    let dir = tempfile::tempdir().unwrap();
    let bench = bench(dir.path()).await;
    bench.tell(heard(&["a", "b"], 149..150, |_| Outcome::Failed)).await;
    let ask = |request: Request| bench.agent.send(request);
    let by = || "ada".to_owned();
    let asked = ask(Request::Acknowledge { service: shop(), by: by(), reason: String::new() });
    let Ok(Ask::Acknowledged(said)) = asked.await.unwrap() else { panic!("not acknowledged") };
    let hold = Request::Hold {
        kind: HoldKind::Maintenance,
        scope: Scope::Service(shop()),
        starts: None,
        ends: clock().plus(Millis(60_000)),
        by: by(),
        reason: String::new(),
    };
    let Ok(Ask::Held(held)) = ask(hold).await.unwrap() else { panic!("not held") };
    let lift = Request::Lift { id: held.id.clone(), by: by() };
    let Ok(Ask::Held(lifted)) = ask(lift).await.unwrap() else { panic!("not lifted") };
    assert!(ask(Request::Lift { id: "none".into(), by: by() }).await.unwrap().is_err());
    bench.recorder.send(Stated(Vec::new())).await.unwrap();
    let expected = [Fact::Acknowledged(said), Fact::Held(held), Fact::Held(lifted)];
    assert_eq!(bench.seen.lock().unwrap().stated, expected);
}

fn view(sites: &[(&str, Option<&str>)]) -> MeshNoted {
    let member = |(name, site): &(&str, Option<&str>)| MemberView {
        node: node(name),
        about: Some(About {
            labels: site.iter().map(|site| ("site".to_owned(), (*site).to_owned())).collect(),
            ..About::default()
        }),
        devices: None,
        liveness: Liveness::Alive,
        since: MeshTime(0),
        heard: MeshTime(0),
        connected: true,
        offset_ms: None,
        round_trip: None,
        posts: Vec::new(),
        cut_off: false,
        configuration: Stamp::default(),
        links: 0,
        wire: 1,
        seats: 0,
    };
    MeshNoted(Arc::new(MeshView {
        me: node("me"),
        members: sites.iter().map(member).collect(),
        holdings: Vec::new(),
        configuration: Stamp::default(),
        correction_ms: 0,
    }))
}

#[actix::test]
async fn machines_of_one_site_are_one_witness_even_after_they_have_gone() {
    let dir = tempfile::tempdir().unwrap();
    let bench = bench(dir.path()).await;
    bench.tell(heard(&["a", "b"], 149..150, |_| Outcome::Failed)).await;
    bench.tell(heard(&["c"], 149..150, |_| Outcome::Up)).await;
    assert_eq!(bench.status().level, Level::Incident, "two of three");
    bench.tell(view(&[("a", Some("office")), ("b", Some("office")), ("c", None)])).await;
    assert_eq!(bench.status().level, Level::Partial, "one of two");
    let told = bench.statuses();
    bench.tell(view(&[("c", None)])).await;
    assert_eq!(bench.statuses(), told);
    bench.tell(view(&[("a", None), ("c", None)])).await;
    assert_eq!(bench.status().level, Level::Incident, "its label is gone");
}

#[actix::test]
async fn an_outage_of_a_time_long_past_becomes_an_incident_when_its_results_come() {
    let dir = tempfile::tempdir().unwrap();
    let bench = bench(dir.path()).await;
    // alone it saw nothing
    for n in 50..CYCLES {
        bench.tell(ProbeFinished(result("me", n, Outcome::Up))).await;
    }
    assert_eq!(bench.incidents(), []);
    // the others did; their newest results come first
    for from in [120, 90, 60, 50] {
        bench.tell(heard(&["a", "b"], from..(from + 30).min(CYCLES), failed_from_100_to_120)).await;
    }
    let known = |bench: &Bench| -> Vec<_> {
        bench.incidents().iter().map(|one| (one.id.first, one.recovered)).collect()
    };
    // of the outage only the end lies in what is remembered
    bench.until("heard", |bench| known(bench) == [(cycle(118), Some(cycle(120)))]).await;
    bench.until("corrected", |bench| known(bench) == [(cycle(100), Some(cycle(120)))]).await;
    let told = bench.seen.lock().unwrap().incidents.last().unwrap().incident.id.clone();
    assert_eq!(told.first, cycle(100));
    assert_eq!(bench.status().level, Level::Healthy);
}
