//! A suspicion on the wire. Version 3 leaves out a number that nobody had a use for.

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

#[derive(Serialize, Deserialize)]
struct SuspicionV3<'a> {
    boot: u32,
    service: &'a str,
    began: u64,
}

/// The first version without a number.
const WITHOUT_NUMBER: u8 = 3;

/// Seals a suspicion of the key's node.
pub fn seal_suspicion(
    suspicion: &Suspicion,
    keypair: &Keypair,
    mesh: &MeshId,
    wire: u8,
) -> Result<Vec<u8>, SealError> {
    let (boot, service, began) = (suspicion.boot.0, suspicion.service.as_str(), suspicion.began.0);
    let body = if wire < WITHOUT_NUMBER {
        bytes::encode(&SuspicionV1 { boot, number: 0, service, began })?
    } else {
        bytes::encode(&SuspicionV3 { boot, service, began })?
    };
    seal(Kind::Suspicion, wire, (&suspicion.author, &body), keypair, mesh)
}

pub(super) fn read(open: &Open<'_>) -> Result<Suspicion, FrameError> {
    let read: SuspicionV3<'_> = if open.wire < WITHOUT_NUMBER {
        let SuspicionV1 { boot, service, began, .. } = bytes::decode(open.body, "a suspicion")?;
        SuspicionV3 { boot, service, began }
    } else {
        bytes::decode(open.body, "a suspicion")?
    };
    Ok(Suspicion {
        author: open.author.clone(),
        boot: Boot(read.boot),
        service: ServiceId::new(read.service).map_err(|_bad| FrameError::Shape("a service's id"))?,
        began: MeshTime(read.began),
    })
}
