//! The agent: three lines a message, the branches are the core's.

use crate::late::Late;
use crate::ledger::{BATCH_LIMIT, COMMIT_EVERY, Ledger};
use crate::past::{past_of, reconciled};
use actix::prelude::*;
use p7_bus::{
    Ask, AskError, Configured, Heard, IncidentChanged, NetworkNoted, ProbeFinished, Request, Snapshot,
    Stated, StoreNoted, tell,
};
use p7_core::incident::Incident;
use p7_core::mesh::words;
use p7_core::result::ProbeResult;
use p7_core::service::Service;
use p7_core::vocabulary::{MeshTime, NodeId};
use p7_core::watch::{Effect, Event, Sites, Watch};
use p7_store::{Fact, Store, Upkeep};
use std::sync::Arc;
use std::time::Duration;

/// The mailbox: a whole pass over 1,000 services at once, four times over.
const MAILBOX_LIMIT: usize = 4_096;
/// How often time passes for the core.
const TICK_EVERY: Duration = Duration::from_secs(1);
/// How often the store is looked after when it has nothing more to do.
const UPKEEP_EVERY: Duration = Duration::from_secs(60);

/// Who hears what the aggregator has to say.
#[derive(Default)]
pub struct Listeners {
    /// Statuses, one by one as they change.
    pub heard: Vec<Recipient<Heard>>,
    /// All statuses at once, after a start or a change of configuration.
    pub snapshots: Vec<Recipient<Snapshot>>,
    /// Incidents.
    pub incidents: Vec<Recipient<IncidentChanged>>,
    /// The store's health.
    pub store: Vec<Recipient<StoreNoted>>,
    /// This machine's own network.
    pub network: Vec<Recipient<NetworkNoted>>,
    /// What this node states, for the mesh.
    pub stated: Vec<Recipient<Stated>>,
}

/// node → aggregator: from now on these listen.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Connect(pub Listeners);

/// What an aggregator is made of.
pub struct Parts {
    /// This node.
    pub node: NodeId,
    /// Its store.
    pub store: Store,
    /// Mesh time.
    pub clock: fn() -> MeshTime,
}

/// The agent that owns the core's state.
pub struct Aggregator {
    pub(crate) node: NodeId,
    pub(crate) watch: Watch,
    pub(crate) ledger: Ledger,
    pub(crate) clock: fn() -> MeshTime,
    pub(crate) listeners: Listeners,
    pub(crate) stated: u64,
    pub(crate) sites: Sites,
    pub(crate) late: Late,
}

/// Write everything and stop; answered when done.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Stop;

impl Aggregator {
    /// An aggregator that watches nothing yet.
    pub fn new(parts: Parts) -> Self {
        Self {
            node: parts.node,
            watch: Watch::default(),
            ledger: Ledger::new(parts.store),
            clock: parts.clock,
            listeners: Listeners::default(),
            stated: 0,
            sites: Sites::new(),
            late: Late::default(),
        }
    }

    pub(crate) fn perform(&mut self, effects: Vec<Effect>, result: Option<&Arc<ProbeResult>>) {
        let facts = effects.iter().filter_map(|effect| match effect {
            Effect::Status(_) => None,
            Effect::Incident(incident) => Some(Fact::Incident(Arc::clone(incident))),
            Effect::NoIncident(id) => Some(Fact::NoIncident(id.clone())),
        });
        let facts: Vec<Fact> = facts.collect();
        if !facts.is_empty() {
            for fact in facts {
                self.note(fact);
            }
            // whoever hears of an incident finds it in the store
            self.commit();
        }
        for effect in effects {
            match effect {
                Effect::Status(status) => {
                    let heard = Heard { status, result: result.cloned() };
                    for listener in &self.listeners.heard {
                        tell(listener, "statuses", heard.clone());
                    }
                }
                Effect::Incident(incident) => {
                    self.tell_incident(&incident);
                }
                Effect::NoIncident(_) => {}
            }
        }
    }

    /// Tells everybody how an incident stands.
    pub(crate) fn tell_incident(&self, incident: &Arc<Incident>) {
        let acknowledged = self.watch.acknowledgement(&incident.id).cloned();
        let (id, service, reason) = (&incident.id, &incident.id.service, incident.reason.as_deref());
        let by = acknowledged.as_ref().map(|said| said.by.as_str());
        if incident.ended.is_some() {
            tracing::info!(%service, incident = %id, reason, by, "an incident has ended");
        } else {
            let level = incident.worst;
            tracing::warn!(%service, incident = %id, %level, reason, by, "an incident is open");
        }
        for listener in &self.listeners.incidents {
            let changed =
                IncidentChanged { incident: Arc::clone(incident), acknowledged: acknowledged.clone() };
            tell(listener, "incidents", changed);
        }
    }

    /// Notes a fact to be written; a full batch is written at once.
    pub(crate) fn note(&mut self, fact: Fact) {
        self.ledger.note(fact);
        // more than one waits only when the store takes none: then it is not asked each time
        if self.ledger.waiting().is_multiple_of(BATCH_LIMIT) {
            self.commit();
        }
    }

