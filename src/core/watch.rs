//! The state machine that turns results into statuses and incidents: events in, effects out.

use crate::facts::{Acknowledgement, Deployment, Hold};
use crate::incident::{Incident, IncidentId};
use crate::past::FoldedPast;
use crate::result::ProbeResult;
use crate::service::Service;
use crate::status::ServiceStatus;
use crate::track::{Changed, Track};
use crate::vocabulary::{Cycle, MeshTime, NodeId, ServiceId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many cycles a status shows, gaps included.
pub const SHOWN_CYCLES: usize = 30;
/// How many cycles with results are kept a service: what is shown and what the longest window and
/// flapping look at. A result older than these goes to the store only.
pub const KEPT_CYCLES: usize = 32;

/// Which node is at which site.
pub type Sites = BTreeMap<NodeId, String>;

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A result was measured here or heard from a peer.
    Result(Arc<ProbeResult>),
    /// Time has passed.
    Tick,
    /// Somebody acknowledged an incident.
    Acknowledged(Acknowledgement),
    /// Somebody stated or changed a silence or maintenance.
    Held(Hold),
    /// A deployment began or ended.
    Deployed(Deployment),
}

/// What should follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A service's status is another now.
    Status(Arc<ServiceStatus>),
    /// An incident opened, worsened or ended.
    Incident(Arc<Incident>),
    /// Late results have shown that there was no such incident.
    NoIncident(IncidentId),
}

/// What follows from many results at once.
#[derive(Debug, Clone, Default)]
pub struct HeardAll {
    /// What should follow.
    pub effects: Vec<Effect>,
    /// Services that got results older than what is remembered, with the oldest cycle of those.
    pub late: BTreeMap<ServiceId, Cycle>,
}

/// What the store knows of a service when a node starts.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// The results of its last cycles, in any order.
    pub results: Vec<ProbeResult>,
    /// Its last incident that began before the oldest of these results, open or ended.
    pub last_incident: Option<Incident>,
    /// When it was first probed.
    pub first_seen: Option<MeshTime>,
    /// Who acknowledged its open incident.
    pub acknowledged: Option<Acknowledgement>,
    /// Its last deployment.
    pub deployment: Option<Deployment>,
}

/// All services and what is known of them.
#[derive(Debug, Default)]
pub struct Watch {
    tracks: BTreeMap<ServiceId, Track>,
    holds: BTreeMap<String, Hold>,
    sites: Sites,
}

