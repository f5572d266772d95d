//! A real p7 process: its folder, its life and death, and what it answers.

use crate::eventually;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;
use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a node may take until it is ready, on a machine that does much else.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Longest answer that is read, in bytes.
const ANSWER_LIMIT: u64 = 64 * 1024 * 1024;
/// What a world of its own has to itself, with its network namespaces below.
const OWN_RUN: &str = "/run";
/// Where a node serves its dashboard when it is told nothing.
const USUAL_PORT: u16 = 7007;
/// What a node of a mesh logs, so that a test that fails says enough.
const MESH_LOG: &str = "info,p7_mesh=debug,p7_member=debug";
/// How many lines of its log a failing test shows.
const LOG_LINES: usize = 80;

/// Cargo's target folder, from where this test runs.
pub fn target_folder() -> PathBuf {
    let exe = env::current_exe().unwrap();
    let deps = exe.ancestors().find(|folder| folder.ends_with("deps")).expect("tests run from target/*/deps");
    deps.ancestors().nth(2).unwrap().to_owned()
}

/// The binary under test: `P7_BIN`, or the one built beside this test.
pub fn binary() -> PathBuf {
    if let Some(given) = env::var_os("P7_BIN") {
        return given.into();
    }
    let exe = env::current_exe().unwrap();
    let deps = exe.ancestors().find(|folder| folder.ends_with("deps")).expect("tests run from target/*/deps");
    let built = deps.parent().unwrap().join("p7");
    assert!(built.is_file(), "{} is missing; run cargo build -p p7", built.display());
    built
}

/// Runs `p7` to its end, without the environment's own settings.
pub fn p7(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    quiet(Command::new(binary()), arguments)
}

/// The same in a network namespace; `ip` becomes `p7`, so the process is the node's.
fn within(namespace: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).arg(binary());
    let mut command = quiet(command, arguments);
    command.env("P7_LOG", MESH_LOG);
    command
}

fn quiet(mut command: Command, arguments: &[&str]) -> Command {
    command.args(arguments).stdin(Stdio::null()).env("NO_COLOR", "1");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("P7_")) {
        command.env_remove(name);
    }
    command
}

/// A node in a folder of its own.
#[derive(Debug)]
pub struct Node {
    name: String,
    /// The network namespace it runs in, unless it is the test's own.
    namespace: Option<String>,
    folder: TempDir,
    data: PathBuf,
    port: u16,
    process: Option<Child>,
}

/// An answer of a node.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e} in {}", self.text()))
    }
}

impl Node {
    /// A node on a free port that watches what `mesh` says; not yet started.
    pub fn new(mesh: &str) -> Self {
        let node = Self::with_name("tested", None, TempDir::new().unwrap(), crate::free_port());
        node.write_mesh(mesh);
        node
    }

    /// A node in the network namespace that is called like it, where it has the usual port to itself;
    /// without a mesh.toml and not yet started. Its folder is where the namespace is, and vanishes with it.
    pub fn within(namespace: &str) -> Self {
        let folder = TempDir::new_in(OWN_RUN).unwrap();
        Self::with_name(namespace, Some(namespace.to_owned()), folder, USUAL_PORT)
    }

    fn with_name(name: &str, namespace: Option<String>, folder: TempDir, port: u16) -> Self {
        let data = folder.path().join("data");
        let node = Self { name: name.to_owned(), namespace, folder, data, port, process: None };
        node.write_node("");
        node
    }

    /// A node that is ready, watching what `mesh` says.
    pub fn start(mesh: &str) -> Self {
        let mut node = Self::new(mesh);
        node.run();
        node
    }

