//! Incidents: from the first failed cycle to the recovery.

use crate::vocabulary::{BadId, Cycle, Level, MeshTime, ServiceId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// An incident's id: its service and first failed cycle, so every node names it alike.
/// Written `SERVICE.START` with the cycle's start in base 36, such as `google.mhzk1c00`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IncidentId {
    /// The service.
    pub service: ServiceId,
    /// The first failed cycle of the run.
    pub first: Cycle,
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.service, base36(self.first.start().0))
    }
}

impl std::str::FromStr for IncidentId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let bad = || BadId { kind: "incident", text: text.chars().take(80).collect() };
        let (service, first) = text.rsplit_once('.').ok_or_else(bad)?;
        let start = u64::from_str_radix(first, 36).map_err(|_not_a_number| bad())?;
        Ok(Self { service: ServiceId::new(service)?, first: Cycle::starting(MeshTime(start)) })
    }
}

/// One incident as it stands. Derived from results alone; who acknowledged it is a separate fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// When its first failed probe began.
    pub began: MeshTime,
    /// The cycle whose verdict made it an incident.
    pub opened: Cycle,
    /// The worst level it reached.
    pub worst: Level,
    /// The cycle that ended it, if it has ended.
    pub recovered: Option<Cycle>,
    /// When the probe began that ended it, if it has ended.
    pub ended: Option<MeshTime>,
    /// The first reason heard, in words.
    pub reason: Option<Arc<str>>,
}

fn base36(mut n: u64) -> String {
    let mut digits = Vec::with_capacity(13);
    loop {
        digits.push(char::from_digit(u32::try_from(n % 36).unwrap_or(0), 36).unwrap_or('0'));
        n /= 36;
        if n == 0 {
            break;
        }
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_id_reads_back_as_written() {
        for start in [0, 35, 36, 1_700_000_000_000, u64::MAX] {
            let id = IncidentId {
                service: ServiceId::new("shop-1").unwrap(),
                first: Cycle::starting(MeshTime(start)),
            };
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert!("shop".parse::<IncidentId>().is_err());
        assert!("shop.!".parse::<IncidentId>().is_err());
    }
}
