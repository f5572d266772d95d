//! The agent: it tests everything soon after its start, keeps its cadence, and tells what it found.

use crate::common::{http_server, ok, refusing, request, server};
use crate::world::{PATIENCE, World, watched};
use p7_bus::{AskError, ProbeNow};
use p7_core::mesh::look::Said;
use p7_core::result::ProbeResult;
use p7_core::schedule::SLOW_AFTER;
use p7_core::service::Service;
use p7_core::vocabulary::{Cycle, Interval, MeshTime, Millis, Outcome, ServiceId, Vote};
use p7_prober::{Clock, Drain};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::AsyncWriteExt;

fn ids(results: &[Arc<ProbeResult>]) -> BTreeSet<String> {
    results.iter().map(|r| r.service.to_string()).collect()
}

fn keys(results: &[Arc<ProbeResult>]) -> BTreeSet<(String, Cycle)> {
    results.iter().map(|r| (r.service.to_string(), r.cycle)).collect()
}

#[actix::test]
async fn all_services_are_tested_soon_after_the_start_and_then_once_a_cycle() {
    let to = http_server(|_| ok("x")).await;
    let world = World::new("start_within = '300ms'");
    let all: Vec<_> =
        (0..50).map(|n| watched(&format!("s{n:02}"), 1000, &format!("http://{to}/"), |_| {})).collect();
    let begun = Instant::now();
    world.watch(all).await;
    let results = world.until(|results| ids(results).len() == 50).await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(results.iter().all(|r| r.outcome == Outcome::Up && r.attempts == 1));
    let results = world.until(|results| results.len() >= 150).await;
    // the key (service, cycle, node) is never used twice
    assert_eq!(keys(&results).len(), results.len());
    assert!(world.counted("p7_probe_schedule_lag_seconds") >= 150.0);
    assert!(world.counted("p7_probe_overruns_total") == 0.0);
}

#[actix::test]
async fn hanging_services_keep_nobody_waiting_and_are_not_tested_twice_at_once() {
    let hanging = server(|stream| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let quick = http_server(|_| ok("x")).await;
    let world = World::new("concurrency = 8\nslow_concurrency = 64\nstart_within = '100ms'");
    let mut all: Vec<_> = (0..20)
        .map(|n| {
            watched(&format!("hangs{n:02}"), 1000, &format!("http://{hanging}/"), |s| {
                s.timeout = Millis(2500);
            })
        })
        .collect();
    all.extend((0..10).map(|n| watched(&format!("quick{n}"), 1000, &format!("http://{quick}/"), |_| {})));
    world.watch(all).await;
    // more hang than may run at once; after a second they stand aside
    let results =
        world.until(|results| results.iter().filter(|r| r.outcome == Outcome::Up).count() >= 60).await;
    let up = results.iter().filter(|r| r.outcome == Outcome::Up);
    let late = up
        .clone()
        .filter(|r| r.at.since(r.cycle.start()) >= Interval::new(Millis(1000)).span().max(SLOW_AFTER));
    assert!(late.count() <= 20, "only the first ones may be late");
    world.until(|results| results.iter().filter(|r| r.outcome == Outcome::Failed).count() >= 20).await;
    assert!(world.counted("p7_probe_overruns_total") >= 20.0);
}

#[actix::test]
async fn a_failed_attempt_is_retried_inside_its_cycle_and_only_the_last_is_told() {
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let to = http_server(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => crate::common::answer(503, "", ""),
        _ => ok("x"),
    })
    .await;
    let world = World::new("");
    let retries = |s: &mut Service| {
        s.retries = 3;
        s.timeout = Millis(1000);
    };
    world.watch(vec![watched("shop", 60_000, &format!("http://{to}/"), retries)]).await;
    let results = world.until(|results| !results.is_empty()).await;
    assert_eq!((results.len(), results[0].outcome, results[0].attempts), (1, Outcome::Up, 3));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[actix::test]
async fn a_known_cycle_is_not_tested_again_and_a_question_is_answered_but_not_published() {
    let to = http_server(|_| ok("x")).await;
    let world = World::new("");
    let mut shop = watched("shop", 3_600_000, &format!("http://{to}/"), |_| {});
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = MeshTime(u64::try_from(now.as_millis()).unwrap());
    let cycle = Cycle::at(now, shop.service.interval);
    shop.known = Some(Said { cycle, vote: Some(Vote::Passed) });
    world.watch(vec![shop]).await;
    let shop = ServiceId::new("shop").unwrap();
    let answer = world.prober.send(ProbeNow(shop)).await.unwrap().unwrap();
    assert_eq!(answer.outcome, Outcome::Up);
    assert!(world.results().is_empty());
    let gone = ServiceId::new("gone").unwrap();
    let answer = world.prober.send(ProbeNow(gone)).await.unwrap();
    assert!(matches!(answer, Err(AskError::NotFound { kind: "service", .. })));
}

#[actix::test]
async fn a_new_plan_keeps_what_runs_of_unchanged_services_and_voids_what_runs_of_others() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let to = server(move |mut stream| {
        let gate = Arc::clone(&opened);
        async move {
            request(&mut stream).await;
            let _permit = gate.acquire().await.unwrap();
            _ = stream.write_all(&ok("x")).await;
        }
    })
    .await;
    let url = |path: &str| format!("http://{to}/{path}");
    let world = World::new("");
    // the first by name, so that its slot is the cycle's start in both plans, whatever the hour
    let (same, changed, gone) = (url("same"), url("old"), url("gone"));
    world
        .watch(vec![
            watched("changed", 3_600_000, &changed, |_| {}),
            watched("gone", 3_600_000, &gone, |_| {}),
            watched("always", 3_600_000, &same, |_| {}),
        ])
        .await;
    let deadline = Instant::now() + PATIENCE;
    while world.counted("p7_probes_running") < 3.0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world
        .watch(vec![
            watched("changed", 3_600_000, &url("new"), |_| {}),
            watched("always", 3_600_000, &same, |_| {}),
        ])
        .await;
    gate.add_permits(100);
    let results = world.until(|results| !results.is_empty()).await;
    assert_eq!(ids(&results), BTreeSet::from(["always".to_owned()]));
    let deadline = Instant::now() + PATIENCE;
    while world.counted("p7_probe_discarded_total") < 2.0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // the changed service may have been tested anew by now, as it now is
    let told = world.results();
    let of = |id: &str| told.iter().filter(|result| result.service.as_str() == id).count();
    assert_eq!((of("always"), of("gone")), (1, 0));
    assert!(of("changed") <= 1);
}

