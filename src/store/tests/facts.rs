//! What was committed is read back: after reopening, in pages, and the right one of several.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{DAY, HOUR, NEW_YEAR, commit, cycle, failed, incident, node, open, result, service};
use p7_core::facts::{Acknowledgement, Deployment, DeploymentState, Hold, HoldKind, Scope};
use p7_core::incident::Incident;
use p7_core::result::ProbeResult;
use p7_core::vocabulary::MeshTime;
use p7_store::{Fact, IncidentsQuery, Page, ResultsQuery, Store, StoreError, Which};
use std::sync::Arc;

fn all_of(name: &str) -> ResultsQuery {
    ResultsQuery {
        service: service(name),
        from: MeshTime(0),
        to: MeshTime(u64::MAX),
        node: None,
        limit: 1000,
        after: None,
    }
}

fn all_incidents() -> IncidentsQuery {
    IncidentsQuery {
        service: None,
        from: MeshTime(0),
        to: MeshTime(u64::MAX),
        which: Which::All,
        limit: 1000,
        after: None,
    }
}

/// Every row of a query, page by page.
fn paged(store: &Store, mut query: ResultsQuery, limit: usize) -> Vec<ProbeResult> {
    query.limit = limit;
    let mut rows = Vec::new();
    loop {
        let page = store.results(&query).unwrap();
        assert!(page.rows.len() <= limit);
        rows.extend(page.rows);
        let Some(next) = page.next else { return rows };
        // through text, as an API gives it
        query.after = Some(next.to_string().parse().unwrap());
    }
}

#[test]
fn results_are_there_after_reopening_oldest_first_for_a_restart_and_newest_first_in_pages() {
    let dir = tempfile::tempdir().unwrap();
    // over a day's end, from two nodes, with another service before and after it
    let mut expected = Vec::new();
    for i in 0..20 {
        for name in ["a", "b"] {
            expected.push(failed("shop", NEW_YEAR + DAY - 100_000 + i * 10_000, name));
        }
    }
    let store = open(dir.path());
    commit(&store, &[result("api", NEW_YEAR + DAY, "a")]);
    commit(&store, &expected);
    commit(&store, &[result("zoo", NEW_YEAR + DAY, "a")]);
    store.close().unwrap();
    let store = open(dir.path());
    assert_eq!(store.recent(&service("shop"), cycle(0)).unwrap(), expected);
    assert_eq!(store.recent(&service("shop"), expected[10].cycle).unwrap(), expected[10..]);
    let newest_first: Vec<_> = expected.iter().rev().cloned().collect();
    for limit in [1, 2, 3, 7, 39, 40, 41] {
        assert_eq!(paged(&store, all_of("shop"), limit), newest_first, "pages of {limit}");
    }
    assert_eq!(store.recent(&service("none"), cycle(0)).unwrap(), []);
}

#[test]
fn of_two_results_with_one_key_a_failing_one_stands_whichever_was_written_first() {
    let earlier = result("shop", NEW_YEAR, "a");
    let mut later = failed("shop", NEW_YEAR, "a");
    later.at = MeshTime(later.at.0 + 20_000);
    for order in [[&earlier, &later], [&later, &earlier]] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        for one in order {
            commit(&store, std::slice::from_ref(one));
        }
        assert_eq!(store.recent(&service("shop"), cycle(0)).unwrap(), [later.clone()]);
    }
}

#[test]
fn a_query_gives_only_its_time_and_its_node() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let times: Vec<u64> = (0..6).map(|i| NEW_YEAR + i * 12 * HOUR).collect();
    for at in &times {
        commit(&store, &[result("shop", *at, "a"), result("shop", *at, "b")]);
    }
    let query = ResultsQuery {
        from: MeshTime(times[1]),
        to: MeshTime(times[4]),
        node: Some(node("b")),
        ..all_of("shop")
    };
    let expected: Vec<_> = [3, 2, 1].map(|i| result("shop", times[i], "b")).into();
    assert_eq!(paged(&store, query.clone(), 2), expected);
    let nobody = ResultsQuery { node: Some(node("nobody")), ..query.clone() };
    assert_eq!(store.results(&nobody).unwrap(), Page { rows: vec![], next: None });
    let backwards = ResultsQuery { from: query.to, to: query.from, ..query };
    assert_eq!(store.results(&backwards).unwrap().rows, []);
}

#[test]
fn a_page_never_has_more_than_1000_rows_nor_looks_at_more_than_20_000() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    commit(&store, &[result("shop", NEW_YEAR, "rare")]);
    let many: Vec<_> = (1..25_000).map(|i| result("shop", NEW_YEAR + i * 1000, "a")).collect();
    commit(&store, &many);
    let page = store.results(&ResultsQuery { limit: usize::MAX, ..all_of("shop") }).unwrap();
    assert_eq!(page.rows.len(), 1000);
    let mut rare = ResultsQuery { node: Some(node("rare")), ..all_of("shop") };
    let first = store.results(&rare).unwrap();
    assert_eq!(first.rows, []);
    rare.after = Some(first.next.unwrap());
    assert_eq!(store.results(&rare).unwrap().rows, [result("shop", NEW_YEAR, "rare")]);
}

