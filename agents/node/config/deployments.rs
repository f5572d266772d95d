//! `[services.ID.deployment]` held against the sources of `[deployments]`.

use super::services::Entry;
use p7_deployments::SourceConfig;
use p7_settings::{Document, Faults};
use std::collections::BTreeMap;

/// Notes what is wrong with what deploys the services.
pub(super) fn connect(document: &mut Document, entries: &[Entry], sources: &BTreeMap<String, SourceConfig>) {
    for entry in entries {
        let Some(origin) = &entry.watched.origin else { continue };
        let mut list = Vec::new();
        origin.check(sources, &mut Faults::new(&mut list).under("deployment"));
        document.note_below(&["services", entry.watched.service.id.as_str()], &list);
    }
}
