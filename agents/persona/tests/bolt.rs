//! The fake of Slack is right: Slack's own client for Python works with it, by its rules.

use super::fake::{APP_TOKEN, BOT_TOKEN, Fake};
use std::path::PathBuf;
use std::process::{Command, Stdio};

#[actix_rt::test]
async fn slacks_own_client_works_with_the_fake() {
    let here = std::env::current_exe().unwrap();
    let python = here.ancestors().nth(3).unwrap().join("peers/venv/bin/python");
    assert!(python.exists(), "{} is missing; `scripts/setup test` installs it", python.display());
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/bolt.py");
    let fake = Fake::start().await;
    let mut child = Command::new(python)
        .arg(script)
        .args([&fake.base, APP_TOKEN, BOT_TOKEN])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
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
    let ended = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
    assert!(ended.success());
}
