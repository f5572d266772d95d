//! Catching up: whoever lacks a number asks for it, on meeting, when a gap or another digest shows, and
//! now and then a random peer.

use super::{Answer, Effect, Machine};
use crate::mesh::journal::Limit;
use crate::mesh::rules::Rule;
use crate::mesh::words::{Now, Question, Steady};
use crate::vocabulary::{Millis, NodeId};
use std::collections::BTreeMap;

/// How often a random peer is asked when nothing else calls for it.
const ASK_EVERY: Millis = Millis(20_000);
/// A digest that differs for so long means that something is missing, not only under way.
const DIFFERS_FOR: Millis = Millis(5_000);
/// The same peer is asked again at the earliest after this, unless its last answer brought news.
const ASK_AGAIN: Millis = Millis(5_000);
/// A question without an answer is given up after this; the transport's own limit is shorter.
const GIVE_UP: Millis = Millis(15_000);
/// How often it is looked how far each peer is.
const PING_EVERY: Millis = Millis(30_000);
/// A peer that does not answer so often in a row is mute: its connection is dead, whatever TCP believes. Its
/// beats may still come through others, so silence does not tell; and as long as both are held to be
/// connected, nobody passes our beats on to it.
const MUTE_AFTER: u8 = 2;
/// Most questions under way at once.
const ASKING_LIMIT: usize = 4;
/// What a question was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    CatchUp,
    Ping,
    Figures,
}

/// What is known of a peer we are connected to.
#[derive(Debug, Clone, Default)]
struct Peer {
    /// It was met and not asked since.
    wanted: bool,
    /// Since when its digest is another than ours.
    differs: Option<Steady>,
    /// When it was last asked.
    asked: Option<Steady>,
    pinged: Option<Steady>,
    round_trip: Option<Millis>,
    /// How often in a row it did not answer when asked how far it is.
    mute: u8,
}

/// Questions under way, and who is to be asked.
#[derive(Debug)]
pub(super) struct CatchingUp {
    peers: BTreeMap<NodeId, Peer>,
    asking: BTreeMap<u64, (NodeId, Asked, Steady)>,
    tickets: u64,
    next_random: Steady,
    due: Option<Steady>,
}

impl Peer {
    fn is_to_be_asked(&self, now: Steady) -> bool {
        let rested = self.asked.is_none_or(|asked| asked.plus(ASK_AGAIN) <= now);
        let lacks = self.differs.is_some_and(|since| since.plus(DIFFERS_FOR) <= now);
        rested && (self.wanted || lacks)
    }
}

impl CatchingUp {
    pub(super) fn new(now: Steady) -> Self {
        Self {
            peers: BTreeMap::new(),
            asking: BTreeMap::new(),
            tickets: 0,
            next_random: now.plus(ASK_EVERY),
            due: None,
        }
    }

    pub(super) fn due(&self) -> Option<Steady> {
        self.due
    }

    /// A peer is connected, and perhaps only now said to be alive.
    pub(super) fn met(&mut self, peer: NodeId, now: Steady) {
        let known = self.peers.entry(peer).or_default();
        known.wanted = true;
        known.asked = None;
        self.due = Some(now);
    }

    pub(super) fn parted(&mut self, peer: &NodeId) {
        self.peers.remove(peer);
        self.asking.retain(|_, (asked, ..)| asked != peer);
    }

    /// This machine slept: questions that were not answered meanwhile prove nothing.
    pub(super) fn slept(&mut self) {
        self.asking.clear();
        for peer in self.peers.values_mut() {
            peer.mute = 0;
        }
    }

    /// A peer's digest was compared with ours.
    pub(super) fn compared(&mut self, peer: &NodeId, differs: bool, now: Steady) {
        let Some(known) = self.peers.get_mut(peer) else { return };
        if differs {
            let since = *known.differs.get_or_insert(now);
            let due = since.plus(DIFFERS_FOR);
            self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
        } else {
            known.differs = None;
        }
    }

    /// How long a question to a peer takes to come back answered.
    pub(super) fn round_trip(&self, peer: &NodeId) -> Option<Millis> {
        self.peers.get(peer)?.round_trip
    }

    fn is_asking(&self, peer: &NodeId) -> bool {
        self.asking.values().any(|(asked, what, _)| asked == peer && *what == Asked::CatchUp)
    }

