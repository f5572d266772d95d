//! A service's status: everything a page, a light or a message says about it, as one value.

use crate::facts::{Acknowledgement, Deployment};
use crate::incident::IncidentId;
use crate::vocabulary::{Cycle, Level, MeshTime, Micros, NodeId, Outcome, ServiceId, Vote};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Share of failed tests in tenths of a per cent: 0 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Failtage(u16);

impl Failtage {
    /// `failed` of `voting`, rounded half up to one decimal of a per cent; none when nobody voted.
    pub fn of(failed: u32, voting: u32) -> Option<Self> {
        if voting == 0 {
            return None;
        }
        let tenths = (u64::from(failed) * 2000 + u64::from(voting)) / (u64::from(voting) * 2);
        Some(Self(u16::try_from(tenths.min(1000)).unwrap_or(1000)))
    }

    /// In per cent, with its one decimal: 0.0 to 100.0.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 10.0
    }

    /// As a ratio, 0.0 to 1.0.
    pub fn ratio(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

/// What all vantage points together say about one cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everybody who voted passed.
    Passed,
    /// Some failed, but not more than half.
    Partial,
    /// More than half failed.
    Failed,
}

/// One cycle of the recent past, for the row of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleSummary {
    /// Which cycle.
    pub cycle: Cycle,
    /// What was decided; none when nobody voted or no result is known.
    pub verdict: Option<Verdict>,
    /// The outcome that stands for the cycle: the most frequent on the winning side, the worst of equals;
    /// none when no result is known (the node was off or asleep).
    pub outcome: Option<Outcome>,
    /// How many vantage points failed.
    pub failed: u16,
    /// How many voted.
    pub voting: u16,
    /// The median latency of the results; none without any.
    pub latency: Option<Micros>,
}

/// One vantage point's view of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VantageStatus {
    /// The node.
    pub node: NodeId,
    /// Its share of failed tests in the window.
    pub failtage: Option<Failtage>,
    /// Its latest outcome.
    pub outcome: Outcome,
    /// Its latest vote, if that outcome votes.
    pub vote: Option<Vote>,
    /// In which cycle.
    pub cycle: Cycle,
    /// When.
    pub at: MeshTime,
    /// How long it took.
    pub latency: Micros,
    /// Why, in words.
    pub reason: Option<Arc<str>>,
}

/// Why a service shows as in maintenance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaintenanceNote {
    /// Planned in the configuration, or stated by a person; until when and why.
    Planned {
        /// Until when.
        until: MeshTime,
        /// Why; may be empty.
        reason: String,
    },
    /// The service itself says so.
    Found,
}

/// A silence in force, for the card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceNote {
    /// The id to lift it by.
    pub id: String,
    /// Until when.
    pub until: MeshTime,
    /// Who.
    pub by: String,
}

/// Whether the level is news or memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// No verdict was ever heard.
    #[default]
    Pending,
    /// At least three of the last six cycles are known, or it has only just begun.
    Fresh,
    /// Fewer than three are: the level is frozen at what it was.
    Stale,
}

/// Everything known about a service now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// The service.
    pub service: ServiceId,
    /// How it is doing.
    pub level: Level,
    /// Since when it has been failing (incident, down: the first failed probe) or not (the recovery, or the
    /// first probe ever); none while unknown. A warning is not yet failing.
    pub since: Option<MeshTime>,
    /// Whether that is news.
    pub freshness: Freshness,
    /// Failed of voting results over the window and all vantage points.
    pub failtage: Option<Failtage>,
    /// The outcome that stands for the latest cycle with a result.
    pub outcome: Option<Outcome>,
    /// Why, in words, when the latest is not up.
    pub reason: Option<Arc<str>>,
    /// When the latest probe began.
    pub last_probe: Option<MeshTime>,
    /// The latest median latency.
    pub latency: Option<Micros>,
    /// Whether the level changes too often to be told each time.
    pub flapping: bool,
    /// The last cycles, oldest first, gaps included, at most [`crate::watch::SHOWN_CYCLES`].
    pub cycles: Vec<CycleSummary>,
    /// Who sees what, by node id.
    pub vantage: Vec<VantageStatus>,
    /// The open incident.
    pub incident: Option<IncidentId>,
    /// Who has acknowledged it.
    pub acknowledged: Option<Acknowledgement>,
    /// Maintenance, planned or found.
    pub maintenance: Option<MaintenanceNote>,
    /// A silence in force.
    pub silence: Option<SilenceNote>,
    /// The last deployment.
    pub deployment: Option<Deployment>,
}

/// The colours of the 2020 original.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Colour {
    /// Healthy.
    Green,
    /// Maintenance.
    Yellow,
    /// Incident.
    Orange,
    /// Down.
    Red,
    /// Credentials refused.
    Pink,
    /// A success code without the text asked for.
    Purple,
    /// No data, unmanaged.
    Grey,
    /// A deployment is running.
    LightBlue,
}

impl Colour {
    /// Its name in class names and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Orange => "orange",
            Self::Red => "red",
            Self::Pink => "pink",
            Self::Purple => "purple",
            Self::Grey => "grey",
            Self::LightBlue => "lightblue",
        }
    }
}

impl Outcome {
    /// The colour of one test or one cycle.
    pub fn colour(self) -> Colour {
        match self {
            Self::NoNetwork | Self::Unmanaged => Colour::Grey,
            Self::Unauthorized => Colour::Pink,
            Self::Failed => Colour::Red,
            Self::Maintenance => Colour::Yellow,
            Self::Up => Colour::Green,
            Self::Mismatch => Colour::Purple,
        }
    }
}

impl ServiceStatus {
    /// The status of a service that nothing is known of.
    pub fn pending(service: ServiceId) -> Self {
        Self {
            service,
            level: Level::Unknown,
            since: None,
            freshness: Freshness::Pending,
            failtage: None,
            outcome: None,
            reason: None,
            last_probe: None,
            latency: None,
            flapping: false,
            cycles: Vec::new(),
            vantage: Vec::new(),
            incident: None,
            acknowledged: None,
            maintenance: None,
            silence: None,
            deployment: None,
        }
    }

    /// The card's colour: the level's, but yellow in maintenance and grey without a say.
    pub fn colour(&self) -> Colour {
        if self.maintenance.is_some() {
            return Colour::Yellow;
        }
        if self.outcome == Some(Outcome::Unmanaged) {
            return Colour::Grey;
        }
        match self.level {
            Level::Unknown => Colour::Grey,
            Level::Healthy | Level::Partial | Level::Warning => Colour::Green,
            Level::Incident => Colour::Orange,
            Level::Down => Colour::Red,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failtage_has_one_decimal_and_rounds_half_up() {
        let percent = |failed, voting| Failtage::of(failed, voting).map(Failtage::percent);
        assert_eq!(percent(0, 0), None);
        assert_eq!(percent(0, 6), Some(0.0));
        assert_eq!(percent(1, 6), Some(16.7));
        assert_eq!(percent(1, 3), Some(33.3));
        assert_eq!(percent(1, 16), Some(6.3));
        assert_eq!(percent(6, 6), Some(100.0));
    }
}
