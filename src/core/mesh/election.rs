//! A role with one holder: who claims it, who is followed, who makes way. One machine a role and node.
//!
//! Nobody votes. Each node claims by rules that make rivals unlikely, follows the greatest claim it hears
//! of a node that is there, and gives its own up for a greater one. So every part of a broken mesh has a
//! holder, and when it heals one of them is left. A claim's term is at most saturated: a member that lies
//! about terms can make itself holder while it is there, and nothing worse.

mod stability;
mod yielding;

use super::rules::{Rule, RuleSet};
use super::words::{Claim, Post, Role, Steady, Term};
use crate::vocabulary::{Millis, NodeId};
use stability::Stability;

/// Nobody claims for this long after its start or waking: four beats, so that it knows who is there.
pub const SETTLE: Millis = Millis(8_000);
/// The next in rank waits this much longer: two beats, so that it has heard the claim before it.
pub const STAGGER: Millis = Millis(4_000);
/// How many such steps the first one waits when nobody is fit: somebody may become it.
pub const UNFIT_STEPS: u64 = 4;
/// A solo claim becomes full after so long with company and without a rival.
pub const SOLO_FOR: Millis = Millis(10_000);
/// Whoever is alone so soon after its claim was cut off together with the holder that it missed first: what
/// company it saw was gone already. A silent node is missed after ten seconds, a beat later than another.
pub const PROVED_AFTER: Millis = Millis(12_000);
/// Who is to be made way for by its priority has been there and fit for this long.
pub const STABLE_FOR: Millis = Millis::seconds(120);
/// And the incumbent has served for this long.
pub const TENURE: Millis = Millis::seconds(60);

/// Another node that is there and could hold the role.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Which.
    pub node: &'a NodeId,
    /// Its configured priority; 0 never claims.
    pub priority: u8,
    /// Since when it is there.
    pub alive_since: Steady,
    /// What it says about the role.
    pub post: &'a Post,
}

impl Candidate<'_> {
    fn rank(&self) -> (u8, &NodeId) {
        (self.priority, self.node)
    }

    fn can_take_over(&self) -> bool {
        self.priority > 0 && self.post.fit
    }
}

/// Whether a node could do the role's work right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fitness {
    /// As far as it knows.
    Fit,
    /// Its network or what it works with is out of reach.
    Unfit,
}

/// Whether any other node at all is there, be it a candidate or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// None.
    Alone,
    /// At least one.
    WithOthers,
}

/// What should follow, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Bring this term to the disk before the claim is shown to anybody.
    Keep(Term),
    /// The own post has changed: beat now.
    Changed,
    /// The role has another holder, or none.
    Holder(Option<NodeId>),
}

/// One role as one node sees it.
#[derive(Debug, Clone)]
pub struct Election {
    role: Role,
    me: NodeId,
    priority: u8,
    rules: RuleSet,
    /// How long it settles.
    settle: Millis,
    settled_at: Steady,
    fitness: Fitness,
    leaving: bool,
    /// The greatest term ever seen.
    highest: Term,
    /// The greatest one claimed.
    kept: Term,
    claim: Option<Claim>,
    /// Since when it holds the role, with whatever claim.
    serves_since: Steady,
    /// Since when it holds a solo claim in company and without a rival.
    accompanied: Option<Steady>,
    /// Since when nobody is known to hold the role.
    vacant: Option<Steady>,
    yields_to: Option<NodeId>,
    asked_at: Steady,
    /// Who was asked to take over and did not.
    passed_over: Option<NodeId>,
    /// The first of the others that are fit.
    best: Option<NodeId>,
    /// The claim that is followed.
    holder: Option<Claim>,
    stability: Stability,
    changed: bool,
    due: Option<Steady>,
}

impl Election {
    /// A node that has just started. `kept` is the greatest term it has ever claimed.
    pub fn new(role: Role, me: NodeId, priority: u8, kept: Term, rules: RuleSet, now: Steady) -> Self {
        let settle = if rules.has(Rule::Settle) { SETTLE } else { Millis(0) };
        Self {
            role,
            me,
            priority,
            rules,
            settle,
            settled_at: now.plus(settle),
            fitness: Fitness::Fit,
            leaving: false,
            highest: kept,
            kept,
            claim: None,
            serves_since: now,
            accompanied: None,
            vacant: None,
            yields_to: None,
            asked_at: now,
            passed_over: None,
            best: None,
            holder: None,
            stability: Stability::default(),
            changed: false,
            due: Some(now.plus(settle)),
        }
    }

