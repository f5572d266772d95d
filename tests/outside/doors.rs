//! Which doors a node opens, and what it says when one is taken.

use crate::{SOON, watching};
use p7_tests::node::Node;
use p7_tests::site::Site;
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;

/// The ports a process listens on, from its open files and the kernel's table.
fn listening(process: u32) -> BTreeSet<u16> {
    let files = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let sockets: BTreeSet<String> = files
        .filter_map(|file| Some(fs::read_link(file.ok()?.path()).ok()?.to_string_lossy().into_owned()))
        .filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let mut ports = BTreeSet::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let text = fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, local, _, state, .., inode] = fields.get(..10).unwrap() else {
                unreachable!("ten fields")
            };
            // 0A is a listening TCP socket, 07 an unconnected UDP one
            if ["0A", "07"].contains(state) && sockets.contains(*inode) {
                let (_, port) = local.rsplit_once(':').unwrap();
                ports.insert(u16::from_str_radix(port, 16).unwrap());
            }
        }
    }
    ports
}

#[test]
fn without_a_mesh_key_the_dashboard_is_the_only_door() {
    let site = Site::start();
    let node = Node::start(&watching(&[("shop", &site)]));
    node.until_level("shop", "healthy", SOON);
    let own: u16 = node.url().rsplit_once(':').unwrap().1.parse().unwrap();
    assert_eq!(listening(node.id()), BTreeSet::from([own]));
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut node = Node::new("").with_port(port);
    let status = node.run_to_its_end(SOON);
    assert_ne!(status.code(), Some(0));
    let log = node.log();
    assert!(log.contains(&format!("127.0.0.1:{port}")), "{log}");
    assert!(log.contains("in use") && log.contains("listen"), "says what to do: {log}");
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn a_port_that_the_demo_site_wants_is_named_as_well() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut node = Node::new("");
    node.write_node(&format!("[demo]\nlisten = \"{address}\"\n"));
    let status = node.run_to_its_end(SOON);
    assert_ne!(status.code(), Some(0));
    let log = node.log();
    assert!(log.contains(&address) && !log.contains("panicked"), "{log}");
}

#[test]
fn an_empty_configuration_runs_and_says_that_nothing_is_watched() {
    let node = Node::start("");
    assert_eq!(node.json("/api/v1/services")["items"].as_array().unwrap().len(), 0);
    assert_eq!(node.get("/").status, 200);
}
