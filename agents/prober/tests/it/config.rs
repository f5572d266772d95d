//! Settings: all faults at once, and nothing a file can hold makes them panic.

use crate::common::{config, service};
use p7_prober::{Config, ConnectivityConfig, Probe, ProbeConfig, kinds};
use p7_settings::{Check, Faults};
use proptest::prelude::*;
use std::path::Path;

fn faults(of: &impl Check) -> Vec<String> {
    let mut list = Vec::new();
    of.check(&mut Faults::new(&mut list));
    list.into_iter().map(|fault| format!("{}: {}", fault.path.join("."), fault.message)).collect()
}

#[test]
fn all_faults_of_an_http_table_are_found_in_one_run() {
    let settings = r#"
        url = "ftp://user@shop.example"
        method = "G T"
        body_limit = 0
        max_redirects = 99
        max_latency = "0s"
        user_agent = "a\nb"
        headers = { "bad name" = "x", connection = "close" }
        secret_headers = { x-key = "env:KEY" }
        auth = { bearer = "env:A", basic = { username = "a:b", password = "env:B" } }
        proxy = { url = "socks5://x", username = "me" }
        tls = { verify = false, ca_file = "ca.pem", client_cert = "c.pem", server_name = "a b" }
        success_text = ["ok", "regex:("]
        expect_headers = { "x y" = "", x-a = "regex:[" }
        expect_json = [{ path = "status" }, { path = "$.a", matches = "regex:*" }, { path = "$.b", exists = false, min = 1 }]
    "#;
    let keys: Vec<String> = faults(&config("http", settings))
        .iter()
        .map(|fault| fault.split(": ").next().unwrap_or("").to_owned())
        .collect();
    let expected = [
        "url",
        "method",
        "headers.bad name",
        "headers.connection",
        "auth",
        "auth.basic.username",
        "proxy.url",
        "proxy",
        "tls.server_name",
        "tls.client_cert",
        "tls.ca_file",
        "max_redirects",
        "body_limit",
        "user_agent",
        "max_latency",
        "success_text.1",
        "expect_headers.x y",
        "expect_headers.x-a",
        "expect_json.0.path",
        "expect_json.1.matches",
        "expect_json.2.exists",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn faults_say_what_to_do() {
    let fault = |kind, settings| faults(&config(kind, settings)).join("; ");
    assert_eq!(fault("http", "url = 'shop.example'"), "url: `shop.example` has no scheme; write `https://…`");
    assert_eq!(
        fault("http", "url = 'https://me:pw@shop.example/'"),
        "url: credentials don't belong into a URL; use `auth.basic` (or the proxy's `username`)"
    );
    assert_eq!(
        fault("http", "url = 'http://a/'\nmethod = 'HEAD'\nsuccess_text = ['ok']"),
        "method: the answer to HEAD has no body; texts and JSON can't be looked for"
    );
    assert_eq!(
        fault("tcp", "address = 'db.example'\nmin_certificate_validity = '7d'"),
        "address: `db.example` is no `host:port`, such as `db.example.org:5432` or `[::1]:25`; \
         min_certificate_validity: needs a `tls` table beside it; `tls = {}` is enough"
    );
    assert_eq!(fault("http", "url = 'https://shop.example/'"), "");
}

#[test]
fn targets_are_shown_without_credentials_and_values_of_a_query() {
    let target = |kind, settings| config(kind, settings).target();
    assert_eq!(
        target("http", "url = 'https://me:pw@shop.example/a?key=s3cret&b=1#x'"),
        "https://shop.example/a?key=…&b=…"
    );
    assert_eq!(target("http", "url = 'https://shop.example'"), "https://shop.example/");
    assert_eq!(target("tcp", "address = 'db.example:5432'"), "db.example:5432");
}

#[test]
fn a_url_on_the_command_line_finds_its_kind() {
    let kind = |url| ProbeConfig::from_url(url).map(|c| (c.kind(), c.target()));
    assert_eq!(kind("https://a.example"), Some(("http", "https://a.example/".to_owned())));
    assert_eq!(kind("tcp://a.example:22"), Some(("tcp", "a.example:22".to_owned())));
    assert_eq!(kind("tls://a.example:993/"), Some(("tcp", "a.example:993".to_owned())));
    assert_eq!(kind("gopher://a.example"), None);
}

#[test]
fn misspelt_keys_bad_codes_and_unknown_kinds_are_refused() {
    let read = |kind: &str, settings: &str| {
        let error = ProbeConfig::deserialize(kind, toml::Deserializer::parse(settings).unwrap()).unwrap_err();
        error.message().to_owned()
    };
    assert!(read("http", "url = 'http://a/'\nmetod = 'GET'").contains("unknown field `metod`"));
    assert!(
        read("http", "url = 'http://a/'\nsuccess_codes = [99]").contains("a status code from 100 to 599")
    );
    assert!(
        read("http", "url = 'http://a/'\nsuccess_codes = ['299-200']").contains("write it as \"200-299\"")
    );
    assert!(read("http", "method = 'GET'").contains("missing field `url`"));
    assert_eq!(read("smtp", ""), "there is no probe kind `smtp`; there is: http, json_count, tcp");
    assert_eq!(kinds::NAMES, ["http", "json_count", "tcp"]);
}

#[test]
fn the_agents_own_tables_are_checked_and_empty_ones_are_valid() {
    let bad: Config = toml::from_str("concurrency = 0\nstart_within = '1h'").unwrap();
    assert_eq!(faults(&bad).len(), 2);
    let bad: ConnectivityConfig =
        toml::from_str("anchors = ['gate', '10.0.0.1:53']\ntimeout = '0s'").unwrap();
    assert_eq!(faults(&bad).len(), 2);
    assert!(faults(&toml::from_str::<Config>("").unwrap()).is_empty());
    assert!(faults(&toml::from_str::<ConnectivityConfig>("").unwrap()).is_empty());
}

/// A TOML value of any shape, with the keys of the tables among the words.
fn anything() -> impl Strategy<Value = toml::Value> {
    let word = prop_oneof![
        ".{0,20}",
        Just("http://[::1]:80/".to_owned()),
        Just("regex:(a|b)*c{2,3}".to_owned()),
        Just("$..[?(@.a == 'b' && !(@.c))]".to_owned()),
        Just("env:P7_NOT_SET".to_owned()),
        Just("7d".to_owned()),
        Just("200-299".to_owned()),
        Just("2".to_owned()),
    ];
    let leaf = prop_oneof![
        any::<i64>().prop_map(toml::Value::Integer),
        any::<f64>().prop_map(toml::Value::Float),
        any::<bool>().prop_map(toml::Value::Boolean),
        word.prop_map(toml::Value::String),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(toml::Value::Array),
            prop::collection::btree_map(key(), inner, 0..4)
                .prop_map(|map| toml::Value::Table(map.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "url",
        "method",
        "headers",
        "secret_headers",
        "body",
        "auth",
        "basic",
        "bearer",
        "oauth2",
        "username",
        "password",
        "token_url",
        "max_redirects",
        "proxy",
        "ip",
        "tls",
        "verify",
        "ca_file",
        "http_version",
        "body_limit",
        "success_codes",
        "failure_text",
        "success_text",
        "expect_headers",
        "expect_json",
        "path",
        "equals",
        "matches",
        "min",
        "max_latency",
        "address",
        "send",
        "expect",
        "min_certificate_validity",
    ];
    prop_oneof![9 => prop::sample::select(KNOWN).prop_map(str::to_owned), 1 => ".{0,10}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_table_whatever_makes_reading_checking_or_preparing_panic(
        table in prop::collection::btree_map(key(), anything(), 0..8),
        url in prop_oneof![Just("http://a/".to_owned()), ".{0,30}"],
    ) {
        for kind in kinds::NAMES {
            let mut table = table.clone();
            table.entry("url".to_owned()).or_insert_with(|| toml::Value::String(url.clone()));
            table.entry("address".to_owned()).or_insert_with(|| toml::Value::String("a:1".to_owned()));
            if *kind == "tcp" { table.remove("url"); } else { table.remove("address"); }
            if *kind == "json_count" {
                table.entry("path".to_owned()).or_insert_with(|| toml::Value::String("$.a[*]".to_owned()));
                table.entry("max".to_owned()).or_insert_with(|| toml::Value::Integer(3));
            }
            let value = toml::Value::Table(table.into_iter().collect());
            let Ok(config) = ProbeConfig::deserialize(kind, value) else { continue };
            let found = faults(&config);
            config.target();
            let prepared = Probe::prepare(&service("shop", kind), &config, Path::new("/nonexistent"));
            // what has no faults can be prepared, but for files and secrets
            if found.is_empty() && let Err(error) = prepared {
                let files = ["can't read", "not set", "can't read the secret"];
                prop_assert!(files.iter().any(|f| error.why.contains(f)), "{error}");
            }
        }
    }

    #[test]
    fn no_single_key_of_any_value_panics(name in key(), value in anything()) {
        let table: toml::Table = [("url".to_owned(), toml::Value::String("http://a/".to_owned())), (name, value)].into_iter().collect();
        if let Ok(config) = ProbeConfig::deserialize("http", toml::Value::Table(table)) {
            faults(&config);
        }
    }
}
