//! What a person reads when a configuration file is wrong: every fault, at its place, in plain words.

use p7_settings::{Check, Document, Faults, Overrides, Period, Secret, Style};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    name: String,
    http: Http,
    anchors: Vec<String>,
    labels: BTreeMap<String, String>,
    format: Format,
    hosts: Vec<Host>,
    key: Option<Secret>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Http {
    listen: Option<SocketAddr>,
    timeout: Option<Period>,
    retries: u8,
    gzip: bool,
    rate: f64,
    token: Option<Secret>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the reading is tested")]
struct Host {
    name: String,
    port: u16,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Text,
    Json,
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.http.retries > 5 {
            faults.under("http").push("retries", "more than 5 retries help nobody");
        }
        if self.http.timeout.is_none_or(|t| t > Period::seconds(10)) {
            faults.under("http").push("timeout", "more than \"10s\" is too long");
        }
    }
}

const OVERRIDES: Overrides<'_> = Overrides {
    prefix: "P7_NODE__",
    home: "http",
    home_keys: &["listen", "retries", "token"],
    top_keys: &["name", "http", "anchors", "labels", "format", "hosts", "key"],
};

fn report(text: &str, variables: &[(&str, &str)]) -> String {
    let environment = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let mut document = Document::parse("c/node.toml", text);
    document.override_from(&OVERRIDES, &environment);
    if let Some(config) = document.decode::<Config>(&[], &[]) {
        document.check(&[], &config);
    }
    let faults = document.into_faults();
    faults.iter().map(|f| f.render(Style::Plain)).collect()
}

/// The headlines alone.
fn headlines(text: &str) -> Vec<String> {
    let mut document = Document::parse("n.toml", text);
    document.decode::<Config>(&[], &[]);
    document.into_faults().iter().map(ToString::to_string).collect()
}

#[test]
fn all_faults_of_a_file_are_told_in_one_run_each_with_its_line_marked() {
    let text = "nmae = \"one\"\n\n[http]\nlisten = \"nowhere\"\ntimeout = 30\nretries = 9\ngzip = \"yes\"\n";
    let expected = "\
c/node.toml:1:1: unknown key `nmae`; did you mean `name`?
  |
1 | nmae = …
  | ^^^^
c/node.toml:4:10: this is no address with a port; write it as \"127.0.0.1:7007\" or \"[::1]:7007\"
  |
4 | listen = \"nowhere\"
  |          ^^^^^^^^^
c/node.toml:5:11: expected a string like \"60s\", found an integer
  |
5 | timeout = 30
  |           ^^
c/node.toml:6:11: more than 5 retries help nobody
  |
6 | retries = 9
  |           ^
c/node.toml:7:8: expected true or false, found a string
  |
7 | gzip = \"yes\"
  |        ^^^^^
";
    assert_eq!(report(text, &[]), expected);
}

#[test]
fn wrong_values_are_told_in_plain_words() {
    for (text, expected) in [
        ("name = 1", "n.toml:1:8: expected a string, found an integer"),
        ("name = 2024-01-01", "n.toml:1:8: expected a string, found a date"),
        ("http = 1", "n.toml:1:8: expected a table, found an integer"),
        ("http = []", "n.toml:1:8: expected a table, found a list"),
        ("anchors = \"a\"", "n.toml:1:11: expected a list, found a string"),
        ("anchors = [\"a\", 2]", "n.toml:1:17: expected a string, found an integer"),
        ("labels = { a = 1 }", "n.toml:1:16: expected a string, found an integer"),
        ("format = \"jsn\"", "n.toml:1:10: unknown value `jsn`; did you mean `json`?"),
        ("format = \"yaml\"", "n.toml:1:10: unknown value `yaml`; expected one of `text`, `json`"),
        ("format = 3", "n.toml:1:10: expected a string, found an integer"),
        ("http.retries = 300", "n.toml:1:16: expected a whole number from 0 to 255, found 300"),
        ("http.retries = -1", "n.toml:1:16: expected a whole number from 0 to 255, found -1"),
        ("http.retries = 99999999999999999999", "n.toml:1:16: this number is too large"),
        ("http.rate = \"1\"", "n.toml:1:13: expected a number, found a string"),
        (
            "http.colour = 1",
            "n.toml:1:6: unknown key `colour`; known here: `gzip`, `listen`, `rate`, `retries`, `timeout`, `token`",
        ),
        (
            "http.timeout = \"soon\"",
            "n.toml:1:16: `soon` is no span of time; write it as \"60s\", \"1m 30s\" or \"500ms\"",
        ),
        ("[[hosts]]\nname = \"a\"", "n.toml:1:1: the key `port` is missing"),
    ] {
        assert_eq!(headlines(text), [expected], "{text}");
    }
}

#[test]
fn syntax_errors_have_a_place_and_a_key_given_twice_hides_no_other_fault() {
    assert_eq!(
        headlines("name = \"a\"\nname = \"b\"\n[http]\nretris = 1\n"),
        [
            "n.toml:2:1: this key was given before; keep one of the two",
            "n.toml:4:1: unknown key `retris`; did you mean `retries`?"
        ]
    );
    assert_eq!(
        headlines("name = \"a\nretries =\n[http\n"),
        [
            "n.toml:1:10: invalid basic string, expected `\"`",
            "n.toml:2:10: string values must be quoted, expected literal string",
            "n.toml:3:6: unclosed table, expected `]`",
        ]
    );
}

