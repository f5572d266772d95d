//! What a source may do wrong: too many requests, silence, rubbish, and far too much.

use super::fake::{Fake, Reply};
use super::provide;
use crate::fetch::{Body, Fetcher, Login, Manner, Trouble, TroubleKind};
use p7_settings::{Secret, SecretText};
use std::time::{Duration, Instant};
use url::Url;

const NOW: u64 = 1_800_000_000;
const LONG: Duration = Duration::from_secs(20);

fn token(text: &str) -> SecretText {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("t"), text).unwrap();
    Secret::File("t".into()).resolve(dir.path()).unwrap()
}

async fn get_within(url: &str, within: Duration, secret: &str) -> Result<Body, Trouble> {
    provide();
    let manner = Manner {
        login: Login::Bearer,
        accept: "application/json",
        headers: &[],
        scope: "the scope X",
        token_at: "env:TOKEN".to_owned(),
    };
    let fetcher = Fetcher::new(manner, within).unwrap();
    fetcher.get(&Url::parse(url).unwrap(), &token(secret), NOW).await
}

async fn get(reply: Reply) -> Result<Body, Trouble> {
    let fake = Fake::start(move |_| reply.clone()).await;
    get_within(&format!("{}/things?q=private", fake.url), LONG, "very-secret").await
}

async fn trouble(reply: Reply) -> Trouble {
    let trouble = get(reply).await.unwrap_err();
    let shown = format!("{trouble:?}");
    assert!(!shown.contains("very-secret") && !shown.contains("private"), "{shown}");
    trouble
}

#[tokio::test]
async fn retry_after_is_honoured_in_seconds_and_as_a_date() {
    let limited = trouble(Reply::status(429).with("Retry-After", "120")).await;
    assert_eq!((limited.kind, limited.wait), (TroubleKind::Limited, Some(Duration::from_secs(120))));
    // 2027-01-15T08:10:00Z is ten minutes after NOW
    let dated = Reply::status(503).with("Retry-After", "Fri, 15 Jan 2027 08:10:00 GMT");
    let dated = trouble(dated).await;
    assert_eq!((dated.kind, dated.wait), (TroubleKind::Limited, Some(Duration::from_secs(600))));
    let odd = trouble(Reply::status(429).with("Retry-After", "soon")).await;
    assert_eq!((odd.kind, odd.wait), (TroubleKind::Limited, None));
}

#[tokio::test]
async fn a_spent_rate_limit_is_waited_for() {
    let reset = (NOW + 900).to_string();
    let spent = Reply::status(403).with("X-RateLimit-Remaining", "0").with("X-RateLimit-Reset", &*reset);
    let spent = trouble(spent).await;
    assert_eq!((spent.kind, spent.wait), (TroubleKind::Limited, Some(Duration::from_secs(900))));
    let last = Reply::json("[]").with("RateLimit-Remaining", "0").with("RateLimit-Reset", &*reset);
    assert_eq!(get(last).await.unwrap().wait, Some(Duration::from_secs(900)));
    let left = Reply::json("[]").with("X-RateLimit-Remaining", "7").with("X-RateLimit-Reset", &*reset);
    assert_eq!(get(left).await.unwrap().wait, None);
    // Azure DevOps slows down before it refuses
    let slowed = Reply::json("[]").with("Retry-After", "30");
    assert_eq!(get(slowed).await.unwrap().wait, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn every_refusal_has_its_kind_and_says_what_to_do() {
    let table = [
        (401, TroubleKind::Refused, "the token is refused (401): it needs the scope X"),
        (403, TroubleKind::Refused, "may not read"),
        (203, TroubleKind::Refused, "a way to sign in (203)"),
        (302, TroubleKind::Refused, "a way to sign in (302)"),
        (404, TroubleKind::NotFound, "is not there (404)"),
        (422, TroubleKind::BadAnswer, "does not understand the question (422)"),
        (500, TroubleKind::Unreachable, "has an error of its own (500)"),
        (418, TroubleKind::BadAnswer, "answers 418"),
    ];
    for (status, kind, words) in table {
        let trouble = trouble(Reply::status(status)).await;
        assert_eq!(trouble.kind, kind, "{status}");
        assert!(trouble.what.contains(words), "{}", trouble.what);
        if kind == TroubleKind::Refused {
            assert!(trouble.what.contains("set it in env:TOKEN"), "{}", trouble.what);
        }
    }
}

#[tokio::test]
async fn a_page_in_place_of_json_is_no_answer() {
    let page = trouble(Reply::of(200, "text/html", "<html>Welcome</html>")).await;
    assert_eq!(page.kind, TroubleKind::BadAnswer);
    assert!(page.what.contains("no JSON"), "{}", page.what);
}

#[tokio::test]
async fn rubbish_is_refused_without_being_repeated() {
    use crate::sources::parse;
    for rubbish in ["", "{", "[1,", "{\"secret\": 1}", "[[[[", "\u{0}\u{1}", "nul"] {
        let trouble = parse::<Vec<u32>>(rubbish.as_bytes()).unwrap_err();
        assert_eq!(trouble.kind, TroubleKind::BadAnswer);
        assert!(!trouble.what.contains("secret"), "{}", trouble.what);
    }
    let deep = "[".repeat(100_000);
    assert_eq!(parse::<serde_json::Value>(deep.as_bytes()).unwrap_err().kind, TroubleKind::BadAnswer);
}

#[tokio::test]
async fn fifty_megabytes_are_not_read() {
    let said = Reply { said_length: Some(50 * 1024 * 1024), ..Reply::json("[") };
    let said = trouble(said).await;
    assert_eq!(said.kind, TroubleKind::BadAnswer);
    assert!(said.what.contains("more than 8 MiB"), "{}", said.what);
    let endless = trouble(Reply { endless: true, ..Reply::json("[") }).await;
    assert!(endless.what.contains("more than 8 MiB"), "{}", endless.what);
}

#[tokio::test]
async fn silence_and_a_closed_door_end_in_time() {
    let slow = Reply { after: Duration::from_secs(600), ..Reply::json("[]") };
    let fake = Fake::start(move |_| slow.clone()).await;
    let began = Instant::now();
    let silent = get_within(&fake.url, Duration::from_millis(300), "t").await.unwrap_err();
    assert_eq!(silent.kind, TroubleKind::Unreachable);
    assert!(silent.what.contains("does not answer in time"), "{}", silent.what);
    assert!(began.elapsed() < Duration::from_secs(60));
    // nobody listens on a port that was just given back
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closed = get_within(&format!("http://{closed}/"), LONG, "t").await.unwrap_err();
    assert_eq!(closed.kind, TroubleKind::Unreachable);
    assert!(closed.what.contains("can't be reached: "), "{}", closed.what);
}

#[tokio::test]
async fn a_token_that_is_none_is_not_sent_and_not_shown() {
    let fake = Fake::start(|_| Reply::json("[]")).await;
    let trouble = get_within(&fake.url, LONG, "two\nlines").await.unwrap_err();
    assert_eq!(trouble.kind, TroubleKind::NoToken);
    assert!(trouble.what.contains("env:TOKEN") && !trouble.what.contains("lines"), "{}", trouble.what);
    assert_eq!(fake.asked().len(), 0);
}
