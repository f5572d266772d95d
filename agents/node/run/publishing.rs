//! The roof's side of publishing: starts the publisher on a thread of its own, and lets it read the past.

use super::clock;
use super::mesh::Joined;
use crate::config::Loaded;
use actix::prelude::*;
use p7_core::vocabulary::NodeId;
use p7_dashboard::Dashboard;
use p7_publisher::{Listeners, Parts, Publisher};
use p7_store::Store;
use std::sync::Arc;

/// The publisher and its thread.
pub(super) struct Voice {
    pub(super) publisher: Addr<Publisher>,
    thread: Arbiter,
}

impl Voice {
    pub(super) fn start(
        loaded: &Loaded,
        node: &NodeId,
        store: &Store,
        registry: &prometheus::Registry,
        dashboard: &Addr<Dashboard>,
        joined: Option<&Joined>,
    ) -> Result<Self, prometheus::Error> {
        let store = store.clone();
        let parts = Parts {
            node: node.clone(),
            node_name: loaded.node.name(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            priority: joined.map(|_| loaded.node.mesh.priority),
            overrides: loaded.node.http.dashboards.as_ref().map(|folder| loaded.dir.join(folder)),
            dir: loaded.dir.clone(),
            past: Arc::new(move |id, now| {
                p7_dashboard::past(&store, id, now).unwrap_or_else(|error| {
                    tracing::warn!(service = %id, %error, "history could not be read for a published page");
                    p7_dashboard::pages::Past::default()
                })
            }),
            clock: clock::now,
            listeners: Listeners {
                publishing: vec![dashboard.clone().recipient()],
                fitness: joined.map(|joined| joined.member.clone().recipient()).into_iter().collect(),
            },
            registry: registry.clone(),
        };
        let publisher = Publisher::new(parts)?;
        let thread = Arbiter::new();
        let publisher = Publisher::start_in_arbiter(&thread.handle(), |_| publisher);
        Ok(Self { publisher, thread })
    }

    pub(super) fn stop(&self) {
        if p7_bus::tell(&self.publisher.clone().recipient(), "publisher", p7_publisher::Stop)
            != p7_bus::Told::Queued
        {
            tracing::debug!("the publisher has stopped already");
        }
        self.thread.stop();
    }
}
