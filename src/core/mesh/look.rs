//! Looking at once: which cycle a test's outcome is said about, and when another node's word makes this
//! one test a service now instead of at its slot. So an outage is confirmed, and a recovery seen, within a
//! few seconds, whatever the interval.
//!
//! A vantage point may say one more word about a cycle only when it fails (see the head of the crate), and
//! a recovery is the first word of the next cycle, at most one ahead of the clock. A steady partial failure
//! flips nothing, so it makes nobody look.

use super::rules::{Rule, RuleSet};
use crate::result::ProbeResult;
use crate::schedule::Seat;
use crate::service::Service;
use crate::vocabulary::{Cycle, Interval, MeshTime, Millis, NodeId, Outcome, ServiceId, Vote};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Two extra looks of one service are at least this far apart: a service that flaps fast is no reason to
/// burden it.
pub const LOOK_GAP: Millis = Millis(1000);
/// The mesh times of two nodes differ by less than this. A test that began so little after another's may
/// have begun before it.
const CLOCKS_AGREE: Millis = Millis(250);
/// Nodes whose words about one service are remembered: more than a mesh has. Of more the one that was
/// silent for longest is forgotten.
const NODES_LIMIT: usize = 512;

/// What this node has last said about a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// About which cycle.
    pub cycle: Cycle,
    /// What; none when it did not vote.
    pub vote: Option<Vote>,
}

impl Said {
    /// What a result says.
    pub fn of(result: &ProbeResult) -> Self {
        Self { cycle: result.cycle, vote: result.outcome.vote() }
    }
}

/// What this node has said about each service, to find which cycle its next outcome is said about.
#[derive(Debug, Clone, Default)]
pub struct Looks(BTreeMap<ServiceId, Said>);

impl Looks {
    /// Notes what is known to be said already, as after a restart. What was said since stays.
    pub fn known(&mut self, service: &ServiceId, said: Said) {
        if self.0.get(service).is_none_or(|ours| ours.cycle < said.cycle) {
            self.0.insert(service.clone(), said);
        }
    }

    /// The latest cycle of a service that has a word of this node.
    pub fn latest(&self, service: &ServiceId) -> Option<Cycle> {
        self.0.get(service).map(|said| said.cycle)
    }

    /// What this node has last said about a service; none when it said nothing or did not vote.
    pub fn vote(&self, service: &ServiceId) -> Option<Vote> {
        self.0.get(service)?.vote
    }

    /// Forgets the services that are not kept.
    pub fn retain(&mut self, keep: impl Fn(&ServiceId) -> bool) {
        self.0.retain(|service, _| keep(service));
    }

    /// A test that was due for the cycle `due` has ended while the cycle `now` runs: which cycle its outcome
    /// is to be published for, and notes that. None when there is nothing to say that was not said.
    pub fn place(
        &mut self,
        service: &ServiceId,
        due: Cycle,
        now: Cycle,
        interval: Interval,
        outcome: Outcome,
    ) -> Option<Cycle> {
        let vote = outcome.vote();
        let ahead = now.later(1, interval);
        // a cycle further ahead was said by a clock that went wrong; it is forgotten
        let said = self.0.get(service).filter(|said| said.cycle <= ahead);
        let cycle = match said {
            Some(said) if due <= said.cycle => said.once_more(vote, ahead, interval)?,
            Some(_) | None => due,
        };
        match self.0.get_mut(service) {
            Some(said) => *said = Said { cycle, vote },
            None => {
                self.0.insert(service.clone(), Said { cycle, vote });
            }
        }
        Some(cycle)
    }
}

impl Said {
    /// This cycle has a word already: where another one goes.
    fn once_more(self, vote: Option<Vote>, ahead: Cycle, interval: Interval) -> Option<Cycle> {
        match (self.vote, vote) {
            (_, None)
            | (Some(Vote::Passed), Some(Vote::Passed))
            | (Some(Vote::Failed), Some(Vote::Failed)) => None,
            // it stands over the earlier word
            (Some(Vote::Passed) | None, Some(Vote::Failed)) => Some(self.cycle),
            // it would not stand there
            (Some(Vote::Failed) | None, Some(Vote::Passed)) => {
                let next = Cycle::at(self.cycle.start(), interval).later(1, interval);
                Some(next).filter(|next| *next <= ahead)
            }
        }
    }
}

/// A vantage point's latest word that votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word {
    cycle: Cycle,
    vote: Vote,
}

impl Word {
    /// Whether this stands and is new after `last`.
    fn is_news_after(self, last: Self) -> bool {
        self.cycle > last.cycle
            || (self.cycle == last.cycle && self.vote == Vote::Failed && last.vote == Vote::Passed)
    }
}

/// What others say about a service that this node is a vantage point of, and how far it has looked itself.
#[derive(Debug)]
struct Scene {
    interval: Interval,
    words: BTreeMap<NodeId, Word>,
    own: Option<Word>,
    /// When this node's last test began, or was asked for.
    began: Option<MeshTime>,
    /// When it was last asked to look.
    asked: Option<MeshTime>,
}

