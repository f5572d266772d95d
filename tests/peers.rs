//! Programs of others that look at the node: promtool, Chromium, schemathesis.
//! `scripts/setup test` brings them.

use crate::node::target_folder;
use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program on the PATH or among what `scripts/setup test` unpacked.
pub fn peer(name: &str) -> PathBuf {
    let peers = target_folder().join("peers");
    let unpacked = [peers.join("usr/bin"), peers.join("venv/bin")];
    let path = env::var_os("PATH").unwrap_or_default();
    unpacked
        .into_iter()
        .chain(env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("`{name}` is missing; run scripts/setup test"))
}

/// Runs a program with a text on its input; fails with its output unless it succeeds.
pub fn ask(program: &Path, arguments: &[&str], input: &str) -> String {
    // what it leaves lying about goes with this folder
    let folder = tempfile::TempDir::new().unwrap();
    let mut child = Command::new(program)
        .current_dir(folder.path())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{}: {e}", program.display()));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{} {}: {said}", program.display(), arguments.join(" "));
    said
}

/// Runs a script of tests/browser in node.js with playwright-core at hand.
pub fn look(script: &str, arguments: &[&str]) -> String {
    let modules = target_folder().join("peers/browser/node_modules");
    assert!(modules.is_dir(), "playwright-core is missing; run scripts/setup test");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(script);
    let output = Command::new(peer("node"))
        .arg(script)
        .args(arguments)
        .env("NODE_PATH", modules)
        .env("CHROMIUM", peer("chromium"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    said
}