#[actix::test]
async fn draining_lets_what_runs_end_and_drops_what_does_not() {
    let slow = server(|mut stream| async move {
        request(&mut stream).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        _ = stream.write_all(&ok("x")).await;
    })
    .await;
    let hanging = server(|stream| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    for (to, unfinished, told) in [(slow, 0, 1), (hanging, 1, 0)] {
        let world = World::new("");
        world.watch(vec![watched("shop", 3_600_000, &format!("http://{to}/"), |_| {})]).await;
        let deadline = Instant::now() + PATIENCE;
        while world.counted("p7_probes_running") < 1.0 {
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let within = Duration::from_millis(if told == 1 { 5000 } else { 50 });
        assert_eq!(world.prober.send(Drain(within)).await.unwrap(), unfinished);
        world.until(|results| results.len() == told).await;
    }
}

#[actix::test]
async fn a_clock_that_is_moved_a_little_stops_nothing() {
    let behind = Arc::new(AtomicU64::new(0));
    let skew = Arc::clone(&behind);
    let clock = Clock::telling(move || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        MeshTime(u64::try_from(now.as_millis()).unwrap() - skew.load(Ordering::SeqCst))
    });
    let to = server(|mut stream| async move {
        request(&mut stream).await;
        _ = stream.write_all(&ok("x")).await;
    })
    .await;
    let world = World::with("", "", clock);
    world.watch(vec![watched("s", 200, &format!("http://{to}/"), |_| {})]).await;
    for corrected_ms in [0, 700, 100, 900] {
        behind.store(corrected_ms, Ordering::SeqCst);
        let before = world.results().len();
        world.until(|results| results.len() >= before + 3).await;
    }
    assert!(world.counted("p7_clock_jumps_total") < 0.5, "too little to be a jump");
}

#[actix::test]
async fn when_the_clock_jumps_results_that_span_it_are_void_and_nothing_bursts() {
    let ahead = Arc::new(AtomicU64::new(0));
    let skew = Arc::clone(&ahead);
    let clock = Clock::telling(move || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        MeshTime(u64::try_from(now.as_millis()).unwrap() + skew.load(Ordering::SeqCst))
    });
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let to = server(move |mut stream| {
        let gate = Arc::clone(&opened);
        async move {
            request(&mut stream).await;
            let _permit = gate.acquire().await.unwrap();
            _ = stream.write_all(&ok("x")).await;
        }
    })
    .await;
    let world = World::with("", "", clock);
    world
        .watch(
            (0..5).map(|n| watched(&format!("s{n}"), 3_600_000, &format!("http://{to}/"), |_| {})).collect(),
        )
        .await;
    let deadline = Instant::now() + PATIENCE;
    while world.counted("p7_probes_running") < 5.0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // the lid was closed for 40 minutes of the hour
    ahead.store(40 * 60_000, Ordering::SeqCst);
    gate.add_permits(100);
    while world.counted("p7_probe_discarded_total") < 5.0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!((world.counted("p7_clock_jumps_total") - 1.0).abs() < 0.5);
    assert!(world.results().is_empty());
}

