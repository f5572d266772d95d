//! What was and should be said of one service on one channel.

use super::{HOLD, PATIENCE, Position, RETRY, RETRY_DOUBLINGS, SENDING_LIMIT, STAND_BY, Step, Wanted};
use crate::mesh::mix;
use crate::mesh::rules::{Rule, RuleSet};
use crate::mesh::words::{Detail, Notice, Saying, Steady, Word};
use crate::vocabulary::{Cycle, Level, Millis, NodeId, ServiceId};
use std::collections::BTreeMap;

/// Most entries: the greatest number is among them, and what was said last is kept besides.
const ENTRIES_LIMIT: usize = 8;

/// An entry's key in its line; their order is the order of what was said.
type Key = (u64, NodeId);

/// What an entry says beside its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    saying: Saying,
    incident: Cycle,
    level: Level,
    word: Word,
    message: u64,
}

impl Entry {
    fn of(notice: &Notice) -> Self {
        let Detail { word, message, .. } = notice.detail;
        Self { saying: notice.saying, incident: notice.incident, level: notice.level, word, message }
    }

    /// What is said, whoever says it in whichever message.
    fn content(&self) -> (Cycle, Level, Word) {
        (self.incident, self.level, self.word)
    }
}

/// The circumstances of a question for what is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) me: &'a NodeId,
    pub(super) rules: RuleSet,
    pub(super) channel: &'a str,
    pub(super) position: Position,
    pub(super) now: Steady,
}

/// Whether something is to be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    No,
    Yes,
    /// Yes, but what was said is ahead of what this node knows.
    Patiently,
}

#[derive(Debug, Default)]
pub(super) struct Line {
    /// The greatest few.
    entries: BTreeMap<Key, Entry>,
    /// The greatest that was sent, whether or not it is among them.
    said: Option<Notice>,
    /// An outage that was said and that no recovery ends, though one has the greatest number.
    open: Option<Notice>,
    /// The latest intent of another that was heard, and when; none once it was sent.
    foreign: Option<(Key, Steady)>,
    /// How long something has been due, and what had been said last then.
    since: Option<(Steady, Option<Key>)>,
    /// What this node is sending, and when it has failed.
    sending: Option<(Notice, Steady)>,
    /// What it failed to send, and when it did.
    failed: Option<(Notice, Steady)>,
    tries: u64,
    wake: Option<Steady>,
}

/// How long after its failure in so many tries a node tries again. Who stands by is slow to: until the leader
/// has said that it got through, nobody else knows.
fn retry_after(me: &NodeId, tries: u64, position: Position) -> Millis {
    let (first, most) = match position {
        Position::Leader => (RETRY, RETRY_DOUBLINGS),
        Position::StandBy(_) => (Millis(2 * STAND_BY.0), RETRY_DOUBLINGS + 1),
    };
    let Some(doublings) = tries.checked_sub(1) else { return Millis(0) };
    let wait = first.0 << doublings.min(most);
    let chance = mix::with(mix::of_text(me.as_str()), tries) % (wait / 3 + 1);
    Millis(wait + chance)
}

fn key(notice: &Notice) -> Key {
    (notice.number, notice.node.clone())
}

impl Line {
    /// Takes an entry in; sent absorbs its intent. Two that differ under one key were made by a node that
    /// used a number twice: the greater one stands everywhere.
    pub(super) fn note(&mut self, notice: &Notice) -> bool {
        let entry = Entry::of(notice);
        let key = key(notice);
        let known = self.entries.get(&key);
        let mut is_new = known.is_none_or(|known| *known < entry);
        if is_new {
            self.entries.insert(key.clone(), entry);
        }
        if self.entries.len() > ENTRIES_LIMIT {
            is_new = self.entries.pop_first().is_none_or(|(dropped, _)| dropped != key);
        }
        let place = |n: &Notice| (n.number, n.node.clone(), n.incident, n.level, n.detail.clone());
        let is_last = self.said.as_ref().is_none_or(|said| place(said) < place(notice));
        if notice.saying == Saying::Sent && is_last {
            self.said = Some(notice.clone());
            is_new = true;
        }
        if notice.saying == Saying::Sent {
            self.open = self.find_open(notice);
        }
        is_new
    }

