//! Backups of Uptime Kuma.

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
            { "id": 2, "name": "Shop", "type": "keyword", "url": "https://shop.example/", "interval": 30, "expiryNotification": true,
              "timeout": 20, "maxretries": 0, "accepted_statuscodes": ["200-299"], "keyword": "Welcome",
              "ignoreTls": true, "maxredirects": 5, "parent": 1, "authMethod": "basic",
              "basic_auth_user": "ann", "basic_auth_pass": "SECRET",
              "headers": "{\"X-Token\": \"SECRET\", \"Accept\": \"text/html\"}",
              "tags": [{ "name": "team", "value": "web" }], "description": "The shop" },
            { "id": 3, "name": "Status", "type": "json-query", "url": "http://a.example", "interval": 60,
              "jsonPath": "data.ok", "expiryNotification": true, "expectedValue": "true", "accepted_statuscodes": ["200"] },
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
min_certificate_validity = \"7days\"
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
    assert_eq!(left(&draft), ["-: notification \"Phone\": p7 sends no alerts yet"]);
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
        left(&draft).iter().map(|l| l.split(": ").take(3).collect::<Vec<_>>().join(": ")).collect::<Vec<_>>(),
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
