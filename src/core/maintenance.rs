//! Planned maintenance: windows that recur by a cron line, and one-off ones.

use crate::vocabulary::{MeshTime, Millis};
use serde::{Deserialize, Serialize};

/// One planned maintenance of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// When it is.
    pub when: When,
    /// Why; may be empty.
    pub reason: String,
}

/// When a planned maintenance is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Once.
    Once {
        /// From when.
        starts: MeshTime,
        /// Until when.
        ends: MeshTime,
    },
    /// Again and again.
    Recurring {
        /// Five cron fields: minute, hour, day of month, month, day of week.
        cron: String,
        /// In which IANA time zone they are read, such as `Europe/Paris`.
        timezone: String,
        /// For how long.
        lasts: Millis,
    },
}
