//! Names to addresses, by the machine's own resolver: it is what a user of this machine experiences.

use crate::attempt::{Progress, Stage};
use crate::trouble::Trouble;
use p7_settings::Faults;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, LazyLock};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How many names are looked up at once: each takes a thread, and a dead resolver holds it for long.
const LOOKUPS_AT_ONCE: usize = 64;
/// How many addresses of a name are tried at most.
const ADDRESS_LIMIT: usize = 8;

static LOOKUPS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(LOOKUPS_AT_ONCE)));

/// Which addresses of a name are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ip {
    /// All, in the order the resolver gives them.
    #[default]
    Any,
    /// IPv4 only.
    Ipv4,
    /// IPv6 only.
    Ipv6,
    /// IPv4 first.
    PreferIpv4,
    /// IPv6 first.
    PreferIpv6,
}

impl Ip {
    fn sort(self, addresses: &mut Vec<SocketAddr>) {
        match self {
            Self::Any => {}
            Self::Ipv4 => addresses.retain(SocketAddr::is_ipv4),
            Self::Ipv6 => addresses.retain(SocketAddr::is_ipv6),
            Self::PreferIpv4 => addresses.sort_by_key(SocketAddr::is_ipv6),
            Self::PreferIpv6 => addresses.sort_by_key(SocketAddr::is_ipv4),
        }
        addresses.truncate(ADDRESS_LIMIT);
    }

    fn missing(self) -> &'static str {
        match self {
            Self::Any | Self::PreferIpv4 | Self::PreferIpv6 => "address",
            Self::Ipv4 => "IPv4 address",
            Self::Ipv6 => "IPv6 address",
        }
    }
}

/// A host and port to connect to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// A name, or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Place {
    /// Reads `host:port`, with brackets around an IPv6 address.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no `host:port`, such as `db.example.org:5432` or `[::1]:25`");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port: u16 = port.parse().map_err(|_not_a_port| wrong())?;
        let host = match url::Host::parse(host) {
            Ok(url::Host::Domain(name)) => name,
            Ok(url::Host::Ipv4(ip)) => ip.to_string(),
            Ok(url::Host::Ipv6(ip)) => ip.to_string(),
            Err(_no_host) => return Err(wrong()),
        };
        if port == 0 {
            return Err(wrong());
        }
        Ok(Self { host, port })
    }

    /// Where a URL leads to, if it has a host and its scheme a port.
    pub(crate) fn of_url(url: &url::Url) -> Option<Self> {
        let host = match url.host()? {
            url::Host::Domain(name) => name.to_owned(),
            url::Host::Ipv4(ip) => ip.to_string(),
            url::Host::Ipv6(ip) => ip.to_string(),
        };
        Some(Self { host, port: url.port_or_known_default()? })
    }

    /// Whether it is this machine itself, which needs no network.
    pub(crate) fn is_local(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback(),
            Err(_a_name) => {
                let host = self.host.trim_end_matches('.').to_ascii_lowercase();
                host == "localhost" || host.ends_with(".localhost")
            }
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Notes a place that can't be read.
pub(crate) fn check_place(key: &str, text: &str, faults: &mut Faults<'_>) {
    if let Err(wrong) = Place::parse(text) {
        faults.push(key, wrong);
    }
}

/// The addresses of `place` to try, best first; at least one.
pub(crate) async fn resolve(
    place: &Place,
    ip: Ip,
    progress: &mut Progress,
) -> Result<Vec<SocketAddr>, Trouble> {
    progress.stage = Stage::Resolve;
    progress.host.clone_from(&place.host);
    let mut addresses = match place.host.parse::<IpAddr>() {
        Ok(literal) => vec![SocketAddr::new(literal, place.port)],
        Err(_a_name) => {
            let started = Instant::now();
            let found = lookup(place.clone()).await;
            progress.spans.resolve += started.elapsed();
            found?
        }
    };
    ip.sort(&mut addresses);
    if addresses.is_empty() {
        return Err(Trouble::peer(format!("`{}` has no {}", place.host, ip.missing())));
    }
    Ok(addresses)
}

async fn lookup(place: Place) -> Result<Vec<SocketAddr>, Trouble> {
    let failed = |why: &str| Trouble::silence(format!("can't resolve `{}`: {why}", place.host));
    // the permit is given back by the thread, not by us: a lookup that nobody awaits still holds its thread
    let Ok(permit) = Arc::clone(&LOOKUPS).acquire_owned().await else {
        return Err(failed("no more lookups"));
    };
    let asked = (place.host.clone(), place.port);
    let looked_up = tokio::task::spawn_blocking(move || {
        let found = asked.to_socket_addrs().map(|found| found.take(64).collect::<Vec<_>>());
        drop(permit);
        found
    });
    match looked_up.await {
        Ok(Ok(mut found)) => {
            let mut seen = std::collections::BTreeSet::new();
            found.retain(|address| seen.insert(*address));
            Ok(found)
        }
        Ok(Err(error)) => Err(failed(&why(&error.to_string()))),
        Err(_cancelled) => Err(failed("the node is stopping")),
    }
}

/// What getaddrinfo means; its words differ between systems and have no error kinds.
fn why(text: &str) -> String {
    let says = |known: &[&str]| known.iter().any(|k| text.contains(k));
    if says(&[
        "Name or service not known",
        "No address associated",
        "nodename nor servname",
        "Name does not resolve",
        "No such host is known",
    ]) {
        "no such name".to_owned()
    } else if says(&["Temporary failure", "Try again"]) {
        "the resolver does not answer".to_owned()
    } else {
        let words = text.rsplit("address information: ").next().unwrap_or(text);
        words.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_with_its_port_and_brackets() {
        let read = |text| Place::parse(text).map(|p| p.to_string()).ok();
        assert_eq!(read("db.example:5432").as_deref(), Some("db.example:5432"));
        assert_eq!(read("[::1]:25").as_deref(), Some("[::1]:25"));
        for bad in ["db", "db:", "db:0", "db:70000", ":80", "::1:80", "a b:80", ""] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_loopback_and_localhost_are_this_machine() {
        let local = |text| Place::parse(text).unwrap().is_local();
        assert!(local("127.0.0.1:80") && local("127.9.9.9:80") && local("[::1]:80"));
        assert!(local("localhost:80") && local("shop.LOCALHOST:80"));
        assert!(!local("192.168.0.1:80") && !local("localhost.example:80"));
    }

    #[test]
    fn addresses_are_chosen_and_ordered_by_family() {
        let four: SocketAddr = "10.0.0.1:80".parse().unwrap();
        let six: SocketAddr = "[fd00::1]:80".parse().unwrap();
        let sorted = |ip: Ip| {
            let mut addresses = vec![four, six, four];
            ip.sort(&mut addresses);
            addresses
        };
        assert_eq!(sorted(Ip::Any), [four, six, four]);
        assert_eq!(sorted(Ip::Ipv6), [six]);
        assert_eq!(sorted(Ip::Ipv4), [four, four]);
        assert_eq!(sorted(Ip::PreferIpv6), [six, four, four]);
        assert_eq!(sorted(Ip::PreferIpv4), [four, four, six]);
    }
}
