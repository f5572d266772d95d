//! The roof's side of the notifier: starts it, and gives it the channels of a configuration.

use super::clock::now;
use crate::config::Loaded;
use actix::prelude::*;
use p7_bus::Stated;
use p7_core::vocabulary::NodeId;
use p7_notifier::{Named, Node, Notifier, Outside, Parts, TakenUp};
use p7_store::Store;

/// What people call the product where the mesh has no name.
const PRODUCT: &str = "Protocol/7";

/// Why the notifier can't start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpeakingError {
    /// HTTP can't be set up.
    #[error("{0}")]
    Http(String),
    /// Its metrics are there already.
    #[error("can't count messages: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Starts the notifier on a thread of its own: it writes to the disk before and after every message.
pub(crate) fn start(
    loaded: &Loaded,
    id: &NodeId,
    store: &Store,
    member: Option<Recipient<Stated>>,
    registry: &prometheus::Registry,
) -> Result<(Addr<Notifier>, Arbiter), SpeakingError> {
    let incidents = store.clone();
    let parts = Parts {
        node: id.clone(),
        name: loaded.node.name(),
        data: loaded.node.data_dir(&loaded.dir),
        clock: now,
        steady: p7_member::steady,
        member,
        recall: Box::new(move |id| incidents.incident(id).ok().flatten()),
        outside: Outside { http: p7_notifier::http::Http::new().map_err(SpeakingError::Http)? },
    };
    let notifier = Notifier::new(parts, registry)?;
    let thread = Arbiter::new();
    Ok((Notifier::start_in_arbiter(&thread.handle(), |_| notifier), thread))
}

/// The channels and routes of a configuration, made ready for this node.
pub(crate) fn taken_up(loaded: &Loaded) -> TakenUp {
    let node = Node { base: loaded.dir.clone(), programs: loaded.node.notifier.programs.clone() };
    let speaking = &loaded.mesh.speaking;
    let channels = speaking.channels.iter().map(|(name, config)| {
        let speaker = config.prepare(&node).map_err(|unready| unready.to_string());
        (name.clone(), Named { kind: config.kind(), speaker })
    });
    TakenUp {
        channels: channels.collect(),
        routes: speaking.routes.clone(),
        mesh_name: loaded.mesh.mesh.name.clone().unwrap_or_else(|| PRODUCT.to_owned()),
        dashboard: loaded.mesh.mesh.dashboard.clone().map(|root| format!("{}/", root.trim_end_matches('/'))),
    }
}
