//! The shared configuration: given through any node, refused with its faults, read word by word.

use crate::support::{NOW, Node, loopback, mesh};
use actix::prelude::*;
use p7_bus::{Applied, Apply, ApplyError, AskError, MeshNoted, SharedConfiguration};
use p7_core::mesh::words::{Configuration, Stamp};
use serde_json::json;
use std::sync::Arc;

const TOML: &str = "Content-Type: application/toml\r\n";

/// Takes what is not faulty; there is one version at a time.
#[derive(Default)]
struct Roof {
    newest: Option<Arc<Configuration>>,
}

impl Actor for Roof {
    type Context = Context<Self>;
}

impl Handler<Apply> for Roof {
    type Result = Result<Applied, ApplyError>;
    fn handle(&mut self, Apply { text, by }: Apply, _: &mut Self::Context) -> Self::Result {
        match text.as_ref() {
            "faulty" => {
                let faults = ["mesh.toml:1:1: unknown key `faulty`", "mesh.toml:2:1: no services"];
                return Err(ApplyError::Faulty(faults.map(str::to_owned).into()));
            }
            "busy" => return Err(AskError::Busy.into()),
            _ => {}
        }
        let stamp = Stamp { version: 15, hash: 0xab };
        self.newest = Some(Arc::new(Configuration { stamp, by, at: NOW, text }));
        Ok(Applied { stamp, changes: vec!["services.shop: new".to_owned()] })
    }
}

impl Handler<SharedConfiguration> for Roof {
    type Result = Result<Option<Arc<Configuration>>, AskError>;
    fn handle(&mut self, _: SharedConfiguration, _: &mut Self::Context) -> Self::Result {
        Ok(self.newest.clone())
    }
}

async fn roofed() -> Node {
    let roof = Roof::default().start();
    let node = Node::under(&loopback(), (Some(roof.clone().recipient()), Some(roof.recipient()))).unwrap();
    node.dashboard.send(MeshNoted(Arc::new(mesh()))).await.unwrap();
    node
}

#[actix::test]
async fn a_configuration_is_given_to_the_mesh_and_read_back_word_by_word() {
    let node = roofed().await;
    let none = node.get("/api/v1/config/shared").await.problem(409, "conflict");
    assert_eq!(none, "the mesh has no shared configuration yet; `p7 apply mesh.toml` gives it one");
    let text = "# größer\n[services.shop.http]\nurl = \"https://shop\"\n";
    let applied = node.post_with("/api/v1/config?by=anna", text, TOML).await.json();
    assert_eq!(
        applied,
        json!({ "version": 15, "hash": "00000000000000ab", "changes": ["services.shop: new"],
            "taken_by": ["berlin", "montreal", "paris", "sydney"], "later": ["tokyo"] })
    );
    let shared = node.get("/api/v1/config/shared").await.json();
    assert_eq!(
        shared,
        json!({ "version": 15, "hash": "00000000000000ab", "by": "anna", "at": "2026-01-31T12:00:00.000Z",
            "text": text })
    );
    let plain = node.post_with("/api/v1/config", "x", "Content-Type: text/plain; charset=utf-8\r\n").await;
    assert_eq!(plain.status, 200);
    assert_eq!(node.get("/api/v1/config/shared").await.json()["by"], "somebody");
}

#[actix::test]
async fn a_faulty_one_is_refused_with_every_fault() {
    let node = roofed().await;
    let answer = node.post_with("/api/v1/config", "faulty", TOML).await;
    assert_eq!(answer.problem(422, "unprocessable"), "the configuration has 2 faults; nothing was changed");
    let document: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        document["faults"],
        json!(["mesh.toml:1:1: unknown key `faulty`", "mesh.toml:2:1: no services"])
    );
    node.post_with("/api/v1/config", "busy", TOML).await.problem(503, "unavailable");
    let large = "#".repeat(512 * 1024 + 1);
    let said = node.post_with("/api/v1/config", &large, TOML).await.problem(413, "too-large");
    assert!(said.contains("524288 bytes"), "{said}");
    let fits = node.post_with("/api/v1/config", &"#".repeat(512 * 1024), TOML).await;
    assert_eq!(fits.status, 200);
    let json = node.post("/api/v1/config", "{}").await.problem(415, "unsupported-type");
    assert_eq!(json, "send the text with the header `Content-Type: application/toml` or `text/plain`");
    node.post_with("/api/v1/config?by=", "x", TOML).await.problem(400, "bad-body");
}

#[actix::test]
async fn a_node_alone_takes_none() {
    let node = Node::start().await;
    let alone = "this node runs alone; change its mesh.toml";
    assert_eq!(node.post_with("/api/v1/config", "x", TOML).await.problem(409, "conflict"), alone);
    assert_eq!(node.get("/api/v1/config/shared").await.problem(409, "conflict"), alone);
}

#[actix::test]
async fn only_who_may_change_things_gives_and_reads_it() {
    let node = roofed().await;
    let proxied = "X-Forwarded-For: 10.0.0.1\r\n";
    node.post_with("/api/v1/config", "x", &format!("{TOML}{proxied}")).await.problem(403, "forbidden");
    node.get_with("/api/v1/config/shared", proxied).await.problem(403, "forbidden");
    let foreign = format!("{TOML}Origin: https://evil.example\r\n");
    node.post_with("/api/v1/config", "x", &foreign).await.problem(403, "forbidden");
    assert_eq!(node.get("/api/v1/config/shared").await.status, 409, "nothing was taken");
}
