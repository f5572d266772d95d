//! What a node says on the one channel there is, by the ledger under test; and the channel itself.

use crate::network::Index;
use crate::node::Power;
use crate::queue::At;
use crate::world::{Happening, World};
use p7_core::mesh::ledger::{Ledger, Position, Step, Wanted};
use p7_core::mesh::machine::Event;
use p7_core::mesh::view::Liveness;
use p7_core::mesh::words::{Fact, Notice, Role, Word};
use p7_core::vocabulary::{Cycle, Level};

/// The channel's name.
pub const CHANNEL: &str = "chat";
/// Until an intent is surely stored: what is urgent is published within this.
const STORED_WITHIN: u64 = 100;

/// A node's mouth.
#[derive(Debug, Default)]
pub struct Mouth {
    pub(crate) ledger: Option<Ledger>,
    alarm: At,
}

/// What a mouth hears.
#[derive(Debug)]
pub enum Heard {
    /// Something may be due.
    Alarm(Index, u32),
    /// A message is to go out now.
    Goes(Index, u32, Box<Notice>),
    /// The channel has answered, or has not.
    Answer(Index, u32, Box<Notice>, Taken),
}

/// Whether a message was accepted, as its sender sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was.
    Yes,
    /// It was refused, or no answer came.
    No,
}

/// A message that the channel has accepted.
#[derive(Debug, Clone)]
pub struct Spoken {
    /// What it says.
    pub notice: Notice,
    /// When it was accepted.
    pub at: At,
    /// Whether something greater had been said by then and nobody in reach of its sender knew of it.
    pub(crate) is_outrun: bool,
}

/// The channel: a chat that people read.
#[derive(Debug, Default)]
pub struct Channel {
    /// What people have read, oldest first.
    pub spoken: Vec<Spoken>,
    /// How many faults keep it from taking anything.
    pub(crate) down: u32,
}

impl World {
    /// A node begins with what its disk knows to be said.
    pub(crate) fn open_mouth(&mut self, node: Index) {
        let now = self.nodes[usize::from(node)].now(self.now).steady;
        let one = &mut self.nodes[usize::from(node)];
        let mut ledger = Ledger::new(one.id.clone(), self.options.rules);
        for fact in one.disk.statements() {
            if let Fact::Noticed(notice) = fact {
                ledger.note(notice, now);
            }
        }
        one.mouth = Mouth { ledger: Some(ledger), alarm: At::MAX };
    }

    pub(crate) fn mouth_learns(&mut self, node: Index, notice: &Notice) {
        let one = &mut self.nodes[usize::from(node)];
        let now = one.clock.now(self.now).steady;
        let is_new = one.mouth.ledger.as_mut().is_some_and(|ledger| ledger.note(notice, now));
        if is_new {
            self.speak(node);
        }
    }

    /// What should be said of each service by now, as this node sees it.
    fn wanted(&self, node: Index) -> Vec<Wanted> {
        let one = &self.nodes[usize::from(node)];
        let of = |(place, service): (usize, &std::sync::Arc<p7_core::service::Service>)| {
            let (incident, level) = if let Some(open) = one.watch.open_incident(&service.id) {
                (open.id.first, open.worst)
            } else {
                let last = one.disk.incidents[place].last_key_value();
                (last.map_or(Cycle::default(), |(first, _)| *first), Level::Healthy)
            };
            Wanted { service: service.id.clone(), incident, level, word: Word::Level }
        };
        self.services.iter().enumerate().map(of).collect()
    }

    fn position(&self, node: Index) -> Option<Position> {
        let one = &self.nodes[usize::from(node)];
        let machine = one.machine.as_ref()?;
        if machine.holds(&Role::Leader) {
            return Some(Position::Leader);
        }
        let view = machine.view(one.now(self.now));
        let leader = view.leader().map(|claim| claim.node.clone());
        let could = |member: &&p7_core::mesh::view::MemberView| {
            member.liveness == Liveness::Alive
                && !member.posts.is_empty()
                && Some(&member.node) != leader.as_ref()
        };
        // who is above this node in rank speaks before it
        let rank = |node: &p7_core::vocabulary::NodeId| {
            let known = self.nodes[usize::from(crate::effects::number_of(node))].priority;
            (known, node.clone())
        };
        let mine = rank(&one.id);
        let above = view.members.iter().filter(could).filter(|member| rank(&member.node) > mine).count();
        Some(Position::StandBy(u16::try_from(above + 1).unwrap_or(u16::MAX)))
    }

