//! p7-tests: what the outside tests share: a real node on free ports, a mesh of them in networks of their
//! own, services that can be switched to fail, and the waiting with a deadline that takes the place of
//! sleeping.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "only tests use it, and a test may fail where it stands"
)]

pub mod apart;
pub mod node;
pub mod offices;
pub mod peers;
pub mod recorder;
pub mod seen;
pub mod site;
pub mod slack;

use std::net::TcpListener;
use std::time::{Duration, Instant};

/// How often a condition is looked at while waiting for it.
const POLL: Duration = Duration::from_millis(20);

/// Waits until `ready` gives something and returns it; fails with `what` once `within` is over.
pub fn eventually<T>(what: &str, within: Duration, mut ready: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + within;
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(Instant::now() < end, "not within {within:?}: {what}");
        std::thread::sleep(POLL);
    }
}

/// Looks again and again for `span`: there must never be a `fault`.
pub fn throughout(what: &str, span: Duration, mut fault: impl FnMut() -> Option<String>) {
    let end = Instant::now() + span;
    while Instant::now() < end {
        if let Some(fault) = fault() {
            panic!("not all the time: {what}: {fault}");
        }
        std::thread::sleep(POLL);
    }
}

/// A port of loopback that nobody listens on now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
