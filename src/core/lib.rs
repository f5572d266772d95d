//! p7-core: the rules of Protocol/7, pure. No clock, socket, disk, actix, tokio.
//!
//! Time comes in as [`vocabulary::MeshTime`], wishes go out as values. Beside serde only calendar
//! arithmetic is used (chrono and chrono-tz without their clock, croner), because maintenance
//! windows recur in people's time zones.
//!
//! One word differs from the plan in a detail: a [`vocabulary::Cycle`] is named by the start of its
//! slot rather than by the slot's number, so that cycles keep their order when an interval changes.
//!
//! One rule differs too: a vantage point may say a second, failing word about a cycle. Of two results with
//! the same service, cycle and node a failing one stands over one that does not fail, else the earlier
//! attempt does ([`result::ProbeResult::precedence`]). Why: an outage that begins after a vantage point's
//! slot must still be confirmed by a majority at once, and with one word a cycle that took up to an
//! interval. A recovery needs no second word: it is the first one of the next cycle ([`mesh::look`]). What
//! stands is still a function of the set of results, so all nodes agree in whatever order they heard them,
//! and one node alone, which looks once a cycle, gives exactly the original's rules.

pub mod facts;
pub mod flapping;
mod fold;
pub mod incident;
pub mod maintenance;
pub mod mesh;
pub mod past;
pub mod result;
pub mod rollup;
pub mod schedule;
pub mod service;
mod slot;
pub mod speech;
pub mod status;
mod track;
pub mod verdict;
pub mod vocabulary;
pub mod watch;
