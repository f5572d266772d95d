//! The roof's side of the mesh: joins it where there is a key, and brings what concerns the configuration
//! to the one who takes it up.

use super::clock;
use crate::config::Loaded;
use actix::prelude::*;
use p7_bus::{Applied, Apply, ApplyError, AskError, SharedConfiguration};
use p7_core::mesh::words::{About, Configuration, Role};
use p7_member::Member;
use p7_mesh::key::MeshKey;
use p7_store::{Identity, Store};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Most wishes that wait: people give a new configuration now and then.
const WISHES_LIMIT: usize = 16;

/// What the mesh or a person wishes of the node's configuration.
pub(crate) enum Wish {
    /// The mesh knows a newer one.
    Known(Arc<Configuration>),
    /// Somebody gives a new one to the mesh.
    Apply(Apply, oneshot::Sender<Result<Applied, ApplyError>>),
    /// Somebody asks for the newest shared one.
    Show(oneshot::Sender<Option<Arc<Configuration>>>),
}

/// Why a node can't join its mesh.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinError {
    /// Its key is not there.
    #[error(
        "the mesh's key can't be had: {0}; `p7 mesh key` makes one, or leave `key` in [mesh] of node.toml out"
    )]
    Secret(#[from] p7_settings::SecretError),
    /// Its key is no key.
    #[error("the mesh's key is wrong: {0}")]
    Key(#[from] p7_mesh::key::BadKey),
    /// The member agent can't start.
    #[error(transparent)]
    Member(#[from] p7_member::StartError),
}

/// This node in its mesh.
pub(crate) struct Joined {
    pub(crate) member: Addr<Member>,
    thread: Arbiter,
}

/// What the roof hands in.
pub(crate) struct Roof<'a> {
    pub(crate) loaded: &'a Loaded,
    pub(crate) identity: &'a Identity,
    pub(crate) store: &'a Store,
    pub(crate) registry: &'a prometheus::Registry,
    pub(crate) environment: &'a BTreeMap<String, String>,
}

/// The roles this node could hold beside the leader's, by its own configuration and the one it remembers.
fn roles(roof: &Roof<'_>) -> Vec<Role> {
    let remembered = super::persona::remembered(roof);
    let known: Vec<&Loaded> = std::iter::once(roof.loaded).chain(remembered.as_ref()).collect();
    super::persona::roles(&known).into_iter().chain(super::mailbox::roles(&known)).collect()
}

impl Joined {
    /// Joins the mesh; none when there is no key.
    pub(crate) fn join(roof: &Roof<'_>) -> Result<Option<Self>, JoinError> {
        let loaded = roof.loaded;
        let Some(secret) = &loaded.node.mesh.key else { return Ok(None) };
        let key: MeshKey = secret.resolve(&loaded.dir)?.expose().trim().parse()?;
        let thread = Arbiter::new();
        let now = clock::now();
        let parts = p7_member::Parts {
            node: roof.identity.id.clone(),
            keypair: roof.identity.keypair().clone(),
            key,
            about: About {
                name: loaded.node.name(),
                labels: loaded.node.node.labels.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                started: now,
                addresses: Vec::new(),
                devices: Vec::new(),
                at: now,
            },
            roles: roles(roof),
            store: roof.store.clone(),
            clock: clock::now,
            registry: roof.registry.clone(),
        };
        let member = p7_member::start(&loaded.node.mesh, parts, &thread.handle())?;
        Ok(Some(Self { member, thread }))
    }

    /// Says goodbye and leaves.
    pub(crate) async fn leave(self, within: std::time::Duration) {
        let left = tokio::time::timeout(within, self.member.send(p7_member::Stop)).await;
        if !matches!(left, Ok(Ok(()))) {
            tracing::warn!("the mesh could not be left in order; the others notice by themselves");
        }
        self.thread.stop();
    }
}

/// Brings people's wishes to the roof, which alone takes configurations up.
pub(crate) struct Configurator {
    to: mpsc::Sender<Wish>,
}

impl Configurator {
    /// A configurator, and where its wishes arrive.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Wish>) {
        let (to, from) = mpsc::channel(WISHES_LIMIT);
        (Self { to }, from)
    }

    /// Where newer shared configurations go; they arrive as wishes, too.
    pub(crate) fn known(&self) -> mpsc::Sender<Arc<Configuration>> {
        let (known, mut arriving) = mpsc::channel::<Arc<Configuration>>(WISHES_LIMIT);
        let to = self.to.clone();
        tokio::task::spawn_local(async move {
            while let Some(configuration) = arriving.recv().await {
                if to.send(Wish::Known(configuration)).await.is_err() {
                    return;
                }
            }
        });
        known
    }
}

impl Actor for Configurator {
    type Context = Context<Self>;
}

impl Handler<Apply> for Configurator {
    type Result = ResponseFuture<Result<Applied, ApplyError>>;

    fn handle(&mut self, apply: Apply, _: &mut Self::Context) -> Self::Result {
        let (answer, answered) = oneshot::channel();
        let told = self.to.try_send(Wish::Apply(apply, answer));
        Box::pin(async move {
            told.map_err(|_full| AskError::Busy)?;
            answered.await.map_err(|_stopping| AskError::Busy)?
        })
    }
}

impl Handler<SharedConfiguration> for Configurator {
    type Result = ResponseFuture<Result<Option<Arc<Configuration>>, AskError>>;

    fn handle(&mut self, _: SharedConfiguration, _: &mut Self::Context) -> Self::Result {
        let (answer, answered) = oneshot::channel();
        let told = self.to.try_send(Wish::Show(answer));
        Box::pin(async move {
            told.map_err(|_full| AskError::Busy)?;
            answered.await.map_err(|_stopping| AskError::Busy)
        })
    }
}
