//! p7-publisher: the leader renders the static site and puts it on every configured target.
//!
//! [`Publisher`] hears what happens and makes an `edition::Edition` when something changed, and at least
//! every interval; each target has a task of its own that brings its target up to the newest edition.

mod claim;
mod config;
mod dead_man;
mod edition;
mod manifest;
mod metrics;
mod pause;
mod publisher;
mod scrub;
mod site;
mod standing;
mod target;
mod targets;
mod upload;
mod worker;

#[cfg(test)]
mod tests;

pub use config::{AzureConfig, Config, DeadManConfig, FolderConfig, S3Config, TargetConfig};
pub use publisher::{Listeners, Parts, Past, Publisher, Stop, TakeUp};
pub use targets::{Unfenced, unready};