    /// Whether something is on its way, or to be asked for, beside how far peers are.
    pub(super) fn is_busy(&self) -> bool {
        self.asking.values().any(|(_, what, _)| *what != Asked::Ping)
            || self.peers.values().any(|peer| peer.wanted)
    }

    /// The peers that are connected.
    pub(super) fn peers(&self) -> impl Iterator<Item = &NodeId> {
        self.peers.keys()
    }

    /// Notes that a peer is asked for figures; the ticket.
    pub(super) fn asks_for_figures(&mut self, of: &NodeId, now: Steady) -> u64 {
        self.tickets += 1;
        self.asking.insert(self.tickets, (of.clone(), Asked::Figures, now));
        self.tickets
    }

    /// Whether this peer was asked for figures with this ticket.
    pub(super) fn has_asked_for_figures(&self, of: &NodeId, ticket: u64) -> bool {
        self.asking.get(&ticket).is_some_and(|(asked, what, _)| asked == of && *what == Asked::Figures)
    }

    /// Notes that it has answered that.
    pub(super) fn figured(&mut self, of: &NodeId, ticket: u64) {
        self.asking.remove(&ticket);
        if let Some(peer) = self.peers.get_mut(of) {
            peer.mute = 0;
        }
    }

    /// How many more peers may be asked now what is lacking.
    fn room(&self) -> usize {
        let asked = self.asking.values().filter(|(_, what, _)| *what == Asked::CatchUp).count();
        ASKING_LIMIT.saturating_sub(asked)
    }

    /// Whom to ask now: who was not asked for longest comes first, so that peers that do not answer keep
    /// nobody from the one that would.
    fn to_be_asked(&self, now: Steady) -> Vec<NodeId> {
        let wants = self.peers.iter().filter(|(id, peer)| peer.is_to_be_asked(now) && !self.is_asking(id));
        let mut wants: Vec<(Option<Steady>, &NodeId)> = wants.map(|(id, peer)| (peer.asked, id)).collect();
        wants.sort_unstable();
        wants.into_iter().map(|(_, id)| id.clone()).take(self.room()).collect()
    }

    fn next_due(&self, now: Steady) -> Option<Steady> {
        let of_peer = |(id, peer): (&NodeId, &Peer)| {
            if self.is_asking(id) {
                return None;
            }
            let rested = peer.asked.map_or(now, |asked| asked.plus(ASK_AGAIN));
            let differs = peer.differs.map(|since| since.plus(DIFFERS_FOR).max(rested));
            if peer.wanted { Some(rested) } else { differs }
        };
        let peers = if self.room() > 0 { self.peers.iter().filter_map(of_peer).min() } else { None };
        let pings = self.peers.values().map(|peer| peer.pinged.map_or(now, |at| at.plus(PING_EVERY))).min();
        let given_up = self.asking.values().map(|(_, _, since)| since.plus(GIVE_UP)).min();
        let random = (!self.peers.is_empty()).then_some(self.next_random);
        // never at once again: what could be asked now was
        let soonest = now.plus(Millis(250));
        [peers, pings, given_up, random].into_iter().flatten().min().map(|due| due.max(soonest))
    }
}

impl Machine {
    /// Asks whoever is to be asked.
    pub(super) fn catch_up(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.catching_up.due.is_none_or(|due| due > now.steady) {
            return;
        }
        self.give_up(now, effects);
        self.ping(now, effects);
        if self.rules.has(Rule::CatchUp) {
            self.pick_at_random(now);
            for peer in self.catching_up.to_be_asked(now.steady) {
                self.ask(peer, now, effects);
            }
        }
        self.catching_up.due = self.catching_up.next_due(now.steady);
    }

    /// Questions that the transport has forgotten count as not answered.
    fn give_up(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let (mut mute, mut no_figures) = (Vec::new(), false);
        self.catching_up.asking.retain(|_, (peer, what, since)| {
            let is_old = since.plus(GIVE_UP) <= now.steady;
            match what {
                Asked::Ping if is_old => mute.push(peer.clone()),
                Asked::Figures => no_figures |= is_old,
                Asked::Ping | Asked::CatchUp => {}
            }
            !is_old
        });
        if no_figures {
            self.past.failed(now.steady);
        }
        for peer in mute {
            self.note_mute(&peer, effects);
        }
    }

