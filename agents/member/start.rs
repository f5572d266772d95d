//! Starting: the transport is built, the machine takes up what the store remembers.

use crate::address::{BadAddress, listening, multiaddress};
use crate::clock;
use crate::commands::Commands;
use crate::config::Config;
use crate::devices::Telling;
use crate::member::{Listeners, Member};
use crate::metrics::Metrics;
use crate::shelf::Shelf;
use actix::prelude::*;
use p7_core::mesh::machine::{CutOff, Machine, Setup};
use p7_core::mesh::mix;
use p7_core::mesh::rules::RuleSet;
use p7_core::mesh::words::{About, Role};
use p7_core::vocabulary::{MeshTime, NodeId};
use p7_mesh::key::MeshKey;
use p7_mesh::mesh_id::MeshId;
use p7_mesh::transport::{self, Mdns, PeerLimits};
use p7_mesh::{Keypair, Multiaddr, frames};
use p7_store::{Store, StoreError};

/// What a member is made of.
pub struct Parts {
    /// This node.
    pub node: NodeId,
    /// Its key pair.
    pub keypair: Keypair,
    /// What all nodes share to be let in.
    pub key: MeshKey,
    /// What it says about itself; its addresses are filled in.
    pub about: About,
    /// The roles it could hold beside the leader's.
    pub roles: Vec<Role>,
    /// The store, for what the mesh remembers.
    pub store: Store,
    /// Mesh time.
    pub clock: fn() -> MeshTime,
    /// Where metrics are registered.
    pub registry: prometheus::Registry,
}

/// Why a member could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The transport can't be had.
    #[error(transparent)]
    Transport(#[from] transport::StartError),
    /// The store can't say what it remembers of the mesh.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address of the configuration leads nowhere.
    #[error(transparent)]
    Address(#[from] BadAddress),
    /// Two agents claim the same metric.
    #[error("can't set up the mesh's metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Joins the mesh. Needs a running actor system; the agent runs on `thread`.
///
/// # Errors
/// When the node can't listen, or the store can't be read.
pub fn start(config: &Config, parts: Parts, thread: &ArbiterHandle) -> Result<Addr<Member>, StartError> {
    let Parts { node, keypair, key, mut about, roles, store, clock, registry } = parts;
    let metrics = Metrics::new(&registry)?;
    let bootstrap = addresses(&config.bootstrap)?;
    let advertised = addresses(&config.advertise)?;
    about.addresses = advertised.iter().map(ToString::to_string).collect();
    let boot = store.next_boot()?;
    let setup = Setup {
        me: node.clone(),
        boot,
        priority: config.priority,
        roles: std::iter::once(Role::Leader).chain(roles).collect(),
        terms: store.terms()?,
        have: store.log_have()?,
        about: about.clone(),
        wire: config.wire_version.unwrap_or(frames::NEWEST_WIRE),
        // differs between nodes and their lives
        seed: mix::with(mix::of_text(node.as_str()), u64::from(boot.0)),
        rules: RuleSet::ALL,
    };
    let wire = setup.wire;
    let known = store.peers()?;
    let allow = config.allowed();
    // two meshes never share a key, so its fingerprint tells them apart
    let name = key.fingerprint();
    let mesh = MeshId::of(&name);
    let config = transport::Config {
        key,
        keypair: keypair.clone(),
        mesh: name,
        listen: config.listen.iter().map(|socket| listening(*socket)).collect(),
        bootstrap,
        known: remembered(known, &node),
        mdns: if config.mdns { Mdns::On } else { Mdns::Off },
        allow: allow.clone(),
        limits: PeerLimits::default(),
    };
    let (link, happened) = transport::start(config)?;
    let now = clock::now();
    let member = Member {
        me: node,
        machine: Machine::new(setup, now),
        link,
        happened: Some(happened),
        keypair,
        mesh,
        wire,
        shelf: Shelf::new(store, clock),
        listeners: Listeners::default(),
        metrics,
        alarm: None,
        looked: now,
        shown: now.steady,
        show_due: Some(now.steady),
        passing: None,
        peers_seen: p7_bus::PeersSeen::NoMesh,
        about,
        listening: Vec::new(),
        cut_off: CutOff::No,
        lacking: std::collections::BTreeSet::new(),
        allow,
        commands: Commands::default(),
        telling: Telling::new(now.steady),
        telling_at: None,
    };
    Ok(Member::start_in_arbiter(thread, |_| member))
}

fn addresses(texts: &[String]) -> Result<Vec<Multiaddr>, BadAddress> {
    texts.iter().map(|text| multiaddress(text)).collect()
}

/// Where peers were reached before, as far as it can be read.
fn remembered(known: Vec<(NodeId, Vec<String>)>, me: &NodeId) -> Vec<(NodeId, Multiaddr)> {
    let others = known.into_iter().filter(|(peer, _)| peer != me);
    others
        .flat_map(|(peer, addresses)| {
            let read = addresses.into_iter().filter_map(|address| address.parse().ok());
            read.map(move |address| (peer.clone(), address))
        })
        .collect()
}
