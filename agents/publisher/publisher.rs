//! The agent: hears what happens, and makes a new edition when something changed and this node leads.

mod hears;

use crate::config::{Config, DeadManConfig, TargetConfig};
use crate::dead_man::{Sign, tell};
use crate::edition::Edition;
use crate::metrics::Metrics;
use crate::site::{Maker, Values};
use crate::standing::Standing;
use crate::targets;
use crate::worker::{Report, Worker};
use actix::prelude::*;
use p7_bus::{FitnessNoted, NetworkNoted, PublishNoted, PublishStanding, PublishTarget, Publishing};
use p7_core::mesh::view::MeshView;
use p7_core::mesh::words::{Claim, Term};
use p7_core::service::Service;
use p7_core::status::{Freshness, ServiceStatus};
use p7_core::vocabulary::{MeshTime, NodeId, ServiceId};
use p7_pages::{About, Names, Naming, Pages, Publication};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Events that wait: a status of every service of a large mesh after a restart.
const MAILBOX_LIMIT: usize = 4096;
/// Reports of the workers that wait.
const REPORTS_LIMIT: usize = 64;
/// How often it is looked whether something is due.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A change waits this long for others that belong to it.
const SETTLE: Duration = Duration::from_secs(1);
/// Two editions are at least so far apart: each is a dozen requests to every target.
const GAP: Duration = Duration::from_secs(4);
/// Who begins to lead first hears what the others have said: an edition of before would be an older one.
const FIRST_AFTER: Duration = Duration::from_secs(2);

/// Reads what is stored of a service's past; may block.
pub type Past = Arc<dyn Fn(&ServiceId, MeshTime) -> p7_pages::Past + Send + Sync>;

/// Who hears what the publisher has to say.
#[derive(Default)]
pub struct Listeners {
    /// How publishing goes.
    pub publishing: Vec<Recipient<PublishNoted>>,
    /// Whether this node can publish.
    pub fitness: Vec<Recipient<FitnessNoted>>,
}

/// What a publisher is made of.
pub struct Parts {
    /// This node.
    pub node: NodeId,
    /// Its name for people.
    pub node_name: String,
    /// The program's version.
    pub version: String,
    /// Its priority in the mesh; none while it runs alone, and then always leads.
    pub priority: Option<u8>,
    /// A folder of templates and assets that replace the built-in ones.
    pub overrides: Option<PathBuf>,
    /// The configuration's folder: relative paths and secret files are looked for there.
    pub dir: PathBuf,
    /// Reads the past.
    pub past: Past,
    /// The time.
    pub clock: fn() -> MeshTime,
    /// Who hears about it.
    pub listeners: Listeners,
    /// Where metrics are registered.
    pub registry: prometheus::Registry,
}

/// node → publisher: publish so from now on.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct TakeUp(pub Config, pub DeadManConfig);

/// node → publisher: send nothing more.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Stop;

struct Running {
    config: TargetConfig,
    editions: watch::Sender<Option<Arc<Edition>>>,
    noted: PublishTarget,
}

/// The publisher.
pub struct Publisher {
    parts: Parts,
    metrics: Metrics,
    config: Config,
    dead_man: DeadManConfig,
    targets: BTreeMap<String, Running>,
    services: BTreeMap<ServiceId, (Arc<Service>, Arc<ServiceStatus>)>,
    early: BTreeMap<ServiceId, Arc<ServiceStatus>>,
    names: Arc<Names>,
    view: Option<Arc<MeshView>>,
    network: Option<NetworkNoted>,
    mesh_name: Option<String>,
    started: MeshTime,
    maker: Option<Maker>,
    leading_since: Option<Instant>,
    changed: Option<Instant>,
    published: Option<Instant>,
    told_alive: Option<Instant>,
    said: Option<Arc<Publishing>>,
    reports: (mpsc::Sender<Report>, Option<mpsc::Receiver<Report>>),
}

