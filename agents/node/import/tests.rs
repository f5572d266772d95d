//! The importers from outside: real files in, our own configuration out, and hostile ones refused.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What an import left behind, as `line: what: why`.
fn left(draft: &Draft) -> Vec<String> {
    let line = |l: &Left| l.line.map_or_else(|| "-".to_owned(), |l| l.to_string());
    draft.left.iter().map(|l| format!("{}: {}: {}", line(l), l.what, l.why)).collect()
}

/// The mesh.toml below its comments; our own configuration must take it without a fault.
fn toml_of(draft: &Draft) -> String {
    let text = draft.toml("a test");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mesh.toml"), &text).unwrap();
    if let Err(refused) = crate::config::load(folder.path(), &BTreeMap::new()) {
        let faults: Vec<String> =
            refused.faults.iter().map(|f| f.render(p7_settings::Style::Plain)).collect();
        panic!("{}\n{text}", faults.join("\n"));
    }
    let body = text.lines().skip_while(|l| l.starts_with('#') || l.is_empty());
    body.map(|l| format!("{l}\n")).collect()
}

mod originals {
    use super::*;

    fn read(source: &str) -> Draft {
        import(source, Format::Original).unwrap()
    }

    #[test]
    fn the_shipped_sample_becomes_a_service_each() {
        let source = "\
emptyCreds = { 'foo' : 'bar' }

urlList = {
    'GOOGLE':{'appname':'Google', 'customer':'Google search', 'url':'https://www.google.com', 'credentials':emptyCreds, 'payload':'EMPTY', 'failure_history':[0,0,0,0,0,0], 'rt_history':[0,0,0,0,0,0], 'orange_since':'-', 'red_since':'-', 'orange_sent':0, 'red_sent':0, 'release_def_ids':[0], 'latest_deployment':'None'},
    'ROLAND':{'appname':'Roland Radio', 'customer':'Amstrad CPC music', 'url':'http://rolandradio.net', 'credentials':emptyCreds, 'payload':'EMPTY', 'failure_history':[0,0,0,0,0,0], 'rt_history':[0,0,0,0,0,0], 'orange_since':'-', 'red_since':'-', 'orange_sent':0, 'red_sent':0, 'release_def_ids':[0], 'latest_deployment':'None'}
}

ntAPICountriesList = {
    'DUMMY':{'customer':'Dummy', 'shortName':'dum', 'authURL':'http://www.perdu.com'}
}
";
        let draft = read(source);
        assert_eq!(
            toml_of(&draft),
            "\
[services.google]
name = \"Google\"
environment = \"Google search\"
interval = \"1m\"
timeout = \"10s\"

[services.google.http]
url = \"https://www.google.com\"

[services.roland]
name = \"Roland Radio\"
environment = \"Amstrad CPC music\"
interval = \"1m\"
timeout = \"10s\"

[services.roland.http]
url = \"http://rolandradio.net\"
"
        );
        assert_eq!(left(&draft).len(), 1, "{:?}", left(&draft));
        assert!(left(&draft)[0].starts_with("-: unverified TLS"));
    }

