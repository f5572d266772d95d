//! What a node remembers of its part in the mesh: lives, terms, peers, the shared configuration.

mod common;

use common::{NEW_YEAR, node, open};
use p7_core::mesh::words::{Configuration, Role, Stamp, Term};
use p7_core::vocabulary::MeshTime;
use p7_store::{PEERS_LIMIT, StoreError};
use std::collections::BTreeMap;

#[test]
fn every_start_is_a_later_life() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = None;
    for _start in 0..3 {
        let store = open(dir.path());
        let boot = store.next_boot().unwrap();
        assert!(Some(boot) > before, "{boot:?} after {before:?}");
        before = Some(boot);
    }
}

#[test]
fn the_greatest_term_of_each_role_is_kept_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mailbox = Role::Mailbox("ops@example.org".into());
    let store = open(dir.path());
    for (role, term) in [(&Role::Leader, 4), (&mailbox, 9), (&Role::Leader, 3), (&mailbox, 11)] {
        store.keep_term(role, Term(term)).unwrap();
    }
    drop(store);
    let expected = BTreeMap::from([(Role::Leader, Term(4)), (mailbox, Term(11))]);
    assert_eq!(open(dir.path()).terms().unwrap(), expected);
}

#[test]
fn a_peers_addresses_are_remembered_the_latest_first() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (one, two) = ("/ip4/10.0.0.1/tcp/7070".to_owned(), "/ip4/10.0.0.2/tcp/7070".to_owned());
    store.remember_peer(&node("a"), std::slice::from_ref(&one), MeshTime(NEW_YEAR)).unwrap();
    store.remember_peer(&node("b"), std::slice::from_ref(&one), MeshTime(NEW_YEAR + 1)).unwrap();
    store.remember_peer(&node("a"), std::slice::from_ref(&two), MeshTime(NEW_YEAR + 2)).unwrap();
    store.remember_peer(&node("c"), &["x".repeat(600)], MeshTime(NEW_YEAR + 3)).unwrap();
    drop(store);
    let expected = vec![(node("a"), vec![two, one.clone()]), (node("b"), vec![one])];
    assert_eq!(open(dir.path()).peers().unwrap(), expected);
}

#[test]
fn of_too_many_peers_those_not_seen_for_the_longest_go() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for i in 0..PEERS_LIMIT as u64 + 5 {
        let addresses: Vec<String> = (0..40).map(|port| format!("/ip4/10.0.0.1/tcp/{port}")).collect();
        store.remember_peer(&node(&format!("n{i}")), &addresses, MeshTime(NEW_YEAR + i)).unwrap();
    }
    let peers = store.peers().unwrap();
    assert_eq!(peers.len(), PEERS_LIMIT);
    assert_eq!(peers[0].0, node("n260"));
    assert_eq!(peers[PEERS_LIMIT - 1].0, node("n5"));
    assert_eq!(peers[0].1.len(), 16);
}

fn configuration(version: u64, hash: u64, text: &str) -> Configuration {
    let stamp = Stamp { version, hash };
    Configuration { stamp, by: "ada".into(), at: MeshTime(NEW_YEAR), text: text.into() }
}

#[test]
fn the_greatest_shared_configuration_is_kept_even_a_long_one() {
    let dir = tempfile::tempdir().unwrap();
    let long = configuration(2, 7, &"# as long as thousands of services\n".repeat(10_000));
    let store = open(dir.path());
    assert_eq!(store.shared_configuration().unwrap(), None);
    store.keep_shared_configuration(&configuration(1, 9, "[mesh]")).unwrap();
    store.keep_shared_configuration(&long).unwrap();
    store.keep_shared_configuration(&configuration(2, 6, "[mesh]")).unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.shared_configuration().unwrap(), Some(long.clone()));
    let endless = configuration(3, 1, &"x".repeat(5 << 20));
    let error = store.keep_shared_configuration(&endless).unwrap_err();
    assert!(matches!(error, StoreError::TooMuch { asked: 5_242_880, .. }), "{error:?}");
    assert_eq!(store.shared_configuration().unwrap(), Some(long));
}

#[test]
fn rows_of_a_newer_version_are_refused_with_words() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.keep_term(&Role::Leader, Term(4)).unwrap();
    store.remember_peer(&node("a"), &["/ip4/10.0.0.1/tcp/7070".into()], MeshTime(NEW_YEAR)).unwrap();
    store.keep_shared_configuration(&configuration(1, 1, "[mesh]")).unwrap();
    store.close().unwrap();
    let db = rocksdb::DB::open_default(dir.path().join("store")).unwrap();
    for key in [&b"tleader"[..], b"ka", b"mshared"] {
        let mut row = db.get(key).unwrap().unwrap();
        row[0] = 2;
        db.put(key, row).unwrap();
    }
    drop(db);
    let store = open(dir.path());
    for error in [
        store.terms().unwrap_err(),
        store.keep_term(&Role::Leader, Term(5)).unwrap_err(),
        store.peers().unwrap_err(),
        store.shared_configuration().unwrap_err(),
    ] {
        assert!(error.to_string().contains("a row of version 2"), "{error}");
    }
}
