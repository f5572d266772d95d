//! How a world begins: its services and nodes, their first starts and the turns of the weather.

use crate::disk::Disk;
use crate::network::Index;
use crate::node::{Clock, Desk, Node, Power, Seen};
use crate::options::Options;
use crate::queue::At;
use crate::world::{Happening, World};
use p7_core::mesh::look::Looks;
use p7_core::service::{Rules, Service, VantagePoints};
use p7_core::vocabulary::{Interval, Millis, NodeId, ServiceId};
use p7_core::watch::{Sites, Watch};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Above so many nodes links are bounded in number, as the transport has it.
const FULL_MESH: usize = 64;
/// And then each node has about so many.
const DEGREE: usize = 16;
/// Within so long all nodes start at first.
const FIRST_STARTS: u64 = 5_000;

/// The services that are watched, in the order of their ids.
pub(crate) fn services(options: &Options) -> Vec<Arc<Service>> {
    let of = |(number, plan): (usize, &crate::options::Plan)| {
        let id = ServiceId::new(&format!("s{number:02}")).unwrap_or_else(|bad| unreachable!("{bad}"));
        let vantage_points = match plan.vantage_points {
            0 => VantagePoints::All,
            count => VantagePoints::Count(count),
        };
        let mut vantage_labels = BTreeMap::new();
        if plan.at_first_site {
            vantage_labels.insert("site".to_owned(), "site-0".to_owned());
        }
        Arc::new(Service {
            name: id.as_str().to_owned(),
            id,
            environment: String::new(),
            kind: "tcp".to_owned(),
            target: String::new(),
            interval: Interval::new(Millis(plan.interval)),
            timeout: Millis(plan.timeout),
            retries: 0,
            retry_delay: Millis(0),
            rules: Rules::default(),
            vantage_points,
            vantage_labels,
            description: None,
            runbook: None,
            link: None,
            labels: BTreeMap::new(),
            depends_on: Vec::new(),
            maintenance: Vec::new(),
        })
    };
    options.services.iter().enumerate().map(of).collect()
}

impl World {
    /// The nodes start one after the other; then the weather begins.
    pub(crate) fn set_up(&mut self) {
        for _ in 0..self.options.nodes {
            let node = self.add_node();
            let at = self.now + self.chance.below(FIRST_STARTS);
            self.queue.put(at, Happening::Start(node));
        }
        if let Some(bad) = self.options.bad_vantage
            && let Some(node) = self.nodes.get_mut(bad)
        {
            node.bad_vantage = true;
        }
        if self.options.dark_site {
            // most of the machines stand there, and see nothing
            let most = self.nodes.len() * 2 / 3;
            for (number, node) in self.nodes.iter_mut().enumerate() {
                (node.site, node.bad_vantage) =
                    (Some(if number < most { 0 } else { 1 + number % 2 }), number < most);
            }
        }
        if let (Some(lie), Some(node)) = (self.options.liar, self.nodes.first_mut()) {
            node.lie = Some(lie);
            // what a liar says to people is its own affair
            node.eligible = false;
        }
        self.begin_weather();
        self.queue.put(self.now + crate::inspect::EVERY, Happening::Inspect);
    }

    /// Another node, that does not run yet.
    pub(crate) fn add_node(&mut self) -> Index {
        let number = self.nodes.len();
        let index = Index::try_from(number).unwrap_or(Index::MAX);
        let degree = if self.options.nodes > FULL_MESH { DEGREE } else { FULL_MESH };
        self.network.add(&mut self.chance, degree);
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let (offset, drift) = (self.options.clocks.offset, self.options.clocks.drift);
        let priorities = self.options.priorities.clone();
        let clock = Clock {
            offset: signed(self.chance.below(2 * offset + 1)) - signed(offset),
            drift: signed(self.chance.below(2 * drift + 1)) - signed(drift),
            since: self.now,
            // somewhere in the first days after it was switched on
            steady_from: self.now - self.chance.between(60_000, 200_000_000),
        };
        let sites = self.options.sites;
        self.nodes.push(Node {
            index,
            id: NodeId::new(&format!("n{number}")).unwrap_or_else(|bad| unreachable!("{bad}")),
            priority: self.chance.one_of(&priorities).unwrap_or(50),
            eligible: number + self.options.followers < self.options.nodes || number >= self.options.nodes,
            site: (sites > 0).then(|| self.chance.place(sites)),
            power: Power::Off,
            life: 0,
            started: 0,
            woke: 0,
            clock,
            machine: None,
            seen: Seen::nothing(),
            alarm: At::MAX,
            watch: Watch::default(),
            sites: Sites::new(),
            looks: Looks::default(),
            disk: Disk::new(self.services.len()),
            desks: self.services.iter().map(|_| Desk::default()).collect(),
            uplink_cuts: 0,
            thinks_cut_off: false,
            back: 0,
            slow: 0,
            lie: None,
            bad_vantage: false,
            mouth: crate::mouth::Mouth::default(),
        });
        index
    }
}
