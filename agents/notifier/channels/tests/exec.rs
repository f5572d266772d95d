//! Programs that take, refuse, put off, hang and talk too much.

use super::*;
use crate::channel::Speaker;
use crate::http::Http;
use crate::samples::outage;
use std::os::unix::fs::PermissionsExt;

/// Runs a shell script as channel.
async fn said(script: &str, timeout: &str) -> (Outcome, String) {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("page-me");
    std::fs::write(&program, format!("#!/bin/sh\ncd {}\n{script}\n", dir.path().display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let config = Config { program: program.clone(), timeout: timeout.parse_period(), ..Config::default() };
    let node = Node { base: dir.path().to_owned(), programs: vec![program] };
    let outside = Outside { http: Http::new().unwrap() };
    let outcome = config.prepare(&node).unwrap().say(&outage(), None, &outside).await;
    (outcome, std::fs::read_to_string(dir.path().join("out")).unwrap_or_default())
}

trait Parsed {
    fn parse_period(&self) -> Period;
}

impl Parsed for str {
    fn parse_period(&self) -> Period {
        #[derive(Deserialize)]
        struct One {
            it: Period,
        }
        toml::from_str::<One>(&format!("it = '{self}'")).unwrap().it
    }
}

#[tokio::test]
async fn a_program_gets_the_message_as_json() {
    let (outcome, out) = said("cat > out", "30s").await;
    assert_eq!(outcome, Outcome::Sent(None));
    let event: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (event["kind"].as_str(), event["items"][0]["service"].as_str()),
        (Some("outage"), Some("shop"))
    );
}

#[tokio::test]
async fn its_exit_code_says_what_became_of_it() {
    let (refused, _) = said("echo no such pager >&2; exit 3", "30s").await;
    let why = "it ended with exit code 3: no such pager".to_owned();
    assert!(matches!(refused, Outcome::Refused { why: w, .. } if w == why));
    let (later, _) = said("exit 75", "30s").await;
    assert!(matches!(later, Outcome::Retry { arrival: Arrival::No, .. }));
}

#[tokio::test]
async fn one_that_hangs_is_killed_and_one_that_talks_is_read_to_its_end() {
    let (hangs, _) = said("exec sleep 600", "200ms").await;
    assert!(matches!(hangs, Outcome::Retry { arrival: Arrival::Perhaps, .. }), "{hangs:?}");
    let (talks, _) = said("head -c 1000000 /dev/zero | tr '\\0' x; exit 1", "30s").await;
    assert!(matches!(talks, Outcome::Refused { why, .. } if why.len() < 300));
}

#[test]
fn a_node_runs_only_what_it_allows() {
    let config = Config { program: "/bin/true".into(), ..Config::default() };
    let why = config.prepare(&Node::default()).unwrap_err();
    assert!(why.why.contains("add it to `programs` in [notifier] of node.toml"), "{why}");
    let faults = |config: &Config| {
        let mut list = Vec::new();
        config.check(&mut Faults::new(&mut list));
        list.len()
    };
    assert_eq!(faults(&config), 0);
    assert_eq!(faults(&Config { program: "true".into(), timeout: Period::seconds(60), ..config }), 2);
}
