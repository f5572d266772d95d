//! One target's task: always takes the newest edition, tries again with growing waits, delays nobody else.

use crate::config::TargetConfig;
use crate::edition::Edition;
use crate::metrics::Metrics;
use crate::pause::pause;
use crate::target::{Target, TargetError};
use crate::targets;
use crate::upload::{Conditions, Done, Failure, Memory, publish};
use p7_bus::PublishStanding;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// How long one publication may take; what it has sent by then counts, the next one goes on from there.
const PUBLISH_WITHIN: Duration = Duration::from_secs(120);
/// How soon a publication that met another's is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What a worker needs.
pub(crate) struct Worker {
    pub(crate) name: String,
    pub(crate) config: TargetConfig,
    pub(crate) dir: PathBuf,
    pub(crate) metrics: Metrics,
    pub(crate) editions: watch::Receiver<Option<Arc<Edition>>>,
    pub(crate) reports: mpsc::Sender<Report>,
}

/// How a publication went.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) target: String,
    pub(crate) standing: PublishStanding,
    /// What was published; none when nothing was.
    pub(crate) done: Option<(Arc<Edition>, Done)>,
    /// What is wrong, in words without secrets.
    pub(crate) trouble: Option<String>,
    pub(crate) conditions: Option<Conditions>,
}

impl Worker {
    /// Publishes until the publisher goes.
    pub(crate) async fn run(mut self) {
        let mut target: Option<Box<dyn Target>> = None;
        let mut memory = Memory::default();
        let mut failures = 0_u32;
        loop {
            let Some(edition) = self.newest().await else { return };
            let started = Instant::now();
            let result = tokio::select! {
                result = self.once(&mut target, &mut memory, &edition) => Some(result),
                () = no_longer(self.editions.clone()) => None,
            };
            let Some(result) = result else {
                // another node leads from now on, and writes there
                memory.forget();
                continue;
            };
            let met_another = matches!(result, Err(Failure::Target(TargetError::Changed(_))));
            failures = if result.is_ok() || matches!(result, Err(Failure::Outranked { .. })) {
                0
            } else {
                failures.saturating_add(1)
            };
            self.note(result, &edition, &memory, failures, started);
            if failures == 0 {
                continue;
            }
            let wait =
                if met_another && failures <= 3 { AGAIN_AFTER } else { pause(failures, chance(&self.name)) };
            tokio::select! {
                () = tokio::time::sleep(wait) => self.editions.mark_changed(),
                () = no_longer(self.editions.clone()) => memory.forget(),
            }
        }
    }

    /// The next edition that has not been seen; none when there will be no more.
    async fn newest(&mut self) -> Option<Arc<Edition>> {
        loop {
            self.editions.changed().await.ok()?;
            let edition = self.editions.borrow_and_update().clone();
            if edition.is_some() {
                return edition;
            }
        }
    }

    async fn once(
        &self,
        target: &mut Option<Box<dyn Target>>,
        memory: &mut Memory,
        edition: &Edition,
    ) -> Result<Done, Failure> {
        if target.is_none() {
            let opened = targets::open(&self.config, &self.dir).await;
            *target = Some(opened.map_err(|error| TargetError::Failed(error.to_string()))?);
        }
        let Some(target) = target.as_deref() else { return Ok(Done::default()) };
        let tried = memory.conditions;
        let publishing = tokio::time::timeout(PUBLISH_WITHIN, publish(target, memory, edition));
        let result = publishing.await.unwrap_or_else(|_late| {
            let what = format!("not done within {} s; the rest follows", PUBLISH_WITHIN.as_secs());
            Err(TargetError::Failed(what).into())
        });
        if tried.is_none() && memory.conditions == Some(Conditions::Ignored) {
            tracing::warn!(
                place = self.name,
                "this target does not write under conditions: an old leader could put older pages there"
            );
        }
        result
    }

    fn note(
        &self,
        result: Result<Done, Failure>,
        edition: &Arc<Edition>,
        memory: &Memory,
        failures: u32,
        started: Instant,
    ) {
        let (standing, done, trouble) = match result {
            Ok(done) => {
                self.metrics.published(&self.name, done.files, started.elapsed(), edition.at);
                tracing::debug!(place = self.name, files = done.files, bytes = done.bytes, "published");
                (PublishStanding::Published, Some((Arc::clone(edition), done)), None)
            }
            Err(failure @ Failure::Outranked { .. }) => {
                self.metrics.count(&self.name, "outranked");
                tracing::warn!(place = self.name, error = %failure, "another side of the network leads here");
                (PublishStanding::Outranked, None, Some(failure.to_string()))
            }
            Err(failure) => {
                self.metrics.count(&self.name, "failed");
                // the first says it, the further ones are seen on the page
                if failures == 1 {
                    tracing::warn!(place = self.name, error = %failure, "the pages could not be published");
                } else {
                    tracing::debug!(place = self.name, error = %failure, failures, "still not published");
                }
                (PublishStanding::Failing, None, Some(failure.to_string()))
            }
        };
        let report =
            Report { target: self.name.clone(), standing, done, trouble, conditions: memory.conditions };
        if self.reports.try_send(report).is_err() {
            p7_bus::note_dropped("publish_reports", 1);
        }
    }
}

/// Ends when this node leads no more.
async fn no_longer(mut editions: watch::Receiver<Option<Arc<Edition>>>) {
    if editions.wait_for(Option::is_none).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Something that differs from node to node and from time to time.
fn chance(name: &str) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let name = name.bytes().fold(0_u64, |sum, b| sum.wrapping_mul(31).wrapping_add(u64::from(b)));
    u64::from(now.subsec_nanos()).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ name ^ u64::from(std::process::id())
}