    /// The greatest outage that was said and that no recovery ends, when a recovery has the greatest number.
    /// Each side of a partition counts by itself: an outage that was said by who did not know of the recovery
    /// may be the last that people have read, with a number that is not the greatest. A recovery ends an
    /// outage only if its number is greater and its incident is not an earlier one, which it never is where
    /// its author knew of both, see [`Line::speak`].
    fn find_open(&self, notice: &Notice) -> Option<Notice> {
        let said = self.said.as_ref().filter(|said| said.level < Level::Incident)?;
        let is_sent = |(_, entry): &(&Key, &Entry)| entry.saying == Saying::Sent;
        let mut ended = Vec::from([(said.number, said.incident)]);
        for ((number, node), entry) in self.entries.iter().rev().filter(is_sent) {
            if entry.level < Level::Incident {
                ended.push((*number, entry.incident));
            } else if *number <= said.number
                && !ended.iter().any(|(ends, of)| ends > number && *of >= entry.incident)
            {
                return Some(Notice {
                    number: *number,
                    node: node.clone(),
                    incident: entry.incident,
                    level: entry.level,
                    detail: Detail { word: entry.word, message: entry.message, receipt: None },
                    ..notice.clone()
                });
            }
        }
        None
    }

    /// An entry of another's is news.
    pub(super) fn heard(&mut self, notice: &Notice, now: Steady) {
        match notice.saying {
            Saying::Intent => self.foreign = Some((key(notice), now)),
            Saying::Sent => self.foreign = self.foreign.take().filter(|(held, _)| *held != key(notice)),
        }
    }

    /// What people have to be taken to have read last.
    pub(super) fn said(&self) -> Option<&Notice> {
        self.open.as_ref().or(self.said.as_ref())
    }

    pub(super) fn wake(&self) -> Option<Steady> {
        self.wake
    }

    pub(super) fn sent(&mut self, sent: &Notice) {
        self.sending = None;
        self.failed = None;
        self.tries = 0;
        self.note(sent);
    }

    pub(super) fn failed(&mut self, notice: &Notice, now: Steady) {
        self.tries = self.tries.saturating_add(1);
        self.sending = None;
        self.failed = Some((notice.clone(), now));
        // the next turn knows this node's place
        self.wake = Some(now.plus(RETRY));
    }

    pub(super) fn slept(&mut self) {
        self.since = None;
        self.sending = None;
        self.failed = None;
        self.wake = None;
    }

    /// What is to be done at a turn.
    pub(super) fn turn(&mut self, wanted: Option<&Wanted>, turn: Turn<'_>) -> Option<Step> {
        self.wake = self.sending.as_ref().map(|(_, until)| *until).filter(|until| turn.now < *until);
        if self.wake.is_some() {
            return None;
        }
        if let Some((lost, _)) = self.sending.take() {
            self.failed = Some((lost, turn.now));
        }
        if !turn.rules.has(Rule::ReadAgain)
            && let Some((notice, failed)) = self.failed.clone()
        {
            let at = failed.plus(retry_after(turn.me, self.tries, turn.position));
            return if turn.now < at {
                self.wake = Some(at);
                None
            } else {
                Some(Step::Again(self.send(notice, turn.now)))
            };
        }
        let due = wanted.map_or(Due::No, |wanted| self.is_due(wanted));
        let Some(wanted) = wanted.filter(|_| due != Due::No) else {
            self.since = None;
            self.failed = None;
            self.tries = 0;
            return None;
        };
        let from = self.not_before(due, turn);
        if turn.now < from {
            self.wake = Some(from);
            return None;
        }
        Some(self.speak(wanted, turn))
    }

    /// Whether what should be said differs from what was said last.
    fn is_due(&self, wanted: &Wanted) -> Due {
        let is_outage = wanted.level >= Level::Incident;
        let Some(said) = self.said() else {
            return if is_outage { Due::Yes } else { Due::No };
        };
        let was_outage = said.level >= Level::Incident;
        let is_ahead = said.incident > wanted.incident || (!was_outage && said.incident == wanted.incident);
        let differs = if is_outage {
            said.level != wanted.level || said.incident < wanted.incident || said.detail.word < wanted.word
        } else {
            wanted.level == Level::Healthy && was_outage
        };
        match (differs, is_ahead) {
            (false, _) => Due::No,
            (true, false) => Due::Yes,
            (true, true) => Due::Patiently,
        }
    }

