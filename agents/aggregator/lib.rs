//! p7-aggregator: owns the core's state and is the only writer of status and store.
//!
//! Results and statements come in, the core says what should follow, and that is stored and told on.
//! Results are written in batches every [`COMMIT_EVERY`]: so much may be lost by a kill, and no more.

mod aggregator;
mod late;
mod ledger;
mod mesh;
mod past;
mod statements;

pub use aggregator::{Aggregator, Connect, Listeners, Parts, Stop};
pub use ledger::COMMIT_EVERY;
