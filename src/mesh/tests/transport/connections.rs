//! Who is connected to whom, and who is not let in.

use crate::node::{Node, config, nowhere};
use p7_mesh::key::MeshKey;
use p7_mesh::transport::{Config, Direction, Happened, Refusal, StartError, start};
use p7_mesh::{Keypair, Multiaddr};
use std::collections::BTreeSet;

#[tokio::test]
async fn three_nodes_find_each_other_by_one_address_and_what_they_tell() {
    let mut first = Node::start(config()).await;
    let mut second = Node::dialling(&[&first]).await;
    let mut third = Node::dialling(&[&first]).await;
    second.connected(&first.id).await;
    third.connected(&first.id).await;
    // who listens where travels as a fact
    second.link.know(third.id.clone(), vec![third.address.clone()]);
    second.connected(&third.id).await;
    third.connected(&second.id).await;
    for node in [&mut first, &mut second, &mut third] {
        assert_eq!(node.link.figures().peers, 2);
    }
}

#[tokio::test]
async fn a_node_learns_where_a_peer_that_came_to_it_listens() {
    let mut first = Node::start(config()).await;
    let second = Node::dialling(&[&first]).await;
    let address = second.address.clone();
    let learned = first.wait("the address is known", |happened| match happened {
        Happened::Learned { peer, addresses } if peer == second.id => Some(addresses),
        _ => None,
    });
    assert_eq!(learned.await, [address]);
}

#[tokio::test]
async fn a_connection_says_who_opened_it() {
    let mut first = Node::start(config()).await;
    let mut second = Node::dialling(&[&first]).await;
    let direction = |happened| match happened {
        Happened::Connected { direction, .. } => Some(direction),
        _ => None,
    };
    assert_eq!(first.wait("it is connected", direction).await, Direction::In);
    assert_eq!(second.wait("it is connected", direction).await, Direction::Out);
}

#[tokio::test]
async fn a_node_with_another_key_gets_nothing_and_is_counted() {
    let mut node = Node::start(config()).await;
    let bootstrap = vec![node.address.clone()];
    let mut stranger = Node::start(Config { bootstrap, key: MeshKey::generate(), ..config() }).await;
    node.refused(Refusal::WrongKey).await;
    stranger.refused(Refusal::WrongKey).await;
    for node in [&node, &stranger] {
        let figures = node.link.figures();
        assert_eq!((figures.peers, figures.connections), (0, 0));
    }
}

#[tokio::test]
async fn an_address_where_nobody_is_says_nothing_of_keys() {
    let gone = Node::start(config()).await;
    let address = gone.address.clone();
    gone.link.stop().await;
    let node = Node::start(Config { bootstrap: vec![address], ..config() }).await;
    let mut peer = Node::dialling(&[&node]).await;
    // once the peer is connected, the first dial to nobody has failed long since
    peer.connected(&node.id).await;
    assert_eq!(node.refusals(Refusal::WrongKey), 0);
}

#[tokio::test]
async fn only_nodes_of_the_list_are_let_in() {
    let (friend, stranger) = (Keypair::generate_ed25519(), Keypair::generate_ed25519());
    let friend_id = p7_mesh::peer::node_of(&friend.public().to_peer_id()).unwrap();
    let allow = Some(BTreeSet::from([friend_id.clone()]));
    let mut node = Node::start(Config { allow, ..config() }).await;
    let bootstrap = vec![node.address.clone()];
    let stranger = Node::start(Config { bootstrap: bootstrap.clone(), keypair: stranger, ..config() }).await;
    node.refused(Refusal::NotAllowed).await;
    let _friend = Node::start(Config { bootstrap, keypair: friend, ..config() }).await;
    node.connected(&friend_id).await;
    assert_eq!(node.link.figures().peers, 1);
    drop(stranger);
}

#[tokio::test]
async fn a_node_that_dies_is_seen_at_once_and_dialled_when_it_is_back() {
    let mut node = Node::start(config()).await;
    let keypair = Keypair::generate_ed25519();
    let mut other = Node::start(Config { keypair: keypair.clone(), ..config() }).await;
    let (id, address) = (other.id.clone(), other.address.clone());
    node.link.dial(address.clone());
    node.connected(&id).await;
    other.connected(&node.id).await;
    // as when a process is killed: no goodbye
    drop(other);
    node.disconnected(&id).await;
    assert_eq!(node.link.figures().peers, 0);
    let mut again = Node::start(Config { keypair, listen: vec![address], ..config() }).await;
    node.connected(&id).await;
    again.connected(&node.id).await;
}

#[tokio::test]
async fn a_peer_that_is_disconnected_is_dialled_again() {
    let mut first = Node::start(config()).await;
    let mut second = Node::dialling(&[&first]).await;
    second.connected(&first.id).await;
    second.link.disconnect(first.id.clone());
    second.disconnected(&first.id).await;
    second.connected(&first.id).await;
    first.disconnected(&second.id).await;
    first.connected(&second.id).await;
}

#[tokio::test]
async fn a_node_that_was_reached_before_is_dialled_from_the_start() {
    let mut first = Node::start(config()).await;
    let known = vec![(first.id.clone(), first.address.clone())];
    let second = Node::start(Config { known, ..config() }).await;
    first.connected(&second.id).await;
}

#[tokio::test]
async fn a_node_does_not_mind_its_own_address() {
    let keypair = Keypair::generate_ed25519();
    let mut first = Node::start(Config { keypair: keypair.clone(), ..config() }).await;
    let address = first.address.clone();
    first.link.dial(address);
    let second = Node::dialling(&[&first]).await;
    first.connected(&second.id).await;
    assert_eq!(first.link.figures().peers, 1);
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_that_says_what_to_do() {
    let first = Node::start(config()).await;
    let taken = start(Config { listen: vec![first.address.clone()], ..config() }).unwrap_err();
    assert!(matches!(taken, StartError::Listen { .. }));
    assert!(taken.to_string().contains("change `listen` in node.toml"), "{taken}");
    let odd: Multiaddr = "/ip4/127.0.0.1/udp/7008".parse().unwrap();
    assert!(start(Config { listen: vec![odd], ..config() }).is_err());
}

#[tokio::test]
async fn bytes_are_counted_and_an_idle_connection_costs_little() {
    let mut first = Node::start(Config { listen: vec![nowhere()], ..config() }).await;
    let mut second = Node::dialling(&[&first]).await;
    second.connected(&first.id).await;
    first.connected(&second.id).await;
    let (sent, read) = (second.link.figures().bytes_out, first.link.figures().bytes_in);
    assert!(sent > 200 && read > 200, "{sent} {read}");
    second.link.stop().await;
    first.disconnected(&second.id).await;
}
