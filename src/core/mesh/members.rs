//! Who is there: one node's view of the others, from their beats, their goodbyes and its connections.

use super::rules::{Rule, RuleSet};
use super::view::Liveness;
use super::words::{Beat, Now, Steady};
use crate::vocabulary::{Millis, NodeId};
use std::collections::BTreeMap;

/// A peer that was not heard for this long is down: five beats.
pub const BEAT_TIMEOUT: Millis = Millis(10_000);
/// How long a peer whose connections closed may take to be heard through others: most of a beat, so that
/// a killed process is replaced at once and a broken cable to one neighbour accuses nobody.
pub const SUSPICION: Millis = Millis(1_500);
/// A connection that brought no beat for this long leads nowhere: half of what makes its peer down, so that
/// others pass on what it says before it is missed. A link that loses everything says nothing of it for long.
pub const MUTE: Millis = Millis(5_000);
/// A peer that is gone for this long is forgotten: longer than a holiday.
pub const FORGET: Millis = Millis::seconds(30 * 24 * 3600);
/// How many others are remembered: the largest mesh this is made for.
pub const MEMBERS_LIMIT: usize = 1024;

/// Another node, as this one knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Which.
    pub node: NodeId,
    /// The latest it said; none while there was only a connection.
    pub beat: Option<Beat>,
    /// Whether it is there.
    pub liveness: Liveness,
    /// Since when its liveness is what it is.
    pub since: Steady,
    /// Since when it is there without having been down, left or started anew: a suspicion that proved
    /// wrong does not count.
    pub alive_since: Steady,
    /// When it was last heard; when it was first met, while it was not.
    pub heard: Steady,
    /// Whether there is a connection to it.
    pub connected: bool,
    /// How far its wall clock was ahead of this node's at its latest beat, in milliseconds.
    pub offset_ms: Option<i64>,
    /// From when on its silence counts: its latest beat, or our own waking.
    silent_since: Steady,
    /// When something is to be done about it if nothing is heard.
    deadline: Option<Steady>,
    /// When its connection is given up if nothing is heard.
    mute_at: Option<Steady>,
}

impl Member {
    /// Whether it counts as there: also a suspect does, until it is down.
    pub fn is_alive(&self) -> bool {
        match self.liveness {
            Liveness::Alive | Liveness::Suspect => true,
            Liveness::Down | Liveness::Left => false,
        }
    }

    fn met(node: NodeId, now: Now) -> Self {
        Self {
            node,
            beat: None,
            liveness: Liveness::Down,
            since: now.steady,
            alive_since: now.steady,
            heard: now.steady,
            connected: false,
            offset_ms: None,
            silent_since: now.steady,
            deadline: Some(now.steady.plus(FORGET)),
            mute_at: None,
        }
    }

    fn becomes(&mut self, liveness: Liveness, now: Now) {
        self.liveness = liveness;
        self.since = now.steady;
    }

    fn is_gone(&mut self, liveness: Liveness, now: Now) {
        self.becomes(liveness, now);
        self.deadline = Some(now.steady.plus(FORGET));
        self.mute_at = None;
    }

    /// Who is there and connected is heard by it within some seconds.
    fn expect_beats(&mut self, rules: RuleSet, now: Now) {
        let expected = self.connected && self.is_alive() && rules.has(Rule::BeatTimeout);
        self.mute_at = expected.then(|| now.steady.plus(MUTE));
    }

    fn due(&self) -> Option<Steady> {
        self.deadline.into_iter().chain(self.mute_at).min()
    }
}

/// What changed in who is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is alive and was not: for the first time, or again.
    Arrived(NodeId),
    /// Its connections closed; it still counts as alive.
    Suspected(NodeId),
    /// It was suspected and is alive after all.
    Cleared(NodeId),
    /// It still counts as alive, but its connection brings nothing: it is to be closed.
    Mute(NodeId),
    /// It is down.
    Lost(NodeId),
    /// It stopped on purpose.
    Left(NodeId),
    /// It has started anew before it was missed.
    Restarted(NodeId),
}

/// What a beat came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// Whether it said something that was not known: another's beat, later than every earlier one.
    pub fresh: bool,
    /// What changed by it.
    pub changes: Vec<Change>,
}