impl Publisher {
    /// A publisher that has nothing to publish yet.
    ///
    /// # Errors
    /// When its metrics can't be registered.
    pub fn new(parts: Parts) -> Result<Self, prometheus::Error> {
        let metrics = Metrics::new(&parts.registry)?;
        let (to, from) = mpsc::channel(REPORTS_LIMIT);
        let names = Arc::new(Names::alone(&parts.node, &parts.node_name));
        let started = (parts.clock)();
        Ok(Self {
            metrics,
            config: Config::default(),
            dead_man: DeadManConfig::default(),
            targets: BTreeMap::new(),
            services: BTreeMap::new(),
            early: BTreeMap::new(),
            names,
            view: None,
            network: None,
            mesh_name: None,
            started,
            maker: None,
            leading_since: None,
            changed: None,
            published: None,
            told_alive: None,
            said: None,
            reports: (to, Some(from)),
            parts,
        })
    }

    /// This node's claim to lead; none while another node leads, or nobody.
    fn claim(&self) -> Option<Claim> {
        match self.parts.priority {
            None => {
                let node = self.parts.node.clone();
                Some(Claim { full: false, term: Term(0), priority: 0, node })
            }
            Some(_) => self.view.as_ref()?.leader().filter(|claim| claim.node == self.parts.node).cloned(),
        }
    }

    fn something_changed(&mut self) {
        self.changed.get_or_insert_with(Instant::now);
    }

    fn show(&mut self, status: &Arc<ServiceStatus>) {
        match self.services.get_mut(&status.service) {
            Some((_, known)) => {
                let news = Standing::of(known) != Standing::of(status);
                *known = Arc::clone(status);
                if news {
                    self.something_changed();
                }
            }
            None => {
                self.early.insert(status.service.clone(), Arc::clone(status));
            }
        }
    }

    /// Does what is due.
    fn look(&mut self) {
        let now = Instant::now();
        let Some(claim) = self.claim() else {
            if self.leading_since.take().is_some() {
                self.rest();
            }
            return;
        };
        let since = *self.leading_since.get_or_insert(now);
        self.tell_alive(now);
        if self.targets.is_empty() || now.duration_since(since) < FIRST_AFTER {
            return;
        }
        let ago = |moment: Option<Instant>| moment.map(|moment| now.duration_since(moment));
        let regular = ago(self.published).is_none_or(|ago| ago >= self.config.every.0);
        let settled = ago(self.changed).is_some_and(|ago| ago >= SETTLE);
        if regular || (settled && ago(self.published).is_none_or(|ago| ago >= GAP)) {
            self.published = Some(now);
            self.changed = None;
            self.publish(&claim);
        }
    }

    fn publish(&mut self, claim: &Claim) {
        match self.edition(claim) {
            Ok(edition) => {
                let edition = Arc::new(edition);
                for running in self.targets.values_mut() {
                    if running.noted.standing == PublishStanding::Idle {
                        running.noted.standing = PublishStanding::Waiting;
                    }
                    running.editions.send_replace(Some(Arc::clone(&edition)));
                }
            }
            Err(error) => tracing::error!(%error, "the pages can't be made; nothing is published"),
        }
        self.say();
    }

    fn edition(&mut self, claim: &Claim) -> Result<Edition, p7_pages::PagesError> {
        let about = self.about();
        let publication = Publication {
            claim: self.parts.priority.map(|_| claim.clone()),
            interval: self.config.every.as_millis(),
            page_every: self.config.pages_every.as_millis(),
        };
        let services: Vec<_> = self.services.values().cloned().collect();
        let maker = match &mut self.maker {
            Some(maker) => maker,
            empty @ None => {
                let pages = Pages::load_named(self.parts.overrides.as_deref(), Naming::Hashed)?;
                empty.insert(Maker::new(Arc::new(pages), Arc::clone(&self.parts.past)))
            }
        };
        let now = (self.parts.clock)();
        let names = &self.names;
        maker.edition(&Values {
            about: &about,
            claim,
            publication: &publication,
            names,
            services: &services,
            now,
        })
    }

    /// What the pages say about this node. Faults of its configuration and store are nobody else's business.
    fn about(&self) -> About {
        About {
            name: self.parts.node_name.clone(),
            id: self.parts.node.clone(),
            version: self.parts.version.clone(),
            started: self.started,
            roles: Vec::new(),
            labels: BTreeMap::new(),
            mesh: self.mesh_name.clone(),
            cut_off: self
                .network
                .as_ref()
                .and_then(|noted| noted.cut_off.clone().map(|why| (why, noted.since))),
            store_trouble: None,
            results_lost: 0,
            configuration: String::new(),
            configured: None,
            refused: Vec::new(),
            restart_needed: false,
        }
    }

