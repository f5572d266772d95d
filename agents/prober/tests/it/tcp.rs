//! The `tcp` probe against real servers.

use crate::common::{LONG, prepared, refusing, server};
use p7_core::vocabulary::Outcome;
use p7_prober::Attempt;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn tcp(settings: &str, timeout: Duration) -> Attempt {
    prepared("tcp", settings, Path::new(".")).unwrap().attempt(timeout).await
}

fn reason(attempt: &Attempt) -> &str {
    attempt.reason.as_deref().unwrap_or("")
}

#[tokio::test]
async fn being_connected_is_enough_when_no_words_are_expected() {
    let to = server(|_stream| async {}).await;
    let attempt = tcp(&format!("address = '{to}'"), LONG).await;
    assert_eq!((attempt.outcome, attempt.reason, attempt.detail.peer), (Outcome::Up, None, Some(to)));
    let gone = refusing();
    let attempt = tcp(&format!("address = '{gone}'"), LONG).await;
    assert_eq!(
        (attempt.outcome, reason(&attempt)),
        (Outcome::Failed, &*format!("connection refused by {gone}"))
    );
}

#[tokio::test]
async fn words_are_sent_and_the_expected_ones_listened_for_until_they_come() {
    let to = server(|mut stream| async move {
        let mut said = [0; 6];
        stream.read_exact(&mut said).await.unwrap();
        for part in ["+PO", "NG", "\r\n"] {
            stream.write_all(part.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(&said, b"PING\r\n");
        std::future::pending::<()>().await;
    })
    .await;
    let settings = format!("address = '{to}'\nsend = \"PING\\r\\n\"\n");
    assert_eq!(tcp(&(settings.clone() + "expect = '+pong'"), LONG).await.outcome, Outcome::Up);
    let attempt = tcp(&(settings + "expect = 'regex:^-ERR'"), Duration::from_millis(200)).await;
    assert_eq!(attempt.outcome, Outcome::Mismatch);
    assert_eq!(reason(&attempt), "a match of `^-ERR` did not come in time");
}

#[tokio::test]
async fn silence_other_words_and_an_early_end_are_told_apart() {
    let silent = server(|stream| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let attempt = tcp(&format!("address = '{silent}'\nexpect = 'x'"), Duration::from_millis(100)).await;
    assert_eq!(attempt.outcome, Outcome::Failed);
    assert!(
        reason(&attempt).starts_with("no answer within 100 ms (connected after "),
        "{}",
        reason(&attempt)
    );
    let ends = server(|stream| async move { drop(stream) }).await;
    let attempt = tcp(&format!("address = '{ends}'\nexpect = 'x'"), LONG).await;
    assert_eq!(
        (attempt.outcome, reason(&attempt)),
        (Outcome::Failed, &*format!("{ends} closed the connection without an answer"))
    );
    let other = server(|mut stream| async move {
        stream.write_all(b"421 busy\r\n").await.unwrap();
    })
    .await;
    let attempt = tcp(&format!("address = '{other}'\nexpect = '220 '"), LONG).await;
    assert_eq!(
        (attempt.outcome, reason(&attempt)),
        (Outcome::Mismatch, "the text `220 ` is missing from the answer")
    );
}

#[tokio::test]
async fn a_flood_of_other_words_is_cut() {
    let to = server(|mut stream| async move { while stream.write_all(&[b'x'; 8192]).await.is_ok() {} }).await;
    let attempt = tcp(&format!("address = '{to}'\nexpect = 'regex:never'"), LONG).await;
    assert_eq!(attempt.outcome, Outcome::Mismatch);
    assert!(attempt.detail.body_bytes <= 70_000);
}
