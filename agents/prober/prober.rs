//! The agent: keeps the timetable, starts probes, tells what they came to.

mod hears;

use crate::belief::Belief;
use crate::clock::{Clock, Passed, Watchman};
use crate::config::{Config, ConnectivityConfig};
use crate::kinds::Probe;
use crate::messages::{Parts, Seating, Watched};
use crate::metrics::Metrics;
use crate::once::{Job, Run};
use crate::outbox::Outbox;
use crate::suspicions::Suspicions;
use actix::prelude::*;
use p7_core::mesh::look::Looks;
use p7_core::result::ProbeResult;
use p7_core::schedule::{Due, Occasion, Planned, Seat, Step, Timetable};
use p7_core::service::Service;
use p7_core::vocabulary::{Cycle, Interval, MeshTime, Micros, Millis, NodeId, ServiceId, Vote};
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
/// The schedule's own messages are few, but when another node's uplink fails a look at every service is
/// wanted at once.
const MAILBOX_LIMIT: usize = 4096;

/// The agent.
#[derive(Debug)]
pub struct Prober {
    node: NodeId,
    clock: Clock,
    outbox: Outbox,
    belief: Belief,
    metrics: Metrics,
    seating: Seating,
    /// The seats as last told; none before the first time.
    seats: Option<Arc<BTreeMap<ServiceId, Seat>>>,
    /// What this node has said about each service.
    looks: Looks,
    suspicions: Suspicions,
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
    /// How long the last probe that passed took.
    latency: Option<Micros>,
}

