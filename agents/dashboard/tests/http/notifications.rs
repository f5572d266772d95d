//! What was said to people, and trying a channel out.

use crate::support::{Node, loopback};
use serde_json::{Value, json};

#[actix_web::test]
async fn what_was_said_is_told_with_what_waits_and_what_failed() {
    let answer = Node::empty().get("/api/v1/notifications").await;
    assert_eq!(answer.status, 200);
    let channel = &answer.json()["channels"][0];
    assert_eq!((&channel["name"], &channel["waiting"]), (&json!("ops"), &json!(2)));
    assert_eq!(channel["messages"][0]["why"], "no such channel; invite the bot");
    assert_eq!(channel["messages"][1]["by"], "oslo");
    assert_eq!(channel["messages"][1]["title"], Value::Null);
}

#[actix_web::test]
async fn a_test_is_answered_with_what_became_of_it() {
    let node = Node::empty();
    let test =
        async |channel: &str, body: &str| node.post(&format!("/api/v1/channels/{channel}/test"), body).await;
    let by = r#"{"by":"anna"}"#;
    let taken = test("ops", by).await;
    assert_eq!((taken.status, &taken.json()["says"]), (200, &json!("taken from anna")));
    for (channel, status) in [("full", 409), ("away", 503), ("nobody", 404)] {
        assert_eq!(test(channel, by).await.status, status, "{channel}");
    }
    assert_ne!(test("ops", "{}").await.status, 200);
}

#[actix_web::test]
async fn a_test_needs_the_right_to_change() {
    let node = Node::try_start(&loopback()).unwrap();
    let proxied = "Content-Type: application/json\r\nX-Forwarded-For: 192.0.2.1\r\n";
    let answer = node.post_with("/api/v1/channels/ops/test", r#"{"by":"anna"}"#, proxied).await;
    assert!([401, 403].contains(&answer.status), "{}", answer.status);
}
