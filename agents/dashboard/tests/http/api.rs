//! Reading: services, results, history, incidents, the node; and what is refused.

use crate::support::{NOW, Node, acknowledgement, incident, node, result};
use p7_bus::{NetworkNoted, StoreNoted};
use p7_core::vocabulary::{Cycle, Level, Millis, Outcome};
use p7_store::Fact;
use serde_json::{Value, json};
use std::sync::Arc;

#[actix::test]
async fn services_are_listed_by_id_with_how_they_are() {
    let node = Node::start().await;
    let page = node.get("/api/v1/services").await.json();
    let ids: Vec<_> =
        page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["busy", "mail", "shop"]);
    assert_eq!(page["next_cursor"], Value::Null);
    assert_eq!(
        page["items"][2],
        json!({
            "id": "shop", "name": "The shop", "environment": "production", "kind": "http",
            "target": "https://shop.example.org/", "interval_ms": 60000, "timeout_ms": 10000,
            "description": null, "runbook": "https://wiki.example.org/shop", "link": null,
            "labels": { "team": "web" }, "level": "down", "since": "2026-01-31T11:50:00.000Z",
            "freshness": "fresh", "colour": "red", "failtage_percent": 100.0, "outcome": "failed",
            "reason": "status 500 <b>", "last_probe_at": "2026-01-31T12:00:00.000Z", "latency_ms": 12.345,
            "flapping": false, "incident": incident("shop", 10).id.to_string(), "acknowledged": null,
            "maintenance": null, "silence": null, "deployment": null,
            "fails_from": ["paris"], "vantage_failed": 1, "vantage_voting": 1,
        })
    );
    assert_eq!(page["items"][0]["level"], "unknown");
    assert_eq!(page["items"][0]["freshness"], "pending");
}

#[actix::test]
async fn services_come_in_pages_and_by_environment_and_level() {
    let node = Node::start().await;
    let mut seen = Vec::new();
    let mut path = "/api/v1/services?limit=2".to_owned();
    loop {
        let page = node.get(&path).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/services?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["busy", "mail", "shop"]);
    for (query, expected) in
        [("environment=office", "mail"), ("level=down", "shop"), ("level=unknown", "busy")]
    {
        let page = node.get(&format!("/api/v1/services?{query}")).await.json();
        assert_eq!(page["items"].as_array().unwrap().len(), 1, "{query}");
        assert_eq!(page["items"][0]["id"], expected);
    }
}

#[actix::test]
async fn one_service_has_its_rules_cycles_and_vantage_points() {
    let node_ = Node::start().await;
    let service = node_.get("/api/v1/services/shop").await.json();
    assert_eq!(service["id"], "shop");
    assert_eq!(service["rules"]["window"], 6);
    assert_eq!(service["cycles"], json!([]));
    assert_eq!(service["vantage_points"][0]["node"], node().as_str());
    assert_eq!(service["vantage_points"][0]["outcome"], "failed");
    assert_eq!(service["vantage_points"][0]["name"], "paris");
    assert_eq!(service["vantage_points"][0]["site"], Value::Null);
}

