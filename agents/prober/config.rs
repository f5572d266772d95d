//! `[prober]` of node.toml and `[connectivity]` of mesh.toml.

use crate::net::resolve::Place;
use p7_core::schedule::Limits;
use p7_core::vocabulary::Millis;
use p7_settings::{Check, Faults, Period};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Most probes at once: each takes a socket, and systems allow a process some thousands.
const CONCURRENCY_LIMIT: u16 = 16_384;
/// Most anchors: one that answers is enough.
const ANCHOR_LIMIT: usize = 16;

/// `[prober]` of node.toml: how this machine tests.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many probes run at once. Default 256, which is 1,000 services at 10 s answering within 2.5 s.
    /// With too few, probes start late (`p7_probe_schedule_lag_seconds`) or not (`p7_probe_starved_total`).
    pub concurrency: u16,
    /// How many further probes may run that take longer than a second, so that hanging services don't keep
    /// others waiting. Default 768. Each takes an open file: `ulimit -n` must allow for both.
    pub slow_concurrency: u16,
    /// Within this time after the start every service is tested once. Default 1s. Shorter is a burst.
    pub start_within: Period,
}

impl Default for Config {
    fn default() -> Self {
        Self { concurrency: 256, slow_concurrency: 768, start_within: Period::seconds(1) }
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        for (key, value) in [("concurrency", self.concurrency), ("slow_concurrency", self.slow_concurrency)] {
            if value == 0 || value > CONCURRENCY_LIMIT {
                faults.push(key, format!("must be between 1 and {CONCURRENCY_LIMIT}"));
            }
        }
        if self.start_within.0 > Duration::from_secs(600) {
            faults.push("start_within", "must be at most 10 minutes");
        }
    }
}

impl Config {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            quick: usize::from(self.concurrency),
            slow: usize::from(self.slow_concurrency),
            start_within: Millis(u64::try_from(self.start_within.0.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

/// `[connectivity]` of mesh.toml: how a node finds out that it is itself cut off.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectivityConfig {
    /// Places (`host:port`) of which one at least answers while a node has network. Default none: then
    /// what the operating system knows of links and routes decides. They are connected to only when a
    /// probe has failed, at most once a second. Anchors that are down themselves hide real failures.
    pub anchors: Vec<String>,
    /// How long the anchors have for an answer. Default 2s. A failing probe's result waits for them.
    pub timeout: Period,
}

impl Default for ConnectivityConfig {
    fn default() -> Self {
        Self { anchors: Vec::new(), timeout: Period::seconds(2) }
    }
}

impl Check for ConnectivityConfig {
    fn check(&self, faults: &mut Faults<'_>) {
        for (index, anchor) in self.anchors.iter().enumerate() {
            if let Err(wrong) = Place::parse(anchor) {
                faults.under("anchors").push(index.to_string(), wrong);
            }
        }
        if self.anchors.len() > ANCHOR_LIMIT {
            faults.push("anchors", format!("{ANCHOR_LIMIT} anchors are enough"));
        }
        if self.timeout.0.is_zero() || self.timeout.0 > Duration::from_secs(30) {
            faults.push("timeout", "must be between 1ms and 30s");
        }
    }
}
