//! What the mesh brings: results and statements of other nodes, and who is at which site.
//!
//! Facts of others are taken like own ones, but never stated again: their authors have done so.

use crate::aggregator::Aggregator;
use crate::statements::{HOLDS_LIMIT, note};
use actix::prelude::*;
use p7_bus::{FactsHeard, MeshNoted, Stated, note_dropped, tell};
use p7_core::facts::{Acknowledgement, Deployment, Hold, NOTE_LIMIT};
use p7_core::mesh::view::MeshView;
use p7_core::mesh::words;
use p7_core::result::ProbeResult;
use p7_core::vocabulary::{MeshTime, NodeId, ServiceId};
use p7_core::watch::{Effect, Event, Sites};
use p7_store::Fact;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most nodes whose site is known: sixteen full meshes of 64.
const SITES_LIMIT: usize = 1_024;

impl Handler<FactsHeard> for Aggregator {
    type Result = ();

    fn handle(&mut self, FactsHeard(facts): FactsHeard, _: &mut Self::Context) {
        let now = (self.clock)();
        let results = self.hear_statements(facts, now);
        self.hear_results(&results, now);
    }
}

impl Handler<MeshNoted> for Aggregator {
    type Result = ();

    fn handle(&mut self, MeshNoted(view): MeshNoted, _: &mut Self::Context) {
        let sites = placed(&self.sites, &view);
        if sites != self.sites {
            self.sites.clone_from(&sites);
            let effects = self.watch.place(sites, (self.clock)());
            self.perform(effects, None);
        }
    }
}

impl Aggregator {
    /// Tells the mesh what this node states.
    pub(crate) fn state_to_mesh(&self, fact: &words::Fact) {
        for listener in &self.listeners.stated {
            tell(listener, "statements", Stated(vec![fact.clone()]));
        }
    }

    /// Hears everything but results, and gives those.
    fn hear_statements(&mut self, facts: Vec<(NodeId, words::Fact)>, now: MeshTime) -> Vec<Arc<ProbeResult>> {
        let mut results = Vec::new();
        for (author, fact) in facts {
            match fact {
                // nobody speaks for another vantage point, nor in this node's name
                words::Fact::Result(result) if result.node == author => results.push(result),
                words::Fact::Result(_) => note_dropped("results of others", 1),
                words::Fact::Acknowledged(said) => self.hear_acknowledgement(said, now),
                words::Fact::Held(hold) => self.hear_hold(hold, now),
                words::Fact::Deployed(deployment) => self.hear_deployment(deployment, now),
                // other agents'
                words::Fact::About(_)
                | words::Fact::Configured(_)
                | words::Fact::Noticed(_)
                | words::Fact::Devices(_)
                | words::Fact::MailRead(_) => {}
            }
        }
        results
    }

    /// However many there are: they are written in the batches there are, and each service's status is told
    /// once.
    fn hear_results(&mut self, results: &[Arc<ProbeResult>], now: MeshTime) {
        if results.is_empty() {
            return;
        }
        for result in results {
            self.note(Fact::Result(Arc::clone(result)));
        }
        let heard = self.watch.hear_all(results, now);
        for (service, oldest) in heard.late {
            self.late.note(service, oldest);
        }
        let newest = newest_of(results);
        let (statuses, incidents): (Vec<Effect>, Vec<Effect>) =
            heard.effects.into_iter().partition(|effect| matches!(effect, Effect::Status(_)));
        self.perform(incidents, None);
        for effect in statuses {
            let result = match &effect {
                Effect::Status(status) => newest.get(&status.service).copied(),
                Effect::Incident(_) | Effect::NoIncident(_) => None,
            };
            self.perform(vec![effect], result);
        }
    }

    fn hear_acknowledgement(&mut self, said: Acknowledgement, now: MeshTime) {
        let incident = said.incident.clone();
        let said = Acknowledgement {
            service: incident.service.clone(),
            by: note(&said.by),
            reason: note(&said.reason),
            ..said
        };
        let before = self.watch.acknowledgement(&incident).cloned();
        self.note(Fact::Acknowledgement(said.clone()));
        let effects = self.watch.hear(Event::Acknowledged(said), now);
        self.perform(effects, None);
        if self.watch.acknowledgement(&incident) != before.as_ref()
            && let Some(known) = self.watch.incident(&incident)
        {
            self.tell_incident(&Arc::new(known.clone()));
        }
    }

    fn hear_hold(&mut self, hold: Hold, now: MeshTime) {
        let is_new = !self.watch.holds().any(|known| known.id == hold.id);
        let too_many = is_new && self.watch.holds().count() >= HOLDS_LIMIT;
        if too_many || hold.id.is_empty() || hold.id.len() > NOTE_LIMIT {
            return note_dropped("silences", 1);
        }
        let hold = Hold { by: note(&hold.by), reason: note(&hold.reason), ..hold };
        self.note(Fact::Hold(hold.clone()));
        let effects = self.watch.hear(Event::Held(hold), now);
        self.perform(effects, None);
    }

    fn hear_deployment(&mut self, deployment: Deployment, now: MeshTime) {
        let deployment = Deployment { name: note(&deployment.name), by: note(&deployment.by), ..deployment };
        self.note(Fact::Deployment(deployment.clone()));
        let effects = self.watch.hear(Event::Deployed(deployment), now);
        self.perform(effects, None);
    }
}

/// The newest result of each service.
fn newest_of(results: &[Arc<ProbeResult>]) -> BTreeMap<ServiceId, &Arc<ProbeResult>> {
    let mut newest: BTreeMap<ServiceId, &Arc<ProbeResult>> = BTreeMap::new();
    for result in results {
        let known = newest.entry(result.service.clone()).or_insert(result);
        if (known.cycle, known.at) < (result.cycle, result.at) {
            *known = result;
        }
    }
    newest
}

/// Which node is at which site: as the view has it, and as it was for nodes that it knows no longer, or
/// not yet; their results of before still count where they were.
fn placed(known: &Sites, view: &MeshView) -> Sites {
    let mut sites = known.clone();
    for member in &view.members {
        let Some(about) = &member.about else { continue };
        match about.labels.get("site") {
            Some(site) if sites.len() < SITES_LIMIT || sites.contains_key(&member.node) => {
                sites.insert(member.node.clone(), site.clone());
            }
            Some(_) => {}
            None => {
                sites.remove(&member.node);
            }
        }
    }
    sites
}
