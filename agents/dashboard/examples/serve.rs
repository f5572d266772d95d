//! Serves made-up services with played agents, to try the API by hand or with a fuzzer:
//! `cargo run -p p7-dashboard --example serve -- 127.0.0.1:7008`.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a tool for developers")]

#[path = "../tests/http/support.rs"]
#[expect(dead_code, reason = "written for tests, which use all of it")]
mod support;

use p7_core::vocabulary::{Millis, Outcome};
use p7_dashboard::Config;
use p7_store::Fact;
use std::sync::Arc;
use support::{NOW, Node, incident, result};

#[actix::main]
async fn main() {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7008".to_owned());
    let listen = vec![listen.parse().expect("an address such as 127.0.0.1:7008")];
    let node = Node::with(Config { listen, ..Config::default() }).await;
    node.configure(&["mail", "shop"]).await;
    let facts: Vec<Fact> = (0..500)
        .map(|n| Fact::Result(Arc::new(result("shop", NOW.minus(Millis::seconds(60 * n)), Outcome::Up))))
        .collect();
    node.remember(&facts);
    node.remember(&[Fact::Incident(Arc::new(incident("shop", 10)))]);
    println!("http://{}/ until Ctrl-C", node.address);
    std::future::pending::<()>().await;
}
