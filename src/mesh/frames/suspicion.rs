//! A suspicion on the wire.

use super::sealed::{Open, seal};
use super::{FrameError, Kind, SealError, bytes};
use crate::mesh_id::MeshId;
use libp2p::identity::Keypair;
use p7_core::mesh::words::{Boot, Suspicion};
use p7_core::vocabulary::{MeshTime, ServiceId};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct SuspicionV1<'a> {
    boot: u32,
    number: u64,
    service: &'a str,
    began: u64,
}

/// Seals a suspicion of the key's node.
pub fn seal_suspicion(
    suspicion: &Suspicion,
    keypair: &Keypair,
    mesh: &MeshId,
    wire: u8,
) -> Result<Vec<u8>, SealError> {
    let body = bytes::encode(&SuspicionV1 {
        boot: suspicion.boot.0,
        number: suspicion.number,
        service: suspicion.service.as_str(),
        began: suspicion.began.0,
    })?;
    seal(Kind::Suspicion, wire, (&suspicion.author, &body), keypair, mesh)
}

pub(super) fn read(open: &Open<'_>) -> Result<Suspicion, FrameError> {
    let read: SuspicionV1<'_> = bytes::decode(open.body, "a suspicion")?;
    Ok(Suspicion {
        author: open.author.clone(),
        boot: Boot(read.boot),
        number: read.number,
        service: ServiceId::new(read.service).map_err(|_bad| FrameError::Shape("a service's id"))?,
        began: MeshTime(read.began),
    })
}
