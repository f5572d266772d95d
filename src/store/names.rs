//! The small numbers that services and nodes have in keys.

use crate::engine::Row;
use crate::keys::{NAMES, number};
use p7_core::vocabulary::{NodeId, ServiceId};
use std::collections::HashMap;
use std::hash::Hash;

const SERVICE: u8 = b's';
const NODE: u8 = b'n';

/// Ids of one kind by number and numbers by id. Numbers are given in order and never again.
#[derive(Debug)]
pub(crate) struct Numbered<T> {
    by_number: Vec<T>,
    by_id: HashMap<T, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { by_number: Vec::new(), by_id: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Numbered<T> {
    pub(crate) fn id(&self, number: u32) -> Option<&T> {
        self.by_number.get(usize::try_from(number).ok()?)
    }

    pub(crate) fn number(&self, id: &T) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    fn add(&mut self, id: T) -> u32 {
        let number = u32::try_from(self.by_number.len()).unwrap_or(u32::MAX);
        self.by_number.push(id.clone());
        self.by_id.insert(id, number);
        number
    }
}

/// All numbers there are. A new one counts at once and is written with the next batch.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) services: Numbered<ServiceId>,
    pub(crate) nodes: Numbered<NodeId>,
    unsaved: Vec<(Vec<u8>, u32)>,
}

impl Names {
    /// Takes up the rows of a database. None when they are not what was written.
    pub(crate) fn load(rows: &[Row]) -> Option<Self> {
        let mut services = Vec::new();
        let mut nodes = Vec::new();
        for (key, value) in rows {
            let (kind, text) = key.get(1..)?.split_first()?;
            let text = std::str::from_utf8(text).ok()?;
            match *kind {
                SERVICE => services.push((number(value), ServiceId::new(text).ok()?)),
                NODE => nodes.push((number(value), NodeId::new(text).ok()?)),
                _unknown => return None,
            }
        }
        let mut names = Self::default();
        in_order(services, &mut names.services)?;
        in_order(nodes, &mut names.nodes)?;
        Some(names)
    }

    /// The number of a service, a new one if it has none.
    pub(crate) fn service(&mut self, id: &ServiceId) -> u32 {
        if let Some(number) = self.services.number(id) {
            return number;
        }
        let number = self.services.add(id.clone());
        self.unsaved.push((key(SERVICE, id.as_str()), number));
        number
    }

    /// The number of a node, a new one if it has none.
    pub(crate) fn node(&mut self, id: &NodeId) -> u32 {
        if let Some(number) = self.nodes.number(id) {
            return number;
        }
        let number = self.nodes.add(id.clone());
        self.unsaved.push((key(NODE, id.as_str()), number));
        number
    }

    /// Rows that are not yet written.
    pub(crate) fn unsaved(&self) -> &[(Vec<u8>, u32)] {
        &self.unsaved
    }

    /// They are written.
    pub(crate) fn saved(&mut self) {
        self.unsaved.clear();
    }
}

fn key(kind: u8, text: &str) -> Vec<u8> {
    let mut key = vec![NAMES, kind];
    key.extend(text.as_bytes());
    key
}

/// Adds ids by their numbers, which must leave no gap.
fn in_order<T: Clone + Eq + Hash>(mut rows: Vec<(u32, T)>, to: &mut Numbered<T>) -> Option<()> {
    rows.sort_by_key(|(number, _id)| *number);
    for (number, id) in rows {
        if to.add(id) != number {
            return None;
        }
    }
    Some(())
}
