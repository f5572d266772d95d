//! What is gossiped, and whom it reaches.

use crate::node::{Node, config};
use p7_mesh::frames::Kind;
use p7_mesh::transport::{Config, Happened, Judgement, PeerLimits, Refusal, Urgency};
use std::time::Duration;

/// A frame of a beat that says nothing but this.
fn frame(text: &str) -> Vec<u8> {
    [&[0x50, 1, 1], text.as_bytes()].concat()
}

impl Node {
    /// The next gossip, which is judged.
    async fn heard(&mut self, judgement: Judgement) -> Vec<u8> {
        let (id, bytes) = self
            .wait("gossip arrives", |happened| match happened {
                Happened::Gossip { id, bytes, .. } => Some((id, bytes)),
                _ => None,
            })
            .await;
        self.link.judge(id, judgement);
        bytes
    }
}

/// Gossips `text` from `from` again and again until `to` has heard it: a peer that has just connected
/// may not be known to listen yet, and gossip is not kept for it.
async fn until_heard(from: &Node, to: &mut Node, text: &str, judgement: Judgement) {
    let mut number = 0;
    loop {
        from.link.gossip(frame(&format!("{text} {number}")), Urgency::Now);
        number += 1;
        let heard = tokio::time::timeout(Duration::from_millis(200), to.heard(judgement)).await;
        if heard.is_ok_and(|heard| heard.starts_with(&frame(text))) {
            return;
        }
    }
}

#[tokio::test]
async fn gossip_reaches_everybody_who_is_connected() {
    let mut first = Node::start(config()).await;
    let mut second = Node::dialling(&[&first]).await;
    let mut third = Node::dialling(&[&first, &second]).await;
    for (from, to) in [(&first, &mut second), (&first, &mut third)] {
        until_heard(from, to, "settled", Judgement::Keep).await;
    }
    until_heard(&second, &mut third, "settled too", Judgement::Keep).await;
    until_heard(&third, &mut first, "settled as well", Judgement::Keep).await;
    first.link.gossip(frame("news"), Urgency::Soon);
    for node in [&mut second, &mut third] {
        while node.heard(Judgement::Keep).await != frame("news") {}
    }
    assert!(first.link.figures().messages_out[&Kind::Beat] >= 3);
    assert!(second.link.figures().messages_in[&Kind::Beat] >= 2);
}

#[tokio::test]
async fn gossip_goes_further_only_when_it_is_judged_to_be_news() {
    let mut middle = Node::start(config()).await;
    let left = Node::dialling(&[&middle]).await;
    let mut right = Node::dialling(&[&middle]).await;
    until_heard(&middle, &mut right, "settled", Judgement::Keep).await;
    until_heard(&left, &mut middle, "settled", Judgement::Keep).await;
    left.link.gossip(frame("kept"), Urgency::Now);
    while middle.heard(Judgement::Keep).await != frame("kept") {}
    left.link.gossip(frame("refused"), Urgency::Now);
    while middle.heard(Judgement::Refuse).await != frame("refused") {}
    left.link.gossip(frame("news"), Urgency::Now);
    while middle.heard(Judgement::PassOn).await != frame("news") {}
    loop {
        let heard = right.heard(Judgement::Keep).await;
        assert!(heard != frame("kept") && heard != frame("refused"));
        if heard == frame("news") {
            return;
        }
    }
}

#[tokio::test]
async fn a_node_that_is_alone_gossips_without_fault() {
    let node = Node::start(config()).await;
    node.link.gossip(frame("anybody?"), Urgency::Now);
    let mut peer = Node::dialling(&[&node]).await;
    peer.connected(&node.id).await;
    assert_eq!(node.refusals(Refusal::Unsent), 0);
}

#[tokio::test]
async fn a_large_frame_arrives_whole() {
    let mut first = Node::start(config()).await;
    let second = Node::dialling(&[&first]).await;
    until_heard(&second, &mut first, "settled", Judgement::Keep).await;
    let large = frame(&"x".repeat(256 * 1024 - 3));
    second.link.gossip(large.clone(), Urgency::Soon);
    while first.heard(Judgement::Keep).await != large {}
}

#[tokio::test]
async fn a_peer_that_floods_is_limited_and_shut_out() {
    let limits = PeerLimits { gossip_per_second: 20, ..PeerLimits::default() };
    let mut node = Node::start(Config { limits, ..config() }).await;
    let flooder = Node::dialling(&[&node]).await;
    until_heard(&flooder, &mut node, "settled", Judgement::Keep).await;
    let mut heard = 0;
    let mut number = 0;
    loop {
        for _ in 0..50 {
            number += 1;
            flooder.link.gossip(frame(&number.to_string()), Urgency::Now);
        }
        match node.next("the flooder is shut out").await {
            Happened::Gossip { .. } => heard += 1,
            Happened::Disconnected(peer) => {
                assert_eq!(peer, flooder.id);
                break;
            }
            _ => {}
        }
    }
    assert!(node.refusals(Refusal::GossipRate) > 80);
    assert_eq!(node.refusals(Refusal::Flood), 1);
    assert!(heard < 1_000, "{heard} of {number}");
}
