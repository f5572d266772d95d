//! The demo as somebody new meets it: everything is there within a minute, and nothing stays behind.

use p7_tests::eventually;
use p7_tests::node::{binary, p7};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long the demo's script takes until its shop is down, on a busy machine.
const WITHIN_A_MINUTE: Duration = Duration::from_secs(90);

/// A running demo, which ends with the test.
struct Demo {
    process: Child,
    url: String,
}

impl Demo {
    fn start() -> Self {
        let mut process = Command::new(binary())
            .args(["demo", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        let mut demo = Self { process, url: String::new() };
        for line in said.lines() {
            if let Some(url) = line.unwrap().trim().strip_prefix("Dashboard") {
                url.trim().trim_end_matches('/').clone_into(&mut demo.url);
                return demo;
            }
        }
        unreachable!("the demo ended without naming its dashboard");
    }

    /// What a command says of this demo's node, as JSON.
    fn asked(&self, command: &[&str]) -> Option<Value> {
        let arguments = [command, &["--json", "--node", &self.url]].concat();
        serde_json::from_slice(&p7(&arguments).stdout).ok()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // it may have ended by itself
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn the_demo_shows_an_incident_that_can_be_acknowledged_and_ends_when_told() {
    let mut demo = Demo::start();
    let services = eventually("the demo's services are known", WITHIN_A_MINUTE, || {
        demo.asked(&["status"]).filter(|found| found.as_array().is_some_and(|all| all.len() == 7))
    });
    assert!(services.as_array().unwrap().iter().any(|s| s["id"] == "shop"), "{services}");
    eventually("the shop's incident is acknowledged", WITHIN_A_MINUTE, || {
        let done = p7(&["ack", "shop", "--reason", "on it", "--by", "ann", "--node", &demo.url]);
        done.status.success().then_some(())
    });
    eventually("the incident says who is on it", WITHIN_A_MINUTE, || {
        let incidents = demo.asked(&["incidents", "--service", "shop"])?;
        (incidents[0]["acknowledged"]["by"] == "ann").then_some(())
    });
    let id = demo.process.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
    let ended = eventually("the demo ends", Duration::from_secs(60), || demo.process.try_wait().unwrap());
    assert!(ended.success(), "{ended:?}");
}