    /// The earliest moment at which this node may say what is due.
    fn not_before(&mut self, due: Due, turn: Turn<'_>) -> Steady {
        let said = self.said().map(key);
        let since = match self.since.take() {
            Some((since, before)) if before == said => since,
            Some(_) | None => turn.now,
        };
        self.since = Some((since, said));
        let place = match turn.position {
            Position::StandBy(place) if turn.rules.has(Rule::StandBy) => u64::from(place),
            Position::StandBy(_) | Position::Leader => 0,
        };
        let patience = if due == Due::Patiently { PATIENCE } else { Millis(0) };
        let mut from = since.plus(Millis(STAND_BY.0 * place)).plus(patience);
        if let Some((_, failed)) = &self.failed {
            from = from.max(failed.plus(retry_after(turn.me, self.tries, turn.position)));
        }
        // one after the other, or all that an intent has held up would speak at once when it comes to nothing
        if let Some((_, heard)) = self.foreign.as_ref().filter(|_| turn.rules.has(Rule::HoldIntent)) {
            from = from.max(heard.plus(Millis(HOLD.0 * (place + 1))));
        }
        from
    }

    /// The same again if this node has stated it already, and nothing was said since; else a new entry.
    /// A recovery is never one of an earlier incident than the outage that it ends, also when results that came
    /// late have dated that back.
    fn speak(&mut self, wanted: &Wanted, turn: Turn<'_>) -> Step {
        let ended = self.said().filter(|_| wanted.level < Level::Incident).map(|said| said.incident);
        let incident = ended.map_or(wanted.incident, |ended| ended.max(wanted.incident));
        let intent = (Saying::Intent, (incident, wanted.level, wanted.word));
        let said = self.said.as_ref().map_or(0, |said| said.number);
        let mut later = self.entries.iter().rev().take_while(|((number, _), _)| *number > said);
        let stated =
            later.find(|((_, node), entry)| node == turn.me && (entry.saying, entry.content()) == intent);
        let stated = stated.map(|((number, _), _)| *number);
        let greatest = self.entries.last_key_value().map_or(0, |((number, _), _)| *number).max(said);
        let above = if turn.rules.has(Rule::LedgerNumber) { greatest } else { said };
        let notice = Notice {
            service: wanted.service.clone(),
            channel: turn.channel.to_owned(),
            number: stated.unwrap_or(above.saturating_add(1)),
            node: turn.me.clone(),
            incident,
            level: wanted.level,
            saying: Saying::Intent,
            detail: Detail { word: wanted.word, ..Detail::default() },
        };
        self.note(&notice);
        let notice = self.send(notice, turn.now);
        if stated.is_some() { Step::Again(notice) } else { Step::Intend(notice) }
    }

    /// The message of another intent with the same content that was not said, as far as is known.
    pub(super) fn doubt(&self, notice: &Notice) -> Option<u64> {
        let said = self.said.as_ref().map_or(0, |said| said.number);
        let content = Entry::of(notice).content();
        let open = self.entries.iter().rev().take_while(|((number, _), _)| *number > said);
        let mut others = open.filter(|(other, _)| **other != key(notice));
        others
            .find(|(_, entry)| entry.saying == Saying::Intent && entry.content() == content)
            .map(|(_, entry)| entry.message)
    }

    /// What was said last, and what somebody was about to say since.
    pub(super) fn notices(&self, service: &ServiceId, channel: &str) -> Vec<Notice> {
        let said = self.said.as_ref().map_or(0, |said| said.number);
        let open = self
            .entries
            .iter()
            .filter(|((number, _), entry)| *number > said && entry.saying == Saying::Intent);
        let intents = open.map(|((number, node), entry)| Notice {
            service: service.clone(),
            channel: channel.to_owned(),
            number: *number,
            node: node.clone(),
            incident: entry.incident,
            level: entry.level,
            saying: entry.saying,
            detail: Detail { word: entry.word, message: entry.message, receipt: None },
        });
        self.open.iter().chain(&self.said).cloned().chain(intents).collect()
    }

    fn send(&mut self, notice: Notice, now: Steady) -> Notice {
        let until = now.plus(SENDING_LIMIT);
        self.sending = Some((notice.clone(), until));
        self.failed = None;
        self.wake = Some(until);
        notice
    }
}
