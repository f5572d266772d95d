//! How answers are taken, and that no address shows.

use super::*;
use crate::samples::{answer, recorder};

fn given(status: u16, body: &str) -> Answer {
    Answer { status, retry_after: Some(Duration::from_secs(7)), body: body.as_bytes().to_vec() }
}

#[test]
fn only_what_may_pass_is_tried_again() {
    for status in 100..600 {
        let taken = take(&given(status, ""), no_receipt);
        match status {
            200..=299 => assert_eq!(taken, Outcome::Sent(None), "{status}"),
            408 | 425 | 429 | 500..=599 => {
                let after = Some(Duration::from_secs(7));
                assert!(matches!(taken, Outcome::Retry { after: a, .. } if a == after), "{status}");
            }
            _ => assert!(matches!(taken, Outcome::Refused { .. }), "{status}"),
        }
    }
}

#[test]
fn retry_after_is_read_as_seconds_and_as_a_date() {
    let after = |text: &str| {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(text).unwrap())]);
        retry_after(&headers, httpdate::parse_http_date("Tue, 24 Nov 2026 15:20:00 GMT").unwrap())
    };
    assert_eq!(after("30"), Some(Duration::from_secs(30)));
    assert_eq!(after("Tue, 24 Nov 2026 15:20:45 GMT"), Some(Duration::from_secs(45)));
    assert_eq!(after("Tue, 24 Nov 2026 15:19:00 GMT"), Some(Duration::ZERO));
    assert_eq!(after("999999999"), Some(RETRY_AFTER_LIMIT));
    assert_eq!(after("soon"), None);
}

#[tokio::test]
async fn no_error_names_the_address() {
    let http = Http::new().unwrap();
    // nobody listens on port 1
    let address = Address::parse("http://127.0.0.1:1/secret-path?sig=hunter2").unwrap();
    let trouble = http.ask(&Request::json(&address, &serde_json::json!({}))).await.unwrap_err();
    assert_eq!(trouble.arrival, Arrival::No);
    let shown = format!("{trouble:?} {address:?} {:?}", Request::json(&address, &serde_json::json!({})));
    assert!(!shown.contains("hunter2") && !shown.contains("secret-path"), "{shown}");
    assert!(shown.contains("connection refused"), "{shown}");
}

#[tokio::test]
async fn redirects_are_not_followed_and_long_answers_are_cut() {
    let long = "x".repeat(3 * ANSWER_LIMIT);
    let (at, mut asked) = recorder(vec![
        answer("302 Found", "location: http://127.0.0.1:1/\r\n", ""),
        answer("200 OK", "", &long),
    ])
    .await;
    let http = Http::new().unwrap();
    let request =
        Request::json(&Address::parse(&format!("http://{at}/hook")).unwrap(), &serde_json::json!([1]));
    assert!(matches!(http.send(&request, no_receipt).await, Outcome::Refused { .. }));
    assert_eq!(http.ask(&request).await.unwrap().body.len(), ANSWER_LIMIT);
    let (head, body) = asked.recv().await.unwrap();
    assert!(head.starts_with("post /hook http/1.1"), "{head}");
    assert_eq!(body, b"[1]");
}

#[test]
fn what_is_no_web_address_is_refused_without_repeating_it() {
    for bad in ["", "hunter2", "ftp://hunter2.example.org/", "https://"] {
        let why = Address::parse(bad).unwrap_err();
        assert!(!why.contains("hunter2"), "{why}");
    }
}
