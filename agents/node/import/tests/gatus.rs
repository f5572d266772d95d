//! Gatus files: endpoints, conditions, and bombs.

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
  - name: names
    url: 8.8.8.8
    dns: { query-name: example.org, query-type: A }
  - name: bare
    url: shop.example
",
    );
    assert_eq!(
        left(&draft),
        [
            "4: endpoint \"ping\": p7 has no test for `icmp` addresses",
            "6: endpoint \"shop\": condition `[DOMAIN_EXPIRATION] > 720h`: p7's tests do not look at this",
            "6: endpoint \"shop\": condition `len([BODY].data) < 5`: p7 knows no such function or place",
            "6: endpoint \"shop\": alerts: p7 sends no alerts yet",
            "12: endpoint \"old\": it is switched off",
            "15: endpoint \"names\": p7 has no test for DNS",
            "18: endpoint \"bare\": its url has no scheme such as `https://`",
            "-: alerting: p7 sends no alerts yet",
        ]
    );
    assert!(!draft.toml("x").contains("SECRET"));
}

#[test]
fn a_bomb_of_aliases_or_depth_is_refused_quickly() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..20 {
        let of = vec![format!("*a{}", n - 1); 9].join(", ");
        let line = format!("a{n}: &a{n} [{of}]\n");
        bomb.push_str(&line);
    }
    bomb.push_str("endpoints: [{ name: a, url: 'http://a' }]\n");
    let deep = format!("endpoints: {}{}", "[".repeat(50_000), "]".repeat(50_000));
    for source in [bomb, deep] {
        let why = import(&source, Format::Gatus).unwrap_err().to_string();
        assert!(why.starts_with("no Gatus configuration"), "{why}");
    }
}
