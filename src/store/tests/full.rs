//! A full disk: commits say so, reads go on, and once there is room commits work again.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod common;

use common::{NEW_YEAR, commit, cycle, facts, failed, open, result, service};
use p7_store::{Fact, Store, StoreError};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A file system of its own, gone at the end.
struct Small {
    path: PathBuf,
    _dir: tempfile::TempDir,
}

impl Small {
    /// None where this user may not mount one.
    fn mount(mib: usize) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("small");
        fs::create_dir(&path).unwrap();
        let size = format!("size={mib}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path).output();
        mounted.is_ok_and(|out| out.status.success()).then(|| Self { path, _dir: dir })
    }

    /// Takes all the room there is.
    fn fill(&self) -> PathBuf {
        let hog = self.path.join("hog");
        let mut chunk = vec![7; 1 << 20];
        let mut file = fs::File::create(&hog).unwrap();
        while !chunk.is_empty() {
            if std::io::Write::write_all(&mut file, &chunk).is_err() {
                chunk.truncate(chunk.len() / 2);
            }
        }
        hog
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg("-l").arg(&self.path).status().unwrap().success());
    }
}

/// Commits results with long reasons, 100 a batch, until one fails; gives how many batches were taken.
fn commit_until_full(store: &Store, from: u64) -> (u64, StoreError) {
    for batch in 0..10_000 {
        if let Err(error) = store.commit(&batch_of(from + batch)) {
            return (batch, error);
        }
    }
    panic!("a small disk took a million results");
}

fn batch_of(number: u64) -> Vec<Fact> {
    let results: Vec<_> = (0..100)
        .map(|i| {
            let mut long = failed("shop", NEW_YEAR + (number * 100 + i) * 1000, "a");
            // numbers that do not compress
            let noise =
                |k: u64| (number * 1_000_003 + i * 7919 + k * 104_729).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let noise = (0..28).fold(String::new(), |text, k| text + &format!("{:x} ", noise(k)));
            long.reason = Some(p7_core::result::ProbeResult::reason_of(&noise));
            long
        })
        .collect();
    facts(&results)
}

#[test]
fn a_full_disk_is_said_reads_go_on_and_commits_work_again_once_there_is_room() {
    let Some(small) = Small::mount(24) else {
        println!("skipped: this user may not mount a small file system");
        return;
    };
    let store = open(&small.path.join("data"));
    commit(&store, &[result("google", NEW_YEAR, "a")]);
    let hog = small.fill();
    let (taken, error) = commit_until_full(&store, 0);
    println!("after {taken} batches: {error}");
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    for _ in 0..3 {
        let again = store.commit(&batch_of(taken)).unwrap_err();
        assert!(matches!(again, StoreError::Full { .. }), "{again:?}");
    }
    assert_eq!(store.recent(&service("google"), cycle(0)).unwrap().len(), 1);
    let before = store.recent(&service("shop"), cycle(0)).unwrap().len();
    assert_eq!(before as u64, (taken * 100).min(20_000));

    fs::remove_file(hog).unwrap();
    commit_once_there_is_room(&store, taken);
    store.sync().unwrap();
    let after = store.recent(&service("shop"), cycle(0)).unwrap().len();
    assert_eq!(after, before + 100);
    drop(store);
    let store = open(&small.path.join("data"));
    assert_eq!(store.recent(&service("shop"), cycle(0)).unwrap().len(), after);
}

/// As above, but it is the commits that fill the disk, so that table files run out of room too.
#[test]
fn a_disk_that_the_store_itself_has_filled_is_taken_up_again_too() {
    for mib in [20, 27, 34] {
        let Some(small) = Small::mount(mib) else {
            println!("skipped: this user may not mount a small file system");
            return;
        };
        let hog = small.path.join("hog");
        fs::write(&hog, vec![7; 10 << 20]).unwrap();
        let store = open(&small.path.join("data"));
        let (taken, error) = commit_until_full(&store, 0);
        println!("{mib} MiB, after {taken} batches: {error}");
        assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
        fs::remove_file(hog).unwrap();
        commit_once_there_is_room(&store, taken);
        drop(store);
        let store = open(&small.path.join("data"));
        let kept = store.recent(&service("shop"), cycle(0)).unwrap().len() as u64;
        assert_eq!(kept, ((taken + 1) * 100).min(20_000));
    }
}

fn commit_once_there_is_room(store: &Store, number: u64) {
    let start = Instant::now();
    while let Err(error) = store.commit(&batch_of(number)) {
        assert!(start.elapsed() < Duration::from_secs(30), "still full 30 s after there is room: {error}");
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("works again after {:?}", start.elapsed());
}

const LIMITED: &str = "P7_STORE_TEST_LIMITED";

/// Run by the test below in a process that may not write large files.
#[test]
fn limited_child() {
    let Some(dir) = std::env::var_os(LIMITED) else { return };
    let store = open(Path::new(&dir));
    let (taken, error) = commit_until_full(&store, 0);
    println!("failed {taken} {}", matches!(error, StoreError::Full { .. }));
    assert_eq!(store.recent(&service("shop"), cycle(0)).unwrap().len() as u64, taken * 100);
    commit_once_there_is_room(&store, taken);
    println!("works");
    assert_eq!(store.recent(&service("shop"), cycle(0)).unwrap().len() as u64, (taken + 1) * 100);
}

/// RocksDB gives up for good on every write error but a full disk, such as a quota or a limit.
#[test]
fn after_any_other_write_error_the_store_is_opened_again_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let me = std::env::current_exe().unwrap();
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -S -f 2000; exec \"$0\" limited_child --exact --nocapture"])
        .arg(me)
        .env(LIMITED, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id().to_string();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        println!("child: {line}");
        if line.starts_with("failed ") {
            assert!(line.ends_with("true"), "a file that grows too large counts as a full disk");
            let raised = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status();
            if !raised.is_ok_and(|status| status.success()) {
                println!("skipped: no prlimit here");
                child.kill().unwrap();
                child.wait().unwrap();
                return;
            }
        }
    }
    assert!(child.wait().unwrap().success());
}
