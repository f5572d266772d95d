//! What is true of the services: when each is out, for whom, and how that shows.

use crate::chance::Chance;
use crate::network::Index;
use crate::options::{Hit, Options};
use crate::queue::At;

/// An outage of a service.
#[derive(Debug, Clone)]
pub(crate) struct Outage {
    /// Counts them.
    pub(crate) number: u32,
    /// Since when.
    pub(crate) from: At,
    /// Whom it hits.
    pub(crate) hit: Hit,
    /// The nodes that it hits; those that are not among these are not hit.
    pub(crate) nodes: Vec<bool>,
    /// Tests do not come back, in a hundred; the others are refused at once.
    pub(crate) hangs: u64,
}

/// The truth about one service.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// The outage it has now.
    pub(crate) outage: Option<Outage>,
    /// When the last one ended.
    pub(crate) ended: At,
    count: u32,
    /// Those that are over: from when to when.
    past: Vec<(At, At)>,
}

impl Truth {
    /// Whether a node finds it out of order.
    pub(crate) fn is_out_for(&self, node: Index) -> bool {
        let hit = |outage: &Outage| outage.nodes.get(usize::from(node)).copied().unwrap_or(false);
        self.outage.as_ref().is_some_and(hit)
    }

    /// Whether somebody may have found it out of order between two moments.
    pub(crate) fn was_out(&self, from: At, until: At) -> bool {
        let now = self.outage.as_ref().is_some_and(|outage| outage.from <= until);
        now || self.past.iter().rev().take_while(|(_, end)| *end >= from).any(|(begin, _)| *begin <= until)
    }

    /// When the last one that is over began, if the one before it had been over for so long by then.
    pub(crate) fn last_began_after(&self, rest: u64) -> Option<At> {
        let mut latest = self.past.iter().rev();
        let (began, _) = *latest.next()?;
        latest.next().is_none_or(|(_, ended)| ended + rest < began).then_some(began)
    }

    /// Another outage begins.
    pub(crate) fn begin(&mut self, options: &Options, nodes: usize, now: At, chance: &mut Chance) -> &Outage {
        let hit = chance.one_of(&options.hits).unwrap_or(Hit::All);
        self.count += 1;
        let one = chance.place(nodes);
        let hits = |node: usize, chance: &mut Chance| match hit {
            Hit::All | Hit::Flapping => true,
            Hit::Some => chance.per_cent(50),
            Hit::One => node == one,
        };
        // whoever joins meanwhile is hit as well when all are
        let room = if matches!(hit, Hit::All | Hit::Flapping) { nodes + 64 } else { nodes };
        let nodes = (0..room).map(|node| hits(node, chance)).collect();
        let hangs = chance.one_of(&[0, 0, 50, 100]).unwrap_or_default();
        self.outage.insert(Outage { number: self.count, from: now, hit, nodes, hangs })
    }

    /// It ends.
    pub(crate) fn end(&mut self, now: At) -> Option<Outage> {
        self.ended = now;
        let over = self.outage.take()?;
        self.past.push((over.from, now));
        Some(over)
    }
}
