//! Persona/7 in real nodes, before the strict fake of Slack that its crate proves.

#[expect(dead_code, reason = "it serves other tests, too")]
#[path = "../../agents/persona/tests/fake.rs"]
mod slack;

use crate::{SOON, watching};
use p7_tests::node::Node;
use p7_tests::site::{Mood, Site};
use p7_tests::{eventually, free_port};
use slack::{APP_TOKEN, BOT_TOKEN, Fake};
use std::fs;

/// A fake of Slack on a thread of its own, until the test ends.
fn slack() -> Fake {
    let (to, from) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            to.send(Fake::start().await).unwrap();
            std::future::pending::<()>().await;
        });
    });
    from.recv().unwrap()
}

/// `[persona]` before this fake.
fn persona(fake: &Fake) -> String {
    format!(
        "\n[persona]\napp_token = \"file:app.token\"\nbot_token = \"file:bot.token\"\napi = \"{}\"\n[persona.changes]\nusers = [\"U1\"]\n",
        fake.base
    )
}

fn write_tokens(node: &Node) {
    fs::write(node.path("app.token"), APP_TOKEN).unwrap();
    fs::write(node.path("bot.token"), BOT_TOKEN).unwrap();
}

fn said(fake: &Fake, method: &str, part: &str) -> String {
    eventually(&format!("{method} with {part}"), SOON, || {
        let said = fake.state().called(method);
        said.iter()
            .filter_map(|said| said["text"].as_str())
            .find(|text| text.contains(part))
            .map(str::to_owned)
    })
}

#[test]
fn a_node_alone_answers_in_slack_and_what_is_changed_there_stands_in_the_api() {
    let (fake, site) = (slack(), Site::start());
    let watched = watching(&[("shop", &site)]);
    let mut node = Node::new(&format!("{watched}{}", persona(&fake)));
    write_tokens(&node);
    node.run();
    site.set(Mood::Answers(502));
    node.until_level("shop", "incident", SOON);
    eventually("a socket", SOON, || (fake.state().open_sockets() == 1).then_some(()));
    assert_eq!(node.metric("p7_persona_connected"), Some(1.0));

    fake.mention("C1", "U3", "status shop");
    assert!(said(&fake, "chat.postMessage", "The shop").contains("502"));
    fake.mention("C1", "U1", "ack shop on it");
    said(&fake, "chat.postMessage", "*Ada Lovelace* has acknowledged `shop`: on it");
    assert_eq!(node.service("shop")["acknowledged"]["by"], "Ada Lovelace");
    fake.mention("C1", "U1", &format!("probe {}", site.url()));
    assert!(said(&fake, "chat.update", "*failed*").contains("status 502"));

    // taken up without a restart, and without a word of the tokens
    node.write_mesh(&watched);
    eventually("no socket", SOON, || (fake.state().open_sockets() == 0).then_some(()));
    let log = node.log();
    assert!(!log.contains(APP_TOKEN) && !log.contains(BOT_TOKEN) && !log.contains("ticket"), "{log}");
    assert_eq!(fake.state().faults, Vec::<String>::new());
}

#[test]
fn one_node_of_a_mesh_talks_and_another_takes_over_when_it_dies() {
    let (fake, site) = (slack(), Site::start());
    let mesh = format!("{}{}", watching(&[("shop", &site)]), persona(&fake));
    let ports = [free_port(), free_port()];
    let mut nodes = ports.map(|_| Node::new(&mesh));
    let key = nodes[0].p7(&["mesh", "key"]);
    assert!(key.status.success(), "{}", String::from_utf8_lossy(&key.stderr));
    let key = fs::read(nodes[0].path("mesh.key")).unwrap();
    for (node, (mine, other)) in nodes.iter_mut().zip([(0, 1), (1, 0)]) {
        write_tokens(node);
        fs::write(node.path("mesh.key"), &key).unwrap();
        node.write_node(&format!(
            "[mesh]\nkey = \"file:mesh.key\"\nmdns = false\nlisten = [\"127.0.0.1:{}\"]\nbootstrap = [\"127.0.0.1:{}\"]\n",
            ports[mine], ports[other]
        ));
        node.run();
    }
    let talks = |nodes: &[Node; 2]| {
        nodes.iter().position(|node| {
            node.try_get("/metrics").is_some_and(|page| page.text().contains("\np7_persona_connected 1"))
        })
    };
    let both =
        |node: &Node| node.json("/api/v1/mesh").to_string().matches("\"liveness\":\"alive\"").count() == 2;
    eventually("a mesh of two", SOON, || (nodes.iter().all(both)).then_some(()));
    let first = eventually("one that talks", SOON, || {
        (fake.state().open_sockets() == 1).then(|| talks(&nodes)).flatten()
    });
    fake.mention("C1", "U1", "nodes");
    said(&fake, "chat.postMessage", "2 of 2 nodes are there");
    nodes[first].kill();
    let second = eventually("another that talks", SOON, || talks(&nodes).filter(|place| *place != first));
    assert_ne!(first, second);
    fake.mention("C1", "U1", "version");
    said(&fake, "chat.postMessage", "p7 0");
    assert_eq!(fake.state().faults, Vec::<String>::new());
}
