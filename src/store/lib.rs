//! p7-store: what a node remembers over restarts: results, their rollups by hour and day, incidents,
//! what people stated, and who the node is. RocksDB underneath, nothing of it outside.
//!
//! Every row can be written twice and in any order and the store comes out the same: results merge as
//! [`p7_core::result::ProbeResult::precedence`] says, statements by their time, and rollups are always
//! a function of the results.

mod config;
mod cycles;
mod engine;
mod error;
mod exchange;
mod identity;
mod keys;
mod log;
mod mesh;
mod names;
mod past;
mod query;
mod reads;
mod records;
mod rollup;
mod rollups;
mod scan;
mod sketch;
mod store;
mod tuning;
mod upkeep;

pub use config::{Config, Retention};
pub use cycles::Counted;
pub use error::StoreError;
pub use exchange::{Imported, RollupCursor, RollupPage};
pub use identity::{Identity, identity};
pub use log::LogRow;
pub use mesh::PEERS_LIMIT;
pub use p7_core::rollup::RollupRow;
pub use query::{BadCursor, Cursor, IncidentsQuery, PAGE_LIMIT, Page, ResultsQuery, Which};
pub use rollup::{Resolution, Rollup};
pub use rollups::ROLLUPS_LIMIT;
pub use store::{Fact, Figures, Store, Upkeep};
