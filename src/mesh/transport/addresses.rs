//! Which addresses are worth remembering: TCP ones that can lead to another machine.

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use std::io;
use std::net::{IpAddr, TcpListener};

/// Longest address that is looked at, in bytes.
const ADDRESS_LIMIT: usize = 320;

/// Whether this node's peers are on this very machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It listens on loopback by its configuration, so its peers do: a demo, a test.
    Loopback,
    /// They are elsewhere: a peer's loopback address would lead to this node itself.
    Network,
}

impl Reach {
    pub(crate) fn of(listen: &[Multiaddr]) -> Self {
        if listen.iter().any(is_loopback) { Self::Loopback } else { Self::Network }
    }
}

/// The address without its peer, and the peer that it names.
pub(crate) fn split(address: &Multiaddr) -> (Multiaddr, Option<PeerId>) {
    let mut bare = address.clone();
    match bare.pop() {
        Some(Protocol::P2p(peer)) => (bare, Some(peer)),
        Some(_) | None => (address.clone(), None),
    }
}

/// Whether an address that somebody told is worth dialling.
pub(crate) fn is_useful(address: &Multiaddr, reach: Reach) -> bool {
    let mut parts = address.iter();
    let host = match parts.next() {
        Some(Protocol::Ip4(ip)) => !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast(),
        // one of a link needs the link's name, which is not in it
        Some(Protocol::Ip6(ip)) => !ip.is_unspecified() && !ip.is_multicast() && !ip.is_unicast_link_local(),
        Some(Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_)) => true,
        Some(_) | None => false,
    };
    let port = matches!(parts.next(), Some(Protocol::Tcp(port)) if port != 0);
    let bounded = address.len() <= ADDRESS_LIMIT && parts.next().is_none();
    host && port && bounded && (reach == Reach::Loopback || !is_loopback(address))
}

/// Whether nobody listens on this address. libp2p would share it, and each of two programs would get
/// some of the connections.
pub(crate) fn is_free(address: &Multiaddr) -> io::Result<()> {
    let mut parts = address.iter();
    let host = match parts.next() {
        Some(Protocol::Ip4(ip)) => IpAddr::V4(ip),
        Some(Protocol::Ip6(ip)) => IpAddr::V6(ip),
        Some(_) | None => return Ok(()),
    };
    match parts.next() {
        Some(Protocol::Tcp(port)) if port != 0 => TcpListener::bind((host, port)).map(drop),
        Some(_) | None => Ok(()),
    }
}

fn is_loopback(address: &Multiaddr) -> bool {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => ip.is_loopback(),
        Some(Protocol::Ip6(ip)) => ip.is_loopback(),
        Some(_) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_can_lead_to_another_machine_are_useful() {
        let useful = |text: &str| is_useful(&text.parse().unwrap(), Reach::Network);
        for good in ["/ip4/192.0.2.1/tcp/7008", "/ip6/2001:db8::1/tcp/7008", "/dns4/desk.example/tcp/7008"] {
            assert!(useful(good), "{good}");
        }
        for bad in [
            "/ip4/0.0.0.0/tcp/7008",
            "/ip4/127.0.0.1/tcp/7008",
            "/ip6/::1/tcp/7008",
            "/ip6/fe80::1/tcp/7008",
            "/ip4/192.0.2.1/tcp/0",
            "/ip4/192.0.2.1/udp/7008",
            "/ip4/192.0.2.1/tcp/7008/ws",
            "/ip4/192.0.2.1",
        ] {
            assert!(!useful(bad), "{bad}");
        }
        assert!(is_useful(&"/ip4/127.0.0.1/tcp/7008".parse().unwrap(), Reach::Loopback));
    }

    #[test]
    fn an_address_is_told_apart_from_its_peer() {
        let peer = PeerId::random();
        let bare: Multiaddr = "/ip4/192.0.2.1/tcp/7008".parse().unwrap();
        assert_eq!(split(&bare.clone().with(Protocol::P2p(peer))), (bare.clone(), Some(peer)));
        assert_eq!(split(&bare), (bare.clone(), None));
    }
}
