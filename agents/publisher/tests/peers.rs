//! The programs of others that stand for clouds: started for one test, ended with it. `scripts/setup test`
//! brings them.

use super::support::SOON;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running peer.
pub(super) struct Peer {
    child: Child,
    pub(super) port: u16,
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn peers() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let deps = exe.ancestors().find(|folder| folder.ends_with("deps")).unwrap();
    deps.ancestors().nth(2).unwrap().join("peers")
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn start(command: &mut Command, port: u16) -> Peer {
    // one TLS provider, as in the program itself
    drop(rustls::crypto::ring::default_provider().install_default());
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}; run scripts/setup test"));
    let peer = Peer { child, port };
    let deadline = Instant::now() + SOON;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "{command:?} does not listen");
        std::thread::sleep(Duration::from_millis(100));
    }
    peer
}

/// S3 as moto speaks it, with the bucket `site`.
pub(super) async fn moto() -> Peer {
    let port = free_port();
    let program = peers().join("venv/bin/moto_server");
    let peer = start(Command::new(program).args(["-H", "127.0.0.1", "-p", &port.to_string()]), port);
    let client = reqwest::Client::new();
    let url = format!("http://127.0.0.1:{port}/site");
    super::support::eventually("the bucket is made", || async {
        client.put(&url).send().await.ok().filter(|answer| answer.status().is_success())
    })
    .await;
    peer
}

/// Azure Blob as azurite speaks it, with the container `$web`, and an account SAS.
pub(super) fn azurite(folder: &Path) -> (Peer, String) {
    let port = free_port();
    let script = peers().join("azurite/node_modules/azurite/dist/src/blob/main.js");
    assert!(script.is_file(), "azurite is missing; run scripts/setup test");
    let mut command = Command::new("node");
    command.current_dir(folder).arg(script).args([
        "--inMemoryPersistence",
        "--silent",
        "--skipApiVersionCheck",
    ]);
    command.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]);
    let peer = start(&mut command, port);
    let account = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/azurite/account.py");
    let made = Command::new("python3").arg(account).arg(account_url(port)).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (peer, String::from_utf8(made.stdout).unwrap().trim().to_owned())
}

/// Where azurite's account is.
pub(super) fn account_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/devstoreaccount1")
}
