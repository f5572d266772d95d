//! From verdicts to levels and incidents: one cycle after the other, oldest first.
//!
//! The whole rule is `step`: what was before and one decided cycle give what is after. A status is the
//! fold of it over all known cycles, so the order in which results arrive cannot matter.

use crate::flapping::{FLAPPING_VERDICTS, flaps};
use crate::incident::{Incident, IncidentId};
use crate::service::Rules;
use crate::status::Verdict;
use crate::verdict::Decision;
use crate::vocabulary::{Cycle, Interval, Level, MeshTime, ServiceId};
use std::collections::VecDeque;
use std::sync::Arc;

/// Fewer known cycles in the window than this freeze the level.
pub(crate) const KNOWN_CYCLES_NEEDED: usize = 3;

/// One cycle that somebody voted on.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    pub(crate) cycle: Cycle,
    pub(crate) decision: Decision,
    /// When the first probe of the winning side began.
    pub(crate) at: MeshTime,
    /// The first reason of the failed side.
    pub(crate) reason: Option<Arc<str>>,
}

/// The first failed cycle of an unbroken run.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    first: Cycle,
    began: MeshTime,
    reason: Option<Arc<str>>,
}

/// What is known of a service after some cycle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Folded {
    pub(crate) level: Level,
    pub(crate) since: Option<MeshTime>,
    pub(crate) flapping: bool,
    /// The open incident, as it stands.
    pub(crate) incident: Option<Incident>,
    /// The last decided cycles, oldest first, at most [`FLAPPING_VERDICTS`].
    tail: VecDeque<(Cycle, Verdict)>,
    /// Decided cycles so far, counted up to [`KNOWN_CYCLES_NEEDED`].
    decided: usize,
    run: Option<Run>,
    /// Passed cycles in a row since the last failed one.
    passes: u8,
    /// The cycle and time at which the passes were enough to recover.
    recovery: Option<(Cycle, MeshTime)>,
}

impl Folded {
    /// What a restart knows from the last incident before the results it has read: an open one goes on,
    /// an ended one says since when the service is healthy.
    pub(crate) fn resumed(last: Option<&Incident>, first_seen: Option<MeshTime>) -> Self {
        let mut folded = Self { since: first_seen, ..Self::default() };
        let Some(incident) = last else { return folded };
        if let Some(ended) = incident.ended {
            folded.since = Some(ended);
        } else {
            folded.level = incident.worst;
            folded.since = Some(incident.began);
            folded.decided = KNOWN_CYCLES_NEEDED;
            folded.run = Some(Run {
                first: incident.id.first,
                began: incident.began,
                reason: incident.reason.clone(),
            });
            folded.incident = Some(incident.clone());
        }
        folded
    }

    /// Takes for granted that there were cycles before: it is no service that has only just begun.
    pub(crate) fn going_on(mut self) -> Self {
        self.decided = KNOWN_CYCLES_NEEDED;
        self
    }

    /// The cycles of the window, newest first.
    pub(crate) fn window(&self, rules: Rules) -> impl Iterator<Item = (Cycle, Verdict)> + '_ {
        self.tail.iter().rev().take(usize::from(rules.window)).copied()
    }

    /// How many cycles are known among the `window` slots that end with `last`.
    pub(crate) fn known(&self, last: Cycle, rules: Rules, interval: Interval) -> usize {
        let oldest = last.earlier(u64::from(rules.window.saturating_sub(1)), interval);
        self.window(rules).filter(|(cycle, _)| *cycle >= oldest).count()
    }

    /// Whether a level could be told from so few cycles: a service that has only just begun may.
    pub(crate) fn settled(&self, known: usize, rules: Rules) -> bool {
        self.decided < KNOWN_CYCLES_NEEDED || known >= KNOWN_CYCLES_NEEDED.min(usize::from(rules.window))
    }

    /// The newest decided cycle.
    pub(crate) fn latest(&self) -> Option<Cycle> {
        self.tail.back().map(|(cycle, _)| *cycle)
    }

    /// Takes one more cycle, newer than all before. Returns the incident that it ended, if it did.
    pub(crate) fn step(
        &mut self,
        service: &ServiceId,
        rules: Rules,
        interval: Interval,
        decided: &Decided,
    ) -> Option<Incident> {
        let verdict = decided.decision.verdict;
        self.tail.push_back((decided.cycle, verdict));
        if self.tail.len() > FLAPPING_VERDICTS {
            self.tail.pop_front();
        }
        self.decided = (self.decided + 1).min(KNOWN_CYCLES_NEEDED);
        self.flapping = flaps(self.flapping, self.tail.iter().map(|(_, verdict)| *verdict));
        self.note_run(rules, decided);
        if !self.settled(self.known(decided.cycle, rules, interval), rules) {
            return None;
        }
        match verdict {
            Verdict::Failed => {
                self.fail(service, rules, decided);
                None
            }
            Verdict::Passed => self.pass(Level::Healthy, decided),
            Verdict::Partial => self.pass(Level::Partial, decided),
        }
    }

    fn note_run(&mut self, rules: Rules, decided: &Decided) {
        match decided.decision.verdict {
            Verdict::Failed => {
                // an open incident goes on: only a level that was told, not a frozen one, ends it
                if self.incident.is_none() && self.passes > 0 {
                    self.run = None;
                }
                self.passes = 0;
                self.recovery = None;
                self.run.get_or_insert_with(|| Run {
                    first: decided.cycle,
                    began: decided.at,
                    reason: decided.reason.clone(),
                });
            }
            Verdict::Passed | Verdict::Partial => {
                self.passes = self.passes.saturating_add(1);
                if self.passes >= rules.recover_after && self.recovery.is_none() {
                    self.recovery = Some((decided.cycle, decided.at));
                }
            }
        }
    }

    fn fail(&mut self, service: &ServiceId, rules: Rules, decided: &Decided) {
        let failed = self.window(rules).filter(|(_, verdict)| *verdict == Verdict::Failed).count();
        let confirmed = decided.decision.witnesses_failed >= u16::from(rules.confirm);
        let level = if failed >= usize::from(rules.red) {
            Level::Down
        } else if failed >= usize::from(rules.orange) || confirmed || self.incident.is_some() {
            Level::Incident
        } else {
            Level::Warning
        };
        self.level = level;
        if level == Level::Warning {
            self.since.get_or_insert(decided.at);
            return;
        }
        let Some(run) = &self.run else { return };
        self.since = Some(run.began);
        let incident = self.incident.get_or_insert_with(|| Incident {
            id: IncidentId { service: service.clone(), first: run.first },
            began: run.began,
            opened: decided.cycle,
            worst: level,
            recovered: None,
            ended: None,
            reason: run.reason.clone(),
        });
        incident.worst = incident.worst.max(level);
    }

    fn pass(&mut self, level: Level, decided: &Decided) -> Option<Incident> {
        let Some(incident) = &self.incident else {
            self.level = level;
            self.since.get_or_insert(decided.at);
            return None;
        };
        let (cycle, at) = self.recovery?;
        let ended = Incident { recovered: Some(cycle), ended: Some(at), ..incident.clone() };
        self.incident = None;
        self.run = None;
        self.level = level;
        self.since = Some(at);
        Some(ended)
    }
}
