//! Whether this machine itself is cut off: a probe that nobody answered is held against it before it counts.

mod routes;

use crate::config::ConnectivityConfig;
use crate::net::resolve::Place;
use futures_util::stream::{FuturesUnordered, StreamExt};
use p7_bus::PeersSeen;
use std::sync::{Arc, PoisonError};
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
    /// The last cut that is over, and when it was found to be.
    over: std::sync::Mutex<Option<(Instant, CutOff)>>,
    peers: std::sync::Mutex<PeersSeen>,
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
    pub(crate) fn new(config: &ConnectivityConfig, peers: PeersSeen) -> Self {
        Self {
            anchors: config.anchors.iter().filter_map(|a| Place::parse(a).ok()).collect(),
            timeout: config.timeout.0,
            last: Mutex::new(None),
            over: std::sync::Mutex::new(None),
            peers: std::sync::Mutex::new(peers),
        }
    }

    /// Whether this machine is believed to be cut off, or was when an attempt `began` that has failed:
    /// what was sent into a cut is not answered once the cut is over. Probes that ask while somebody
    /// finds out wait for the same answer.
    pub(crate) async fn cut_off(&self, began: Instant) -> Option<CutOff> {
        let mut last = self.last.lock().await;
        let found = match last.as_ref() {
            Some((when, found)) if when.elapsed() < STANDS_FOR => found.clone(),
            Some(_) | None => {
                let why = self.find_out().await;
                self.note(&mut last, why)
            }
        };
        found.or_else(|| {
            let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
            over.as_ref().filter(|(back, _)| began < *back).map(|(_, cut)| cut.clone())
        })
    }

    /// Somebody beyond this machine answered, or the system says that it has network again.
    pub(crate) fn works(&self) {
        // who holds it is finding out just now
        if let Ok(mut last) = self.last.try_lock() {
            self.note(&mut last, None);
        }
    }

    /// What the mesh's peers show.
    pub(crate) fn peers(&self) -> PeersSeen {
        *self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note_peers(&self, seen: PeersSeen) {
        *self.peers.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    fn note(&self, last: &mut Option<(Instant, Option<CutOff>)>, why: Option<String>) -> Option<CutOff> {
        let at = Instant::now();
        let found = why.map(|why| CutOff { why: why.into(), at });
        if let Some((_, Some(before))) = last.replace((at, found.clone()))
            && found.is_none()
        {
            *self.over.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, before));
        }
        found
    }

    /// The same from what costs nothing: without anchors only.
    pub(crate) fn cut_off_by_system(&self) -> Option<String> {
        if self.anchors.is_empty() && self.peers() != PeersSeen::Some { why() } else { None }
    }

    pub(crate) fn has_anchors(&self) -> bool {
        !self.anchors.is_empty()
    }

    async fn find_out(&self) -> Option<String> {
        if self.peers() == PeersSeen::Some {
            return None;
        }
        let system = why();
        let found = if self.anchors.is_empty() {
            system
        } else if self.an_anchor_answers().await {
            None
        } else {
            Some(system.unwrap_or_else(|| {
                let count = self.anchors.len();
                let none = if count == 1 {
                    "its connectivity anchor does not answer"
                } else {
                    "none of its connectivity anchors answers"
                };
                format!("this machine has no network: {none}")
            }))
        };
        found.map(|why| match self.peers() {
            PeersSeen::None => format!("{why}, and no other node is heard"),
            PeersSeen::NoMesh | PeersSeen::Some => why,
        })
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
