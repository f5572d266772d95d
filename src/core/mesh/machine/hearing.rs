//! What others say: beats, batches, suspicions. Each is screened, noted, and passed on where others may lack it.

use super::{Effect, Machine};
use crate::mesh::devices::DevicesTold;
use crate::mesh::journal::Noted;
use crate::mesh::members::{Change, Member};
use crate::mesh::rules::Rule;
use crate::mesh::words::{Batch, Beat, Fact, Now, Steady, Suspicion};
use crate::result::ProbeResult;
use crate::vocabulary::{Interval, MeshTime, Millis, NodeId, ServiceId, Vote};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The cycle of a service that is not watched here is guessed to be this long.
const GUESSED_INTERVAL: Interval = Interval::new(Millis(60_000));
/// Most results that wait for their cycle; those furthest ahead are dropped, and counted.
const HELD_LIMIT: usize = 4_096;
/// Most nodes whose word about themselves is kept.
const ABOUTS_LIMIT: usize = 1_024;

/// Results of cycles that have not come yet, by the time they may be heard.
#[derive(Debug, Default)]
pub(super) struct Held {
    waiting: BTreeMap<(MeshTime, NodeId, ServiceId), Arc<ProbeResult>>,
    due: Option<Steady>,
}

impl Held {
    pub(super) fn due(&self) -> Option<Steady> {
        self.due
    }
}

impl Machine {
    pub(super) fn hear_beat(&mut self, beat: &Beat, now: Now, effects: &mut Vec<Effect>) {
        if beat.node == self.me {
            return;
        }
        let known = self.members.get(&beat.node);
        let posts_changed = known.and_then(|member| member.beat.as_ref()).is_none_or(|last| {
            last.posts != beat.posts || last.priority != beat.priority || last.goodbye != beat.goodbye
        });
        let shown_changed = known.and_then(|member| member.beat.as_ref()).is_none_or(|last| {
            last.configuration != beat.configuration
                || last.cut_off != beat.cut_off
                || last.links != beat.links
        });
        let lost_a_link =
            known.and_then(|member| member.beat.as_ref()).is_some_and(|last| beat.links < last.links);
        let heard = self.members.heard(beat, now);
        if !heard.fresh {
            return;
        }
        if lost_a_link {
            // it may be the one to us, also if we don't know yet: it doubts that we live until it hears us
            self.beat_soon(now);
        }
        self.clock.heard(&beat.node, beat.wall, now);
        if self.may_miss_others(&beat.node) {
            effects.push(Effect::PassOn);
        }
        let differs = beat.digest != self.journal.digest();
        self.catching_up.compared(&beat.node, differs, now.steady);
        if shown_changed {
            effects.push(Effect::Members);
        }
        if !heard.changes.is_empty() {
            self.changed(heard.changes, now, effects);
        } else if posts_changed {
            self.elect(now, effects);
        }
    }

    /// Whether somebody may not have heard what `author` says: one of the two does not reach everybody. A
    /// cable may carry one way only, so what the author believes to reach is not enough.
    fn may_miss_others(&self, author: &NodeId) -> bool {
        let others = self.members.alive().count();
        let lacks_links =
            |member: &Member| usize::from(member.beat.as_ref().map_or(0, |beat| beat.links)) < others;
        self.members.get(author).is_none_or(lacks_links) || self.members.alive().any(lacks_links)
    }

    pub(super) fn hear_batch(&mut self, batch: Batch, now: Now, effects: &mut Vec<Effect>) {
        let author = batch.sequence.author.clone();
        if let Some(batch) = self.note(batch, effects) {
            if self.may_miss_others(&author) {
                effects.push(Effect::PassOn);
            }
            self.take(vec![batch], now, effects);
        }
    }

    /// Notes a batch in the journal; gives it back when it is news.
    pub(super) fn note(&mut self, batch: Batch, effects: &mut Vec<Effect>) -> Option<Batch> {
        let ours = batch.sequence.author == self.me && batch.sequence.boot >= self.boot;
        if ours {
            // our own words come back; ones we never said would be a second node with our key
            if !self.journal.has(&batch.sequence, batch.number) {
                effects.push(Effect::Dropped("own sequence", 1));
            }
            return None;
        }
        match self.journal.note(&batch.sequence, batch.number) {
            Noted::New => Some(batch),
            Noted::Known | Noted::TooOld => None,
            Noted::Refused => {
                effects.push(Effect::Dropped("journal", 1));
                None
            }
        }
    }

