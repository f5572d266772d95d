//! The mesh seen from outside: real nodes in offices of their own, cables that are cut, processes that are
//! killed.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail where it stands, and says what it measured"
)]

mod catching_up;
mod devices;
mod joining;
mod leading;
mod once;
mod partitions;
mod routers;
mod sharing;
mod verdicts;

use p7_tests::site::Site;
use std::time::Duration;

/// How long something may take that should happen at once, on a busy machine: several of the mesh's own
/// time-outs (10 s) one after the other, each noticed late. What is promised is measured by
/// `scripts/bench-mesh`, and each test prints what it took.
const SOON: Duration = Duration::from_secs(60);

/// A mesh.toml that watches one site as `shop` every two seconds.
fn watching(site: &Site) -> String {
    services(&[("shop", site)])
}

/// A mesh.toml that watches these sites every two seconds.
fn services(sites: &[(&str, &Site)]) -> String {
    let head = "[defaults]\ninterval = \"2s\"\ntimeout = \"800ms\"\n".to_owned();
    sites.iter().fold(head, |text, (id, site)| text + &service(id, &site.url()))
}

/// The tables of one service.
fn service(id: &str, url: &str) -> String {
    format!(
        "\n[services.{id}]\nname = \"The {id}\"\nenvironment = \"test\"\n[services.{id}.http]\nurl = \"{url}\"\n"
    )
}
