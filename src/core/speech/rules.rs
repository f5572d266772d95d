//! Who is to be told what: a fold of what is known of the services and what was said, at a moment. Every
//! node that knows the same gets the same, so a new leader repeats nothing.

use crate::incident::Incident;
use crate::mesh::ledger::Wanted;
use crate::mesh::words::{Notice, Word};
use crate::service::Service;
use crate::status::ServiceStatus;
use crate::vocabulary::{Level, MeshTime, Millis, ServiceId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most reminders of one incident: by then each is days after the last.
const REMINDERS_LIMIT: u16 = 30;
/// Longest distance between two reminders.
const REMIND_AT_MOST: Millis = Millis::seconds(24 * 3600);
/// Deepest chain of dependencies that is followed.
const DEPTH_LIMIT: usize = 16;

/// Which services are told of where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Route {
    /// Services with all of these labels; empty: all.
    pub labels: BTreeMap<String, String>,
    /// Services of one of these environments; empty: all.
    pub environments: Vec<String>,
    /// From this level on.
    pub level: Level,
    /// The channels that are told.
    pub channels: Vec<String>,
    /// Whether it stands only for services that no other route matches.
    pub is_default: bool,
    /// The first reminder comes so long after an incident opened, the next after twice that, and so on.
    pub remind_after: Option<Millis>,
    /// Channels that are told when nobody has acknowledged for `escalate_after`.
    pub escalate_to: Vec<String>,
    /// How long somebody has time to acknowledge.
    pub escalate_after: Millis,
}

impl Route {
    fn matches(&self, service: &Service) -> bool {
        let labels = self.labels.iter().all(|(name, value)| service.labels.get(name) == Some(value));
        labels && (self.environments.is_empty() || self.environments.contains(&service.environment))
    }
}

/// A service as the rules see it.
#[derive(Debug, Clone)]
pub struct Known {
    /// The service.
    pub service: Arc<Service>,
    /// How it is.
    pub status: Arc<ServiceStatus>,
    /// Its latest incident, open or not.
    pub incident: Option<Arc<Incident>>,
}

impl Known {
    /// The incident that goes on.
    pub fn open(&self) -> Option<&Arc<Incident>> {
        let open = self.status.incident.as_ref()?;
        self.incident.as_ref().filter(|incident| incident.id == *open && incident.ended.is_none())
    }
}

/// Everything the rules look at.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// The services, by id.
    pub services: BTreeMap<ServiceId, Known>,
    /// The routes; none: every channel is told everything.
    pub routes: Vec<Route>,
}

/// What should be said on a channel by now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Due {
    /// What should be said of each service.
    pub wanted: Vec<Wanted>,
    /// Outages that a silence or a maintenance keeps from being said.
    pub held: BTreeSet<ServiceId>,
    /// When that changes by time alone.
    pub next: Option<MeshTime>,
}

