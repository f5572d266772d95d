//! Checks of what is said: nothing twice, nothing unsaid, nothing stale at the end.

use crate::checks::Check;
use crate::mouth::{CHANNEL, Spoken};
use crate::network::Index;
use crate::options::Fault;
use crate::queue::At;
use crate::world::{START, World};
use p7_core::mesh::words::{Fact, Notice, Saying};
use p7_core::vocabulary::{Cycle, Level};

/// What is urgent is stored and sent within this, and whoever waits for its own view to catch up
/// waits for no longer.
const SAID_WITHIN: u64 = 20_000;
/// With a channel that refuses now and then, or messages that are lost, it takes some tries.
const TRIES: u64 = 75_000;
/// Around a message a crash or a partition this near may double it: stand-by of seven nodes and a retry.
const NEAR: u64 = 180_000;

/// That it is out, that it is down, that it is well.
const WORDS_AN_OUTAGE: u64 = 3;
/// The world must have been quiet for so long before.
const STEADY: u64 = 600_000;

impl World {
    pub(crate) fn time_to_say(&self) -> u64 {
        let is_rough =
            self.options.channel.refuses > 0 || self.options.wire.loss > 0 || self.options.misjudges > 0;
        SAID_WITHIN + self.options.channel.delay + if is_rough { TRIES } else { 0 }
    }

    pub(crate) fn look_whether_said(&mut self, service: usize, outage: u32, since: At) {
        let is_still = self.truths[service].outage.as_ref().is_some_and(|now| now.number == outage);
        let has_faults = self.has_fault(Fault::Channel);
        let can_speak = self.nodes.iter().any(|node| node.eligible && node.is_on() && node.uplink_cuts == 0);
        if !is_still || has_faults || !can_speak {
            return;
        }
        let id = &self.services[service].id;
        let said = self.channel.spoken.iter().rev().take_while(|spoken| spoken.at >= since);
        let said = said
            .filter(|spoken| spoken.notice.service == *id && spoken.notice.level >= Level::Incident)
            .count();
        self.checks.look(Check::OutageSaid);
        if said == 0 {
            self.breaks(Check::OutageSaid, |world| {
                format!("nobody has said that s{service:02} is out, after {} ms", world.now - since)
            });
        }
    }

    /// A number of the ledger stands for one entry.
    pub(crate) fn check_number(&mut self, notice: &Notice) {
        let service = self.place_of(&notice.service);
        let key = (service, notice.number, crate::effects::number_of(&notice.node));
        let entry = (notice.incident.start().0, notice.level as u8);
        let (known, at) = *self.checks.numbers.entry(key).or_insert((entry, self.now));
        self.checks.look(Check::OneEntryANumber);
        // what nobody has heard and the disk has lost was never said
        let is_lost = self.checks.power_lost(key.2, at);
        if is_lost {
            self.checks.numbers.insert(key, (entry, self.now));
        } else if known != entry {
            self.breaks(Check::OneEntryANumber, |_| format!("{notice:?} has the number of {known:?}"));
        }
    }

    /// Whether an intent is in a node's log.
    pub(crate) fn is_intent_stored(&self, node: Index, notice: &Notice) -> bool {
        let intent = |fact: &Fact| {
            matches!(fact, Fact::Noticed(stored) if stored.number == notice.number
                && stored.service == notice.service && stored.node == notice.node)
        };
        self.nodes[usize::from(node)].disk.facts_of(&notice.node).any(intent)
    }

    /// Looks at everything that was said in the run: the same word twice in a row is a copy.
    pub(crate) fn look_at_sayings(&mut self) {
        let mut rows: Vec<Vec<(Cycle, Level, At)>> = vec![Vec::new(); self.services.len()];
        for spoken in &self.channel.spoken {
            let notice = &spoken.notice;
            rows[self.place_of(&notice.service)].push((notice.incident, notice.level, spoken.at));
        }
        self.checks.add("messages", self.channel.spoken.len() as u64);
        for (service, row) in rows.iter().enumerate() {
            let is_copy = |(incident, level, _): &(Cycle, Level, At),
                           (other, same, _): &(Cycle, Level, At)| {
                level == same && (*level == Level::Healthy || incident == other)
            };
            for copies in row.chunk_by(is_copy) {
                self.checks.look(Check::SaidOnce);
                self.checks.add("messages said again", copies.len() as u64 - 1);
                let (Some(first), Some(last)) = (copies.first(), copies.last()) else { continue };
                let allowed = self.allowed_copies(first.2, last.2);
                if copies.len() > allowed {
                    let when: Vec<u64> = copies.iter().map(|(.., at)| at - START).collect();
                    let level = first.1;
                    self.breaks(Check::SaidOnce, |_| {
                        format!("s{service:02} is {level}: said at {when:?}, {allowed} allowed")
                    });
                }
            }
        }
        self.look_at_last_words();
    }

    /// Before another outage begins: about the one before, and the time after it, little was said.
    pub(crate) fn look_at_storm(&mut self, service: usize, since: At, outages: u64) {
        let is_steady = self.quiet_for() > self.now - since + STEADY
            && self.options.misjudges == 0
            && self.options.liar.is_none()
            && self.options.channel.answer_lost == 0
            && self.options.wire.loss == 0
            && self.components().len() == 1;
        if !is_steady {
            return;
        }
        let id = &self.services[service].id;
        let said = self.channel.spoken.iter().rev().take_while(|spoken| spoken.at >= since);
        let said = said.filter(|spoken| spoken.notice.service == *id).count() as u64;
        self.checks.look(Check::NoStorm);
        if said > WORDS_AN_OUTAGE * outages {
            self.breaks(Check::NoStorm, |_| format!("{said} messages on {outages} outages of s{service:02}"));
        }
    }

