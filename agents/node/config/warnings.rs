//! What is no fault of a configuration but worth a look.

use super::load::MESH_FILE;
use super::services;
use p7_prober::ProbeConfig;
use p7_prober::kinds::http::Config;
use p7_settings::{Document, PlacedFault};
use std::path::Path;

/// Parts of the names of headers that carry credentials.
const CREDENTIALS: [&str; 9] =
    ["authorization", "cookie", "token", "secret", "password", "passwd", "credential", "api-key", "apikey"];
/// Lowest and highest status code there are.
const LOWEST_CODE: u16 = 100;
const HIGHEST_CODE: u16 = 599;

/// Whether the node belongs to a mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joins {
    /// It has a mesh key.
    AMesh,
    /// It runs alone.
    Nobody,
}

/// What is no fault but worth a look.
pub(super) fn warnings(
    dir: &Path,
    mesh: &Document,
    entries: &[services::Entry],
    publish: Option<&p7_publisher::Config>,
    joins: Joins,
) -> Vec<PlacedFault> {
    let mut warnings = Vec::new();
    // a node of a mesh gets from the others what is watched
    if entries.is_empty() && mesh.fault_count() == 0 && joins == Joins::Nobody {
        let path = dir.join(MESH_FILE);
        let name = path.display().to_string();
        let message = if path.exists() {
            "there are no services yet; add a [services.ID] table"
        } else {
            "there is no such file, so nothing is watched; `p7 init` writes one"
        };
        warnings.push(PlacedFault::of_file(&name, message));
    }
    // a node alone has no rival
    let targets = publish.into_iter().flat_map(|publish| &publish.targets).filter(|_| joins == Joins::AMesh);
    for (name, target) in targets {
        if let Some(what) = p7_publisher::Unfenced::of(target) {
            warnings.push(mesh.placed(&["publish", "targets", name], what));
        }
    }
    for (later, first) in services::namesakes(entries) {
        let message = format!("`{first}` has the same name and environment; people can't tell the two apart");
        warnings.push(mesh.placed(&["services", later.as_str()], &message));
    }
    for entry in entries {
        let id = entry.watched.service.id.as_str();
        match entry.watched.probe.as_ref() {
            ProbeConfig::Http(http) => {
                for (path, message) in of_http(http) {
                    let path: Vec<&str> = ["services", id, "http"].into_iter().chain(path).collect();
                    warnings.push(mesh.placed(&path, &message));
                }
            }
            ProbeConfig::JsonCount(_) | ProbeConfig::Tcp(_) => {}
        }
    }
    warnings
}

/// What is doubtful in the settings of an HTTP test, with the keys below its table.
fn of_http(http: &Config) -> Vec<(Vec<&str>, String)> {
    let mut found = Vec::new();
    for name in http.headers.keys() {
        let lower = name.to_ascii_lowercase();
        if CREDENTIALS.iter().any(|word| lower.contains(word)) {
            let message =
                "stands here in the open, and shows in /api/v1/config; put it into `secret_headers`";
            found.push((vec!["headers", name.as_str()], message.to_owned()));
        }
    }
    let lists = [
        ("maintenance_codes", &http.maintenance_codes),
        ("success_codes", &http.success_codes),
        ("failure_codes", &http.failure_codes),
    ];
    for (index, (key, codes)) in lists.iter().enumerate() {
        for (other, others) in lists.iter().take(index) {
            let both = |code: &u16| codes.iter().any(|c| c.has(*code)) && others.iter().any(|c| c.has(*code));
            if let Some(code) = (LOWEST_CODE..=HIGHEST_CODE).find(both) {
                let message = format!("the code {code} is in `{other}` too; keep it in one of the two");
                found.push((vec![*key], message));
            }
        }
    }
    found
}
