//! The mesh key: who has it may connect, nobody else gets past the first bytes.

use crate::printable::{self, Slip};
use libp2p::identity::ed25519::SecretKey;
use libp2p::pnet::PreSharedKey;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// What a key's text begins with.
const PREFIX: &str = "p7k1";
/// Longest text that is looked at; a key has 52 letters.
const TEXT_LIMIT: usize = 128;

/// The key of a mesh. It shows only through [`MeshKey::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct MeshKey([u8; KEY_BYTES]);

/// Why a text is no mesh key. The text itself is not told: it may be nearly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// It begins with something else.
    #[error("a mesh key begins with `p7k1`; make one with `p7 mesh key`, or copy it from another node")]
    Prefix,
    /// An invitation.
    #[error("this is an invitation, not a mesh key; use it with `p7 mesh join`")]
    Invitation,
    /// A letter that is in none.
    #[error("a mesh key has only letters, digits, `-` and `_`; copy it again, without quotes or line breaks")]
    Letter,
    /// Letters are missing or wrong.
    #[error("a letter of the mesh key is wrong or missing; it has 52 of them: copy it again")]
    Checksum,
}

impl MeshKey {
    /// A new key, by chance.
    pub fn generate() -> Self {
        let mut key = [0; KEY_BYTES];
        // the identity's own source of chance: the system's
        for (to, from) in key.iter_mut().zip(SecretKey::generate().as_ref()) {
            *to = *from;
        }
        Self(key)
    }

    /// The key as text, for the one who keeps it or hands it on.
    pub fn expose(&self) -> String {
        printable::print(PREFIX, &self.0)
    }

    /// What people compare to see whether two nodes have the same key; says nothing about it.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::new().chain_update(b"p7 mesh key\0").chain_update(self.0).finalize();
        format!("{:08x}", digest.first_chunk().map_or(0, |first| u32::from_be_bytes(*first)))
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn pre_shared(&self) -> PreSharedKey {
        PreSharedKey::new(self.0)
    }
}

impl FromStr for MeshKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let bytes = printable::parse(PREFIX, text, TEXT_LIMIT).map_err(|slip| match slip {
            Slip::Prefix if text.trim().starts_with(crate::invite::PREFIX) => BadKey::Invitation,
            Slip::Prefix => BadKey::Prefix,
            Slip::Letter => BadKey::Letter,
            Slip::Long | Slip::Checksum => BadKey::Checksum,
        })?;
        Self::from_bytes(&bytes).ok_or(BadKey::Checksum)
    }
}

impl fmt::Debug for MeshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MeshKey({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_line_that_comes_back() {
        let key = MeshKey([7; 32]);
        let text = key.expose();
        assert_eq!(text, "p7k1BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcTtZpu");
        assert_eq!(format!(" {text}\n").parse(), Ok(key));
    }

    #[test]
    fn two_keys_are_never_alike() {
        let (one, other) = (MeshKey::generate(), MeshKey::generate());
        assert_ne!(one, other);
        assert_ne!(one.fingerprint(), other.fingerprint());
        assert_ne!(one.bytes(), &[0; 32]);
    }

    #[test]
    fn a_key_does_not_show_by_accident() {
        let key = MeshKey([7; 32]);
        assert_eq!(format!("{key:?}"), format!("MeshKey({})", key.fingerprint()));
        assert_eq!(key.fingerprint().len(), 8);
        assert!(!format!("{:?}", key.expose().replace("p7k1", "p7k2").parse::<MeshKey>()).contains("Bwc"));
    }

    #[test]
    fn what_is_wrong_with_a_key_is_said() {
        let parse = |text: &str| text.parse::<MeshKey>().unwrap_err();
        let good = MeshKey([7; 32]).expose();
        assert_eq!(parse(""), BadKey::Prefix);
        assert_eq!(parse("hunter2"), BadKey::Prefix);
        assert_eq!(parse("p7join1abc"), BadKey::Invitation);
        assert_eq!(parse("p7k1ab\"c"), BadKey::Letter);
        assert_eq!(parse("p7k1"), BadKey::Checksum);
        assert_eq!(parse(&good.replacen("Bwc", "Bwd", 1)), BadKey::Checksum);
        assert_eq!(parse(good.split_at(good.len() - 1).0), BadKey::Checksum);
        assert_eq!(parse(&format!("p7k1{}", "A".repeat(500))), BadKey::Checksum);
        let short = printable::print(PREFIX, &[1; 31]);
        assert_eq!(parse(&short), BadKey::Checksum);
    }
}
