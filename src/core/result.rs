//! Results: what one probe of one service from one node in one cycle came to.

use crate::vocabulary::{Cycle, MeshTime, Micros, NodeId, Outcome, REASON_LIMIT, ServiceId, Vote, shortened};
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

/// One result, a fact. Its key is (service, cycle, node): one stands per key, see [`ProbeResult::precedence`].
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
    /// Which of two results with the same key stands: the lesser. A failing one stands over one that does
    /// not fail, so that a vantage point can still say in the same cycle that a service went down; else
    /// the earlier attempt does. Of two that began in the same millisecond any fixed order will do, as
    /// long as every node uses the same, so that all agree in whatever order they heard them.
    pub fn precedence(&self, other: &Self) -> std::cmp::Ordering {
        let rank = |r: &Self| {
            let when = (standing_of(r.outcome), r.at);
            (when, r.outcome, r.latency, r.attempts, r.status_code, r.certificate_expiry)
        };
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

/// Of two results with the same key, the one of the lesser kind stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// It fails: said after another, it is news.
    Failing,
    /// It passes or says nothing of the service: the first word is enough.
    Other,
}

/// What decides first between two results with the same key.
pub(crate) fn standing_of(outcome: Outcome) -> Standing {
    match outcome.vote() {
        Some(Vote::Failed) => Standing::Failing,
        Some(Vote::Passed) | None => Standing::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    /// A result of an attempt that began `at` milliseconds into its cycle.
    fn result(outcome: Outcome, at: u64) -> ProbeResult {
        ProbeResult {
            service: ServiceId::new("shop").unwrap(),
            cycle: Cycle::starting(MeshTime(60_000)),
            node: NodeId::new("node1").unwrap(),
            at: MeshTime(60_000 + at),
            outcome,
            latency: Micros(20_000),
            phases: Phases::default(),
            attempts: 1,
            reason: None,
            status_code: None,
            certificate_expiry: None,
        }
    }

    #[test]
    fn of_two_with_the_same_key_a_failing_one_stands_else_the_earlier_attempt() {
        use Outcome::{Failed, Maintenance, Mismatch, NoNetwork, Unauthorized, Unmanaged, Up};
        for (stands, falls) in [
            ((Failed, 9), (Up, 1)),
            ((Mismatch, 9), (Maintenance, 1)),
            ((Unauthorized, 9), (NoNetwork, 1)),
            ((Failed, 9), (Unmanaged, 1)),
            ((Up, 1), (Up, 9)),
            ((NoNetwork, 1), (Up, 9)),
            ((Up, 1), (Unmanaged, 9)),
            ((Failed, 1), (Failed, 9)),
            ((Mismatch, 1), (Unauthorized, 9)),
            ((Failed, 1), (Up, 9)),
        ] {
            let (stands, falls) = (result(stands.0, stands.1), result(falls.0, falls.1));
            assert_eq!(stands.precedence(&falls), Ordering::Less, "{stands:?} over {falls:?}");
            assert_eq!(falls.precedence(&stands), Ordering::Greater, "{stands:?} over {falls:?}");
            assert_eq!(stands.precedence(&stands), Ordering::Equal);
        }
    }
}
