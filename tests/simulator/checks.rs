//! What was checked and what was found: promises broken, each by its name, and what was counted.

use crate::network::Index;
use crate::queue::At;
use p7_core::incident::IncidentId;
use std::collections::{BTreeMap, BTreeSet};

/// As many broken promises of a run are told in words.
const TOLD_LIMIT: usize = 12;

/// The promises that are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Nodes with the same facts show the same.
    SameStatus,
    /// What was published reaches every node that is connected to one that has it.
    NoLostFact,
    /// A number of a sequence stands for one batch for ever.
    OneBatchANumber,
    /// One bad vantage point of three opens no incident; nor do nodes that are cut off.
    NoFalseIncident,
    /// A real outage opens an incident on every connected node in time.
    IncidentInTime,
    /// And its end ends it in time.
    RecoveryInTime,
    /// An outage that lasts is shown as down.
    DownInTime,
    /// A component has one leader, and all follow it.
    OneLeader,
    /// After a leader is gone another leads in time.
    LeaderInTime,
    /// Nobody takes a role over that is held well.
    LeaderStays,
    /// A vacancy brings one claim, not many.
    OneClaim,
    /// Nobody claims what it could have known to be held.
    NoNeedlessClaim,
    /// A pair of term and node is one claim's.
    TermsOnce,
    /// A leader that can't reach the outside yields to one that can.
    FitLeader,
    /// Who wakes accuses nobody.
    NobodyAccused,
    /// After healing all agree in time.
    AgreeInTime,
    /// Each vantage point's seat is one node's, and all are taken.
    Seats,
    /// A service is never without a test for longer than an interval.
    NeverUnwatched,
    /// A node's cycles are the mesh's.
    MeshTime,
    /// Nobody believes results of cycles that have not come.
    NoFuture,
    /// Nobody believes results in another's name.
    NoForgery,
    /// A notification is said at most once a component and crash.
    SaidOnce,
    /// An outage is few words, not a storm of them.
    NoStorm,
    /// An outage is said.
    OutageSaid,
    /// And that it is over; nothing stale is said last.
    RecoverySaid,
    /// A number of the ledger stands for one entry.
    OneEntryANumber,
    /// All know alike what was said.
    SameLedger,
    /// All have taken up the same configuration.
    SameConfiguration,
    /// Everybody sees who is there, and nobody else.
    SameMembers,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 29] = [
        Self::SameStatus,
        Self::NoLostFact,
        Self::OneBatchANumber,
        Self::NoFalseIncident,
        Self::IncidentInTime,
        Self::RecoveryInTime,
        Self::DownInTime,
        Self::OneLeader,
        Self::LeaderInTime,
        Self::LeaderStays,
        Self::OneClaim,
        Self::NoNeedlessClaim,
        Self::TermsOnce,
        Self::FitLeader,
        Self::NobodyAccused,
        Self::AgreeInTime,
        Self::Seats,
        Self::NeverUnwatched,
        Self::MeshTime,
        Self::NoFuture,
        Self::NoForgery,
        Self::SaidOnce,
        Self::NoStorm,
        Self::OutageSaid,
        Self::RecoverySaid,
        Self::OneEntryANumber,
        Self::SameLedger,
        Self::SameConfiguration,
        Self::SameMembers,
    ];

    /// Its name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SameStatus => "same facts, same status",
            Self::NoLostFact => "no fact is lost",
            Self::OneBatchANumber => "a number is one batch's",
            Self::NoFalseIncident => "no false incident",
            Self::IncidentInTime => "an outage opens an incident in time",
            Self::RecoveryInTime => "a recovery ends it in time",
            Self::DownInTime => "a long outage is down in time",
            Self::OneLeader => "one leader a component",
            Self::LeaderInTime => "another leads in time",
            Self::LeaderStays => "a leader stays",
            Self::OneClaim => "one claim a vacancy",
            Self::NoNeedlessClaim => "no needless claim",
            Self::TermsOnce => "a term is claimed once",
            Self::FitLeader => "the leader is fit",
            Self::NobodyAccused => "who wakes accuses nobody",
            Self::AgreeInTime => "all agree soon after healing",
            Self::Seats => "every seat is one node's",
            Self::NeverUnwatched => "no service is unwatched",
            Self::MeshTime => "cycles are the mesh's",
            Self::NoFuture => "no future is believed",
            Self::NoForgery => "no forgery is believed",
            Self::SaidOnce => "said once a component",
            Self::NoStorm => "an outage is few words",
            Self::OutageSaid => "an outage is said",
            Self::RecoverySaid => "a recovery is said last",
            Self::OneEntryANumber => "a ledger number is one entry's",
            Self::SameLedger => "all know alike what was said",
            Self::SameConfiguration => "one configuration",
            Self::SameMembers => "all see who is there",
        }
    }
}

