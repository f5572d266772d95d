//! The roof's side of deployments: who asks, whom, and who states what is news.

use super::clock::now;
use super::mesh::Joined;
use crate::config::Loaded;
use actix::prelude::*;
use p7_aggregator::Aggregator;
use p7_deployments::{Deployments, Follow, Parts, Standing};

/// Starts the agent; it asks nobody before it is told whom.
pub(super) fn start(
    loaded: &Loaded,
    aggregator: &Addr<Aggregator>,
    joined: Option<&Joined>,
    registry: &prometheus::Registry,
) -> Result<Addr<Deployments>, prometheus::Error> {
    let parts = Parts {
        standing: if joined.is_some() { Standing::Led } else { Standing::Alone },
        dir: loaded.dir.clone(),
        clock: now,
        states: aggregator.clone().recipient(),
    };
    Ok(Deployments::new(parts, registry)?.start())
}

/// Whom it asks, and for which services.
pub(super) fn follow(loaded: &Loaded) -> Follow {
    let origins = loaded
        .services
        .iter()
        .filter_map(|one| Some((one.service.id.clone(), one.origin.as_deref()?.clone())));
    Follow { sources: loaded.mesh.deployments.clone(), origins: origins.collect() }
}