    /// Another node leads.
    fn rest(&mut self) {
        self.published = None;
        self.told_alive = None;
        if let Some(maker) = &mut self.maker {
            maker.rest();
        }
        for running in self.targets.values_mut() {
            running.editions.send_replace(None);
            running.noted.standing = PublishStanding::Idle;
            running.noted.trouble = None;
            running.noted.since = None;
        }
        self.say();
    }

    fn tell_alive(&mut self, now: Instant) {
        let due = self.told_alive.is_none_or(|told| now.duration_since(told) >= self.dead_man.every.0);
        let Some(secret) = self.dead_man.url.as_ref().filter(|_| due) else { return };
        self.told_alive = Some(now);
        match secret.resolve(&self.parts.dir) {
            Ok(url) => drop(actix::spawn(tell(url, self.sign(), self.metrics.clone()))),
            Err(error) => {
                self.metrics.sign_of_life("failed");
                tracing::warn!(%error, "the dead-man's switch could not be told that we live");
            }
        }
    }

    fn sign(&self) -> Sign {
        let cut_off = self.network.as_ref().is_some_and(|noted| noted.cut_off.is_some());
        let sees = |(_, status): &(_, Arc<ServiceStatus>)| status.freshness == Freshness::Fresh;
        if cut_off || (!self.services.is_empty() && !self.services.values().any(sees)) {
            return Sign::Blind;
        }
        Sign::Alive
    }

    /// Tells those who show it how publishing goes, if that is news.
    fn say(&mut self) {
        let targets = self.targets.values().map(|running| running.noted.clone()).collect();
        let noted = Arc::new(Publishing { leading: self.leading_since.is_some(), targets });
        if self.said.as_ref() == Some(&noted) {
            return;
        }
        self.said = Some(Arc::clone(&noted));
        for listener in &self.parts.listeners.publishing {
            p7_bus::tell(listener, "publishing", PublishNoted(Arc::clone(&noted)));
        }
    }

    fn take_up(&mut self, config: Config) {
        self.targets.retain(|name, running| config.targets.get(name) == Some(&running.config));
        for (name, target) in &config.targets {
            if !self.targets.contains_key(name) {
                let running = self.worker(name, target);
                self.targets.insert(name.clone(), running);
            }
        }
        self.config = config;
        // what is new on a target is sent at once
        self.published = None;
        self.tell_fitness();
        self.say();
    }

    fn worker(&self, name: &str, target: &TargetConfig) -> Running {
        let (editions, newest) = watch::channel(None);
        let worker = Worker {
            name: name.to_owned(),
            config: target.clone(),
            dir: self.parts.dir.clone(),
            metrics: self.metrics.clone(),
            editions: newest,
            reports: self.reports.0.clone(),
        };
        actix::spawn(worker.run());
        let noted = PublishTarget {
            name: name.to_owned(),
            kind: targets::kind(target),
            standing: PublishStanding::Idle,
            published: None,
            files: 0,
            sent: 0,
            sent_bytes: 0,
            trouble: None,
            since: None,
            fenced: None,
        };
        Running { config: target.clone(), editions, noted }
    }

    /// A node that lacks a secret can't hold the role; the mesh then prefers one that has it.
    fn tell_fitness(&self) {
        let lacking = self.config.targets.iter().find_map(|(name, target)| {
            let why = targets::unready(target, &self.parts.dir)?;
            Some(format!("publish.targets.{name}: {why}"))
        });
        if let Some(why) = &lacking {
            tracing::error!(error = %why, "this node can't publish");
        }
        for listener in &self.parts.listeners.fitness {
            p7_bus::tell(listener, "fitness", FitnessNoted { what: "publish", trouble: lacking.clone() });
        }
    }
}

impl Actor for Publisher {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX_LIMIT);
        if let Some(mut reports) = self.reports.1.take() {
            ctx.add_stream(futures_util::stream::poll_fn(move |task| reports.poll_recv(task)));
        }
        ctx.run_interval(LOOK_EVERY, |publisher, _| publisher.look());
    }
}
