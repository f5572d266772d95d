//! `[services.ID]` as it is written: its keys, and the small types only they use.

use super::maintenance::MaintenanceTable;
use super::node::{check_labels, check_line};
use p7_core::service::{Rules, VantagePoints};
use p7_deployments::Origin;
use p7_settings::{Check, Faults, Period};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use url::Url;

/// Longest name of a service, in characters: it heads a card.
const NAME_LIMIT: usize = 100;
/// Longest name of an environment, in characters: it heads a group.
const ENVIRONMENT_LIMIT: usize = 64;
/// Longest description, in characters: a few sentences.
const DESCRIPTION_LIMIT: usize = 500;
/// Longest address of a runbook or link, in bytes.
const LINK_LIMIT: usize = 2048;
/// Longest window of verdicts, as the core keeps them.
const WINDOW_LIMIT: u8 = 20;
/// Most vantage points that may be asked for: more than a mesh has nodes.
const VANTAGE_POINTS_LIMIT: u16 = 1000;

/// The keys of `[services.ID]` but for the probe's own table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServiceTable {
    /// Its name for people. Default its id.
    pub(super) name: Option<String>,
    /// The environment it belongs to; pages group by it. Default none.
    pub(super) environment: String,
    /// What it is, in a sentence. Default none.
    pub(super) description: Option<String>,
    /// Whether it is watched at all. Default true. With false its past stays, and nothing is tested.
    pub(super) enabled: bool,
    /// How often each vantage point tests it. Default that of `[defaults]`.
    pub(super) interval: Option<Period>,
    /// How long one attempt may take in all, redirects included. Default that of `[defaults]`.
    pub(super) timeout: Option<Period>,
    /// How many more attempts follow a failed one inside the cycle. Default that of `[defaults]`.
    pub(super) retries: Option<u8>,
    /// How long to wait before each of them. Default that of `[defaults]`.
    pub(super) retry_delay: Option<Period>,
    /// How it is judged. Default that of `[defaults]`, key by key.
    pub(super) rules: RulesTable,
    /// How many nodes test it: "all" or a number. Default that of `[defaults]`.
    pub(super) vantage_points: VantagePointsKey,
    /// Only nodes with all of these labels test it. Default none: any node. Where no node has them every
    /// node tests it, so that a service is never unwatched.
    pub(super) vantage_labels: BTreeMap<String, String>,
    /// What to do when it fails: an http(s) address. Default none.
    pub(super) runbook: Option<String>,
    /// Where people use it: an http(s) address. Default none.
    pub(super) link: Option<String>,
    /// Free labels, for routes and filters. Default none.
    pub(super) labels: BTreeMap<String, String>,
    /// Ids of the services it needs: their incidents explain its own. Default none.
    pub(super) depends_on: Vec<String>,
    /// Planned maintenance. Default none.
    pub(super) maintenance: Vec<MaintenanceTable>,
    /// What deploys it, so that its card shows a deployment that runs. Default nothing.
    pub(super) deployment: Option<Origin>,
}

impl Default for ServiceTable {
    fn default() -> Self {
        Self {
            name: None,
            environment: String::new(),
            description: None,
            enabled: true,
            interval: None,
            timeout: None,
            retries: None,
            retry_delay: None,
            rules: RulesTable::default(),
            vantage_points: VantagePointsKey::default(),
            vantage_labels: BTreeMap::new(),
            runbook: None,
            link: None,
            labels: BTreeMap::new(),
            depends_on: Vec::new(),
            maintenance: Vec::new(),
            deployment: None,
        }
    }
}

impl Check for ServiceTable {
    fn check(&self, faults: &mut Faults<'_>) {
        if let Some(name) = &self.name {
            check_line("name", name, NAME_LIMIT, faults);
        }
        if !self.environment.is_empty() {
            check_line("environment", &self.environment, ENVIRONMENT_LIMIT, faults);
        }
        if let Some(description) = &self.description {
            check_line("description", description, DESCRIPTION_LIMIT, faults);
        }
        for (key, link) in [("runbook", &self.runbook), ("link", &self.link)] {
            if let Some(link) = link {
                check_link(key, link, faults);
            }
        }
        check_labels(&self.labels, &mut faults.under("labels"));
        check_labels(&self.vantage_labels, &mut faults.under("vantage_labels"));
    }
}

