//! `p7 demo`: a node and a small site whose services fail and recover, with nothing to set up.

mod many;
mod script;
mod site;
mod words;

pub(crate) use site::{Site, start};

use crate::cli::{Answer, Client, Failure, NodeAddress, complain, print};
use crate::config;
use crate::run::{Node, start_log, system};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// The ports people know from the documentation, if nobody has them.
const DASHBOARD_PORT: u16 = 7007;
const SITE_PORT: u16 = 7008;
/// How long the demo's deployment runs, and how long nothing is deployed after it.
const DEPLOYING: Duration = Duration::from_secs(14);
const QUIET: Duration = Duration::from_secs(46);

/// Runs the demo until it is interrupted.
pub(crate) fn run(args: &crate::cli::Demo) -> Result<Answer, Failure> {
    if args.nodes != 1 {
        return many::run(args);
    }
    let failed = |e: io::Error| Failure::NotSo(format!("can't prepare the demo: {e}"));
    // removed with everything in it when the demo ends
    let folder = tempfile::Builder::new().prefix("p7-demo-").tempdir().map_err(failed)?;
    system().block_on(async {
        let site = site::start_with_step(free(SITE_PORT).map_err(failed)?, script::STEP).map_err(failed)?;
        let dashboard = dashboard(args.listen)?;
        std::fs::write(folder.path().join("node.toml"), words::node_toml(dashboard)).map_err(failed)?;
        std::fs::write(folder.path().join("mesh.toml"), words::mesh_toml(site.address())).map_err(failed)?;
        let loaded = config::load(folder.path(), &BTreeMap::new())
            .map_err(|refused| Failure::NotSo(format!("the demo's own configuration is wrong: {refused}")))?;
        start_log(loaded.node.log, Some("warn"), None)?;
        // a node alone has nobody who wishes for another configuration
        let (node, _wishes) =
            Node::start(&loaded, &BTreeMap::new()).map_err(|e| Failure::NotSo(e.to_string()))?;
        let reached = reached(dashboard);
        print(&words::welcome(reached, site.address()))?;
        let deployments = actix::spawn(deploy(reached));
        let ended = until_interrupted().await;
        deployments.abort();
        node.stop().await;
        site.stop().await;
        ended
    })?;
    print("\nThe demo has ended; its data are removed.\n")?;
    Ok(Answer::Fine)
}

/// Where the dashboard listens: as asked for, or the usual port.
fn dashboard(asked: Option<SocketAddr>) -> Result<SocketAddr, Failure> {
    let Some(asked) = asked else {
        return free(DASHBOARD_PORT).map_err(|e| Failure::NotSo(format!("can't prepare the demo: {e}")));
    };
    // port 0 asks for a free one, which the guide has to name
    let found = TcpListener::bind(asked).and_then(|listener| listener.local_addr());
    found.map_err(|e| Failure::NotSo(format!("can't listen on {asked}: {e}; choose another --listen")))
}

/// Where this machine reaches what listens there: all addresses are no address to ask.
fn reached(listening: SocketAddr) -> SocketAddr {
    match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, listening.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, listening.port()).into(),
        IpAddr::V4(_) | IpAddr::V6(_) => listening,
    }
}

/// This port of loopback, or another one that is free.
fn free(port: u16) -> io::Result<SocketAddr> {
    let here = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port))?.local_addr();
    here(port).or_else(|_taken| here(0))
}

async fn until_interrupted() -> Result<(), Failure> {
    let mut term = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _terminated = term.recv() => {}
    }
    Ok(())
}

/// States a deployment now and then, as a pipeline would.
async fn deploy(dashboard: SocketAddr) {
    let address = NodeAddress { url: format!("http://{dashboard}"), token: None };
    for release in 1u32.. {
        for (state, then) in [("running", DEPLOYING), ("succeeded", QUIET)] {
            let body = json!({ "name": format!("release {release}"), "by": "demo", "state": state });
            let stated = match Client::new(&address) {
                Ok(client) => client.post::<Value>(&["services", words::DEPLOYED, "deployment"], &body).await,
                Err(failure) => Err(failure),
            };
            if let Err(failure) = stated {
                complain(&format!("the demo's deployment could not be stated: {failure}"));
                return;
            }
            actix::clock::sleep(then).await;
        }
    }
}
