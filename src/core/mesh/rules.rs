//! The rules of the mesh by name, so that a test can leave one out and show that it is needed.

/// A rule that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Rule {
    /// Nobody claims a role before it has settled.
    Settle,
    /// A claim made alone is solo and yields to any full one.
    Solo,
    /// Candidates claim one after the other by rank.
    Stagger,
    /// A holder that hears a greater claim steps down.
    StepDown,
    /// A claim's term is above every known one.
    HighestTerm,
    /// The incumbent stays: a higher priority takes over only by an orderly yield.
    Incumbent,
    /// A holder that is not fit yields.
    Fitness,
    /// After sleep a node forgets its claims and settles anew.
    Sleep,
    /// A node that stops says goodbye.
    Goodbye,
    /// A peer without a beat for long is down.
    BeatTimeout,
    /// A peer whose connections closed is suspected at once.
    Suspect,
    /// Whoever lacks a number asks for it.
    CatchUp,
    /// Mesh time is corrected by the median of the peers' offsets.
    MeshTime,
    /// Results of the future are held back until their cycle has come.
    HoldFuture,
    /// A result counts only for the node that signed it.
    OwnResults,
    /// A node that is cut off does not vote.
    NoNetwork,
    /// Machines of one site have one vote.
    Sites,
    /// A failure is confirmed by the others at once.
    Confirm,
    /// A node that takes a seat over tests while the one that leaves it still does.
    Overlap,
    /// A sequence is never continued by a later life.
    FreshBoot,
    /// The ledger is read again before each sending.
    ReadAgain,
    /// Who sees another's intent waits.
    HoldIntent,
    /// A ledger entry's number is above every known one, unsent intents included.
    LedgerNumber,
    /// Others stand by and speak only when the leader has not.
    StandBy,
}

/// Which rules are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleSet(u32);

impl RuleSet {
    /// All of them.
    pub const ALL: Self = Self(u32::MAX);

    /// All but one.
    #[must_use]
    pub const fn without(self, rule: Rule) -> Self {
        Self(self.0 & !(1 << rule as u32))
    }

    /// Whether a rule is in force.
    pub const fn has(self, rule: Rule) -> bool {
        self.0 & (1 << rule as u32) != 0
    }
}

impl Default for RuleSet {
    fn default() -> Self {
        Self::ALL
    }
}
