//! What a webhook sends.

use super::*;
use crate::channel::Speaker;
use crate::http::Http;
use crate::samples::{answer, outage, previous, recorder, recovery, storm};
use std::path::PathBuf;

fn ready(config: &str, url: &str) -> Ready {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("url"), url).unwrap();
    std::fs::write(dir.path().join("key"), "hunter2").unwrap();
    let config: Config = toml::from_str(&format!("url = 'file:url'\n{config}")).unwrap();
    config.prepare(&Node { base: dir.path().to_owned(), programs: Vec::<PathBuf>::new() }).unwrap()
}

fn faults(config: &str) -> Vec<String> {
    let config: Config = toml::from_str(config).unwrap();
    let mut list = Vec::new();
    config.check(&mut Faults::new(&mut list));
    list.into_iter().map(|fault| format!("{}: {}", fault.path.join("."), fault.message)).collect()
}

#[test]
fn the_whole_message_is_sent_signed_with_its_key() {
    let hook =
        ready("sign_with = 'file:key'\nbearer = 'file:key'\nheaders = { X-Team = 'ops' }", "https://h/x");
    let requests = hook.render(&outage(), None);
    insta::assert_snapshot!(requests[0].shown());
}

#[test]
fn a_template_keeps_its_shape_whatever_is_said() {
    let hook = ready(
        r#"body = '{"text": "{title} [{level}] {nothing} {{kind}", "n": 1, "all": "{items}"}'"#,
        "https://h/x",
    );
    let mut message = outage();
    message.title = "\"}{kind} ü".to_owned();
    let body: Value = serde_json::from_slice(&hook.render(&message, None)[0].body).unwrap();
    assert_eq!(body["text"], "\"}{kind} ü [incident] {nothing} {outage");
    assert_eq!((body["n"].as_u64(), body["all"][0]["service"].as_str()), (Some(1), Some("shop")));
}

#[test]
fn a_storm_stays_within_the_limit_and_counts_what_it_leaves_out() {
    let mut message = storm();
    message.items.iter_mut().for_each(|item| item.reason = Some("x".repeat(10_000).into()));
    let requests = ready("", "https://h/x").render(&message, None);
    assert!(requests[0].body.len() <= BODY_LIMIT);
    let body: Value = serde_json::from_slice(&requests[0].body).unwrap();
    let shown = body["items"].as_array().unwrap().len() as u64;
    assert_eq!(shown + body["left_out"].as_u64().unwrap(), 500);
    assert!(shown > 0);
}

#[test]
fn the_signature_is_hmac_sha256_of_timestamp_dot_body() {
    // openssl dgst -sha256 -hmac hunter2 of "1700000000.{}"
    let key = ready("sign_with = 'file:key'", "https://h/x").sign_with.unwrap();
    assert_eq!(signature(&key, "1700000000", "{}"), EXPECTED);
}

const EXPECTED: &str = "ff2f975170d2a2ea3d6177dad44d002ac729fec15c2e1053dc096496e07f8401";

#[test]
fn faults_are_told_all_together() {
    insta::assert_snapshot!(faults("body = '{\"a\": \"{titel}\"}'\nheaders = { 'X Y' = 'a' }").join("\n"));
    assert_eq!(faults("url = 'env:X'\nbody = '{'").len(), 1);
    assert_eq!(faults("url = 'env:X'"), Vec::<String>::new());
}

#[tokio::test]
async fn a_receiver_that_asks_for_patience_gets_it() {
    let (at, mut asked) = recorder(vec![
        answer("429 Too Many Requests", "retry-after: 2\r\n", "slow down"),
        answer("204 No Content", "", ""),
    ])
    .await;
    let hook = ready("", &format!("http://{at}/hook"));
    let outside = Outside { http: Http::new().unwrap() };
    let first = hook.say(&outage(), None, &outside).await;
    assert!(
        matches!(&first, Outcome::Retry { after: Some(wait), why, .. } if wait.as_secs() == 2 && why.contains("slow down")),
        "{first:?}"
    );
    assert_eq!(hook.say(&outage(), None, &outside).await, Outcome::Sent(None));
    let (first, second) = (asked.recv().await.unwrap(), asked.recv().await.unwrap());
    assert!(first.0.contains("idempotency-key: p7-0123456789abcdef"), "{}", first.0);
    assert_eq!(first.1, second.1);
}

#[test]
fn every_message_stands_alone() {
    let hook = ready("", "https://h/x");
    let requests = hook.render(&recovery(), Some(&previous()));
    assert_eq!(requests[0].shown(), hook.render(&recovery(), None)[0].shown());
    assert_eq!(requests.len(), 1);
}
