//! The agent: keeps the timetable, starts probes, tells what they came to.

use crate::clock::{Clock, Passed, Watchman};
use crate::config::{Config, ConnectivityConfig};
use crate::kinds::Probe;
use crate::metrics::Metrics;
use crate::network::Network;
use crate::once::{Job, Run, Shown};
use crate::outbox::Outbox;
use actix::prelude::*;
use p7_bus::{AskError, NetworkNoted, ProbeFinished, ProbeNow, tell};
use p7_core::result::ProbeResult;
use p7_core::schedule::{Due, Planned, Seat, Step, Timetable};
use p7_core::service::Service;
use p7_core::vocabulary::{Cycle, MeshTime, Millis, NodeId, ServiceId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// The clocks are compared at least this often, so that a sleep is noticed soon.
const HEARTBEAT: Millis = Millis(1000);
/// How many probes people may have asked for at once, beside the schedule.
const ASKED_LIMIT: usize = 16;
/// The schedule's own messages are few: a new plan, a question, the end.
const MAILBOX_LIMIT: usize = 64;

/// A service to watch, and its probe.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The service.
    pub service: Arc<Service>,
    /// Its probe, ready.
    pub probe: Arc<Probe>,
    /// The latest cycle that already has a result from this node, as the store knows.
    pub known: Option<Cycle>,
}

/// node → prober: watch these services from now on and no others. Probes in flight of services that have
/// not changed go on.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Watch(pub Vec<Watched>);

/// node → prober: from now on this tells whether the machine has a network.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Anchor(pub ConnectivityConfig);

/// node → prober: start nothing more; probes that run may end within this time, then they are dropped.
/// Answers how many were.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "usize")]
pub struct Drain(pub Duration);

/// The agent.
#[derive(Debug)]
pub struct Prober {
    node: NodeId,
    clock: Clock,
    outbox: Outbox,
    listeners: Vec<Recipient<NetworkNoted>>,
    network: Arc<Network>,
    /// Why this machine is believed to be cut off.
    cut_off: Option<Arc<str>>,
    /// When the network was last known to work.
    network_back: Instant,
    metrics: Metrics,
    table: Timetable,
    services: BTreeMap<ServiceId, Row>,
    /// Counts changes of services: results of an earlier one are not theirs.
    generation: u64,
    /// Counts jumps of time: results of probes that began before one are void.
    era: u64,
    watchman: Watchman,
    born: Instant,
    alarm: Option<Alarm>,
    ended: (mpsc::Sender<Ended>, Option<mpsc::Receiver<Ended>>),
    tasks: BTreeMap<ServiceId, AbortHandle>,
    running: watch::Sender<usize>,
    asked: Arc<tokio::sync::Semaphore>,
    phase: Phase,
    starvation_told: bool,
}

#[derive(Debug)]
struct Row {
    service: Arc<Service>,
    probe: Arc<Probe>,
    generation: u64,
}

/// A timer that is set.
#[derive(Debug, Clone, Copy)]
struct Alarm {
    handle: SpawnHandle,
    at: MeshTime,
    /// When it should ring, by the steady clock.
    rings: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    Draining,
}

/// A probe of the schedule has ended.
#[derive(Debug)]
struct Ended {
    service: ServiceId,
    generation: u64,
    era: u64,
    run: Run,
}

impl Prober {
    /// A prober that tells `results` what its probes came to and `network` whether this machine is cut off.
    ///
    /// # Errors
    /// When `registry` already has metrics of these names.
    pub fn new(
        node: NodeId,
        config: &Config,
        connectivity: &ConnectivityConfig,
        results: Recipient<ProbeFinished>,
        network: Vec<Recipient<NetworkNoted>>,
        registry: &prometheus::Registry,
    ) -> Result<Self, prometheus::Error> {
        let limits = config.limits();
        let clock = Clock::system();
        let watchman = Watchman::new(clock.now(), Duration::ZERO);
        // every probe that runs has its place here, so none can be refused
        let (to, from) = mpsc::channel(limits.quick + limits.slow);
        Ok(Self {
            node,
            clock,
            outbox: Outbox::new(results),
            listeners: network,
            network: Arc::new(Network::new(connectivity)),
            cut_off: None,
            network_back: Instant::now(),
            metrics: Metrics::new(registry)?,
            table: Timetable::new(limits),
            services: BTreeMap::new(),
            generation: 0,
            era: 0,
            watchman,
            born: Instant::now(),
            alarm: None,
            ended: (to, Some(from)),
            tasks: BTreeMap::new(),
            running: watch::Sender::new(0),
            asked: Arc::new(tokio::sync::Semaphore::new(ASKED_LIMIT)),
            phase: Phase::Running,
            starvation_told: false,
        })
    }

