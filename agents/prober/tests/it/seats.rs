//! The agent in a mesh: it tests what it has a seat for, looks when it is told to, says what is new, and
//! tells of what takes suspiciously long.

use crate::common::{answer, http_server, ok, refusing, request, server};
use crate::world::{World, watched};
use p7_bus::{LookNow, PeersNoted, PeersSeen, SeatsTaken};
use p7_core::mesh::look::Said;
use p7_core::result::ProbeResult;
use p7_core::schedule::Seat;
use p7_core::vocabulary::{Cycle, MeshTime, Millis, Outcome, ServiceId, Vote};
use p7_prober::{Clock, Seating, Watched};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::io::AsyncWriteExt;

const HOUR: u64 = 3_600_000;
/// The start of an hour.
const START: u64 = 475_000 * HOUR;

fn id(text: &str) -> ServiceId {
    ServiceId::new(text).unwrap()
}

/// A mesh time that begins in the middle of an hour.
fn mesh_time() -> Clock {
    let begun = Instant::now();
    Clock::telling(move || MeshTime(START + HOUR / 2 + u64::try_from(begun.elapsed().as_millis()).unwrap()))
}

fn hourly(name: &str, to: SocketAddr) -> Watched {
    watched(name, HOUR, &format!("http://{to}/{name}"), |_| {})
}

fn seats(of: &[(&str, Seat)]) -> SeatsTaken {
    SeatsTaken(Arc::new(of.iter().map(|(name, seat)| (id(name), *seat)).collect::<BTreeMap<_, _>>()))
}

/// Which service, for which hour, and what it came to.
fn said(results: &[Arc<ProbeResult>]) -> Vec<(String, u64, Outcome)> {
    let hour = |result: &ProbeResult| (result.cycle.start().0 - START) / HOUR;
    results.iter().map(|result| (result.service.to_string(), hour(result), result.outcome)).collect()
}

/// A server that notes what it was asked for.
async fn noting() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&asked);
    let to = http_server(move |request| {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        notes.lock().unwrap().push(path);
        ok("x")
    })
    .await;
    (to, asked)
}

#[actix::test]
async fn as_told_nothing_is_tested_before_the_first_seats_and_then_only_what_has_one() {
    let (to, asked) = noting().await;
    let world = World::seated(Seating::AsTold, "", "", mesh_time());
    let quick = |name: &str| watched(name, 200, &format!("http://{to}/{name}"), |_| {});
    world.watch(vec![quick("mine"), quick("other"), quick("third")]).await;
    assert!(world.counted("p7_probes_running") == 0.0);
    world.prober.send(seats(&[("mine", Seat { position: 1, of: 2 })])).await.unwrap();
    world.until(|results| results.len() >= 3).await;
    assert!(asked.lock().unwrap().iter().all(|path| path == "/mine"), "{asked:?}");
    // another seat: the others go on without it
    world.prober.send(seats(&[("third", Seat::ALONE), ("nobody", Seat::ALONE)])).await.unwrap();
    world.until(|results| results.iter().any(|r| r.service == id("third"))).await;
    let of_mine = |results: &[Arc<ProbeResult>]| results.iter().filter(|r| r.service == id("mine")).count();
    let before = of_mine(&world.results());
    let results =
        world.until(|results| results.iter().filter(|r| r.service == id("third")).count() >= 4).await;
    // one may have run when the seat was taken away
    assert!(of_mine(&results) <= before + 1);
    assert!(!asked.lock().unwrap().contains(&"/other".to_owned()));
}

#[actix::test]
async fn alone_everything_is_tested_until_there_are_seats() {
    let (to, _) = noting().await;
    let world = World::with("", "", mesh_time());
    world.watch(vec![hourly("a", to), hourly("b", to)]).await;
    world.until(|results| results.len() == 2).await;
    world.prober.send(seats(&[])).await.unwrap();
    world.prober.send(LookNow(id("a"))).await.unwrap();
    // asked and answered: nothing has a seat, so nothing was started
    assert!(world.counted("p7_probe_extra_total") == 0.0);
}

