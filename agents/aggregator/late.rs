//! Late results: when their service has been quiet for a moment its past is folded anew from the store, on
//! a thread of its own, and the incidents of that past are corrected.

use crate::aggregator::Aggregator;
use actix::prelude::*;
use p7_core::incident::Incident;
use p7_core::past::{Before, CYCLES_BEFORE, FoldedPast, PastFold};
use p7_core::service::Service;
use p7_core::vocabulary::{Cycle, MeshTime, Millis, ServiceId};
use p7_core::watch::{Effect, Sites};
use p7_store::{IncidentsQuery, PAGE_LIMIT, Store, StoreError, Which};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Ticks without another late result after which a service's past is folded anew: the end of catching up.
const QUIET_TICKS: u32 = 2;
/// Nor is it put off for longer than this: a vantage point may be late for ever.
const LONGEST_TICKS: u32 = 60;
/// Results read at once; others write and read in between.
const PART: usize = 5_000;
/// Stored incidents of a past that are looked at.
const INCIDENTS_LIMIT: usize = 10_000;

/// Services whose past is to be folded anew.
#[derive(Debug, Default)]
pub(crate) struct Late {
    waiting: BTreeMap<ServiceId, Waiting>,
    /// One is being folded.
    folding: bool,
}

#[derive(Debug)]
struct Waiting {
    oldest: Cycle,
    quiet: u32,
    age: u32,
}

impl Late {
    /// A result came of a cycle that is no longer remembered.
    pub(crate) fn note(&mut self, service: ServiceId, cycle: Cycle) {
        let waiting = self.waiting.entry(service).or_insert(Waiting { oldest: cycle, quiet: 0, age: 0 });
        waiting.oldest = waiting.oldest.min(cycle);
        waiting.quiet = 0;
    }

    fn tick(&mut self) {
        for waiting in self.waiting.values_mut() {
            waiting.quiet = waiting.quiet.saturating_add(1);
            waiting.age = waiting.age.saturating_add(1);
        }
    }

    /// The next whose time has come.
    fn next(&mut self) -> Option<(ServiceId, Cycle)> {
        let due = |waiting: &Waiting| waiting.quiet > QUIET_TICKS || waiting.age > LONGEST_TICKS;
        let service = self.waiting.iter().find(|(_, waiting)| due(waiting))?.0.clone();
        self.waiting.remove(&service).map(|waiting| (service, waiting.oldest))
    }
}

/// What a fold needs to know.
struct Task {
    store: Store,
    service: Arc<Service>,
    sites: Sites,
    late: Cycle,
    before: Cycle,
}

/// What it came to.
struct Done {
    past: FoldedPast,
    corrections: Vec<Effect>,
}

impl Aggregator {
    /// A second has passed.
    pub(crate) fn tick_late(&mut self, context: &mut Context<Self>) {
        self.late.tick();
        self.fold_next(context);
    }

    /// Folds the next service's past, if none is being folded.
    fn fold_next(&mut self, context: &mut Context<Self>) {
        if self.late.folding || !self.written() {
            return;
        }
        while let Some((id, late)) = self.late.next() {
            let Some((service, before)) =
                self.watch.service(&id).cloned().zip(self.watch.remembers_from(&id))
            else {
                continue;
            };
            let (store, sites) = (self.ledger.store().clone(), self.sites.clone());
            self.late.folding = true;
            let task = Task { store, service: Arc::clone(&service), sites, late, before };
            let work = tokio::task::spawn_blocking(move || folded(&task));
            let done = actix::fut::wrap_future::<_, Self>(work).map(move |done, agent, context| {
                agent.late.folding = false;
                match done {
                    Ok(Ok(done)) => agent.correct(&service, done, late),
                    Ok(Err(error)) => {
                        tracing::error!(service = %service.id, %error, "can't fold a service's past anew");
                    }
                    Err(error) => tracing::error!(%error, "folding a service's past was broken off"),
                }
                agent.fold_next(context);
            });
            context.spawn(done);
            return;
        }
    }

    /// Takes up a service's past. Where the service or what is remembered of it has changed meanwhile, it
    /// is folded once more.
    fn correct(&mut self, service: &Arc<Service>, done: Done, late: Cycle) {
        let is_same = self.watch.service(&service.id).is_some_and(|now| Arc::ptr_eq(now, service));
        let taken = if is_same { self.watch.correct(&service.id, &done.past, (self.clock)()) } else { None };
        let Some(effects) = taken else {
            return self.late.note(service.id.clone(), late);
        };
        let mut all = done.corrections;
        all.extend(effects);
        let corrected = all.iter().filter(|effect| !matches!(effect, Effect::Status(_))).count();
        tracing::debug!(service = %service.id, corrected, "late results were weighed");
        self.perform(all, None);
    }
}

/// Folds a past from what is stored.
fn folded(task: &Task) -> Result<Done, StoreError> {
    let Task { store, service, sites, late, before } = task;
    let earlier = store.cycles_before(&service.id, *late, CYCLES_BEFORE)?;
    let first = earlier.first().map_or(*late, |result| result.cycle);
    let (stored, last_incident) = incidents(store, &service.id, first, *before)?;
    let known = Before { last_incident, first_seen: store.first_seen(&service.id)? };
    let mut fold = PastFold::new(Arc::clone(service), sites.clone(), first, known);
    let mut from = first;
    loop {
        let part = store.cycles_between(&service.id, (from, *before), PART)?;
        for result in &part {
            fold.take(result);
        }
        let Some(last) = part.last() else { break };
        from = Cycle::starting(last.cycle.start().plus(Millis(1)));
    }
    let past = fold.finish(*before);
    let corrections = past.corrections(&stored, *late);
    Ok(Done { past, corrections })
}

/// The stored incidents that began in a past, and the last before it.
fn incidents(
    store: &Store,
    service: &ServiceId,
    first: Cycle,
    before: Cycle,
) -> Result<(Vec<Incident>, Option<Incident>), StoreError> {
    let mut query = IncidentsQuery {
        service: Some(service.clone()),
        from: MeshTime(0),
        to: before.start(),
        which: Which::All,
        limit: PAGE_LIMIT,
        after: None,
    };
    let mut found = Vec::new();
    while found.len() < INCIDENTS_LIMIT {
        let page = store.incidents(&query)?;
        for incident in page.rows {
            let is_earlier = incident.id.first < first;
            found.push(incident.clone());
            if is_earlier {
                return Ok((found, Some(incident)));
            }
        }
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    Ok((found, None))
}
