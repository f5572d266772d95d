//! The agent as a whole, with a source on loopback and an aggregator's ear and voice in its place.

use super::fake::{Fake, Reply};
use super::{origin, provide, service, source};
use crate::agent::{Deployments, Follow, Parts, Standing};
use actix::prelude::*;
use p7_bus::{Ask, AskError, Heard, MeshNoted, Request, Snapshot};
use p7_core::facts::{Deployment, DeploymentState};
use p7_core::mesh::view::{Holding, MeshView};
use p7_core::mesh::words::{Claim, Role, Stamp, Term};
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{MeshTime, NodeId};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// Takes deployments as the aggregator does: states them, and tells the service's status on.
struct Aggregator {
    stated: Arc<Mutex<Vec<Deployment>>>,
    hears: Option<Recipient<Heard>>,
    /// How many are not taken at first.
    refuses: usize,
    clock: u64,
}

#[derive(Message)]
#[rtype(result = "()")]
struct TellOn(Recipient<Heard>);

impl Actor for Aggregator {
    type Context = Context<Self>;
}

impl Handler<TellOn> for Aggregator {
    type Result = ();

    fn handle(&mut self, TellOn(to): TellOn, _: &mut Self::Context) {
        self.hears = Some(to);
    }
}

impl Handler<Request> for Aggregator {
    type Result = Result<Ask, AskError>;

    fn handle(&mut self, request: Request, _: &mut Self::Context) -> Self::Result {
        let Request::Deployed(deployment) = request else { return Err(AskError::Busy) };
        if self.refuses > 0 {
            self.refuses -= 1;
            return Err(AskError::Busy);
        }
        self.clock += 1;
        let deployment = Deployment { at: MeshTime(self.clock), ..deployment };
        self.stated.lock().unwrap().push(deployment.clone());
        let status = status(Some(deployment.clone()));
        self.hears.as_ref().unwrap().try_send(Heard { status, result: None }).unwrap();
        Ok(Ask::Deployed(deployment))
    }
}

fn status(deployment: Option<Deployment>) -> Arc<ServiceStatus> {
    Arc::new(ServiceStatus { deployment, ..ServiceStatus::pending(service("shop")) })
}

/// A GitHub whose one run is as far as `stage` says.
async fn github(stage: Arc<AtomicU64>) -> Fake {
    Fake::start(move |asked| {
        if asked.header("authorization") != "Bearer right-token" {
            return Reply::status(401);
        }
        let (status, conclusion) = match stage.load(Ordering::SeqCst) {
            0 => ("in_progress", json!(null)),
            1 => ("completed", json!("success")),
            _ => ("completed", json!("failure")),
        };
        let run = json!({
            "name": "Deploy", "run_number": 7, "status": status, "conclusion": conclusion,
            "html_url": "https://github.com/octo/shop/actions/runs/1", "actor": { "login": "ann" },
            "created_at": "2026-11-24T10:00:00Z", "updated_at": "2026-11-24T10:00:00Z"
        });
        Reply::json(&json!({ "total_count": 1, "workflow_runs": [run] }).to_string())
    })
    .await
}

struct World {
    agent: Addr<Deployments>,
    stated: Arc<Mutex<Vec<Deployment>>>,
    fake: Fake,
    stage: Arc<AtomicU64>,
    registry: prometheus::Registry,
    dir: tempfile::TempDir,
}

impl World {
    async fn new(standing: Standing, known: Option<Deployment>, refuses: usize) -> Self {
        provide();
        let (stage, stated) = (Arc::default(), Arc::default());
        let fake = github(Arc::clone(&stage)).await;
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("token"), "right-token").unwrap();
        let registry = prometheus::Registry::new();
        let aggregator = Aggregator { stated: Arc::clone(&stated), hears: None, refuses, clock: 100 }.start();
        let parts = Parts {
            standing,
            dir: dir.path().to_owned(),
            clock: || MeshTime(1_800_000_000_000),
            states: aggregator.clone().recipient(),
        };
        let agent = Deployments::new(parts, &registry).unwrap().start();
        aggregator.send(TellOn(agent.clone().recipient())).await.unwrap();
        let world = Self { agent, stated, fake, stage, registry, dir };
        world.follow("1s").await;
        world.agent.send(Snapshot(Arc::new(vec![status(known)]))).await.unwrap();
        world
    }

    async fn follow(&self, interval: &str) {
        let table =
            format!("interval = '{interval}'\n[github]\nurl = '{}'\ntoken = 'file:token'", self.fake.url);
        let keys = "repository = 'octo/shop'\nworkflow = 'deploy.yml'";
        let follow = Follow {
            sources: BTreeMap::from([("it".to_owned(), source(&table))]),
            origins: BTreeMap::from([(service("shop"), origin(keys))]),
        };
        self.agent.send(follow).await.unwrap();
    }

    fn states(&self) -> Vec<DeploymentState> {
        self.stated.lock().unwrap().iter().map(|deployment| deployment.state).collect()
    }

    /// Waits for so many more questions: what was to be stated for all but the last of them is stated.
    async fn asked_again(&self, times: usize) {
        let before = self.fake.asked().len();
        until("more questions", || self.fake.asked().len() >= before + times).await;
    }

    async fn lead(&self, leader: &str) {
        let node = |id: &str| NodeId::new(id).unwrap();
        let claim = Claim { full: true, term: Term(1), priority: 50, node: node(leader) };
        let view = MeshView {
            me: node("me"),
            members: Vec::new(),
            holdings: vec![Holding { role: Role::Leader, claim: Some(claim) }],
            configuration: Stamp::default(),
            correction_ms: 0,
        };
        self.agent.send(MeshNoted(Arc::new(view))).await.unwrap();
    }

    fn polls(&self, result: &str) -> f64 {
        let families = self.registry.gather();
        let polls = families.iter().find(|family| family.name() == "p7_deployments_polls_total");
        let is = |labels: &[prometheus::proto::LabelPair]| labels.iter().any(|label| label.value() == result);
        let rows = polls.into_iter().flat_map(prometheus::proto::MetricFamily::get_metric);
        rows.filter(|row| is(row.get_label())).map(|row| row.get_counter().get_value()).sum()
    }
}

async fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !ready() {
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[actix::test]
async fn a_deployment_is_stated_when_it_begins_and_ends_and_not_in_between() {
    let world = World::new(Standing::Alone, None, 0).await;
    until("it is stated", || !world.states().is_empty()).await;
    world.asked_again(2).await;
    assert_eq!(world.states(), [DeploymentState::Running]);
    world.stage.store(1, Ordering::SeqCst);
    until("its end is stated", || world.states().len() > 1).await;
    world.asked_again(2).await;
    assert_eq!(world.states(), [DeploymentState::Running, DeploymentState::Succeeded]);
    let first = world.stated.lock().unwrap()[0].clone();
    assert_eq!((first.name.as_str(), first.by.as_str()), ("Deploy #7", "ann"));
    assert_eq!(first.link.as_deref(), Some("https://github.com/octo/shop/actions/runs/1"));
    assert!(world.polls("ok") >= 4.0);
}

#[actix::test]
async fn what_the_mesh_knows_already_is_not_stated_again_by_the_next_leader() {
    let known = Deployment {
        service: service("shop"),
        name: "Deploy #7".to_owned(),
        by: "ann".to_owned(),
        state: DeploymentState::Running,
        at: MeshTime(5),
        link: Some("https://github.com/octo/shop/actions/runs/1".to_owned()),
    };
    let world = World::new(Standing::Alone, Some(known), 0).await;
    world.asked_again(2).await;
    assert_eq!(world.states(), []);
    world.stage.store(2, Ordering::SeqCst);
    until("its end is stated", || !world.states().is_empty()).await;
    assert_eq!(world.states(), [DeploymentState::Failed]);
}

#[actix::test]
async fn only_the_leader_asks() {
    let world = World::new(Standing::Led, None, 0).await;
    world.lead("another").await;
    // longer than the agent takes to look twice whether something is due
    let end = Instant::now() + Duration::from_millis(2_500);
    while Instant::now() < end {
        assert_eq!(world.fake.asked().len(), 0);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.lead("me").await;
    until("it is stated", || !world.states().is_empty()).await;
}

#[actix::test]
async fn what_could_not_be_stated_is_stated_after_the_next_poll() {
    let world = World::new(Standing::Alone, None, 2).await;
    until("it is stated", || !world.states().is_empty()).await;
    assert_eq!(world.states(), [DeploymentState::Running]);
    assert!(world.fake.asked().len() >= 3);
}

#[actix::test]
async fn a_wrong_or_missing_token_is_counted_and_a_right_one_is_found_without_a_restart() {
    let world = World::new(Standing::Led, None, 0).await;
    let token = world.dir.path().join("token");
    std::fs::remove_file(&token).unwrap();
    world.lead("me").await;
    until("the missing token is counted", || world.polls("no_token") > 0.0).await;
    assert_eq!(world.fake.asked().len(), 0);
    std::fs::write(&token, "wrong-token").unwrap();
    until("the wrong token is counted", || world.polls("refused") > 0.0).await;
    std::fs::write(&token, "right-token").unwrap();
    until("it is stated", || !world.states().is_empty()).await;
}

#[actix::test]
async fn a_source_is_never_asked_more_often_than_its_interval() {
    let world = World::new(Standing::Alone, None, 0).await;
    world.follow("1h").await;
    until("the first question", || !world.fake.asked().is_empty()).await;
    let before = AtomicUsize::new(world.fake.asked().len());
    // taking up the same configuration again changes nothing
    world.follow("1h").await;
    let end = Instant::now() + Duration::from_millis(2_500);
    while Instant::now() < end {
        let asked = world.fake.asked().len();
        assert!(asked <= before.load(Ordering::SeqCst).max(2), "{asked} questions");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
