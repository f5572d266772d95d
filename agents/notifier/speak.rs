//! One channel's turn: what is due on it becomes messages, these are stated, sent, and stated as sent.

use crate::channel::{Again, Arrival, Outcome};
use crate::compose::{Speech, host_of, number_of};
use crate::logbook::Log;
use crate::notifier::{Named, Notifier};
use crate::standing::note_held;
use actix::prelude::*;
use p7_bus::AskError;
use p7_core::mesh::ledger::{Position, Step};
use p7_core::mesh::view::Liveness;
use p7_core::mesh::words::{Detail, Notice, Role, Saying, Steady};
use p7_core::speech::grouping::{Pace, Trait, grouped};
use p7_core::speech::message::{ITEMS_LIMIT, Kind, Message, Previous, Repeat};
use p7_core::speech::words;
use p7_core::vocabulary::{Level, MeshTime, Millis, ServiceId, shortened};
use serde_json::{Value, json};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Between the statement of an intent and the sending: long enough for it to be written and on its way.
const STATED_WITHIN: Duration = Duration::from_millis(60);
/// How long a message may take in all its parts and tries: below what the ledger waits.
const SAY_WITHIN: Duration = Duration::from_secs(45);
/// A channel that refuses is asked again after this, doubled each time up to the limit.
const REFUSED_WAIT: Millis = Millis::seconds(60);
const REFUSED_WAIT_LIMIT: Millis = Millis::seconds(3600);
/// A look at a channel without anything to wait for.
const IDLE: Millis = Millis::seconds(30);
/// Messages of a channel that are remembered for the API.
const REMEMBERED: usize = 100;

/// A channel as this node uses it.
#[derive(Debug, Default)]
pub(crate) struct Voice {
    pub(crate) channel: Option<Named>,
    pace: Pace,
    /// Messages that are being sent.
    pub(crate) sending: usize,
    /// It takes nothing before this.
    blocked: Option<Steady>,
    refusals: u32,
    /// Why it does not work, and what to do.
    pub(crate) trouble: Option<(String, MeshTime)>,
    /// How many things are due on it.
    pub(crate) waiting: usize,
    /// Outages that were held back, by service.
    pub(crate) held: BTreeSet<ServiceId>,
    /// Held outages that were over before they could be said.
    pub(crate) passed: usize,
    /// Own notices whose last try surely did not arrive.
    clean: BTreeSet<(ServiceId, u64)>,
    pub(crate) log: VecDeque<Value>,
    /// The log of everything, where the channel keeps one.
    pub(crate) log_of_all: Log,
}

impl Voice {
    fn remember(&mut self, entry: Value) {
        if self.log.len() >= REMEMBERED {
            self.log.pop_front();
        }
        self.log.push_back(entry);
    }
}

/// Some of what is due, as one message.
struct Batch {
    notices: Vec<Notice>,
    message: Message,
    previous: Option<Previous>,
}

impl Notifier {
    /// Somebody else says something: it counts for the pace here, too.
    pub(crate) fn overheard(&mut self, notice: &Notice, now: Steady) {
        let at = (self.parts.clock)();
        let by = self
            .view
            .as_ref()
            .map_or_else(|| notice.node.to_string(), |view| view.name_of(&notice.node).to_owned());
        let Some(voice) = self.voices.get_mut(&notice.channel) else { return };
        if notice.detail.message != 0 {
            voice.pace.note(notice.detail.message, now);
        }
        if notice.saying == Saying::Sent {
            voice.remember(json!({
                "at": words::rfc3339(at), "by": by, "result": "sent", "services": [notice.service],
                "level": notice.level, "key": format!("p7-{:016x}", notice.detail.message),
            }));
        }
    }

