//! Results on their way out: good ones are told together, a failure at once.

use actix::prelude::*;
use p7_bus::{ProbeFinished, tell};
use p7_core::result::ProbeResult;
use p7_core::vocabulary::{MeshTime, Millis, Vote};
use std::sync::Arc;

/// How long a good result may wait for others to be told with: so the agents behind wake up some 25 times
/// a second and not at every result. A failure waits for nobody.
const GATHER: Millis = Millis(40);

/// What is still to be told.
#[derive(Debug)]
pub(crate) struct Outbox {
    to: Recipient<ProbeFinished>,
    waiting: Vec<Arc<ProbeResult>>,
    due: Option<MeshTime>,
}

impl Outbox {
    pub(crate) fn new(to: Recipient<ProbeFinished>) -> Self {
        Self { to, waiting: Vec::new(), due: None }
    }

    /// Takes a result, and tells it now if it can't wait.
    pub(crate) fn take(&mut self, result: ProbeResult, now: MeshTime) {
        let good = result.outcome.vote() == Some(Vote::Passed);
        self.waiting.push(Arc::new(result));
        self.due.get_or_insert(now.plus(GATHER));
        if good {
            self.turn(now);
        } else {
            self.flush();
        }
    }

    /// When the next result must be told.
    pub(crate) fn due(&self) -> Option<MeshTime> {
        self.due
    }

    /// Tells what has waited long enough. A clock that was set back makes nothing wait longer.
    pub(crate) fn turn(&mut self, now: MeshTime) {
        if self.due.is_some_and(|due| due <= now || now.plus(GATHER) < due) {
            self.flush();
        }
    }

    /// Tells everything.
    pub(crate) fn flush(&mut self) {
        self.due = None;
        for result in self.waiting.drain(..) {
            tell(&self.to, "aggregator", ProbeFinished(result));
        }
    }
}