impl Watch {
    /// Watches exactly these services from now on. What is known of those that stay is kept; the open
    /// incident of one that goes ends with it. Any status may be another now: see [`Self::statuses`].
    pub fn configure(&mut self, services: &[Arc<Service>], now: MeshTime) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut before = std::mem::take(&mut self.tracks);
        for service in services {
            let mut track = match before.remove(&service.id) {
                Some(track) => track,
                None => Track::new(Arc::clone(service)),
            };
            track.rule(Arc::clone(service));
            incidents(&mut effects, track.refold());
            track.show(&self.holds, now);
            self.tracks.insert(service.id.clone(), track);
        }
        let open = before.values().filter_map(|track| track.folded.incident.as_ref());
        effects.extend(open.map(|open| Effect::Incident(Arc::new(abandoned(open, now)))));
        effects
    }

    /// Watches one service more, with what the store knows of it.
    pub fn resume(&mut self, service: &Arc<Service>, past: Past, now: MeshTime) {
        let mut track = Track::new(Arc::clone(service));
        let oldest = past.results.iter().map(|result| result.cycle).min();
        track.resume(past.last_incident, oldest, past.first_seen);
        track.acknowledged = past.acknowledged;
        track.deployment = past.deployment;
        for result in &past.results {
            track.note(result, &self.sites);
        }
        track.refold();
        track.show(&self.holds, now);
        self.tracks.insert(service.id.clone(), track);
    }

    /// Takes up the holds the store knows.
    pub fn restore_holds(&mut self, holds: Vec<Hold>, now: MeshTime) {
        self.holds = holds.into_iter().map(|hold| (hold.id.clone(), hold)).collect();
        for track in self.tracks.values_mut() {
            track.show(&self.holds, now);
        }
    }

    /// Says which node is at which site: machines of one site are one witness.
    pub fn place(&mut self, sites: Sites, now: MeshTime) -> Vec<Effect> {
        self.sites = sites;
        let mut effects = Vec::new();
        for track in self.tracks.values_mut() {
            track.recast(&self.sites);
            incidents(&mut effects, track.refold());
            show(&mut effects, track, &self.holds, now);
        }
        effects
    }

    /// Notes what happened and says what should follow. Never blocks, never fails; what is known
    /// already, too old, or about a service that is not watched has no effect.
    pub fn hear(&mut self, event: Event, now: MeshTime) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Result(result) => {
                let Some(track) = self.tracks.get_mut(&result.service) else {
                    return effects;
                };
                if track.note(&result, &self.sites) {
                    incidents(&mut effects, track.refold());
                    show(&mut effects, track, &self.holds, now);
                }
            }
            Event::Tick => {
                for track in self.tracks.values_mut().filter(|track| track.due <= now) {
                    show(&mut effects, track, &self.holds, now);
                }
                self.holds.retain(|_, hold| hold.ends > now);
            }
            Event::Acknowledged(said) => {
                let Some(track) = self.tracks.get_mut(&said.service) else {
                    return effects;
                };
                let newer = track.acknowledged.as_ref().is_none_or(|known| {
                    (&known.incident.first, known.at, &known.by) < (&said.incident.first, said.at, &said.by)
                });
                if newer {
                    track.acknowledged = Some(said);
                    show(&mut effects, track, &self.holds, now);
                }
            }
            Event::Held(hold) => {
                // of two versions of one moment every node takes the same
                let rank = |hold: &Hold| (hold.stated, hold.ends, hold.by.clone(), hold.reason.clone());
                let newer = self.holds.get(&hold.id).is_none_or(|known| rank(known) < rank(&hold));
                if newer {
                    self.holds.insert(hold.id.clone(), hold);
                    for track in self.tracks.values_mut() {
                        show(&mut effects, track, &self.holds, now);
                    }
                }
            }
            Event::Deployed(deployment) => {
                let Some(track) = self.tracks.get_mut(&deployment.service) else {
                    return effects;
                };
                let rank = |one: &Deployment| (one.at, one.state, one.name.clone(), one.by.clone());
                let newer = track.deployment.as_ref().is_none_or(|known| rank(known) <= rank(&deployment));
                if newer {
                    track.deployment = Some(deployment);
                    show(&mut effects, track, &self.holds, now);
                }
            }
        }
        effects
    }

    /// Notes many results at once and says what should follow: a status once a service, an incident as it
    /// stands in the end. Which are too old is told, too: see [`crate::past`].
    pub fn hear_all(&mut self, results: &[Arc<ProbeResult>], now: MeshTime) -> HeardAll {
        let mut heard = HeardAll::default();
        let mut sorted: Vec<&Arc<ProbeResult>> = results.iter().collect();
        sorted.sort_by_key(|result| result.cycle);
        let mut changed: BTreeSet<&ServiceId> = BTreeSet::new();
        for result in sorted {
            let Some(track) = self.tracks.get_mut(&result.service) else { continue };
            if track.remembers_from().is_some_and(|from| result.cycle < from) {
                // the first is the oldest
                heard.late.entry(result.service.clone()).or_insert(result.cycle);
            } else if track.note(result, &self.sites) {
                changed.insert(&result.service);
                if track.overflows() {
                    incidents(&mut heard.effects, track.refold());
                }
            }
        }
        for id in changed {
            if let Some(track) = self.tracks.get_mut(id) {
                incidents(&mut heard.effects, track.refold());
                show(&mut heard.effects, track, &self.holds, now);
            }
        }
        keep_last(&mut heard.effects);
        heard
    }

    /// The first cycle of a service that is remembered here; results of earlier ones go to the store only.
    /// None when nothing was forgotten yet.
    pub fn remembers_from(&self, service: &ServiceId) -> Option<Cycle> {
        self.tracks.get(service)?.remembers_from()
    }

    /// Takes up what late results have made of a service's past. None when what is remembered has moved on
    /// meanwhile: fold again.
    pub fn correct(&mut self, service: &ServiceId, past: &FoldedPast, now: MeshTime) -> Option<Vec<Effect>> {
        let track = self.tracks.get_mut(service)?;
        let mut effects = Vec::new();
        incidents(&mut effects, track.correct(past)?);
        show(&mut effects, track, &self.holds, now);
        Some(effects)
    }

    /// A service's status as last shown.
    pub fn status(&self, service: &ServiceId) -> Option<&Arc<ServiceStatus>> {
        self.tracks.get(service).map(|track| &track.status)
    }

    /// Every service's status, by id.
    pub fn statuses(&self) -> impl Iterator<Item = &Arc<ServiceStatus>> {
        self.tracks.values().map(|track| &track.status)
    }

    /// A service's open incident.
    pub fn open_incident(&self, service: &ServiceId) -> Option<&Incident> {
        self.tracks.get(service)?.folded.incident.as_ref()
    }

    /// An incident that is open or has ended not long ago.
    pub fn incident(&self, id: &IncidentId) -> Option<&Incident> {
        self.tracks.get(&id.service)?.incident(id)
    }

    /// Who has acknowledged an incident, if it is the last that somebody did.
    pub fn acknowledgement(&self, id: &IncidentId) -> Option<&Acknowledgement> {
        self.tracks.get(&id.service)?.acknowledged.as_ref().filter(|said| said.incident == *id)
    }

    /// A watched service.
    pub fn service(&self, service: &ServiceId) -> Option<&Arc<Service>> {
        self.tracks.get(service).map(|track| &track.service)
    }

    /// Whether any service belongs to this environment.
    pub fn has_environment(&self, environment: &str) -> bool {
        self.tracks.values().any(|track| track.service.environment == environment)
    }

    /// All holds that have not ended, by id.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values()
    }
}

/// An incident of a service that is no longer watched: it ends now.
pub fn abandoned(open: &Incident, now: MeshTime) -> Incident {
    Incident { recovered: Some(Cycle::starting(now)), ended: Some(now), ..open.clone() }
}

fn incidents(effects: &mut Vec<Effect>, changed: Changed) {
    effects.extend(changed.withdrawn.into_iter().map(Effect::NoIncident));
    let known = changed.incidents.into_iter().map(Arc::new);
    effects.extend(known.map(Effect::Incident));
}

/// Of several words about one incident only the last is worth saying.
fn keep_last(effects: &mut Vec<Effect>) {
    let mut said = BTreeSet::new();
    effects.reverse();
    effects.retain(|effect| match effect {
        Effect::Status(_) => true,
        Effect::Incident(incident) => said.insert(incident.id.clone()),
        Effect::NoIncident(id) => said.insert(id.clone()),
    });
    effects.reverse();
}

fn show(effects: &mut Vec<Effect>, track: &mut Track, holds: &BTreeMap<String, Hold>, now: MeshTime) {
    if track.show(holds, now) {
        effects.push(Effect::Status(Arc::clone(&track.status)));
    }
}
