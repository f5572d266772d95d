//! Which node tests which service, and its seat there: computed alike on every node, agreed on by nobody.
//!
//! Nodes are ordered per service by rendezvous hashing, so when one comes or goes, only the services
//! move that it tests itself. The order is the seats' order, too: when a node goes the others keep theirs.

use super::mix;
use super::rules::{Rule, RuleSet};
use crate::schedule::Seat;
use crate::service::{Service, VantagePoints};
use crate::vocabulary::{MeshTime, NodeId, ServiceId};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A node that may test: it is alive and settled.
#[derive(Debug, Clone, Copy)]
pub struct Prospect<'a> {
    /// Which.
    pub node: &'a NodeId,
    /// Its labels, for the services that ask for some.
    pub labels: &'a BTreeMap<String, String>,
    /// Where it stands, as its label says; a node that does not say so is a site by itself.
    pub site: Option<&'a str>,
}

impl Prospect<'_> {
    fn matches(&self, wanted: &BTreeMap<String, String>) -> bool {
        wanted.iter().all(|(key, value)| self.labels.get(key) == Some(value))
    }
}

/// The nodes that test a service, in the order of their seats: of those whose labels match all, or so many
/// as it asks for, the best of each site first. Where no labels match, labels do not count: a service is
/// never unwatched because of a label that nobody has, or whose last bearer has gone.
pub fn vantage_points<'a>(service: &Service, prospects: &[Prospect<'a>]) -> Vec<&'a NodeId> {
    let matching = prospects.iter().any(|prospect| prospect.matches(&service.vantage_labels));
    let key = mix::of_text(service.id.as_str());
    let mut ranked: Vec<(Rank<'a>, Option<&str>)> = prospects
        .iter()
        .filter(|prospect| !matching || prospect.matches(&service.vantage_labels))
        .map(|prospect| (rank(key, prospect.node), prospect.site))
        .collect();
    ranked.sort_unstable();
    ranked.dedup_by(|a, b| a.0 == b.0);
    let count = match service.vantage_points {
        VantagePoints::All => ranked.len(),
        VantagePoints::Count(count) => usize::from(count.max(1)),
    };
    if count < ranked.len() {
        ranked = best(&ranked, count);
    }
    ranked.into_iter().map(|((_, node), _)| node).collect()
}

/// A node's place in the order of one service: the least is first.
type Rank<'a> = (Reverse<u64>, &'a NodeId);

fn rank(service: u64, node: &NodeId) -> Rank<'_> {
    (Reverse(mix::with(service, mix::of_text(node.as_str()))), node)
}

/// The first `count`, where the first of every site are before the second of any; in order again.
fn best<'a, 'b>(ranked: &[(Rank<'a>, Option<&'b str>)], count: usize) -> Vec<(Rank<'a>, Option<&'b str>)> {
    let mut sites = BTreeSet::new();
    let (mut chosen, others): (Vec<_>, Vec<_>) =
        ranked.iter().copied().partition(|(_, site)| site.is_none_or(|site| sites.insert(site)));
    chosen.extend(others);
    chosen.truncate(count);
    chosen.sort_unstable();
    chosen
}

/// What this node tests, and everybody else: remembered, so that a change leaves no gap.
#[derive(Debug)]
pub struct Assignment {
    me: NodeId,
    rules: RuleSet,
    of: BTreeMap<ServiceId, Vec<NodeId>>,
    /// As last told; seats that are being left are among them.
    seats: Arc<BTreeMap<ServiceId, Seat>>,
    /// Seats that went to others, and until when this node keeps them.
    leaving: BTreeMap<ServiceId, MeshTime>,
}

impl Assignment {
    /// Nobody tests anything yet.
    pub fn new(me: NodeId, rules: RuleSet) -> Self {
        Self { me, rules, of: BTreeMap::new(), seats: Arc::default(), leaving: BTreeMap::new() }
    }

    /// Works everything out anew: when services or prospects have changed, and when it is due. This node's
    /// seats, if they are others than before. A seat that goes to another node is kept for one more
    /// interval, until that node has surely tested once.
    pub fn turn(
        &mut self,
        services: &[Arc<Service>],
        prospects: &[Prospect<'_>],
        now: MeshTime,
    ) -> Option<Arc<BTreeMap<ServiceId, Seat>>> {
        let may_test = prospects.iter().any(|prospect| *prospect.node == self.me);
        let mut of = BTreeMap::new();
        let mut seats = BTreeMap::new();
        let mut leaving = BTreeMap::new();
        for service in services {
            let nodes = vantage_points(service, prospects);
            if let Some(place) = nodes.iter().position(|node| **node == self.me) {
                seats.insert(service.id.clone(), seat(place, nodes.len()));
            } else if may_test && let Some((old, until)) = self.kept(service, now) {
                seats.insert(service.id.clone(), old);
                leaving.insert(service.id.clone(), until);
            }
            of.insert(service.id.clone(), nodes.into_iter().cloned().collect());
        }
        self.of = of;
        self.leaving = leaving;
        if *self.seats == seats {
            return None;
        }
        self.seats = Arc::new(seats);
        Some(Arc::clone(&self.seats))
    }

    /// The seat that this node has lost to another, and until when it keeps it; none when it has left it.
    fn kept(&self, service: &Service, now: MeshTime) -> Option<(Seat, MeshTime)> {
        let old = self.seats.get(&service.id).filter(|_| self.rules.has(Rule::Overlap))?;
        let interval = service.interval.span();
        // a clock that was set back must not keep a seat for long
        let longest = now.plus(interval);
        let until = self.leaving.get(&service.id).copied().unwrap_or(longest).min(longest);
        (now < until).then_some((*old, until))
    }

    /// When the next seat is left for good.
    pub fn due(&self) -> Option<MeshTime> {
        self.leaving.values().min().copied()
    }

    /// Who tests a service, in the order of their seats; those that are leaving are not among them.
    pub fn of(&self, service: &ServiceId) -> &[NodeId] {
        self.of.get(service).map_or(&[], Vec::as_slice)
    }
}

fn seat(place: usize, of: usize) -> Seat {
    let short = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    Seat { position: short(place), of: short(of).max(1) }
}

#[cfg(test)]
mod tests;
