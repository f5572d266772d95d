//! Probes that take suspiciously long: others are told before they time out, so that they look, too.

use actix::prelude::*;
use p7_bus::{Suspected, tell};
use p7_core::vocabulary::{MeshTime, Micros, Millis, ServiceId};
use std::collections::{BTreeMap, BTreeSet};

/// Nothing is suspicious before: a busy network is no outage.
const PATIENCE_FLOOR: Millis = Millis(500);
/// Nothing is suspicious before this part of its timeout.
const TIMEOUT_SHARE: u64 = 3;
/// Nor before so many times as long as it took the last time.
const SLOWER_BY: u64 = 2;

/// Whether this machine's own network works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnNetwork {
    /// As far as is known.
    Works,
    /// It is cut off: its silence says nothing about others.
    CutOff,
}

/// The probes that run and may become suspicious.
#[derive(Debug)]
pub(crate) struct Suspicions {
    listeners: Vec<Recipient<Suspected>>,
    /// When each becomes suspicious, and when it began.
    due: BTreeMap<ServiceId, (MeshTime, MeshTime)>,
    order: BTreeSet<(MeshTime, ServiceId)>,
}

impl Suspicions {
    pub(crate) fn new(listeners: Vec<Recipient<Suspected>>) -> Self {
        Self { listeners, due: BTreeMap::new(), order: BTreeSet::new() }
    }

    /// A probe of a service that is not known to fail has started; the last one that passed took `latency`.
    pub(crate) fn watch(
        &mut self,
        service: &ServiceId,
        timeout: Millis,
        latency: Option<Micros>,
        now: MeshTime,
    ) {
        if !self.listeners.is_empty() {
            let at = now.plus(patience(timeout, latency));
            self.ended(service);
            self.due.insert(service.clone(), (at, now));
            self.order.insert((at, service.clone()));
        }
    }

    /// It has ended.
    pub(crate) fn ended(&mut self, service: &ServiceId) {
        if let Some((at, _)) = self.due.remove(service) {
            self.order.remove(&(at, service.clone()));
        }
    }

    /// Time jumped: what runs is void.
    pub(crate) fn clear(&mut self) {
        self.due.clear();
        self.order.clear();
    }

    /// When the next probe becomes suspicious.
    pub(crate) fn due(&self) -> Option<MeshTime> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Tells of those that run too long by now, each once, unless this machine itself is cut off. Says of
    /// how many was told.
    pub(crate) fn turn(&mut self, now: MeshTime, own: OwnNetwork) -> u64 {
        let mut told = 0;
        while self.due().is_some_and(|at| at <= now)
            && let Some((_, service)) = self.order.pop_first()
        {
            let Some((_, began)) = self.due.remove(&service).filter(|_| own == OwnNetwork::Works) else {
                continue;
            };
            told += 1;
            tracing::debug!(%service, "a probe takes suspiciously long");
            for listener in &self.listeners {
                tell(listener, "member", Suspected { service: service.clone(), began });
            }
        }
        told
    }
}

/// How long a probe may run before it is suspicious.
fn patience(timeout: Millis, latency: Option<Micros>) -> Millis {
    let latency = latency.map_or(0, |latency| u64::from(latency.0).div_ceil(1000));
    PATIENCE_FLOOR.max(Millis(timeout.0 / TIMEOUT_SHARE)).max(Millis(latency.saturating_mul(SLOWER_BY) + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_suspicious_after_a_third_of_its_timeout_half_a_second_and_twice_its_last_latency() {
        for (timeout, latency, expected) in [
            (9000, None, 3000),
            (9000, Some(20_000), 3000),
            (600, Some(20_000), 500),
            (9000, Some(1_600_000), 3201),
            (9000, Some(4_000_000_000), 8_000_001),
        ] {
            assert_eq!(patience(Millis(timeout), latency.map(Micros)), Millis(expected));
        }
    }
}
