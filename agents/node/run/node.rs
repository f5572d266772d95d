//! One running node: its agents, and who hears whom.

use super::clock::now;
use super::mesh::{Configurator, JoinError, Joined, Roof, Wish};
use super::publishing::Voice;
use crate::config::{self, Loaded, NodeConfig};
use actix::prelude::*;
use p7_aggregator::Aggregator;
use p7_bus::{ConfigurationNoted, Configured, NetworkNoted};
use p7_core::mesh::look::Said;
use p7_core::mesh::words::{Configuration, Stamp};
use p7_core::service::Service;
use p7_core::vocabulary::{MeshTime, NodeId, ServiceId};
use p7_notifier::Notifier;
use p7_prober::{Anchor, Clock, ConnectivityConfig, Drain, Probe, Prober, Seating, Watch, Watched};
use p7_store::{ResultsQuery, Store, StoreError};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long running probes may go on once the node stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(2);
/// How long the goodbye to the mesh may take.
const LEAVE_WITHIN: Duration = Duration::from_millis(600);
/// How long devices may take to show what they show at the end.
const END_WITHIN: Duration = Duration::from_millis(300);
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
    /// The mesh can't be joined.
    #[error(transparent)]
    Mesh(#[from] JoinError),
    /// Nobody could be told anything.
    #[error(transparent)]
    Speaking(#[from] super::speaking::SpeakingError),
}

/// One running node.
pub(crate) struct Node {
    id: NodeId,
    pub(super) store: Store,
    pub(super) aggregator: Addr<Aggregator>,
    pub(super) prober: Addr<Prober>,
    pub(super) deployments: Addr<p7_deployments::Deployments>,
    pub(super) notifier: Addr<Notifier>,
    pub(super) mailboxes: Addr<p7_mailbox::Mailboxes>,
    notifier_thread: Arbiter,
    pub(super) dashboard: p7_dashboard::Running,
    pub(super) voice: Voice,
    pub(super) devices: Addr<p7_devices::Devices>,
    pub(super) persona: Addr<p7_persona::Persona>,
    thread: Arbiter,
    pub(super) joined: Option<Joined>,
    pub(super) services: BTreeMap<ServiceId, Arc<Service>>,
    pub(super) in_force: InForce,
}

/// The configuration that was taken up last.
pub(super) struct InForce {
    /// Which shared configuration it is; version 0 is this machine's own file.
    pub(super) stamp: Stamp,
    /// The shared configuration itself, where it is not this machine's own file.
    pub(super) adopted: Option<Arc<Configuration>>,
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
    /// Starts every agent and takes up the configuration. Needs a running actor system. What arrives at the
    /// receiver is to be given to [`Self::grant`].
    pub(crate) fn start(
        loaded: &Loaded,
        environment: &BTreeMap<String, String>,
    ) -> Result<(Self, mpsc::Receiver<Wish>), StartError> {
        raise_open_files();
        let data = loaded.node.data_dir(&loaded.dir);
        let store = Store::open(&data, &loaded.node.store)?;
        let identity = p7_store::identity(&data)?;
        let id = identity.id.clone();
        let registry = prometheus::Registry::new();
        // the prober measures, so nothing else runs on its thread; the agents that only note and show
        // share this one, which saves a wake-up at every result
        let thread = Arbiter::new();
        let parts = p7_aggregator::Parts { node: id.clone(), store: store.clone(), clock: now };
        let aggregator = Aggregator::new(parts).start();
        let roof = Roof { loaded, identity: &identity, store: &store, registry: &registry, environment };
        let joined = Joined::join(&roof)?;
        let prober = prober(loaded, &id, &aggregator, joined.as_ref(), &registry)?;
        let prober = Prober::start_in_arbiter(&thread.handle(), |_| prober);
        let deployments = super::deployments::start(loaded, &aggregator, joined.as_ref(), &registry)?;
        let stated = joined.as_ref().map(|joined| joined.member.clone().recipient());
        let (notifier, notifier_thread) = super::speaking::start(loaded, &id, &store, stated, &registry)?;
        let mailboxes = super::mailbox::start(loaded, &notifier, joined.as_ref(), &registry)?;
        let (configurator, wishes) = Configurator::new();
        let known = configurator.known();
        let configurator = joined.as_ref().map(|_| configurator.start());
        let parts = p7_devices::Parts { clock: now, sticks: Arc::new(p7_blinkstick::hid::Hid) };
        let devices = p7_devices::Devices::new(loaded.node.devices.clone(), parts, &registry)?.start();
        let roof = super::persona::Roof { loaded, id: &id, joined: joined.as_ref(), registry: &registry };
        let persona = super::persona::start(&roof, &aggregator, &prober, &devices)?;
        let parts = p7_dashboard::Parts {
            node: id.clone(),
            node_name: loaded.node.name(),
            labels: loaded.node.node.labels.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store: store.clone(),
            aggregator: aggregator.clone().recipient(),
            prober: prober.clone().recipient(),
            apply: configurator.clone().map(Addr::recipient),
            shared_configuration: configurator.map(Addr::recipient),
            devices: Some(devices.clone().recipient()),
            commands: joined.as_ref().map(|joined| joined.member.clone().recipient()),
            notifications: Some(notifier.clone().recipient()),
            channels: Some(notifier.clone().recipient()),
            registry: registry.clone(),
            clock: Arc::new(now),
        };
        let dashboard = p7_dashboard::start(&loaded.node.http, &loaded.dir, parts)?;
        let voice = Voice::start(loaded, &id, &store, &registry, &dashboard.address, joined.as_ref())?;
        let in_force = InForce::of(loaded);
        let services = BTreeMap::new();
        let mut node = Self {
            id,
            store,
            aggregator,
            prober,
            deployments,
            notifier,
            mailboxes,
            notifier_thread,
            dashboard,
            voice,
            devices,
            persona,
            thread,
            joined,
            services,
            in_force,
        };
        node.introduce(known);
        node.first(loaded, environment);
        Ok((node, wishes))
    }

    /// Does what the mesh or a person wishes of the configuration.
    pub(crate) fn grant(&mut self, wish: Wish, dir: &Path, environment: &BTreeMap<String, String>) {
        match wish {
            Wish::Known(configuration) => self.heard_configuration(&configuration, dir, environment),
            Wish::Apply(apply, answer) => {
                // whoever asked may have gone
                drop(answer.send(self.apply(&apply, dir, environment)));
            }
            Wish::Show(answer) => drop(answer.send(self.shared())),
        }
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
        if let Some(shared) = self.in_force.adopted.clone() {
            self.in_force.restart_needed = restart_needed;
            return self.compare_own(&shared, dir);
        }
        self.in_force = InForce { restart_needed, ..self.in_force.followed_by(&loaded) };
        self.take_up_own(&loaded);
        tracing::info!(services = loaded.services.len(), hash = loaded.hash, "took up the configuration");
    }

    /// Takes up a shared configuration.
    pub(super) fn follow(&mut self, loaded: &Loaded, configuration: &Arc<Configuration>) {
        if loaded.mesh.connectivity != self.in_force.connectivity {
            deliver(&self.prober, Anchor(loaded.mesh.connectivity.clone()));
        }
        let restart_needed = self.in_force.restart_needed;
        self.in_force = InForce { restart_needed, ..self.in_force.followed_by(loaded) };
        self.in_force.stamp = configuration.stamp;
        self.in_force.adopted = Some(Arc::clone(configuration));
        self.take_up(loaded);
    }

    /// Stops probing, writes what waits, ends requests and returns, all within 5 s.
    pub(crate) async fn stop(self) {
        // each looks at its own deadline, so that this one is only for an agent that is stuck
        let ended = self.devices.send(p7_devices::Stop(END_WITHIN));
        if !matches!(tokio::time::timeout(END_WITHIN * 2, ended).await, Ok(Ok(()))) {
            tracing::warn!("the devices did not end in time");
        }
        let patience = Duration::from_millis(500);
        match tokio::time::timeout(DRAIN_WITHIN + patience, self.prober.send(Drain(DRAIN_WITHIN))).await {
            Ok(Ok(0)) => {}
            Ok(Ok(dropped)) => tracing::warn!(dropped, "some probes did not end in time and are dropped"),
            Ok(Err(_)) | Err(_) => tracing::warn!("the prober did not stop in time"),
        }
        self.voice.stop();
        if let Some(joined) = self.joined {
            joined.leave(LEAVE_WITHIN).await;
        }
        if !matches!(
            tokio::time::timeout(WRITE_WITHIN, self.aggregator.send(p7_aggregator::Stop)).await,
            Ok(Ok(()))
        ) {
            tracing::error!("not everything could be written in time");
        }
        self.dashboard.stop(SERVE_WITHIN).await;
        self.notifier_thread.stop();
        self.thread.stop();
        tracing::info!("stopped");
    }

    /// Tells every agent what to do from now on.
    pub(super) fn take_up(&mut self, loaded: &Loaded) {
        for missing in &loaded.missing_secrets {
            tracing::error!(%missing, "a secret is missing; what needs it fails");
        }
        let services: Vec<Arc<Service>> =
            loaded.services.iter().map(|one| Arc::clone(&one.service)).collect();
        self.services = services.iter().map(|service| (service.id.clone(), Arc::clone(service))).collect();
        let services = Arc::new(services);
        let configured = Configured(Arc::clone(&services));
        let watched: Vec<Watched> =
            loaded.services.iter().map(|one| self.watched(one, &loaded.dir)).collect();
        // before the aggregator's snapshot, which tells it what is stated already
        deliver(&self.deployments, super::deployments::follow(loaded));
        deliver(&self.dashboard.address, configured.clone());
        deliver(&self.voice.publisher, configured.clone());
        let (publish, dead_man) = (loaded.mesh.publish.clone(), loaded.mesh.dead_man.clone());
        deliver(&self.voice.publisher, p7_publisher::TakeUp(publish, dead_man));
        deliver(&self.devices, configured.clone());
        deliver(&self.persona, configured.clone());
        deliver(&self.persona, super::persona::taken_up(loaded));
        // before the statuses that follow
        deliver(&self.notifier, configured.clone());
        deliver(&self.notifier, super::speaking::taken_up(loaded));
        deliver(&self.mailboxes, super::mailbox::follow(loaded));
        deliver(&self.aggregator, configured);
        deliver(&self.prober, Watch(watched));
        if let Some(joined) = &self.joined {
            deliver(&joined.member, p7_member::TakenUp { services, stamp: self.in_force.stamp });
        }
        self.note(Vec::new());
    }

    fn watched(&self, one: &config::Watched, dir: &Path) -> Watched {
        let service = Arc::clone(&one.service);
        let probe = Probe::prepare(&service, &one.probe, dir).unwrap_or_else(|error| {
            tracing::error!(%error, "a service can't be tested; it shows as failed");
            Probe::unready(&one.probe, &error)
        });
        let known = self.last_said(&service).unwrap_or_else(|error| {
            tracing::error!(service = %service.id, %error, "can't read a service's last result");
            None
        });
        Watched { service, probe: Arc::new(probe), known }
    }

    /// What this node has last said about a service.
    fn last_said(&self, service: &Service) -> Result<Option<Said>, StoreError> {
        let newest = self.store.results(&ResultsQuery {
            service: service.id.clone(),
            from: MeshTime(0),
            to: MeshTime(u64::MAX),
            node: Some(self.id.clone()),
            limit: 1,
            after: None,
        })?;
        Ok(newest.rows.first().map(Said::of))
    }

    pub(super) fn note(&self, refused: Vec<String>) {
        let noted = ConfigurationNoted {
            in_force: Arc::clone(&self.in_force.redacted),
            hash: self.in_force.hash.clone(),
            since: self.in_force.since,
            refused,
            mesh_name: self.in_force.mesh_name.clone(),
            restart_needed: self.in_force.restart_needed,
        };
        deliver(&self.voice.publisher, noted.clone());
        deliver(&self.dashboard.address, noted);
    }
}

impl InForce {
    fn of(loaded: &Loaded) -> Self {
        Self {
            stamp: Stamp::default(),
            adopted: None,
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

fn prober(
    loaded: &Loaded,
    id: &NodeId,
    aggregator: &Addr<Aggregator>,
    joined: Option<&Joined>,
    registry: &prometheus::Registry,
) -> Result<Prober, prometheus::Error> {
    let mut network: Vec<Recipient<NetworkNoted>> = vec![aggregator.clone().recipient()];
    network.extend(joined.map(|joined| joined.member.clone().recipient()));
    let parts = p7_prober::Parts {
        node: id.clone(),
        clock: Clock::telling(now),
        seating: if joined.is_some() { Seating::AsTold } else { Seating::Alone },
        results: aggregator.clone().recipient(),
        network,
        suspicions: joined.map(|joined| joined.member.clone().recipient()).into_iter().collect(),
    };
    Prober::new(&loaded.node.prober, &loaded.mesh.connectivity, parts, registry)
}

fn raise_open_files() {
    match rlimit::increase_nofile_limit(FILES_WISHED) {
        Ok(files) if files < FILES_WISHED => {
            tracing::warn!(files, "few open files are allowed; raise `ulimit -n`");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "can't raise the number of open files"),
    }
}

/// Gives an agent something it must not miss: these few events at a start or reload always fit.
pub(super) fn deliver<A, M>(agent: &Addr<A>, event: M)
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
