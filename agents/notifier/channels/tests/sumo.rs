//! What Sumo Logic is sent.

use super::*;
use crate::channel::Speaker;
use crate::http::Http;
use crate::samples::{answer, known, outage, recorder, result, storm};
use flate2::read::GzDecoder;
use std::io::Read as _;

fn ready(url: &str, more: &str) -> Ready {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("url"), url).unwrap();
    let config: Config = toml::from_str(&format!("url = 'file:url'\n{more}")).unwrap();
    config.prepare(&Node::at(dir.path())).unwrap()
}

fn unpacked(body: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(body).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_result_is_the_originals_line_and_the_same_as_json() {
    let (known, mut result) = (known("shop"), result("shop"));
    result.reason = Some("said \"no\"\nand more".into());
    let entry = Entry {
        happening: Happening::Result(&result),
        known: &known,
        node: "berlin",
        mesh: "Office",
        at: result.at,
    };
    let lines = Channel::lines(&ready("http://h/x", ""), &entry);
    let [text, json] = lines.as_slice() else { panic!("{lines:?}") };
    let version = env!("CARGO_PKG_VERSION");
    let wanted = format!(
        "[ 2026-11-24T15:20:00.000Z ] version={version} cycle=29925560 yyyymmdd=20261124 hhmm=1520 \
         type=\"dashboard\" name=\"shop\" customer=\"production\" resp_time=0.123 \
         status=\"said 'no' and more\" deployments=\"None\" color=\"red\" service=\"shop\" node=\"berlin\" \
         outcome=\"failed\" level=\"unknown\" status_code=500 attempts=2 mesh=\"Office\""
    );
    assert_eq!(*text, wanted);
    let json: Value = serde_json::from_str(json).unwrap();
    assert_eq!(json["timestamp"], "2026-11-24T15:20:00.000Z");
    assert_eq!((&json["status"], &json["failtage"]), (&json!("said \"no\"\nand more"), &Value::Null));
    let only = |format| Channel::lines(&ready("http://h/x", format), &entry).len();
    assert_eq!((only("format = 'text'"), only("format = 'json'")), (1, 1));
}

#[tokio::test]
async fn a_batch_is_compressed_and_carries_the_headers() {
    let (at, mut asked) = recorder(vec![answer("200 OK", "", "")]).await;
    let more = "host = 'h1'\ncategory = 'ops/p7'\nfields = { team = 'web', site = 'x' }";
    let source = ready(&format!("http://{at}/receiver/v1/http/TOKEN"), more);
    let outside = Outside { http: Http::new().unwrap() };
    let sent = Speaker::log(&source, "one\ntwo".to_owned(), "berlin".to_owned(), &outside).await;
    assert_eq!(sent, Outcome::Sent(None));
    let (head, body) = asked.recv().await.unwrap();
    for line in [
        "content-encoding: gzip",
        "content-type: text/plain; charset=utf-8",
        "x-sumo-name: protocol7",
        "x-sumo-host: h1",
        "x-sumo-category: ops/p7",
        "x-sumo-fields: site=x,team=web",
    ] {
        assert!(head.lines().any(|one| one == line), "{line} is not in {head}");
    }
    assert_eq!(unpacked(&body), "one\ntwo");
}

#[test]
fn a_message_is_a_line_however_large_the_storm() {
    for message in [outage(), storm()] {
        let requests = ready("http://h/x", "").render(&message, None);
        let text = unpacked(&requests[0].body);
        assert_eq!((requests.len(), text.lines().count()), (1, 2), "{text}");
        // the longest line that Sumo Logic keeps whole
        assert!(text.lines().all(|line| line.len() < 64 * 1024 && line.contains("message")), "{text}");
    }
}

#[tokio::test]
async fn a_refusal_that_repeats_the_address_does_not_show_it() {
    let said = "no collector at /receiver/v1/http/TOKEN";
    let (at, _asked) = recorder(vec![answer("401 Unauthorized", "", said)]).await;
    let source = ready(&format!("http://{at}/receiver/v1/http/TOKEN"), "");
    let outside = Outside { http: Http::new().unwrap() };
    let Outcome::Refused { why, .. } = Speaker::say(&source, &outage(), None, &outside).await else {
        panic!("it was not refused")
    };
    assert!(why.contains("401") && !why.contains("TOKEN"), "{why}");
    assert!(!format!("{source:?}").contains("TOKEN"));
}

#[test]
fn faults_are_told_all_together() {
    let mut list = Vec::new();
    let config: Config = toml::from_str("name = ''\nhost = \"a\\nb\"\nfields = { a = 'b,c' }").unwrap();
    config.check(&mut Faults::new(&mut list));
    assert_eq!(list.len(), 4, "{list:?}");
}
