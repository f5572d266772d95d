//! The roof's side of Persona/7: starts it, lets it test addresses, and says whether this node could be it.

use super::clock::now;
use super::mesh::{self, Joined};
use crate::cli;
use crate::config::{self, Loaded};
use actix::prelude::*;
use p7_aggregator::Aggregator;
use p7_bus::{AskError, ProbeAddress};
use p7_core::mesh::words::Role;
use p7_core::result::ProbeResult;
use p7_core::vocabulary::NodeId;
use p7_devices::Devices;
use p7_persona::{Parts, Persona, Standing, TakeUp};
use p7_prober::Prober;
use std::sync::Arc;

/// What the roof hands in.
pub(super) struct Roof<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) id: &'a NodeId,
    pub(super) joined: Option<&'a Joined>,
    pub(super) registry: &'a prometheus::Registry,
}

/// Starts the agent; it talks with nobody before it is told as whom.
pub(super) fn start(
    roof: &Roof<'_>,
    aggregator: &Addr<Aggregator>,
    prober: &Addr<Prober>,
    devices: &Addr<Devices>,
) -> Result<Addr<Persona>, prometheus::Error> {
    let member = roof.joined.map(|joined| joined.member.clone());
    let parts = Parts {
        standing: if member.is_some() { Standing::Held } else { Standing::Alone },
        node_name: roof.loaded.node.name(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        dir: roof.loaded.dir.clone(),
        clock: now,
        states: aggregator.clone().recipient(),
        probes: prober.clone().recipient(),
        addresses: Tester(roof.id.clone()).start().recipient(),
        devices: devices.clone().recipient(),
        fitness: member.into_iter().map(Addr::recipient).collect(),
    };
    Ok(Persona::new(parts, roof.registry)?.start())
}

/// As whom it talks.
pub(super) fn taken_up(loaded: &Loaded) -> TakeUp {
    let mesh = &loaded.mesh.mesh;
    TakeUp {
        config: loaded.mesh.persona.clone(),
        mesh_name: mesh.name.clone().unwrap_or_default(),
        dashboard: mesh.dashboard.as_ref().map(|root| format!("{}/", root.trim_end_matches('/'))),
    }
}

/// The mesh's configuration as it was last known here: it holds before any peer is heard.
pub(super) fn remembered(roof: &mesh::Roof<'_>) -> Option<Loaded> {
    let known = roof.store.shared_configuration().ok().flatten()?;
    config::load_shared(&roof.loaded.dir, roof.environment, "shared mesh.toml", &known.text).ok()
}

/// The roles this node could hold: Persona's only where the configuration has it, so that a mesh without
/// Slack elects nobody.
pub(super) fn roles(loaded: &[&Loaded]) -> Vec<Role> {
    let is_wanted = loaded.iter().any(|loaded| loaded.mesh.persona.is_wanted());
    is_wanted.then_some(Role::Persona).into_iter().collect()
}

/// Tests any address once, for people.
struct Tester(NodeId);

impl Actor for Tester {
    type Context = Context<Self>;
}

impl Handler<ProbeAddress> for Tester {
    type Result = ResponseFuture<Result<Arc<ProbeResult>, AskError>>;

    fn handle(&mut self, ProbeAddress(address): ProbeAddress, _: &mut Self::Context) -> Self::Result {
        let node = self.0.clone();
        Box::pin(async move {
            let seen = cli::probe_address(&address, &node).await;
            seen.map(|seen| Arc::new(seen.result)).map_err(|failure| AskError::Invalid(failure.to_string()))
        })
    }
}