#[actix::test]
async fn a_target_on_this_machine_needs_no_network_whatever_the_anchors_say() {
    let gone = refusing();
    let world = World::with("", &format!("anchors = ['{}']", refusing()), Clock::system());
    world.watch(vec![watched("shop", 3_600_000, &format!("http://{gone}/"), |_| {})]).await;
    let results = world.until(|results| !results.is_empty()).await;
    assert_eq!(results[0].outcome, Outcome::Failed);
}

#[actix::test]
async fn what_nobody_answers_does_not_count_while_no_anchor_answers() {
    let anchor = http_server(|_| ok("")).await;
    // nobody has the name, so nobody answers
    let lost = || vec![watched("shop", 3_600_000, "http://no-such-name.invalid/", |_| {})];
    let world = World::with("", &format!("anchors = ['{}']", refusing()), Clock::system());
    world.watch(lost()).await;
    let results = world.until(|results| !results.is_empty()).await;
    assert_eq!(results[0].outcome, Outcome::NoNetwork);
    let reason = results[0].reason.as_deref().unwrap();
    assert!(reason.starts_with("this machine has no network: "), "{reason}");
    let noted = world.network();
    assert_eq!(noted.iter().map(|n| n.cut_off.as_deref()).collect::<Vec<_>>(), [Some(reason)]);
    let world = World::with("", &format!("anchors = ['{}', '{anchor}']", refusing()), Clock::system());
    world.watch(lost()).await;
    let results = world.until(|results| !results.is_empty()).await;
    assert_eq!(results[0].outcome, Outcome::Failed);
    assert!(world.network().is_empty());
}

/// In a network namespace of its own, with nothing but loopback, this test runs itself again.
#[test]
fn a_machine_without_a_route_says_so_and_counts_no_failure() {
    const INSIDE: &str = "P7_TEST_INSIDE_NAMESPACE";
    if std::env::var_os(INSIDE).is_some() {
        actix::System::new().block_on(cut_off_and_back());
        return;
    }
    let this = std::env::current_exe().unwrap();
    let made = std::process::Command::new("unshare").args(["-nm", "true"]).status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: no network namespace can be made here (needs root and `unshare`)");
        return;
    }
    let name = "prober::a_machine_without_a_route_says_so_and_counts_no_failure";
    // /sys shows the links of the namespace it was mounted in
    let script = "mount -t sysfs sysfs /sys || echo no sysfs; exec \"$0\" \"$@\"";
    let inside = std::process::Command::new("unshare")
        .args(["-nm", "sh", "-c", script])
        .arg(this)
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&inside.stdout).into_owned() + &String::from_utf8_lossy(&inside.stderr);
    assert!(inside.status.success() && said.contains("1 passed"), "{said}");
}

#[expect(clippy::print_stdout, reason = "a test that is skipped in part says so")]
async fn cut_off_and_back() {
    let ip = |arguments: &str| {
        let done = std::process::Command::new("ip").args(arguments.split(' ')).status();
        assert!(done.unwrap().success(), "ip {arguments}");
    };
    let world = World::new("");
    let unreachable =
        |id: &str, host: &str| watched(id, 1000, &format!("http://{host}/"), |s| s.timeout = Millis(300));
    world.watch(vec![unreachable("address", "203.0.113.1"), unreachable("name", "shop.example")]).await;
    let results = world.until(|results| ids(results).len() == 2).await;
    for result in &results {
        assert_eq!(result.outcome, Outcome::NoNetwork, "{result:?}");
        assert_eq!(result.reason.as_deref(), Some("this machine has no network: no default route"));
    }
    // a cable is plugged in: now the failure is the service's
    ip("link set lo up");
    ip("link add p7out type veth peer name p7in");
    ip("addr add 10.77.0.1/24 dev p7out");
    ip("link set p7out up");
    ip("link set p7in up");
    ip("route add default via 10.77.0.2");
    world.until(|results| results.iter().any(|r| r.outcome == Outcome::Failed)).await;
    // and pulled out again, while the route is still there
    ip("link set p7in down");
    if !Path::new("/sys/class/net/p7out").exists() {
        println!("skipped the pulled cable: /sys can't be mounted here");
        return;
    }
    let down = "this machine has no network: its link p7out is down";
    world.until(|results| results.iter().any(|r| r.reason.as_deref() == Some(down))).await;
    let noted = world.network();
    let noted: Vec<_> = noted.iter().map(|n| n.cut_off.as_deref()).collect();
    assert_eq!(noted, [Some("this machine has no network: no default route"), None, Some(down)]);
}