#[actix::test]
async fn an_extra_look_is_published_only_when_it_says_something_new() {
    let broken = Arc::new(AtomicBool::new(false));
    let is_broken = Arc::clone(&broken);
    let to =
        http_server(move |_| if is_broken.load(Ordering::SeqCst) { answer(503, "", "") } else { ok("x") })
            .await;
    let world = World::with("", "", mesh_time());
    world.watch(vec![hourly("shop", to)]).await;
    let mut expected = vec![("shop".to_owned(), 0, Outcome::Up)];
    assert_eq!(said(&world.until(|results| results.len() == 1).await), expected);
    let mut unpublished = 0.0;
    for (breaks, published) in [
        (false, None),
        (true, Some((0, Outcome::Failed))),
        (true, None),
        (false, Some((1, Outcome::Up))),
        (false, None),
        (true, Some((1, Outcome::Failed))),
        // a cycle ahead of the clock is far enough
        (false, None),
    ] {
        broken.store(breaks, Ordering::SeqCst);
        world.prober.send(LookNow(id("shop"))).await.unwrap();
        if let Some((hour, outcome)) = published {
            expected.push(("shop".to_owned(), hour, outcome));
            world.until(|results| results.len() == expected.len()).await;
        } else {
            unpublished += 1.0;
            world.until_counted("p7_probe_unpublished_total", unpublished).await;
        }
        assert_eq!(said(&world.results()), expected);
    }
    assert!((world.counted("p7_probe_extra_total") - 7.0).abs() < 0.5);
    assert!((world.counted("p7_probe_schedule_lag_seconds") - 1.0).abs() < 0.5);
}

#[actix::test]
async fn what_was_said_before_a_restart_is_not_said_again() {
    let (to, _) = noting().await;
    let world = World::with("", "", mesh_time());
    let known = |name: &str, vote| Watched {
        known: Some(Said { cycle: Cycle::starting(MeshTime(START)), vote: Some(vote) }),
        ..hourly(name, to)
    };
    world.watch(vec![known("up", Vote::Passed), known("was-down", Vote::Failed)]).await;
    for name in ["up", "was-down"] {
        world.prober.send(LookNow(id(name))).await.unwrap();
    }
    world.until_counted("p7_probe_unpublished_total", 1.0).await;
    let results = world.until(|results| results.len() == 1).await;
    assert_eq!(said(&results), [("was-down".to_owned(), 1, Outcome::Up)]);
}

#[actix::test]
async fn a_probe_of_a_well_service_that_hangs_is_suspected_once_before_it_times_out() {
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    // the first request is answered, and no other
    let to = server(move |mut stream| {
        let is_first = count.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            request(&mut stream).await;
            if is_first {
                _ = stream.write_all(&answer(200, "connection: close\r\n", "x")).await;
            } else {
                std::future::pending::<()>().await;
            }
        }
    })
    .await;
    let world = World::with("", "", mesh_time());
    let shop = watched("shop", HOUR, &format!("http://{to}/"), |s| s.timeout = Millis(1500));
    world.watch(vec![shop]).await;
    world.until(|results| results.len() == 1).await;
    assert_eq!(world.suspected(), [] as [String; 0]);
    world.prober.send(LookNow(id("shop"))).await.unwrap();
    world.until_counted("p7_probe_suspicions_total", 1.0).await;
    assert_eq!(world.results().len(), 1, "it was suspected only after it had timed out");
    let results = world.until(|results| results.len() == 2).await;
    assert_eq!(said(&results)[1], ("shop".to_owned(), 0, Outcome::Failed));
    assert_eq!(world.suspected(), ["shop"]);
    // it is known to be down now
    world.prober.send(LookNow(id("shop"))).await.unwrap();
    world.until_counted("p7_probe_unpublished_total", 1.0).await;
    assert_eq!(world.suspected(), ["shop"]);
}

#[actix::test]
async fn a_peer_that_is_heard_shows_that_this_machine_is_not_cut_off() {
    let anchors = format!("anchors = ['{}']", refusing());
    let lost = || vec![watched("shop", HOUR, "http://no-such-name.invalid/", |_| {})];
    for (seen, outcome) in [
        (PeersSeen::NoMesh, Outcome::NoNetwork),
        (PeersSeen::None, Outcome::NoNetwork),
        (PeersSeen::Some, Outcome::Failed),
    ] {
        let world = World::with("", &anchors, mesh_time());
        world.prober.send(PeersNoted(seen)).await.unwrap();
        world.watch(lost()).await;
        let results = world.until(|results| results.len() == 1).await;
        let reason = results[0].reason.as_deref().unwrap();
        assert_eq!(results[0].outcome, outcome, "{reason}");
        assert_eq!(reason.ends_with(", and no other node is heard"), seen == PeersSeen::None, "{reason}");
        if outcome == Outcome::Failed {
            assert_eq!(world.network(), []);
            continue;
        }
        world.until_network(1).await;
        world.prober.send(PeersNoted(PeersSeen::Some)).await.unwrap();
        let noted: Vec<_> = world.until_network(2).await.into_iter().map(|noted| noted.cut_off).collect();
        assert_eq!(noted, [Some(reason.to_owned()), None]);
        // what fails from now on counts
        world.prober.send(LookNow(id("shop"))).await.unwrap();
        let results = world.until(|results| results.len() == 2).await;
        assert_eq!(results[1].outcome, Outcome::Failed);
    }
}