/// Checks an address that a page links to: with another scheme a click could run something.
pub(super) fn check_link(key: &str, link: &str, faults: &mut Faults<'_>) {
    if link.len() > LINK_LIMIT {
        faults.push(key, format!("is longer than {LINK_LIMIT} bytes"));
        return;
    }
    match Url::parse(link) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            faults.push(key, "is no web address; it must start with `https://` or `http://`");
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            faults.push(key, "holds a user or password, which every page would show; leave them out");
        }
        Ok(_) => {}
        Err(why) => faults
            .push(key, format!("is no web address ({why}); write it as \"https://wiki.example.org/shop\"")),
    }
}

/// `rules`: how verdicts become a level. What is absent is as in `[defaults]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RulesTable {
    /// How many of the last cycles are weighed, 1 to 20. Default 6.
    window: Option<u8>,
    /// Failed cycles of the window that make an incident (orange). Default 2.
    orange: Option<u8>,
    /// Failed cycles of the window that make it down (red). Default 6.
    red: Option<u8>,
    /// Vantage points whose failure in the same cycle confirms an incident at once. Default 2.
    confirm: Option<u8>,
    /// Passed cycles in a row that end an incident. Default 1.
    recover_after: Option<u8>,
}

impl RulesTable {
    /// The rules with what is absent taken from `defaults`, and from the original's where both are silent.
    pub(super) fn or(self, defaults: Self) -> Rules {
        let original = Rules::default();
        let window = self.window.or(defaults.window).unwrap_or(original.window);
        // a shorter window asks for no more failures than it has cycles
        let fitting = |given: Option<u8>, default: Option<u8>, original: u8| {
            given.or(default).unwrap_or(original.min(window.max(1)))
        };
        Rules {
            window,
            orange: fitting(self.orange, defaults.orange, original.orange),
            red: fitting(self.red, defaults.red, original.red),
            confirm: self.confirm.or(defaults.confirm).unwrap_or(original.confirm),
            recover_after: self.recover_after.or(defaults.recover_after).unwrap_or(original.recover_after),
        }
    }

    /// Notes what is wrong with the rules as they come out with `defaults`.
    pub(super) fn check(self, faults: &mut Faults<'_>, defaults: Self) {
        if self == Self::default() {
            return;
        }
        let rules = self.or(defaults);
        if !(1..=WINDOW_LIMIT).contains(&rules.window) {
            faults.push("window", format!("must be 1 to {WINDOW_LIMIT} cycles"));
            return;
        }
        if !(1..=rules.window).contains(&rules.orange) {
            faults.push("orange", format!("must be 1 to {}, the cycles of the window", rules.window));
        }
        if !(1..=rules.window).contains(&rules.red) {
            faults.push("red", format!("must be 1 to {}, the cycles of the window", rules.window));
        } else if rules.red < rules.orange {
            faults.push("red", format!("must be at least `orange`, which is {}", rules.orange));
        }
        if rules.confirm == 0 {
            faults.push("confirm", "must be at least 1; with 1 the first failure is an incident");
        }
        if !(1..=WINDOW_LIMIT).contains(&rules.recover_after) {
            faults.push("recover_after", format!("must be 1 to {WINDOW_LIMIT} cycles"));
        }
    }
}

/// `vantage_points`: "all" or a number; absent as in `[defaults]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct VantagePointsKey(Option<VantagePoints>);

impl VantagePointsKey {
    /// This, or else the default, or else all.
    pub(super) fn or(self, default: Self) -> VantagePoints {
        self.0.or(default.0).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for VantagePointsKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AllOrNumber).map(|points| Self(Some(points)))
    }
}

struct AllOrNumber;

impl Visitor<'_> for AllOrNumber {
    type Value = VantagePoints;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"all\" or a whole number from 1 to {VANTAGE_POINTS_LIMIT}")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<VantagePoints, E> {
        match text {
            "all" => Ok(VantagePoints::All),
            _ => Err(E::invalid_type(serde::de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<VantagePoints, E> {
        u16::try_from(number)
            .ok()
            .filter(|count| (1..=VANTAGE_POINTS_LIMIT).contains(count))
            .map(VantagePoints::Count)
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Signed(number), &self))
    }
}
