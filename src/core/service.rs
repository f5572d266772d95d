//! A service as the mesh knows it: what is watched and by which rules it is judged.

use crate::maintenance::Window;
use crate::vocabulary::{Interval, Millis, ServiceId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How verdicts become a level. The defaults are the 2020 original's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// How many of the last cycles with a verdict are weighed, 1 to 20.
    pub window: u8,
    /// Failed cycles of the window that make an incident (orange), when the latest failed.
    pub orange: u8,
    /// Failed cycles of the window that make it down (red), when the latest failed.
    pub red: u8,
    /// Vantage points whose failure in the same cycle confirms an incident at once.
    pub confirm: u8,
    /// Passed cycles in a row that end an incident.
    pub recover_after: u8,
}

impl Default for Rules {
    fn default() -> Self {
        Self { window: 6, orange: 2, red: 6, confirm: 2, recover_after: 1 }
    }
}

/// How many nodes test a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VantagePoints {
    /// Every node that may.
    #[default]
    All,
    /// This many of them, chosen by rendezvous hashing.
    Count(u16),
}

/// A service: something watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Its id, the key of its table.
    pub id: ServiceId,
    /// Its name for people.
    pub name: String,
    /// The environment it belongs to (`production`, `staging` …); pages group by it. May be empty.
    pub environment: String,
    /// The probe's kind: `http`, `tcp` …
    pub kind: String,
    /// What is tested, for people: a URL without credentials, or `host:port`.
    pub target: String,
    /// How often each vantage point tests it.
    pub interval: Interval,
    /// How long one attempt may take in all, redirects included.
    pub timeout: Millis,
    /// How many more attempts follow a failed one inside the cycle.
    pub retries: u8,
    /// How long to wait before each of them.
    pub retry_delay: Millis,
    /// How it is judged.
    pub rules: Rules,
    /// Who tests it.
    pub vantage_points: VantagePoints,
    /// Only nodes with all of these labels test it; empty: any. Where nobody has them, everybody tests it.
    pub vantage_labels: BTreeMap<String, String>,
    /// What it is, in a sentence.
    pub description: Option<String>,
    /// What to do when it fails: an http(s) address.
    pub runbook: Option<String>,
    /// Where people use it: an http(s) address; the card links there.
    pub link: Option<String>,
    /// Free labels, for routes and filters.
    pub labels: BTreeMap<String, String>,
    /// Services it needs: their incidents explain its own.
    pub depends_on: Vec<ServiceId>,
    /// Planned maintenance.
    pub maintenance: Vec<Window>,
}
