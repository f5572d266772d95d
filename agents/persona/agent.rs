//! The agent: hears what people say in Slack while its node holds the role, and answers.

use crate::config::{Config, Ready};
use crate::metrics::Metrics;
use crate::people::People;
use crate::picture::Picture;
use crate::slack::envelope::Heard;
use crate::slack::outbox::Pace;
use crate::slack::socket::{Line, Me, SILENCE, Told, keep};
use crate::speak::{Place, Speaker};
use crate::talk::Talk;
use crate::words::Words;
use actix::prelude::*;
use p7_bus::{
    Configured, DeviceOrder, DevicesNoted, FitnessNoted, IncidentChanged, MeshNoted, ProbeAddress, ProbeNow,
    Request, Snapshot,
};
use p7_core::mesh::words::Role;
use p7_core::vocabulary::MeshTime;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The mailbox: a whole pass over 1,000 services at once, four times over.
const MAILBOX_LIMIT: usize = 4_096;
/// Answers that are being given at once.
const WORKING_LIMIT: usize = 64;
/// The part of the work that a node can be unfit for.
const FITNESS: &str = "persona";
/// Trouble with Slack that lasts so long is for another node to try.
const UNFIT_AFTER: Duration = Duration::from_secs(60);
/// After so long without the role a node that was unfit tries again.
const FIT_AGAIN: Duration = Duration::from_secs(300);

/// Whether this node talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It runs alone, and does.
    Alone,
    /// It belongs to a mesh: only while it holds the role.
    Held,
}

/// What the agent is made of.
pub struct Parts {
    /// Whether this node talks.
    pub standing: Standing,
    /// What people call this node.
    pub node_name: String,
    /// The version of p7.
    pub version: String,
    /// The configuration's folder: tokens and words in files are looked for there.
    pub dir: PathBuf,
    /// Mesh time.
    pub clock: fn() -> MeshTime,
    /// Who states what people wish: the aggregator.
    pub states: Recipient<Request>,
    /// Who tests a service now.
    pub probes: Recipient<ProbeNow>,
    /// Who tests any address now.
    pub addresses: Recipient<ProbeAddress>,
    /// Who lets this machine's robots speak.
    pub devices: Recipient<DeviceOrder>,
    /// Who hears whether this node can do the work.
    pub fitness: Vec<Recipient<FitnessNoted>>,
}

/// node → persona: from now on it is this.
#[derive(Debug, Clone, Default, Message)]
#[rtype(result = "()")]
pub struct TakeUp {
    /// `[persona]`.
    pub config: Config,
    /// The mesh's name; empty when it has none.
    pub mesh_name: String,
    /// The dashboard's address for people, with a slash at its end.
    pub dashboard: Option<String>,
}

/// What the socket tells, on its way to the agent.
#[derive(Message)]
#[rtype(result = "()")]
struct Arrived(Told);

/// The agent that talks with people in Slack.
pub struct Persona {
    pub(crate) parts: Parts,
    pub(crate) metrics: Metrics,
    /// Any moment; times are counted from it.
    start: Instant,
    pub(crate) picture: Picture,
    pub(crate) talk: Talk,
    pub(crate) words: Words,
    pub(crate) people: People,
    pub(crate) pace: Pace,
    pub(crate) config: Config,
    pub(crate) ready: Option<Ready>,
    holds: bool,
    /// Whether the mesh knows this node as one that could hold the role.
    stands: bool,
    socket: Option<SpawnHandle>,
    pub(crate) me: Option<Me>,
    /// What is wrong with Slack, and since when.
    pub(crate) trouble: Option<(String, Instant)>,
    pub(crate) working: usize,
}

