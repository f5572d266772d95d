//! Whether this machine itself is cut off: a probe that nobody answered is held against it before it counts.

mod routes;

use crate::config::ConnectivityConfig;
use crate::net::resolve::Place;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// What was found out stands for this long: all probes of one moment are judged alike.
const STANDS_FOR: Duration = Duration::from_secs(1);

/// This machine's own network.
#[derive(Debug)]
pub(crate) struct Network {
    anchors: Vec<Place>,
    timeout: Duration,
    last: Mutex<Option<(Instant, Option<CutOff>)>>,
}

/// That this machine is cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CutOff {
    /// Why, in words.
    pub(crate) why: Arc<str>,
    /// When it was found out.
    pub(crate) at: Instant,
}

impl Network {
    /// Anchors that can't be read are left out; [`p7_settings::Check`] has told of them.
    pub(crate) fn new(config: &ConnectivityConfig) -> Self {
        Self {
            anchors: config.anchors.iter().filter_map(|a| Place::parse(a).ok()).collect(),
            timeout: config.timeout.0,
            last: Mutex::new(None),
        }
    }

    /// Whether this machine is believed to be cut off. Probes that ask while
    /// somebody finds out wait for the same answer.
    pub(crate) async fn cut_off(&self) -> Option<CutOff> {
        let mut last = self.last.lock().await;
        if let Some((when, found)) = last.as_ref()
            && when.elapsed() < STANDS_FOR
        {
            return found.clone();
        }
        let found = self.find_out().await;
        let at = Instant::now();
        let found = found.map(|why| CutOff { why: why.into(), at });
        *last = Some((at, found.clone()));
        found
    }

    /// The same from what costs nothing: without anchors only.
    pub(crate) fn cut_off_by_system(&self) -> Option<String> {
        if self.anchors.is_empty() { why() } else { None }
    }

    pub(crate) fn has_anchors(&self) -> bool {
        !self.anchors.is_empty()
    }

    async fn find_out(&self) -> Option<String> {
        let system = why();
        if self.anchors.is_empty() || self.an_anchor_answers().await {
            return system.filter(|_| self.anchors.is_empty());
        }
        Some(system.unwrap_or_else(|| {
            let count = self.anchors.len();
            let none = if count == 1 {
                "its connectivity anchor does not answer"
            } else {
                "none of its connectivity anchors answers"
            };
            format!("this machine has no network: {none}")
        }))
    }

    async fn an_anchor_answers(&self) -> bool {
        let mut asked: FuturesUnordered<_> = self
            .anchors
            .iter()
            .map(|anchor| timeout(self.timeout, TcpStream::connect((anchor.host.as_str(), anchor.port))))
            .collect();
        while let Some(answer) = asked.next().await {
            if matches!(answer, Ok(Ok(_))) {
                return true;
            }
        }
        false
    }
}

fn why() -> Option<String> {
    routes::cut_off().map(|why| format!("this machine has no network: {why}"))
}
