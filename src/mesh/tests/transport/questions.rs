//! Questions to one peer, and their answers.

use crate::node::{Node, config};
use p7_core::vocabulary::NodeId;
use p7_mesh::frames::ASK_LIMIT;
use p7_mesh::transport::{Config, Happened, PeerLimits, Refusal};
use std::time::Duration;

impl Node {
    /// The next question: who asks, the token, the frame.
    async fn asked(&mut self) -> (NodeId, u64, Vec<u8>) {
        self.wait("somebody asks", |happened| match happened {
            Happened::Asked { from, token, bytes } => Some((from, token, bytes)),
            _ => None,
        })
        .await
    }

    /// The answer with this ticket.
    async fn answered(&mut self, wanted: u64) -> Option<Vec<u8>> {
        self.wait("somebody answers", |happened| match happened {
            Happened::Answered { ticket, bytes, .. } if ticket == wanted => Some(bytes),
            _ => None,
        })
        .await
    }
}

async fn two(limits: PeerLimits) -> (Node, Node) {
    let mut first = Node::start(Config { limits, ..config() }).await;
    let bootstrap = vec![first.address.clone()];
    let mut second = Node::start(Config { limits, bootstrap, ..config() }).await;
    second.connected(&first.id).await;
    first.connected(&second.id).await;
    (first, second)
}

#[tokio::test]
async fn a_question_is_answered_by_whom_it_is_put_to() {
    let (mut first, mut second) = two(PeerLimits::default()).await;
    second.link.ask(first.id.clone(), 7, b"what?".to_vec());
    let (from, token, bytes) = first.asked().await;
    assert_eq!((from, bytes), (second.id.clone(), b"what?".to_vec()));
    first.link.answer(token, b"this".to_vec());
    assert_eq!(second.answered(7).await, Some(b"this".to_vec()));
}

#[tokio::test]
async fn the_largest_question_and_answer_arrive_and_larger_ones_do_not() {
    let (mut first, mut second) = two(PeerLimits::default()).await;
    let full = vec![7; ASK_LIMIT];
    second.link.ask(first.id.clone(), 1, full.clone());
    let (_, token, bytes) = first.asked().await;
    assert!(bytes == full);
    first.link.answer(token, full.clone());
    assert!(second.answered(1).await == Some(full));
    second.link.ask(first.id.clone(), 2, vec![7; ASK_LIMIT + 1]);
    assert_eq!(second.answered(2).await, None);
    second.link.ask(first.id.clone(), 3, Vec::new());
    let (_, token, _) = first.asked().await;
    first.link.answer(token, vec![7; ASK_LIMIT + 1]);
    assert_eq!(second.answered(3).await, None);
    assert_eq!(second.link.figures().peers, 1, "the connection stands");
}

#[tokio::test]
async fn a_question_that_nobody_answers_comes_to_an_end() {
    let limits = PeerLimits { answer_within: Duration::from_millis(300), ..PeerLimits::default() };
    let (mut first, mut second) = two(limits).await;
    second.link.ask(first.id.clone(), 1, b"hello?".to_vec());
    let (_, token, _) = first.asked().await;
    assert_eq!(second.answered(1).await, None);
    // too late, and no harm
    first.link.answer(token, b"sorry".to_vec());
    second.link.ask(first.id.clone(), 2, b"hello?".to_vec());
    let (_, token, _) = first.asked().await;
    first.link.answer(token, b"here".to_vec());
    assert_eq!(second.answered(2).await, Some(b"here".to_vec()));
}

#[tokio::test]
async fn a_question_to_a_node_that_is_not_connected_is_answered_with_nothing_at_once() {
    let (first, mut second) = two(PeerLimits::default()).await;
    let stranger = Node::start(config()).await;
    second.link.ask(stranger.id.clone(), 9, b"hello?".to_vec());
    assert_eq!(second.answered(9).await, None);
    assert_eq!(second.refusals(Refusal::Unasked), 1);
    drop(first);
}

#[tokio::test]
async fn a_peer_that_asks_too_much_gets_no_answers() {
    let limits = PeerLimits { questions_per_second: 1, ..PeerLimits::default() };
    let (mut first, mut second) = two(limits).await;
    for ticket in 1..=6 {
        second.link.ask(first.id.clone(), ticket, b"what?".to_vec());
    }
    for _ in 0..4 {
        let (_, token, _) = first.asked().await;
        first.link.answer(token, b"this".to_vec());
    }
    let mut answers = Vec::new();
    while answers.len() < 6 {
        if let Happened::Answered { bytes, .. } = second.next("all are answered").await {
            answers.push(bytes.is_some());
        }
    }
    assert_eq!(answers.iter().filter(|answer| **answer).count(), 4);
    assert_eq!(first.refusals(Refusal::QuestionRate), 2);
}
