//! The shared configuration: given to the mesh by people, heard from it, taken up when it is lawful.
//!
//! Version 0 is a node's own mesh.toml, offered to nodes that have none and never put in place of
//! another's file; `p7 apply` makes version 1, which is everybody's.

use super::clock;
use super::node::Node;
use crate::config::{self, Loaded};
use p7_bus::{Applied, Apply, ApplyError, AskError, Stated};
use p7_core::mesh::shared;
use p7_core::mesh::words::{Configuration, Fact, Stamp};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// How the shared configuration is called in faults.
const SHARED_NAME: &str = "shared mesh.toml";

impl Node {
    /// What is to be taken up at the start: the shared configuration where the mesh has one, else what
    /// this machine's own file says.
    pub(super) fn first(&mut self, loaded: &Loaded, environment: &BTreeMap<String, String>) {
        let remembered = self.store.shared_configuration().unwrap_or_else(|error| {
            tracing::error!(%error, "can't read the shared configuration");
            None
        });
        let has_own = config::mesh_text(&loaded.dir).is_some_and(|text| !text.trim().is_empty());
        // what was only offered by another node does not stand above this machine's own file
        let remembered = remembered.filter(|known| known.stamp.version > 0 || !has_own);
        match remembered.filter(|_| self.joined.is_some()) {
            Some(configuration) => {
                self.heard_configuration(&Arc::new(configuration), &loaded.dir, environment);
                if self.in_force.stamp == Stamp::default() {
                    self.take_up(loaded);
                }
            }
            None => self.take_up_own(loaded),
        }
    }

    /// Takes up this machine's own mesh.toml, and offers it to nodes that have none.
    pub(super) fn take_up_own(&mut self, loaded: &Loaded) {
        let text = config::mesh_text(&loaded.dir).filter(|text| !text.trim().is_empty());
        if let Some(text) = text.filter(|_| self.joined.is_some()) {
            let stamp = Stamp { version: 0, ..shared::stamp_for(&text, Stamp::default()) };
            self.in_force.stamp = stamp;
            let offered =
                Configuration { stamp, by: loaded.node.name(), at: clock::now(), text: text.into() };
            self.state(Arc::new(offered));
        }
        self.take_up(loaded);
    }

    /// The mesh knows a newer configuration than this node.
    pub(crate) fn heard_configuration(
        &mut self,
        known: &Arc<Configuration>,
        dir: &Path,
        environment: &BTreeMap<String, String>,
    ) {
        let in_force = self.in_force.stamp;
        let own_file = in_force.version == 0 && in_force.hash != 0;
        if known.stamp <= in_force
            || (known.stamp.version == 0 && own_file && self.in_force.adopted.is_none())
        {
            return;
        }
        let version = known.stamp.version;
        let loaded = match config::load_shared(dir, environment, SHARED_NAME, &known.text) {
            Ok(loaded) => loaded,
            Err(refused) => {
                for fault in &refused.faults {
                    tracing::error!(%fault, version, "the shared configuration is refused here; the old one stays in force");
                }
                return self.note(refused.faults.iter().map(ToString::to_string).collect());
            }
        };
        let rivals = version == in_force.version && version > 0;
        if rivals {
            tracing::warn!(
                version,
                by = known.by,
                "two configurations were given to the mesh at once; this one stands on every node, apply the other again if it is wanted"
            );
        }
        self.remember(known);
        self.follow(&loaded, known);
        tracing::info!(
            version,
            by = known.by,
            services = loaded.services.len(),
            "took up the shared configuration"
        );
    }

    /// Somebody gives the mesh a new configuration.
    pub(crate) fn apply(
        &mut self,
        apply: &Apply,
        dir: &Path,
        environment: &BTreeMap<String, String>,
    ) -> Result<Applied, ApplyError> {
        if self.joined.is_none() {
            let why = "this node runs alone; change its mesh.toml, it is taken up at once".to_owned();
            return Err(AskError::Conflict(why).into());
        }
        let loaded = config::load_shared(dir, environment, "mesh.toml", &apply.text).map_err(|refused| {
            ApplyError::Faulty(refused.faults.iter().map(ToString::to_string).collect())
        })?;
        let before = self.in_force.adopted.clone();
        if let Some(before) = before.filter(|before| before.stamp.version > 0 && before.text == apply.text) {
            return Ok(Applied { stamp: before.stamp, changes: Vec::new() });
        }
        let stamp = shared::stamp_for(&apply.text, self.in_force.stamp);
        let configuration = Arc::new(Configuration {
            stamp,
            by: apply.by.clone(),
            at: clock::now(),
            text: Arc::clone(&apply.text),
        });
        let changes = self.changes(&loaded);
        self.remember(&configuration);
        self.state(Arc::clone(&configuration));
        self.follow(&loaded, &configuration);
        tracing::info!(version = stamp.version, by = apply.by, "a new configuration was given to the mesh");
        Ok(Applied { stamp, changes })
    }

    /// Says whether this machine's own file is another than the shared one.
    pub(super) fn compare_own(&self, shared: &Configuration, dir: &Path) {
        let own = config::mesh_text(dir).filter(|text| !text.trim().is_empty());
        if own.is_none_or(|own| *own == *shared.text) {
            return self.note(Vec::new());
        }
        let version = shared.stamp.version;
        tracing::warn!(
            version,
            "mesh.toml here is not the mesh's shared configuration, which stays in force; `p7 apply mesh.toml` gives it to the mesh"
        );
        self.note(Vec::new());
    }

    /// The newest shared configuration.
    pub(crate) fn shared(&self) -> Option<Arc<Configuration>> {
        self.in_force.adopted.clone()
    }

    /// What a configuration would change, a line a service.
    fn changes(&self, loaded: &Loaded) -> Vec<String> {
        let new: BTreeMap<_, _> =
            loaded.services.iter().map(|one| (one.service.id.clone(), &one.service)).collect();
        let mut lines = Vec::new();
        for (id, service) in &new {
            match self.services.get(id) {
                None => lines.push(format!("services.{id}: new")),
                Some(known) if known != *service => lines.push(format!("services.{id}: changed")),
                Some(_) => {}
            }
        }
        lines.extend(
            self.services.keys().filter(|id| !new.contains_key(*id)).map(|id| format!("services.{id}: gone")),
        );
        lines
    }

    fn remember(&self, configuration: &Configuration) {
        if let Err(error) = self.store.keep_shared_configuration(configuration) {
            tracing::error!(%error, "the shared configuration can't be stored; after a restart it comes from the mesh again");
        }
    }

    fn state(&self, configuration: Arc<Configuration>) {
        if let Some(joined) = &self.joined {
            super::node::deliver(&joined.member, Stated(vec![Fact::Configured(configuration)]));
        }
    }
}
