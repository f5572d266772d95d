//! What people state: checked against what is known, written, then heard by the core.

use crate::aggregator::Aggregator;
use p7_bus::{Ask, AskError, Request};
use p7_core::facts::{Acknowledgement, Deployment, Hold, NOTE_LIMIT, Scope};
use p7_core::mesh::words;
use p7_core::vocabulary::{MeshTime, Millis, ServiceId, shortened};
use p7_core::watch::Event;
use p7_store::Fact;
use std::sync::Arc;

/// Longest hold: a year. A longer one is a service to be removed.
const LONGEST_HOLD: Millis = Millis::seconds(366 * 24 * 3600);
/// Most holds at once.
pub(crate) const HOLDS_LIMIT: usize = 1_000;

impl Aggregator {
    pub(crate) fn answer(&mut self, request: Request) -> Result<Ask, AskError> {
        let now = (self.clock)();
        match request {
            Request::Acknowledge { service, by, reason } => self.acknowledge(service, &by, &reason, now),
            Request::Hold { kind, scope, starts, ends, by, reason } => {
                let hold = Hold {
                    id: self.next_id(now),
                    kind,
                    scope,
                    starts: starts.unwrap_or(now),
                    ends,
                    by: note(&by),
                    reason: note(&reason),
                    stated: now,
                };
                self.hold(hold, now)
            }
            Request::Lift { id, by } => self.lift(&id, &by, now),
            Request::Deployed(deployment) => {
                self.known(&deployment.service)?;
                let deployment = Deployment {
                    name: note(&deployment.name),
                    by: note(&deployment.by),
                    at: now,
                    ..deployment
                };
                self.state(&Fact::Deployment(deployment.clone()))?;
                self.state_to_mesh(&words::Fact::Deployed(deployment.clone()));
                let effects = self.watch.hear(Event::Deployed(deployment.clone()), now);
                self.perform(effects, None);
                Ok(Ask::Deployed(deployment))
            }
            Request::Holds => Ok(Ask::Holds(self.watch.holds().cloned().collect())),
        }
    }

    fn acknowledge(
        &mut self,
        service: ServiceId,
        by: &str,
        reason: &str,
        now: MeshTime,
    ) -> Result<Ask, AskError> {
        self.known(&service)?;
        let Some(open) = self.watch.open_incident(&service) else {
            let why = format!("`{service}` has no open incident to acknowledge");
            return Err(AskError::Conflict(why));
        };
        let (open, incident) = (Arc::new(open.clone()), open.id.clone());
        let said = Acknowledgement { incident, service, by: note(by), at: now, reason: note(reason) };
        self.state(&Fact::Acknowledgement(said.clone()))?;
        self.state_to_mesh(&words::Fact::Acknowledged(said.clone()));
        let effects = self.watch.hear(Event::Acknowledged(said.clone()), now);
        self.perform(effects, None);
        self.tell_incident(&open);
        Ok(Ask::Acknowledged(said))
    }

    fn hold(&mut self, hold: Hold, now: MeshTime) -> Result<Ask, AskError> {
        if hold.ends <= hold.starts || hold.ends <= now {
            return Err(AskError::Invalid("it ends before it starts; give a later end".into()));
        }
        if hold.ends.since(now) > LONGEST_HOLD {
            return Err(AskError::Invalid("it lasts longer than a year; give an earlier end".into()));
        }
        if self.watch.holds().count() >= HOLDS_LIMIT {
            let why = format!("there are {HOLDS_LIMIT} silences and maintenances already; lift some");
            return Err(AskError::Conflict(why));
        }
        match &hold.scope {
            Scope::Service(service) => self.known(service)?,
            Scope::Environment(environment) if !self.watch.has_environment(environment) => {
                let id = environment.clone();
                return Err(AskError::NotFound { kind: "environment", id });
            }
            Scope::Environment(_) | Scope::All => {}
        }
        self.hold_stated(hold, now)
    }

    fn lift(&mut self, id: &str, by: &str, now: MeshTime) -> Result<Ask, AskError> {
        let Some(known) = self.watch.holds().find(|hold| hold.id == id).cloned() else {
            let id = shortened(id, NOTE_LIMIT).to_owned();
            return Err(AskError::NotFound { kind: "silence or maintenance", id });
        };
        tracing::info!(id, by, "a silence or maintenance was lifted");
        let stated = MeshTime(now.0.max(known.stated.0 + 1));
        self.hold_stated(Hold { starts: known.starts.min(now), ends: now, stated, ..known }, now)
    }

    fn hold_stated(&mut self, hold: Hold, now: MeshTime) -> Result<Ask, AskError> {
        self.state(&Fact::Hold(hold.clone()))?;
        self.state_to_mesh(&words::Fact::Held(hold.clone()));
        let effects = self.watch.hear(Event::Held(hold.clone()), now);
        self.perform(effects, None);
        Ok(Ask::Held(hold))
    }

    fn state(&mut self, fact: &Fact) -> Result<(), AskError> {
        self.ledger.state(fact).map_err(|error| {
            tracing::error!(%error, "a statement could not be stored");
            AskError::Unavailable(error.to_string())
        })
    }

    fn known(&self, service: &ServiceId) -> Result<(), AskError> {
        match self.watch.service(service) {
            Some(_) => Ok(()),
            None => Err(AskError::NotFound { kind: "service", id: service.to_string() }),
        }
    }

    /// An id nobody else gives: the end of this node's own, the time, and a number.
    fn next_id(&mut self, now: MeshTime) -> String {
        self.stated += 1;
        let node = self.node.as_str();
        let tail = node.get(node.len().saturating_sub(6)..).unwrap_or(node);
        format!("{tail}-{:x}-{:x}", now.0, self.stated)
    }
}

/// A text of lawful length, on one line.
pub(crate) fn note(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    shortened(clean.trim(), NOTE_LIMIT).to_owned()
}
