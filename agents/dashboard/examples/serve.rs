//! Serves made-up services with played agents, to try the API by hand or with a fuzzer:
//! `cargo run -p p7-dashboard --example serve -- 127.0.0.1:7008`; with `mesh` after the address it is one
//! of five nodes, and something changes every three seconds.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a tool for developers")]

#[path = "../tests/http/support.rs"]
#[expect(dead_code, reason = "written for tests, which use all of it")]
mod support;

use p7_bus::{Configured, MeshNoted, Snapshot};
use p7_core::mesh::view::Liveness;
use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{Cycle, MeshTime, Millis, Outcome};
use p7_dashboard::Config;
use p7_dashboard::pages::sample::{self, Story};
use p7_store::Fact;
use std::sync::Arc;
use std::time::Duration;
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
    if std::env::args().nth(2).is_some_and(|word| word == "mesh") {
        play(&node).await;
    }
    std::future::pending::<()>().await;
}

/// A mesh of five nodes that see thirty services; one of these recovers and fails again, one node comes and goes.
async fn play(node: &Node) {
    let fleet = sample::fleet(30, 5);
    let services = fleet.iter().map(|(service, _)| Arc::new(service.clone())).collect();
    node.dashboard.send(Configured(Arc::new(services))).await.expect("the dashboard listens");
    for round in 0_u64.. {
        let mut view = support::mesh();
        for member in &mut view.members {
            let (since, heard) = (NOW.minus(sample::NOW.since(member.since)), NOW);
            (member.since, member.heard) = (since, heard);
            if let Some(about) = &mut member.about {
                about.started = since;
            }
            member.round_trip = member.round_trip.map(|ms| Millis(ms.0 + round % 5));
        }
        let there = round % 2 == 1;
        view.members[1].cut_off = there;
        view.members[4].liveness = if there { Liveness::Suspect } else { Liveness::Down };
        node.dashboard.send(MeshNoted(Arc::new(view))).await.expect("the dashboard listens");
        let shown = |(i, (service, status)): (usize, &(Service, ServiceStatus))| {
            let story = if i == 3 && there { Story::Healthy } else { Story::of(i, 30) };
            let status = if i == 3 { sample::status(service, story, 5, i) } else { status.clone() };
            Arc::new(moved(status))
        };
        let statuses = fleet.iter().enumerate().map(shown).collect();
        node.dashboard.send(Snapshot(Arc::new(statuses))).await.expect("the dashboard listens");
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
}

/// A status of the sample's time at the time of the tests.
fn moved(mut status: ServiceStatus) -> ServiceStatus {
    let later = |at: MeshTime| NOW.minus(sample::NOW.since(at));
    status.since = status.since.map(later);
    status.last_probe = status.last_probe.map(later);
    for vantage in &mut status.vantage {
        vantage.at = later(vantage.at);
        if vantage.node == sample::mesh_view().me {
            vantage.node = support::node();
        }
    }
    for cycle in &mut status.cycles {
        cycle.cycle = Cycle::starting(later(cycle.cycle.start()));
    }
    status
}