impl Picture {
    /// What should be said on `channel` by now; `said` is what was said last there of a service.
    pub fn due<'a>(
        &self,
        channel: &str,
        said: impl Fn(&ServiceId) -> Option<&'a Notice>,
        now: MeshTime,
    ) -> Due {
        let mut due = Due::default();
        for known in self.services.values() {
            let before = said(&known.service.id);
            let Some(open) = known.open() else {
                due.wanted.extend(over(known, before));
                continue;
            };
            let told =
                before.is_some_and(|said| said.level >= Level::Incident && said.incident == open.id.first);
            let plan = self.plan(known, open, channel, now);
            due.next = [due.next, plan.next].into_iter().flatten().min();
            if !told && (!plan.is_told || self.is_explained(known, 0)) {
                continue;
            }
            if !told && (known.status.silence.is_some() || known.status.maintenance.is_some()) {
                due.held.insert(known.service.id.clone());
                continue;
            }
            due.wanted.push(wanted(known, open, before, plan.reminder));
        }
        due
    }

    /// How many services that need this one fail, too.
    pub fn dependents(&self, of: &ServiceId) -> usize {
        let needs = |known: &&Known| known.service.depends_on.contains(of) && known.open().is_some();
        self.services.values().filter(needs).count()
    }

    /// Whether a service that this one needs fails, or one that that one needs.
    fn is_explained(&self, known: &Known, depth: usize) -> bool {
        depth < DEPTH_LIMIT
            && known
                .service
                .depends_on
                .iter()
                .filter_map(|id| self.services.get(id))
                .any(|needed| needed.open().is_some() || self.is_explained(needed, depth + 1))
    }

    fn plan(&self, known: &Known, open: &Incident, channel: &str, now: MeshTime) -> Plan {
        let mut plan = Plan { is_told: self.routes.is_empty(), ..Plan::default() };
        let named = |channels: &[String]| channels.iter().any(|name| name == channel);
        let matching = |route: &&Route| !route.is_default && route.matches(&known.service);
        let any = self.routes.iter().any(|route| matching(&route));
        let opened = open.began;
        let nobody = known.status.acknowledged.is_none();
        for route in self.routes.iter().filter(|route| matching(route) || (route.is_default && !any)) {
            if open.worst < route.level {
                continue;
            }
            if named(&route.channels) {
                plan.is_told = true;
                if let Some(after) = route.remind_after.filter(|_| nobody) {
                    let (count, next) = reminders(opened, after, now);
                    plan.reminder = plan.reminder.max(count);
                    plan.next = Some(plan.next.map_or(next, |known| known.min(next)));
                }
            }
            if named(&route.escalate_to) && nobody {
                let at = opened.plus(route.escalate_after);
                if now >= at {
                    plan.is_told = true;
                } else {
                    plan.next = Some(plan.next.map_or(at, |known| known.min(at)));
                }
            }
        }
        plan
    }

    /// Whether a channel hears of a service only because nobody has acknowledged.
    pub fn is_escalation(&self, service: &Service, channel: &str) -> bool {
        let of = |list: fn(&Route) -> &Vec<String>| {
            self.routes.iter().any(|route| route.matches(service) && list(route).iter().any(|c| c == channel))
        };
        of(|route| &route.escalate_to) && !of(|route| &route.channels)
    }
}

#[derive(Debug, Default)]
struct Plan {
    is_told: bool,
    reminder: u16,
    next: Option<MeshTime>,
}

/// A service without an open incident: well again, if it was said to fail. While it flaps that waits.
fn over(known: &Known, before: Option<&Notice>) -> Option<Wanted> {
    let before = before.filter(|said| said.level >= Level::Incident)?;
    if known.status.flapping && before.detail.word == Word::Flapping {
        return Some(same(known, before));
    }
    // before any verdict nothing is known to be well; nor is a service whose open incident is not known yet
    if known.status.level == Level::Unknown || known.status.incident.is_some() {
        return Some(same(known, before));
    }
    let incident = known.incident.as_ref().map_or(before.incident, |incident| incident.id.first);
    Some(Wanted {
        service: known.service.id.clone(),
        incident: incident.max(before.incident),
        level: Level::Healthy,
        word: Word::Level,
    })
}

fn same(known: &Known, before: &Notice) -> Wanted {
    Wanted {
        service: known.service.id.clone(),
        incident: before.incident,
        level: before.level,
        word: before.detail.word,
    }
}

fn wanted(known: &Known, open: &Incident, before: Option<&Notice>, reminder: u16) -> Wanted {
    let flapping = before.filter(|said| said.detail.word == Word::Flapping && said.level >= Level::Incident);
    if let Some(before) = flapping.filter(|_| known.status.flapping) {
        return same(known, before);
    }
    // a reminder follows what it reminds of: never in place of the first word
    let told = before.is_some_and(|said| said.level >= Level::Incident && said.incident == open.id.first);
    let word = match (known.status.flapping, told && reminder > 0) {
        (true, _) => Word::Flapping,
        (false, true) => Word::Reminder(reminder),
        (false, false) => Word::Level,
    };
    Wanted { service: known.service.id.clone(), incident: open.id.first, level: open.worst, word }
}

/// How many reminders are due since `opened`, and when the next one is: after one span, then twice, four
/// times that, up to a day.
fn reminders(opened: MeshTime, first: Millis, now: MeshTime) -> (u16, MeshTime) {
    let mut gap = Millis(first.0.max(60_000));
    let mut at = opened.plus(gap);
    let mut count = 0;
    while at <= now && count < REMINDERS_LIMIT {
        count += 1;
        gap = Millis(gap.0.saturating_mul(2).min(REMIND_AT_MOST.0.max(first.0)));
        at = at.plus(gap);
    }
    (count, at)
}

#[cfg(test)]
mod tests;