impl Persona {
    /// An agent that talks with nobody yet.
    ///
    /// # Errors
    /// When `registry` already has metrics of these names.
    pub fn new(parts: Parts, registry: &prometheus::Registry) -> Result<Self, prometheus::Error> {
        let picture =
            Picture { node: parts.node_name.clone(), version: parts.version.clone(), ..Picture::default() };
        Ok(Self {
            holds: parts.standing == Standing::Alone,
            stands: true,
            metrics: Metrics::new(registry)?,
            start: Instant::now(),
            picture,
            talk: Talk::default(),
            words: Words::own(),
            people: People::default(),
            pace: Pace::default(),
            config: Config::default(),
            ready: None,
            socket: None,
            me: None,
            trouble: None,
            working: 0,
            parts,
        })
    }

    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn speaker(&self) -> Option<Speaker> {
        Some(Speaker { ready: self.ready.clone()?, metrics: self.metrics.clone() })
    }

    fn take_up(&mut self, taken: TakeUp, context: &mut Context<Self>) {
        self.picture.name = taken.mesh_name;
        self.picture.dashboard = taken.dashboard;
        self.picture.zone = taken.config.zone();
        self.words = match &taken.config.words {
            None => Words::own(),
            Some(file) => Words::of_file(&self.parts.dir.join(file)).unwrap_or_else(|why| {
                tracing::error!(why, "the words of [persona] can't be used; p7's own are");
                Words::own()
            }),
        };
        if taken.config == self.config && self.ready.is_some() {
            return;
        }
        self.config = taken.config;
        self.hang_up(context);
        self.ready = None;
        let fit = if self.config.is_wanted() {
            self.config.prepare(&self.parts.dir).map(|ready| self.ready = Some(ready))
        } else {
            Err("there is no [persona] in mesh.toml".to_owned())
        };
        if let Err(why) = fit.as_ref()
            && self.config.is_wanted()
        {
            tracing::error!(why, "Persona/7 can't talk from this node");
        }
        self.fitness(fit.err().as_deref());
        self.attend(context);
    }

    fn fitness(&self, trouble: Option<&str>) {
        for listener in &self.parts.fitness {
            p7_bus::tell(
                listener,
                "fitness",
                FitnessNoted { what: FITNESS, trouble: trouble.map(str::to_owned) },
            );
        }
    }

    /// The roles of a node are settled at its start: a `[persona]` that came later needs another one.
    fn stands(&mut self, stands: bool) {
        if self.stands && !stands && self.ready.is_some() {
            tracing::warn!("[persona] is new here; restart p7 so that this node can hold the role");
        }
        self.stands = stands || self.ready.is_none();
    }

    /// Opens the socket or closes it, whichever is due.
    fn attend(&mut self, context: &mut Context<Self>) {
        if !self.holds {
            return self.hang_up(context);
        }
        let Some(ready) = self.ready.clone().filter(|_| self.socket.is_none()) else { return };
        let to = context.address().recipient();
        let Ready { api, app_token, bot_token } = ready;
        let line = Line { api, app_token, bot_token, silence: SILENCE };
        let kept = keep(line, move |told| {
            p7_bus::tell(&to, "persona", Arrived(told));
        });
        self.socket = Some(context.spawn(kept.into_actor(self)));
    }

    fn hang_up(&mut self, context: &mut Context<Self>) {
        if let Some(socket) = self.socket.take() {
            context.cancel_future(socket);
        }
        self.me = None;
        self.metrics.connected.set(0);
        if self.trouble.take().is_some_and(|(_, since)| since.elapsed() >= UNFIT_AFTER) {
            context.run_later(FIT_AGAIN, |agent, _| {
                if agent.ready.is_some() {
                    agent.fitness(None);
                }
            });
        }
    }

