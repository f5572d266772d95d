//! p7-simulator: meshes in virtual time. The core's machine runs on every node of a simulated world with
//! everything that goes wrong in a real one, and what comes of it is held against the promises.
//!
//! A run is its seed: the same seed gives the same run, on every machine. No clock, no thread, no socket.

#![expect(clippy::unreachable, reason = "an id that is no id is a bug of the simulator itself")]

mod carry;
pub mod chance;
pub mod checks;
pub mod disk;
mod effects;
mod ending;
mod inspect;
mod leading;
mod lives;
pub mod mouth;
pub mod network;
pub mod node;
pub mod options;
mod outages;
mod probing;
pub mod queue;
pub mod run;
mod sayings;
pub mod scenes;
mod setup;
mod telling;
mod truth;
mod weather;
pub mod world;
