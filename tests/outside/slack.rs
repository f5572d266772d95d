//! The Slack that our tests use, proven by Slack's own client.

use p7_tests::peers::{ask, peer};
use p7_tests::recorder::Recorder;
use p7_tests::slack::{CHANNEL, Slack, TOKEN};
use std::path::Path;

#[test]
fn slacks_own_client_takes_the_tests_workspace_for_slack() {
    let far = Recorder::start_at("127.0.0.1");
    let url = format!("{}api/", far.url());
    std::thread::spawn(move || {
        let mut workspace = Slack::default();
        loop {
            let request = far.next("the client calls", crate::SOON);
            let answer = workspace.answer(&request.line, request.header("authorization"), &request.body);
            request.answer(200, &answer.to_string());
        }
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("slack_peer.py");
    let said = ask(&peer("python"), &[script.to_str().unwrap(), "client", &url, TOKEN, CHANNEL], "");
    // beside it the client warns that a message without text is bad practice
    assert!(said.starts_with("as Slack\n"), "{said}");
}
