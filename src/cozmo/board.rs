//! What the mesh knows, as far as the robot shows and tells it.

use p7_core::vocabulary::Level;
use std::collections::BTreeMap;

/// Which vantage points see a service failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// How many do.
    pub by: u32,
    /// Out of how many.
    pub of: u32,
    /// What they are.
    pub places: Places,
}

/// What vantage points are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Places {
    /// Sites: machines behind one uplink have one vote.
    Offices,
    /// Nodes without a site.
    #[default]
    Nodes,
}

/// A service on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What people call it.
    pub name: String,
    /// How it is.
    pub level: Level,
    /// Who sees it failing.
    pub seen: Seen,
    /// Whether its changes are told: not while it is silenced, in maintenance or flapping.
    pub telling: Telling,
}

/// Whether changes of a service are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Telling {
    /// They are.
    #[default]
    Aloud,
    /// They are shown only.
    Mute,
}

/// Whether this machine reaches the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// It does.
    #[default]
    Reachable,
    /// It is cut off: what it knows may be old.
    CutOff,
}

/// Whether the services are being tested just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Activity {
    /// Between two cycles.
    #[default]
    Waiting,
    /// A cycle has begun.
    Refreshing,
}

/// Everything the robot knows, by service id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Board {
    /// The services.
    pub services: BTreeMap<String, Shown>,
    /// Whether this machine reaches the world.
    pub network: Network,
    /// Whether a refresh is running.
    pub activity: Activity,
}

/// The board in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Nothing is known yet.
    Starting,
    /// This machine is cut off.
    CutOff,
    /// Nothing fails.
    AllClear,
    /// At least one service fails.
    Incident,
    /// At least one is down.
    Down,
}

impl Board {
    /// The board in a word.
    pub fn mood(&self) -> Mood {
        if self.network == Network::CutOff {
            return Mood::CutOff;
        }
        match self.services.values().map(|service| service.level).max().unwrap_or_default() {
            Level::Unknown => Mood::Starting,
            Level::Healthy | Level::Partial | Level::Warning => Mood::AllClear,
            Level::Incident => Mood::Incident,
            Level::Down => Mood::Down,
        }
    }

    /// The services that fail, the worst first.
    pub fn failing(&self) -> Vec<&Shown> {
        let mut failing: Vec<&Shown> =
            self.services.values().filter(|service| service.level >= Level::Incident).collect();
        failing.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.name.cmp(&b.name)));
        failing
    }
}
