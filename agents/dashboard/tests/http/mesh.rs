//! The mesh: its nodes in the API, on pages, in events, metrics and readiness.

use crate::support::{NOW, Node, mesh, node, result, service, status};
use p7_bus::{Configured, Heard, MeshNoted};
use p7_core::mesh::view::{Liveness, MeshView};
use p7_core::result::ProbeResult;
use p7_core::status::{ServiceStatus, VantageStatus};
use p7_core::vocabulary::{Level, Micros, NodeId, Outcome};
use serde_json::{Value, json};
use std::sync::Arc;

async fn note(node: &Node, view: MeshView) {
    node.dashboard.send(MeshNoted(Arc::new(view))).await.unwrap();
}

/// `shop` as five nodes see it; the first `failing` of them fail.
fn seen(view: &MeshView, failing: usize) -> ServiceStatus {
    let base = status("shop", Level::Partial, Outcome::Up);
    let vantage = |(i, node): (usize, &NodeId)| {
        let outcome = if i < failing { Outcome::Failed } else { Outcome::Up };
        VantageStatus { node: node.clone(), outcome, vote: outcome.vote(), ..base.vantage[0].clone() }
    };
    let nodes = view.members.iter().map(|member| &member.node);
    ServiceStatus { vantage: nodes.enumerate().map(vantage).collect(), ..base.clone() }
}

/// In a mesh of five, with `shop` failing from so many.
async fn meshed(failing: usize) -> (Node, MeshView) {
    let node = Node::start().await;
    let view = mesh();
    note(&node, view.clone()).await;
    let status = Arc::new(seen(&view, failing));
    node.dashboard.send(Heard { status, result: None }).await.unwrap();
    (node, view)
}

#[actix::test]
async fn every_node_is_told_with_what_is_known_of_it() {
    let (node_, view) = meshed(0).await;
    let told = node_.get("/api/v1/mesh").await.json();
    assert_eq!(told["this"], node().as_str());
    assert_eq!(told["nodes"].as_array().unwrap().len(), 1, "what only the node itself knows");
    assert_eq!(told["members"].as_array().unwrap().len(), 5);
    assert_eq!(
        told["members"][3],
        json!({
            "id": view.members[3].node.as_str(), "name": "sydney", "site": "sydney", "liveness": "alive",
            "since": "2025-11-01T10:40:12.000Z", "heard_at": "2025-11-22T10:40:12.000Z", "connected": true,
            "version": "0.1.0", "started_at": "2025-11-01T10:40:12.000Z",
            "labels": { "floor": "2", "site": "sydney" }, "devices": [],
            "addresses": ["/dns4/sydney.example.org/tcp/7070"], "holds": ["mailbox:support"],
            "posts": [{ "role": "leader", "fit": true }, { "role": "mailbox:support", "fit": true }],
            "cut_off": false, "configuration": { "version": 14, "hash": "3f9c2a7105d488be" },
            "clock_offset_ms": 21400, "round_trip_ms": 271, "links": 3, "wire": 2, "services": 30,
        })
    );
    assert_eq!(told["members"][2]["connected"], Value::Null, "the node itself");
    assert_eq!(told["members"][4]["liveness"], "down");
    let leader = json!({ "role": "leader", "holder": node().as_str(), "term": 7, "full": true });
    assert_eq!(told["holdings"][0], leader);
    let nobody = json!({ "role": "persona", "holder": null, "term": null, "full": null });
    assert_eq!(told["holdings"][2], nobody);
    assert_eq!(told["configuration"]["version"], 14);
    assert_eq!(told["clock_correction_ms"], 0);
    assert_eq!(
        told["warnings"],
        json!([
            "Cut off from the network: montreal",
            "A clock is wrong: sydney is 21 s ahead, seen from paris",
            "Not every node has version 14 of the shared configuration: version 13 on berlin",
            "Two wire formats are spoken: 2, and an older one by berlin",
        ])
    );
}

#[actix::test]
async fn a_partial_outage_says_from_where_on_pages_and_in_the_api() {
    let (node, _) = meshed(2).await;
    let shop = node.get("/api/v1/services/shop").await.json();
    assert_eq!(shop["fails_from"], json!(["berlin", "montreal"]));
    assert_eq!((&shop["vantage_failed"], &shop["vantage_voting"]), (&json!(2), &json!(5)));
    assert_eq!(shop["vantage_points"][3]["name"], "sydney");
    assert_eq!(shop["vantage_points"][3]["site"], "sydney");
    for path in ["/", "/services/shop", "/p7adv.html", "/shop.html"] {
        let page = node.get(path).await;
        assert!(page.text().contains("fails from 2 of 5: berlin, montreal"), "{path}");
    }
    let page = node.get("/").await;
    assert!(page.text().contains("<title>montreal: failed, 12 ms</title>"), "a dot for each vantage point");
}

#[actix::test]
async fn a_card_is_made_anew_when_a_node_says_its_name() {
    let node = Node::start().await;
    let mut view = mesh();
    let named = view.members[0].about.take();
    note(&node, view.clone()).await;
    let status = Arc::new(seen(&view, 1));
    node.dashboard.send(Heard { status, result: None }).await.unwrap();
    assert!(!node.get("/").await.text().contains("fails from 1 of 5: berlin, "));
    let said = node.get("/").await.text().contains("fails from 1 of 5: berlin");
    assert!(said, "the end of its id");
    view.members[0].about = named;
    let about = view.members[0].about.as_mut().unwrap();
    about.labels.clear();
    "lab".clone_into(&mut about.name);
    note(&node, view).await;
    assert!(node.get("/").await.text().contains("fails from 1 of 5: lab"));
}

