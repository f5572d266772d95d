//! The agent: publishes while it leads, what changed soon, and lets no failing target delay another.

use super::peers::free_port;
use super::s3;
use super::support::{SOON, eventually, fleet};
use crate::config::{Config, DeadManConfig, FolderConfig, TargetConfig};
use crate::{Listeners, Parts, Publisher, TakeUp};
use actix::prelude::*;
use p7_bus::{
    Configured, FitnessNoted, Heard, MeshNoted, NetworkNoted, PublishNoted, PublishStanding, Publishing,
    Snapshot,
};
use p7_core::mesh::view::MeshView;
use p7_core::mesh::words::Role;
use p7_core::vocabulary::MeshTime;
use p7_pages::sample;
use p7_settings::{Period, Secret};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What the publisher said.
#[derive(Default, Clone)]
struct Said {
    publishing: Arc<Mutex<Option<Arc<Publishing>>>>,
    fitness: Arc<Mutex<Vec<FitnessNoted>>>,
}

impl Actor for Said {
    type Context = Context<Self>;
}

impl Handler<PublishNoted> for Said {
    type Result = ();
    fn handle(&mut self, PublishNoted(publishing): PublishNoted, _: &mut Self::Context) {
        *self.publishing.lock().unwrap() = Some(publishing);
    }
}

impl Handler<FitnessNoted> for Said {
    type Result = ();
    fn handle(&mut self, noted: FitnessNoted, _: &mut Self::Context) {
        self.fitness.lock().unwrap().push(noted);
    }
}

/// Tells the publisher something.
fn tell<M>(publisher: &Addr<Publisher>, event: M)
where
    M: Message<Result = ()> + Send + 'static,
    Publisher: Handler<M>,
{
    let told = p7_bus::tell(&publisher.clone().recipient(), "test", event);
    assert_eq!(told, p7_bus::Told::Queued);
}

fn wall() -> MeshTime {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    MeshTime(u64::try_from(now.as_millis()).unwrap())
}

fn start(dir: &Path, priority: Option<u8>) -> (Addr<Publisher>, Said) {
    drop(rustls::crypto::ring::default_provider().install_default());
    let said = Said::default();
    let listener = said.clone().start();
    let parts = Parts {
        node: sample::about().id,
        node_name: "paris".to_owned(),
        version: "0.1.0".to_owned(),
        priority,
        overrides: None,
        dir: dir.to_owned(),
        past: Arc::new(|_, _| p7_pages::Past::default()),
        clock: wall,
        listeners: Listeners {
            publishing: vec![listener.clone().recipient()],
            fitness: vec![listener.recipient()],
        },
        registry: prometheus::Registry::new(),
    };
    let publisher = Publisher::new(parts).unwrap().start();
    let fleet = fleet(7);
    tell(&publisher, Configured(Arc::new(fleet.iter().map(|(service, _)| Arc::clone(service)).collect())));
    tell(&publisher, Snapshot(Arc::new(fleet.iter().map(|(_, status)| Arc::clone(status)).collect())));
    (publisher, said)
}

fn folder(path: PathBuf) -> TargetConfig {
    TargetConfig { folder: Some(FolderConfig { path }), ..TargetConfig::default() }
}

fn config(targets: &[(&str, TargetConfig)]) -> TakeUp {
    let targets = targets.iter().map(|(name, target)| ((*name).to_owned(), target.clone())).collect();
    TakeUp(Config { every: Period::seconds(5), targets, ..Config::default() }, DeadManConfig::default())
}

async fn standing(said: &Said, name: &str, wanted: PublishStanding) -> p7_bus::PublishTarget {
    eventually(&format!("{name} is {wanted:?}"), || async {
        let publishing = said.publishing.lock().unwrap().clone()?;
        publishing.targets.iter().find(|target| target.name == name && target.standing == wanted).cloned()
    })
    .await
}

async fn index_says(path: &Path, text: &str) {
    eventually(&format!("the page says {text}"), || async {
        std::fs::read_to_string(path.join("index.html")).ok().filter(|html| html.contains(text))
    })
    .await;
}