/// This node's view of the others.
#[derive(Debug, Clone)]
pub struct Members {
    me: NodeId,
    rules: RuleSet,
    members: BTreeMap<NodeId, Member>,
    /// Not later than the earliest deadline. A beat moves deadlines back and leaves this where it is, so
    /// that hearing costs no search: the turn that comes too early finds the next one.
    due: Option<Steady>,
    /// Until then closed connections prove nothing: we slept, and they broke of that.
    patient_until: Steady,
    refused: u64,
}

impl Members {
    /// Nobody is known yet.
    pub fn new(me: NodeId, rules: RuleSet) -> Self {
        let members = BTreeMap::new();
        Self { me, rules, members, due: None, patient_until: Steady(0), refused: 0 }
    }

    /// A beat was heard, from its author or through others. One that is not later than the latest of its
    /// author changes nothing, nor does an own one.
    pub fn heard(&mut self, beat: &Beat, now: Now) -> Heard {
        if beat.node == self.me || !self.has_room_for(&beat.node) {
            return Heard::default();
        }
        let rules = self.rules;
        let member =
            self.members.entry(beat.node.clone()).or_insert_with(|| Member::met(beat.node.clone(), now));
        let known = member.beat.as_ref().map(|known| (known.boot, known.number));
        if known.is_some_and(|known| (beat.boot, beat.number) <= known) {
            return Heard::default();
        }
        let reborn = known.is_some_and(|(boot, _)| beat.boot > boot);
        match &mut member.beat {
            Some(known) => take(known, beat),
            none => *none = Some(beat.clone()),
        }
        member.heard = now.steady;
        member.silent_since = now.steady;
        member.offset_ms = Some(signed(beat.wall.0).saturating_sub(signed(now.wall.0)));
        let change = if beat.goodbye && rules.has(Rule::Goodbye) {
            left(member, now)
        } else {
            lives(member, reborn, now)
        };
        if member.is_alive() {
            member.deadline = silence_ends(rules, now.steady);
        }
        member.expect_beats(rules, now);
        let due = member.due();
        self.wake_at(due);
        Heard { fresh: true, changes: change.into_iter().collect() }
    }

    /// The first connection to a peer is open: whoever opens one lives, so it is not suspected any more.
    /// It is not alive by that alone, since nothing is known of it before its first beat.
    pub fn connected(&mut self, peer: &NodeId, now: Now) -> Vec<Change> {
        if *peer == self.me || !self.has_room_for(peer) {
            return Vec::new();
        }
        let rules = self.rules;
        let member = self.members.entry(peer.clone()).or_insert_with(|| Member::met(peer.clone(), now));
        member.connected = true;
        let mut changes = Vec::new();
        if member.liveness == Liveness::Suspect {
            member.becomes(Liveness::Alive, now);
            member.deadline = silence_ends(rules, member.silent_since);
            changes.push(Change::Cleared(peer.clone()));
        }
        member.expect_beats(rules, now);
        let due = member.due();
        self.wake_at(due);
        changes
    }

    /// The last connection to a peer is closed; by ourselves, if it was mute.
    pub fn disconnected(&mut self, peer: &NodeId, now: Now) -> Vec<Change> {
        let rules = self.rules;
        let suspected_until = now.steady.plus(SUSPICION).max(self.patient_until);
        let Some(member) = self.members.get_mut(peer) else { return Vec::new() };
        let closed = std::mem::replace(&mut member.connected, false);
        member.mute_at = None;
        if !closed || member.liveness != Liveness::Alive || !rules.has(Rule::Suspect) {
            return Vec::new();
        }
        member.becomes(Liveness::Suspect, now);
        member.deadline =
            Some(member.deadline.map_or(suspected_until, |silence| silence.min(suspected_until)));
        let deadline = member.deadline;
        self.wake_at(deadline);
        vec![Change::Suspected(peer.clone())]
    }