    /// Writes all that waits. False when the store does not take it.
    pub(crate) fn written(&mut self) -> bool {
        let mut before = usize::MAX;
        while (1..before).contains(&self.ledger.waiting()) {
            before = self.ledger.waiting();
            self.commit();
        }
        self.ledger.waiting() == 0
    }

    fn commit(&mut self) {
        if let Some(noted) = self.ledger.commit() {
            for listener in &self.listeners.store {
                tell(listener, "store health", noted.clone());
            }
        }
    }

    fn tick(&mut self, context: &mut Context<Self>) {
        self.tick_late(context);
        let effects = self.watch.hear(Event::Tick, (self.clock)());
        self.perform(effects, None);
        if self.ledger.take_unsynced() {
            let store = self.ledger.store().clone();
            tokio::task::spawn_blocking(move || {
                if let Err(error) = store.sync() {
                    tracing::warn!(%error, "can't bring the store to the disk");
                }
            });
        }
    }

    /// Looks after the store on a thread of its own, step by step, and comes back.
    fn upkeep(&self, context: &mut Context<Self>) {
        let (store, now) = (self.ledger.store().clone(), (self.clock)());
        let work = tokio::task::spawn_blocking(move || store.upkeep(now));
        let again = actix::fut::wrap_future::<_, Self>(work).map(|done, _agent, context| {
            let wait = match done {
                Ok(Ok(Upkeep::More)) => COMMIT_EVERY,
                Ok(Ok(Upkeep::Done)) => UPKEEP_EVERY,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "can't look after the store");
                    UPKEEP_EVERY
                }
                Err(error) => {
                    tracing::error!(%error, "looking after the store was broken off");
                    UPKEEP_EVERY
                }
            };
            context.run_later(wait, |agent, context| agent.upkeep(context));
        });
        context.spawn(again);
    }

    /// Takes up the past of services that were not watched before.
    fn restore(&mut self, configured: &Configured, now: MeshTime) {
        // results of others may have come before the services
        self.written();
        let store = self.ledger.store().clone();
        let deployments = store.deployments().unwrap_or_else(|error| {
            tracing::error!(%error, "can't read the deployments");
            Vec::new()
        });
        let new = |service: &&Arc<Service>| self.watch.service(&service.id).is_none();
        let added: Vec<Arc<Service>> = configured.0.iter().filter(new).cloned().collect();
        for service in &added {
            match past_of(&store, service) {
                Ok(mut past) => {
                    past.deployment = deployments.iter().find(|known| known.service == service.id).cloned();
                    self.watch.resume(service, past, now);
                }
                Err(error) => tracing::error!(service = %service.id, %error, "can't read a service's past"),
            }
        }
        match reconciled(&store, &self.watch, &configured.0, &added, now) {
            Ok(changed) => {
                let effects = changed.into_iter().map(|incident| Effect::Incident(Arc::new(incident)));
                self.perform(effects.collect(), None);
            }
            Err(error) => tracing::error!(%error, "can't read the open incidents"),
        }
    }
}

impl Actor for Aggregator {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX_LIMIT);
        context.run_interval(COMMIT_EVERY, |agent, _| agent.commit());
        context.run_interval(TICK_EVERY, Self::tick);
        context.run_later(UPKEEP_EVERY / 4, |agent, context| agent.upkeep(context));
        let now = (self.clock)();
        match self.ledger.store().holds(now) {
            Ok(holds) => self.watch.restore_holds(holds, now),
            Err(error) => tracing::error!(%error, "can't read the silences and maintenances"),
        }
    }
}

impl Handler<ProbeFinished> for Aggregator {
    type Result = ();

    fn handle(&mut self, ProbeFinished(result): ProbeFinished, _: &mut Self::Context) {
        self.note(Fact::Result(Arc::clone(&result)));
        self.state_to_mesh(&words::Fact::Result(Arc::clone(&result)));
        let effects = self.watch.hear(Event::Result(Arc::clone(&result)), (self.clock)());
        self.perform(effects, Some(&result));
    }
}

impl Handler<Configured> for Aggregator {
    type Result = ();

    fn handle(&mut self, configured: Configured, _: &mut Self::Context) {
        let now = (self.clock)();
        self.restore(&configured, now);
        let effects = self.watch.configure(&configured.0, now);
        self.perform(effects, None);
        let all = Snapshot(Arc::new(self.watch.statuses().map(Arc::clone).collect()));
        for listener in &self.listeners.snapshots {
            tell(listener, "snapshots", all.clone());
        }
    }
}

impl Handler<Request> for Aggregator {
    type Result = Result<Ask, AskError>;

    fn handle(&mut self, request: Request, _: &mut Self::Context) -> Self::Result {
        self.answer(request)
    }
}

impl Handler<Connect> for Aggregator {
    type Result = ();

    fn handle(&mut self, Connect(listeners): Connect, _: &mut Self::Context) {
        self.listeners = listeners;
    }
}

impl Handler<NetworkNoted> for Aggregator {
    type Result = ();

    fn handle(&mut self, noted: NetworkNoted, _: &mut Self::Context) {
        for listener in &self.listeners.network {
            tell(listener, "network", noted.clone());
        }
    }
}

impl Handler<Stop> for Aggregator {
    type Result = ();

    fn handle(&mut self, Stop: Stop, context: &mut Self::Context) {
        self.ledger.close();
        context.stop();
    }
}
