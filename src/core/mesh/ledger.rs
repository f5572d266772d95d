//! The notification ledger: what was said on which channel, and what this node should say now.
//!
//! Entries are merged as a set, so what was said last is the same on every node that has the same of them,
//! by their numbers and never by a clock. Somebody who is to speak first states an intent, then sends,
//! then states that it was sent. The leader speaks at once, the others stand by, one after the other.
//!
//! Results that come late can give an outage another first cycle. So what is due is the difference between
//! what should be said and what was said last, whichever incident that was about; where what was said is
//! ahead of what this node knows, it waits a while first, since its own view may be the late one.

use super::rules::RuleSet;
use super::words::{Notice, Saying, Steady, Word};
use crate::vocabulary::{Cycle, Level, Millis, NodeId, ServiceId};
use line::{Line, Turn};
use std::collections::BTreeMap;

mod line;

/// Each further stand-by waits so much longer: long enough for the one before to send, retry and say so.
pub const STAND_BY: Millis = Millis::seconds(15);
/// Who sees another's intent waits so long for the word that it was sent.
pub const HOLD: Millis = Millis::seconds(5);
/// Who knows less than what was said waits so much longer: for its own view to catch up, and not as long as
/// the next one stands by, or the two would speak at once.
pub const PATIENCE: Millis = Millis::seconds(7);
/// A message that failed is tried again by the leader after this and up to a third more, then after twice
/// that and so on. The first time must be over before the next one's turn: an answer takes a second or two.
pub const RETRY: Millis = Millis::seconds(6);
/// So often that wait doubles: to 48 s. Who stands by begins with twice [`STAND_BY`] and doubles that once more
/// often, to eight minutes, so that when a channel is back the leader alone says what waits.
const RETRY_DOUBLINGS: u64 = 3;
/// A sending of which nothing is heard for so long has failed: longer than any channel's time-out.
pub const SENDING_LIMIT: Millis = Millis::seconds(60);
/// Most services times channels: ten thousand of ten. Notices on further ones are refused.
const LINES_LIMIT: usize = 100_000;
/// Greatest number of an entry: only a liar comes near, and there is room above it.
const NUMBER_LIMIT: u64 = 1 << 53;

/// What should be said of a service by now, if it was not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Of which.
    pub service: ServiceId,
    /// The open incident; for a recovery the latest that ended.
    pub incident: Cycle,
    /// Incident or down while it is open, healthy when it has ended; nothing is said of other levels.
    pub level: Level,
    /// What is to be said beside the level.
    pub word: Word,
}

/// This node's place among those that may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// It leads: it speaks at once.
    Leader,
    /// It speaks when the leader and those before it have not; the first is 1.
    StandBy(u16),
}

/// What should follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// State this; once it is stored, send the message; then tell [`Ledger::sent`] or [`Ledger::failed`].
    Intend(Notice),
    /// This was stated before: send the message again, then tell as above.
    Again(Notice),
}

/// The ledger as one node knows it.
#[derive(Debug)]
pub struct Ledger {
    me: NodeId,
    rules: RuleSet,
    lines: BTreeMap<ServiceId, BTreeMap<String, Line>>,
    count: usize,
    refused: u64,
}

impl Ledger {
    /// An empty ledger. What is stored is noted next: an own intent from an earlier life that was never
    /// told to be sent counts as not sent.
    pub fn new(me: NodeId, rules: RuleSet) -> Self {
        Self { me, rules, lines: BTreeMap::new(), count: 0, refused: 0 }
    }

    /// Takes an entry in, this node's own or another's. Whether it says anything new.
    pub fn note(&mut self, notice: &Notice, now: Steady) -> bool {
        let is_foreign = notice.node != self.me;
        let Some(line) =
            self.line(&notice.service, &notice.channel).filter(|_| notice.number <= NUMBER_LIMIT)
        else {
            self.refused += 1;
            return false;
        };
        let is_new = line.note(notice);
        if is_new && is_foreign {
            line.heard(notice, now);
        }
        is_new
    }

