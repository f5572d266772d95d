//! What is wrong with a configuration, told at its place.

use super::{folder, loaded, mesh_faults};
use crate::config::check::{CheckReport, check};
use crate::config::load::{fingerprint, load};
use p7_core::service::{Rules, VantagePoints};
use p7_core::vocabulary::Millis;
use p7_settings::Style;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub(super) const WELL: &str = "[services.a.http]\nurl = \"http://127.0.0.1/\"\n";

/// A service `a` with further keys.
pub(super) fn with(keys: &str) -> String {
    format!("[services.a]\n{keys}\n{WELL}")
}

pub(super) fn checked(dir: &Path) -> CheckReport {
    let mut report = check(dir, &BTreeMap::new(), Style::Plain);
    report.text = report.text.replace(&dir.display().to_string(), "conf");
    report
}

#[test]
fn all_faults_of_both_files_are_told_in_one_run() {
    let node = "[http]\nlisten = 7\n[lgo]\nlevel = \"info\"\n[log]\nlevel = \"loud\"\n";
    let mesh = "\
[defaults]
intervall = \"30s\"
timeout = 10

[services.shop]
name = \"Shop\"
enviroment = \"live\"
depends_on = [\"databas\", \"shop\"]
runbook = \"javascript:alert(1)\"
[services.shop.http]
url = \"ftp://x\"

[services.database.tpc]
address = \"db:5432\"

[services.Web]
[services.Web.http]
url = \"http://127.0.0.1/\"
timout = \"5s\"
";
    let folder = folder(node, mesh);
    let report = checked(folder.path());
    assert_eq!(report.exit_code, 2);
    let expected = "\
conf/node.toml:2:10: expected an address such as \"127.0.0.1:7007\", or a list of them, found an integer
  |
2 | listen = 7
  |          ^

conf/node.toml:3:2: unknown key `lgo`; did you mean `log`?
  |
3 | [lgo]
  |  ^^^

conf/node.toml:6:9: unknown value `loud`; expected one of `error`, `warn`, `info`, `debug`, `trace`
  |
6 | level = \"loud\"
  |         ^^^^^^

conf/mesh.toml:2:1: unknown key `intervall`; did you mean `interval`?
  |
2 | intervall = …
  | ^^^^^^^^^

conf/mesh.toml:3:11: expected a string like \"60s\", found an integer
  |
3 | timeout = 10
  |           ^^

conf/mesh.toml:7:1: unknown key `enviroment`; did you mean `environment`?
  |
7 | enviroment = …
  | ^^^^^^^^^^

conf/mesh.toml:8:15: there is no service `databas`; did you mean `database`?
  |
8 | depends_on = [\"databas\", \"shop\"]
  |               ^^^^^^^^^

conf/mesh.toml:8:26: a service can't depend on itself
  |
8 | depends_on = [\"databas\", \"shop\"]
  |                          ^^^^^^

conf/mesh.toml:9:11: is no web address; it must start with `https://` or `http://`
  |
9 | runbook = \"javascript:alert(1)\"
  |           ^^^^^^^^^^^^^^^^^^^^^

conf/mesh.toml:11:7: must start with `http://` or `https://`
   |
11 | url = \"ftp://x\"
   |       ^^^^^^^^^

conf/mesh.toml:13:20: unknown key `tpc`; did you mean `tcp`?
   |
13 | [services.database.tpc]
   |                    ^^^

conf/mesh.toml:16:11: `Web` is no service id: use 1 to 64 of a-z, 0-9, `-` and `_`, a letter or digit first
   |
16 | [services.Web]
   |           ^^^

conf/mesh.toml:19:1: unknown key `timout`; known here: `auth`, `body`, `body_limit`, `expect_headers`, `expect_json`, `failure_codes`, `failure_text`, `headers`, `http_version`, `ip`, `maintenance_codes`, `maintenance_text`, `max_latency`, `max_redirects`, `method`, `min_certificate_validity`, `proxy`, `reuse_connections`, `secret_headers`, `success_codes`, `success_text`, `tls`, `unauthorized_codes`, `url`, `user_agent`
   |
19 | timout = …
   | ^^^^^^

conf: 13 faults
";
    assert_eq!(report.text, expected);
}

#[test]
fn what_does_not_fit_together_is_told_at_the_key_that_says_it() {
    for (keys, expected) in [
        ("timeout = \"60s\"", "mesh.toml:2:11: 1m must be less than the interval, 1m"),
        ("interval = \"5s\"\ntimeout = \"7s\"", "mesh.toml:3:11: 7s must be less than the interval, 5s"),
        ("interval = \"10ms\"", "mesh.toml:2:12: must be \"100ms\" to \"7d\""),
        ("interval = \"8d\"", "mesh.toml:2:12: must be \"100ms\" to \"7d\""),
        ("timeout = \"0s\"", "mesh.toml:2:11: must be more than nothing"),
        ("retries = 11", "mesh.toml:2:11: must be at most 10"),
        (
            "retries = 2\ntimeout = \"25s\"",
            "mesh.toml:2:11: 3 attempts and the delays between them may take 1m 17s, longer than the interval, 1m; \
             lower `retries`, `timeout` or `retry_delay`",
        ),
        ("rules = { window = 21 }", "mesh.toml:2:20: must be 1 to 20 cycles"),
        ("rules = { window = 0 }", "mesh.toml:2:20: must be 1 to 20 cycles"),
        ("rules = { red = 7 }", "mesh.toml:2:17: must be 1 to 6, the cycles of the window"),
        ("rules = { orange = 4, red = 3 }", "mesh.toml:2:29: must be at least `orange`, which is 4"),
        ("rules = { orange = 0 }", "mesh.toml:2:20: must be 1 to 6, the cycles of the window"),
        (
            "rules = { confirm = 0 }",
            "mesh.toml:2:21: must be at least 1; with 1 the first failure is an incident",
        ),
        ("rules = { recover_after = 0 }", "mesh.toml:2:27: must be 1 to 20 cycles"),
        ("rules = 3", "mesh.toml:2:9: expected a table, found an integer"),
        ("vantage_points = 0", "mesh.toml:2:18: expected \"all\" or a whole number from 1 to 1000, found 0"),
        (
            "vantage_points = \"some\"",
            "mesh.toml:2:18: expected \"all\" or a whole number from 1 to 1000, found a string",
        ),
        ("name = \"\"", "mesh.toml:2:8: is empty; leave it out or say something"),
        ("name = \"a\\nb\"", "mesh.toml:2:8: has line ends or other control characters; write one line"),
        (
            "labels = { \"a-b\" = \"x\" }",
            "mesh.toml:2:20: is no label: use letters, digits and `_`, no digit first, at most 64",
        ),
        (
            "vantage_labels = { office = \"a\\nb\" }",
            "mesh.toml:2:29: write one line of at most 200 characters",
        ),
        (
            "link = \"shop\"",
            "mesh.toml:2:8: is no web address (relative URL without a base); write it as \"https://wiki.example.org/shop\"",
        ),
        (
            "link = \"https://me:hunter2@shop/\"",
            "mesh.toml:2:8: holds a user or password, which every page would show; leave them out",
        ),
        ("depends_on = [\"b\"]", "mesh.toml:2:15: there is no service `b`; did you mean `a`?"),
        (
            "depends_on = [\"database\"]",
            "mesh.toml:2:15: there is no service `database`; name an id, the key of its table",
        ),
        ("depends_on = [\"a\"]", "mesh.toml:2:15: a service can't depend on itself"),
    ] {
        assert_eq!(mesh_faults(&with(keys)), [expected], "{keys}");
    }
    let long = with(&format!("environment = \"{}\"", "x".repeat(65)));
    assert_eq!(mesh_faults(&long), ["mesh.toml:2:15: is longer than 64 characters"]);
}

#[test]
fn a_service_is_tested_in_exactly_one_way() {
    for (mesh, expected) in [
        (
            "[services.a]",
            "mesh.toml:1:11: nothing says how to test this service; add [services.a.http] or [services.a.json_count] or [services.a.tcp]",
        ),
        (
            "[services.a]\nhttp = { url = \"http://h/\" }\ntcp = { address = \"h:1\" }",
            "mesh.toml:3:1: a service is tested in one way, and `http` is there, too; keep one of them",
        ),
        ("[services.a.http]", "mesh.toml:1:13: the key `url` is missing"),
        ("[services.a.https]\nurl = \"x\"", "mesh.toml:1:13: unknown key `https`; did you mean `http`?"),
        ("[services]\na = 1", "mesh.toml:2:5: expected a table, found an integer"),
        ("services = 1", "mesh.toml:1:12: expected a table"),
    ] {
        assert_eq!(mesh_faults(mesh), [expected], "{mesh}");
    }
}

#[test]
fn a_fault_of_a_default_is_told_once_and_where_it_is_said() {
    let two = WELL.to_owned() + "[services.b.http]\nurl = \"http://127.0.0.1/\"\n";
    let mesh = format!("[defaults]\ninterval = \"5s\"\ntimeout = \"9s\"\n{two}");
    assert_eq!(mesh_faults(&mesh), ["mesh.toml:3:11: 9s must be less than the interval, 5s"]);
    let mesh = format!("[defaults.rules]\nred = 1\n{two}");
    assert_eq!(mesh_faults(&mesh), ["mesh.toml:2:7: must be at least `orange`, which is 2"]);
}

#[test]
fn a_wrong_maintenance_says_which_key() {
    for (keys, expected) in [
        (
            "cron = \"0 25 * * 6\"\nduration = \"1h\"",
            "mesh.toml:2:8: the cron line is wrong: a number is out of its field's range; write",
        ),
        ("cron = \"0 22 * * 6\"\nduration = \"0s\"", "mesh.toml:3:12: the window ends before it starts"),
        ("cron = \"0 22 * * 6\"\nduration = \"32d\"", "mesh.toml:3:12: is longer than 31 days"),
        ("cron = \"0 22 * * 6\"", "mesh.toml:2:8: needs `duration` beside it"),
        (
            "cron = \"0 22 * * 6\"\nduration = \"1h\"\ntimezone = \"Europe/Pariss\"",
            "mesh.toml:4:12: there is no time zone `Europe/Pariss`; did you mean `Europe/Paris`?",
        ),
        ("starts = 2030-01-01T00:00:00Z", "mesh.toml:2:10: needs `ends` beside it"),
        (
            "starts = 2030-01-02T00:00:00Z\nends = 2030-01-01",
            "mesh.toml:3:8: the window ends before it starts",
        ),
        ("starts = \"tomorrow\"\nends = 2030-01-01", "mesh.toml:2:10: is no date and time"),
        (
            "starts = 5\nends = 2030-01-01",
            "mesh.toml:2:10: expected a date and time such as 2030-12-24T22:00:00Z, found an integer",
        ),
        ("reason = \"x\"", "mesh.toml:1:1: give either `cron` and `duration`, or `starts` and `ends`"),
        (
            "cron = \"0 22 * * 6\"\nends = 2030-01-01",
            "mesh.toml:1:1: give either `cron` and `duration`, or `starts` and `ends`",
        ),
    ] {
        let mesh = format!("[[services.a.maintenance]]\n{keys}\n{WELL}");
        let faults = mesh_faults(&mesh);
        assert!(faults.len() == 1 && faults[0].starts_with(expected), "{keys}\n{faults:?}");
    }
}

#[test]
fn circles_of_dependencies_are_found_and_chains_are_not() {
    let service = |id: &str, needs: &str| {
        format!("[services.{id}]\ndepends_on = [{needs}]\n[services.{id}.tcp]\naddress = \"127.0.0.1:1\"\n")
    };
    let chain = service("a", "\"b\"") + &service("b", "\"c\"") + &service("c", "");
    let config = loaded("", &chain).unwrap();
    assert_eq!(config.services[0].service.depends_on, [config.services[1].service.id.clone()]);
    let circle = service("a", "\"b\"") + &service("b", "\"c\"") + &service("c", "\"a\"");
    assert_eq!(
        mesh_faults(&circle),
        ["mesh.toml:2:14: these services depend on each other in a circle: a → b → c → a"]
    );
}

#[test]
fn what_is_not_said_is_taken_from_the_defaults_and_from_the_original() {
    let mesh = "[defaults]\ninterval = \"10s\"\nretries = 1\nrules = { red = 3 }\nvantage_points = 3\n\
                [services.a]\nname = \"A\"\nrules = { window = 4 }\n[services.a.http]\nurl = \"https://h/x?k=1\"\n\
                [services.b]\nvantage_points = \"all\"\nvantage_labels = { office = \"paris\" }\nenabled = true\n\
                [services.b.tcp]\naddress = \"h:1\"\n\
                [services.c]\nenabled = false\n[services.c.tcp]\naddress = \"h:1\"\n";
    let config = loaded("", mesh).unwrap();
    let [a, b] = config.services.as_slice() else {
        panic!("{:?}", config.services);
    };
    let (a, b) = (&a.service, &b.service);
    assert_eq!((a.name.as_str(), b.name.as_str()), ("A", "b"));
    assert_eq!((a.kind.as_str(), b.kind.as_str()), ("http", "tcp"));
    assert_eq!(a.target, "https://h/x?k=…");
    assert_eq!(a.interval.span(), Millis::seconds(10));
    // (10 s less a tenth, less 1 s of delay) by 2 attempts
    assert_eq!((a.timeout, a.retries, a.retry_delay), (Millis::seconds(4), 1, Millis::seconds(1)));
    assert_eq!(a.rules, Rules { window: 4, red: 3, ..Rules::default() });
    assert_eq!((a.vantage_points, b.vantage_points), (VantagePoints::Count(3), VantagePoints::All));
    assert_eq!((a.vantage_labels.len(), b.vantage_labels["office"].as_str()), (0, "paris"));
}

#[test]
fn empty_and_missing_files_are_valid() {
    let config = loaded("", "").unwrap();
    assert_eq!(config.services.len(), 0);
    assert_eq!(config.warnings.len(), 1);
    let folder = tempfile::tempdir().unwrap();
    let report = checked(folder.path());
    let expected = "warning: conf/mesh.toml: there is no such file, so nothing is watched; `p7 init` writes one\n\n\
                    conf: 0 services, 0 faults, 1 warning\n";
    assert_eq!((report.text.as_str(), report.exit_code), (expected, 0));
    let report = checked(&folder.path().join("nowhere"));
    assert_eq!(report.exit_code, 2);
    assert_eq!(report.text, "conf: there is no such folder; `p7 init conf` makes one\n\nconf: 1 fault\n");
}

#[test]
fn a_missing_secret_is_a_fault_of_the_check_and_stops_no_node() {
    let mesh = format!("{WELL}auth = {{ bearer = \"file:token\" }}\n");
    let folder = folder("[mesh]\nkey = \"file:mesh.key\"\n", &mesh);
    let config = load(folder.path(), &BTreeMap::new()).unwrap();
    assert_eq!(config.missing_secrets.len(), 2);
    let report = checked(folder.path());
    assert_eq!((report.exit_code, report.faults.len(), report.services), (2, 2, Some(1)));
    assert!(report.text.contains("conf/mesh.toml:3:19: can't read the secret file"), "{}", report.text);
    for name in ["token", "mesh.key"] {
        fs::write(folder.path().join(name), "hunter2").unwrap();
    }
    let report = checked(folder.path());
    assert_eq!(report.text, "conf: 1 service, 0 faults\n");
    let shown = load(folder.path(), &BTreeMap::new()).unwrap().redacted.to_string();
    assert!(shown.contains("file:token") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_secret_in_the_open_is_told_without_repeating_it() {
    for mesh in [
        format!("{WELL}auth = {{ bearer = \"hunter2\" }}\n"),
        format!("{WELL}secret_headers = {{ X-Key = \"hunter2\" }}\n"),
        format!("{WELL}secret_headers = {{ X-Key = \"hunter2\", Y = 1 }}\n"),
        format!("{WELL}tls = {{ client_key = \"hunter2\", nothing = 1 }}\n"),
        "[services.a.http]\nurl = \"http://me:hunter2@h/\"\n".to_owned(),
        "[services.a.http]\nurl = \"http://h/?token=hunter2 \"\nx = 1".to_owned(),
    ] {
        let folder = folder("[mesh]\nkey = \"hunter2\"\n", &mesh);
        let report = checked(folder.path());
        assert_eq!(report.exit_code, 2, "{mesh}");
        assert!(!report.text.contains("hunter2"), "{}", report.text);
    }
}

#[test]
fn the_environment_overrides_both_files() {
    let folder = folder("[node]\nname = \"a\"\n", &with(""));
    let environment = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    let set = environment(&[
        ("P7_NODE__NAME", "b"),
        ("P7_NODE__LABELS__SITE", "paris"),
        ("P7_NODE__HTTP__LISTEN", "127.0.0.1:8001"),
        ("P7_MESH__DEFAULTS__INTERVAL", "30s"),
        ("P7_MESH__NAME", "Office"),
        ("P7_MESH__SERVICES__A__HTTP__URL", "https://other/"),
        ("P7_MESH__SERVICES__NEW__TCP__ADDRESS", "127.0.0.1:1"),
    ]);
    let config = load(folder.path(), &set).unwrap();
    assert_eq!(config.node.name(), "b");
    assert_eq!(config.node.node.labels["site"], "paris");
    assert_eq!(config.node.http.listen, ["127.0.0.1:8001".parse().unwrap()]);
    assert_eq!(config.mesh.mesh.name.as_deref(), Some("Office"));
    assert_eq!(config.services[0].service.target, "https://other/");
    assert_eq!(config.services[0].service.interval.span(), Millis::seconds(30));
    assert_eq!(config.services[1].service.id.as_str(), "new");
    let wrong = environment(&[
        ("P7_NODE__HTTP__LISTN", "x"),
        ("P7_NODE__HTPP__LISTEN", "x"),
        ("P7_MESH__DEFAULTS__TIMEOUT", "soon"),
    ]);
    let faults = load(folder.path(), &wrong).unwrap_err().faults;
    let faults: Vec<String> = faults
        .iter()
        .map(|fault| fault.to_string().replace(&folder.path().display().to_string(), "conf"))
        .collect();
    assert_eq!(
        faults,
        [
            "environment variable P7_NODE__HTPP__LISTEN: unknown key `htpp`; did you mean `http`? (`htpp` of conf/node.toml)",
            "environment variable P7_NODE__HTTP__LISTN: unknown key `listn`; did you mean `listen`? (`http.listn` of conf/node.toml)",
            "environment variable P7_MESH__DEFAULTS__TIMEOUT: `soon` is no span of time; write it as \"60s\", \"1m 30s\" or \"500ms\" (`defaults.timeout` of conf/mesh.toml)",
        ]
    );
}

#[test]
fn namesakes_are_worth_a_warning() {
    let mesh = "[services.a]\nname = \"X\"\n[services.a.tcp]\naddress = \"h:1\"\n\
                [services.b]\nname = \"X\"\n[services.b.tcp]\naddress = \"h:1\"\n";
    let folder = folder("", mesh);
    let report = checked(folder.path());
    assert_eq!(report.exit_code, 0);
    assert!(
        report.text.starts_with("warning: conf/mesh.toml:5:11: `a` has the same name and environment"),
        "{}",
        report.text
    );
}

#[test]
fn a_changed_file_has_another_fingerprint_and_hash() {
    let folder = folder("", WELL);
    let (before, hash) = (fingerprint(folder.path()), load(folder.path(), &BTreeMap::new()).unwrap().hash);
    assert_eq!(fingerprint(folder.path()), before);
    assert_eq!(hash.len(), 12);
    fs::write(folder.path().join("mesh.toml"), with("retries = 1")).unwrap();
    assert_ne!(fingerprint(folder.path()), before);
    assert_ne!(load(folder.path(), &BTreeMap::new()).unwrap().hash, hash);
}
