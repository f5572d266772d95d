//! A node of these tests: a transport on loopback and what happened to it.

use p7_core::vocabulary::NodeId;
use p7_mesh::key::MeshKey;
use p7_mesh::peer::node_of;
use p7_mesh::transport::{Config, Happened, Link, Mdns, PeerLimits, Refusal, start};
use p7_mesh::{Keypair, Multiaddr};
use std::time::Duration;
use tokio::sync::mpsc;

/// Nothing here takes a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) link: Link,
    happened: mpsc::Receiver<Happened>,
    pub(crate) address: Multiaddr,
}

pub(crate) fn nowhere() -> Multiaddr {
    "/ip4/127.0.0.1/tcp/0".parse().unwrap()
}

/// A node of the mesh `office` that knows nobody, with the key that all share.
pub(crate) fn config() -> Config {
    Config {
        key: "p7k1BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcTtZpu".parse::<MeshKey>().unwrap(),
        keypair: Keypair::generate_ed25519(),
        mesh: "office".to_owned(),
        listen: vec![nowhere()],
        bootstrap: Vec::new(),
        known: Vec::new(),
        mdns: Mdns::Off,
        allow: None,
        limits: PeerLimits::default(),
    }
}

impl Node {
    /// Starts a node and waits until it listens.
    pub(crate) async fn start(config: Config) -> Self {
        let id = node_of(&config.keypair.public().to_peer_id()).unwrap();
        let (link, happened) = start(config).unwrap();
        let mut node = Self { id, link, happened, address: nowhere() };
        node.address = node
            .wait("it listens", |happened| match happened {
                Happened::Listening(address) => Some(address),
                _ => None,
            })
            .await;
        node
    }

    /// One that dials these.
    pub(crate) async fn dialling(bootstrap: &[&Self]) -> Self {
        let bootstrap = bootstrap.iter().map(|node| node.address.clone()).collect();
        Self::start(Config { bootstrap, ..config() }).await
    }

    /// What comes next.
    pub(crate) async fn next(&mut self, what: &str) -> Happened {
        let next = tokio::time::timeout(PATIENCE, self.happened.recv()).await;
        next.unwrap_or_else(|_| panic!("{}: waited in vain until {what}", self.id)).unwrap()
    }

    /// Waits for what `wanted` takes; what comes before it is forgotten.
    pub(crate) async fn wait<T>(&mut self, what: &str, wanted: impl Fn(Happened) -> Option<T>) -> T {
        let waiting = async {
            loop {
                if let Some(found) = wanted(self.happened.recv().await.unwrap()) {
                    return found;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, waiting).await;
        found.unwrap_or_else(|_| panic!("{}: waited in vain until {what}", self.id))
    }

    pub(crate) async fn connected(&mut self, to: &NodeId) {
        self.wait("it is connected", |happened| match happened {
            Happened::Connected { peer, .. } if peer == *to => Some(()),
            _ => None,
        })
        .await;
    }

    pub(crate) async fn disconnected(&mut self, from: &NodeId) {
        self.wait("it is disconnected", |happened| match happened {
            Happened::Disconnected(peer) if peer == *from => Some(()),
            _ => None,
        })
        .await;
    }

    pub(crate) async fn refused(&mut self, why: Refusal) {
        self.wait("something is refused", |happened| match happened {
            Happened::Refused { why: told, .. } if told == why => Some(()),
            _ => None,
        })
        .await;
    }

    pub(crate) fn refusals(&self, why: Refusal) -> u64 {
        self.link.figures().refused.get(&why).copied().unwrap_or(0)
    }
}