    /// The line of a service and channel, made if there is room.
    fn line(&mut self, service: &ServiceId, channel: &str) -> Option<&mut Line> {
        let known = self.lines.get(service).is_some_and(|channels| channels.contains_key(channel));
        if !known {
            if self.count >= LINES_LIMIT {
                return None;
            }
            self.count += 1;
            self.lines.entry(service.clone()).or_default().insert(channel.to_owned(), Line::default());
        }
        self.known_line(service, channel)
    }

    fn known_line(&mut self, service: &ServiceId, channel: &str) -> Option<&mut Line> {
        self.lines.get_mut(service)?.get_mut(channel)
    }

    /// What was last said of a service on a channel: the greatest entry that was sent; an outage with a lesser
    /// number, if that is not over for whoever has read it.
    pub fn said(&self, service: &ServiceId, channel: &str) -> Option<&Notice> {
        self.lines.get(service)?.get(channel)?.said()
    }

    /// What this node should do now on a channel, given all that should be said there. To be asked when
    /// anything of that changes, when an entry was noted, and when it is due. Every answer is to be acted on
    /// at once: until its outcome is told, the same is not answered again.
    pub fn due(&mut self, wanted: &[Wanted], channel: &str, position: Position, now: Steady) -> Vec<Step> {
        let services: BTreeMap<&ServiceId, &Wanted> =
            wanted.iter().map(|wanted| (&wanted.service, wanted)).collect();
        let turn = Turn { me: &self.me, rules: self.rules, channel, position, now };
        let mut steps = Vec::new();
        for (service, channels) in &mut self.lines {
            if let Some(line) = channels.get_mut(channel) {
                steps.extend(line.turn(services.get(service).copied(), turn));
            }
        }
        let outages = services.into_values().filter(|wanted| wanted.level >= Level::Incident);
        let unknown: Vec<&Wanted> = outages
            .filter(|one| self.lines.get(&one.service).is_none_or(|known| !known.contains_key(channel)))
            .collect();
        for one in unknown {
            let (me, rules) = (self.me.clone(), self.rules);
            match self.line(&one.service, channel) {
                Some(line) => {
                    steps.extend(line.turn(Some(one), Turn { me: &me, rules, channel, position, now }));
                }
                None => self.refused += 1,
            }
        }
        steps
    }

    /// The channel has accepted a message: the entry that says so, to be stated.
    pub fn sent(&mut self, notice: &Notice) -> Notice {
        let sent = Notice { saying: Saying::Sent, ..notice.clone() };
        if let Some(line) = self.line(&notice.service, &notice.channel) {
            line.sent(&sent);
        }
        sent
    }

    /// The channel has not accepted a message: it is tried again later, if it is still due then.
    pub fn failed(&mut self, notice: &Notice, now: Steady) {
        if let Some(line) = self.known_line(&notice.service, &notice.channel) {
            line.failed(notice, now);
        }
    }

    /// The machine slept: what was due before has to be due anew, as somebody else may have said it.
    pub fn slept(&mut self) {
        self.lines.values_mut().flat_map(BTreeMap::values_mut).for_each(Line::slept);
    }

    /// When [`Ledger::due`] is to be asked next, if nothing changes before.
    pub fn next_due(&self) -> Option<Steady> {
        self.lines.values().flat_map(BTreeMap::values).filter_map(Line::wake).min()
    }

    /// The message in which another node, or an earlier life of this one, was about to say the same as
    /// `notice` and was not heard to have said it: it may have been read. None when there is no such doubt.
    pub fn doubt(&self, notice: &Notice) -> Option<u64> {
        self.lines.get(&notice.service)?.get(&notice.channel)?.doubt(notice)
    }

    /// Everything that is kept: what was said last of each, and what somebody was about to say since.
    pub fn entries(&self) -> impl Iterator<Item = Notice> {
        self.lines.iter().flat_map(|(service, channels)| {
            channels.iter().flat_map(move |(channel, line)| line.notices(service, channel))
        })
    }

    /// How many entries were refused because a limit is reached.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests;
