//! The metrics: names, values, what promtool says, and that they are in the docs.

use crate::support::{NOW, Node, mesh, result, service, status};
use p7_bus::{Configured, Heard, MeshNoted, NetworkNoted, StoreNoted};
use p7_core::result::ProbeResult;
use p7_core::service::Service;
use p7_core::vocabulary::{Level, Outcome};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

async fn metrics(node: &Node) -> String {
    let answer = node.get("/metrics").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    answer.text().to_owned()
}

fn has(text: &str, line: &str) {
    assert!(text.lines().any(|one| one == line), "no line {line} in\n{text}");
}

#[actix::test]
async fn services_are_told_in_the_names_that_users_of_blackbox_exporter_know() {
    let node = Node::start().await;
    node.hear("shop", Level::Down, Outcome::Failed).await;
    let text = metrics(&node).await;
    for line in [
        r#"probe_success{service="mail",vantage="paris"} 1"#,
        r#"probe_success{service="shop",vantage="paris"} 0"#,
        r#"probe_duration_seconds{service="shop",vantage="paris"} 0.012345"#,
        r#"probe_http_status_code{service="shop",vantage="paris"} 500"#,
        r#"probe_http_duration_seconds{service="shop",vantage="paris",phase="tls"} 0.003"#,
        r#"probe_dns_lookup_time_seconds{service="shop",vantage="paris"} 0.001"#,
        r#"probe_ssl_earliest_cert_expiry{service="shop",vantage="paris"} 1800000000"#,
        r#"p7_probe_results_total{service="shop",vantage="paris",outcome="failed"} 2"#,
        r#"p7_probe_results_total{service="shop",vantage="paris",outcome="up"} 0"#,
        r#"p7_failtage_ratio{service="shop"} 1"#,
        r#"p7_service_level{service="busy"} 0"#,
        r#"p7_service_level{service="mail"} 1"#,
        r#"p7_service_level{service="shop"} 5"#,
        "p7_incidents_open 1",
        "p7_services 3",
        "p7_config_refused 0",
        "p7_store_trouble 0",
        "p7_network_cut_off 0",
        "p7_event_listeners 0",
        "process_start_time_seconds 1769860800",
    ] {
        has(&text, line);
    }
    assert!(text.contains("p7_build_info{version=\"0.1.0\",node=\"12D3Koo"), "{text}");
    assert!(!text.contains("probe_success{service=\"busy\""), "nothing is known of it");
}

#[actix::test]
async fn a_result_that_says_nothing_about_the_service_is_neither_success_nor_failure() {
    let node = Node::start().await;
    node.hear("mail", Level::Healthy, Outcome::NoNetwork).await;
    let text = metrics(&node).await;
    assert!(!text.contains(r#"probe_success{service="mail""#));
    has(&text, r#"p7_probe_results_total{service="mail",vantage="paris",outcome="no_network"} 1"#);
}

#[actix::test]
async fn a_service_without_an_answer_has_the_status_code_0_if_it_is_one_of_http() {
    let node = Node::start().await;
    let ping = Service { kind: "ping".to_owned(), ..service("ping") };
    let services = vec![Arc::new(service("mail")), Arc::new(ping)];
    node.dashboard.send(Configured(Arc::new(services))).await.unwrap();
    for id in ["mail", "ping"] {
        let result = ProbeResult { status_code: None, ..result(id, NOW, Outcome::Failed) };
        let status = Arc::new(status(id, Level::Down, Outcome::Failed));
        node.dashboard.send(Heard { status, result: Some(Arc::new(result)) }).await.unwrap();
    }
    let text = metrics(&node).await;
    has(&text, r#"probe_http_status_code{service="mail",vantage="paris"} 0"#);
    assert!(!text.contains(r#"probe_http_status_code{service="ping""#), "{text}");
}

#[actix::test]
async fn removed_services_disappear_and_troubles_show() {
    let node = Node::start().await;
    node.configure(&["mail"]).await;
    node.dashboard.send(StoreNoted { trouble: Some("disk full".to_owned()), lost: 7 }).await.unwrap();
    node.dashboard.send(NetworkNoted { cut_off: Some("cable".to_owned()), since: NOW }).await.unwrap();
    let refused = vec!["bad".to_owned()];
    node.note(refused, false).await;
    let text = metrics(&node).await;
    assert!(!text.contains("shop"), "{text}");
    for line in
        ["p7_config_refused 1", "p7_store_trouble 1", "p7_store_results_lost 7", "p7_network_cut_off 1"]
    {
        has(&text, line);
    }
}

#[actix::test]
async fn what_other_agents_register_is_told_too() {
    let node = Node::start().await;
    let counter = prometheus::IntCounter::new("p7_other_total", "Something.").unwrap();
    node.registry.register(Box::new(counter.clone())).unwrap();
    counter.inc();
    has(&metrics(&node).await, "p7_other_total 1");
}

#[actix::test]
async fn promtool_finds_nothing_to_complain_about() {
    let node = Node::start().await;
    p7_bus::note_dropped("test", 2);
    node.dashboard.send(MeshNoted(Arc::new(mesh()))).await.unwrap();
    let text = metrics(&node).await;
    has(&text, r#"p7_dropped_total{where="test"} 2"#);
    let tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut tool = tool.expect("promtool; apt install prometheus (scripts/test does)");
    tool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = tool.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success() && words.trim().is_empty(), "{words}");
}

#[actix::test]
async fn every_metric_is_in_the_docs_with_its_type() {
    let node = Node::start().await;
    node.dashboard.send(MeshNoted(Arc::new(mesh()))).await.unwrap();
    let docs =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/http-api.md")).unwrap();
    let text = metrics(&node).await;
    let families: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert!(families.len() > 15, "{families:?}");
    for family in families {
        let (name, kind) = family.split_once(' ').unwrap();
        let row = docs.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        assert!(
            row.is_some_and(|row| row.contains(kind)),
            "{name} ({kind}) is not in docs/http-api.md: {row:?}"
        );
    }
}

#[actix::test]
async fn a_thousand_services_are_told_quickly() {
    let node = Node::empty();
    let ids: Vec<String> = (0..1000).map(|n| format!("service-{n}")).collect();
    node.configure(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for id in &ids {
        node.hear(id, Level::Healthy, Outcome::Up).await;
    }
    let begun = Instant::now();
    let text = metrics(&node).await;
    // a debug build on a busy machine; a release build takes a tenth
    assert!(begun.elapsed().as_millis() < 1500, "{:?}", begun.elapsed());
    assert_eq!(text.matches("probe_success{").count(), 1000);
}
