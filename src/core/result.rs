//! Results: what one probe of one service from one node in one cycle came to.

use crate::vocabulary::{Cycle, MeshTime, Micros, NodeId, Outcome, REASON_LIMIT, ServiceId, shortened};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where a probe's time went, summed over its redirects. Names as in blackbox_exporter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Phases {
    /// Looking up the name.
    pub resolve: Micros,
    /// Opening the TCP connection.
    pub connect: Micros,
    /// The TLS handshake.
    pub tls: Micros,
    /// From the request sent to the first byte of the answer.
    pub processing: Micros,
    /// From the first byte to the last that was read.
    pub transfer: Micros,
}

impl Phases {
    /// The phases with their names, in the order they happen.
    pub fn named(&self) -> [(&'static str, Micros); 5] {
        [
            ("resolve", self.resolve),
            ("connect", self.connect),
            ("tls", self.tls),
            ("processing", self.processing),
            ("transfer", self.transfer),
        ]
    }
}

/// One result, a fact. Its key is (service, cycle, node): there is one per key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeResult {
    /// What was tested.
    pub service: ServiceId,
    /// For which cycle.
    pub cycle: Cycle,
    /// From which vantage point.
    pub node: NodeId,
    /// When the attempt that counts began.
    pub at: MeshTime,
    /// What it came to.
    pub outcome: Outcome,
    /// How long the attempt took, from its beginning to its end.
    pub latency: Micros,
    /// Where that time went.
    pub phases: Phases,
    /// How many attempts there were; the last one counts.
    pub attempts: u8,
    /// Why, in words a person understands; at most [`REASON_LIMIT`] bytes. Absent when up.
    pub reason: Option<Arc<str>>,
    /// The answer's status code, where the probe's kind has one.
    pub status_code: Option<u16>,
    /// When the first certificate of the chain expires, where there was one.
    pub certificate_expiry: Option<MeshTime>,
}

impl ProbeResult {
    /// Which of two results with the same key stands: the lesser. The earlier attempt does; of two that
    /// began in the same millisecond any fixed order will do, as long as every node uses the same, so
    /// that all agree in whatever order they heard them.
    pub fn precedence(&self, other: &Self) -> std::cmp::Ordering {
        let rank = |r: &Self| (r.at, r.outcome, r.latency, r.attempts, r.status_code, r.certificate_expiry);
        let phases = |r: &Self| r.phases.named().map(|(_name, span)| span);
        rank(self)
            .cmp(&rank(other))
            .then_with(|| phases(self).cmp(&phases(other)))
            .then_with(|| self.reason.cmp(&other.reason))
    }

    /// A reason of lawful length and without control characters, since services can write into it.
    pub fn reason_of(text: &str) -> Arc<str> {
        let clean: String =
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_LIMIT).collect();
        shortened(clean.trim(), REASON_LIMIT).into()
    }
}