    /// How many components there were at most from a while before one moment until another.
    fn components_near(&self, first: At, last: At) -> usize {
        let from = first.saturating_sub(NEAR);
        let before =
            self.checks.doubles.iter().rev().find(|(at, _)| *at <= from).map_or(1, |(_, count)| *count);
        let within = self.checks.doubles.iter().filter(|(at, _)| (from..=last).contains(at));
        within.map(|(_, count)| *count).chain([before]).max().unwrap_or(1)
    }

    /// As many copies as there were components, and for each loss of a word near them one more.
    fn allowed_copies(&self, first: At, last: At) -> usize {
        let from = first.saturating_sub(NEAR);
        let components = self.components_near(first, last);
        let losses = self.checks.losses.iter().filter(|at| (from..=last).contains(*at)).count();
        // while the channel fails, or answers are lost, two that try again may do so at the same moment
        let channel = self.options.channel;
        let fails = channel.refuses > 0 || channel.answer_lost > 0 || self.has_fault(Fault::Channel);
        let lossy =
            usize::from(self.options.wire.loss > 0 || self.options.misjudges > 0) + usize::from(fails);
        components.max(1) + losses + lossy
    }

    fn look_at_last_words(&mut self) {
        // those who could speak may have left for good
        if !self.nodes.iter().any(|node| node.eligible && node.is_on()) {
            return;
        }
        for service in 0..self.services.len() {
            let id = self.services[service].id.clone();
            let last = self.channel.spoken.iter().rev().find(|spoken| spoken.notice.service == id);
            let Some(last) = last.cloned() else { continue };
            self.checks.look(Check::RecoverySaid);
            let is_open =
                self.nodes.iter().any(|node| node.is_on() && node.watch.open_incident(&id).is_some());
            if last.notice.level >= Level::Incident
                && !is_open
                && !self.is_ended(&last)
                && self.is_known_to_be_said(&last.notice)
            {
                self.breaks(Check::RecoverySaid, |_| format!("the last word on {id} is {:?}", last.notice));
            }
        }
    }

    /// Whether a word of the ledger with a greater number ends an outage that was said after it by the clock, by
    /// who could not know of it. Design §4: the ledger's order is its numbers. Those of two sides tell nothing of
    /// each other, so an outage is recovered from once more where its number or its incident shows that the
    /// recovery was said without it; where both are lesser nothing shows that.
    fn is_ended(&self, outage: &Spoken) -> bool {
        let ends = |spoken: &&Spoken| {
            let (word, of) = (&spoken.notice, &outage.notice);
            word.service == of.service
                && word.level < Level::Incident
                && word.number > of.number
                && word.incident >= of.incident
        };
        outage.is_outrun && self.channel.spoken.iter().any(|spoken| ends(&spoken))
    }

    /// Whether something greater was said than a node is about to say, and nobody knows of it whom the node
    /// reaches and who has had the time to tell it.
    pub(crate) fn is_outrun(&self, node: Index, notice: &Notice) -> bool {
        let above = |word: &Notice| word.number > notice.number && word.service == notice.service;
        if !self.channel.spoken.iter().any(|spoken| above(&spoken.notice)) {
            return false;
        }
        let components = self.components();
        let Some(component) = components.iter().find(|component| component.contains(&node)) else {
            return true;
        };
        let knows = |one: &Index| {
            let ledger = self.nodes[usize::from(*one)].mouth.ledger.as_ref();
            ledger.and_then(|ledger| ledger.said(&notice.service, CHANNEL)).is_some_and(above)
        };
        self.quiet_for() < SAID_WITHIN + self.time_to_say() || !component.iter().any(knows)
    }

    /// Whether anybody knows that the channel has accepted a message: where its answer was lost, or its sender
    /// died before stating it, nobody does. Such an outage is taken not to have been said, since that of a
    /// channel that refuses looks alike, and a recovery from what nobody has read would only puzzle.
    fn is_known_to_be_said(&self, notice: &Notice) -> bool {
        let is_it = |fact: &Fact| {
            matches!(fact, Fact::Noticed(stated) if stated.saying == Saying::Sent
                && stated.number == notice.number && stated.node == notice.node
                && stated.service == notice.service)
        };
        self.nodes.iter().filter(|node| node.is_on()).any(|node| node.disk.facts_of(&notice.node).any(is_it))
    }

    /// All who could speak know alike what was said.
    pub(crate) fn look_at_ledgers(&mut self, component: &[Index]) {
        for service in 0..self.services.len() {
            let id = self.services[service].id.clone();
            let mut said: Vec<(Index, Option<Notice>)> = Vec::new();
            for node in component {
                let one = &self.nodes[usize::from(*node)];
                if let Some(ledger) = one.mouth.ledger.as_ref().filter(|_| one.eligible) {
                    said.push((*node, ledger.said(&id, CHANNEL).cloned()));
                }
            }
            self.checks.look(Check::SameLedger);
            let first = said.first().map(|(_, notice)| notice.clone());
            if said.iter().any(|(_, notice)| Some(notice) != first.as_ref()) {
                self.breaks(Check::SameLedger, |_| format!("{id}: {said:?}"));
            }
            let is_outage =
                |notice: &Notice| notice.level >= Level::Incident && notice.saying == Saying::Sent;
            let open = component
                .iter()
                .any(|node| self.nodes[usize::from(*node)].watch.open_incident(&id).is_some());
            if let Some(Some(last)) = first
                && is_outage(&last)
                && !open
            {
                self.breaks(Check::RecoverySaid, |_| {
                    format!("{id} is well, and the ledger's last word is {last:?}")
                });
            }
        }
    }
}
