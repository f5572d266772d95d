//! Addresses of nodes as people write them, turned into those the transport takes.

use p7_mesh::{Multiaddr, Protocol};
use std::net::{IpAddr, SocketAddr};

/// Why a text names no node's place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address of a node; write a host and a port, such as \"office.example.org:7077\"")]
pub struct BadAddress(String);

/// The multiaddress of a socket.
pub fn listening(socket: SocketAddr) -> Multiaddr {
    Multiaddr::from(socket.ip()).with(Protocol::Tcp(socket.port()))
}

/// Reads `host:port` (a name, an IPv4 address, or an IPv6 address in brackets) or a multiaddress.
///
/// # Errors
/// [`BadAddress`] when it is neither.
pub fn multiaddress(text: &str) -> Result<Multiaddr, BadAddress> {
    let bad = || BadAddress(text.chars().take(200).collect());
    if text.starts_with('/') {
        return text.parse().map_err(|_unreadable| bad());
    }
    let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
    let port: u16 = port.parse().map_err(|_no_number| bad())?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let place = match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => format!("/ip4/{ip}/tcp/{port}"),
        Ok(IpAddr::V6(ip)) => format!("/ip6/{ip}/tcp/{port}"),
        Err(_name) if is_name(host) => format!("/dns/{host}/tcp/{port}"),
        Err(_nothing) => return Err(bad()),
    };
    place.parse().map_err(|_unreadable| bad())
}

/// Addresses that mean something to other machines; those of loopback only where there are no others.
pub(crate) fn worth_telling(all: &[Multiaddr]) -> Vec<String> {
    let is_loopback = |address: &&Multiaddr| {
        let text = address.to_string();
        text.starts_with("/ip4/127.") || text.starts_with("/ip6/::1/")
    };
    let others: Vec<String> =
        all.iter().filter(|address| !is_loopback(address)).map(ToString::to_string).collect();
    if others.is_empty() { all.iter().map(ToString::to_string).collect() } else { others }
}

fn is_name(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_told_only_where_there_is_nothing_else() {
        let read =
            |texts: &[&str]| -> Vec<Multiaddr> { texts.iter().map(|text| text.parse().unwrap()).collect() };
        let both = read(&["/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.5/tcp/1"]);
        assert_eq!(worth_telling(&both), ["/ip4/10.0.0.5/tcp/1"]);
        assert_eq!(worth_telling(&both[..1]), ["/ip4/127.0.0.1/tcp/1"]);
    }

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let read = |text: &str| multiaddress(text).map(|address| address.to_string());
        assert_eq!(read("10.0.0.5:7077").unwrap(), "/ip4/10.0.0.5/tcp/7077");
        assert_eq!(read("[::1]:7077").unwrap(), "/ip6/::1/tcp/7077");
        assert_eq!(read("office.example.org:7077").unwrap(), "/dns/office.example.org/tcp/7077");
        assert_eq!(read("/ip4/10.0.0.5/tcp/1").unwrap(), "/ip4/10.0.0.5/tcp/1");
        for bad in ["", "office", "office:port", ":7077", "a b:7077", "/ip4/x/tcp/1", "office:70777"] {
            assert!(read(bad).unwrap_err().to_string().contains("write a host and a port"), "{bad}");
        }
    }
}
