//! No file makes an importer panic, and whatever it writes is a configuration without faults.

use super::*;
use proptest::prelude::*;

/// Texts that look like the real thing, broken in every way.
fn hostile(seed: &'static str) -> impl Strategy<Value = String> {
    let cut = (0..seed.len(), 0..seed.len(), any::<String>()).prop_map(move |(from, to, insert)| {
        let at = |index: usize| (index..=seed.len()).find(|i| seed.is_char_boundary(*i)).unwrap_or(0);
        let (from, to) = (at(from.min(to)), at(from.max(to)));
        [seed.get(..from).unwrap_or(""), &insert, seed.get(to..).unwrap_or("")].concat()
    });
    prop_oneof![any::<String>(), cut]
}

const ORIGINAL: &str = "c = {'Authorization': 'x', 'A': os.getenv('B')}\nurlList = {'A': {'appname': \"N\", 'url': \
                        'https://u:p@h/\u{e9}?a=b', 'credentials': c, 'http_success': [200, '300-301'], 'payload_success': \
                        'regex:x', 'timeout': 1.5, 'retries': 3, **c}, }";
const GATUS: &str = "endpoints:\n - name: &n \"a\"\n   group: *n\n   url: https://u:p@h/\n   method: HEAD\n   headers: {A: b}\n   \
                     interval: 30s\n   conditions: ['[STATUS] == 200', '[BODY].a == any(1, x)', '[BODY] == pat(*x*)']\n   \
                     client: {timeout: 1m, oauth2: {token-url: 'https://t/', client-id: i, scopes: [s]}}\n   \
                     maintenance-windows: [{start: '01:00', duration: 2h, every: [Sunday], timezone: Europe/Paris}]\n";
const KUMA: &str = "{\"monitorList\":[{\"id\":1,\"name\":\"A\",\"type\":\"keyword\",\"keyword\":\"regex:(\",\"url\":\
                    \"https://u:p@h/\",\"method\":\"HEAD\",\"body\":\"x\",\"headers\":\"{\\\"A\\\":\\\"b\\\"}\",\"tags\":[{\"name\":\
                    \"t\",\"value\":\"v\"}],\"interval\":1,\"timeout\":0.5,\"basic_auth_user\":\"u\"}]}";

proptest! {
    #[test]
    fn no_file_makes_an_importer_panic_or_write_what_is_no_toml(
        original in hostile(ORIGINAL),
        gatus in hostile(GATUS),
        kuma in hostile(KUMA),
    ) {
        for (source, format) in [
            (original, Format::Original),
            (gatus, Format::Gatus),
            (kuma, Format::UptimeKuma),
        ] {
            if let Ok(draft) = import(&source, format) {
                toml_of(&draft);
            }
        }
    }

    #[test]
    fn whatever_a_lawful_file_says_becomes_a_configuration_without_faults(
        words in prop::collection::vec(word(), 12),
        numbers in prop::collection::vec(any::<i64>().prop_map(|n| n % 1000), 4),
    ) {
        let w = |n: usize| words.get(n).cloned().unwrap_or_default();
        let n = |n: usize| numbers.get(n).copied().unwrap_or_default();
        let url = format!("https://{}/{}", w(0), w(1));
        let kuma = serde_json::json!({ "monitorList": [
            { "type": "keyword", "name": w(2), "keyword": w(3), "url": url, "method": w(4), "interval": n(0),
              "timeout": n(1), "headers": serde_json::json!({ w(5): w(6) }).to_string(), "body": w(7),
              "basic_auth_user": w(8), "tags": [{ "name": w(9), "value": w(10) }], "maxredirects": n(2),
              "accepted_statuscodes": [n(3).to_string(), w(11)], "description": w(6) },
            { "type": "json-query", "name": w(2), "url": "http://a/", "jsonPath": w(3), "expectedValue": w(4),
              "authMethod": "oauth2-cc", "oauth_token_url": url, "oauth_client_id": w(5), "oauth_scopes": w(6) },
            { "type": "port", "name": w(7), "hostname": w(8), "port": n(3) },
        ]});
        let gatus = serde_json::json!({
            "connectivity": { "checker": { "target": format!("{}:{}", w(0), n(0)) } },
            "endpoints": [
                { "name": w(2), "group": w(3), "url": url, "method": w(4), "headers": { w(5): w(6) }, "body": w(7),
                  "interval": format!("{}s", n(0)), "extra-labels": { w(9): w(10) },
                  "conditions": [format!("[STATUS] == {}", n(1)), format!("[BODY].{} == {}", w(8), w(9)),
                                 format!("[BODY] == pat(*{}*)", w(10)), format!("[BODY].a == any({}, {})", w(0), w(11)),
                                 format!("[RESPONSE_TIME] < {}", n(2)), "[CERTIFICATE_EXPIRATION] > 48h"],
                  "client": { "timeout": format!("{}ms", n(3)), "proxy-url": format!("http://{}", w(1)) },
                  "maintenance-windows": [{ "start": w(11), "duration": "1h", "timezone": w(0) }] },
                { "name": w(2), "url": format!("tls://{}:{}", w(0), n(1)),
                  "conditions": ["[CERTIFICATE_EXPIRATION] > 0s"] },
            ],
        });
        // a JSON text is a Python literal
        let original = format!("urlList = {}", serde_json::json!({ w(2): {
            "appname": w(3), "customer": w(4), "url": url, "credentials": { w(5): w(6) }, "timeout": n(0), "retries": n(1),
            "http_success": [n(2)], "payload_success": w(7), "payload_failure": w(8), "runbook": format!("https://{}", w(9)),
        }}));
        for (source, format) in [
            (kuma.to_string(), Format::UptimeKuma),
            (gatus.to_string(), Format::Gatus),
            (original, Format::Original),
        ] {
            match import(&source, format) {
                Ok(draft) => drop(toml_of(&draft)),
                // YAML has no keys longer than 1,024 characters
                Err(refused) => assert!(format == Format::Gatus && source.len() > 1024, "{refused}\n{source}"),
            }
        }
    }
}

/// A short word as people and attackers write it.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "[a-zA-Z0-9:/@.$*()\\[\\]{}\"'#&= -]{0,20}",
        any::<String>(),
        Just("regex:(".to_owned()),
        Just("HEAD".to_owned()),
        Just("10.0.0.1".to_owned()),
        Just("x".repeat(5000)),
    ]
}
