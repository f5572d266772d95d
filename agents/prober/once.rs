//! One probe from beginning to end: its attempts, this machine's own network, the result.

use crate::attempt::{Attempt, Detail};
use crate::clock::Clock;
use crate::config::ConnectivityConfig;
use crate::kinds::Probe;
use crate::network::{CutOff, Network};
use crate::trouble::Origin;
use p7_bus::PeersSeen;
use p7_core::result::ProbeResult;
use p7_core::service::Service;
use p7_core::vocabulary::{Cycle, MeshTime, NodeId, Outcome, Vote};
use std::time::Duration;
use tokio::time::Instant;

/// A result, and what a person at a command line wants to see beside.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The result, as it would be published.
    pub result: ProbeResult,
    /// What else there was to see.
    pub detail: Detail,
}

/// Tests a service once, now, without retries and without an agent: for `p7 probe`.
pub async fn probe_once(service: &Service, probe: &Probe, node: &NodeId) -> Seen {
    let network = Network::new(&ConnectivityConfig::default(), PeersSeen::NoMesh);
    let clock = Clock::system();
    let cycle = Cycle::at(clock.now(), service.interval);
    let job = Job { service, probe, node, cycle, retry_until: None };
    job.run(&network, &clock).await.seen
}

/// A probe to be run.
pub(crate) struct Job<'a> {
    pub(crate) service: &'a Service,
    pub(crate) probe: &'a Probe,
    pub(crate) node: &'a NodeId,
    pub(crate) cycle: Cycle,
    /// Retries must end before; none for no retries.
    pub(crate) retry_until: Option<MeshTime>,
}

/// What a probe came to, and what it showed about this machine's own network.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) seen: Seen,
    pub(crate) network: Shown,
}

/// What a probe shows about this machine's own network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Nothing: the target is this machine itself, or nobody asked.
    Nothing,
    /// It works: somebody beyond this machine answered.
    Works,
    /// It is cut off.
    CutOff(CutOff),
}

impl Job<'_> {
    pub(crate) async fn run(&self, network: &Network, clock: &Clock) -> Run {
        let timeout = Duration::from_millis(self.service.timeout.0);
        let mut attempts: u8 = 1;
        let mut began = Instant::now();
        let (mut at, mut attempt) = (clock.now(), self.probe.attempt(timeout).await);
        while attempt.outcome.vote() == Some(Vote::Failed) && self.may_retry(attempts, clock.now()) {
            tokio::time::sleep(Duration::from_millis(self.service.retry_delay.0)).await;
            attempts = attempts.saturating_add(1);
            began = Instant::now();
            (at, attempt) = (clock.now(), self.probe.attempt(timeout).await);
        }
        let shown = self.hold_against(network, began, &mut attempt).await;
        self.finish(at, attempts, attempt, shown)
    }

    /// Another attempt must have its whole time before the service's next slot.
    fn may_retry(&self, attempts: u8, now: MeshTime) -> bool {
        let ends = now.plus(self.service.retry_delay).plus(self.service.timeout);
        attempts <= self.service.retries && self.retry_until.is_some_and(|until| ends <= until)
    }

    /// Holds a failure against this machine's own network: only what nobody answered can be its fault.
    async fn hold_against(&self, network: &Network, began: Instant, attempt: &mut Attempt) -> Shown {
        if attempt.origin == Origin::Node {
            attempt.outcome = Outcome::NoNetwork;
            return Shown::Nothing;
        }
        let local = self.probe.is_local() || attempt.detail.peer.is_some_and(|peer| peer.ip().is_loopback());
        if local {
            return Shown::Nothing;
        }
        if attempt.origin == Origin::Peer && attempt.detail.peer.is_some() {
            return Shown::Works;
        }
        match network.cut_off(began).await {
            Some(found) => {
                attempt.outcome = Outcome::NoNetwork;
                attempt.reason = Some(found.why.as_ref().to_owned());
                Shown::CutOff(found)
            }
            None => Shown::Nothing,
        }
    }

    fn finish(&self, at: MeshTime, attempts: u8, attempt: Attempt, network: Shown) -> Run {
        let result = ProbeResult {
            service: self.service.id.clone(),
            cycle: self.cycle,
            node: self.node.clone(),
            at,
            outcome: attempt.outcome,
            latency: attempt.latency,
            phases: attempt.phases,
            attempts,
            reason: attempt.reason.as_deref().map(ProbeResult::reason_of),
            status_code: attempt.status_code,
            certificate_expiry: attempt.certificate_expiry,
        };
        let detail = attempt.detail;
        Run { seen: Seen { result, detail }, network }
    }
}