#[actix::test]
async fn a_target_that_fails_delays_no_other_and_its_secret_is_never_told() {
    let dir = tempfile::tempdir().unwrap();
    let (publisher, said) = start(dir.path(), None);
    let out = s3::config(free_port(), dir.path());
    tell(&publisher, config(&[("bucket", out), ("site", folder(dir.path().join("site")))]));
    let good = standing(&said, "site", PublishStanding::Published).await;
    assert_eq!((good.trouble, good.fenced, good.kind), (None, Some(false), "folder"));
    let bad = standing(&said, "bucket", PublishStanding::Failing).await;
    assert!(bad.since.is_some() && bad.published.is_none(), "{bad:?}");
    let told = format!("{:?}", said.publishing.lock().unwrap());
    assert!(told.contains("is the endpoint reachable") && !told.contains("wJalrXUtnFEMI"), "{told}");
    // and the good one goes on
    let mut changed = fleet(7);
    super::support::fail(&mut changed, 2);
    tell(&publisher, Heard { status: Arc::clone(&changed[2].1), result: None });
    index_says(&dir.path().join("site"), "failed on purpose").await;
    let fit = said.fitness.lock().unwrap().iter().all(|noted| noted.trouble.is_none());
    assert!(fit, "it could publish on both");
}

/// The samples' mesh, with the leader's claim in the hands of whoever is asked for.
fn led_by(node: usize) -> MeshNoted {
    let mut view: MeshView = sample::mesh_view();
    let member = view.members[node].node.clone();
    view.me = sample::about().id;
    for holding in view.holdings.iter_mut().filter(|holding| holding.role == Role::Leader) {
        holding.claim.as_mut().unwrap().node = member.clone();
    }
    MeshNoted(Arc::new(view))
}

#[actix::test]
async fn in_a_mesh_only_the_leader_publishes() {
    let dir = tempfile::tempdir().unwrap();
    let site = dir.path().join("site");
    let (publisher, said) = start(dir.path(), Some(50));
    tell(&publisher, config(&[("site", folder(site.clone()))]));
    let me = sample::mesh_view().members.iter().position(|member| member.node == sample::about().id).unwrap();
    let other = usize::from(me == 0);
    tell(&publisher, led_by(other));
    standing(&said, "site", PublishStanding::Idle).await;
    assert!(!site.join("index.html").exists(), "another node leads");
    tell(&publisher, led_by(me));
    index_says(&site, "leader of term").await;
    standing(&said, "site", PublishStanding::Published).await;
    tell(&publisher, led_by(other));
    standing(&said, "site", PublishStanding::Idle).await;
    let last = std::fs::read_to_string(site.join("p7-manifest.json")).unwrap();
    // longer than the interval of this test: a publisher that went on would have written
    tokio::time::sleep(std::time::Duration::from_secs(7)).await;
    assert_eq!(std::fs::read_to_string(site.join("p7-manifest.json")).unwrap(), last);
}

#[actix::test]
async fn a_node_that_lacks_a_secret_says_that_it_cannot_publish() {
    let dir = tempfile::tempdir().unwrap();
    let (publisher, said) = start(dir.path(), Some(50));
    let mut lacking = s3::config(free_port(), dir.path());
    lacking.s3.as_mut().unwrap().secret_access_key = Some(Secret::File("not-here".into()));
    tell(&publisher, config(&[("bucket", lacking)]));
    let trouble =
        eventually("it says so", || async { said.fitness.lock().unwrap().last()?.trouble.clone() }).await;
    assert!(trouble.starts_with("publish.targets.bucket: can't read the secret file"), "{trouble}");
}

#[actix::test]
async fn the_dead_mans_switch_is_asked_while_this_node_leads_and_told_when_it_is_blind() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&asked);
    actix::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = connection.read(&mut request).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            heard.lock().unwrap().push(request.lines().next().unwrap_or_default().to_owned());
            drop(
                connection
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                    .await,
            );
        }
    });
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ping"), format!("http://127.0.0.1:{port}/ping/s3cret-id\n")).unwrap();
    let (publisher, _said) = start(dir.path(), None);
    let dead_man = DeadManConfig { url: Some(Secret::File("ping".into())), every: Period::seconds(1) };
    tell(&publisher, TakeUp(Config::default(), dead_man));
    let has = |line: &'static str| {
        let asked = Arc::clone(&asked);
        eventually(line, move || {
            let found = asked.lock().unwrap().iter().any(|said| said == line);
            async move { found.then_some(()) }
        })
    };
    has("GET /ping/s3cret-id HTTP/1.1").await;
    tell(&publisher, NetworkNoted { cut_off: Some("no route".to_owned()), since: MeshTime(1) });
    has("GET /ping/s3cret-id/fail HTTP/1.1").await;
    assert!(SOON.as_secs() > 1);
}
