//! The seal of a gossiped frame: its author's id and signature, so that any peer can pass on what
//! another can verify.

use super::{FrameError, GOSSIP_LIMIT, Kind, SealError, header, unwrapped};
use crate::mesh_id::MeshId;
use crate::peer::{self, NODE_BYTES};
use libp2p::identity::Keypair;
use p7_core::vocabulary::NodeId;

/// Bytes of an ed25519 signature.
const SIGNATURE_BYTES: usize = 64;
/// What a signature is for, so that no other use of the key yields one that fits here.
const CONTEXT: &[u8] = b"p7 gossip\0";

/// A frame whose signature was verified.
pub(super) struct Open<'a> {
    pub(super) kind: Kind,
    pub(super) wire: u8,
    pub(super) author: NodeId,
    pub(super) body: &'a [u8],
}

/// Seals what `author` says with its key.
pub(super) fn seal(
    kind: Kind,
    wire: u8,
    said: (&NodeId, &[u8]),
    keypair: &Keypair,
    mesh: &MeshId,
) -> Result<Vec<u8>, SealError> {
    let (author, body) = said;
    let header = header(kind, wire)?;
    let id = keypair.public().to_peer_id().to_bytes();
    if peer::from_bytes(&id).as_ref() != Some(author) {
        return Err(SealError::NotOurs { what: kind.as_str(), node: author.to_string() });
    }
    let signature = keypair.sign(&signed(mesh, wire, kind, body)).map_err(|_refused| SealError::Key)?;
    let frame = [&header, id.as_slice(), &signature, body].concat();
    if frame.len() > GOSSIP_LIMIT {
        return Err(SealError::TooLarge { what: kind.as_str(), bytes: frame.len(), limit: GOSSIP_LIMIT });
    }
    Ok(frame)
}

/// Verifies a frame's signature.
pub(super) fn open<'a>(frame: &'a [u8], mesh: &MeshId) -> Result<Open<'a>, FrameError> {
    let (kind, wire, sealed) = unwrapped(frame, GOSSIP_LIMIT)?;
    if !matches!(kind, Kind::Beat | Kind::Batch | Kind::Suspicion) {
        return Err(FrameError::Kind(kind as u8));
    }
    let (id, rest) = sealed.split_at_checked(NODE_BYTES).ok_or(FrameError::NotAFrame)?;
    let (signature, body) = rest.split_at_checked(SIGNATURE_BYTES).ok_or(FrameError::NotAFrame)?;
    let key = peer::public_key(id).ok_or(FrameError::Author)?;
    let author = peer::from_bytes(id).ok_or(FrameError::Author)?;
    if !key.verify(&signed(mesh, wire, kind, body), signature) {
        return Err(FrameError::Signature);
    }
    Ok(Open { kind, wire, author, body })
}

/// What is signed. The author is not in it: its key is what verifies.
fn signed(mesh: &MeshId, wire: u8, kind: Kind, body: &[u8]) -> Vec<u8> {
    [CONTEXT, mesh.bytes(), &[wire, kind as u8], body].concat()
}
