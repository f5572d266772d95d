//! `p7 demo --nodes N`: a real mesh of processes on loopback, to look at and to kill.

use super::{free, reached, script, site, until_interrupted, words};
use crate::cli::{Answer, Client, Demo, Failure, NodeAddress, complain, print};
use crate::run::system;
use p7_mesh::key::MeshKey;
use serde_json::Value;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// Most nodes: more would show the machine and not the mesh.
pub(super) const NODES_LIMIT: u16 = 12;
/// The port of the first node's dashboard; the others' follow.
const DASHBOARD_PORT: u16 = 7007;
/// The port of the site.
const SITE_PORT: u16 = 7100;
/// How often it is looked who leads and who has ended.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A node that was killed is started again after so many looks.
const AWAY: u32 = 40;
/// How long a node may take to end by itself.
const ENDS_WITHIN: Duration = Duration::from_secs(6);

/// What the nodes are called.
const NAMES: [&str; NODES_LIMIT as usize] = [
    "sydney", "paris", "lima", "oslo", "tokyo", "nairobi", "boston", "delhi", "quito", "seoul", "malmo",
    "accra",
];

/// One node of the demo.
struct Office {
    name: &'static str,
    folder: PathBuf,
    dashboard: SocketAddr,
    process: Option<Child>,
    away: u32,
}

/// Runs a mesh until it is interrupted.
pub(super) fn run(args: &Demo) -> Result<Answer, Failure> {
    if args.nodes > NODES_LIMIT {
        return Err(Failure::Use(format!("the demo starts at most {NODES_LIMIT} nodes, not {}", args.nodes)));
    }
    let failed = |e: io::Error| Failure::NotSo(format!("can't prepare the demo: {e}"));
    let folder = tempfile::Builder::new().prefix("p7-demo-").tempdir().map_err(failed)?;
    system().block_on(async {
        let site = site::start_with_step(free(SITE_PORT).map_err(failed)?, script::STEP).map_err(failed)?;
        let mut offices = prepare(folder.path(), args, site.address()).map_err(failed)?;
        for office in &mut offices {
            office.start().map_err(failed)?;
        }
        print(&welcome(&offices, site.address()))?;
        tokio::select! {
            () = watch(&mut offices) => {}
            ended = until_interrupted() => ended?,
        }
        for office in &mut offices {
            office.stop().await;
        }
        site.stop().await;
        Ok::<(), Failure>(())
    })?;
    print("\nThe demo has ended; its data are removed.\n")?;
    Ok(Answer::Fine)
}

/// Writes a folder for each node: they share a key, and know where the first one listens.
fn prepare(folder: &Path, args: &Demo, site: SocketAddr) -> io::Result<Vec<Office>> {
    let key = MeshKey::generate();
    let peers =
        NAMES.iter().take(usize::from(args.nodes)).map(|_| free(0)).collect::<io::Result<Vec<_>>>()?;
    let first = peers.first().copied().unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut offices = Vec::new();
    for (place, (name, peer)) in (0..).zip(NAMES.iter().zip(&peers)) {
        let home = folder.join(name);
        fs::create_dir_all(&home)?;
        let wished = args.listen.filter(|_| place == 0);
        let dashboard = match wished {
            Some(wished) => wished,
            None => free(DASHBOARD_PORT.saturating_add(place))?,
        };
        fs::write(home.join("mesh.key"), key.expose())?;
        let bootstrap = if place == 0 { String::new() } else { format!("bootstrap = [\"{first}\"]\n") };
        let text = format!(
            "[node]\nname = \"{name}\"\n\n[mesh]\nkey = \"file:mesh.key\"\nlisten = [\"{peer}\"]\nmdns = false\n\
             {bootstrap}\n[http]\nlisten = \"{dashboard}\"\n\n[log]\nlevel = \"info\"\n"
        );
        fs::write(home.join("node.toml"), text)?;
        if place == 0 {
            // the others get it from the mesh
            fs::write(home.join("mesh.toml"), words::mesh_toml(site))?;
        }
        offices.push(Office { name, folder: home, dashboard: reached(dashboard), process: None, away: 0 });
    }
    Ok(offices)
}

