//! Whatever arrives is opened as everything it could be. A hostile author's seal is good, so that what it
//! sealed is looked at, too.

#![no_main]

use libfuzzer_sys::fuzz_target;
use p7_mesh::Keypair;
use p7_mesh::frames::{open_answer, open_gossip, open_question};
use p7_mesh::mesh_id::MeshId;
use std::sync::LazyLock;

static KEYPAIR: LazyLock<Keypair> = LazyLock::new(Keypair::generate_ed25519);
static MESH: LazyLock<MeshId> = LazyLock::new(|| MeshId::of("office"));
/// The hash of the mesh's name, as it is signed.
const MESH_BYTES: [u8; 16] = 0xe066_0401_7986_76ca_7c6f_de35_b283_58a2_u128.to_be_bytes();

fuzz_target!(|bytes: &[u8]| {
    drop(open_gossip(bytes, &MESH));
    let [wire, kind, body @ ..] = bytes else { return };
    let wire = 1 + wire % 3;
    let plain = [&[0x50, wire, 16 + kind % 6], body].concat();
    drop(open_question(&plain));
    drop(open_answer(&plain, &MESH));
    let kind = 1 + kind % 3;
    let said = [b"p7 gossip\0".as_slice(), &MESH_BYTES, &[wire, kind], body].concat();
    let id = KEYPAIR.public().to_peer_id().to_bytes();
    let signature = KEYPAIR.sign(&said).expect("an ed25519 key signs");
    let frame = [&[0x50, wire, kind], id.as_slice(), &signature, body].concat();
    let opened = open_gossip(&frame, &MESH);
    let refused = opened.err().map(|error| error.as_str());
    assert!(refused.is_none_or(|why| why == "shape" || why == "size"), "the seal is good: {refused:?}");
});