    /// Keeps its data in `folder` from its next start on.
    #[must_use]
    pub fn with_data(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.data);
        self.write_node("");
        self
    }

    /// Its port from its next start on.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self.write_node("");
        self
    }

    /// Writes its mesh.toml.
    pub fn write_mesh(&self, text: &str) {
        // whole or not at all, as an editor does it
        let new = self.path("mesh.toml.new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path("mesh.toml")).unwrap();
    }

    /// Writes its node.toml, with `more` lines at the end.
    pub fn write_node(&self, more: &str) {
        let text = format!(
            "[node]\nname = \"{}\"\ndata_dir = \"{}\"\n\n[http]\nlisten = \"127.0.0.1:{}\"\n\n{more}",
            self.name,
            self.data.display(),
            self.port
        );
        fs::write(self.path("node.toml"), text).unwrap();
    }

    /// A path in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where it keeps its data.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its address as a URL without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("the node runs").id()
    }

    /// Starts it and waits until it is ready.
    pub fn run(&mut self) {
        self.spawn();
        self.answers("/readyz");
    }

    /// Waits until it answers at all; it need not be ready.
    pub fn wake(&mut self) {
        self.answers("/healthz");
    }

    fn answers(&mut self, path: &str) {
        eventually(&format!("{path} is fine"), READY_WITHIN, || {
            let ended = self.process.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "the node ended with {ended:?}:\n{}", self.log());
            let answer = self.try_get(path)?;
            (answer.status == 200).then_some(())
        });
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `p7` to its end where the node is, as a person there would: about this node, in its folder.
    pub fn p7(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        command.env("P7_NODE_URL", self.url()).env("P7_CONFIG", self.folder.path()).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        match &self.namespace {
            Some(namespace) => within(namespace, arguments),
            None => command(arguments),
        }
    }

    /// Starts it and waits for nothing.
    pub fn spawn(&mut self) {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let child = self
            .command(&["run", "--config"])
            .arg(self.folder.path())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(child);
    }

    /// Starts it and waits until it ends by itself.
    pub fn run_to_its_end(&mut self, within: Duration) -> ExitStatus {
        self.spawn();
        self.ended(within)
    }

    /// Waits until the process has ended.
    pub fn ended(&mut self, within: Duration) -> ExitStatus {
        let process = self.process.as_mut().expect("the node runs");
        let status = eventually("the node ends", within, || process.try_wait().unwrap());
        self.process = None;
        status
    }

    /// Kills it at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Asks it to end and says how it ended and how long that took.
    pub fn terminate(&mut self) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        self.signal("TERM");
        let status = self.ended(Duration::from_secs(60));
        (status, asked.elapsed())
    }

    /// All that it has said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// What it answers to `GET path`.
    pub fn get(&self, path: &str) -> Answer {
        self.try_get(path).unwrap_or_else(|| panic!("no answer to GET {path}"))
    }

    /// What it answers to `GET path`, if it answers.
    pub fn try_get(&self, path: &str) -> Option<Answer> {
        let url = format!("{}{path}", self.url());
        self.inside(|| read(agent().get(url).call().ok()?))
    }

    /// Does something where the node is: sockets belong to the network their thread is in.
    pub fn inside<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let Some(namespace) = &self.namespace else { return act() };
        let namespace = File::open(format!("{OWN_RUN}/netns/{namespace}")).unwrap();
        std::thread::scope(|threads| {
            let there = threads.spawn(|| {
                move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                act()
            });
            there.join().unwrap()
        })
    }

    /// The JSON it answers to `GET path` with 200.
    pub fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.text());
        answer.json()
    }

    /// What it answers to `POST path` with a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let url = format!("{}{path}", self.url());
        self.inside(|| {
            let request = agent().post(url).header("content-type", "application/json");
            read(request.send(body.to_string()).unwrap()).unwrap()
        })
    }

    /// One service as the API tells it.
    pub fn service(&self, id: &str) -> Value {
        self.json(&format!("/api/v1/services/{id}"))
    }

    /// Waits until a service is at a level, and says what is told of it then.
    pub fn until_level(&self, id: &str, level: &str, within: Duration) -> Value {
        let mut seen = Value::Null;
        let what = format!("{id} is {level}");
        eventually(&what, within, || {
            seen = self.try_get(&format!("/api/v1/services/{id}"))?.json();
            (seen["level"] == level).then(|| seen.clone())
        })
    }

    /// The value of a metric's line that starts with `name`, labels included.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let text = self.get("/metrics").text();
        let line =
            text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))?;
        line.rsplit_once(' ')?.1.parse().ok()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // it may have ended by itself
            drop(process.kill());
            drop(process.wait());
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = lines.iter().skip(lines.len().saturating_sub(LOG_LINES));
            println!("the node {} said last:", self.name);
            last.for_each(|line| println!("  {line}"));
        }
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(ANSWER_WITHIN))
        .proxy(None)
        .build()
        .new_agent()
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> Option<Answer> {
    let mut body = Vec::new();
    answer.body_mut().as_reader().take(ANSWER_LIMIT).read_to_end(&mut body).ok()?;
    let headers = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Some(Answer { status: answer.status().as_u16(), headers, body })
}
