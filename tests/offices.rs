//! A small world of offices: network namespaces that are joined by cables, with an uplink each. Nothing
//! of it is seen outside of the test, and all of it vanishes with the test's process.

use crate::apart::{Own, apart, run};
use crate::node::{Node, p7};
use crate::recorder::Recorder;
use crate::site::Site;
use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

/// The address of the services: every office reaches it by its uplink, and by nothing else.
const TOWN: &str = "10.99.0.1";
/// The port nodes listen on for their peers.
pub const MESH_PORT: u16 = 7077;

/// Runs `test` in a world of its own; says so where the system refuses one.
pub fn in_a_world(test: impl FnOnce(&World)) {
    apart(Own::World, || {
        // `ip` keeps its namespaces below /run; what /sys shows belongs to the network it was mounted in
        run("mount -t tmpfs tmpfs /run");
        run("mount -t sysfs sysfs /sys");
        run("ip link set lo up");
        run(&format!("ip address add {TOWN}/32 dev lo"));
        let key = p7(&["mesh", "key", "--print"]);
        assert!(key.status.success(), "p7 mesh key: {}", String::from_utf8_lossy(&key.stderr));
        let key = String::from_utf8(key.stdout).unwrap();
        test(&World { key, made: Cell::new(0) });
    });
}

/// The world of one test.
#[derive(Debug)]
pub struct World {
    key: String,
    /// How many things have been made: their numbers are in names and addresses.
    made: Cell<u8>,
}

/// A network inside an office, or the outer one that all offices' routers are at.
#[derive(Debug)]
pub struct Lan {
    bridge: String,
    /// The first three numbers of its addresses.
    net: String,
    plugged: Cell<u8>,
}

/// A node's place in a network.
#[derive(Debug)]
pub struct Plug {
    namespace: String,
    inner: String,
    outer: String,
    /// Its address there.
    pub address: String,
}

/// A cable between two networks.
#[derive(Debug)]
pub struct Cable {
    end: String,
}

impl World {
    fn number(&self) -> u8 {
        self.made.set(self.made.get() + 1);
        self.made.get()
    }

    /// A service that is well.
    pub fn site(&self) -> Site {
        Site::start_at(TOWN)
    }

    /// A channel's far end.
    pub fn recorder(&self) -> Recorder {
        Recorder::start_at(TOWN)
    }

    /// A network that nobody is in.
    pub fn lan(&self) -> Lan {
        let number = self.number();
        let lan =
            Lan { bridge: format!("lan{number}"), net: format!("10.{number}.0"), plugged: Cell::new(0) };
        run(&format!("ip link add {} type bridge", lan.bridge));
        run(&format!("ip link set {} up", lan.bridge));
        lan
    }

    /// The network that all routers are in. The services are reached through it.
    pub fn internet(&self) -> Lan {
        let lan = self.lan();
        run(&format!("ip address add {}/24 dev {}", lan.gateway(), lan.bridge));
        lan
    }

    /// More of the same network behind a switch of its own, and the cable between the two switches.
    pub fn beyond(&self, lan: &Lan) -> (Lan, Cable) {
        let number = self.number();
        let far = Lan {
            bridge: format!("lan{number}"),
            net: lan.net.clone(),
            // addresses of their own
            plugged: Cell::new(lan.plugged.get() + 100),
        };
        let (near_end, far_end) = (format!("c{number}a"), format!("c{number}b"));
        run(&format!("ip link add {} type bridge", far.bridge));
        run(&format!("ip link set {} up", far.bridge));
        run(&format!("ip link add {near_end} type veth peer name {far_end}"));
        for (end, bridge) in [(&near_end, &lan.bridge), (&far_end, &far.bridge)] {
            run(&format!("ip link set {end} master {bridge} up"));
        }
        (far, Cable { end: near_end })
    }

    /// A node in an office of its own that has its uplink and the mesh's key; it is in no network and not
    /// yet started.
    pub fn office(&self, name: &str) -> Node {
        network(name);
        let number = self.number();
        let uplink = format!("up{number}");
        run(&format!("ip link add {uplink} type veth peer name uplink netns {name}"));
        run(&format!("ip address add 10.98.{number}.1/30 dev {uplink}"));
        run(&format!("ip link set {uplink} up"));
        let within = format!("ip -netns {name}");
        run(&format!("{within} address add 10.98.{number}.2/30 dev uplink"));
        run(&format!("{within} link set uplink up"));
        run(&format!("{within} route add default via 10.98.{number}.1"));
        self.furnished(name)
    }

    /// A node behind a router that lets it out under the router's own address, and nobody in. The router is
    /// in `outer`; its inner network is `lan`.
    pub fn office_behind(&self, router: &Router, name: &str) -> Node {
        network(name);
        router.lan.plug_in(name);
        run(&format!("ip -netns {name} route add default via {}", router.inner));
        self.furnished(name)
    }

    /// A router between a new network and `outer`, an [`internet`](Self::internet), by which all that is inside shares one address. None
    /// where the kernel or the tools can't do that.
    pub fn router(&self, name: &str, outer: &Lan) -> Option<Router> {
        network(name);
        let lan = self.lan();
        let inner = lan.plug_in(name);
        let outside = outer.plug_in(name);
        run(&format!("ip -netns {name} route add default via {}", outer.gateway()));
        run(&format!("ip netns exec {name} sysctl -q net.ipv4.ip_forward=1"));
        let rule = format!("oifname \"{}\" masquerade", outside.inner);
        filter(name, "type nat hook postrouting priority srcnat", &rule)
            .then_some(Router { lan, inner: inner.address })
    }

