//! Slack: what it sends and how it is answered.

pub(crate) mod api;
pub(crate) mod envelope;
pub(crate) mod outbox;
pub(crate) mod seen;
pub(crate) mod socket;