/// What another vantage point has seen.
#[derive(Debug, Clone, Copy)]
struct Flip {
    word: Word,
    /// When its test began.
    began: MeshTime,
}

/// Hears what other vantage points say, and tells when this node must look, too.
#[derive(Debug)]
pub struct Lookout {
    me: NodeId,
    rules: RuleSet,
    scenes: BTreeMap<ServiceId, Scene>,
}

impl Lookout {
    /// The lookout of node `me`, which is no vantage point of anything yet.
    pub fn new(me: NodeId, rules: RuleSet) -> Self {
        Self { me, rules, scenes: BTreeMap::new() }
    }

    /// From now on this node has these seats. What was heard about services it keeps stays known.
    pub fn watching(&mut self, services: &[Arc<Service>], seats: &BTreeMap<ServiceId, Seat>) {
        let mut before = std::mem::take(&mut self.scenes);
        for service in services.iter().filter(|service| seats.contains_key(&service.id)) {
            let interval = service.interval;
            let scene = match before.remove(&service.id) {
                Some(scene) => Scene { interval, ..scene },
                None => Scene { interval, words: BTreeMap::new(), own: None, began: None, asked: None },
            };
            self.scenes.insert(service.id.clone(), scene);
        }
    }

    /// The machine slept or its clock was set: what this node itself has seen is of another time.
    pub fn slept(&mut self) {
        for scene in self.scenes.values_mut() {
            (scene.own, scene.began, scene.asked) = (None, None, None);
        }
    }

    /// A result was published by this node.
    pub fn own(&mut self, result: &ProbeResult) {
        let Some(scene) = self.scenes.get_mut(&result.service) else {
            return;
        };
        scene.began = scene.began.max(Some(result.at));
        if let Some(vote) = result.outcome.vote() {
            let word = Word { cycle: result.cycle, vote };
            if scene.own.is_none_or(|last| word.is_news_after(last)) {
                scene.own = Some(word);
            }
        }
    }

    /// A result was heard, of whatever node: the service to look at now, if it makes this node look.
    pub fn heard(&mut self, result: &ProbeResult, now: MeshTime) -> Option<ServiceId> {
        if result.node == self.me {
            self.own(result);
            return None;
        }
        let scene = self.scenes.get_mut(&result.service)?;
        let word = Word { cycle: result.cycle, vote: result.outcome.vote()? };
        let is_flip = scene.note(&result.node, word);
        let oldest = Cycle::at(now, scene.interval).earlier(1, scene.interval);
        // what is older is history that this node catches up on
        if !is_flip || word.cycle < oldest {
            return None;
        }
        self.look(&result.service, Flip { word, began: result.at }, now)
    }

    /// A probe of another node's, which `began` then, does not come back: the service to look at now, if
    /// that makes this node look.
    pub fn suspected(&mut self, service: &ServiceId, began: MeshTime, now: MeshTime) -> Option<ServiceId> {
        let interval = self.scenes.get(service)?.interval;
        let cycle = Cycle::at(began, interval);
        if cycle < Cycle::at(now, interval).earlier(1, interval) {
            return None;
        }
        self.look(service, Flip { word: Word { cycle, vote: Vote::Failed }, began }, now)
    }

    fn look(&mut self, service: &ServiceId, flip: Flip, now: MeshTime) -> Option<ServiceId> {
        let scene = self.scenes.get_mut(service)?;
        if !self.rules.has(Rule::Confirm) || !scene.is_worth_a_look(flip) || !scene.may_look(now) {
            return None;
        }
        scene.asked = Some(now);
        scene.began = scene.began.max(Some(now));
        Some(service.clone())
    }
}

impl Scene {
    /// Notes a node's word; says whether it is another than the one before.
    fn note(&mut self, node: &NodeId, word: Word) -> bool {
        if let Some(last) = self.words.get_mut(node) {
            if !word.is_news_after(*last) {
                return false;
            }
            return std::mem::replace(last, word).vote != word.vote;
        }
        if self.words.len() >= NODES_LIMIT
            && let Some(silent) = self.words.iter().min_by_key(|(_, word)| word.cycle)
        {
            let silent = silent.0.clone();
            self.words.remove(&silent);
        }
        self.words.insert(node.clone(), word);
        word.vote == Vote::Failed
    }

    /// Whether this node has not seen the same, and has not looked since.
    fn is_worth_a_look(&self, flip: Flip) -> bool {
        let has_looked = self.began.is_some_and(|began| began > flip.began.plus(CLOCKS_AGREE));
        let is_other = match flip.word.vote {
            Vote::Failed => {
                self.own.is_none_or(|own| own.vote == Vote::Passed || own.cycle < flip.word.cycle)
            }
            Vote::Passed => self.own.is_some_and(|own| own.vote == Vote::Failed),
        };
        is_other && !has_looked
    }

    fn may_look(&self, now: MeshTime) -> bool {
        self.asked.is_none_or(|asked| now.since(asked) >= LOOK_GAP)
    }
}

#[cfg(test)]
mod tests;
