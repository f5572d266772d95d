//! An invitation: one line with all that a machine needs to join a mesh. As secret as the mesh key,
//! which is in it.

use crate::key::MeshKey;
use crate::printable::{self, Slip};
use libp2p::Multiaddr;
use p7_core::vocabulary::shortened;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What an invitation's text begins with.
pub(crate) const PREFIX: &str = "p7join1";
/// Longest text of one that is looked at, in bytes.
const TEXT_LIMIT: usize = 8 * 1024;
/// Most addresses in one: a new node needs to reach one peer, the rest are spares.
pub const ADDRESSES_LIMIT: usize = 16;
/// Longest address, in bytes: a DNS name has at most 253.
const ADDRESS_LIMIT: usize = 320;
/// Longest name of a mesh, in bytes.
pub const NAME_LIMIT: usize = 100;

/// What a machine needs to join a mesh.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The mesh's name.
    pub mesh: String,
    /// Its key.
    pub key: MeshKey,
    /// Where nodes of it are reached.
    pub addresses: Vec<Multiaddr>,
}

/// Why a text is no invitation. The text itself is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadInvitation {
    /// It begins with something else.
    #[error("an invitation begins with `p7join1`; make one with `p7 mesh invite` on a node of the mesh")]
    Prefix,
    /// A mesh key.
    #[error("this is a mesh key, not an invitation; make one with `p7 mesh invite` on a node of the mesh")]
    Key,
    /// A letter that is in none.
    #[error(
        "an invitation has only letters, digits, `-` and `_`; copy it again, without quotes or line breaks"
    )]
    Letter,
    /// Letters are missing or wrong.
    #[error("a letter of the invitation is wrong, or it was cut: copy it again, all of it")]
    Checksum,
    /// A newer release's.
    #[error("this invitation was made by another release of p7; use the same release here")]
    Release,
}

#[derive(Serialize, Deserialize)]
struct InvitationV1<'a> {
    mesh: &'a str,
    key: &'a [u8],
    #[serde(borrow)]
    addresses: Vec<&'a [u8]>,
}

impl Invitation {
    /// The invitation as text, for the one who hands it on. A long name is cut, and of many or long
    /// addresses the first that fit are taken.
    pub fn expose(&self) -> String {
        let addresses: Vec<Vec<u8>> = self.addresses.iter().map(Multiaddr::to_vec).collect();
        let fit = addresses.iter().filter(|address| address.len() <= ADDRESS_LIMIT).take(ADDRESSES_LIMIT);
        let written = crate::frames::encode_plain(&InvitationV1 {
            mesh: shortened(&self.mesh, NAME_LIMIT),
            key: self.key.bytes(),
            addresses: fit.map(Vec::as_slice).collect(),
        });
        printable::print(PREFIX, &written)
    }
}

impl FromStr for Invitation {
    type Err = BadInvitation;

    fn from_str(text: &str) -> Result<Self, BadInvitation> {
        let bytes = printable::parse(PREFIX, text, TEXT_LIMIT).map_err(|slip| match slip {
            Slip::Prefix if text.trim().starts_with("p7k1") => BadInvitation::Key,
            Slip::Prefix => BadInvitation::Prefix,
            Slip::Letter => BadInvitation::Letter,
            Slip::Long | Slip::Checksum => BadInvitation::Checksum,
        })?;
        read(&bytes).ok_or(BadInvitation::Release)
    }
}

fn read(bytes: &[u8]) -> Option<Invitation> {
    let read: InvitationV1<'_> = crate::frames::decode_plain(bytes)?;
    if read.mesh.len() > NAME_LIMIT || read.addresses.len() > ADDRESSES_LIMIT {
        return None;
    }
    let addresses = read.addresses.iter().map(|bytes| Multiaddr::try_from(bytes.to_vec()));
    Some(Invitation {
        mesh: read.mesh.to_owned(),
        key: MeshKey::from_bytes(read.key)?,
        addresses: addresses.collect::<Result<_, _>>().ok()?,
    })
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation").field("mesh", &self.mesh).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation() -> Invitation {
        let addresses = ["/ip4/192.0.2.7/tcp/7008", "/dns4/desk-3.example/tcp/7008"];
        Invitation {
            mesh: "office".to_owned(),
            key: MeshKey::from_bytes(&[7; 32]).unwrap(),
            addresses: addresses.map(|address| address.parse().unwrap()).to_vec(),
        }
    }

    #[test]
    fn an_invitation_is_one_line_that_comes_back() {
        let text = invitation().expose();
        assert!(text.starts_with("p7join1") && text.len() < 150, "{text}");
        assert_eq!(text.parse(), Ok(invitation()));
        // recorded when it was new: invitations lie in chats for weeks
        assert_eq!("p7join1Bm9mZmljZSAHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwIIBMAAAgcGG2ATNg5kZXNrLTMuZXhhbXBsZQYbYAqsayc".parse(), Ok(invitation()));
    }

    #[test]
    fn an_invitation_does_not_show_by_accident() {
        assert_eq!(format!("{:?}", invitation()), "Invitation { mesh: \"office\", .. }");
    }

    #[test]
    fn what_is_too_much_is_left_out() {
        let address: Multiaddr = "/ip4/192.0.2.7/tcp/7008".parse().unwrap();
        let many = Invitation { addresses: vec![address.clone(); 50], mesh: "§".repeat(80), ..invitation() };
        let read: Invitation = many.expose().parse().unwrap();
        assert_eq!(read.addresses, vec![address; ADDRESSES_LIMIT]);
        assert_eq!(read.mesh, "§".repeat(50));
    }

    #[test]
    fn what_is_wrong_with_an_invitation_is_said() {
        let parse = |text: &str| text.parse::<Invitation>().unwrap_err();
        let good = invitation().expose();
        assert_eq!(parse(""), BadInvitation::Prefix);
        assert_eq!(parse(&MeshKey::generate().expose()), BadInvitation::Key);
        assert_eq!(parse(&format!("{good}\u{201d}")), BadInvitation::Letter);
        assert_eq!(parse(good.split_at(good.len() - 3).0), BadInvitation::Checksum);
        assert_eq!(parse(&format!("p7join1{}", "A".repeat(9_000))), BadInvitation::Checksum);
        assert_eq!(parse(&printable::print(PREFIX, b"of tomorrow")), BadInvitation::Release);
    }
}
