//! The node seen from outside: the real binary, real sockets, real signals.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod command_line;
mod contract;
mod demo;
mod doors;
mod endurance;
mod incidents;
mod limits;
mod pages;
mod persona;
mod reload;
mod slack;
mod watching;

use p7_tests::site::Site;
use std::time::Duration;

/// How long a service with an interval of a second may take to change its level, on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// A mesh.toml that watches these sites once a second.
fn watching(sites: &[(&str, &Site)]) -> String {
    let mut text = "[defaults]\ninterval = \"1s\"\ntimeout = \"800ms\"\n".to_owned();
    for (id, site) in sites {
        text.push_str(&service(id, &site.url()));
    }
    text
}

/// The tables of one HTTP service.
fn service(id: &str, url: &str) -> String {
    format!(
        "\n[services.{id}]\nname = \"The {id}\"\nenvironment = \"test\"\n[services.{id}.http]\nurl = \"{url}\"\n"
    )
}
