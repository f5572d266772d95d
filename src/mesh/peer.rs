//! A node's id in its three forms: text in the rules, libp2p's peer id, and 38 bytes on the wire.

use libp2p::PeerId;
use libp2p::identity::PublicKey;
use p7_core::vocabulary::NodeId;

/// Bytes of a node's id on the wire: the peer id of an ed25519 key.
pub const NODE_BYTES: usize = 38;

/// What such an id begins with: an identity hash of 36 bytes that is the protobuf of an ed25519 key.
const PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// The node of a peer.
pub fn node_of(peer: &PeerId) -> Option<NodeId> {
    NodeId::new(&peer.to_base58()).ok()
}

/// The peer of a node; none when its id is no peer id.
pub fn peer_of(node: &NodeId) -> Option<PeerId> {
    node.as_str().parse().ok()
}

/// A node's id as it goes over the wire; none when it is not that of an ed25519 key.
pub(crate) fn to_bytes(node: &NodeId) -> Option<Vec<u8>> {
    Some(peer_of(node)?.to_bytes()).filter(|bytes| is_node(bytes))
}

/// The node of these bytes.
pub(crate) fn from_bytes(bytes: &[u8]) -> Option<NodeId> {
    if !is_node(bytes) {
        return None;
    }
    node_of(&PeerId::from_bytes(bytes).ok()?)
}

/// The key that these bytes of an id hold.
pub(crate) fn public_key(bytes: &[u8]) -> Option<PublicKey> {
    if !is_node(bytes) {
        return None;
    }
    PublicKey::try_decode_protobuf(bytes.get(2..)?).ok()
}

fn is_node(bytes: &[u8]) -> bool {
    bytes.len() == NODE_BYTES && bytes.starts_with(&PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p::identity::Keypair;

    #[test]
    fn a_node_keeps_its_id_through_all_its_forms() {
        let keypair = Keypair::generate_ed25519();
        let peer = keypair.public().to_peer_id();
        let node = node_of(&peer).unwrap();
        assert_eq!(peer_of(&node), Some(peer));
        let bytes = to_bytes(&node).unwrap();
        assert_eq!(bytes.len(), NODE_BYTES);
        assert_eq!(from_bytes(&bytes), Some(node));
        assert_eq!(public_key(&bytes), Some(keypair.public()));
    }

    #[test]
    fn what_is_no_ed25519_peer_is_no_node() {
        assert_eq!(to_bytes(&NodeId::new("desk-1").unwrap()), None);
        assert_eq!(from_bytes(&[0; NODE_BYTES]), None);
        assert_eq!(from_bytes(&PREFIX), None);
    }
}