/// A promise that was broken.
#[derive(Debug, Clone)]
pub struct Broken {
    /// Which.
    pub check: Check,
    /// When, in milliseconds since the run's beginning.
    pub at: u64,
    /// How.
    pub how: String,
}

/// What a checker wants to look at later.
#[derive(Debug, Clone)]
pub(crate) struct Noted {
    /// The world must not have changed since.
    pub(crate) changes: u64,
    pub(crate) what: Look,
}

/// What it looks at.
#[derive(Debug, Clone)]
pub(crate) enum Look {
    /// Somebody leads by now, and nobody more than needed has claimed.
    Leads { claims: u64 },
    /// This node still leads, and its component follows it.
    Stays { leader: Index },
    /// All of these have an incident of this outage open.
    Opened { service: usize, outage: u32, nodes: Vec<Index> },
    /// And show it as down.
    Down { service: usize, outage: u32, nodes: Vec<Index> },
    /// None of these has one open.
    Closed { service: usize, nodes: Vec<Index>, since: At },
    /// Somebody has said it.
    Said { service: usize, outage: u32, since: At },
    /// What was known before the healing is known to all.
    Agreed { archived: usize },
}

/// What an entry of the ledger says: its incident's first cycle and the level.
type Entry = (u64, u8);

/// What was checked and found in a run, or in several.
#[derive(Debug, Default)]
pub struct Checks {
    /// Broken promises, the first few.
    pub told: Vec<Broken>,
    /// How often each was broken.
    pub broken: BTreeMap<Check, u64>,
    /// How often each was looked at.
    pub looked: BTreeMap<Check, u64>,
    /// What happened, and how often.
    pub counts: BTreeMap<&'static str, u64>,
    pub(crate) noted: Vec<Noted>,
    pub(crate) claims: u64,
    /// In which of a node's lives a term was claimed.
    pub(crate) terms: BTreeMap<(Index, u64), u32>,
    /// What each number of the ledger stands for, and since when: service, number and node to incident and
    /// level.
    pub(crate) numbers: BTreeMap<(usize, u64, Index), (Entry, At)>,
    /// When something happened that may double a message, and how many components there were then.
    pub(crate) doubles: Vec<(At, usize)>,
    pub(crate) losses: Vec<At>,
    /// Whose power went, and when.
    pub(crate) power_losses: Vec<(Index, At)>,
    pub(crate) false_ones: BTreeSet<(Index, IncidentId)>,
    /// When each service was last tested by somebody honest.
    pub(crate) tested: Vec<At>,
    /// Leaders as seen in this quiet, by the least node of a component: change, leader, faults in a row.
    pub(crate) leaders: BTreeMap<Index, (u64, Option<Index>, u32)>,
    pub(crate) unequal: u32,
    /// Who leads among others, and for how many looks in a row.
    pub(crate) accompanied: BTreeMap<Index, u32>,
    /// How many looks in a row a node's members, and a service's seats, have been wrong.
    pub(crate) wrong_members: BTreeMap<Index, u32>,
    pub(crate) wrong_seats: BTreeMap<(usize, Index), u32>,
    /// Where the calm returns of nodes stand: node, the world's change, the leader it should find.
    pub(crate) returns: Vec<(Index, u64, Index)>,
    pub(crate) fitness_changed: At,
}

impl Checks {
    /// Something happened.
    pub fn count(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    /// Something happened so often.
    pub fn add(&mut self, what: &'static str, times: u64) {
        *self.counts.entry(what).or_default() += times;
    }

    pub(crate) fn dropped(&mut self, place: &'static str, times: u64) {
        self.add(place, times);
    }

    pub(crate) fn look(&mut self, check: Check) {
        *self.looked.entry(check).or_default() += 1;
    }

    pub(crate) fn breaks(&mut self, check: Check, at: u64, how: String) {
        *self.broken.entry(check).or_default() += 1;
        if self.told.len() < TOLD_LIMIT {
            self.told.push(Broken { check, at, how });
        }
    }

    /// A message may be said again for this.
    pub(crate) fn note_loss(&mut self, at: At) {
        self.losses.push(at);
    }

    /// Whether a node's power went in the moment after `at`.
    pub(crate) fn power_lost(&self, node: Index, at: At) -> bool {
        self.power_losses.iter().any(|(who, when)| *who == node && (at..=at + 1_000).contains(when))
    }

    /// Whether a promise was broken.
    pub fn has_broken(&self, check: Check) -> bool {
        self.broken.contains_key(&check)
    }

    /// Whether none was.
    pub fn all_kept(&self) -> bool {
        self.broken.is_empty()
    }

    /// Adds another run's.
    pub fn merge(&mut self, other: &Self) {
        for (check, times) in &other.broken {
            *self.broken.entry(*check).or_default() += times;
        }
        for (check, times) in &other.looked {
            *self.looked.entry(*check).or_default() += times;
        }
        for (what, times) in &other.counts {
            self.add(what, *times);
        }
    }
}
