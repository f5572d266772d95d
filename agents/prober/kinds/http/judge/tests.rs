//! The order of decision, as tables.

use super::*;
use crate::kinds::http::Config;
use hyper::header::HeaderValue;
use p7_core::vocabulary::Outcome::{Failed, Maintenance, Mismatch, Unauthorized, Unmanaged, Up};

const NOW: MeshTime = MeshTime(1_700_000_000_000);

/// Judges code and body by settings given as TOML.
fn judged(settings: &str, code: u16, body: &str) -> (Outcome, Option<String>) {
    let settings = format!("url = \"http://shop.example/\"\n{settings}");
    let config: Config = toml::from_str(&settings).unwrap();
    let mut headers = HeaderMap::new();
    headers.append("x-role", HeaderValue::from_static("replica"));
    headers.append("x-role", HeaderValue::from_static("Primary"));
    judge(
        &Expectations::new(&config).unwrap(),
        &Answer {
            code,
            headers: &headers,
            body: body.as_bytes(),
            cut: None,
            latency: Duration::from_millis(1500),
            certificate_expiry: Some(NOW.plus(p7_core::vocabulary::Millis::seconds(5 * 86_400))),
            now: NOW,
        },
    )
}

fn outcome(settings: &str, code: u16, body: &str) -> Outcome {
    judged(settings, code, body).0
}

fn reason(settings: &str, code: u16, body: &str) -> String {
    judged(settings, code, body).1.unwrap_or_default()
}

#[test]
fn without_lists_401_is_unauthorized_400_and_up_failed_and_the_rest_up() {
    let table = [
        (200, Up),
        (204, Up),
        (302, Up),
        (304, Up),
        (400, Failed),
        (401, Unauthorized),
        (403, Failed),
        (404, Failed),
        (503, Failed),
        (599, Failed),
    ];
    for (code, expected) in table {
        assert_eq!(outcome("", code, "x"), expected, "{code}");
    }
    assert_eq!(reason("", 503, ""), "answered 503 Service Unavailable");
    assert_eq!(reason("", 599, ""), "answered 599");
}

#[test]
fn with_lists_a_code_is_what_its_list_says_and_unmanaged_in_none() {
    let lists = "success_codes = [200, \"301-308\"]\nfailure_codes = [\"500-599\"]\n\
        maintenance_codes = [503]\nunauthorized_codes = [403]";
    let table = [
        (200, Up),
        (301, Up),
        (308, Up),
        (201, Unmanaged),
        (404, Unmanaged),
        (500, Failed),
        (403, Unauthorized),
        (401, Unauthorized),
    ];
    for (code, expected) in table {
        assert_eq!(outcome(lists, code, "x"), expected, "{code}");
    }
    // failure is decided before maintenance
    assert_eq!(outcome(lists, 503, ""), Failed);
    assert_eq!(reason(lists, 404, ""), "answered 404 Not Found, which is in no list of codes");
    assert_eq!(outcome("failure_codes = [404]", 404, ""), Failed);
    assert_eq!(outcome("failure_codes = [404]", 200, ""), Unmanaged);
}

#[test]
fn lists_of_maintenance_or_refusal_alone_leave_the_other_codes_as_they_are_by_default() {
    let lists = "maintenance_codes = [503]\nunauthorized_codes = [407]";
    for (code, expected) in [(503, Maintenance), (407, Unauthorized), (200, Up), (500, Failed)] {
        assert_eq!(outcome(lists, code, ""), expected, "{code}");
    }
}

#[test]
fn a_401_that_is_listed_otherwise_is_what_its_list_says() {
    assert_eq!(outcome("success_codes = [401]", 401, ""), Up);
    assert_eq!(outcome("failure_codes = [401]", 401, ""), Failed);
    assert_eq!(outcome("success_codes = [401]\nunauthorized_codes = [401]", 401, ""), Unauthorized);
}