    /// Says what is due on a channel; when to look again.
    pub(crate) fn speak(&mut self, name: &str, context: &mut Context<Self>) -> Steady {
        let (now, at) = ((self.parts.steady)(), (self.parts.clock)());
        let idle = now.plus(IDLE);
        let Some(position) = self.position() else { return idle };
        let ledger = &self.ledger;
        let due = self.picture.due(name, |service| ledger.said(service, name), at);
        let Some(voice) = self.voices.get_mut(name) else { return idle };
        note_held(voice, &due.held, &due.wanted);
        let next = due.next.map_or(idle, |next| now.plus(next.since(at)).min(idle));
        if voice.sending > 0 || !matches!(&voice.channel, Some(Named { speaker: Ok(_), .. })) {
            return next;
        }
        if let Some(until) = voice.blocked.filter(|until| now < *until) {
            return next.min(until);
        }
        let room = match voice.pace.room(now) {
            Ok(room) => room,
            Err(until) => return next.min(until),
        };
        let steps = self.ledger.due(&due.wanted, name, position, now);
        if !steps.is_empty() {
            for batch in self.batches(name, steps, room, at) {
                self.send(name, batch, now, context);
            }
        }
        next
    }

    /// This node's place among those that may speak; none when it may not, or does not know yet.
    pub(crate) fn position(&self) -> Option<Position> {
        if self.parts.member.is_none() {
            return Some(Position::Leader);
        }
        let view = self.view.as_ref()?;
        let leader = view.leader().map(|claim| &claim.node);
        if leader == Some(&view.me) {
            return Some(Position::Leader);
        }
        let could = |posts: &[(Role, bool)]| posts.iter().any(|(role, _)| *role == Role::Leader);
        let candidates = view.members.iter().filter(|member| {
            member.liveness == Liveness::Alive && could(&member.posts) && Some(&member.node) != leader
        });
        // all order them alike: those that can work now, then by id
        let mut order: Vec<_> = candidates.map(|member| (member.cut_off, &member.node)).collect();
        order.sort();
        let place = order.iter().position(|(_, node)| **node == view.me)?;
        Some(Position::StandBy(u16::try_from(place + 1).unwrap_or(u16::MAX)))
    }

    fn batches(&mut self, name: &str, steps: Vec<Step>, room: usize, at: MeshTime) -> Vec<Batch> {
        let mut doubts = Vec::new();
        let mut notices = Vec::new();
        for step in steps {
            let (notice, own) = match step {
                Step::Intend(notice) => (notice, None),
                Step::Again(notice) => {
                    let voice = self.voices.get(name);
                    let clean = voice
                        .is_some_and(|voice| voice.clean.contains(&(notice.service.clone(), notice.number)));
                    let entries = self.ledger.entries();
                    let mine = |one: &Notice| {
                        (one.number, &one.node, &one.service, &one.channel)
                            == (notice.number, &notice.node, &notice.service, &notice.channel)
                    };
                    let before = entries.filter(mine).map(|one| one.detail.message).next();
                    (notice, before.filter(|_| !clean))
                }
            };
            doubts.push(own.or_else(|| self.ledger.doubt(&notice)));
            notices.push(notice);
        }
        let traits: Vec<Trait> =
            notices.iter().zip(&doubts).map(|(notice, doubt)| self.trait_of(notice, *doubt)).collect();
        let drops_known = self.again(name) == Some(Again::DropsKnown);
        let groups = grouped(&traits, room);
        groups
            .into_iter()
            .map(|places| {
                let doubt = places.iter().any(|place| doubts.get(*place).is_some_and(Option::is_some));
                let repeat = if doubt && !drops_known { Repeat::Perhaps } else { Repeat::No };
                let some: Vec<Notice> =
                    places.iter().filter_map(|place| notices.get(*place).cloned()).collect();
                self.batch(name, some, repeat, at)
            })
            .collect()
    }

    fn again(&self, name: &str) -> Option<Again> {
        match &self.voices.get(name)?.channel {
            Some(Named { speaker: Ok(speaker), .. }) => Some(speaker.abilities().again),
            Some(Named { speaker: Err(_), .. }) | None => None,
        }
    }

    fn trait_of(&self, notice: &Notice, doubt: Option<u64>) -> Trait {
        let known = self.picture.services.get(&notice.service);
        let said = self.ledger.said(&notice.service, &notice.channel);
        Trait {
            doubt,
            is_recovery: notice.level == Level::Healthy,
            follows: said.map_or(0, |said| said.detail.message),
            host: known.map(|known| host_of(&known.service.target)).unwrap_or_default(),
            environment: known.map(|known| known.service.environment.clone()).unwrap_or_default(),
        }
    }

