//! A made-up office: a few elections that hear each other's posts one step later.

use super::id;
use crate::mesh::election::{Candidate, Company, Election, Fitness, Wish};
use crate::mesh::rules::RuleSet;
use crate::mesh::words::{Post, Role, Steady, Term};
use crate::vocabulary::NodeId;
use std::collections::BTreeSet;

/// How long a post takes from one node to another.
pub(super) const STEP_MS: u64 = 100;

/// One desk: its machine, and which others it can hear.
pub(super) struct Desk {
    node: NodeId,
    priority: u8,
    kept: Term,
    /// None while it is off.
    pub(super) election: Option<Election>,
    /// What it shows to others.
    shown: Option<Post>,
    asleep: bool,
    /// Which part of a broken network it is in.
    part: u8,
    /// Since when it hears each other desk.
    hears: Vec<Option<Steady>>,
}

/// All of them.
pub(super) struct Office {
    pub(super) desks: Vec<Desk>,
    pub(super) now: u64,
    rules: RuleSet,
    /// Every claim ever made, as term and node.
    claims: BTreeSet<(u64, NodeId)>,
    /// How often a term was claimed twice by one node.
    pub(super) reused: usize,
    /// How many claims were made.
    pub(super) made: usize,
}

impl Office {
    /// Desks `a`, `b`, … of these priorities, all switched on at 0.
    pub(super) fn new(priorities: &[u8], rules: RuleSet) -> Self {
        let desk = |(name, priority): (char, &u8)| Desk {
            node: id(&name.to_string()),
            priority: *priority,
            kept: Term(0),
            election: None,
            shown: None,
            asleep: false,
            part: 0,
            hears: vec![None; priorities.len()],
        };
        let desks = ('a'..='z').zip(priorities).map(desk).collect();
        let mut office = Self { desks, now: 0, rules, claims: BTreeSet::new(), reused: 0, made: 0 };
        (0..priorities.len()).for_each(|n| office.start(n));
        office
    }

    /// A desk is switched on, with the terms it kept.
    pub(super) fn start(&mut self, n: usize) {
        let (rules, now) = (self.rules, Steady(self.now));
        let desk = &mut self.desks[n];
        if desk.election.is_none() {
            let election =
                Election::new(Role::Leader, desk.node.clone(), desk.priority, desk.kept, rules, now);
            desk.shown = Some(election.post());
            desk.election = Some(election);
            desk.asleep = false;
        }
    }

    /// A desk loses its power; the others know at once.
    pub(super) fn kill(&mut self, n: usize) {
        let desk = &mut self.desks[n];
        (desk.election, desk.shown) = (None, None);
        desk.hears.fill(None);
    }

    /// A desk falls asleep with whatever it thinks.
    pub(super) fn sleep(&mut self, n: usize) {
        self.desks[n].asleep = true;
    }

    /// And wakes.
    pub(super) fn wake(&mut self, n: usize) {
        let now = Steady(self.now);
        let desk = &mut self.desks[n];
        if std::mem::take(&mut desk.asleep)
            && let Some(election) = &mut desk.election
        {
            let wishes = election.slept(now);
            self.note(n, &wishes);
        }
    }

    pub(super) fn fit(&mut self, n: usize, fitness: Fitness) {
        if let Some(election) = &mut self.desks[n].election {
            election.fit(fitness);
        }
    }

    pub(super) fn leave(&mut self, n: usize) {
        let wishes = self.desks[n].election.as_mut().map(Election::leave).unwrap_or_default();
        self.note(n, &wishes);
    }

    /// Puts each desk into a part of the network.
    pub(super) fn split(&mut self, parts: &[u8]) {
        for (desk, part) in self.desks.iter_mut().zip(parts) {
            desk.part = *part;
        }
    }

    /// Lets time pass, and calls `check` after each step.
    pub(super) fn run_and(&mut self, ms: u64, mut check: impl FnMut(&Self)) {
        for _ in 0..ms / STEP_MS {
            self.now += STEP_MS;
            let shown: Vec<Option<Post>> = self.desks.iter().map(|desk| desk.shown.clone()).collect();
            for n in 0..self.desks.len() {
                self.turn(n, &shown);
            }
            check(self);
        }
    }

    pub(super) fn run(&mut self, ms: u64) {
        self.run_and(ms, |_| ());
    }

    fn turn(&mut self, n: usize, shown: &[Option<Post>]) {
        let now = Steady(self.now);
        let Some(mut election) = self.desks[n].election.take() else { return };
        if self.desks[n].asleep {
            self.desks[n].election = Some(election);
            return;
        }
        let mut others = Vec::new();
        for (m, post) in shown.iter().enumerate() {
            let there = &self.desks[m];
            let hears = n != m && post.is_some() && !there.asleep && self.desks[n].part == there.part;
            let since = self.desks[n].hears[m].unwrap_or(now);
            self.desks[n].hears[m] = hears.then_some(since);
            if let (true, Some(post)) = (hears, post) {
                others.push((self.desks[m].node.clone(), self.desks[m].priority, since, post));
            }
        }
        let others: Vec<Candidate<'_>> = others
            .iter()
            .map(|(node, priority, since, post)| Candidate {
                node,
                priority: *priority,
                alive_since: *since,
                post,
            })
            .collect();
        let company = if others.is_empty() { Company::Alone } else { Company::WithOthers };
        let wishes = election.turn(&others, company, now);
        self.desks[n].election = Some(election);
        self.note(n, &wishes);
    }

    /// Keeps what a desk claims and shows its post; a post that changed must have been told.
    fn note(&mut self, n: usize, wishes: &[Wish]) {
        let desk = &mut self.desks[n];
        for wish in wishes {
            if let Wish::Keep(term) = wish {
                desk.kept = *term;
                self.made += 1;
                self.reused += usize::from(!self.claims.insert((term.0, desk.node.clone())));
            }
        }
        let post = desk.election.as_ref().map(Election::post);
        if let (Some(shown), Some(post)) = (&desk.shown, &post) {
            let same = Post { highest: post.highest, ..shown.clone() } == *post;
            assert!(same || wishes.contains(&Wish::Changed), "{} did not tell of {post:?}", desk.node);
        }
        desk.shown = post;
    }

    /// Who holds the role, by id.
    pub(super) fn holders(&self) -> Vec<&str> {
        let holds = |desk: &&Desk| desk.election.as_ref().is_some_and(Election::holds);
        self.desks.iter().filter(holds).map(|desk| desk.node.as_str()).collect()
    }

    /// Whom each desk that is on follows; empty for nobody.
    pub(super) fn followed(&self) -> Vec<&str> {
        let on = self.desks.iter().filter_map(|desk| desk.election.as_ref());
        on.map(|election| election.holder().map_or("", |claim| claim.node.as_str())).collect()
    }

    /// The greatest claim shown, as whether it is full, its term and its node.
    pub(super) fn greatest(&self) -> Option<(bool, u64, &str)> {
        let claims = self.desks.iter().filter_map(|desk| desk.shown.as_ref()?.claim.as_ref());
        claims.max().map(|claim| (claim.full, claim.term.0, claim.node.as_str()))
    }
}
