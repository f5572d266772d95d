//! The layers of a connection: TCP, the mesh key, Noise, yamux; and DNS names above them. Says of a
//! failed connection whether anybody was there.

use super::StartError;
use super::figures::Counters;
use super::greeting::Greeted;
use super::meter::Metered;
use crate::key::MeshKey;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::map_err::MapErr;
use libp2p::core::transport::timeout::TransportTimeout;
use libp2p::core::transport::{Boxed, TransportError};
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::pnet::PnetConfig;
use libp2p::{PeerId, Transport, dns, noise, tcp, yamux};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

/// How long a machine has to take a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long it has to prove that it belongs to the mesh, the former included: some six round trips, so that
/// a satellite with loss gets in, too. Another key is noticed at once, see [`Greeted`].
const READY_WITHIN: Duration = Duration::from_secs(10);
/// Most streams of one connection: gossip, identify and a few questions at once.
const STREAMS_LIMIT: usize = 64;

/// Nobody was there: the machine is off, or nothing listens.
#[derive(Debug)]
struct NotReached;

/// Why a connection did not come up.
#[derive(Debug)]
struct Failed {
    not_reached: Option<NotReached>,
    detail: String,
}

impl fmt::Display for NotReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody was there")
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl Error for NotReached {}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.not_reached.as_ref().map(|it| it as &(dyn Error + 'static))
    }
}

pub(crate) fn build(
    keypair: &Keypair,
    key: &MeshKey,
    counters: &Arc<Counters>,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, StartError> {
    let layers = || layers(keypair, key, counters.clone());
    // a machine without DNS still reaches addresses
    match dns::tokio::Transport::system(layers()?) {
        Ok(with_names) => Ok(with_names.boxed()),
        Err(error) => {
            tracing::warn!(%error, "the system's DNS settings can't be read; peers are reached by address only");
            layers().map(Transport::boxed)
        }
    }
}

/// All layers but names.
type Layers = MapErr<Boxed<(PeerId, StreamMuxerBox)>, fn(io::Error) -> Failed>;

fn layers(keypair: &Keypair, key: &MeshKey, counters: Arc<Counters>) -> Result<Layers, StartError> {
    let noise = noise::Config::new(keypair)
        .map_err(|error| StartError::Setup { what: "the node's key", detail: error.to_string() })?;
    let pre_shared = PnetConfig::new(key.pre_shared());
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(STREAMS_LIMIT);
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
    let reached = TransportTimeout::new(tcp, CONNECT_WITHIN)
        .map_err(|error| Failed { not_reached: Some(NotReached), detail: error.to_string() });
    let ready = reached
        .and_then(move |stream, _| async move {
            pre_shared.handshake(Metered::new(stream, counters)).await.map(Greeted::new)
        })
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(yamux)
        .timeout(READY_WITHIN)
        .boxed();
    Ok(ready.map_err(failed))
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` wants it")]
fn failed(error: io::Error) -> Failed {
    Failed { not_reached: is_not_reached(&error).then_some(NotReached), detail: error.to_string() }
}

/// Whether somebody took the connection and then did not prove to belong to the mesh.
pub(crate) fn is_refused(error: &TransportError<io::Error>) -> bool {
    match error {
        TransportError::MultiaddrNotSupported(_) => false,
        TransportError::Other(error) => chain(error).any(<dyn Error>::is::<Failed>) && !is_not_reached(error),
    }
}

fn is_not_reached(error: &io::Error) -> bool {
    chain(error).any(<dyn Error>::is::<NotReached>)
}

/// An error and all that caused it.
fn chain(error: &io::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |error: &&(dyn Error + 'static)| {
        let error: &(dyn Error + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}