    fn batch(&mut self, name: &str, mut notices: Vec<Notice>, repeat: Repeat, at: MeshTime) -> Batch {
        let number = number_of(name, &notices);
        for notice in &mut notices {
            notice.detail.message = number;
        }
        let speech = Speech {
            picture: &self.picture,
            mesh: self.view.as_deref(),
            me: &self.parts.node,
            my_name: &self.parts.name,
            mesh_name: &self.settings.mesh_name,
            dashboard: self.settings.dashboard.as_deref(),
            channel: name,
            now: at,
        };
        let said = |service: &ServiceId| self.ledger.said(service, name).cloned();
        let mut message = speech.message(number, &notices, said, repeat);
        // what follows one earlier message answers that
        let receipts: BTreeSet<Option<Arc<str>>> =
            notices.iter().map(|one| said(&one.service).and_then(|said| said.detail.receipt)).collect();
        let previous = match (receipts.len(), receipts.into_iter().next().flatten()) {
            (1, Some(receipt)) => {
                let others = self.others(name, &receipt, &notices);
                let mut items = message.items.clone();
                items.extend(others.iter().filter_map(|said| speech.item(said, Some(said))));
                items.sort_by(|a, b| (b.level, &a.name).cmp(&(a.level, &b.name)));
                Some(Previous { items, receipt })
            }
            _ => None,
        };
        if let Some(voice) = self.voices.get_mut(name)
            && voice.passed > 0
        {
            let count = std::mem::take(&mut voice.passed);
            message.notes.push(match count {
                1 => "1 outage was held back by a silence or maintenance and is over.".to_owned(),
                _ => format!("{count} outages were held back by silences or maintenance and are over."),
            });
        }
        Batch { notices, message, previous }
    }

    /// What else the message of this receipt told of: an update in its place keeps that.
    fn others(&self, name: &str, receipt: &Arc<str>, notices: &[Notice]) -> Vec<Notice> {
        let is_other = |one: &Notice| {
            one.channel == name
                && one.saying == Saying::Sent
                && one.detail.receipt.as_ref() == Some(receipt)
                && !notices.iter().any(|notice| notice.service == one.service)
        };
        self.ledger.entries().filter(is_other).take(ITEMS_LIMIT).collect()
    }

    fn send(&mut self, name: &str, batch: Batch, now: Steady, context: &mut Context<Self>) {
        let Batch { notices, message, previous } = batch;
        self.state(notices.clone());
        let Some(voice) = self.voices.get_mut(name) else { return };
        let Some(Named { speaker: Ok(speaker), .. }) = voice.channel.clone() else { return };
        if let Some(number) = notices.first().map(|notice| notice.detail.message) {
            voice.pace.note(number, now);
        }
        voice.sending += 1;
        let outside = self.parts.outside.clone();
        let alone = self.parts.member.is_none();
        let said = async move {
            if !alone {
                tokio::time::sleep(STATED_WITHIN).await;
            }
            let said = tokio::time::timeout(SAY_WITHIN, async {
                if message.repeat == Repeat::Perhaps
                    && let Some(receipt) = speaker.look_up(&message, previous.as_ref(), &outside).await
                {
                    return Outcome::Sent(Some(receipt).filter(|text| !text.is_empty()));
                }
                speaker.say(&message, previous.as_ref(), &outside).await
            });
            let outcome = said.await.unwrap_or_else(|_elapsed| Outcome::Retry {
                after: None,
                why: format!("no outcome within {} s", SAY_WITHIN.as_secs()),
                arrival: Arrival::Perhaps,
            });
            (message, outcome)
        };
        let name = name.to_owned();
        let ended =
            actix::fut::wrap_future::<_, Self>(said).map(move |(message, outcome), agent, context| {
                agent.ended(&name, &notices, &message, &outcome);
                agent.look_after(Duration::from_millis(1), context);
            });
        context.spawn(ended);
    }

