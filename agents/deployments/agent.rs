//! The agent: asks the sources while its node leads, and states what is news.

use crate::config::{Origin, SourceConfig};
use crate::metrics::Metrics;
use crate::news::Known;
use crate::source::Source;
use crate::sources::Polled;
use actix::prelude::*;
use p7_bus::{AskError, Heard, MeshNoted, Request, Snapshot};
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{MeshTime, ServiceId};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The mailbox: a whole pass over 1,000 services at once, four times over.
const MAILBOX_LIMIT: usize = 4_096;
/// How often it is looked whether a source is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Whether this node asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It runs alone, and does.
    Alone,
    /// It belongs to a mesh: only while it leads that.
    Led,
}

/// What the agent is made of.
pub struct Parts {
    /// Whether this node asks.
    pub standing: Standing,
    /// The configuration's folder; tokens in files are looked for there.
    pub dir: PathBuf,
    /// Mesh time.
    pub clock: fn() -> MeshTime,
    /// Who states what is news: the aggregator.
    pub states: Recipient<Request>,
}

/// node → deployments: from now on these are asked, for these services.
#[derive(Debug, Clone, Default, Message)]
#[rtype(result = "()")]
pub struct Follow {
    /// The sources, by name.
    pub sources: BTreeMap<String, SourceConfig>,
    /// What deploys which service.
    pub origins: BTreeMap<ServiceId, Origin>,
}

/// The agent that asks what is being deployed.
pub struct Deployments {
    parts: Parts,
    metrics: Metrics,
    /// Any moment; times are counted from it.
    start: Instant,
    leads: bool,
    /// Whether it heard what the mesh knows already; before that everything would seem to be news.
    informed: bool,
    follow: Follow,
    sources: BTreeMap<String, Source>,
    known: BTreeMap<ServiceId, Known>,
}

impl Deployments {
    /// An agent that follows nothing yet.
    ///
    /// # Errors
    /// When `registry` already has metrics of these names.
    pub fn new(parts: Parts, registry: &prometheus::Registry) -> Result<Self, prometheus::Error> {
        let leads = parts.standing == Standing::Alone;
        Ok(Self {
            parts,
            metrics: Metrics::new(registry)?,
            start: Instant::now(),
            leads,
            informed: false,
            follow: Follow::default(),
            sources: BTreeMap::new(),
            known: BTreeMap::new(),
        })
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Takes up a configuration; sources that did not change keep their pace, whatever else did.
    fn take_up(&mut self, follow: Follow) {
        let origins = &follow.origins;
        self.sources.retain(|name, source| follow.sources.get(name) == Some(&*source.config));
        for (name, config) in &follow.sources {
            let source = self.sources.entry(name.clone()).or_insert_with(|| Source::new(name, config));
            let mine = origins.iter().filter(|(_, origin)| origin.source == *name);
            source.wanted = mine.map(|(service, origin)| (service.clone(), origin.clone())).collect();
        }
        for (service, origin) in origins {
            let known = self.known.entry(service.clone()).or_default();
            if self.follow.origins.get(service) != Some(origin) {
                known.last = None;
            }
        }
        self.known.retain(|service, _| origins.contains_key(service));
        self.follow = follow;
    }

    fn look(&mut self, context: &mut Context<Self>) {
        if !self.leads || !self.informed {
            return;
        }
        let (now, wall) = (self.now(), (self.parts.clock)());
        let mut begun = Vec::new();
        for source in self.sources.values_mut().filter(|source| source.is_due(now)) {
            match source.begin(now, wall, &self.parts.dir) {
                Ok(poll) => begun.push((Arc::clone(&source.name), Arc::clone(&source.config), poll)),
                Err(trouble) => {
                    let result = source.end(&Polled::failed(trouble), now, wall);
                    self.metrics.polled(&source.name, result);
                }
            }
        }
        for (name, config, poll) in begun {
            let asked = Arc::clone(&config);
            let work = async move { poll.run(&asked).await }.into_actor(self);
            context.spawn(work.map(move |polled, agent, context| {
                agent.polled(&name, &config, polled, context);
            }));
        }
    }

    fn polled(
        &mut self,
        name: &str,
        config: &Arc<SourceConfig>,
        polled: Polled,
        context: &mut Context<Self>,
    ) {
        let (now, wall) = (self.now(), (self.parts.clock)());
        // an answer to a question of before a change of configuration is of nobody's use
        let Some(source) = self.sources.get_mut(name).filter(|source| Arc::ptr_eq(&source.config, config))
        else {
            return;
        };
        let result = source.end(&polled, now, wall);
        self.metrics.polled(name, result);
        if !self.leads {
            return;
        }
        for (service, found) in polled.found {
            let Some(known) = self.known.get(&service) else { continue };
            if !known.is_news(&found) {
                self.known.entry(service).and_modify(|known| known.last = Some(found));
                continue;
            }
            let asked = self.parts.states.send(Request::Deployed(found.of(&service)));
            let name = name.to_owned();
            context.spawn(asked.into_actor(self).map(move |answer, agent, _| {
                match answer.unwrap_or(Err(AskError::Busy)) {
                    Ok(_) => {
                        agent.metrics.stated(&name);
                        agent.known.entry(service).and_modify(|known| known.last = Some(found));
                    }
                    // it stays news, and is stated after the next poll
                    Err(error) => {
                        tracing::warn!(source = name, %service, %error, "a deployment can't be stated");
                    }
                }
            }));
        }
    }

    fn heard(&mut self, status: &ServiceStatus) {
        if let Some(known) = self.known.get_mut(&status.service)
            && known.stated != status.deployment
        {
            known.stated.clone_from(&status.deployment);
        }
    }
}

impl Actor for Deployments {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX_LIMIT);
        context.run_interval(LOOK_EVERY, Self::look);
    }
}

impl Handler<Follow> for Deployments {
    type Result = ();

    fn handle(&mut self, follow: Follow, _: &mut Self::Context) {
        self.take_up(follow);
    }
}

impl Handler<MeshNoted> for Deployments {
    type Result = ();

    fn handle(&mut self, MeshNoted(view): MeshNoted, _: &mut Self::Context) {
        let leads = view.leader().is_some_and(|claim| claim.node == view.me);
        self.leads = leads || self.parts.standing == Standing::Alone;
    }
}

impl Handler<Snapshot> for Deployments {
    type Result = ();

    fn handle(&mut self, Snapshot(all): Snapshot, _: &mut Self::Context) {
        self.informed = true;
        for status in all.iter() {
            self.heard(status);
        }
    }
}

impl Handler<Heard> for Deployments {
    type Result = ();

    fn handle(&mut self, Heard { status, .. }: Heard, _: &mut Self::Context) {
        self.heard(&status);
    }
}