    /// A peer did not answer a ping.
    fn note_mute(&mut self, from: &NodeId, effects: &mut Vec<Effect>) {
        let Some(peer) = self.catching_up.peers.get_mut(from) else { return };
        peer.mute = peer.mute.saturating_add(1);
        if peer.mute >= MUTE_AFTER {
            effects.push(Effect::Disconnect(from.clone()));
        }
    }

    fn pick_at_random(&mut self, now: Now) {
        if self.catching_up.next_random > now.steady {
            return;
        }
        self.catching_up.next_random = now.steady.plus(ASK_EVERY);
        let count = self.catching_up.peers.len() as u64;
        let picked = usize::try_from(self.chance.below(count)).unwrap_or_default();
        if let Some(peer) = self.catching_up.peers.values_mut().nth(picked) {
            // one that has the same needs no question
            peer.wanted |= peer.differs.is_some();
        }
    }

    fn ping(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let all = &mut self.catching_up;
        for (id, peer) in &mut all.peers {
            if peer.pinged.is_some_and(|at| at.plus(PING_EVERY) > now.steady) {
                continue;
            }
            peer.pinged = Some(now.steady);
            all.tickets += 1;
            all.asking.insert(all.tickets, (id.clone(), Asked::Ping, now.steady));
            effects.push(Effect::Ask { to: id.clone(), ticket: all.tickets, question: Question::Ping });
        }
    }

    fn ask(&mut self, peer: NodeId, now: Now, effects: &mut Vec<Effect>) {
        let all = &mut self.catching_up;
        if let Some(known) = all.peers.get_mut(&peer) {
            known.wanted = false;
            known.asked = Some(now.steady);
            known.differs = None;
        }
        all.tickets += 1;
        all.asking.insert(all.tickets, (peer.clone(), Asked::CatchUp, now.steady));
        let question = Question::CatchUp { have: self.journal.have() };
        effects.push(Effect::Ask { to: peer, ticket: all.tickets, question });
    }

    /// A peer asks something.
    pub(super) fn answer(
        &mut self,
        from: &NodeId,
        token: u64,
        question: Question,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        match question {
            Question::Ping => effects.push(Effect::Answer { token, spans: Vec::new(), have: Vec::new() }),
            Question::Figures(of) => effects.push(Effect::AnswerFigures { token, of }),
            Question::CatchUp { have } => {
                let spans = self.journal.gives(&have, Limit::ANSWER);
                effects.push(Effect::Answer { token, spans, have: self.journal.have() });
                // who asks shows what it has: perhaps we lack some of it
                if !self.journal.lacks(&have).is_empty()
                    && let Some(peer) = self.catching_up.peers.get_mut(from)
                {
                    peer.wanted = true;
                    self.catching_up.due = Some(now.steady);
                }
            }
        }
    }

    /// A peer has answered, or did not.
    pub(super) fn hear_answer(
        &mut self,
        from: &NodeId,
        ticket: u64,
        answer: Option<Answer>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let Some((asked, what, since)) = self.catching_up.asking.remove(&ticket) else { return };
        if asked != *from {
            return;
        }
        self.catching_up.due = Some(now.steady);
        if what == Asked::Figures {
            // none, or not what was asked for
            return self.past.failed(now.steady);
        }
        let Some(answer) = answer else {
            if what == Asked::Ping {
                self.note_mute(from, effects);
            }
            return;
        };
        if let Some(peer) = self.catching_up.peers.get_mut(from) {
            peer.mute = 0;
            if what == Asked::Ping {
                peer.round_trip = Some(now.steady.since(since));
                return;
            }
        }
        let mut news = Vec::with_capacity(answer.batches.len());
        for batch in answer.batches {
            news.extend(self.note(batch, effects));
        }
        self.journal.adopt_floor(&answer.have);
        let lacking = !self.journal.lacks(&answer.have).is_empty();
        if let Some(peer) = self.catching_up.peers.get_mut(from)
            && lacking
        {
            peer.wanted = true;
            if !news.is_empty() {
                peer.asked = None;
            }
        }
        if !news.is_empty() {
            self.take(news, now, effects);
        }
    }
}