    /// What node.toml says of the mesh, with `more` below it: no multicast, only the usual port over IPv4.
    pub fn mesh(&self, more: &str) -> String {
        format!("[mesh]\nkey = \"file:mesh.key\"\nlisten = [\"0.0.0.0:{MESH_PORT}\"]\nmdns = false\n{more}\n")
    }

    /// Nodes in offices of their own on one network, each watching what `mesh` says; all but the first know
    /// the first one's address. Not yet started.
    pub fn offices(&self, lan: &Lan, names: &[&str], mesh: &str) -> Vec<Node> {
        let furnish = |name: &&str| {
            let node = self.office(name);
            let bootstrap = if lan.plugged.get() > 0 { lan.bootstrap() } else { String::new() };
            lan.plug(&node);
            node.write_node(&self.mesh(&bootstrap));
            node.write_mesh(mesh);
            node
        };
        names.iter().map(furnish).collect()
    }

    fn furnished(&self, name: &str) -> Node {
        let node = Node::within(name);
        fs::write(node.path("mesh.key"), &self.key).unwrap();
        node.write_node(&self.mesh(""));
        node
    }
}

/// A router that hides what is behind it.
#[derive(Debug)]
pub struct Router {
    lan: Lan,
    inner: String,
}

impl Lan {
    /// Plugs a node in.
    pub fn plug(&self, node: &Node) -> Plug {
        self.plug_in(node.name())
    }

    /// What node.toml says to find the node that was plugged in first.
    pub fn bootstrap(&self) -> String {
        format!("bootstrap = [\"{}.1:{MESH_PORT}\"]", self.net)
    }

    /// Where the services' side of the world is in it.
    fn gateway(&self) -> String {
        format!("{}.254", self.net)
    }

    fn plug_in(&self, namespace: &str) -> Plug {
        self.plugged.set(self.plugged.get() + 1);
        let number = self.plugged.get();
        let outer = format!("{}p{number}", self.bridge);
        let inner = format!("{}x", self.bridge);
        let address = format!("{}.{number}", self.net);
        run(&format!("ip link add {outer} type veth peer name {inner} netns {namespace}"));
        run(&format!("ip link set {outer} master {} up", self.bridge));
        run(&format!("ip -netns {namespace} address add {address}/24 dev {inner}"));
        run(&format!("ip -netns {namespace} link set {inner} up"));
        Plug { namespace: namespace.to_owned(), inner, outer, address }
    }
}

impl Plug {
    /// Pulls it out.
    pub fn pull(&self) {
        run(&format!("ip link set {} down", self.outer));
    }

    /// Puts it back.
    pub fn put_back(&self) {
        run(&format!("ip link set {} up", self.outer));
    }

    /// From now on nothing that is sent from here to `other` arrives; it goes to a neighbour who isn't there,
    /// and nobody is told. What `other` sends still comes.
    pub fn lose_what_goes_to(&self, other: &Self) {
        run(&format!(
            "ip -netns {} neighbour replace {} lladdr 02:00:00:00:00:01 nud permanent dev {}",
            self.namespace, other.address, self.inner
        ));
    }

    /// From now on a firewall in between ends every connection with `other`. False where there is no `nft`.
    pub fn forbid(&self, other: &Self) -> bool {
        let rule = format!("ip saddr {} meta l4proto tcp reject with tcp reset", other.address);
        filter(&self.namespace, "type filter hook input priority filter", &rule)
    }

    /// The firewall is gone.
    pub fn allow(&self) {
        run(&format!("ip netns exec {} nft delete table ip office", self.namespace));
    }

    /// What is sent to `other` arrives again.
    pub fn reach(&self, other: &Self) {
        run(&format!("ip -netns {} neighbour delete {} dev {}", self.namespace, other.address, self.inner));
    }
}

impl Cable {
    /// Cuts it.
    pub fn cut(&self) {
        run(&format!("ip link set {} down", self.end));
    }

    /// Mends it.
    pub fn mend(&self) {
        run(&format!("ip link set {} up", self.end));
    }
}

/// The services can no longer be reached from a node, which still has its uplink.
pub fn lose_the_way_to_town(node: &Node) {
    run(&format!("ip -netns {} route add unreachable {TOWN}/32", node.name()));
}

/// They can be reached again.
pub fn find_the_way_to_town(node: &Node) {
    run(&format!("ip -netns {} route delete unreachable {TOWN}/32", node.name()));
}

/// The uplink's plug is pulled out, seen from the node: its link is down, its default route leads nowhere.
pub fn pull_the_uplink(node: &Node) {
    run(&format!("ip -netns {} link set uplink down", node.name()));
}

/// A network of its own for one machine, where only loopback is up.
fn network(name: &str) {
    run(&format!("ip netns add {name}"));
    run(&format!("ip -netns {name} link set lo up"));
}

/// Puts a rule into force in a network; false where the tool or the kernel lacks what it takes.
fn filter(network: &str, hook: &str, rule: &str) -> bool {
    let mut nft = Command::new("ip")
        .args(["netns", "exec", network, "nft", "-f", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let rules = format!("table ip office {{\nchain rules {{\n{hook};\n{rule}\n}}\n}}\n");
    // where there is no nft nobody reads it
    let written = nft.stdin.take().unwrap().write_all(rules.as_bytes());
    nft.wait().unwrap().success() && written.is_ok()
}
