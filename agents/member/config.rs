//! `[mesh]` of node.toml: how this machine joins the others.

use crate::address::multiaddress;
use p7_core::vocabulary::NodeId;
use p7_mesh::frames;
use p7_settings::{Check, Faults, Secret};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where a node listens for its peers when nothing is said.
pub const DEFAULT_PORT: u16 = 7077;
/// The priority of a node that does not say otherwise.
const DEFAULT_PRIORITY: u8 = 50;
/// Most addresses of a list: a mesh that needs more to be found has a name service.
const ADDRESSES_LIMIT: usize = 64;
/// Most peers that are listed as allowed.
const ALLOWED_LIMIT: usize = 1_024;

/// How this machine joins the others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The key all nodes of the mesh share, by reference: "env:P7_MESH_KEY" or "file:mesh.key"; `p7 mesh
    /// key` makes one. Default none: the node runs alone and opens no mesh port. Nodes of other keys can't
    /// connect to this one at all.
    pub key: Option<Secret>,
    /// Addresses to listen on for peers. Default every address of this machine, port 7077. Port 0 takes
    /// any free port. A node that nobody can reach, such as one behind NAT, joins by reaching others.
    pub listen: Vec<SocketAddr>,
    /// Where other nodes may be reached at first: `["office.example.org:7077"]`. Default none: on one LAN
    /// nodes find each other (see `mdns`). One address that answers is enough, the others are learned and
    /// remembered.
    pub bootstrap: Vec<String>,
    /// Where other nodes reach this one, if that is not where it listens, such as a forwarded port of the
    /// office's router: `["office.example.org:7077"]`. Default none. Spread to all, so they can dial it.
    pub advertise: Vec<String>,
    /// Whether to look for nodes on the LAN by multicast DNS. Default true. Off: only `bootstrap` and
    /// remembered addresses lead to others.
    pub mdns: bool,
    /// The ids of the nodes that may connect, as `p7 mesh` shows them. Default none: every node that has the
    /// key. A node that is missing here is refused by this one.
    pub allow: Vec<NodeId>,
    /// How much this node wants the roles that one node holds: the highest takes over in good order, 0
    /// never takes one. Default 50. Give a machine that is always on more than a laptop.
    pub priority: u8,
    /// The newest wire format this node uses. Default the newest it knows. For trying an upgrade out;
    /// nodes of neighbouring releases agree by themselves.
    pub wire_version: Option<u8>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            key: None,
            listen: vec![
                (Ipv4Addr::UNSPECIFIED, DEFAULT_PORT).into(),
                (Ipv6Addr::UNSPECIFIED, DEFAULT_PORT).into(),
            ],
            bootstrap: Vec::new(),
            advertise: Vec::new(),
            mdns: true,
            allow: Vec::new(),
            priority: DEFAULT_PRIORITY,
            wire_version: None,
        }
    }
}

impl Config {
    /// The nodes that may connect; none for all that have the key.
    pub fn allowed(&self) -> Option<BTreeSet<NodeId>> {
        (!self.allow.is_empty()).then(|| self.allow.iter().cloned().collect())
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.listen.is_empty() {
            faults.push("listen", "no address; leave it out for every address of this machine, port 7077");
        }
        for (key, list) in [("bootstrap", &self.bootstrap), ("advertise", &self.advertise)] {
            if list.len() > ADDRESSES_LIMIT {
                faults.push(key, format!("more than {ADDRESSES_LIMIT} addresses; leave some out"));
            }
            let mut under = faults.under(key);
            for (place, address) in list.iter().enumerate() {
                if let Err(bad) = multiaddress(address) {
                    under.push(place.to_string(), bad.to_string());
                }
            }
        }
        if self.listen.len() > ADDRESSES_LIMIT {
            faults.push("listen", format!("more than {ADDRESSES_LIMIT} addresses; leave some out"));
        }
        if self.allow.len() > ALLOWED_LIMIT {
            faults.push("allow", format!("more than {ALLOWED_LIMIT} nodes; leave some out"));
        }
        let newest = frames::NEWEST_WIRE;
        if self.wire_version.is_some_and(|version| version == 0 || version > newest) {
            faults
                .push("wire_version", format!("this p7 knows the wire formats 1 to {newest}; leave it out"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(toml: &str) -> Vec<(String, String)> {
        let config: Config = toml::from_str(toml).unwrap();
        let mut list = Vec::new();
        config.check(&mut Faults::new(&mut list));
        list.into_iter().map(|fault| (fault.path.join("."), fault.message)).collect()
    }

    #[test]
    fn an_empty_table_is_a_node_alone() {
        let config: Config = toml::from_str("").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!((config.key, config.mdns, config.priority), (None, true, 50));
        assert_eq!(faults(""), []);
    }

    #[test]
    fn every_address_that_leads_nowhere_is_a_fault_at_its_place() {
        let found = faults("bootstrap = ['a:1', 'b']\nadvertise = ['c:x']\nwire_version = 99");
        let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["bootstrap.1", "advertise.0", "wire_version"]);
        assert!(found[0].1.contains("write a host and a port"), "{found:?}");
    }
}
