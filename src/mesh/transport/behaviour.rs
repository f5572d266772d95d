//! What the swarm does with a connection: limits, gossip, questions, who is who, and the local network.

use super::codec::Frames;
use super::{CONNECTIONS_LIMIT, CONNECTIONS_PER_PEER_LIMIT, Config, Mdns, PeerLimits, StartError};
use crate::frames::GOSSIP_LIMIT;
use crate::mesh_id::MeshId;
use crate::peer;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{
    StreamProtocol, allow_block_list, connection_limits, gossipsub, identify, mdns, request_response,
};
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// Most connections that are being opened, each way.
const PENDING_LIMIT: u32 = 64;
/// Most questions at once on one connection, each way.
const QUESTIONS_LIMIT: usize = 8;
/// What gossipsub writes around a frame.
const GOSSIP_OVERHEAD: usize = 1024;
/// How often who is who is told again; changes are told at once.
const IDENTIFY_INTERVAL: Duration = Duration::from_secs(3600);

/// The parts, the gatekeepers first.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) limits: connection_limits::Behaviour,
    pub(crate) blocked: allow_block_list::Behaviour<allow_block_list::BlockedPeers>,
    pub(crate) allowed: Toggle<allow_block_list::Behaviour<allow_block_list::AllowedPeers>>,
    pub(crate) gossip: gossipsub::Behaviour,
    pub(crate) ask: request_response::Behaviour<Frames>,
    pub(crate) identify: identify::Behaviour,
    pub(crate) mdns: Toggle<mdns::tokio::Behaviour>,
}

/// The one topic of a mesh: frames say themselves of what kind they are.
pub(crate) fn topic(mesh: &MeshId) -> gossipsub::IdentTopic {
    gossipsub::IdentTopic::new(format!("p7/{mesh}/1"))
}

impl Behaviour {
    pub(crate) fn new(config: &Config, mesh: &MeshId) -> Result<Self, StartError> {
        let limits = connection_limits::ConnectionLimits::default()
            .with_max_pending_incoming(Some(PENDING_LIMIT))
            .with_max_pending_outgoing(Some(PENDING_LIMIT))
            .with_max_established(Some(CONNECTIONS_LIMIT))
            .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER_LIMIT));
        let who = identify::Config::new(format!("p7/{mesh}/1"), config.keypair.public())
            .with_agent_version(format!("p7/{}", env!("CARGO_PKG_VERSION")))
            .with_interval(IDENTIFY_INTERVAL)
            .with_cache_size(0)
            .with_push_listen_addr_updates(true);
        Ok(Self {
            limits: connection_limits::Behaviour::new(limits),
            blocked: allow_block_list::Behaviour::default(),
            allowed: allowed(config)?,
            gossip: gossip(mesh)?,
            ask: ask(mesh, config.limits),
            identify: identify::Behaviour::new(who),
            mdns: local(config),
        })
    }
}

fn allowed(
    config: &Config,
) -> Result<Toggle<allow_block_list::Behaviour<allow_block_list::AllowedPeers>>, StartError> {
    let Some(nodes) = &config.allow else { return Ok(None.into()) };
    let mut list = allow_block_list::Behaviour::<allow_block_list::AllowedPeers>::default();
    for node in nodes {
        list.allow_peer(peer::peer_of(node).ok_or_else(|| StartError::Allow(node.clone()))?);
    }
    Ok(Some(list).into())
}

fn gossip(mesh: &MeshId) -> Result<gossipsub::Behaviour, StartError> {
    let setup = |detail: String| StartError::Setup { what: "gossip", detail };
    let mut config = gossipsub::ConfigBuilder::default();
    config
        .validation_mode(gossipsub::ValidationMode::Anonymous)
        .validate_messages()
        // ids of the usual length make control messages too long, which closes streams
        .message_id_fn(|message| {
            let digest = Sha256::digest(&message.data);
            gossipsub::MessageId::new(digest.first_chunk::<16>().map_or(&[], <[u8; 16]>::as_slice))
        })
        .max_transmit_size(GOSSIP_LIMIT + GOSSIP_OVERHEAD)
        // everything goes to every connected peer at once; the mesh of gossipsub only passes on, and that only
        // while somebody lacks links. It is wide enough not to fall apart, and leaves out nobody who asks to
        // be in: whoever is connected to one peer alone hears everything from it
        .flood_publish(true)
        .mesh_n(4)
        .mesh_n_low(3)
        .mesh_n_high(CONNECTIONS_LIMIT as usize)
        .mesh_outbound_min(0)
        .heartbeat_initial_delay(Duration::from_millis(200))
        .heartbeat_interval(Duration::from_secs(1))
        .gossip_lazy(1)
        .gossip_factor(0.0)
        .history_length(4)
        .history_gossip(2)
        .duplicate_cache_time(Duration::from_secs(120))
        .prune_backoff(Duration::from_secs(10))
        .publish_queue_duration(Duration::from_secs(5))
        .forward_queue_duration(Duration::from_secs(5));
    let config = config.build().map_err(|error| setup(error.to_string()))?;
    let mut gossip = gossipsub::Behaviour::new(gossipsub::MessageAuthenticity::Anonymous, config)
        .map_err(|error| setup(error.to_owned()))?;
    gossip.subscribe(&topic(mesh)).map_err(|error| setup(error.to_string()))?;
    Ok(gossip)
}

fn ask(mesh: &MeshId, limits: PeerLimits) -> request_response::Behaviour<Frames> {
    // can't fail: the name begins with a slash
    let name = StreamProtocol::try_from_owned(format!("/p7/{mesh}/ask/1"));
    let protocol = name.unwrap_or(StreamProtocol::new("/p7/ask/1"));
    let config = request_response::Config::default()
        .with_request_timeout(limits.answer_within)
        .with_max_concurrent_streams(QUESTIONS_LIMIT);
    request_response::Behaviour::with_codec(
        Frames,
        [(protocol, request_response::ProtocolSupport::Full)],
        config,
    )
}

/// Hears and answers on the local network. Where that is not possible the node works without it.
fn local(config: &Config) -> Toggle<mdns::tokio::Behaviour> {
    match config.mdns {
        Mdns::Off => None.into(),
        Mdns::On => {
            let me = config.keypair.public().to_peer_id();
            match mdns::tokio::Behaviour::new(mdns::Config::default(), me) {
                Ok(mdns) => Some(mdns).into(),
                Err(error) => {
                    tracing::warn!(%error, "peers on the local network are not found by themselves");
                    None.into()
                }
            }
        }
    }
}
