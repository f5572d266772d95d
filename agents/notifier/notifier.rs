//! The agent: hears what happened, asks the core what is due, states it, and has it sent.

use crate::channel::{Outside, Speaker};
use crate::metrics::Metrics;
use crate::shelf::Shelf;
use crate::speak::Voice;
use actix::prelude::*;
use p7_bus::{
    AskError, Configured, FactsHeard, Heard, IncidentChanged, MeshNoted, Notifications, Snapshot, Stated,
    TestChannel,
};
use p7_core::incident::{Incident, IncidentId};
use p7_core::mesh::ledger::Ledger;
use p7_core::mesh::rules::RuleSet;
use p7_core::mesh::view::MeshView;
use p7_core::mesh::words::{Fact, Notice, Steady};
use p7_core::service::Service;
use p7_core::speech::rules::{Known, Picture, Route};
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{MeshTime, Millis, NodeId};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The mailbox: a change of every service of a large configuration, a few times over.
const MAILBOX_LIMIT: usize = 16_384;
/// Changes are gathered for so long before anything is said: what goes wrong at once is known together,
/// and a message still leaves well within 200 ms.
const GATHER: Duration = Duration::from_millis(40);
/// A look at what is due happens at least so often: time alone makes reminders due.
const LOOK_EVERY: Millis = Millis::seconds(5);

/// A channel as configured.
#[derive(Debug, Clone)]
pub struct Named {
    /// Its kind.
    pub kind: &'static str,
    /// The channel, or why it can't be used on this node.
    pub speaker: Result<Arc<dyn Speaker>, String>,
}

/// node → notifier: the channels and routes from now on.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct TakenUp {
    /// The channels, by name.
    pub channels: BTreeMap<String, Named>,
    /// Who is told what.
    pub routes: Vec<Route>,
    /// The mesh's name.
    pub mesh_name: String,
    /// The dashboard's address for people, with a slash at its end.
    pub dashboard: Option<String>,
}

/// Looks an incident up in the store.
pub type Recall = Box<dyn Fn(&IncidentId) -> Option<Incident> + Send>;

/// What a notifier is made of.
pub struct Parts {
    /// This node.
    pub node: NodeId,
    /// Its name for people.
    pub name: String,
    /// Where what was said is kept.
    pub data: PathBuf,
    /// Mesh time.
    pub clock: fn() -> MeshTime,
    /// A clock that never jumps.
    pub steady: fn() -> Steady,
    /// Who tells the mesh what is stated; none for a node alone, which then always leads.
    pub member: Option<Recipient<Stated>>,
    /// Looks an incident up: after a start only its id is told.
    pub recall: Recall,
    /// How the outside is reached.
    pub outside: Outside,
}

/// The agent that tells people.
pub struct Notifier {
    pub(crate) parts: Parts,
    pub(crate) picture: Picture,
    /// Statuses of services that are not configured yet.
    pub(crate) ledger: Ledger,
    pub(crate) shelf: Shelf,
    pub(crate) view: Option<Arc<MeshView>>,
    pub(crate) voices: BTreeMap<String, Voice>,
    pub(crate) settings: TakenUp,
    pub(crate) metrics: Metrics,
    /// Mails that are being told.
    pub(crate) telling_mails: usize,
    alarm: Option<(SpawnHandle, Steady)>,
}

impl Notifier {
    /// A notifier that knows what was said before.
    ///
    /// # Errors
    /// When `registry` has metrics of these names.
    pub fn new(parts: Parts, registry: &prometheus::Registry) -> Result<Self, prometheus::Error> {
        let shelf = Shelf::in_folder(&parts.data);
        let mut ledger = Ledger::new(parts.node.clone(), RuleSet::ALL);
        let now = (parts.steady)();
        for notice in shelf.read() {
            ledger.note(&notice, now);
        }
        let settings = TakenUp {
            channels: BTreeMap::new(),
            routes: Vec::new(),
            mesh_name: String::new(),
            dashboard: None,
        };
        Ok(Self {
            parts,
            picture: Picture::default(),
            ledger,
            shelf,
            view: None,
            voices: BTreeMap::new(),
            settings,
            metrics: Metrics::new(registry)?,
            telling_mails: 0,
            alarm: None,
        })
    }

    /// Says what is due, on every channel, and sets the alarm for the next look.
    fn look(&mut self, context: &mut Context<Self>) {
        self.alarm = None;
        let now = (self.parts.steady)();
        let mut next = now.plus(LOOK_EVERY);
        let names: Vec<String> = self.voices.keys().cloned().collect();
        for name in names {
            next = next.min(self.speak(&name, context));
        }
        if let Some(due) = self.ledger.next_due().filter(|due| *due > now) {
            next = next.min(due);
        }
        let wait = Duration::from_millis(next.since(now).0.max(1));
        self.look_after(wait, context);
    }