    /// The same with another clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.watchman = Watchman::new(clock.now(), self.born.elapsed());
        self.clock = clock;
        self
    }

    /// Does what is due, and sets the alarm for what comes next.
    fn turn(&mut self, ctx: &mut Context<Self>) {
        let now = self.look_at_the_clock();
        if self.phase == Phase::Draining {
            self.outbox.flush();
            return;
        }
        self.outbox.turn(now);
        for step in self.table.turn(now) {
            match step {
                Step::Start(due) => self.start(due, now),
                Step::Overran(service) => {
                    self.metrics.overruns.inc();
                    tracing::debug!(%service, "the last probe still runs; this slot is left out");
                }
                Step::Starved(service) => self.note_starved(&service),
            }
        }
        self.metrics.running.set(i64::try_from(self.table.running()).unwrap_or(i64::MAX));
        self.set_alarm(now, ctx);
    }

    /// Notices when time jumped: then what was missed stays missing, and what runs is void.
    fn look_at_the_clock(&mut self) -> MeshTime {
        let (now, steady) = (self.clock.now(), self.born.elapsed());
        let expected = self.alarm.map_or(steady, |alarm| alarm.rings);
        match self.watchman.turn(now, steady, expected) {
            Passed::Evenly => {}
            jump @ (Passed::Slept(_) | Passed::JumpedAhead(_) | Passed::JumpedBack(_)) => {
                tracing::warn!(
                    ?jump,
                    "time jumped: the machine slept or its clock was set; missed probes stay missing"
                );
                self.metrics.jumps.inc();
                self.era += 1;
                self.table.jumped(now);
            }
        }
        now
    }

    fn set_alarm(&mut self, now: MeshTime, ctx: &mut Context<Self>) {
        let beat = now.plus(HEARTBEAT);
        let wishes = [self.table.next_turn(), self.outbox.due()];
        let at = wishes.into_iter().flatten().min().map_or(beat, |due| due.min(beat));
        if let Some(alarm) = self.alarm {
            if alarm.at > now && alarm.at <= at {
                return;
            }
            ctx.cancel_future(alarm.handle);
        }
        let wait = Duration::from_millis(at.since(now).0.max(1));
        let handle = ctx.run_later(wait, |prober, ctx| {
            prober.notice_network_is_back();
            prober.turn(ctx);
        });
        let rings = self.born.elapsed() + wait;
        self.alarm = Some(Alarm { handle, at, rings });
    }

    fn start(&mut self, due: Due, now: MeshTime) {
        let Some(row) = self.services.get(&due.service) else {
            self.table.ended(&due.service, now);
            return;
        };
        self.metrics.lag.observe(Duration::from_millis(now.since(due.at).0).as_secs_f64());
        let (service, probe, node) = (Arc::clone(&row.service), Arc::clone(&row.probe), self.node.clone());
        let (network, clock) = (Arc::clone(&self.network), self.clock.clone());
        let (generation, era, ended) = (row.generation, self.era, self.ended.0.clone());
        let started = due.service.clone();
        // not on the actor's local set: there every wake-up costs a system call more
        let task = tokio::spawn(async move {
            let job = Job {
                service: &service,
                probe: &probe,
                node: &node,
                cycle: due.cycle,
                retry_until: Some(due.until),
            };
            let run = job.run(&network, &clock).await;
            let service = due.service;
            let told = Ended { service, generation, era, run };
            if ended.try_send(told).is_err() {
                p7_bus::note_dropped("prober", 1);
            }
        });
        self.tasks.insert(started, task.abort_handle());
        self.running.send_replace(self.tasks.len());
    }

    fn note_starved(&mut self, service: &ServiceId) {
        self.metrics.starved.inc();
        if !std::mem::replace(&mut self.starvation_told, true) {
            tracing::warn!(
                %service,
                "no place was free for a probe; raise `concurrency` and `slow_concurrency` in [prober]"
            );
        }
    }

    /// A probe has ended: its place is free, and its result is told unless it is void.
    fn take_in(&mut self, ended: Ended, ctx: &mut Context<Self>) {
        let now = self.look_at_the_clock();
        self.table.ended(&ended.service, now);
        self.tasks.remove(&ended.service);
        let row = self.services.get(&ended.service);
        let is_current = row.is_some_and(|row| row.generation == ended.generation);
        if is_current && ended.era == self.era {
            self.note_network(ended.run.network, now);
            self.outbox.take(ended.run.seen.result, now);
        } else {
            self.metrics.discarded.inc();
        }
        self.turn(ctx);
        // last, so that whoever waits for the end finds everything told
        self.running.send_replace(self.tasks.len());
    }

    fn note_network(&mut self, shown: Shown, now: MeshTime) {
        let cut_off = match shown {
            Shown::Nothing => return,
            Shown::Works => None,
            // found out before the network was known to be back: an old story
            Shown::CutOff(found) if found.at <= self.network_back => return,
            Shown::CutOff(found) => Some(found.why),
        };
        if cut_off.is_none() {
            self.network_back = Instant::now();
            if self.cut_off.is_some() {
                self.network.works();
            }
        }
        if cut_off == self.cut_off {
            return;
        }
        if let Some(why) = &cut_off {
            tracing::warn!(%why, "this machine is cut off; its failing probes don't count");
        } else {
            tracing::info!("this machine has network again");
        }
        let noted = NetworkNoted { cut_off: cut_off.as_deref().map(str::to_owned), since: now };
        self.cut_off = cut_off;
        for listener in &self.listeners {
            tell(listener, "network", noted.clone());
        }
    }

    /// Asks the system again while it is what says that we are cut off; anchors are asked by failing probes.
    fn notice_network_is_back(&mut self) {
        if self.cut_off.is_some() && !self.network.has_anchors() && self.network.cut_off_by_system().is_none()
        {
            self.note_network(Shown::Works, self.clock.now());
        }
    }

    fn plan(&mut self, watched: Vec<Watched>) {
        let mut old = std::mem::take(&mut self.services);
        let mut planned = Vec::with_capacity(watched.len());
        for Watched { service, probe, known } in watched {
            planned.push(Planned { service: service.id.clone(), interval: service.interval, known });
            let same = |row: &Row| row.service == service && row.probe.config() == probe.config();
            let before = old.remove(&service.id).filter(same);
            let generation = before.map_or(self.generation + 1, |row| row.generation);
            self.generation = self.generation.max(generation);
            let id = service.id.clone();
            let row = Row { service, probe, generation };
            self.services.insert(id, row);
        }
        let now = self.look_at_the_clock();
        self.table.plan(&planned, Seat::ALONE, now);
    }
}

