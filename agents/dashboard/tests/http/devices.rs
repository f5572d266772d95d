//! Devices: of this node and of others, how they are, and what they are told.

use crate::support::{NOW, Node, mesh, node};
use p7_bus::{DeviceState, DeviceStatus, DevicesNoted, MeshNoted};
use p7_core::mesh::view::MeshView;
use p7_core::vocabulary::MeshTime;
use serde_json::{Value, json};
use std::sync::Arc;

/// Paris in a mesh of five, with a light of its own.
async fn meshed() -> (Node, MeshView) {
    let node = Node::start().await;
    let view = mesh();
    node.dashboard.send(MeshNoted(Arc::new(view.clone()))).await.unwrap();
    let desk = DeviceStatus {
        name: "desk".to_owned(),
        kind: "blinkstick",
        unit: "BS1-3.0".to_owned(),
        model: "Flex".to_owned(),
        state: DeviceState::Up,
        detail: None,
        since: NOW,
        last_order: None,
    };
    node.dashboard.send(DevicesNoted(Arc::new(vec![desk]))).await.unwrap();
    (node, view)
}

#[actix::test]
async fn those_of_all_nodes_are_listed_this_ones_first() {
    let (paris, view) = meshed().await;
    let told = paris.get("/api/v1/devices").await.json();
    let items = told["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{told}");
    assert_eq!((&items[0]["node"], &items[0]["unit"]), (&json!(node().as_str()), &json!("BS1-3.0")));
    let berlin = json!({
        "node": view.members[0].node.as_str(), "node_name": "berlin", "liveness": "alive", "name": "shelf",
        "kind": "cozmo", "unit": null, "model": null, "state": "missing", "detail": "no answer",
        "since": "2025-11-22T09:40:12.000Z", "last_order": null, "last_order_at": null,
    });
    assert_eq!(items[1], berlin);
    for of in ["berlin", view.members[0].node.as_str()] {
        let told = paris.get(&format!("/api/v1/devices?node={of}")).await.json();
        assert_eq!(told["items"], json!([berlin]));
    }
    let told = paris.get("/api/v1/devices?node=paris").await.json();
    assert_eq!(told["items"].as_array().unwrap().len(), 1);
    let refused = paris.get("/api/v1/devices?node=rome").await.problem(404, "not-found");
    assert_eq!(refused, "there is no node `rome`; there are: berlin, montreal, paris, sydney, tokyo");
    let mesh = paris.get("/api/v1/mesh").await.json();
    assert_eq!(mesh["members"][0]["devices"][0]["state"], "missing");
}

#[actix::test]
async fn a_node_of_an_earlier_release_tells_the_names_only() {
    let (paris, mut view) = meshed().await;
    view.members[0].devices = None;
    view.members[0].about.as_mut().unwrap().devices = vec!["cozmo:bot".to_owned()];
    paris.dashboard.send(MeshNoted(Arc::new(view))).await.unwrap();
    let told = paris.get("/api/v1/devices?node=berlin").await.json();
    let bot = &told["items"][0];
    assert_eq!(
        (&bot["name"], &bot["kind"], &bot["state"]),
        (&json!("bot"), &json!("cozmo"), &json!("unknown"))
    );
    assert_eq!(bot["since"], Value::Null);
}

#[actix::test]
async fn an_order_to_another_node_comes_back_with_what_it_does_or_why_it_cant() {
    let (paris, _) = meshed().await;
    let path = |device: &str, act: &str, node: &str| format!("/api/v1/devices/{device}/{act}?node={node}");
    let said = paris.post(&path("shelf", "say", "berlin"), r#"{"text":"hello"}"#).await.json();
    assert_eq!(said, json!({ "steps": [{ "says": "shelf says: hello", "duration_ms": 0 }] }));
    for (device, status, kind, why) in [
        ("shelf", 409, "conflict", "berlin: shelf is a robot"),
        ("lamp", 404, "not-found", "berlin: there is no device `lamp`"),
        ("slow", 503, "unavailable", "berlin did not answer within 8 s"),
        ("gone", 503, "unavailable", "berlin is down"),
        ("odd", 422, "unprocessable", "berlin: an order that can't be read"),
    ] {
        let refused = paris.post(&path(device, "test", "berlin"), "{}").await;
        assert_eq!(refused.problem(status, kind), why);
    }
    let torn = paris.post(&path("torn", "test", "berlin"), "{}").await.problem(503, "unavailable");
    assert!(torn.contains("can't be read"), "{torn}");
    let nobody = paris.post(&path("shelf", "test", "rome"), "{}").await.problem(404, "not-found");
    assert!(nobody.contains("no node `rome`"), "{nobody}");
    let here = paris.post("/api/v1/devices/shelf/test", "{}").await.problem(404, "not-found");
    assert_eq!(here, "there is no device `shelf` here, but berlin has one: say `node=berlin`");
    let own = paris.post(&path("nothing", "test", "paris"), "{}").await.problem(404, "not-found");
    assert_eq!(own, "there is no device `nothing`");
}

#[actix::test]
async fn of_two_nodes_of_one_name_that_which_is_there_is_meant_or_the_id_is_wanted() {
    let (paris, mut view) = meshed().await;
    let tokyo = view.members[4].about.as_mut().unwrap();
    "berlin".clone_into(&mut tokyo.name);
    paris.dashboard.send(MeshNoted(Arc::new(view.clone()))).await.unwrap();
    let told = paris.get("/api/v1/devices?node=berlin").await.json();
    assert_eq!(told["items"].as_array().unwrap().len(), 1, "tokyo is down");
    view.members[4].liveness = view.members[0].liveness;
    view.members[4].since = MeshTime(1);
    paris.dashboard.send(MeshNoted(Arc::new(view))).await.unwrap();
    let refused = paris.get("/api/v1/devices?node=berlin").await.problem(409, "conflict");
    assert!(refused.contains("say which id"), "{refused}");
}
