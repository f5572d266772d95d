//! `p7 run`: load, build, say what is listening, run until told to stop, drain with a deadline.

mod clock;
mod deployments;
mod introduce;
mod log;
mod mailbox;
mod mesh;
mod node;
mod persona;
mod publishing;
mod sharing;
mod speaking;

pub(crate) use log::start as start_log;
pub(crate) use node::Node;

use mesh::Wish;

use crate::cli::{Answer, Failure, Run, complain, print};
use crate::config::{self, Fingerprint, Loaded};
use p7_settings::Style;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// How often the configuration's files are looked at for a change.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Runs a node until it is told to stop.
pub(crate) fn run(args: &Run) -> Result<Answer, Failure> {
    let dir = args.config.folder.as_path();
    let environment = config::environment();
    // taken first: a change made while we start is then seen as one
    let fingerprint = config::fingerprint(dir);
    let loaded = load(dir, &environment)?;
    log::start(loaded.node.log, args.log.as_deref(), args.log_format)?;
    system().block_on(async move {
        // before anything else: a signal that comes while we start must not kill us
        let signals = Signals::new()?;
        let ended = serve(&loaded, Files { fingerprint, environment }, dir, signals).await;
        // an agent that never had its turn would start while the system falls, and panic
        tokio::task::yield_now().await;
        ended
    })
}

async fn serve(
    loaded: &Loaded,
    mut files: Files,
    dir: &Path,
    mut signals: Signals,
) -> Result<Answer, Failure> {
    let started = Node::start(loaded, &files.environment);
    let (mut node, mut wishes) = started.map_err(|error| Failure::NotSo(error.to_string()))?;
    let demo = demo_site(loaded)?;
    print(&greeting(&node, loaded))?;
    attend(&mut node, &mut files, dir, &mut signals, &mut wishes).await;
    if let Some(demo) = demo {
        demo.stop().await;
    }
    node.stop().await;
    Ok(Answer::Fine)
}

/// The actor system of this process, on one thread; each agent that works has a thread of its own.
pub(crate) fn system() -> actix::SystemRunner {
    // decided once for the process, before the first connection: every TLS client of ours uses ring
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("the TLS provider was installed already");
    }
    actix::System::new()
}

fn load(dir: &Path, environment: &BTreeMap<String, String>) -> Result<Loaded, Failure> {
    config::load(dir, environment).map_err(|refused| {
        let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let style = if colours { Style::Coloured } else { Style::Plain };
        for fault in &refused.faults {
            complain(&fault.render(style));
        }
        let count = refused.faults.len();
        Failure::Use(format!("{count} fault{} in the configuration; nothing was started", plural(count)))
    })
}

fn demo_site(loaded: &Loaded) -> Result<Option<crate::demo::Site>, Failure> {
    let Some(address) = loaded.node.demo.listen else { return Ok(None) };
    crate::demo::start(address).map(Some).map_err(|error| {
        let what = "stop what listens there, or choose another `listen` in [demo] of node.toml";
        Failure::NotSo(format!("the demo site can't listen on {address}: {error}; {what}"))
    })
}

fn greeting(node: &Node, loaded: &Loaded) -> String {
    let count = loaded.services.len();
    let mut text = format!(
        "Protocol/7 {}: {} watches {count} service{}\n",
        env!("CARGO_PKG_VERSION"),
        loaded.node.name(),
        plural(count)
    );
    for address in node.listening() {
        // writing into a string can't fail
        writeln!(text, "dashboard: http://{address}/").unwrap_or_default();
    }
    if loaded.node.mesh.key.is_some() {
        text.push_str("mesh: looking for the others; `p7 mesh peers` shows who is there\n");
    }
    text
}

pub(crate) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The files that a running node looks at.
struct Files {
    fingerprint: Fingerprint,
    environment: BTreeMap<String, String>,
}

/// Waits for what comes from outside: signals and changed files. Ends when told to stop.
async fn attend(
    node: &mut Node,
    files: &mut Files,
    dir: &Path,
    signals: &mut Signals,
    wishes: &mut mpsc::Receiver<Wish>,
) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            () = heard(&mut signals.term) => break,
            () = heard(&mut signals.int) => break,
            Some(wish) = wishes.recv() => node.grant(wish, dir, &files.environment),
            () = heard(&mut signals.hup) => {
                files.fingerprint = config::fingerprint(dir);
                node.reload(dir, &files.environment);
            }
            _ = look.tick() => {
                let fingerprint = config::fingerprint(dir);
                if fingerprint != files.fingerprint {
                    files.fingerprint = fingerprint;
                    node.reload(dir, &files.environment);
                }
            }
        }
    }
    tracing::info!("told to stop; running probes may end first");
}

/// The signals a node listens to.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }
}

async fn heard(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        // no more of these can come
        std::future::pending::<()>().await;
    }
}