    /// Says what is due.
    pub(crate) fn speak(&mut self, node: Index) {
        let one = &self.nodes[usize::from(node)];
        if !one.eligible || !one.is_on() || self.silent {
            return;
        }
        let Some(position) = self.position(node) else { return };
        let wanted = self.wanted(node);
        let one = &mut self.nodes[usize::from(node)];
        let now = one.clock.now(self.now).steady;
        let life = one.life;
        let Some(ledger) = one.mouth.ledger.as_mut() else { return };
        for step in ledger.due(&wanted, CHANNEL, position, now) {
            let notice = match step {
                Step::Intend(notice) => {
                    self.check_number(&notice);
                    self.hear(node, Event::Stated(vec![Fact::Noticed(notice.clone())]), None);
                    notice
                }
                Step::Again(notice) => notice,
            };
            let goes = Heard::Goes(node, life, Box::new(notice));
            self.queue.put(self.now + STORED_WITHIN, Happening::Mouth(goes));
        }
        let one = &mut self.nodes[usize::from(node)];
        let due = one.mouth.ledger.as_ref().and_then(Ledger::next_due);
        let Some(due) = due.map(|due| one.clock.at(due).max(self.now + 1)) else { return };
        if due < one.mouth.alarm || one.mouth.alarm <= self.now {
            one.mouth.alarm = due;
            self.queue.put(due, Happening::Mouth(Heard::Alarm(node, life)));
        }
    }

    pub(crate) fn mouth_hears(&mut self, heard: Heard) {
        let (node, life) = match &heard {
            Heard::Alarm(node, life) | Heard::Goes(node, life, _) | Heard::Answer(node, life, ..) => {
                (*node, *life)
            }
        };
        let one = &mut self.nodes[usize::from(node)];
        if one.life != life || one.power != Power::On {
            return;
        }
        match heard {
            Heard::Alarm(..) => {
                if one.mouth.alarm == self.now {
                    one.mouth.alarm = At::MAX;
                    self.speak(node);
                }
            }
            Heard::Goes(_, _, notice) => self.message_goes(node, life, notice),
            Heard::Answer(_, _, notice, taken) => self.channel_answers(node, &notice, taken),
        }
    }

    fn message_goes(&mut self, node: Index, life: u32, notice: Box<Notice>) {
        if !self.is_intent_stored(node, &notice) {
            // a slow node's intent is not in its log yet
            self.queue.put(self.now + STORED_WITHIN, Happening::Mouth(Heard::Goes(node, life, notice)));
            return;
        }
        let plan = self.options.channel;
        let out_of_reach = self.nodes[usize::from(node)].uplink_cuts > 0 || self.channel.down > 0;
        let refused = out_of_reach || self.chance.per_mille(plan.refuses);
        let mut taken = Taken::No;
        if !refused {
            self.tell(|world| format!("channel takes {notice:?} of {}", world.nodes[usize::from(node)].id));
            let is_outrun = self.is_outrun(node, &notice);
            self.channel.spoken.push(Spoken { notice: (*notice).clone(), at: self.now, is_outrun });
            if self.chance.per_mille(plan.answer_lost) {
                self.checks.note_loss(self.now);
            } else {
                taken = Taken::Yes;
            }
        }
        let wait = self.chance.between(20, plan.delay.max(20));
        self.queue.put(self.now + wait, Happening::Mouth(Heard::Answer(node, life, notice, taken)));
    }

    fn channel_answers(&mut self, node: Index, notice: &Notice, taken: Taken) {
        let one = &mut self.nodes[usize::from(node)];
        let now = one.clock.now(self.now).steady;
        let Some(ledger) = one.mouth.ledger.as_mut() else { return };
        match taken {
            Taken::Yes => {
                let sent = ledger.sent(notice);
                self.hear(node, Event::Stated(vec![Fact::Noticed(sent)]), None);
            }
            Taken::No => ledger.failed(notice, now),
        }
        self.speak(node);
    }
}
