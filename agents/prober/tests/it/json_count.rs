//! The `json_count` probe against a real server: counts, limits, and what it remembers between checks.

use crate::common::{LONG, answer, config, http_server, ok, prepared, service};
use p7_core::vocabulary::{Interval, Millis, Outcome};
use p7_prober::{Attempt, Probe};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A server that has so many incidents.
async fn incidents(count: Arc<AtomicUsize>) -> String {
    let to = http_server(move |_| {
        let one = r#"{"priority":"1"},"#.repeat(count.load(Ordering::SeqCst));
        ok(&format!(r#"{{"result":[{one}{{"priority":"5"}}]}}"#))
    })
    .await;
    format!(
        "url = 'http://{to}/'\npath = '$.result[*]'\nfilter = [{{ path = '$.priority', equals = '1' }}]\nunit = 'incidents'\n"
    )
}

fn said(attempt: &Attempt) -> (Outcome, &str) {
    (attempt.outcome, attempt.reason.as_deref().unwrap_or(""))
}

#[tokio::test]
async fn more_than_allowed_fail_and_say_how_many() {
    let count = Arc::new(AtomicUsize::new(3));
    let settings = incidents(Arc::clone(&count)).await + "max = 3";
    let probe = prepared("json_count", &settings, Path::new(".")).unwrap();
    assert_eq!(said(&probe.attempt(LONG).await), (Outcome::Up, ""));
    count.store(4, Ordering::SeqCst);
    assert_eq!(said(&probe.attempt(LONG).await), (Outcome::Failed, "incidents: 4, more than 3"));
}

#[tokio::test]
async fn a_doubled_count_fails_and_looks_within_one_slot_are_one_check() {
    let count = Arc::new(AtomicUsize::new(5));
    let settings = incidents(Arc::clone(&count)).await + "rate_factor = 2";
    let probe = |interval| {
        let mut tickets = service("tickets", "json_count");
        tickets.interval = Interval::new(Millis(interval));
        Probe::prepare(&tickets, &config("json_count", &settings), Path::new(".")).unwrap()
    };
    // the first look in one slot of two seconds, the next in a later one, at most ten on
    let seconds = probe(2_000);
    assert_eq!(said(&seconds.attempt(LONG).await), (Outcome::Up, ""));
    count.store(10, Ordering::SeqCst);
    let began = now() / 2_000;
    while now() / 2_000 == began {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let doubled = "incidents: 10, after 5 at the last check: 2 times as many or more";
    assert_eq!(said(&seconds.attempt(LONG).await), (Outcome::Failed, doubled));
    // in a slot without end nothing lies before
    let endless = probe(1 << 60);
    count.store(5, Ordering::SeqCst);
    assert_eq!(said(&endless.attempt(LONG).await), (Outcome::Up, ""));
    count.store(50, Ordering::SeqCst);
    assert_eq!(said(&endless.attempt(LONG).await), (Outcome::Up, ""));
}

fn now() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()
}

#[tokio::test]
async fn what_is_no_count_fails_in_words() {
    let path = "path = '$.n'\ntake = 'max'\nmax = 1\n";
    for (body, limit, reason) in [
        ("<html>", "", "the answer is no JSON"),
        ("{}", "", "`$.n` finds no number in the answer"),
        (r#"{"n":"many"}"#, "", r#"`$.n` finds "many", which is no number"#),
        (r#"{"n":1,"rest":"long"}"#, "body_limit = 9", "the answer can't be counted: "),
        (
            r#"{"errors":[]}"#,
            "expect_json = [{ path = '$.errors', exists = false }]",
            "`$.errors` is in the answer",
        ),
    ] {
        let to = http_server(move |_| ok(body)).await;
        let probe = prepared("json_count", &format!("url = 'http://{to}/'\n{path}{limit}"), Path::new("."));
        let attempt = probe.unwrap().attempt(LONG).await;
        assert_eq!(attempt.outcome, Outcome::Failed, "{body}");
        assert!(attempt.reason.as_deref().unwrap().starts_with(reason), "{body}: {:?}", attempt.reason);
    }
    let to = http_server(|_| answer(401, "", "")).await;
    let probe = prepared("json_count", &format!("url = 'http://{to}/'\n{path}"), Path::new(".")).unwrap();
    assert_eq!(probe.attempt(LONG).await.outcome, Outcome::Unauthorized);
}
