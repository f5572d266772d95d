//! A handful of machines on one network without loss: what they do for each other.

mod connections;
mod devices;
mod past;
mod suspecting;

use super::*;
use crate::facts::{Deployment, DeploymentState};
use crate::mesh::view::Liveness;
use crate::mesh::words::{Chapter, Sequence};
use crate::result::{Phases, ProbeResult};
use crate::service::{Rules, VantagePoints};
use crate::vocabulary::{Cycle, Interval, Micros, Outcome};
use std::collections::BTreeSet;

const BEGIN: u64 = 1_800_000_000_000;
const TICK: u64 = 50;

/// A node with what the live one keeps outside the machine: its log.
struct Node {
    machine: Machine,
    log: BTreeMap<(Sequence, u64), Batch>,
    heard: Vec<(NodeId, Fact)>,
    confirms: Vec<ServiceId>,
    seats: BTreeMap<ServiceId, Seat>,
    closed: Vec<NodeId>,
    asked: BTreeSet<NodeId>,
    up: bool,
}

/// Machines that hear each other at once.
struct Net {
    at: u64,
    nodes: BTreeMap<NodeId, Node>,
    cut: BTreeSet<(NodeId, NodeId)>,
}

fn id(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

fn setup(name: &str, boot: u32, have: Vec<Have>) -> Setup {
    Setup {
        me: id(name),
        boot: Boot(boot),
        priority: 50,
        roles: vec![Role::Leader],
        terms: BTreeMap::new(),
        have,
        about: About { name: name.to_uppercase(), at: MeshTime(BEGIN + u64::from(boot)), ..About::default() },
        wire: 2,
        seed: u64::from(boot) + name.len() as u64,
        rules: RuleSet::ALL,
    }
}

fn service(name: &str) -> Arc<Service> {
    Arc::new(Service {
        id: ServiceId::new(name).unwrap(),
        name: name.to_owned(),
        environment: String::new(),
        kind: "http".to_owned(),
        target: String::new(),
        interval: Interval::new(Millis::seconds(60)),
        timeout: Millis::seconds(3),
        retries: 0,
        retry_delay: Millis::seconds(1),
        rules: Rules::default(),
        vantage_points: VantagePoints::All,
        vantage_labels: BTreeMap::new(),
        description: None,
        runbook: None,
        link: None,
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
        maintenance: Vec::new(),
    })
}

fn result(node: &str, at: u64, outcome: Outcome) -> Fact {
    let at = MeshTime(BEGIN + at);
    Fact::Result(Arc::new(ProbeResult {
        service: ServiceId::new("shop").unwrap(),
        cycle: Cycle::at(at, Interval::new(Millis::seconds(60))),
        node: id(node),
        at,
        outcome,
        latency: Micros(1_000),
        phases: Phases::default(),
        attempts: 1,
        reason: None,
        status_code: None,
        certificate_expiry: None,
    }))
}

impl Net {
    fn of(names: &[&str]) -> Self {
        let mut net = Self { at: 0, nodes: BTreeMap::new(), cut: BTreeSet::new() };
        for name in names {
            net.start(name, 1);
        }
        net
    }

    fn now(&self) -> Now {
        Now { wall: MeshTime(BEGIN + self.at), steady: Steady(1_000 + self.at) }
    }

    fn start(&mut self, name: &str, boot: u32) {
        let me = id(name);
        let (log, have) = match self.nodes.remove(&me) {
            Some(node) => (node.log, node.machine.have()),
            None => (BTreeMap::new(), Vec::new()),
        };
        let machine = Machine::new(setup(name, boot, have), self.now());
        let (heard, confirms, seats) = (Vec::new(), Vec::new(), BTreeMap::new());
        let node = Node {
            machine,
            log,
            heard,
            confirms,
            seats,
            closed: Vec::new(),
            asked: BTreeSet::new(),
            up: true,
        };
        self.nodes.insert(me.clone(), node);
        self.tell(&me, Event::Watching(Arc::new(vec![service("shop")]), Stamp::default()));
        let others: Vec<NodeId> = self.nodes.keys().filter(|other| self.reach(&me, other)).cloned().collect();
        for other in others {
            self.tell(&me, Event::Connected(other.clone()));
            self.tell(&other, Event::Connected(me.clone()));
        }
    }

    fn kill(&mut self, name: &str) {
        let me = id(name);
        self.nodes.get_mut(&me).unwrap().up = false;
        for other in self.nodes.keys().filter(|other| **other != me).cloned().collect::<Vec<_>>() {
            self.tell(&other, Event::Disconnected(me.clone()));
        }
    }

    fn link(&mut self, a: &str, b: &str, up: bool) {
        let (a, b) = (id(a), id(b));
        for (from, to) in [(&a, &b), (&b, &a)] {
            let pair = (from.clone(), to.clone());
            let event = if up {
                self.cut.remove(&pair);
                Event::Connected(to.clone())
            } else {
                self.cut.insert(pair);
                Event::Disconnected(to.clone())
            };
            self.tell(from, event);
        }
    }

    fn reach(&self, a: &NodeId, b: &NodeId) -> bool {
        a != b && self.nodes[a].up && self.nodes[b].up && !self.cut.contains(&(a.clone(), b.clone()))
    }

    fn tell(&mut self, to: &NodeId, event: impl std::borrow::Borrow<Event>) {
        let event = event.borrow();
        let now = self.now();
        let Some(node) = self.nodes.get_mut(to).filter(|node| node.up) else { return };
        let effects = node.machine.hear(event.clone(), now);
        for effect in effects {
            self.perform(to, event, effect);
        }
    }

    fn spread(&mut self, from: &NodeId, event: &Event) {
        let others: Vec<NodeId> = self.nodes.keys().filter(|to| self.reach(from, to)).cloned().collect();
        for to in others {
            self.tell(&to, event);
        }
    }

    fn perform(&mut self, me: &NodeId, cause: &Event, effect: Effect) {
        let node = self.nodes.get_mut(me).unwrap();
        match effect {
            Effect::Beat(beat) => self.spread(me, &Event::HeardBeat(beat)),
            Effect::Suspect(suspicion) => self.spread(me, &Event::HeardSuspicion(suspicion)),
            Effect::Publish(batch) => {
                node.log.insert((batch.sequence.clone(), batch.number), batch.clone());
                self.spread(me, &Event::HeardBatch(batch));
            }
            Effect::PassOn => self.spread(me, cause),
            Effect::Take(batches) => {
                for batch in batches {
                    let author = batch.sequence.author.clone();
                    node.heard.extend(batch.facts.iter().map(|fact| (author.clone(), fact.clone())));
                    node.log.insert((batch.sequence.clone(), batch.number), batch);
                }
            }
            Effect::Release(facts) => node.heard.extend(facts),
            Effect::Ask { to, ticket, question } => {
                let token = ticket;
                node.asked.insert(to.clone());
                if self.reach(me, &to) {
                    // the answer is given while the question is heard
                    let now = self.now();
                    let peer = self.nodes.get_mut(&to).unwrap();
                    let effects = peer.machine.hear(Event::Asked { from: me.clone(), token, question }, now);
                    for effect in effects {
                        if let Effect::Answer { spans, have, .. } = effect {
                            let log = &self.nodes[&to].log;
                            let batches = spans
                                .iter()
                                .flat_map(|span| {
                                    let first = (span.sequence.clone(), span.first);
                                    log.range(first..=(span.sequence.clone(), span.last))
                                        .map(|(_, b)| b.clone())
                                })
                                .collect();
                            let answer = Some(Answer { batches, have });
                            self.tell(me, Event::Answered { from: to.clone(), ticket, answer });
                        } else {
                            self.perform(&to, &Event::Woke, effect);
                        }
                    }
                } else {
                    self.tell(me, Event::Answered { from: to, ticket, answer: None });
                }
            }
            Effect::Seats(seats) => node.seats = seats.as_ref().clone(),
            Effect::Confirm(service) => node.confirms.push(service),
            Effect::Disconnect(peer) => node.closed.push(peer),
            Effect::Answer { .. }
            | Effect::AnswerFigures { .. }
            | Effect::Missed(_)
            | Effect::Keep(..)
            | Effect::Holder(..)
            | Effect::Members
            | Effect::Configuration(_)
            | Effect::Dropped(..) => {}
        }
    }

    /// Lets time pass.
    fn pass(&mut self, span: u64) {
        let end = self.at + span;
        while self.at < end {
            self.at += TICK;
            for node in self.nodes.keys().cloned().collect::<Vec<_>>() {
                let due = self.nodes[&node].machine.due() <= self.now().steady;
                if due {
                    self.tell(&node, Event::Woke);
                }
            }
        }
    }

    fn leaders(&self) -> Vec<&str> {
        let up = self.nodes.values().filter(|node| node.up);
        up.filter(|node| node.machine.holds(&Role::Leader)).map(|node| node.machine.me.as_str()).collect()
    }

    /// Lets time pass in which nobody misses anybody and one node leads.
    fn pass_calmly(&mut self, span: u64, leader: &str) {
        for _ in 0..span / TICK {
            self.pass(TICK);
            assert_eq!(self.leaders(), [leader], "at {}", self.at);
            for node in self.nodes.values() {
                let view = node.machine.view(self.now());
                let gone = view.members.iter().find(|member| member.liveness == Liveness::Down);
                assert!(gone.is_none(), "{} misses {gone:?} at {}", view.me, self.at);
            }
        }
    }

    fn results(&self, name: &str) -> usize {
        let facts = &self.nodes[&id(name)].heard;
        facts.iter().filter(|(_, fact)| matches!(fact, Fact::Result(_))).count()
    }
}

#[test]
fn three_nodes_agree_on_one_leader_and_another_leads_when_it_dies() {
    let mut net = Net::of(&["a", "b", "c"]);
    net.pass(12_000);
    assert_eq!(net.leaders(), ["c"], "the highest id of equal priority");
    net.kill("c");
    net.pass(2_500);
    assert_eq!(net.leaders(), ["b"]);
    net.start("c", 2);
    net.pass(30_000);
    assert_eq!(net.leaders(), ["b"], "the incumbent stays");
}

#[test]
fn what_one_node_states_reaches_all_through_whoever_is_connected() {
    let mut net = Net::of(&["a", "b", "hub"]);
    net.link("a", "b", false);
    net.pass(5_000);
    net.tell(&id("a"), Event::Stated(vec![result("a", 5_000, Outcome::Up)]));
    net.pass(1_500);
    assert_eq!((net.results("hub"), net.results("b")), (1, 1), "passed on, since a does not reach b");
    assert_eq!(net.nodes[&id("b")].machine.peers_alive(), 2, "and so are beats");
}

#[test]
fn a_node_that_was_away_catches_up_and_all_have_the_same() {
    let mut net = Net::of(&["a", "b", "c"]);
    net.pass(10_000);
    net.kill("c");
    for n in 0..40 {
        net.tell(&id("a"), Event::Stated(vec![result("a", 10_000 + n * 60_000, Outcome::Up)]));
        net.tell(&id("b"), Event::Stated(vec![result("b", 10_000 + n * 60_000, Outcome::Up)]));
        net.pass(60_000);
    }
    assert_eq!(net.results("c"), 0);
    net.start("c", 2);
    net.pass(10_000);
    assert_eq!(net.results("c"), 80);
    let digests: BTreeSet<u64> = net.nodes.values().map(|node| node.machine.digest()).collect();
    assert_eq!(digests.len(), 1);
}

#[test]
fn a_failure_makes_the_others_look_at_once_and_is_said_at_once() {
    let mut net = Net::of(&["a", "b", "c"]);
    net.pass(15_000);
    for name in ["a", "b", "c"] {
        net.tell(&id(name), Event::Stated(vec![result(name, 15_000, Outcome::Up)]));
    }
    net.pass(2_000);
    net.tell(&id("a"), Event::Stated(vec![result("a", 18_000, Outcome::Failed)]));
    net.pass(100);
    assert_eq!(net.results("b"), 3, "two are well and one fails");
    assert_eq!(net.nodes[&id("b")].confirms, [ServiceId::new("shop").unwrap()]);
    assert_eq!(net.nodes[&id("c")].confirms.len(), 1);
}

#[test]
fn every_node_has_its_own_place_in_the_interval() {
    let mut net = Net::of(&["a", "b", "c"]);
    net.pass(25_000);
    let shop = ServiceId::new("shop").unwrap();
    let seats: BTreeSet<u16> = net.nodes.values().map(|node| node.seats[&shop].position).collect();
    assert_eq!(seats, BTreeSet::from([0, 1, 2]));
    assert!(net.nodes.values().all(|node| node.seats[&shop].of == 3));
}

#[test]
fn a_result_of_another_node_and_one_of_the_future_are_not_heard() {
    let mut net = Net::of(&["a", "b"]);
    net.pass(3_000);
    let sequence = Sequence { author: id("a"), boot: Boot(9), chapter: Chapter::Results };
    let facts = vec![result("z", 3_000, Outcome::Failed), result("a", 600_000, Outcome::Failed)];
    let batch = Batch { sequence, number: 1, at: MeshTime(BEGIN), facts, sealed: Arc::default() };
    net.tell(&id("b"), Event::HeardBatch(batch));
    assert_eq!(net.results("b"), 0);
    net.pass(596_000);
    assert_eq!(net.results("b"), 0, "a failure of a cycle that has not begun");
    net.pass(2_000);
    assert_eq!(net.results("b"), 1, "heard when its cycle had come");
}

#[test]
fn a_node_that_stops_says_goodbye_and_another_leads_at_once() {
    let mut net = Net::of(&["a", "b", "c"]);
    net.pass(12_000);
    net.tell(&id("c"), Event::Stopping);
    net.kill("c");
    net.pass(300);
    assert_eq!(net.leaders(), ["b"]);
}

#[test]
fn what_a_node_is_stands_among_its_last_statements_however_much_it_says() {
    let mut net = Net::of(&["a", "b"]);
    net.pass(5_000);
    for n in 0..60 {
        let deployed = Deployment {
            service: ServiceId::new("shop").unwrap(),
            name: n.to_string(),
            by: "ci".to_owned(),
            state: DeploymentState::Running,
            at: MeshTime(BEGIN + n),
            link: None,
        };
        net.tell(&id("a"), Event::Stated(vec![Fact::Deployed(deployed)]));
        net.pass(100);
    }
    let log = &net.nodes[&id("b")].log;
    let statements = log
        .iter()
        .filter(|((sequence, _), _)| sequence.author == id("a") && sequence.chapter == Chapter::Statements);
    let tail: Vec<&Batch> = statements.map(|(_, batch)| batch).rev().take(32).collect();
    assert_eq!(tail.len(), 32);
    assert!(tail.iter().any(|batch| batch.facts.iter().any(|fact| matches!(fact, Fact::About(_)))));
}

#[test]
fn a_connection_that_breaks_for_one_end_only_accuses_nobody() {
    let mut net = Net::of(&["a", "b", "c"]);
    net.pass(12_000);
    for _ in 0..20 {
        // a router in between has forgotten the connection; the other end does not know
        net.cut.extend([(id("b"), id("c")), (id("c"), id("b"))]);
        net.tell(&id("b"), Event::Disconnected(id("c")));
        net.pass_calmly(5_350, "c");
        net.link("b", "c", true);
        net.pass_calmly(3_000, "c");
    }
}

#[test]
fn only_who_is_connected_is_asked() {
    let mut net = Net::of(&["a", "b", "c", "d", "e", "hub"]);
    net.pass(5_000);
    net.start("z", 1);
    for other in ["a", "b", "c", "d", "e"] {
        net.link(other, "z", false);
    }
    net.nodes.get_mut(&id("z")).unwrap().asked.clear();
    net.pass(40_000);
    assert_eq!(net.nodes[&id("z")].machine.peers_alive(), 6);
    // the others restart: z hears of it through the hub
    net.start("e", 2);
    net.pass(40_000);
    assert_eq!(net.nodes[&id("z")].asked, BTreeSet::from([id("hub")]));
}