    fn ended(&mut self, name: &str, notices: &[Notice], message: &Message, outcome: &Outcome) {
        let (now, at) = ((self.parts.steady)(), (self.parts.clock)());
        let (result, why) = match outcome {
            Outcome::Sent(_) => ("sent", None),
            Outcome::Retry { why, .. } => ("retried", Some(why.clone())),
            Outcome::Refused { why, what_to_do } => ("refused", Some(format!("{why}; {what_to_do}"))),
        };
        self.metrics.said(name, result);
        if let Outcome::Sent(receipt) = outcome {
            let sent = notices.iter().map(|notice| {
                let detail = Detail { receipt: receipt.clone(), ..notice.detail.clone() };
                self.ledger.sent(&Notice { detail, ..notice.clone() })
            });
            let sent: Vec<Notice> = sent.collect();
            self.state(sent);
        } else {
            for notice in notices {
                self.ledger.failed(notice, now);
            }
        }
        let Some(voice) = self.voices.get_mut(name) else { return };
        voice.sending = voice.sending.saturating_sub(1);
        let keys = notices.iter().map(|notice| (notice.service.clone(), notice.number));
        voice.clean.extend(keys.clone());
        let arrived = matches!(outcome, Outcome::Sent(_) | Outcome::Retry { arrival: Arrival::Perhaps, .. });
        if arrived {
            voice.clean.retain(|known| !keys.clone().any(|key| key == *known));
        }
        voice.remember(json!({
            "at": words::rfc3339(at), "by": self.parts.name, "result": result, "why": why, "key": message.key,
            "kind": message.kind, "level": message.worst, "title": message.title, "repeat": message.repeat,
            "services": message.items.iter().map(|item| &item.service).collect::<Vec<_>>(), "left_out": message.left_out,
        }));
        match outcome {
            Outcome::Sent(_) => (voice.trouble, voice.blocked, voice.refusals) = (None, None, 0),
            Outcome::Retry { after, .. } => {
                voice.blocked =
                    after.map(|after| now.plus(Millis(u64::try_from(after.as_millis()).unwrap_or(u64::MAX))));
            }
            Outcome::Refused { .. } => {
                let wait =
                    REFUSED_WAIT.0.saturating_mul(1 << voice.refusals.min(6)).min(REFUSED_WAIT_LIMIT.0);
                voice.refusals += 1;
                voice.blocked = Some(now.plus(Millis(wait)));
            }
        }
        if let Some(why) = why {
            tracing::warn!(channel = name, why, result, "a message was not taken");
            voice.trouble = Some((why, at));
        }
    }

    /// Sends a marked test message on a channel and explains what became of it.
    pub(crate) fn test(&self, name: &str, by: &str) -> ResponseFuture<Result<String, AskError>> {
        let Some(voice) = self.voices.get(name) else {
            let id = shortened(name, 100).to_owned();
            return Box::pin(async { Err(AskError::NotFound { kind: "channel", id }) });
        };
        let speaker = match &voice.channel {
            Some(Named { speaker: Ok(speaker), .. }) => Arc::clone(speaker),
            Some(Named { speaker: Err(why), .. }) => {
                let why = format!("channel `{name}` can't be used on this node: {why}");
                return Box::pin(async { Err(AskError::Conflict(why)) });
            }
            None => return Box::pin(async { Err(AskError::Busy) }),
        };
        let at = (self.parts.clock)();
        let message = Message {
            key: format!("p7-test-{:x}", at.0),
            channel: name.to_owned(),
            kind: Kind::Test,
            worst: Level::Healthy,
            title: format!("Test by {}: this channel works", shortened(by, 100)),
            items: Vec::new(),
            left_out: 0,
            notes: vec!["Nothing has happened; somebody tries this channel out.".to_owned()],
            seen_by: None,
            repeat: Repeat::No,
            mesh: self.settings.mesh_name.clone(),
            by: self.parts.name.clone(),
            at,
            link: self.settings.dashboard.clone(),
        };
        let outside = self.parts.outside.clone();
        Box::pin(async move {
            match tokio::time::timeout(SAY_WITHIN, speaker.say(&message, None, &outside)).await {
                Ok(Outcome::Sent(_)) => Ok("the channel has accepted the test message".to_owned()),
                Ok(Outcome::Retry { why, .. }) => Err(AskError::Unavailable(format!(
                    "the channel did not take it: {why}; a real message would be tried again"
                ))),
                Ok(Outcome::Refused { why, what_to_do }) => {
                    Err(AskError::Conflict(format!("the channel refuses it: {why}; {what_to_do}")))
                }
                Err(_elapsed) => Err(AskError::Unavailable("the channel gave no outcome in time".to_owned())),
            }
        })
    }
}