impl Actor for Prober {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX_LIMIT);
        if let Some(mut ended) = self.ended.1.take() {
            ctx.add_stream(futures_util::stream::poll_fn(move |cx| ended.poll_recv(cx)));
        }
        self.turn(ctx);
    }
}

impl StreamHandler<Ended> for Prober {
    fn handle(&mut self, ended: Ended, ctx: &mut Self::Context) {
        self.take_in(ended, ctx);
    }
}

impl Handler<Watch> for Prober {
    type Result = ();

    fn handle(&mut self, Watch(watched): Watch, ctx: &mut Self::Context) {
        self.plan(watched);
        self.turn(ctx);
    }
}

impl Handler<Anchor> for Prober {
    type Result = ();

    fn handle(&mut self, Anchor(connectivity): Anchor, _: &mut Self::Context) {
        self.network = Arc::new(Network::new(&connectivity));
    }
}

impl Handler<ProbeNow> for Prober {
    type Result = ResponseFuture<Result<Arc<ProbeResult>, AskError>>;

    fn handle(&mut self, ProbeNow(id): ProbeNow, _: &mut Self::Context) -> Self::Result {
        let Some(row) = self.services.get(&id) else {
            let kind = "service";
            let id = id.to_string();
            return Box::pin(async move { Err(AskError::NotFound { kind, id }) });
        };
        let Ok(place) = Arc::clone(&self.asked).try_acquire_owned() else {
            return Box::pin(async { Err(AskError::Busy) });
        };
        let (service, probe, node) = (Arc::clone(&row.service), Arc::clone(&row.probe), self.node.clone());
        let (network, clock) = (Arc::clone(&self.network), self.clock.clone());
        Box::pin(async move {
            let job = Job {
                service: &service,
                probe: &probe,
                node: &node,
                cycle: Cycle::at(clock.now(), service.interval),
                retry_until: None,
            };
            let run = job.run(&network, &clock).await;
            drop(place);
            Ok(Arc::new(run.seen.result))
        })
    }
}

impl Handler<Drain> for Prober {
    type Result = ResponseFuture<usize>;

    fn handle(&mut self, Drain(within): Drain, ctx: &mut Self::Context) -> Self::Result {
        self.phase = Phase::Draining;
        self.outbox.flush();
        if let Some(alarm) = self.alarm.take() {
            ctx.cancel_future(alarm.handle);
        }
        let mut running = self.running.subscribe();
        let tasks: Vec<AbortHandle> = self.tasks.values().cloned().collect();
        Box::pin(async move {
            let all_ended = running.wait_for(|count| *count == 0);
            if tokio::time::timeout(within, all_ended).await.is_ok() {
                return 0;
            }
            tasks.iter().for_each(AbortHandle::abort);
            *running.borrow()
        })
    }
}
