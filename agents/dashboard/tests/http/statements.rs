//! Stating things: acknowledgements, holds, deployments, probes; and what is refused.

use crate::support::{NOW, Node, silence};
use p7_bus::Request;
use p7_core::facts::{Deployment, DeploymentState, HoldKind, Scope};
use p7_core::vocabulary::{Millis, ServiceId};
use serde_json::json;

fn id(text: &str) -> ServiceId {
    ServiceId::new(text).unwrap()
}

#[actix::test]
async fn an_acknowledgement_reaches_the_aggregator_and_comes_back() {
    let node = Node::start().await;
    let said = node.post("/api/v1/services/shop/ack", r#"{"by":" anna ","reason":"on\tit"}"#).await.json();
    assert_eq!(said["by"], "anna");
    assert_eq!(said["at"], "2026-01-31T12:00:00.000Z");
    assert_eq!(
        *node.asked.lock().unwrap(),
        [Request::Acknowledge { service: id("shop"), by: "anna".to_owned(), reason: "on it".to_owned() }]
    );
    let refused = node.post("/api/v1/services/mail/ack", r#"{"by":"anna"}"#).await;
    assert_eq!(refused.problem(409, "conflict"), "`mail` has no open incident");
    node.post("/api/v1/services/nope/ack", r#"{"by":"anna"}"#).await.problem(404, "not-found");
}

#[actix::test]
async fn a_silence_is_made_found_listed_and_ended() {
    let node = Node::start().await;
    let body = r#"{"scope":{"service":"shop"},"duration_ms":3600000,"by":"anna","reason":"night"}"#;
    let made = node.post("/api/v1/silences", body).await;
    assert_eq!(made.status, 201);
    let place = made.header("location").unwrap().to_owned();
    assert_eq!(place, "/api/v1/silences/h0");
    assert_eq!(
        made.json(),
        json!({ "id": "h0", "kind": "silence", "scope": { "service": "shop" }, "by": "anna", "reason": "night",
            "starts_at": "2026-01-31T12:00:00.000Z", "ends_at": "2026-01-31T13:00:00.000Z" })
    );
    let until = NOW.plus(Millis::seconds(3600));
    assert_eq!(*node.asked.lock().unwrap(), [silence(Scope::Service(id("shop")), until)]);
    assert_eq!(node.get(&place).await.json()["id"], "h0");
    assert_eq!(node.get("/api/v1/silences").await.json()["items"][0]["id"], "h0");
    assert_eq!(node.get("/api/v1/maintenance").await.json()["items"], json!([]));
    node.delete("/api/v1/maintenance/h0").await.problem(404, "not-found");
    assert_eq!(node.delete(&format!("{place}?by=bob")).await.json()["ends_at"], "2026-01-31T12:00:00.000Z");
    let last = node.asked.lock().unwrap().last().cloned();
    assert_eq!(last, Some(Request::Lift { id: "h0".to_owned(), by: "bob".to_owned() }));
    node.get(&place).await.problem(404, "not-found");
    node.delete(&place).await.problem(404, "not-found");
}

#[actix::test]
async fn maintenance_may_start_later_end_at_a_time_and_cover_an_environment_or_all() {
    let node = Node::start().await;
    let times = r#""starts_at":"2026-02-01T00:00:00Z","ends_at":"2026-02-01T02:00:00+01:00","by":"anna""#;
    let made =
        node.post("/api/v1/maintenance", &format!(r#"{{"scope":{{"environment":"office"}},{times}}}"#)).await;
    assert_eq!(made.json()["ends_at"], "2026-02-01T01:00:00.000Z");
    let made = node.post("/api/v1/maintenance", &format!(r#"{{"scope":"all",{times}}}"#)).await.json();
    assert_eq!((&made["scope"], &made["kind"]), (&json!("all"), &json!("maintenance")));
    let asked = node.asked.lock().unwrap().clone();
    assert!(
        matches!(&asked[0], Request::Hold { kind: HoldKind::Maintenance, scope: Scope::Environment(name),
        starts: Some(_), .. } if name == "office")
    );
    let first = node.get("/api/v1/maintenance?limit=1").await.json();
    let next =
        node.get(&format!("/api/v1/maintenance?cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!(next.json()["items"][0]["id"], "h1");
}

#[actix::test]
async fn a_hold_without_sense_is_refused_in_words() {
    let node = Node::start().await;
    for (body, status, kind, says) in [
        (r#"{"scope":"all","by":"anna"}"#, 400, "bad-body", "either `ends_at` or `duration_ms`"),
        (r#"{"scope":"all","by":"anna","duration_ms":1}"#, 400, "bad-body", "from 1000"),
        (
            r#"{"scope":"all","by":"anna","duration_ms":1000,"ends_at":null}"#,
            400,
            "bad-body",
            "invalid type: null",
        ),
        (r#"{"scope":"all","by":"anna","duration_ms":1000.5}"#, 400, "bad-body", "no number of milli"),
        (r#"{"scope":"some","by":"anna","duration_ms":1000}"#, 400, "bad-body", "unknown variant `some`"),
        (r#"{"scope":"all","by":" ","duration_ms":1000}"#, 400, "bad-body", "`by` is empty"),
        (r#"{"scope":{"service":"NO"},"by":"anna","duration_ms":1000}"#, 404, "not-found", "no service"),
        (r#"{"scope":"all","by":"anna","ends_at":"2020-01-01T00:00:00Z"}"#, 409, "conflict", "ends before"),
    ] {
        let detail = node.post("/api/v1/silences", body).await.problem(status, kind);
        assert!(detail.contains(says), "{body}: {detail}");
    }
    assert!(node.asked.lock().unwrap().is_empty());
}

#[actix::test]
async fn a_deployment_is_noted_with_the_time_and_a_link_that_is_safe() {
    let node = Node::start().await;
    let path = "/api/v1/services/shop/deployment";
    let body = r#"{"name":"v2","by":"ci","state":"running","link":"https://ci.example.org/2"}"#;
    let said = node.post(path, body).await.json();
    assert_eq!(
        said,
        json!({ "service": "shop", "name": "v2", "by": "ci", "state": "running",
            "at": "2026-01-31T12:00:00.000Z", "link": "https://ci.example.org/2" })
    );
    assert_eq!(
        *node.asked.lock().unwrap(),
        [Request::Deployed(Deployment {
            service: id("shop"),
            name: "v2".to_owned(),
            by: "ci".to_owned(),
            state: DeploymentState::Running,
            at: NOW,
            link: Some("https://ci.example.org/2".to_owned()),
        })]
    );
    let bad = node.post(path, r#"{"name":"v2","by":"ci","state":"running","link":"javascript:x"}"#).await;
    assert!(bad.problem(400, "bad-body").contains("`link`"));
}

#[actix::test]
async fn what_can_not_be_stored_is_not_available_now_and_says_when_to_come_back() {
    let node = Node::start().await;
    let body = r#"{"name":"v2","by":"ci","state":"running"}"#;
    let answer = node.post("/api/v1/services/busy/deployment", body).await;
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert!(answer.problem(503, "unavailable").contains("free some space"));
}

#[actix::test]
async fn a_probe_answers_its_result() {
    let node = Node::start().await;
    let said = node.post("/api/v1/services/shop/probe", "{}").await.json();
    assert_eq!((&said["service"], &said["outcome"]), (&json!("shop"), &json!("up")));
    let busy = node.post("/api/v1/services/busy/probe", "{}").await;
    assert_eq!(busy.header("retry-after"), Some("2"));
    busy.problem(503, "unavailable");
    node.post("/api/v1/services/nope/probe", "{}").await.problem(404, "not-found");
}

#[actix::test]
async fn a_body_is_json_of_the_right_shape_and_size() {
    let node = Node::start().await;
    let path = "/api/v1/services/shop/ack";
    for (body, says) in [
        ("{", "line 1 column 1"),
        (r#"["anna", "on it"]"#, "send a JSON object"),
        (r#"{"by":1}"#, "invalid type: integer `1`, expected a string at line 1 column 7"),
        (r#"{"reason":"x"}"#, "missing field `by`"),
        (r#"{"by":"anna","extra":1}"#, "unknown field `extra`, expected `by` or `reason`"),
        ("", "send a JSON object"),
    ] {
        let detail = node.post(path, body).await.problem(400, "bad-body");
        assert!(detail.contains(says), "{body}: {detail}");
    }
    let large = format!(r#"{{"by":"{}"}}"#, "x".repeat(17_000));
    node.post(path, &large).await.problem(413, "too-large");
    for kind in ["", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n"] {
        node.post_with(path, r#"{"by":"anna"}"#, kind).await.problem(415, "unsupported-type");
    }
    let with_charset = "Content-Type: application/json; charset=utf-8\r\n";
    assert_eq!(node.post_with(path, r#"{"by":"anna"}"#, with_charset).await.status, 200);
}

#[actix::test]
async fn what_a_robot_is_to_say_is_checked_before_it_is_asked() {
    let node = Node::start().await;
    let say = |text: String| json!({ "text": text }).to_string();
    let path = "/api/v1/devices/shelf/say";
    let refused = node.post(path, &say("hello".to_owned())).await;
    assert_eq!(refused.problem(404, "not-found"), "there is no device `shelf`");
    let refused = node.post(path, &say("x".repeat(301))).await;
    assert!(refused.problem(400, "bad-body").contains("longer than 300"));
    let refused = node.post(path, &say(" \n ".to_owned())).await;
    assert!(refused.problem(400, "bad-body").contains("is empty"));
}