    /// What time alone does: who was silent for too long is down, who is gone for too long is forgotten.
    pub fn turn(&mut self, now: Now) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.due.is_none_or(|due| due > now.steady) {
            return changes;
        }
        // of two nodes nobody else could pass on what they say: a connection that is given up gains nothing
        let has_relay = self.alive().nth(1).is_some();
        for member in self.members.values_mut() {
            if member.is_alive() && member.deadline.is_some_and(|deadline| deadline <= now.steady) {
                member.is_gone(Liveness::Down, now);
                changes.push(Change::Lost(member.node.clone()));
            }
            if member.mute_at.is_some_and(|mute| mute <= now.steady) {
                member.mute_at = None;
                if has_relay {
                    member.connected = false;
                    changes.push(Change::Mute(member.node.clone()));
                }
            }
        }
        let over = |member: &Member| member.deadline.is_some_and(|deadline| deadline <= now.steady);
        self.members.retain(|_, member| member.connected || !over(member));
        for member in self.members.values_mut() {
            if over(member) {
                // connected, but mute for a month: asked about again in another
                member.deadline = Some(now.steady.plus(FORGET));
            }
        }
        self.due = self.members.values().filter_map(Member::due).min();
        changes
    }

    /// When a turn is wanted next; never too late, sometimes too early.
    pub fn due(&self) -> Option<Steady> {
        self.due
    }

    /// This machine slept. Nobody is accused for what it did not hear meanwhile: everybody has its full
    /// time again, and the connections that broke of it prove nothing.
    pub fn slept(&mut self, now: Now) -> Vec<Change> {
        let mut changes = Vec::new();
        if !self.rules.has(Rule::Sleep) {
            return changes;
        }
        self.patient_until = now.steady.plus(BEAT_TIMEOUT);
        for member in self.members.values_mut().filter(|member| member.is_alive()) {
            if member.liveness == Liveness::Suspect {
                member.becomes(Liveness::Alive, now);
                changes.push(Change::Cleared(member.node.clone()));
            }
            member.silent_since = now.steady;
            member.deadline = silence_ends(self.rules, now.steady);
            member.expect_beats(self.rules, now);
        }
        self.due = self.members.values().filter_map(Member::due).min();
        changes
    }

    /// The others that are there, by id; a suspect is, until it is down.
    pub fn alive(&self) -> impl Iterator<Item = &Member> {
        self.members.values().filter(|member| member.is_alive())
    }

    /// All others that are remembered, by id.
    pub fn all(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// One of them.
    pub fn get(&self, node: &NodeId) -> Option<&Member> {
        self.members.get(node)
    }

    /// How many beats and connections were not noted because too many others are there.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Whether a node is known or can be: the one that is gone for longest makes room.
    fn has_room_for(&mut self, node: &NodeId) -> bool {
        if self.members.len() < MEMBERS_LIMIT || self.members.contains_key(node) {
            return true;
        }
        let gone = self.members.values().filter(|member| !member.is_alive());
        let longest =
            gone.min_by_key(|member| (member.connected, member.since)).map(|member| member.node.clone());
        if longest.and_then(|node| self.members.remove(&node)).is_some() {
            return true;
        }
        self.refused = self.refused.saturating_add(1);
        false
    }

    fn wake_at(&mut self, deadline: Option<Steady>) {
        if let Some(at) = deadline {
            self.due = Some(self.due.map_or(at, |due| due.min(at)));
        }
    }
}

/// A fresh beat: its author is there.
fn lives(member: &mut Member, reborn: bool, now: Now) -> Option<Change> {
    let node = || member.node.clone();
    let change = match member.liveness {
        Liveness::Alive if !reborn => return None,
        Liveness::Suspect if !reborn => Change::Cleared(node()),
        Liveness::Alive | Liveness::Suspect => Change::Restarted(node()),
        Liveness::Down | Liveness::Left => Change::Arrived(node()),
    };
    if !matches!(change, Change::Cleared(_)) {
        member.alive_since = now.steady;
    }
    member.becomes(Liveness::Alive, now);
    Some(change)
}

/// A goodbye. Nobody needs to be told about one that was not there.
fn left(member: &mut Member, now: Now) -> Option<Change> {
    let missed = member.is_alive();
    member.is_gone(Liveness::Left, now);
    missed.then(|| Change::Left(member.node.clone()))
}

fn silence_ends(rules: RuleSet, from: Steady) -> Option<Steady> {
    rules.has(Rule::BeatTimeout).then(|| from.plus(BEAT_TIMEOUT))
}

/// Takes up a later beat in place: what seldom changes and lies on the heap is compared, not copied.
fn take(known: &mut Beat, beat: &Beat) {
    let Beat {
        node: _,
        boot,
        number,
        wall,
        priority,
        posts,
        links,
        digest,
        configuration,
        cut_off,
        goodbye,
        wire,
    } = beat;
    known.boot = *boot;
    known.number = *number;
    known.wall = *wall;
    known.priority = *priority;
    if known.posts != *posts {
        known.posts.clone_from(posts);
    }
    known.links = *links;
    known.digest = *digest;
    known.configuration = *configuration;
    known.cut_off = *cut_off;
    known.goodbye = *goodbye;
    known.wire = *wire;
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
