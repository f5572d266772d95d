//! The mesh on the board: what is news about it, and what its names change.

use super::{Board, Shown, State};
use crate::pages::Names;
use p7_core::mesh::view::MeshView;
use p7_core::vocabulary::{MeshTime, NodeId};
use std::sync::Arc;

/// Clock offsets that differ by less are told as no change: the jitter of a network.
const OFFSET_STEP_MS: i64 = 1000;

impl Board {
    /// Who is in the mesh. Where names changed, what shows them is made anew.
    pub(crate) fn mesh(&self, view: Arc<MeshView>) {
        self.change(|state| {
            let news = state.mesh.as_ref().is_none_or(|before| differ(before, &view));
            let names = state.names.with(&view);
            state.mesh = Some(view);
            if news {
                state.mesh_at = state.next();
            }
            if names != *state.names {
                state.rename(Arc::new(names));
            }
        });
    }
}

impl State {
    /// Calls nodes by other names from now on: services that show one of them changed.
    fn rename(&mut self, names: Arc<Names>) {
        let before = std::mem::replace(&mut self.names, names);
        for entry in self.entries.values_mut() {
            let renamed = |node: &NodeId| !before.agrees(&self.names, node);
            if entry.shown.status.vantage.iter().any(|vantage| renamed(&vantage.node)) {
                self.version += 1;
                entry.changed = self.version;
                entry.shown = Shown::new(Arc::clone(&entry.shown.service), Arc::clone(&entry.shown.status));
            }
        }
    }
}

/// Whether two views of the mesh differ in more than what every beat changes a little.
fn differ(before: &MeshView, after: &MeshView) -> bool {
    let steady = |view: &MeshView| {
        let mut view = view.clone();
        for member in &mut view.members {
            member.heard = MeshTime::default();
            member.round_trip = None;
            member.offset_ms = member.offset_ms.map(|ms| ms / OFFSET_STEP_MS);
        }
        view
    };
    steady(before) != steady(after)
}
