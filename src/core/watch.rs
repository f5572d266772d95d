//! The state machine that turns results into statuses and incidents.

/// How many cycles a status shows, gaps included.
pub const SHOWN_CYCLES: usize = 30;