    /// Takes batches that are news: to be stored whole; what is not lawful or not yet due is not heard.
    pub(super) fn take(&mut self, batches: Vec<Batch>, now: Now, effects: &mut Vec<Effect>) {
        let taken = batches.into_iter().map(|mut batch| {
            let facts = std::mem::take(&mut batch.facts);
            batch.facts = self.screen(&batch.sequence.author, facts, now, effects);
            batch
        });
        let taken: Vec<Batch> = taken.collect();
        effects.push(Effect::Take(taken));
    }

    /// Hears again what was stored before a start.
    pub(super) fn recall(&mut self, batches: Vec<Batch>, now: Now, effects: &mut Vec<Effect>) {
        let mut heard = Vec::new();
        for batch in batches {
            let author = batch.sequence.author;
            let facts = self.screen(&author, batch.facts, now, effects);
            heard.extend(facts.into_iter().map(|fact| (author.clone(), fact)));
        }
        effects.push(Effect::Release(heard));
    }

    /// Notes what concerns the mesh itself, and lets through what is to be heard now.
    fn screen(
        &mut self,
        author: &NodeId,
        facts: Vec<Fact>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Vec<Fact> {
        let mut heard = Vec::with_capacity(facts.len());
        for fact in facts {
            match &fact {
                Fact::Result(result) => {
                    if self.rules.has(Rule::OwnResults) && result.node != *author {
                        effects.push(Effect::Dropped("foreign results", 1));
                        continue;
                    }
                    if self.hold_back(result, now, effects) {
                        continue;
                    }
                    self.look(result, now, effects);
                }
                Fact::About(about) => self.hear_about(author, about, now, effects),
                Fact::Devices(told) => self.hear_devices(author, told, effects),
                Fact::Configured(configuration) => self.hear_configuration(configuration, effects),
                Fact::Noticed(notice) => {
                    if notice.node != *author {
                        effects.push(Effect::Dropped("foreign notices", 1));
                        continue;
                    }
                }
                Fact::Acknowledged(_) | Fact::Held(_) | Fact::Deployed(_) | Fact::MailRead(_) => {}
            }
            heard.push(fact);
        }
        heard
    }

    fn look(&mut self, result: &ProbeResult, now: Now, effects: &mut Vec<Effect>) {
        if result.node == self.me {
            return;
        }
        if let Some(service) = self.lookout.heard(result, self.clock.mesh_time(now.wall)) {
            effects.push(Effect::Confirm(service));
        }
    }

    fn hear_about(
        &mut self,
        author: &NodeId,
        about: &crate::mesh::words::About,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let known = self.abouts.get(author);
        let newer = known.is_none_or(|known| known.at < about.at);
        // of ourselves we know better
        if !newer || *author == self.me || (known.is_none() && self.abouts.len() >= ABOUTS_LIMIT) {
            return;
        }
        let labels_changed = known.is_none_or(|known| known.labels != about.labels);
        self.abouts.insert(author.clone(), about.clone());
        effects.push(Effect::Members);
        if labels_changed {
            self.assign(now, effects);
        }
    }

    fn hear_devices(&mut self, author: &NodeId, told: &Arc<DevicesTold>, effects: &mut Vec<Effect>) {
        let known = self.devices.get(author);
        let newer = known.is_none_or(|known| known.at < told.at);
        // of ourselves we know better
        if !newer || *author == self.me || (known.is_none() && self.devices.len() >= ABOUTS_LIMIT) {
            return;
        }
        self.devices.insert(author.clone(), Arc::clone(told));
        effects.push(Effect::Members);
    }

    fn hear_configuration(
        &mut self,
        configuration: &Arc<crate::mesh::words::Configuration>,
        effects: &mut Vec<Effect>,
    ) {
        let before = self.shared.stamp();
        self.shared.take(Arc::clone(configuration));
        if self.shared.stamp() > before {
            effects.push(Effect::Configuration(Arc::clone(configuration)));
            effects.push(Effect::Members);
        }
    }

    /// A result of a cycle that is further ahead than any node may be waits until its time comes.
    fn hold_back(&mut self, result: &Arc<ProbeResult>, now: Now, effects: &mut Vec<Effect>) -> bool {
        if !self.rules.has(Rule::HoldFuture) {
            return false;
        }
        let interval = self.interval_of(&result.service);
        // a recovery is the first word of the next cycle; a failure that is said ahead of its cycle would
        // decide that alone. By a clock that is ahead of ours it waits as long as that is
        let early = match result.outcome.vote() {
            Some(Vote::Failed) => Millis(0),
            Some(Vote::Passed) | None => interval.span(),
        };
        let lawful_at = result.cycle.start().minus(early);
        let mesh_now = self.mesh_time(now);
        if lawful_at <= mesh_now {
            return false;
        }
        let key = (lawful_at, result.node.clone(), result.service.clone());
        self.held.waiting.insert(key, Arc::clone(result));
        if self.held.waiting.len() > HELD_LIMIT {
            self.held.waiting.pop_last();
            effects.push(Effect::Dropped("held back", 1));
        }
        self.time_release(mesh_now, now.steady);
        true
    }

    fn interval_of(&self, service: &ServiceId) -> Interval {
        let place = self.services.binary_search_by(|known| known.id.cmp(service));
        place.ok().and_then(|place| self.services.get(place)).map_or(GUESSED_INTERVAL, |known| known.interval)
    }

    fn time_release(&mut self, mesh_now: MeshTime, now: Steady) {
        let first = self.held.waiting.first_key_value();
        self.held.due = first.map(|((at, ..), _)| now.plus(at.since(mesh_now)));
    }

    /// Lets results be heard whose time has come.
    pub(super) fn release(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.held.due.is_none_or(|due| due > now.steady) {
            return;
        }
        let mesh_now = self.mesh_time(now);
        let mut heard = Vec::new();
        while let Some(entry) = self.held.waiting.first_entry() {
            if entry.key().0 > mesh_now {
                break;
            }
            let result = entry.remove();
            self.look(&result, now, effects);
            heard.push((result.node.clone(), Fact::Result(result)));
        }
        self.time_release(mesh_now, now.steady);
        if !heard.is_empty() {
            effects.push(Effect::Release(heard));
        }
    }

    pub(super) fn hear_suspicion(&mut self, suspicion: &Suspicion, now: Now, effects: &mut Vec<Effect>) {
        if suspicion.author == self.me || self.members.get(&suspicion.author).is_none() {
            return;
        }
        if self.may_miss_others(&suspicion.author) {
            effects.push(Effect::PassOn);
        }
        if let Some(service) =
            self.lookout.suspected(&suspicion.service, suspicion.began, self.clock.mesh_time(now.wall))
        {
            effects.push(Effect::Confirm(service));
        }
    }

    /// Members came, went or restarted: what follows.
    pub(super) fn changed(&mut self, changes: Vec<Change>, now: Now, effects: &mut Vec<Effect>) {
        if changes.is_empty() {
            return;
        }
        let mut matters = false;
        for change in changes {
            match change {
                Change::Arrived(node) | Change::Restarted(node) => {
                    // one that is heard of through others only can't be asked
                    if self.members.get(&node).is_some_and(|member| member.connected) {
                        self.catching_up.met(node, now.steady);
                    }
                }
                Change::Lost(node) => {
                    self.clock.forget(&node);
                    effects.push(Effect::Disconnect(node));
                }
                Change::Left(node) => self.clock.forget(&node),
                Change::Mute(node) => {
                    effects.push(Effect::Disconnect(node));
                    self.beat_soon(now);
                    continue;
                }
                // a suspect still counts: nothing follows yet
                Change::Suspected(_) | Change::Cleared(_) => continue,
            }
            matters = true;
        }
        effects.push(Effect::Members);
        if !matters {
            return;
        }
        // who arrives should know of us at once
        self.beat_soon(now);
        self.elect(now, effects);
        self.assign(now, effects);
    }
}