    #[test]
    fn the_later_fields_are_carried_over() {
        let draft = read(
            "urlList = {'SHOP': dict(appname='Shop', url='shop.example/health', protocol='HTTP', retries=3, timeout=5, \
             http_success=[200, 301, 302], http_failure=(400, 401, 500, 666, 777, 999), http_maintenance=[503], \
             payload_success='Feeling Lucky', payload_maintenance='maintenance', payload_failure='', \
             runbook='https://docs.example/fix')}",
        );
        assert_eq!(
            toml_of(&draft),
            "\
[services.shop]
name = \"Shop\"
runbook = \"https://docs.example/fix\"
interval = \"1m\"
timeout = \"5s\"
retries = 2

[services.shop.http]
url = \"http://shop.example/health\"
success_codes = [200, \"301-302\"]
failure_codes = [\"400-401\", 500]
maintenance_codes = [503]
success_text = [\"Feeling Lucky\"]
maintenance_text = [\"maintenance\"]
"
        );
        assert!(left(&draft).is_empty(), "{:?}", left(&draft));
    }

    #[test]
    fn secrets_are_not_copied() {
        let draft = read(
            "import os, base64\n\
             creds = {'Authorization': 'Basic c2VjcmV0', 'Accept': 'text/html', 'X-Api-Key': os.environ['SHOP_KEY'],\n\
             'Cookie': make_cookie()}\n\
             urlList = {'SHOP': {'url': 'https://ann:s3cr3t@shop.example/', 'credentials': creds}}\n",
        );
        let text = draft.toml("x");
        for secret in ["c2VjcmV0", "s3cr3t"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("Accept = \"text/html\""), "{text}");
        assert!(text.contains("Authorization = \"env:P7_SHOP_AUTHORIZATION\""), "{text}");
        assert!(text.contains("X-Api-Key = \"env:SHOP_KEY\""), "{text}");
        assert!(text.contains("Cookie = \"env:P7_SHOP_COOKIE\""), "{text}");
        assert!(text.contains("username = \"ann\", password = \"env:P7_SHOP_PASSWORD\""), "{text}");
        assert_eq!(draft.secrets.len(), 4, "{:?}", draft.secrets);
    }

    #[test]
    fn what_is_computed_or_unknown_is_listed_with_its_line() {
        let draft = read(
            "HOST = 'https://shop' + '.example'\n\
             urlList = {\n\
               'A': {'url': HOST + '/a', 'timeout': 2 * 5, 'colour': 'blue'},\n\
               'B': {'url': get_url()},\n\
               'C': {'url': f'https://{HOST}/'},\n\
               name(): {},\n\
             }\n\
             for item in urlList:\n\
             \x20   urlList[item]['timeout'] = 3\n\
             urlList['D'] = {}\n",
        );
        assert!(toml_of(&draft).contains("url = \"https://shop.example/a\""));
        assert_eq!(
            left(&draft)[..7],
            [
                "8: the statement `for …`: only plain assignments are read, nothing is executed",
                "10: the statement `urlList …`: only plain assignments are read, nothing is executed",
                "3: service \"A\": timeout: it is computed; p7 reads the file but does not run it",
                "3: service \"A\": colour: the original knows no such field",
                "4: service \"B\": url: it is computed; p7 reads the file but does not run it",
                "4: service \"B\": its url is no http(s) address",
                "5: service \"C\": url: it is computed; p7 reads the file but does not run it",
            ]
        );
    }

    #[test]
    fn what_is_no_such_file_is_said() {
        let why = |source: &str| import(source, Format::Original).unwrap_err().to_string();
        assert!(why("x = 1").contains("no `urlList"));
        assert!(why("urlList = load()").contains("line 1: urlList is computed"));
        assert_eq!(why("a = 'x\nurlList = {}"), "no Python file: line 1: this text never ends");
        assert_eq!(why("\nurlList = {"), "no Python file: line 2: this bracket is never closed");
        assert_eq!(why("urlList = }"), "no Python file: line 1: this bracket was never opened");
    }

    #[test]
    fn deep_long_and_doubling_files_end_quickly() {
        let deep = format!("urlList = {}{}", "{".repeat(100_000), "}".repeat(100_000));
        drop(import(&deep, Format::Original));
        let signs = format!("urlList = {}1", "-".repeat(400_000));
        drop(import(&signs, Format::Original));
        let mut doubling = "a0 = 'x'\nd0 = {'k': 1}\n".to_owned();
        for n in 0..500 {
            let next = n + 1;
            doubling.push_str(&format!("a{next} = a{n} + a{n}\nd{next} = {{**d{n}, **d{n}, 'd': d{n}}}\n"));
        }
        doubling.push_str("urlList = {'A': d500, 'B': {'url': a500}}");
        drop(import(&doubling, Format::Original));
    }
}

mod gatus_files {
    use super::*;

    fn read(source: &str) -> Draft {
        import(source, Format::Gatus).unwrap()
    }

    #[test]
    fn endpoints_and_their_conditions_are_carried_over() {
        let draft = read(
            "
endpoints:
  - name: front-end
    group: core
    url: \"https://twin.sh/health\"
    interval: 5m
    method: post
    headers: { Accept: application/json, Authorization: \"Bearer ${TOKEN}\", X-Api-Key: \"${SHOP_KEY}\" }
    body: '{\"a\": 1}'
    client: { insecure: true, timeout: 3s, ignore-redirect: true }
    conditions:
      - \"[STATUS] == 200\"
      - \"[BODY].status == UP\"
      - \"[BODY].data[0].count >= 3\"
      - \"has([BODY].errors) == false\"
      - \"[BODY] != pat(*stack trace*)\"
      - \"[RESPONSE_TIME] < 150\"
      - \"[CERTIFICATE_EXPIRATION] > 48h\"
  - name: db
    url: tcp://db.example:5432
    conditions: [ \"[CONNECTED] == true\" ]
connectivity: { checker: { target: 1.1.1.1:53, interval: 60s } }
maintenance: { start: 23:00, duration: 1h, every: [Monday, Thursday] }
",
        );
        assert_eq!(
            toml_of(&draft),
            "\
[connectivity]
anchors = [\"1.1.1.1:53\"]

[services.core-front-end]
name = \"front-end\"
environment = \"core\"
interval = \"5m\"
timeout = \"3s\"

[[services.core-front-end.maintenance]]
cron = \"0 23 * * 1,4\"
timezone = \"UTC\"
duration = \"1h\"

[services.core-front-end.http]
url = \"https://twin.sh/health\"
method = \"POST\"
body = \"{\\\"a\\\": 1}\"
max_redirects = 0
tls = { verify = false }
success_codes = [200]
failure_codes = [\"100-199\", \"201-599\"]
failure_text = [\"stack trace\"]
max_latency = \"150ms\"
min_certificate_validity = \"2days\"
expect_json = [
  { path = \"$.status\", equals = \"UP\" },
  { path = \"$.data[0].count\", min = 3.0 },
  { path = \"$.errors\", exists = false },
]

[services.core-front-end.http.headers]
Accept = \"application/json\"

[services.core-front-end.http.secret_headers]
Authorization = \"env:P7_CORE_FRONT_END_AUTHORIZATION\"
X-Api-Key = \"env:SHOP_KEY\"

[services.db]
name = \"db\"
interval = \"1m\"
timeout = \"10s\"

[[services.db.maintenance]]
cron = \"0 23 * * 1,4\"
timezone = \"UTC\"
duration = \"1h\"

[services.db.tcp]
address = \"db.example:5432\"
"
        );
        assert!(left(&draft).is_empty(), "{:?}", left(&draft));
    }

    #[test]
    fn status_conditions_become_the_codes_that_pass_and_those_that_fail() {
        let codes = |conditions: &str| -> String {
            let source = format!("endpoints: [{{ name: a, url: 'http://a/', conditions: [{conditions}] }}]");
            let text = toml_of(&read(&source));
            text.lines().filter(|l| l.contains("_codes")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(codes("'[STATUS] < 400'"), "");
        assert_eq!(codes(""), "success_codes = [\"100-599\"]");
        assert_eq!(
            codes("'[STATUS] == any(200, 429)'"),
            "success_codes = [200, 429] failure_codes = [\"100-199\", \"201-428\", \"430-599\"]"
        );
        assert_eq!(
            codes("'[STATUS] >= 200', '[STATUS] < 300'"),
            "success_codes = [\"200-299\"] failure_codes = [\"100-199\", \"300-599\"]"
        );
    }

    #[test]
    fn what_could_not_be_carried_over_is_listed_with_its_line() {
        let draft = read(
            "alerting:
  slack: { webhook-url: https://hooks.slack.com/services/SECRET }
endpoints:
  - name: ping
    url: icmp://example.org
  - name: shop
    url: https://shop.example
    alerts: [ { type: slack } ]
    conditions:
      - \"[DOMAIN_EXPIRATION] > 720h\"
      - \"len([BODY].data) < 5\"
  - name: old
    enabled: false
    url: https://old.example
",
        );
        assert_eq!(
            left(&draft),
            [
                "4: endpoint \"ping\": p7 has no test for `icmp` addresses",
                "6: endpoint \"shop\": condition `[DOMAIN_EXPIRATION] > 720h`: p7's tests do not look at this",
                "6: endpoint \"shop\": condition `len([BODY].data) < 5`: p7 knows no such function or place",
                "6: endpoint \"shop\": alerts: routes are set up anew; see docs/configuration.md",
                "12: endpoint \"old\": it is switched off",
                "-: alerting: channels and routes are set up anew; see docs/configuration.md",
            ]
        );
        assert!(!draft.toml("x").contains("SECRET"));
    }

    #[test]
    fn a_bomb_of_aliases_or_depth_is_refused_quickly() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..20 {
            let of = vec![format!("*a{}", n - 1); 9].join(", ");
            bomb.push_str(&format!("a{n}: &a{n} [{of}]\n"));
        }
        bomb.push_str("endpoints: [{ name: a, url: 'http://a' }]\n");
        let deep = format!("endpoints: {}{}", "[".repeat(50_000), "]".repeat(50_000));
        for source in [bomb, deep] {
            let why = import(&source, Format::Gatus).unwrap_err().to_string();
            assert!(why.starts_with("no Gatus configuration"), "{why}");
        }
    }
}

mod kuma_backups {
    use super::*;

    fn read(source: &serde_json::Value) -> Draft {
        import(&source.to_string(), Format::UptimeKuma).unwrap()
    }

    #[test]
    fn monitors_are_carried_over_without_their_secrets() {
        let draft = read(&serde_json::json!({
            "version": "1.23.3",
            "notificationList": [{ "id": 1, "name": "Phone", "config": "{\"token\":\"SECRET\"}" }],
            "monitorList": [
                { "id": 1, "name": "Live", "type": "group" },
                { "id": 2, "name": "Shop", "type": "keyword", "url": "https://shop.example/", "interval": 30,
                  "timeout": 20, "maxretries": 0, "accepted_statuscodes": ["200-299"], "keyword": "Welcome",
                  "ignoreTls": true, "maxredirects": 5, "parent": 1, "authMethod": "basic",
                  "basic_auth_user": "ann", "basic_auth_pass": "SECRET",
                  "headers": "{\"X-Token\": \"SECRET\", \"Accept\": \"text/html\"}",
                  "tags": [{ "name": "team", "value": "web" }], "description": "The shop" },
                { "id": 3, "name": "Status", "type": "json-query", "url": "http://a.example", "interval": 60,
                  "jsonPath": "data.ok", "expectedValue": "true", "accepted_statuscodes": ["200"] },
                { "id": 4, "name": "DB", "type": "port", "hostname": "db.example", "port": 5432, "interval": 60 },
            ],
        }));
        let text = toml_of(&draft);
        assert!(!text.contains("SECRET"), "{text}");
        assert_eq!(
            text,
            "\
[services.shop]
name = \"Shop\"
environment = \"Live\"
description = \"The shop\"
interval = \"30s\"
timeout = \"20s\"
labels = { \"team\" = \"web\" }

[services.shop.http]
url = \"https://shop.example/\"
max_redirects = 5
tls = { verify = false }
success_codes = [\"200-299\"]
failure_codes = [\"100-199\", \"300-599\"]
success_text = [\"Welcome\"]
auth = { basic = { username = \"ann\", password = \"env:P7_SHOP_PASSWORD\" } }

[services.shop.http.headers]
Accept = \"text/html\"

[services.shop.http.secret_headers]
X-Token = \"env:P7_SHOP_X_TOKEN\"

[services.status]
name = \"Status\"
interval = \"1m\"
timeout = \"48s\"

[services.status.http]
url = \"http://a.example\"
success_codes = [200]
failure_codes = [\"100-199\", \"201-599\"]
expect_json = [
  { path = \"$.data.ok\", equals = true },
]

[services.db]
name = \"DB\"
interval = \"1m\"
timeout = \"48s\"

[services.db.tcp]
address = \"db.example:5432\"
"
        );
        assert_eq!(left(&draft), ["-: notification \"Phone\": it is set up anew; see docs/configuration.md"]);
    }

    #[test]
    fn what_could_not_be_carried_over_is_listed() {
        let draft = read(&serde_json::json!({ "monitorList": [
            { "id": 1, "name": "Ping", "type": "ping", "hostname": "a" },
            { "id": 2, "name": "Old", "type": "http", "url": "http://a", "active": 0 },
            { "id": 3, "name": "Flip", "type": "http", "url": "http://a", "upsideDown": true },
            { "id": 4, "name": "Odd", "type": "json-query", "url": "http://a", "jsonPath": "$sum(x)", "maxretries": 2,
              "expectedValue": "1", "authMethod": "ntlm", "accepted_statuscodes": ["2xx"] },
        ]}));
        assert_eq!(
            left(&draft)
                .iter()
                .map(|l| l.split(": ").take(3).collect::<Vec<_>>().join(": "))
                .collect::<Vec<_>>(),
            [
                "-: monitor \"Ping\" (id 1) of type ping: p7 has no test of this kind",
                "-: monitor \"Old\" (id 2): it is paused",
                "-: monitor \"Flip\" (id 3): p7 has no upside-down mode",
                "-: monitor \"Odd\" (id 4): accepted_statuscodes `2xx`",
                "-: monitor \"Odd\" (id 4): its JSON query",
                "-: monitor \"Odd\" (id 4): authentication `ntlm`",
                "-: monitor \"Odd\" (id 4): maxretries",
            ]
        );
    }
}

#[test]
fn a_format_is_guessed_by_name_or_content() {
    let guess = |name: &str, source: &str| Format::guess(name, source);
    assert_eq!(guess("sample_config.py", ""), Some(Format::Original));
    assert_eq!(guess("config.yaml", ""), Some(Format::Gatus));
    assert_eq!(guess("backup.JSON", ""), Some(Format::UptimeKuma));
    assert_eq!(guess("-", " {\"monitorList\": []}"), Some(Format::UptimeKuma));
    assert_eq!(guess("-", "urlList = {}"), Some(Format::Original));
    assert_eq!(guess("-", "hello"), None);
}

/// Texts that look like the real thing, broken in every way.
fn hostile(seed: &'static str) -> impl Strategy<Value = String> {
    let cut = (0..seed.len(), 0..seed.len(), any::<String>()).prop_map(move |(from, to, insert)| {
        let at = |index: usize| (index..=seed.len()).find(|i| seed.is_char_boundary(*i)).unwrap_or(0);
        let (from, to) = (at(from.min(to)), at(from.max(to)));
        format!("{}{insert}{}", &seed[..from], &seed[to..])
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
