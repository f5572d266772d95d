//! Which mesh: what a signature is for, and what protocols and topics are named after.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// A mesh, by the hash of its name. What is signed in one mesh says nothing in another, should two ever
/// share a node's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeshId([u8; 16]);

impl MeshId {
    /// The mesh of this name.
    pub fn of(name: &str) -> Self {
        let digest = Sha256::new().chain_update(b"p7 mesh\0").chain_update(name.as_bytes()).finalize();
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(digest) {
            *to = from;
        }
        Self(id)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Its first eight hexadecimal digits, as protocols and topics are named.
impl fmt::Display for MeshId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mesh_is_named_alike_on_every_node() {
        assert_eq!(MeshId::of("office").to_string(), "e0660401");
        assert_ne!(MeshId::of("office"), MeshId::of("Office"));
    }
}