#[test]
fn a_faulty_element_of_a_list_shifts_no_other() {
    let text = "hosts = [{ name = 1, port = 1 }, { name = \"b\", port = 70000 }, { name = \"c\", prt = 1 }]";
    assert_eq!(
        headlines(text),
        [
            "n.toml:1:19: expected a string, found an integer",
            "n.toml:1:55: expected a whole number from 0 to 65535, found 70000",
            "n.toml:1:64: the key `port` is missing",
            "n.toml:1:78: unknown key `prt`; did you mean `port`?",
        ]
    );
}

#[test]
fn the_environment_overrides_the_file_and_its_faults_name_the_variable() {
    let read = |variables: &[(&str, &str)]| report("[http]\nretries = 9\ntimeout = \"1s\"\n", variables);
    assert_eq!(read(&[("P7_NODE__HTTP__RETRIES", "3")]), "");
    // the table the file is named after may be left out
    assert_eq!(read(&[("P7_NODE__RETRIES", "3")]), "");
    // what looks like a number is a string where one is wanted
    assert_eq!(read(&[("P7_NODE__RETRIES", "3"), ("P7_NODE__NAME", "42")]), "");
    assert_eq!(read(&[("P7_NODE__RETRIES", "3"), ("P7_NODE__ANCHORS", "[\"a:1\", \"b:2\"]")]), "");
    assert_eq!(read(&[("P7_NODE__RETRIES", "3"), ("P7_MESH__NAME", "x"), ("P7_NODE", "x")]), "");
    for (name, value, expected) in [
        (
            "P7_NODE__HTTP__RETRIES",
            "7",
            "environment variable P7_NODE__HTTP__RETRIES: more than 5 retries help nobody (`http.retries` of c/node.toml)\n",
        ),
        (
            "P7_NODE__HTTP__RETRIES",
            "x",
            "environment variable P7_NODE__HTTP__RETRIES: expected a whole number from 0 to 255, found a string (`http.retries` of c/node.toml)\n",
        ),
    ] {
        assert_eq!(read(&[(name, value)]), expected);
    }
    for (name, message) in [
        (
            "P7_NODE__HTTP__RETRYS",
            "unknown key `retrys`; did you mean `retries`? (`http.retrys` of c/node.toml)",
        ),
        ("P7_NODE__NAMES", "unknown key `names`; did you mean `name`? (`names` of c/node.toml)"),
        ("P7_NODE__", "it names no key; write P7_NODE__TABLE__KEY, such as P7_NODE__HTTP__NAME"),
        ("P7_NODE__HTTP____X", "it names no key; write P7_NODE__TABLE__KEY, such as P7_NODE__HTTP__NAME"),
        ("P7_NODE__HTTP__TIMEOUT__X", "`timeout` is no table"),
    ] {
        let found = report("http = { timeout = \"1s\" }", &[(name, "1")]);
        assert_eq!(found, format!("environment variable {name}: {message}\n"));
    }
}

#[test]
fn a_secret_in_the_open_is_refused_and_not_repeated() {
    for text in [
        "key = \"hunter2\"",
        "key = 'hunter2'\nname = 3",
        "http = { token = \"hunter2\", retris = 1 }",
        "http = { a = 1, token = \"hunter2\" }",
        "http = { a = 1, tken = \"hunter2\" }",
        "htp = { tken = \"hunter2\" }",
        "key = \"hunter2\" # key\nname = 3",
        "hosts = [{ a = 1, tken = \"hunter2\" }]",
        "[http]\ntoken = \"\"\"\nhunter2\"\"\"\nretris = 1",
        "[http]\ntoken = \"hunter2",
        "[http]\ntoken = \"\"\"\nhunter2\n",
        "[http]\ntoken = hunter2",
        "[http]\ntoken = [\"a\",\n \"hunter2\"\n",
    ] {
        let shown = report(text, &[]);
        assert!(!shown.is_empty(), "{text}");
        assert!(!shown.contains("hunter2"), "{text}\n{shown}");
    }
    let shown = report("", &[("P7_NODE__HTTP__TOKEN", "hunter2"), ("P7_NODE__KEY", "hunter2")]);
    assert!(shown.contains("P7_NODE__HTTP__TOKEN") && shown.contains("P7_NODE__KEY"));
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_configuration_is_answered_with_its_secrets_hidden() {
    let text = r#"
        url = "https://me:hunter2@host/?token=hunter2&a=1"
        [services.token-shop.http]
        url = "http://h/"
        password = "hunter2"
        bearer = "env:TOKEN"
        headers = { Accept = "text/html", X-Mine = "hunter2" }
        body = "hunter2"
        accept = [200, 201]
    "#;
    let document = Document::parse("m.toml", text);
    let expected = serde_json::json!({
        "url": "https://(hidden)@host/?token=(hidden)&a=1",
        "services": { "token-shop": { "http": {
            "url": "http://h/",
            "password": "(hidden)",
            "bearer": "env:TOKEN",
            "headers": { "Accept": "text/html", "X-Mine": "(hidden)" },
            "body": "(hidden)",
            "accept": [200, 201],
        } } }
    });
    assert_eq!(document.redacted(), expected);
    assert!(document.canonical().contains("hunter2"));
}

#[test]
fn a_type_tells_its_keys() {
    assert_eq!(
        p7_settings::keys_of::<Config>(),
        ["name", "http", "anchors", "labels", "format", "hosts", "key"]
    );
    let all = p7_settings::all_keys_of::<Config>();
    let expected = [
        "name",
        "http.listen",
        "http.timeout",
        "http.retries",
        "http.gzip",
        "http.rate",
        "http.token",
        "anchors",
        "labels",
        "format",
        "hosts[].name",
        "hosts[].port",
        "key",
    ];
    assert_eq!(all, expected);
}