#[test]
fn absurd_times_are_stored_and_found_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut odd: Vec<_> =
        [0, 1, NEW_YEAR, u64::MAX / 2, u64::MAX - 5000].map(|at| result("shop", at, "a")).into();
    commit(&store, &odd);
    assert_eq!(store.recent(&service("shop"), cycle(0)).unwrap(), odd);
    odd.reverse();
    assert_eq!(paged(&store, all_of("shop"), 2), odd);
}

#[test]
fn incidents_are_found_by_service_by_time_and_while_they_are_open() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let closed = incident("shop", NEW_YEAR, Some(NEW_YEAR + HOUR));
    let opened = incident("shop", NEW_YEAR + DAY, None);
    let other = incident("api", NEW_YEAR + DAY, None);
    let three = [&other, &closed, &opened].map(|one| Fact::Incident(Arc::new(one.clone())));
    store.commit(&three).unwrap();
    let ids = |query: IncidentsQuery| -> Vec<Incident> {
        let mut query = IncidentsQuery { limit: 1, ..query };
        let mut found = Vec::new();
        loop {
            let page = store.incidents(&query).unwrap();
            found.extend(page.rows);
            query.after = page.next;
            if query.after.is_none() {
                return found;
            }
        }
    };
    let of_shop = Some(service("shop"));
    // of the same time the order is by when their services were first heard of
    assert_eq!(ids(all_incidents()), [opened.clone(), other.clone(), closed.clone()]);
    assert_eq!(
        ids(IncidentsQuery { service: of_shop.clone(), ..all_incidents() }),
        [opened.clone(), closed.clone()]
    );
    assert_eq!(
        ids(IncidentsQuery { which: Which::Open, ..all_incidents() }),
        [opened.clone(), other.clone()]
    );
    let open_of_shop = IncidentsQuery { which: Which::Open, service: of_shop.clone(), ..all_incidents() };
    assert_eq!(ids(open_of_shop.clone()), std::slice::from_ref(&opened));
    let early = IncidentsQuery { to: MeshTime(NEW_YEAR + DAY), service: of_shop, ..all_incidents() };
    assert_eq!(ids(early), [closed]);

    let ended = incident("shop", NEW_YEAR + DAY, Some(NEW_YEAR + DAY + HOUR));
    store.commit(&[Fact::Incident(Arc::new(ended.clone())), Fact::NoIncident(other.id.clone())]).unwrap();
    assert_eq!(ids(open_of_shop), []);
    assert_eq!(store.incident(&ended.id).unwrap(), Some(ended));
    assert_eq!(store.incident(&other.id).unwrap(), None);
    assert_eq!(ids(all_incidents()).len(), 2);
}

#[test]
fn of_several_statements_the_latest_counts_in_whatever_order_they_come() {
    let id = incident("shop", NEW_YEAR, None).id;
    let ack = |by: &str, at| {
        Fact::Acknowledgement(Acknowledgement {
            incident: id.clone(),
            service: service("shop"),
            by: by.into(),
            at: MeshTime(at),
            reason: String::new(),
        })
    };
    let hold = |ends, stated| {
        Fact::Hold(Hold {
            id: "ada-1".into(),
            kind: HoldKind::Silence,
            scope: Scope::All,
            starts: MeshTime(1),
            ends: MeshTime(ends),
            by: "ada".into(),
            reason: String::new(),
            stated: MeshTime(stated),
        })
    };
    let deployment = |name: &str, at| {
        Fact::Deployment(Deployment {
            service: service("shop"),
            name: name.into(),
            by: "ci".into(),
            state: DeploymentState::Running,
            at: MeshTime(at),
            link: None,
        })
    };
    let facts =
        [ack("ada", 5), ack("bob", 9), hold(900, 5), hold(100, 9), deployment("v1", 5), deployment("v2", 9)];
    for order in [[0, 1, 2, 3, 4, 5], [1, 0, 3, 2, 5, 4]] {
        for at_once in [1, 2, 6] {
            let dir = tempfile::tempdir().unwrap();
            let store = open(dir.path());
            for some in order.map(|i| facts[i].clone()).chunks(at_once) {
                store.commit(some).unwrap();
            }
            store.close().unwrap();
            let store = open(dir.path());
            assert_eq!(store.acknowledgement(&id).unwrap().unwrap().by, "bob");
            assert_eq!(store.acknowledgements(MeshTime(9)).unwrap().len(), 1);
            assert_eq!(store.acknowledgements(MeshTime(10)).unwrap().len(), 0);
            assert_eq!(store.holds(MeshTime(99)).unwrap()[0].stated, MeshTime(9));
            assert_eq!(store.holds(MeshTime(100)).unwrap(), []);
            assert_eq!(store.deployments().unwrap()[0].name, "v2");
        }
    }
}

#[test]
fn a_closed_store_says_so_to_whoever_still_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let other = store.clone();
    commit(&store, &[result("shop", NEW_YEAR, "a")]);
    assert!(store.figures().disk_bytes > 0);
    store.close().unwrap();
    let error = other.recent(&service("shop"), cycle(0)).unwrap_err();
    assert!(matches!(error, StoreError::Closed), "{error}");
    assert!(matches!(other.sync().unwrap_err(), StoreError::Closed));
    assert_eq!(open(dir.path()).recent(&service("shop"), cycle(0)).unwrap().len(), 1);
}