/// A timer that is set.
#[derive(Debug, Clone, Copy)]
struct Alarm {
    handle: SpawnHandle,
    /// When it should ring, by the steady clock: the other may be moved meanwhile, by little or much.
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
    /// A prober that waits to be told what to watch.
    ///
    /// # Errors
    /// When `registry` already has metrics of these names.
    pub fn new(
        config: &Config,
        connectivity: &ConnectivityConfig,
        parts: Parts,
        registry: &prometheus::Registry,
    ) -> Result<Self, prometheus::Error> {
        let limits = config.limits();
        // every probe that runs has its place here, so none can be refused
        let (to, from) = mpsc::channel(limits.quick + limits.slow);
        Ok(Self {
            node: parts.node,
            watchman: Watchman::new(parts.clock.now(), Duration::ZERO),
            clock: parts.clock,
            outbox: Outbox::new(parts.results),
            belief: Belief::new(connectivity, parts.network),
            metrics: Metrics::new(registry)?,
            seating: parts.seating,
            seats: None,
            looks: Looks::default(),
            suspicions: Suspicions::new(parts.suspicions),
            table: Timetable::new(limits),
            services: BTreeMap::new(),
            generation: 0,
            era: 0,
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

    /// Does what is due, and sets the alarm for what comes next.
    fn turn(&mut self, ctx: &mut Context<Self>) {
        let now = self.look_at_the_clock();
        if self.phase == Phase::Draining {
            self.outbox.flush();
            return;
        }
        self.outbox.turn(now);
        let suspicious = self.suspicions.turn(now, self.belief.own());
        self.metrics.suspicions.inc_by(suspicious);
        let steps = self.table.turn(now);
        self.take_steps(steps, now);
        self.metrics.running.set(i64::try_from(self.table.running()).unwrap_or(i64::MAX));
        self.set_alarm(now, ctx);
    }

    fn take_steps(&mut self, steps: Vec<Step>, now: MeshTime) {
        for step in steps {
            match step {
                Step::Start(due) => self.start(due, now),
                Step::Overran(service) => {
                    self.metrics.overruns.inc();
                    tracing::debug!(%service, "the last probe still runs; this slot is left out");
                }
                Step::Starved(service) => self.note_starved(&service),
            }
        }
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
                self.suspicions.clear();
            }
        }
        now
    }

    fn set_alarm(&mut self, now: MeshTime, ctx: &mut Context<Self>) {
        let beat = now.plus(HEARTBEAT);
        let wishes = [self.table.next_turn(), self.outbox.due(), self.suspicions.due()];
        let at = wishes.into_iter().flatten().min().map_or(beat, |due| due.min(beat));
        let wait = Duration::from_millis(at.since(now).0.max(1));
        let steady = self.born.elapsed();
        let rings = steady + wait;
        if let Some(alarm) = self.alarm {
            if alarm.rings > steady && alarm.rings <= rings {
                return;
            }
            ctx.cancel_future(alarm.handle);
        }
        let handle = ctx.run_later(wait, |prober, ctx| {
            prober.belief.notice_return(prober.clock.now());
            prober.turn(ctx);
        });
        self.alarm = Some(Alarm { handle, rings });
    }

    fn start(&mut self, due: Due, now: MeshTime) {
        let Some(row) = self.services.get(&due.service) else {
            self.table.ended(&due.service, now);
            return;
        };
        match due.occasion {
            Occasion::Slot => {
                self.metrics.lag.observe(Duration::from_millis(now.since(due.at).0).as_secs_f64());
            }
            Occasion::Extra => self.metrics.extra.inc(),
        }
        // nothing is known of one that was never tested: if it hangs, others may know better
        if self.looks.vote(&due.service) != Some(Vote::Failed) {
            self.suspicions.watch(&due.service, row.service.timeout, row.latency, now);
        }
        let (service, probe, node) = (Arc::clone(&row.service), Arc::clone(&row.probe), self.node.clone());
        let (network, clock) = (self.belief.network(), self.clock.clone());
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
        self.suspicions.ended(&ended.service);
        let is_current = |row: &&mut Row| row.generation == ended.generation && self.era == ended.era;
        if let Some(row) = self.services.get_mut(&ended.service).filter(is_current) {
            let (interval, result) = (row.service.interval, ended.run.seen.result);
            if result.outcome.vote() == Some(Vote::Passed) {
                row.latency = Some(result.latency);
            }
            self.belief.note(ended.run.network, now);
            self.publish(result, interval, now);
        } else {
            self.metrics.discarded.inc();
        }
        self.turn(ctx);
        // last, so that whoever waits for the end finds everything told
        self.running.send_replace(self.tasks.len());
    }

    /// Tells a result, for the cycle that it says something new about, if there is one.
    fn publish(&mut self, mut result: ProbeResult, interval: Interval, now: MeshTime) {
        let (due, current) = (result.cycle, Cycle::at(now, interval));
        match self.looks.place(&result.service, due, current, interval, result.outcome) {
            Some(cycle) => {
                result.cycle = cycle;
                self.outbox.take(result, now);
            }
            None => self.metrics.unpublished.inc(),
        }
    }

    fn watch(&mut self, watched: Vec<Watched>) {
        let mut old = std::mem::take(&mut self.services);
        for Watched { service, probe, known } in watched {
            if let Some(known) = known {
                self.looks.known(&service.id, known);
            }
            let same = |row: &Row| row.service == service && row.probe.config() == probe.config();
            let before = old.remove(&service.id).filter(same);
            let generation = before.as_ref().map_or(self.generation + 1, |row| row.generation);
            self.generation = self.generation.max(generation);
            let latency = before.and_then(|row| row.latency);
            let id = service.id.clone();
            self.services.insert(id, Row { service, probe, generation, latency });
        }
        let services = &self.services;
        self.looks.retain(|service| services.contains_key(service));
        self.plan();
    }

    /// Plans all services by the seats as they are now.
    fn plan(&mut self) {
        let now = self.look_at_the_clock();
        let seat = |service: &ServiceId| match (&self.seats, self.seating) {
            (Some(seats), _) => seats.get(service).copied(),
            (None, Seating::Alone) => Some(Seat::ALONE),
            (None, Seating::AsTold) => None,
        };
        let planned = |(service, row): (&ServiceId, &Row)| Planned {
            service: service.clone(),
            interval: row.service.interval,
            seat: seat(service),
            known: self.looks.latest(service),
        };
        let planned: Vec<Planned> = self.services.iter().map(planned).collect();
        self.table.plan(&planned, now);
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
