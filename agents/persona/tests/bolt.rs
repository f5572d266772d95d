//! The fake of Slack is right: Slack's own client for Python works with it, by its rules.

use super::fake::{APP_TOKEN, BOT_TOKEN, Fake};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A process that does not outlive its test.
struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[actix_rt::test]
async fn slacks_own_client_works_with_the_fake() {
    let here = std::env::current_exe().unwrap();
    let python = here.ancestors().nth(3).unwrap().join("peers/venv/bin/python");
    assert!(python.exists(), "{} is missing; `scripts/setup test` installs it", python.display());
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/bolt.py");
    let fake = Fake::start().await;
    // it answers in time, but not beside eight other tests and while it changes its sockets
    fake.state().ack_within = Duration::from_secs(30);
    let mut child = Child(
        Command::new(python)
            .arg(script)
            .args([&fake.base, APP_TOKEN, BOT_TOKEN])
            .stdin(Stdio::null())
            .spawn()
            .unwrap(),
    );
    fake.connected().await;
    fake.mention("C1", "U1", "one");
    let said = fake.said("chat.postMessage", 1).await;
    assert!(said["text"].as_str().unwrap().ends_with("one"), "{said}");
    fake.slash("U1", "status");
    fake.press("U1", "p7_ack", "shop");
    let said = fake.said("chat.postMessage", 2).await;
    assert_eq!(said["text"], "pressed shop");
    fake.wait("a response", |state| {
        state.calls.iter().find(|call| call.method.starts_with("/respond/")).cloned()
    })
    .await;
    // it follows a refresh, too
    fake.disconnect("refresh_requested");
    fake.wait("a second socket", |state| (state.all_sockets() >= 2).then_some(())).await;
    fake.connected().await;
    fake.mention("C1", "U1", "stop");
    fake.said("chat.postMessage", 3).await;
    fake.is_content().await;
    let ended = tokio::task::spawn_blocking(move || child.0.wait()).await.unwrap().unwrap();
    assert!(ended.success());
}
