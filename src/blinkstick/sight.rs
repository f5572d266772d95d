//! What a light has to show: how many services stand how, and how this node itself is.

use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{Level, Millis, Outcome};

/// How a service stands, for a light; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Down.
    Down,
    /// In an incident.
    Incident,
    /// Its credentials are refused.
    Unauthorized,
    /// Failed once, not confirmed.
    Warning,
    /// In maintenance, whatever its level.
    Maintenance,
    /// Nothing is known of it.
    Unknown,
    /// Well, if only partly seen so.
    Healthy,
}

/// All standings, the worst first.
pub const STANDINGS: [Standing; 7] = [
    Standing::Down,
    Standing::Incident,
    Standing::Unauthorized,
    Standing::Warning,
    Standing::Maintenance,
    Standing::Unknown,
    Standing::Healthy,
];

/// Whether this machine's network is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// As far as is known.
    #[default]
    There,
    /// It is cut off.
    CutOff,
}

/// Whether other nodes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mesh {
    /// This node runs alone, or knows no other yet.
    #[default]
    Alone,
    /// At least one other is heard.
    Heard,
    /// Others are known, and none is heard.
    Lost,
}

/// What a light has to show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sight {
    counts: [u32; STANDINGS.len()],
    /// The worst level of what is not in maintenance, if there is any that is known.
    pub worst: Option<Level>,
    /// This machine's network.
    pub network: Network,
    /// The other nodes.
    pub mesh: Mesh,
    /// The length of a cycle: the shortest of the services'.
    pub cycle: Option<Millis>,
}

impl Standing {
    /// How a service stands.
    pub fn of(status: &ServiceStatus) -> Self {
        if status.maintenance.is_some() {
            return Self::Maintenance;
        }
        let by_level = match status.level {
            Level::Unknown => Self::Unknown,
            Level::Healthy | Level::Partial => Self::Healthy,
            Level::Warning => Self::Warning,
            Level::Incident => Self::Incident,
            Level::Down => Self::Down,
        };
        match status.outcome {
            Some(Outcome::Unmanaged) => Self::Unknown,
            Some(Outcome::Unauthorized) if by_level < Self::Maintenance => Self::Unauthorized,
            Some(
                Outcome::Unauthorized
                | Outcome::NoNetwork
                | Outcome::Failed
                | Outcome::Maintenance
                | Outcome::Up
                | Outcome::Mismatch,
            )
            | None => by_level,
        }
    }

    fn place(self) -> usize {
        STANDINGS.iter().position(|one| *one == self).unwrap_or_default()
    }
}

impl Sight {
    /// Adds a service.
    pub fn add(&mut self, status: &ServiceStatus) {
        let standing = Standing::of(status);
        if let Some(count) = self.counts.get_mut(standing.place()) {
            *count += 1;
        }
        if standing != Standing::Maintenance && standing != Standing::Unknown {
            self.worst = self.worst.max(Some(status.level));
        }
    }

    /// Adds a service that nothing was ever heard of.
    pub fn add_unknown(&mut self) {
        if let Some(count) = self.counts.get_mut(Standing::Unknown.place()) {
            *count += 1;
        }
    }

    /// Adds a service's interval.
    pub fn add_cycle(&mut self, interval: Millis) {
        self.cycle = Some(self.cycle.map_or(interval, |shortest| shortest.min(interval)));
    }

    /// How many stand so.
    pub fn count(&self, standing: Standing) -> u32 {
        self.counts.get(standing.place()).copied().unwrap_or_default()
    }

    /// How many there are.
    pub fn total(&self) -> u32 {
        self.counts.iter().sum()
    }
}