    /// Looks within `wait`.
    pub(crate) fn look_after(&mut self, wait: Duration, context: &mut Context<Self>) {
        let at = (self.parts.steady)().plus(Millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)));
        if let Some((handle, before)) = self.alarm {
            if before <= at {
                return;
            }
            context.cancel_future(handle);
        }
        self.alarm = Some((context.run_later(wait, Self::look), at));
    }

    fn changed(&mut self, context: &mut Context<Self>) {
        self.look_after(GATHER, context);
    }

    fn status(&mut self, status: &Arc<ServiceStatus>) {
        if let Some(known) = self.picture.services.get_mut(&status.service) {
            known.status = Arc::clone(status);
        }
    }

    /// States notices to the mesh and keeps them.
    pub(crate) fn state(&mut self, notices: Vec<Notice>) {
        let now = (self.parts.steady)();
        for notice in &notices {
            self.ledger.note(notice, now);
        }
        if let Err(error) = self.shelf.write(self.ledger.entries().collect()) {
            tracing::error!(%error, "can't keep what is said; after a restart it may be said again");
        }
        if let Some(member) = &self.parts.member {
            p7_bus::tell(member, "notices", Stated(notices.into_iter().map(Fact::Noticed).collect()));
        }
    }
}

impl Actor for Notifier {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX_LIMIT);
        context.run_interval(crate::logbook::TICK, Self::flush);
        self.changed(context);
    }
}

impl Handler<TakenUp> for Notifier {
    type Result = ();

    fn handle(&mut self, settings: TakenUp, context: &mut Self::Context) {
        self.picture.routes.clone_from(&settings.routes);
        self.voices.retain(|name, _| settings.channels.contains_key(name));
        for (name, channel) in &settings.channels {
            if let Err(why) = &channel.speaker {
                tracing::error!(channel = name, why, "a channel can't be used on this node");
            }
            self.voices.entry(name.clone()).or_default().channel = Some(channel.clone());
        }
        self.settings = settings;
        self.changed(context);
    }
}

impl Handler<Configured> for Notifier {
    type Result = ();

    fn handle(&mut self, Configured(services): Configured, context: &mut Self::Context) {
        let mut before = std::mem::take(&mut self.picture.services);
        let known = |service: &Arc<Service>| {
            let old = before.remove(&service.id);
            let status = old.as_ref().map(|old| Arc::clone(&old.status));
            let known = Known {
                service: Arc::clone(service),
                status: status.unwrap_or_else(|| Arc::new(ServiceStatus::pending(service.id.clone()))),
                incident: old.and_then(|old| old.incident),
            };
            (service.id.clone(), known)
        };
        self.picture.services = services.iter().map(known).collect();
        self.changed(context);
    }
}

impl Handler<Snapshot> for Notifier {
    type Result = ();

    fn handle(&mut self, Snapshot(all): Snapshot, context: &mut Self::Context) {
        for status in all.iter() {
            self.status(status);
            let Some(known) = self.picture.services.get_mut(&status.service) else { continue };
            let open = status.incident.as_ref();
            if let Some(open) = open.filter(|id| known.incident.as_ref().is_none_or(|one| one.id != **id)) {
                known.incident = (self.parts.recall)(open).map(Arc::new);
            }
        }
        self.changed(context);
    }
}

impl Handler<Heard> for Notifier {
    type Result = ();

    fn handle(&mut self, heard: Heard, context: &mut Self::Context) {
        self.status(&heard.status);
        // what others measured comes with their facts, every result of it
        if let Some(result) = heard.result.filter(|result| result.node == self.parts.node) {
            self.log_result(&result);
        }
        self.changed(context);
    }
}

impl Handler<IncidentChanged> for Notifier {
    type Result = ();

    fn handle(&mut self, changed: IncidentChanged, context: &mut Self::Context) {
        self.log_incident(&changed.incident, changed.acknowledged.as_ref());
        if let Some(known) = self.picture.services.get_mut(&changed.incident.id.service) {
            // a change of an older one, such as by late results, is no news
            let is_newer = known.incident.as_ref().is_none_or(|before| before.id <= changed.incident.id);
            let is_open = known.status.incident.as_ref() == Some(&changed.incident.id);
            if is_newer || is_open {
                known.incident = Some(changed.incident);
            }
        }
        self.changed(context);
    }
}

impl Handler<MeshNoted> for Notifier {
    type Result = ();

    fn handle(&mut self, MeshNoted(view): MeshNoted, context: &mut Self::Context) {
        let led = self.view.as_ref().map(|view| view.leader().cloned());
        if led != Some(view.leader().cloned()) {
            self.changed(context);
        }
        self.view = Some(view);
    }
}

impl Handler<FactsHeard> for Notifier {
    type Result = ();

    fn handle(&mut self, FactsHeard(facts): FactsHeard, context: &mut Self::Context) {
        let now = (self.parts.steady)();
        let mut is_new = false;
        for (author, fact) in facts {
            if let Fact::Result(result) = &fact
                && result.node == author
                && author != self.parts.node
            {
                self.log_result(result);
            }
            let Fact::Noticed(notice) = fact else { continue };
            if notice.node == author && self.ledger.note(&notice, now) {
                is_new = true;
                self.overheard(&notice, now);
            }
        }
        if is_new {
            if let Err(error) = self.shelf.write(self.ledger.entries().collect()) {
                tracing::error!(%error, "can't keep what others said");
            }
            self.changed(context);
        }
    }
}

impl Handler<Notifications> for Notifier {
    type Result = Result<Arc<serde_json::Value>, AskError>;

    fn handle(&mut self, _: Notifications, _: &mut Self::Context) -> Self::Result {
        Ok(Arc::new(self.report()))
    }
}

impl Handler<TestChannel> for Notifier {
    type Result = ResponseFuture<Result<String, AskError>>;

    fn handle(&mut self, TestChannel { channel, by }: TestChannel, _: &mut Self::Context) -> Self::Result {
        self.test(&channel, &by)
    }
}
