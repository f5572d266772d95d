//! The sources against strict servers on loopback, the reading of their answers, and the agent as a whole.

mod agent;
mod azure_devops;
mod config;
mod fake;
mod fetch;
mod github;
mod gitlab;

use crate::config::{Origin, SourceConfig};
use crate::source::Source;
use crate::sources::Polled;
use p7_core::vocabulary::{MeshTime, ServiceId};
use std::time::Duration;

fn service(id: &str) -> ServiceId {
    ServiceId::new(id).unwrap()
}

/// `[services.ID.deployment]` with these keys.
fn origin(keys: &str) -> Origin {
    toml::from_str(&format!("source = 'it'\n{keys}")).unwrap()
}

/// `[deployments.it]` with this in it.
fn source(table: &str) -> SourceConfig {
    toml::from_str(table).unwrap()
}

/// Rustls has its provider from the process, as the node's start installs it.
fn provide() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// One poll of a source whose token is in the file `token`.
async fn poll(config: &SourceConfig, token: &str, wanted: &[(&str, &str)]) -> Polled {
    provide();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), format!("{token}\n")).unwrap();
    let mut source = Source::new("it", config);
    source.wanted = wanted.iter().map(|(id, keys)| (service(id), origin(keys))).collect();
    let poll = source.begin(Duration::ZERO, MeshTime(1_800_000_000_000), dir.path()).unwrap();
    poll.run(config).await
}