    fn told(&mut self, told: Told, context: &mut Context<Self>) {
        match told {
            Told::Connected(me) => {
                if self.trouble.take().is_some() || self.me.is_none() {
                    tracing::info!(team = me.team, "Persona/7 talks in Slack");
                }
                self.me = Some(me);
                self.metrics.connected.set(1);
                self.fitness(None);
            }
            Told::Trouble(why) => {
                self.metrics.connected.set(0);
                tracing::warn!(why, "Persona/7 has no socket to Slack");
                let since = self.trouble.take().map_or_else(Instant::now, |(_, since)| since);
                if since.elapsed() >= UNFIT_AFTER {
                    self.fitness(Some(&why));
                }
                self.trouble = Some((why, since));
            }
            Told::Repeated => self.metrics.heard("any", "repeated"),
            Told::Heard(heard) => self.heard(*heard, context),
        }
    }

    /// Something a person did: whether it concerns us at all, and then what follows.
    fn heard(&mut self, heard: Heard, context: &mut Context<Self>) {
        let kind = heard.kind.as_str();
        let Some(me) = &self.me else { return self.metrics.heard(kind, "unknown") };
        let is_ours = !heard.teams.is_empty() && heard.teams.iter().all(|team| *team == me.team);
        if !is_ours || heard.user == me.user {
            return self.metrics.heard(kind, "stranger");
        }
        let now = self.now();
        if !self.pace.may_ask(&heard.user, now) {
            return self.metrics.heard(kind, "too_many");
        }
        if self.working >= WORKING_LIMIT {
            p7_bus::note_dropped("persona_answers", 1);
            return self.metrics.heard(kind, "dropped");
        }
        self.metrics.heard(kind, "taken");
        self.answer(heard, context);
    }

    /// How long an answer there has to wait; none when it is not given, which is counted.
    pub(crate) fn wait(&mut self, place: &Place) -> Option<Duration> {
        let now = self.now();
        let wait = self.pace.wait(place.channel(), now);
        if wait.is_none() {
            self.metrics.answered("too_many");
        }
        wait
    }
}

impl Actor for Persona {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX_LIMIT);
    }
}

impl Handler<Arrived> for Persona {
    type Result = ();

    fn handle(&mut self, Arrived(told): Arrived, context: &mut Self::Context) {
        self.told(told, context);
    }
}

impl Handler<TakeUp> for Persona {
    type Result = ();

    fn handle(&mut self, taken: TakeUp, context: &mut Self::Context) {
        self.take_up(taken, context);
    }
}

impl Handler<Configured> for Persona {
    type Result = ();

    fn handle(&mut self, Configured(services): Configured, _: &mut Self::Context) {
        self.picture.configured(&services);
    }
}

impl Handler<Snapshot> for Persona {
    type Result = ();

    fn handle(&mut self, Snapshot(all): Snapshot, _: &mut Self::Context) {
        for status in all.iter() {
            self.picture.heard(status);
        }
    }
}

impl Handler<p7_bus::Heard> for Persona {
    type Result = ();

    fn handle(&mut self, heard: p7_bus::Heard, _: &mut Self::Context) {
        self.picture.heard(&heard.status);
    }
}

impl Handler<IncidentChanged> for Persona {
    type Result = ();

    fn handle(&mut self, changed: IncidentChanged, _: &mut Self::Context) {
        self.picture.incident(&changed.incident);
    }
}

impl Handler<DevicesNoted> for Persona {
    type Result = ();

    fn handle(&mut self, DevicesNoted(devices): DevicesNoted, _: &mut Self::Context) {
        self.picture.devices = devices;
    }
}

impl Handler<MeshNoted> for Persona {
    type Result = ();

    fn handle(&mut self, MeshNoted(view): MeshNoted, context: &mut Self::Context) {
        let mut held = view.holdings.iter().filter(|holding| holding.role == Role::Persona);
        let mine = held.any(|holding| holding.claim.as_ref().is_some_and(|claim| claim.node == view.me));
        let me = view.members.iter().find(|member| member.node == view.me);
        self.stands(me.is_none_or(|me| me.posts.iter().any(|(role, _)| *role == Role::Persona)));
        self.holds = mine || self.parts.standing == Standing::Alone;
        self.picture.mesh = Some(Arc::clone(&view));
        self.attend(context);
    }
}