#[test]
fn the_body_is_looked_at_after_the_code_failure_before_maintenance_before_success() {
    let texts = "success_text = [\"ok\", \"fine\"]\nfailure_text = [\"BROKEN\"]\nmaintenance_text = [\"regex:back (soon|later)\"]";
    let table = [
        ("All is Fine", Up),
        ("ok, but broken", Failed),
        ("ok, back soon", Maintenance),
        ("broken, back soon", Failed),
        ("hello", Mismatch),
        ("", Mismatch),
    ];
    for (body, expected) in table {
        assert_eq!(outcome(texts, 200, body), expected, "{body}");
    }
    // the code decides first
    assert_eq!(outcome(texts, 500, "ok"), Failed);
    assert_eq!(outcome("success_text = [\"ok\"]\nmaintenance_codes = [200]", 200, "broken"), Maintenance);
    assert_eq!(reason(texts, 200, "broken"), "the text `broken` is in the answer");
    assert_eq!(reason(texts, 200, "x"), "none of the text `ok`, the text `fine` is in the answer");
    assert_eq!(reason("success_text = [\"ok\"]", 200, "x"), "the text `ok` is missing from the answer");
}

#[test]
fn an_unmet_condition_fails_before_maintenance_and_success_are_looked_for() {
    let both = "max_latency = \"1s\"\nmaintenance_text = [\"soon\"]";
    assert_eq!(outcome(both, 200, "soon"), Failed);
    assert_eq!(reason(both, 200, "soon"), "the answer took 1.5 s, more than the 1 s allowed");
    assert_eq!(outcome("max_latency = \"2s\"", 200, ""), Up);
    assert_eq!(outcome("min_certificate_validity = \"4d\"", 200, ""), Up);
    assert_eq!(
        reason("min_certificate_validity = \"7d\"", 200, ""),
        "certificate expires in 5 days, less than the 7 days asked for"
    );
}

#[test]
fn headers_are_asked_for_by_name_text_or_expression() {
    let with = |line: &str| format!("[expect_headers]\n{line}");
    assert_eq!(outcome(&with("X-Role = \"primary\""), 200, ""), Up);
    assert_eq!(outcome(&with("X-Role = \"\""), 200, ""), Up);
    assert_eq!(outcome(&with("X-Role = \"regex:^replica$\""), 200, ""), Up);
    assert_eq!(reason(&with("x-id = \"\""), 200, ""), "the header `x-id` is missing from the answer");
    assert_eq!(
        reason(&with("x-role = \"witness\""), 200, ""),
        "the text `witness` is missing from the header `x-role`"
    );
}

#[test]
fn every_value_a_json_path_finds_must_do_and_there_must_be_one() {
    let json = r#"{"status": "UP", "queue": 7, "checks": [{"ok": true}, {"ok": true}], "old": null}"#;
    let with = |condition: &str| format!("expect_json = [{{ {condition} }}]");
    let table = [
        ("path = '$.status', equals = 'UP'", ""),
        ("path = '$.status', equals = 'up'", "`$.status` is `UP`, not `up`"),
        ("path = '$.status', matches = 'up'", ""),
        ("path = '$.status', matches = 'regex:^DOWN'", "`$.status` is `UP`, without a match of `^DOWN`"),
        ("path = '$.queue', equals = 7.0", ""),
        ("path = '$.queue', max = 5", "`$.queue` is 7, more than 5"),
        ("path = '$.queue', min = 8", "`$.queue` is 7, less than 8"),
        ("path = '$.status', min = 8", "`$.status` is `UP`, which is no number"),
        ("path = '$.checks[*].ok', equals = true", ""),
        ("path = '$.nothing'", "`$.nothing` is missing from the answer"),
        ("path = '$.nothing', exists = false", ""),
        ("path = '$.old'", ""),
        ("path = '$.old', exists = false", "`$.old` is in the answer and should not be"),
    ];
    for (condition, expected) in table {
        assert_eq!(reason(&with(condition), 200, json), expected, "{condition}");
    }
    assert_eq!(reason(&with("path = '$.a'"), 200, "<html>"), "the answer is no JSON");
}

#[test]
fn invalid_utf_8_is_looked_through_all_the_same() {
    let config: Config = toml::from_str("url = 'http://x/'\nsuccess_text = ['ok']").unwrap();
    let answer = Answer {
        code: 200,
        headers: &HeaderMap::new(),
        body: b"\xff\xfe ok \xc3",
        cut: None,
        latency: Duration::ZERO,
        certificate_expiry: None,
        now: NOW,
    };
    assert_eq!(judge(&Expectations::new(&config).unwrap(), &answer), (Up, None));
}
