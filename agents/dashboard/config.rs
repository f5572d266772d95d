//! `[http]` of node.toml: where the dashboard listens and who may change something through it.

use p7_settings::{Check, Faults, Secret};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Where the dashboard listens when nothing is said.
pub const DEFAULT_PORT: u16 = 7007;
/// Most addresses one node listens on: one an interface is plenty.
const LISTEN_LIMIT: usize = 16;
/// Most further host names: one a proxy and alias is plenty.
const HOSTS_LIMIT: usize = 64;

/// The dashboard of this machine: pages, HTTP API, events and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Addresses to listen on, one ("127.0.0.1:7007") or a list of them. Default "127.0.0.1:7007", which
    /// only this machine reaches. With "0.0.0.0:7007" everybody in your network may look; changing
    /// something then needs `admin_token`. Port 0 takes any free port.
    #[serde(deserialize_with = "addresses")]
    pub listen: Vec<SocketAddr>,
    /// The token that allows to change something (acknowledge, silence, probe …) from another machine or
    /// through a proxy, by reference: "env:P7_ADMIN_TOKEN" or "file:admin-token"; at least 16 characters.
    /// Default: none, and only this machine itself may change something.
    pub admin_token: Option<Secret>,
    /// Further names this machine is reached by from itself, such as the name a proxy on it serves:
    /// `["p7.example.org"]`. Default: none. Requests from this machine that name another host are refused,
    /// since a hostile web page could otherwise reach the dashboard through your browser.
    pub hosts: Vec<String>,
    /// A folder whose templates, styles and scripts replace the built-in ones of the same name, relative to
    /// the configuration's folder. Default: none. A template that does not parse stops the start.
    pub dashboards: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT))],
            admin_token: None,
            hosts: Vec::new(),
            dashboards: None,
        }
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.listen.is_empty() {
            faults.push("listen", "no address; give at least one, such as \"127.0.0.1:7007\"");
        }
        if self.listen.len() > LISTEN_LIMIT {
            faults.push("listen", format!("more than {LISTEN_LIMIT} addresses; leave some out"));
        }
        let mut seen = BTreeSet::new();
        for address in &self.listen {
            if address.port() != 0 && !seen.insert(address) {
                faults.push("listen", format!("{address} stands twice; leave one out"));
            }
        }
        if self.hosts.len() > HOSTS_LIMIT {
            faults.push("hosts", format!("more than {HOSTS_LIMIT} names; leave some out"));
        }
        let mut under = faults.under("hosts");
        for (index, host) in self.hosts.iter().enumerate() {
            if !is_host_name(host) {
                under.push(
                    index.to_string(),
                    format!("{host:?} is no host name; write it without scheme and port, such as \"p7.example.org\""),
                );
            }
        }
    }
}

fn is_host_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

/// One address or a list of them.
fn addresses<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<SocketAddr>, D::Error> {
    struct Addresses;

    impl<'de> Visitor<'de> for Addresses {
        type Value = Vec<SocketAddr>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an address such as \"127.0.0.1:7007\", or a list of them")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            // a list in an environment variable is written with commas
            text.split(',').map(|one| address(one.trim())).collect()
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while let Some(text) = seq.next_element::<String>()? {
                list.push(address(&text)?);
                if list.len() > LISTEN_LIMIT {
                    return Err(A::Error::custom(format!(
                        "more than {LISTEN_LIMIT} addresses; leave some out"
                    )));
                }
            }
            Ok(list)
        }
    }

    from.deserialize_any(Addresses)
}

fn address<E: serde::de::Error>(text: &str) -> Result<SocketAddr, E> {
    text.parse().map_err(|_not_an_address| {
        E::custom(format!(
            "`{text}` is no address to listen on; write IP and port, such as \"127.0.0.1:7007\" or \"[::]:7007\""
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults_of(config: &Config) -> Vec<String> {
        let mut list = Vec::new();
        config.check(&mut Faults::new(&mut list));
        list.into_iter().map(|f| f.path.join(".")).collect()
    }

    #[test]
    fn an_empty_table_listens_on_loopback_only() {
        let config: Config = serde_json::from_value(json!({})).unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.listen, ["127.0.0.1:7007".parse().unwrap()]);
        assert_eq!(faults_of(&config), [""; 0]);
    }

    #[test]
    fn an_address_is_one_text_or_a_list() {
        for listen in [json!("127.0.0.1:1, [::1]:2"), json!(["127.0.0.1:1", "[::1]:2"])] {
            let config: Config = serde_json::from_value(json!({ "listen": listen })).unwrap();
            assert_eq!(config.listen.len(), 2);
        }
        let error = serde_json::from_value::<Config>(json!({ "listen": "localhost" })).unwrap_err();
        assert!(error.to_string().contains("write IP and port"), "{error}");
    }

    #[test]
    fn every_fault_is_noted_at_its_key() {
        let config: Config = serde_json::from_value(json!({
            "listen": ["127.0.0.1:1", "127.0.0.1:1"],
            "hosts": ["good.example.org", "https://bad"],
        }))
        .unwrap();
        assert_eq!(faults_of(&config), ["listen", "hosts.1"]);
        let config = Config { listen: Vec::new(), ..Config::default() };
        assert_eq!(faults_of(&config), ["listen"]);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(serde_json::from_value::<Config>(json!({ "lisen": "127.0.0.1:1" })).is_err());
    }
}