#[actix::test]
async fn the_matrix_says_who_sees_what_page_by_page() {
    let (node_, view) = meshed(1).await;
    let first = node_.get("/api/v1/mesh/matrix?limit=2").await.json();
    assert_eq!(first["items"][0], json!({ "service": "busy", "level": "unknown", "cells": [] }));
    assert_eq!(first["next_cursor"], "mail");
    let next = node_.get("/api/v1/mesh/matrix?limit=2&cursor=mail").await.json();
    assert_eq!(next["next_cursor"], Value::Null);
    assert_eq!(next["items"][0]["cells"].as_array().unwrap().len(), 5);
    assert_eq!(
        next["items"][0]["cells"][0],
        json!({ "node": view.members[0].node.as_str(), "outcome": "failed", "at": "2026-01-31T12:00:00.000Z",
            "latency_ms": 12.345 })
    );
}

#[actix::test]
async fn the_page_of_nodes_shows_who_leads_and_what_is_wrong() {
    let (node, _) = meshed(0).await;
    let page = node.get("/mesh").await;
    for part in [
        "5 nodes, 1 down",
        "paris leads since term 7.",
        "leader, term 7",
        "mailbox support, term 3",
        "leader: not fit now",
        "13, not 14",
        "A clock is wrong: sydney is 21 s ahead",
        "Cut off from the network: montreal",
    ] {
        assert!(page.text().contains(part), "it lacks {part}");
    }
    let at = |text: &str| page.text().find(text).unwrap();
    let article = |city: &str| at(&format!("id=\"n-12D3KooW{city}\""));
    assert!(article("berlin") < article("sydney") && article("sydney") < article("tokyo"), "down: last");
}

#[actix::test]
async fn a_node_alone_shows_nothing_of_a_mesh() {
    let node = Node::start().await;
    let page = node.get("/mesh").await;
    assert!(page.text().contains("<h1>One node</h1>"));
    for part in ["leads", "alive", "class=\"roles\"", "<small>this node"] {
        assert!(!page.text().contains(part), "{part}");
    }
    assert!(!node.get("/").await.text().contains("class=\"v\""));
    assert!(!node.get("/metrics").await.text().contains("p7_mesh"));
}

#[actix::test]
async fn the_mesh_is_told_in_figures() {
    let (node, view) = meshed(0).await;
    node.dashboard.send(Configured(Arc::new(vec![Arc::new(service("shop"))]))).await.unwrap();
    for member in &view.members {
        let result = ProbeResult {
            node: member.node.clone(),
            latency: Micros(1000),
            ..result("shop", NOW, Outcome::Up)
        };
        let status = Arc::new(seen(&view, 0));
        node.dashboard.send(Heard { status, result: Some(Arc::new(result)) }).await.unwrap();
    }
    let answer = node.get("/metrics").await;
    for line in [
        "p7_mesh_peers 3",
        "p7_mesh_leader 1",
        "p7_mesh_term 7",
        r#"p7_mesh_members{liveness="alive"} 4"#,
        r#"p7_mesh_members{liveness="down"} 1"#,
        r#"p7_clock_skew_seconds{peer="sydney"} 21.4"#,
        r#"p7_clock_skew_seconds{peer="berlin"} -0.012"#,
        r#"probe_success{service="shop",vantage="paris"} 1"#,
        r#"probe_success{service="shop",vantage="sydney"} 1"#,
        r#"p7_probe_results_total{service="shop",vantage="tokyo",outcome="up"} 1"#,
    ] {
        assert!(answer.text().lines().any(|one| one == line), "no line {line} in\n{}", answer.text());
    }
    let memory = r#"probe_success{service="shop",vantage="tokyo"}"#;
    assert!(!answer.text().contains(memory), "what a node that is down saw is memory");
    let series: Vec<&str> =
        answer.text().lines().filter_map(|line| line.rsplit_once(' ')).map(|(name, _)| name).collect();
    let unique: std::collections::BTreeSet<&&str> = series.iter().collect();
    assert_eq!(unique.len(), series.len(), "no series stands twice");
}

#[actix::test]
async fn peers_are_missed_only_where_some_are_known() {
    let node = Node::start().await;
    let ready = async || {
        let answer = node.get("/readyz").await;
        let said: Value = serde_json::from_slice(&answer.body).unwrap();
        (answer.status, said["reasons"].clone(), said["notes"].clone())
    };
    assert_eq!(ready().await, (200, json!([]), json!([])), "a node alone");
    let mut view = mesh();
    note(&node, view.clone()).await;
    assert_eq!(ready().await, (200, json!([]), json!([])));
    let all = |view: &mut MeshView, liveness| {
        for member in view.members.iter_mut().filter(|member| member.node != view.me) {
            member.liveness = liveness;
        }
    };
    all(&mut view, Liveness::Down);
    note(&node, view.clone()).await;
    assert_eq!(ready().await, (503, json!(["no peer is alive; 4 known to be down"]), json!([])));
    all(&mut view, Liveness::Left);
    note(&node, view.clone()).await;
    assert_eq!(ready().await, (200, json!([]), json!(["every peer has stopped on purpose"])));
    let me = view.me.clone();
    view.members.retain(|member| member.node == me);
    note(&node, view).await;
    assert_eq!(ready().await, (200, json!([]), json!(["no peer is known yet: the first node of its mesh"])));
}
