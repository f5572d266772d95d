//! How long a candidate must have been there and fit before the incumbent makes way for it: longer for
//! one that comes and goes.

use super::{Candidate, STABLE_FOR};
use crate::mesh::words::Steady;
use crate::vocabulary::{Millis, NodeId};
use std::collections::BTreeMap;

/// A candidate that fails again within this time is asked to stay twice as long.
const FLAP_WINDOW: Millis = Millis::seconds(10 * 60);
/// But never longer than this.
const STABLE_LIMIT: Millis = Millis::seconds(3600);

#[derive(Debug, Clone)]
struct Record {
    /// Since when it is there and fit; none while it is not.
    since: Option<Steady>,
    /// When it last ceased to be.
    broke: Option<Steady>,
    /// How long it has to be.
    wait: Millis,
    /// In which look at the candidates it was last among them.
    pass: u64,
}

impl Record {
    fn breaks(&mut self, now: Steady) {
        if self.since.take().is_none() {
            return;
        }
        let quiet = self.broke.map(|broke| now.since(broke));
        if quiet.is_some_and(|quiet| quiet <= FLAP_WINDOW) {
            self.wait = Millis(self.wait.0.saturating_mul(2)).min(STABLE_LIMIT);
        } else if quiet.is_none_or(|quiet| quiet >= self.wait) {
            self.wait = STABLE_FOR;
        }
        self.broke = Some(now);
    }
}

/// The records of those that could be made way for.
#[derive(Debug, Clone, Default)]
pub(super) struct Stability {
    records: BTreeMap<NodeId, Record>,
    pass: u64,
}

impl Stability {
    /// Looks at the candidates of higher priority; the others are never made way for.
    pub(super) fn look(&mut self, others: &[Candidate<'_>], priority: u8, now: Steady) {
        self.pass = self.pass.wrapping_add(1);
        let pass = self.pass;
        for other in others.iter().filter(|other| other.priority > priority) {
            if !self.records.contains_key(other.node) {
                let record = Record { since: None, broke: None, wait: STABLE_FOR, pass };
                self.records.insert(other.node.clone(), record);
            }
            let Some(record) = self.records.get_mut(other.node) else { continue };
            record.pass = pass;
            if !other.post.fit || record.since.is_some_and(|since| other.alive_since > since) {
                record.breaks(now);
            }
            if other.post.fit {
                record.since.get_or_insert(now);
            }
        }
        self.records.retain(|_, record| {
            if record.pass != pass {
                record.breaks(now);
            }
            // who is gone for as long as it could be asked to stay begins anew
            record.pass == pass || record.broke.is_some_and(|broke| now.since(broke) < STABLE_LIMIT)
        });
    }

    /// From when on a candidate can be made way for; none while it is not there or not fit.
    pub(super) fn ready_at(&self, node: &NodeId) -> Option<Steady> {
        let record = self.records.get(node)?;
        Some(record.since?.plus(record.wait))
    }
}
