//! How big and how fast the overview of a thousand services is.

use super::pages;
use flate2::Compression;
use flate2::write::GzEncoder;
use p7_pages::{Site, sample};
use std::io::Write;
use std::time::{Duration, Instant};

/// What a thousand cards may weigh, compressed as the server does.
const GZIP_LIMIT: usize = 200_000;
/// How long they may take, all cards rendered anew; release builds only.
const TIME_LIMIT: Duration = Duration::from_millis(50);

#[test]
fn a_thousand_cards_are_at_most_200_kb_and_take_at_most_50_ms() {
    let pages = pages();
    let fleet = sample::fleet(1000, 1);
    let mut best = (Duration::MAX, Duration::MAX);
    let mut html = String::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let view = sample::index(&pages, &fleet, &sample::about(), Site::Live).unwrap();
        let cards = begun.elapsed();
        html = pages.index(&view).unwrap().to_string();
        best = best.min((begun.elapsed(), begun.elapsed().saturating_sub(cards)));
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::new(6));
    gzip.write_all(html.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap().len();
    println!(
        "1,000 cards: {} bytes, {gzip} gzip; all rendered anew {:?}, from kept cards {:?}",
        html.len(),
        best.0,
        best.1
    );
    assert!(gzip <= GZIP_LIMIT, "{gzip} bytes");
    if !cfg!(debug_assertions) {
        assert!(best.0 <= TIME_LIMIT, "{:?}", best.0);
    }
}