    /// A node whose configuration says that it is alone: there is nobody to wait for.
    pub fn alone(role: Role, me: NodeId, priority: u8, kept: Term, rules: RuleSet, now: Steady) -> Self {
        let election = Self::new(role, me, priority, kept, rules, now);
        Self { settle: Millis(0), settled_at: now, due: Some(now), ..election }
    }

    /// Whether this node could do the work. What follows is said by the next turn.
    pub fn fit(&mut self, fitness: Fitness) {
        self.changed |= self.fitness != fitness;
        self.fitness = fitness;
    }

    /// This machine slept: others have gone on without it, so it forgets its claim and settles anew.
    pub fn slept(&mut self, now: Steady) -> Vec<Wish> {
        if !self.rules.has(Rule::Sleep) {
            return Vec::new();
        }
        self.settled_at = now.plus(self.settle);
        self.due = Some(self.settled_at);
        self.vacant = None;
        self.give_up();
        let holder = self.holder.take_if(|holder| holder.node == self.me);
        let mut wishes = self.take_changed();
        if holder.is_some() {
            wishes.push(Wish::Holder(None));
        }
        wishes
    }

    /// This node stops on purpose: it claims nothing any more, and asks the best other to take over now.
    /// The goodbye that follows takes its claim out of the world.
    pub fn leave(&mut self) -> Vec<Wish> {
        if !self.rules.has(Rule::Goodbye) || self.leaving {
            return Vec::new();
        }
        self.leaving = true;
        self.changed = true;
        if self.claim.is_some() {
            self.yields_to.clone_from(&self.best);
        }
        self.take_changed()
    }

