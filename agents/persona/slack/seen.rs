//! What was heard already: Slack delivers at least once.

use std::collections::{BTreeSet, VecDeque};

/// Most ids that are remembered: some minutes of a busy workspace; Slack sends again within one.
const LIMIT: usize = 2_048;

/// The last ids.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    known: BTreeSet<String>,
    order: VecDeque<String>,
}

impl Seen {
    /// Whether something with these ids is new; from now on it is not.
    pub(crate) fn is_new(&mut self, keys: &[String]) -> bool {
        let is_new = !keys.iter().any(|key| self.known.contains(key));
        for key in keys {
            if self.known.insert(key.clone()) {
                self.order.push_back(key.clone());
            }
        }
        while self.order.len() > LIMIT {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
        is_new
    }
}