#[actix::test]
async fn results_are_paged_newest_first_and_bounded_by_time_and_node() {
    let node_ = Node::start().await;
    let facts: Vec<Fact> = (0..5)
        .map(|n| Fact::Result(Arc::new(result("shop", NOW.minus(Millis::seconds(60 * n)), Outcome::Up))))
        .collect();
    node_.remember(&facts);
    let mut seen = Vec::new();
    let mut path = "/api/v1/services/shop/results?limit=2".to_owned();
    loop {
        let page = node_.get(&path).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["cycle_at"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/services/shop/results?limit=2&cursor={cursor}");
    }
    let expected: Vec<_> = [(12, 0), (11, 59), (11, 58), (11, 57), (11, 56)]
        .map(|(hour, minute)| json!(format!("2026-01-31T{hour}:{minute:02}:00.000Z")))
        .into();
    assert_eq!(seen, expected);
    let count = async |query: &str| {
        let page = node_.get(&format!("/api/v1/services/shop/results?{query}")).await.json();
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(count("from=2026-01-31T11:58:00Z&to=2026-01-31T13:00:00%2B01:00").await, 2);
    assert_eq!(count(&format!("node={}", node())).await, 5);
    assert_eq!(count("node=somebodyelse").await, 0);
    let one = node_.get("/api/v1/services/shop/results?limit=1").await.json();
    assert_eq!(one["items"][0]["phases"]["connect_ms"], 2.0);
    assert_eq!(one["items"][0]["status_code"], 200);
    assert_eq!(one["items"][0]["certificate_expires_at"], "2027-01-15T08:00:00.000Z");
}

#[actix::test]
async fn history_has_uptime_and_percentiles_of_each_step_and_of_all() {
    let node = Node::start().await;
    let at = |hours: u64| NOW.minus(Millis::seconds(3600 * hours));
    node.remember(&[
        Fact::Result(Arc::new(result("shop", at(0), Outcome::Up))),
        Fact::Result(Arc::new(result("shop", at(1), Outcome::Failed))),
        Fact::Result(Arc::new(result("shop", at(100), Outcome::Up))),
    ]);
    let day = node.get("/api/v1/services/shop/history").await.json();
    assert_eq!(day["range"], "24h");
    assert_eq!(day["step_ms"], 3_600_000);
    assert_eq!(day["points"].as_array().unwrap().len(), 2);
    assert_eq!(day["points"][0]["outcomes"], json!({ "failed": 1 }));
    assert_eq!(day["points"][0]["latency_p50_ms"], Value::Null);
    assert_eq!(day["total"]["uptime_percent"], 50.0);
    let p95 = day["total"]["latency_p95_ms"].as_f64().unwrap();
    assert!((p95 - 12.345).abs() < 0.2, "{p95}");
    for (range, results, step) in [("7d", 3, 3_600_000), ("30d", 3, 86_400_000), ("90d", 3, 86_400_000)] {
        let history = node.get(&format!("/api/v1/services/shop/history?range={range}")).await.json();
        assert_eq!(
            (&history["total"]["results"], &history["step_ms"]),
            (&json!(results), &json!(step)),
            "{range}"
        );
    }
}

#[actix::test]
async fn incidents_are_paged_filtered_and_say_who_is_on_them() {
    let node = Node::start().await;
    let mut over = incident("mail", 60);
    over.recovered = Some(Cycle::starting(NOW.minus(Millis::seconds(1800))));
    over.ended = Some(NOW.minus(Millis::seconds(1800)));
    let open = incident("shop", 10);
    let ack = acknowledgement(&open);
    let id = open.id.to_string();
    node.remember(&[
        Fact::Incident(Arc::new(over)),
        Fact::Incident(Arc::new(open)),
        Fact::Acknowledgement(ack),
    ]);
    let all = node.get("/api/v1/incidents").await.json();
    assert_eq!(all["items"][0]["id"], json!(id));
    assert_eq!(all["items"][0]["acknowledged"]["by"], "anna");
    assert_eq!(all["items"][0]["duration_ms"], 600_000);
    assert_eq!(all["items"][1]["service"], "mail");
    assert_eq!(all["items"][1]["duration_ms"], 1_800_000);
    assert_eq!(all["items"][1]["recovered_at"], "2026-01-31T11:30:00.000Z");
    let first = node.get("/api/v1/incidents?limit=1").await.json();
    let next = format!("/api/v1/incidents?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(node.get(&next).await.json()["items"][0]["service"], "mail");
    for (query, expected) in
        [("open=true", "shop"), ("service=mail", "mail"), ("to=2026-01-31T11:30:00Z", "mail")]
    {
        let page = node.get(&format!("/api/v1/incidents?{query}")).await.json();
        assert_eq!(page["items"].as_array().unwrap().len(), 1, "{query}");
        assert_eq!(page["items"][0]["service"], expected);
    }
    let one = node.get(&format!("/api/v1/incidents/{id}")).await.json();
    assert_eq!((&one["open"], &one["acknowledged"]["reason"]), (&json!(true), &json!("on it")));
    for unknown in ["nonsense", "shop.zzz", "shop.1", "%00"] {
        node.get(&format!("/api/v1/incidents/{unknown}")).await.problem(404, "not-found");
    }
}

#[actix::test]
async fn an_incident_never_opened_before_it_started() {
    let node = Node::start().await;
    let mut incident = incident("shop", 10);
    // probes start somewhere inside their cycle
    incident.began = incident.opened.start().plus(Millis::seconds(7));
    let id = incident.id.to_string();
    node.remember(&[Fact::Incident(Arc::new(incident))]);
    let said = node.get(&format!("/api/v1/incidents/{id}")).await.json();
    assert_eq!(said["started_at"], "2026-01-31T11:50:07.000Z");
    assert_eq!(said["opened_at"], said["started_at"]);
}

#[actix::test]
async fn the_node_says_who_it_is_and_what_it_runs_on() {
    let node_ = Node::start().await;
    let config = node_.get("/api/v1/config").await.json();
    assert_eq!(
        config,
        json!({ "hash": "abc123", "since": "2026-01-31T12:00:00.000Z", "refused": [],
            "restart_needed": false, "in_force": { "services": {} } })
    );
    node_.note(Vec::new(), true).await;
    assert_eq!(node_.get("/api/v1/config").await.json()["restart_needed"], true);
    let cut_off = Some("no route to anywhere".to_owned());
    node_.dashboard.send(NetworkNoted { cut_off, since: NOW }).await.unwrap();
    node_.dashboard.send(StoreNoted { trouble: Some("disk full".to_owned()), lost: 3 }).await.unwrap();
    let mesh = node_.get("/api/v1/mesh").await.json();
    assert_eq!(
        mesh,
        json!({ "this": node().as_str(), "nodes": [{
            "id": node().as_str(), "name": "paris", "version": "0.1.0", "started_at": "2026-01-31T12:00:00.000Z",
            "network": { "cut_off": "no route to anywhere", "since": "2026-01-31T12:00:00.000Z" },
            "store": { "trouble": "disk full", "results_lost": 3 }, "services": 3, "incidents_open": 1,
        }], "members": [], "holdings": [], "configuration": null, "clock_correction_ms": 0, "warnings": [] })
    );
}

#[actix::test]
async fn a_node_without_a_configuration_says_so() {
    let node = Node::empty();
    assert!(node.get("/api/v1/config").await.problem(503, "unavailable").contains("no configuration"));
    assert_eq!(node.get("/api/v1/services").await.json()["items"], json!([]));
}

#[actix::test]
async fn health_is_about_the_process_and_readiness_about_results_and_the_store() {
    let node = Node::empty();
    assert_eq!(node.get("/healthz").await.text(), "ok\n");
    let reasons = async || {
        let answer = node.get("/readyz").await;
        let said: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            (answer.status == 200, &said["ready"]),
            (said["ready"] == true, &json!(answer.status == 200))
        );
        said["reasons"].clone()
    };
    assert_eq!(reasons().await, json!(["no configuration was taken up yet"]));
    node.configure(&["shop"]).await;
    assert_eq!(reasons().await, json!(["no result is known yet"]));
    node.hear("shop", Level::Healthy, Outcome::Up).await;
    assert_eq!(reasons().await, json!([]));
    node.dashboard.send(StoreNoted { trouble: Some("disk full".to_owned()), lost: 0 }).await.unwrap();
    assert_eq!(reasons().await, json!(["the store takes nothing: disk full"]));
    node.configure(&[]).await;
    node.dashboard.send(StoreNoted { trouble: None, lost: 0 }).await.unwrap();
    assert_eq!(reasons().await, json!([]), "a node that watches nothing has all the results there are");
}

#[actix::test]
async fn what_is_not_there_is_a_problem_document() {
    let node = Node::start().await;
    for path in [
        "/api/v1/services/nope",
        "/api/v1/services/NOPE",
        "/api/v1/services/nope/results",
        "/api/v1/services/nope/history",
        "/api/v1/silences/h9",
        "/api/v1/nope",
        "/api/v1/services/",
        "/nope",
    ] {
        node.get(path).await.problem(404, "not-found");
    }
    assert!(node.get("/api/v1/services/nope").await.problem(404, "not-found").contains("`nope`"));
}

#[actix::test]
async fn a_wrong_query_parameter_is_named() {
    let node = Node::start().await;
    for (path, says) in [
        ("/api/v1/services?limit=0", "`limit`: `0` is not a number from 1 to 1000"),
        ("/api/v1/services?limit=1001", "`limit`"),
        ("/api/v1/services?limit=%2B1", "`limit`"),
        ("/api/v1/services?limit=1&limit=2", "`limit`: given twice"),
        ("/api/v1/services?limitt=1", "`limitt`: unknown; this path takes environment, level, limit, cursor"),
        ("/api/v1/services?level=bad", "`level`: `bad` is none of unknown, healthy"),
        ("/api/v1/services?cursor=A", "`cursor`"),
        (&format!("/api/v1/services?environment={}", "x".repeat(101)), "`environment`: longer than 100"),
        ("/api/v1/services/shop?x=1", "`x`: unknown; this path takes none"),
        ("/api/v1/services/shop/results?from=yesterday", "`from`: `yesterday` is no time"),
        ("/api/v1/services/shop/results?cursor=x", "`cursor`"),
        ("/api/v1/services/shop/results?node=a_b", "`node`"),
        ("/api/v1/services/shop/history?range=1y", "`range`"),
        ("/api/v1/incidents?open=maybe", "`open`"),
        ("/api/v1/incidents?service=A", "`service`"),
        ("/api/v1/silences?cursor=", "`cursor`"),
        ("/metrics?x=1", "`x`"),
    ] {
        let detail = node.get(path).await.problem(400, "bad-parameter");
        assert!(detail.contains(says), "{path}: {detail}");
    }
}

#[actix::test]
async fn a_wrong_method_is_told_which_are_right() {
    let node = Node::start().await;
    for (method, path, allow) in [
        ("DELETE", "/api/v1/services", "GET, HEAD"),
        ("GET", "/api/v1/services/shop/ack", "POST"),
        ("PUT", "/api/v1/silences", "GET, HEAD, POST"),
        ("PATCH", "/api/v1/maintenance/h1", "GET, HEAD, DELETE"),
        ("HEAD", "/api/v1/events", "GET"),
        ("OPTIONS", "/", "GET, HEAD"),
        ("TRACE", "/metrics", "GET, HEAD"),
    ] {
        let answer = node.send(&format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n\r\n", node.address)).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
    }
    let head = node.send(&format!("HEAD /api/v1/services HTTP/1.1\r\nHost: {}\r\n\r\n", node.address)).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[actix::test]
async fn a_closed_store_is_a_problem_that_passes() {
    let node = Node::start().await;
    node.remember(&[Fact::Result(Arc::new(result("shop", NOW, Outcome::Up)))]);
    node.store.close().unwrap();
    let detail = node.get("/api/v1/services/shop/results").await.problem(503, "unavailable");
    assert!(detail.contains("the store is closed"), "{detail}");
    let page = node.get_with("/services/shop", "Accept: text/html\r\n").await;
    assert_eq!(page.status, 200, "the present is shown without the past");
}
