//! A store that can't be opened says why and what to do, and changes nothing.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{NEW_YEAR, commit, open, result};
use p7_store::{Config, Store, StoreError};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn refused(dir: &Path) -> StoreError {
    Store::open(dir, &Config::default()).unwrap_err()
}

/// A store with some results in a table file, closed.
fn filled() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for i in 0..100 {
        commit(&store, &[result("shop", NEW_YEAR + i * 1000, "a")]);
    }
    store.close().unwrap();
    let path = dir.path().join("store");
    (dir, path)
}

fn table_files(path: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|kind| kind == "sst")).collect()
}

/// Every file but RocksDB's own log, with its contents.
fn contents(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|file| !file.file_name().unwrap().to_string_lossy().starts_with("LOG"));
    files.map(|file| (file.clone(), fs::read(&file).unwrap())).collect()
}

fn assert_says_damaged(error: &StoreError) {
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    let words = error.to_string();
    assert!(words.contains("is damaged") && words.contains("Restore it from a backup, or move"), "{words}");
}

#[test]
fn a_store_in_use_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let _held = open(dir.path());
    let error = refused(dir.path());
    assert!(matches!(error, StoreError::Locked { .. }), "{error:?}");
    assert!(error.to_string().contains("stop the other p7 or choose another data folder"), "{error}");
}

#[test]
fn a_store_in_use_by_another_process_says_so() {
    const HELD: &str = "P7_STORE_TEST_HELD";
    if let Some(dir) = std::env::var_os(HELD) {
        let error = refused(Path::new(&dir));
        assert!(matches!(error, StoreError::Locked { .. }), "{error:?}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let _held = open(dir.path());
    let me = std::env::current_exe().unwrap();
    let other = std::process::Command::new(me)
        .args(["a_store_in_use_by_another_process_says_so", "--exact"])
        .env(HELD, dir.path())
        .status();
    assert!(other.unwrap().success());
}

#[test]
fn a_store_of_a_newer_format_says_so_and_is_left_alone() {
    let (dir, path) = filled();
    let db = rocksdb::DB::open_default(&path).unwrap();
    db.put(b"mformat", 2_u32.to_be_bytes()).unwrap();
    drop(db);
    let error = refused(dir.path());
    assert!(matches!(error, StoreError::Newer { known: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("was written by a newer p7"), "{error}");
    assert!(error.to_string().contains("upgrade p7 or choose another data folder"), "{error}");
    let db = rocksdb::DB::open_default(&path).unwrap();
    assert_eq!(db.get(b"mformat").unwrap().unwrap(), 2_u32.to_be_bytes());
}

#[test]
fn a_store_with_tables_we_do_not_know_is_a_newer_one() {
    let (dir, path) = filled();
    let mut db = rocksdb::DB::open_default(&path).unwrap();
    db.create_cf("later", &rocksdb::Options::default()).unwrap();
    drop(db);
    let error = refused(dir.path());
    assert!(matches!(error, StoreError::Newer { .. }), "{error:?}");
}

#[test]
fn missing_and_damaged_files_are_said_and_nothing_is_deleted() {
    let break_manifest = |path: &Path| {
        let manifest = fs::read_to_string(path.join("CURRENT")).unwrap();
        let manifest = path.join(manifest.trim());
        let mut bytes = fs::read(&manifest).unwrap();
        bytes.iter_mut().skip(10).step_by(7).for_each(|byte| *byte ^= 0x55);
        fs::write(manifest, bytes).unwrap();
    };
    let lose_tables = |path: &Path| table_files(path).iter().for_each(|file| fs::remove_file(file).unwrap());
    let lose_current = |path: &Path| fs::remove_file(path.join("CURRENT")).unwrap();
    let empty_current = |path: &Path| fs::write(path.join("CURRENT"), "").unwrap();
    let cut_tables =
        |path: &Path| table_files(path).iter().for_each(|file| fs::write(file, "short").unwrap());
    let breakages: [&dyn Fn(&Path); 5] =
        [&break_manifest, &lose_tables, &lose_current, &empty_current, &cut_tables];
    for (number, breakage) in breakages.into_iter().enumerate() {
        let (dir, path) = filled();
        assert!(!table_files(&path).is_empty());
        breakage(&path);
        let before = contents(&path);
        let error = refused(dir.path());
        assert!(matches!(error, StoreError::Corrupt { .. }), "breakage {number}: {error:?}");
        assert_says_damaged(&error);
        let after = contents(&path);
        for (file, bytes) in before {
            assert_eq!(after.get(&file), Some(&bytes), "breakage {number} changed {}", file.display());
        }
    }
}

#[test]
fn a_database_that_is_not_ours_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let db = rocksdb::DB::open_default(dir.path().join("store")).unwrap();
    db.put(b"hello", b"world").unwrap();
    drop(db);
    assert_says_damaged(&refused(dir.path()));
}

#[test]
fn a_folder_that_cannot_be_made_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = refused(&file.join("data"));
    assert!(matches!(error, StoreError::Folder { .. }), "{error:?}");
    assert!(error.to_string().contains("needs to read and write it"), "{error}");
}
