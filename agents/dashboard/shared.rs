//! What every handler holds: the board, the store, whom to ask, and who may ask.

use crate::board::Board;
use crate::events::Listeners;
use crate::guard::Guard;
use crate::pages::Names;
use crate::problem::Problem;
use actix::prelude::*;
use actix_web::web;
use p7_bus::{
    Apply, Ask, CommandFor, DeviceOrder, Notifications, ProbeNow, Request, SharedConfiguration, TestChannel,
};
use p7_core::vocabulary::{MeshTime, NodeId};
use p7_store::{Store, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// How long the aggregator may take to answer: it writes to the store within one tenth of this.
pub(crate) const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// Tells the mesh's time; a test's stands still.
pub type Clock = Arc<dyn Fn() -> MeshTime + Send + Sync>;

/// What the dashboard needs from the rest of the node.
pub struct Parts {
    /// This node.
    pub node: NodeId,
    /// Its name for people.
    pub node_name: String,
    /// Its labels.
    pub labels: std::collections::BTreeMap<String, String>,
    /// The program's version.
    pub version: String,
    /// Where history is.
    pub store: Store,
    /// Who takes acknowledgements, silences, maintenance and deployments.
    pub aggregator: Recipient<Request>,
    /// Who probes at once.
    pub prober: Recipient<ProbeNow>,
    /// Who takes a new shared configuration; none where the node runs alone.
    pub apply: Option<Recipient<Apply>>,
    /// Who knows the newest shared configuration; none where the node runs alone.
    pub shared_configuration: Option<Recipient<SharedConfiguration>>,
    /// Who gives orders to the machine's devices; none where there are none.
    pub devices: Option<Recipient<DeviceOrder>>,
    /// Who brings commands to other nodes; none where the node runs alone.
    pub commands: Option<Recipient<CommandFor>>,
    /// Who knows what was said to people; none where nobody tells them.
    pub notifications: Option<Recipient<Notifications>>,
    /// Who tries channels out; none where nobody tells people.
    pub channels: Option<Recipient<TestChannel>>,
    /// The process's metrics; each agent registers its own.
    pub registry: prometheus::Registry,
    /// The time.
    pub clock: Clock,
}

/// What every handler holds.
pub(crate) struct Shared {
    pub(crate) parts: Parts,
    /// When the process started.
    pub(crate) started: MeshTime,
    pub(crate) board: Arc<Board>,
    pub(crate) guard: Guard,
    pub(crate) pages: crate::pages::Pages,
    pub(crate) listeners: Arc<Listeners>,
}

impl Shared {
    /// The time now.
    pub(crate) fn now(&self) -> MeshTime {
        (self.parts.clock)()
    }

    /// What the nodes are called.
    pub(crate) fn names(&self) -> Arc<Names> {
        Arc::clone(&self.board.read().names)
    }

    /// Reads from the store, off the worker's thread.
    pub(crate) async fn stored<T, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    {
        let store = self.parts.store.clone();
        match web::block(move || read(&store)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                tracing::warn!(error = %error, "history could not be read");
                Err(Problem::unavailable(format!("history can't be read now: {error}")))
            }
            Err(_stopping) => Err(Problem::unavailable("the node is stopping")),
        }
    }

    /// Asks the aggregator.
    pub(crate) async fn ask(&self, request: Request) -> Result<Ask, Problem> {
        answered(self.parts.aggregator.send(request), ASK_TIMEOUT).await?.map_err(Problem::from)
    }
}

/// An agent's answer, if it comes in time.
pub(crate) async fn answered<T>(
    answer: impl Future<Output = Result<T, MailboxError>>,
    patience: Duration,
) -> Result<T, Problem> {
    match tokio::time::timeout(patience, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(MailboxError::Closed)) => Err(Problem::unavailable("the node is stopping")),
        Ok(Err(MailboxError::Timeout)) | Err(_) => {
            Err(Problem::unavailable("the node is busy; try again in a few seconds"))
        }
    }
}
