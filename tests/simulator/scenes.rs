//! Scenes: kinds of runs that make one rule matter.

use crate::options::Options;

/// A seed's run of a kind.
pub type Scene = fn(u64) -> Options;
