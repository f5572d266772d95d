//! To whom a holder makes way, and when: because it cannot do the work, or because another should.

use super::{Candidate, Election, Fitness, TENURE};
use crate::mesh::rules::Rule;
use crate::mesh::words::Steady;
use crate::vocabulary::{Millis, NodeId};

/// Who was asked to take over and has not for this long is passed over for once: it may not hear us.
const PATIENCE: Millis = Millis(10_000);

/// Why a holder makes way.
enum Reason {
    /// It cannot do the work, or stops.
    Unable,
    /// Another has the higher priority.
    Priority,
}

impl Election {
    /// Asks whom it should to take over. The claim stays until the other's is heard: nobody steps down
    /// into a vacuum.
    pub(super) fn makes_way(&mut self, others: &[Candidate<'_>], now: Steady) {
        let heir = self.heir(others, now);
        if heir != self.yields_to {
            self.changed = true;
            self.asked_at = now;
            self.yields_to = heir;
        }
        if self.yields_to.is_some() {
            self.wake_at(self.asked_at.plus(PATIENCE));
        }
    }

    /// Who should take over: who was asked already while that is not in vain, else the first in rank.
    fn heir(&mut self, others: &[Candidate<'_>], now: Steady) -> Option<NodeId> {
        let reason = self.reason()?;
        let tenure_ends = self.serves_since.plus(TENURE);
        let mut heirs: Vec<&Candidate<'_>> = Vec::new();
        for other in others.iter().filter(|other| other.can_take_over()) {
            let ready_at = match reason {
                Reason::Unable => Some(now),
                Reason::Priority => self.stability.ready_at(other.node).map(|at| at.max(tenure_ends)),
            };
            match ready_at {
                Some(at) if at <= now => heirs.push(other),
                Some(at) => {
                    self.wake_at(at);
                }
                None => {}
            }
        }
        if let Some(asked) =
            self.yields_to.as_ref().filter(|asked| heirs.iter().any(|heir| heir.node == *asked))
        {
            if now < self.asked_at.plus(PATIENCE) {
                return Some(asked.clone());
            }
            self.passed_over = Some(asked.clone());
            self.asked_at = now;
        }
        if heirs.iter().any(|heir| self.passed_over.as_ref() != Some(heir.node)) {
            heirs.retain(|heir| self.passed_over.as_ref() != Some(heir.node));
        }
        heirs.into_iter().max_by_key(|heir| heir.rank()).map(|heir| heir.node.clone())
    }

    fn reason(&self) -> Option<Reason> {
        if self.leaving || (self.fitness == Fitness::Unfit && self.rules.has(Rule::Fitness)) {
            return Some(Reason::Unable);
        }
        self.rules.has(Rule::Incumbent).then_some(Reason::Priority)
    }
}
