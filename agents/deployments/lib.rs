//! p7-deployments: while its node leads, asks Azure DevOps, GitHub and GitLab what is being deployed, and
//! states what is new, so that every node's cards show it.
//!
//! `sources/` holds one file a source: its settings, the reading of its answers (pure), its questions.
//! `news.rs` says what is stated, `pace.rs` when a source is asked; `agent.rs` puts them to work.

mod agent;
mod config;
mod fetch;
mod found;
mod metrics;
mod news;
mod pace;
mod source;
mod sources;
#[cfg(test)]
mod tests;

pub use agent::{Deployments, Follow, Parts, Standing};
pub use config::{Kind, Origin, SourceConfig, check_sources};
pub use sources::{azure_devops, github, gitlab};