    /// Looks at the others that are there and have the role among their posts. Called whenever something
    /// about them has changed, and when it is due.
    pub fn turn(&mut self, others: &[Candidate<'_>], company: Company, now: Steady) -> Vec<Wish> {
        self.due = None;
        let mut kept = None;
        self.learn(others, now);
        let rival = greatest(others);
        if self.rules.has(Rule::StepDown) && rival.is_some_and(|(_, claim)| Some(claim) > self.claim.as_ref())
        {
            self.give_up();
        }
        if company == Company::Alone {
            self.was_alone(now);
        }
        if self.claim.is_some() {
            if self.becomes_full(rival, company, now) {
                kept = Some(self.claims(company, now));
            }
            self.makes_way(others, now);
        } else if self.should_claim(others, rival, now) {
            kept = Some(self.claims(company, now));
            self.makes_way(others, now);
        }
        let moved = self.follow(rival.map(|(_, claim)| claim));
        let mut wishes: Vec<Wish> = kept.into_iter().map(Wish::Keep).collect();
        wishes.extend(self.take_changed());
        wishes.extend(moved);
        wishes
    }

    /// When a turn is wanted, if nothing happens before.
    pub fn due(&self) -> Option<Steady> {
        self.due
    }

    /// What this node says about the role.
    pub fn post(&self) -> Post {
        Post {
            role: self.role.clone(),
            fit: self.fitness == Fitness::Fit && !self.leaving,
            highest: self.highest,
            claim: self.claim.clone(),
            yields_to: self.yields_to.clone(),
        }
    }

    /// The role.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// The claim that is followed, its own included.
    pub fn holder(&self) -> Option<&Claim> {
        self.holder.as_ref()
    }

    /// Whether this node holds the role.
    pub fn holds(&self) -> bool {
        self.claim.is_some()
    }

    /// What the others' posts teach: the greatest term, who is fit and since when, who is the best.
    fn learn(&mut self, others: &[Candidate<'_>], now: Steady) {
        for other in others {
            let claimed = other.post.claim.as_ref().map_or(Term(0), |claim| claim.term);
            self.highest = self.highest.max(other.post.highest).max(claimed);
        }
        self.stability.look(others, self.priority, now);
        let best = others.iter().filter(|other| other.can_take_over()).max_by_key(|other| other.rank());
        if self.best.as_ref() != best.map(|best| best.node) {
            self.best = best.map(|best| best.node.clone());
        }
    }

    /// A claim was made in company that is found to be gone: it was a solo one.
    fn was_alone(&mut self, now: Steady) {
        if !self.rules.has(Rule::Solo) || now >= self.serves_since.plus(PROVED_AFTER) {
            return;
        }
        if let Some(claim) = self.claim.as_mut().filter(|claim| claim.full) {
            claim.full = false;
            self.changed = true;
        }
    }

    /// Whether a solo claim has been in company, and without a rival, for long enough.
    fn becomes_full(
        &mut self,
        rival: Option<(&Candidate<'_>, &Claim)>,
        company: Company,
        now: Steady,
    ) -> bool {
        let solo = self.claim.as_ref().is_some_and(|claim| !claim.full);
        if !solo || company == Company::Alone || rival.is_some() {
            self.accompanied = None;
            return false;
        }
        let at = self.accompanied.get_or_insert(now).plus(SOLO_FOR);
        now >= at || self.wake_at(at)
    }

    /// Whether a node without a claim should make one now.
    fn should_claim(
        &mut self,
        others: &[Candidate<'_>],
        rival: Option<(&Candidate<'_>, &Claim)>,
        now: Steady,
    ) -> bool {
        let vacant = rival.is_none().then(|| *self.vacant.get_or_insert(now));
        self.vacant = vacant;
        if self.priority == 0 || self.leaving {
            return false;
        }
        if now < self.settled_at {
            return self.wake_at(self.settled_at);
        }
        if let Some((holder, _)) = rival {
            let asked = holder.post.yields_to.as_ref() == Some(&self.me);
            let takes = !self.rules.has(Rule::Incumbent) && (self.priority, &self.me) > holder.rank();
            return (asked || takes) && self.fitness == Fitness::Fit;
        }
        let Some(wait) = self.wait(others) else { return false };
        let at = vacant.unwrap_or(now).max(self.settled_at).plus(wait);
        now >= at || self.wake_at(at)
    }

    /// How long after the role is vacant this node claims it: by its rank among those that are fit, or
    /// among all, later, when nobody is. None while others are fit and it is not.
    fn wait(&self, others: &[Candidate<'_>]) -> Option<Millis> {
        let somebody = self.fitness == Fitness::Fit || others.iter().any(Candidate::can_take_over);
        if somebody && self.fitness == Fitness::Unfit {
            return None;
        }
        let competes = |other: &&Candidate<'_>| other.priority > 0 && (other.post.fit || !somebody);
        let rank = (self.priority, &self.me);
        let before = others.iter().filter(competes).filter(|other| other.rank() > rank).count();
        let steps =
            u64::try_from(before).unwrap_or(u64::MAX).saturating_add(if somebody { 0 } else { UNFIT_STEPS });
        Some(if self.rules.has(Rule::Stagger) { Millis(STAGGER.0.saturating_mul(steps)) } else { Millis(0) })
    }

    /// Makes a claim above every known term; alone it is a solo one. Its term is to be kept first.
    fn claims(&mut self, company: Company, now: Steady) -> Term {
        let base = if self.rules.has(Rule::HighestTerm) { self.highest } else { self.kept };
        let term = Term(base.0.saturating_add(1));
        self.kept = term;
        self.highest = self.highest.max(term);
        if self.claim.is_none() {
            self.serves_since = now;
        }
        let full = company == Company::WithOthers || !self.rules.has(Rule::Solo);
        self.claim = Some(Claim { full, term, priority: self.priority, node: self.me.clone() });
        self.accompanied = None;
        self.vacant = None;
        self.changed = true;
        term
    }

    fn give_up(&mut self) {
        self.changed |= self.claim.is_some() || self.yields_to.is_some();
        self.claim = None;
        self.yields_to = None;
        self.accompanied = None;
        self.passed_over = None;
    }

    /// Follows the greatest claim: its own, or the greatest of the others.
    fn follow(&mut self, rival: Option<&Claim>) -> Option<Wish> {
        let greatest = self.claim.as_ref().max(rival);
        if greatest == self.holder.as_ref() {
            return None;
        }
        let moved = greatest.map(|claim| &claim.node) != self.holder.as_ref().map(|claim| &claim.node);
        self.holder = greatest.cloned();
        moved.then(|| Wish::Holder(self.holder.as_ref().map(|claim| claim.node.clone())))
    }

    fn take_changed(&mut self) -> Vec<Wish> {
        if std::mem::take(&mut self.changed) { vec![Wish::Changed] } else { Vec::new() }
    }

    /// Always false: what is waited for is not yet so.
    fn wake_at(&mut self, at: Steady) -> bool {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
        false
    }
}

/// The greatest claim of the others. One counts only for the node it names.
fn greatest<'a>(others: &'a [Candidate<'a>]) -> Option<(&'a Candidate<'a>, &'a Claim)> {
    let own = |other: &'a Candidate<'a>| other.post.claim.as_ref().map(|claim| (other, claim));
    others
        .iter()
        .filter_map(own)
        .filter(|(other, claim)| claim.node == *other.node)
        .max_by_key(|(_, claim)| *claim)
}

#[cfg(test)]
mod tests;
