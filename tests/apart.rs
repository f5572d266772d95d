//! Running a test apart from the machine: with a network, with mounts or with a whole world of its own.

use std::env;
use std::process::{Command, Stdio};

/// Set for the process that runs apart.
const APART: &str = "P7_TEST_RUNS_APART";

/// What a test has of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// Namespaces of network and mounts: only a loopback interface that is down.
    Network,
    /// A mount namespace: what it mounts nobody else sees.
    Mounts,
    /// All of that, and the processes: those it starts end with it, however it ends.
    World,
}

impl Own {
    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Network => &["--mount", "--net"],
            Self::Mounts => &["--mount"],
            Self::World => &["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"],
        }
    }
}

/// Runs `test`, the one this is called from, in a process of its own with namespaces of its own. They
/// vanish with it. Where the system refuses them (no root and no user namespaces) the test says so.
pub fn apart(own: Own, test: impl FnOnce()) {
    if env::var_os(APART).is_some() {
        test();
        return;
    }
    let mut flags = own.flags().to_vec();
    if !is_root() {
        // root of a namespace of users, where that is allowed
        flags.push("--map-root-user");
    }
    let possible = Command::new("unshare").args(&flags).arg("true").stderr(Stdio::null()).status();
    if !possible.is_ok_and(|status| status.success()) {
        println!("skipped: `unshare {}` is refused here", flags.join(" "));
        return;
    }
    let name = std::thread::current().name().expect("tests run on threads with their name").to_owned();
    // when this process is killed, the kernel kills that one, which takes its namespaces along
    let status = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "unshare"])
        .args(&flags)
        .arg(env::current_exe().unwrap())
        .args([&name, "--exact", "--nocapture"])
        .env(APART, "1")
        .status()
        .unwrap();
    assert!(status.success(), "{name} failed in its own namespace, see above");
}

/// Runs a command that must succeed, given as words separated by spaces.
pub fn run(command: &str) {
    let mut words = command.split(' ');
    let program = words.next().unwrap_or_default();
    let output = Command::new(program).args(words).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}