impl Office {
    fn start(&mut self) -> io::Result<()> {
        let log = File::options().create(true).append(true).open(self.folder.join("log"))?;
        let process = Command::new(std::env::current_exe()?)
            .args(["run", "--config"])
            .arg(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // its own group: Ctrl-C is ours to hear, and the nodes end in good order
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        self.process = Some(process);
        self.away = 0;
        Ok(())
    }

    fn id(&self) -> Option<u32> {
        self.process.as_ref()?.id()
    }

    /// Whether its process has ended since it was looked at last.
    fn has_ended(&mut self) -> bool {
        let ended = self.process.as_mut().is_some_and(|process| !matches!(process.try_wait(), Ok(None)));
        if ended {
            self.process = None;
        }
        ended
    }

    async fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        if let Some(id) = process.id() {
            let asked = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
            if asked.is_ok() && tokio::time::timeout(ENDS_WITHIN, process.wait()).await.is_ok() {
                return;
            }
        }
        if let Err(error) = process.kill().await {
            complain(&format!("{} could not be ended: {error}", self.name));
        }
    }

    /// Who leads, as this node sees it.
    async fn leader(&self) -> Option<(String, u64)> {
        let address = NodeAddress { url: format!("http://{}", self.dashboard), token: None };
        let mesh: Value = Client::new(&address).ok()?.get(&["mesh"], &[]).await.ok()?;
        let holding = mesh.get("holdings")?.as_array()?.iter().find(|one| one["role"] == "leader")?;
        let holder = holding["holder"].as_str()?;
        let nodes = mesh.get("nodes")?.as_array()?;
        let name = nodes.iter().find(|node| node["id"] == holder)?["name"].as_str()?;
        Some((name.to_owned(), holding["term"].as_u64()?))
    }
}

/// Says who leads and who ended, and starts again who was killed.
async fn watch(offices: &mut [Office]) {
    let mut leads = None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        for office in offices.iter_mut() {
            if office.has_ended() {
                say(&format!("{} has ended; the others go on, and it is started again soon", office.name));
            }
            if office.process.is_none() {
                office.away += 1;
                if office.away >= AWAY {
                    match office.start() {
                        Ok(()) => say(&format!(
                            "{} is started again{}; it catches up, and the leader stays",
                            office.name,
                            office.id().map(|id| format!(" (process {id})")).unwrap_or_default()
                        )),
                        Err(error) => complain(&format!("{} can't be started: {error}", office.name)),
                    }
                }
            }
        }
        let mut seen = None;
        for office in offices.iter().filter(|office| office.process.is_some()) {
            seen = office.leader().await;
            if seen.is_some() {
                break;
            }
        }
        if seen.is_some() && seen != leads {
            if let Some((name, term)) = &seen {
                say(&format!("{name} leads now (term {term})"));
            }
            leads = seen;
        }
    }
}

fn say(line: &str) {
    if let Err(error) = print(&format!("· {line}\n")) {
        complain(&format!("p7: {error}"));
    }
}

fn welcome(offices: &[Office], site: SocketAddr) -> String {
    let mut text = format!(
        "Protocol/7 demo: a mesh of {} nodes, each a process of its own, watches a small site.\n\n\
         \x20 The site   http://{site}/\n\n  NODE      DASHBOARD                PROCESS\n",
        offices.len()
    );
    for office in offices {
        let id = office.id().map(|id| id.to_string()).unwrap_or_default();
        text.push_str(&format_office(office, &id));
    }
    let first = offices.first().map(|office| office.dashboard.to_string()).unwrap_or_default();
    let second = offices.get(1).and_then(Office::id).map(|id| id.to_string()).unwrap_or_default();
    let guide = format!(
        "\nLook at http://{first}/mesh : who is there, who leads, and who sees what, live.\n\
         Every node shows the same; only the first was given a mesh.toml, the others got it from the mesh.\n\n\
         Then try, in another terminal:\n\n\
         \x20 kill -9 {second:<8}   another node is down within two seconds; if it led, another leads\n\
         \x20 kill -STOP {second:<5}   a node that hangs: down after ten seconds (kill -CONT wakes it)\n\
         \x20 p7 mesh peers --node http://{first}\n\
         \x20 p7 status --watch --node http://{first}\n\
         \x20 p7 silence shop --for 10m --node http://{first}     every node knows it at once\n\n\
         A killed node is started again after 20 seconds. Ctrl-C ends the demo.\n\n"
    );
    text.push_str(&guide);
    text
}

fn format_office(office: &Office, id: &str) -> String {
    format!("  {:<9} {:<24} {id}\n", office.name, format!("http://{}/", office.dashboard))
}
