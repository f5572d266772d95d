//! One running node: its agents, and who hears whom.

use crate::config::{self, Loaded, NodeConfig};
use actix::prelude::*;
use p7_aggregator::{Aggregator, Connect, Listeners};
use p7_bus::{ConfigurationNoted, Configured, NetworkNoted, ProbeFinished};
use p7_core::service::Service;
use p7_core::vocabulary::{Cycle, MeshTime, NodeId};
use p7_dashboard::Dashboard;
use p7_prober::{Anchor, ConnectivityConfig, Drain, Probe, Prober, Watch, Watched};
use p7_store::{ResultsQuery, Store, StoreError};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long running probes may go on once the node stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(2);
/// How long the aggregator may take to write what waits.
const WRITE_WITHIN: Duration = Duration::from_secs(1);
/// How long the dashboard's requests may go on; all together stay below the 5 s of the contract.
const SERVE_WITHIN: Duration = Duration::from_secs(1);

/// Open files the node asks the system for: 1,024 probes at once, 2,048 kept connections, the dashboard's
/// clients and the store.
const FILES_WISHED: u64 = 8_192;

/// The file of what is watched: one that vanishes is a mistake and not an empty one.
const SHARED_FILE: &str = "mesh.toml";

/// Why a node could not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The store or the identity can't be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The dashboard can't listen or has no pages.
    #[error(transparent)]
    Dashboard(#[from] p7_dashboard::StartError),
    /// Two agents claim the same metric.
    #[error("can't set up the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// One running node.
pub(crate) struct Node {
    id: NodeId,
    store: Store,
    aggregator: Addr<Aggregator>,
    prober: Addr<Prober>,
    dashboard: p7_dashboard::Running,
    thread: Arbiter,
    in_force: InForce,
}

/// The configuration that was taken up last.
struct InForce {
    node: NodeConfig,
    connectivity: ConnectivityConfig,
    redacted: Arc<serde_json::Value>,
    hash: String,
    since: MeshTime,
    mesh_name: Option<String>,
    services: usize,
    /// Whether node.toml says something else by now.
    restart_needed: bool,
}

impl Node {
    /// Starts every agent and takes up the configuration. Needs a running actor system.
    pub(crate) fn start(loaded: &Loaded) -> Result<Self, StartError> {
        match rlimit::increase_nofile_limit(FILES_WISHED) {
            Ok(files) if files < FILES_WISHED => {
                tracing::warn!(files, "few open files are allowed; raise `ulimit -n`");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "can't raise the number of open files"),
        }
        let data = loaded.node.data_dir(&loaded.dir);
        let store = Store::open(&data, &loaded.node.store)?;
        let id = p7_store::identity(&data)?.id;
        let registry = prometheus::Registry::new();
        // the prober measures, so nothing else runs on its thread; the agents that only note and show
        // share this one, which saves a wake-up at every result
        let thread = Arbiter::new();
        let parts = p7_aggregator::Parts { node: id.clone(), store: store.clone(), clock: now };
        let aggregator = Aggregator::new(parts).start();
        let results: Recipient<ProbeFinished> = aggregator.clone().recipient();
        let network: Vec<Recipient<NetworkNoted>> = vec![aggregator.clone().recipient()];
        let (settings, anchors) = (&loaded.node.prober, &loaded.mesh.connectivity);
        let prober = Prober::new(id.clone(), settings, anchors, results, network, &registry)?;
        let prober = Prober::start_in_arbiter(&thread.handle(), |_| prober);
        let parts = p7_dashboard::Parts {
            node: id.clone(),
            node_name: loaded.node.name(),
            labels: loaded.node.node.labels.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store: store.clone(),
            aggregator: aggregator.clone().recipient(),
            prober: prober.clone().recipient(),
            registry,
            clock: Arc::new(now),
        };
        let dashboard = p7_dashboard::start(&loaded.node.http, &loaded.dir, parts)?;
        let in_force = InForce::of(loaded);
        let mut node = Self { id, store, aggregator, prober, dashboard, thread, in_force };
        node.introduce();
        node.take_up(loaded);
        Ok(node)
    }

    /// Where the dashboard listens.
    pub(crate) fn listening(&self) -> &[SocketAddr] {
        &self.dashboard.listening
    }

    /// Reads the configuration again. A faulty one changes nothing and is shown; what needs a restart
    /// says so.
    pub(crate) fn reload(&mut self, dir: &Path, environment: &BTreeMap<String, String>) {
        let loaded = match config::load(dir, environment) {
            Ok(loaded) => loaded,
            Err(refused) => {
                for fault in &refused.faults {
                    tracing::error!(%fault, "the new configuration is refused; the old one stays in force");
                }
                return self.note(refused.faults.iter().map(ToString::to_string).collect());
            }
        };
        if self.in_force.services > 0 && !dir.join(SHARED_FILE).exists() {
            let gone =
                format!("{} is gone; the old configuration stays in force", dir.join(SHARED_FILE).display());
            tracing::error!("{gone}");
            return self.note(vec![gone]);
        }
        let restart_needed = loaded.node != self.in_force.node;
        if restart_needed {
            tracing::warn!("node.toml has changed; restart p7 to take that up");
        }
        if loaded.mesh.connectivity != self.in_force.connectivity {
            deliver(&self.prober, Anchor(loaded.mesh.connectivity.clone()));
        }
        self.in_force = InForce { restart_needed, ..self.in_force.followed_by(&loaded) };
        self.take_up(&loaded);
        tracing::info!(services = loaded.services.len(), hash = loaded.hash, "took up the configuration");
    }

    /// Stops probing, writes what waits, ends requests and returns, all within 5 s.
    pub(crate) async fn stop(self) {
        let patience = Duration::from_millis(500);
        match tokio::time::timeout(DRAIN_WITHIN + patience, self.prober.send(Drain(DRAIN_WITHIN))).await {
            Ok(Ok(0)) => {}
            Ok(Ok(dropped)) => tracing::warn!(dropped, "some probes did not end in time and are dropped"),
            Ok(Err(_)) | Err(_) => tracing::warn!("the prober did not stop in time"),
        }
        if !matches!(
            tokio::time::timeout(WRITE_WITHIN, self.aggregator.send(p7_aggregator::Stop)).await,
            Ok(Ok(()))
        ) {
            tracing::error!("not everything could be written in time");
        }
        self.dashboard.stop(SERVE_WITHIN).await;
        self.thread.stop();
        tracing::info!("stopped");
    }

    fn introduce(&self) {
        let dashboard: &Addr<Dashboard> = &self.dashboard.address;
        deliver(
            &self.aggregator,
            Connect(Listeners {
                heard: vec![dashboard.clone().recipient()],
                snapshots: vec![dashboard.clone().recipient()],
                incidents: vec![dashboard.clone().recipient()],
                store: vec![dashboard.clone().recipient()],
                network: vec![dashboard.clone().recipient()],
                ..Listeners::default()
            }),
        );
    }

    /// Tells every agent what to do from now on.
    fn take_up(&mut self, loaded: &Loaded) {
        for missing in &loaded.missing_secrets {
            tracing::error!(%missing, "a secret is missing; what needs it fails");
        }
        let services: Vec<Arc<Service>> =
            loaded.services.iter().map(|one| Arc::clone(&one.service)).collect();
        let configured = Configured(Arc::new(services));
        let watched: Vec<Watched> =
            loaded.services.iter().map(|one| self.watched(one, &loaded.dir)).collect();
        deliver(&self.dashboard.address, configured.clone());
        deliver(&self.aggregator, configured);
        deliver(&self.prober, Watch(watched));
        self.note(Vec::new());
    }

    fn watched(&self, one: &config::Watched, dir: &Path) -> Watched {
        let service = Arc::clone(&one.service);
        let probe = Probe::prepare(&service, &one.probe, dir).unwrap_or_else(|error| {
            tracing::error!(%error, "a service can't be tested; it shows as failed");
            Probe::unready(&one.probe, &error)
        });
        let known = self.last_cycle(&service).unwrap_or_else(|error| {
            tracing::error!(service = %service.id, %error, "can't read a service's last result");
            None
        });
        Watched { service, probe: Arc::new(probe), known }
    }

    /// The newest cycle of a service that has a result from this node.
    fn last_cycle(&self, service: &Service) -> Result<Option<Cycle>, StoreError> {
        let newest = self.store.results(&ResultsQuery {
            service: service.id.clone(),
            from: MeshTime(0),
            to: MeshTime(u64::MAX),
            node: Some(self.id.clone()),
            limit: 1,
            after: None,
        })?;
        Ok(newest.rows.first().map(|result| result.cycle))
    }

    fn note(&self, refused: Vec<String>) {
        let noted = ConfigurationNoted {
            in_force: Arc::clone(&self.in_force.redacted),
            hash: self.in_force.hash.clone(),
            since: self.in_force.since,
            refused,
            mesh_name: self.in_force.mesh_name.clone(),
            restart_needed: self.in_force.restart_needed,
        };
        deliver(&self.dashboard.address, noted);
    }
}

impl InForce {
    fn of(loaded: &Loaded) -> Self {
        Self {
            node: loaded.node.clone(),
            connectivity: loaded.mesh.connectivity.clone(),
            redacted: Arc::clone(&loaded.redacted),
            hash: loaded.hash.clone(),
            since: now(),
            mesh_name: loaded.mesh.mesh.name.clone(),
            services: loaded.services.len(),
            restart_needed: false,
        }
    }

    /// A new mesh.toml with the node.toml of before.
    fn followed_by(&self, loaded: &Loaded) -> Self {
        let mut redacted = loaded.redacted.as_ref().clone();
        if let (Some(shown), Some(node)) = (redacted.get_mut("node"), self.redacted.get("node")) {
            shown.clone_from(node);
        }
        Self { node: self.node.clone(), redacted: Arc::new(redacted), ..Self::of(loaded) }
    }
}

/// Mesh time; one node alone takes its wall clock for it.
fn now() -> MeshTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    MeshTime(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Gives an agent something it must not miss: these few events at a start or reload always fit.
fn deliver<A, M>(agent: &Addr<A>, event: M)
where
    A: Actor + Handler<M>,
    A::Context: actix::dev::ToEnvelope<A, M>,
    M: Message<Result = ()> + Send + 'static,
{
    let place = std::any::type_name::<M>();
    if p7_bus::tell(&agent.clone().recipient(), place, event) != p7_bus::Told::Queued {
        tracing::error!(event = place, "an agent does not listen");
    }
}
