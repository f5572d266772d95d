//! `p7 check`: every fault of a configuration, with its place.

use super::load::{Loaded, load_and_prepare};
use p7_settings::{PlacedFault, Style};
use std::collections::BTreeMap;
use std::path::Path;

/// Exit code for a configuration without faults.
const FINE: u8 = 0;
/// Exit code for a configuration with faults.
const FAULTY: u8 = 2;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckReport {
    /// The report, for people.
    pub(crate) text: String,
    /// 0 when all is well, else 2.
    pub(crate) exit_code: u8,
    /// How many services would be watched; none when that can't be told.
    pub(crate) services: Option<usize>,
    /// The faults.
    pub(crate) faults: Vec<PlacedFault>,
    /// What is no fault but worth a look.
    pub(crate) warnings: Vec<PlacedFault>,
}

/// Checks the configuration in `dir`. Secrets that are not there are faults here, while a node would
/// start without them.
pub(crate) fn check(dir: &Path, environment: &BTreeMap<String, String>, style: Style) -> CheckReport {
    let (loaded, unready) = load_and_prepare(dir, environment);
    let (services, faults, warnings) = match loaded {
        Ok(Loaded { services, missing_secrets, warnings, .. }) => {
            (Some(services.len()), [missing_secrets, unready].concat(), warnings)
        }
        Err(refused) => (None, [refused.faults, refused.missing_secrets, unready].concat(), Vec::new()),
    };
    let mut text = String::new();
    for fault in &faults {
        text.push_str(&fault.render(style));
        text.push('\n');
    }
    for warning in &warnings {
        text.push_str("warning: ");
        text.push_str(&warning.render(style));
        text.push('\n');
    }
    let mut parts: Vec<String> = services.map(|n| counted(n, "service")).into_iter().collect();
    parts.push(counted(faults.len(), "fault"));
    parts.extend((!warnings.is_empty()).then(|| counted(warnings.len(), "warning")));
    text.push_str(&format_summary(dir, &parts));
    CheckReport { text, exit_code: if faults.is_empty() { FINE } else { FAULTY }, services, faults, warnings }
}

fn format_summary(dir: &Path, parts: &[String]) -> String {
    format!("{}: {}\n", dir.display(), parts.join(", "))
}

fn counted(n: usize, what: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {what}{plural}")
}
