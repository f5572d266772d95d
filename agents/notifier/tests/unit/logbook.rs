//! What waits for a log: bounded, in order, and nothing lost without being counted.

use super::*;
use crate::channel::Arrival;

fn at(ms: u64) -> Steady {
    Steady(1_000_000 + ms)
}

fn retry() -> Outcome {
    Outcome::Retry { after: None, why: "busy".to_owned(), arrival: Arrival::No }
}

#[test]
fn lines_wait_for_others_but_not_long() {
    let mut log = Log::default();
    log.push("a".to_owned(), at(0));
    log.push("b".to_owned(), at(4_000));
    assert_eq!(log.batch(at(4_999)), None);
    assert_eq!(log.batch(at(5_000)), Some(vec!["a".to_owned(), "b".to_owned()]));
    log.push("c".repeat(FLUSH_BYTES), at(5_001));
    assert_eq!(log.batch(at(5_002)), None, "one batch at a time");
    log.ended(Vec::new(), &Outcome::Sent(None), at(5_003));
    assert!(log.batch(at(5_003)).is_some(), "enough to go at once");
}

#[test]
fn what_was_not_taken_is_sent_again_in_order_after_growing_waits() {
    let mut log = Log::default();
    log.push("a".to_owned(), at(0));
    log.push("b".to_owned(), at(0));
    let mut now = 5_000;
    for wait in [1_000, 2_000, 4_000] {
        // lines wait together besides
        now += wait.max(FLUSH_AFTER.0);
        let lines = log.batch(at(now)).unwrap();
        assert_eq!(lines, ["a", "b"]);
        log.ended(lines, &retry(), at(now));
        assert_eq!(log.blocked, Some(at(now + wait)));
    }
    assert_eq!(log.report()["trouble"], "busy");
}

#[test]
fn no_batch_is_larger_than_the_limit_and_what_has_no_room_is_counted() {
    let mut log = Log::default();
    let line = "x".repeat(1_000);
    for _ in 0..20_000 {
        log.push(line.clone(), at(0));
    }
    assert!(log.bytes <= QUEUE_LIMIT);
    let mut count = 0;
    while let Some(lines) = log.batch(at(10_000 + count as u64 * 10_000)) {
        assert!(lines.join("\n").len() <= BATCH_LIMIT);
        count += lines.len();
        log.ended(lines, &Outcome::Sent(None), at(10_000));
    }
    assert_eq!((count as u64 + log.dropped, log.bytes), (20_000, 0));
}
