//! What an idle mesh costs on the wire. Run with `--ignored`: it watches for twenty seconds.

use crate::node::{Node, config};
use p7_core::mesh::words::{Beat, Boot, Post, Role, Stamp, Term};
use p7_core::vocabulary::MeshTime;
use p7_mesh::frames::{NEWEST_WIRE, seal_beat};
use p7_mesh::mesh_id::MeshId;
use p7_mesh::transport::{Config, Happened, Judgement, Urgency};
use p7_mesh::{Keypair, Multiaddr};
use std::time::Duration;

const NODES: u16 = 10;
const SECONDS: u64 = 20;
/// Bytes that a node may send in a second, all in all.
const LIMIT: u64 = 4_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it watches for twenty seconds"]
async fn ten_idle_nodes_send_little() {
    let mut nodes: Vec<(Node, Keypair)> = Vec::new();
    for _ in 0..NODES {
        let keypair = Keypair::generate_ed25519();
        let bootstrap: Vec<Multiaddr> = nodes.iter().map(|(node, _)| node.address.clone()).collect();
        let node = Node::start(Config { keypair: keypair.clone(), bootstrap, ..config() }).await;
        nodes.push((node, keypair));
    }
    let mut watches = Vec::new();
    for (node, keypair) in nodes {
        watches.push(tokio::spawn(watch(node, keypair)));
    }
    for watch in watches {
        let (sent, beats) = watch.await.unwrap();
        println!("{sent} bytes a second sent, {beats} beats a second heard");
        assert!(sent <= LIMIT, "{sent} bytes a second");
        assert!(beats >= 4, "{beats} beats a second");
    }
}

/// Beats as a node does and keeps what it hears; says what it sent and heard in a second, once all are
/// connected.
async fn watch(mut node: Node, keypair: Keypair) -> (u64, u64) {
    while node.link.figures().peers < u64::from(NODES - 1) {
        node.next("all are connected").await;
    }
    let mut beat = tokio::time::interval(Duration::from_secs(2));
    let mut number = 0;
    let (mut before, mut heard) = (0, 0);
    // a few seconds to settle
    while number < SECONDS / 2 + 3 {
        tokio::select! {
            _ = beat.tick() => {
                number += 1;
                if number == 3 {
                    (before, heard) = (node.link.figures().bytes_out, 0);
                }
                node.link.gossip(frame(&node, &keypair, number), Urgency::Now);
            }
            happened = node.next("a beat") => if let Happened::Gossip { id, .. } = happened {
                heard += 1;
                node.link.judge(id, Judgement::Keep);
            },
        }
    }
    ((node.link.figures().bytes_out - before) / SECONDS, heard / SECONDS)
}

fn frame(node: &Node, keypair: &Keypair, number: u64) -> Vec<u8> {
    let post = Post { role: Role::Leader, fit: true, highest: Term(9), claim: None, yields_to: None };
    let beat = Beat {
        node: node.id.clone(),
        boot: Boot(3),
        number,
        wall: MeshTime(1_764_000_000_000 + number),
        priority: 50,
        posts: vec![post],
        links: NODES - 1,
        digest: u64::MAX,
        configuration: Stamp { version: 1, hash: u64::MAX },
        cut_off: false,
        goodbye: false,
        wire: NEWEST_WIRE,
    };
    seal_beat(&beat, keypair, &MeshId::of("office"), NEWEST_WIRE).unwrap()
}
