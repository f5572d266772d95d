//! p7-core: the rules of Protocol/7, pure. No clock, socket, disk, actix, tokio.
//!
//! Time comes in as [`vocabulary::MeshTime`], wishes go out as values. Beside serde only calendar
//! arithmetic is used (chrono and chrono-tz without their clock, croner), because maintenance
//! windows recur in people's time zones.
//!
//! One word differs from the plan in a detail: a [`vocabulary::Cycle`] is named by the start of its
//! slot rather than by the slot's number, so that cycles keep their order when an interval changes.

pub mod facts;
pub mod flapping;
mod fold;
pub mod incident;
pub mod maintenance;
pub mod mesh;
pub mod past;
pub mod result;
pub mod schedule;
pub mod service;
mod slot;
pub mod status;
mod track;
pub mod verdict;
pub mod vocabulary;
pub mod watch;
