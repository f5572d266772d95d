//! The site as files: what there is, what of it changes.

use super::support::{Leader, fail, fleet};
use crate::edition::{Content, Edition, Keep, Rank};
use std::collections::BTreeMap;

fn versions(edition: &Edition) -> BTreeMap<String, String> {
    edition.files.iter().map(|file| (file.path.clone(), file.version.clone())).collect()
}

fn ready(edition: &Edition, path: &str) -> String {
    let file = edition.files.iter().find(|file| file.path == path).unwrap();
    match &file.content {
        Content::Ready(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        Content::Made(make) => make().unwrap(),
    }
}

#[test]
fn the_site_has_an_overview_the_originals_pages_its_state_assets_and_a_page_a_service() {
    let edition = Leader::of(7, "paris").edition(&fleet(3), 0);
    let named =
        |rank| edition.files.iter().filter(move |file| file.rank == rank).map(|file| file.path.as_str());
    assert_eq!(named(Rank::Front).collect::<Vec<_>>(), ["p7.html", "p7adv.html", "state.json", "index.html"]);
    assert_eq!(edition.files.last().unwrap().path, "index.html", "the overview is last");
    assert_eq!(named(Rank::Page).count(), 3);
    assert!(named(Rank::Asset).count() > 8);
    for file in &edition.files {
        let expected = match file.rank {
            Rank::Page | Rank::Front => Keep::No,
            Rank::Asset if file.path.contains("favicon") => Keep::Awhile,
            Rank::Asset => Keep::Forever,
        };
        assert_eq!(file.keep, expected, "{}", file.path);
    }
    let pairs = [("index.html", "text/html; charset=utf-8"), ("state.json", "application/json")];
    for (path, content_type) in pairs {
        assert_eq!(edition.files.iter().find(|file| file.path == path).unwrap().content_type, content_type);
    }
}

#[test]
fn the_state_says_who_published_when_and_which_version_each_page_has() {
    let fleet = fleet(3);
    let edition = Leader::of(7, "paris").edition(&fleet, 0);
    let state: serde_json::Value = serde_json::from_str(&ready(&edition, "state.json")).unwrap();
    assert_eq!(state["published"], "2025-11-22T10:40:12Z");
    assert_eq!((state["by"].as_str(), state["term"].as_u64()), (Some("paris"), Some(7)));
    assert_eq!(
        (state["interval_ms"].as_u64(), state["stale_after_ms"].as_u64()),
        (Some(60_000), Some(180_000))
    );
    let id = fleet[0].0.id.as_str();
    let page = ready(&edition, &format!("{id}.html"));
    let version = state["services"][id]["page"].as_str().unwrap();
    assert!(page.contains(&format!("data-version=\"{version}\"")), "the page knows its own version");
    let index = ready(&edition, "index.html");
    assert!(index.contains("data-now=\"2025-11-22T10:40:12Z\"") && index.contains("data-live=\"state\""));
}

#[test]
fn what_did_not_change_keeps_its_version() {
    let (mut leader, mut fleet) = (Leader::of(7, "paris"), fleet(30));
    let before = versions(&leader.edition(&fleet, 0));
    fail(&mut fleet, 4);
    let after = versions(&leader.edition(&fleet, 5));
    let mut changed: Vec<&str> = after
        .iter()
        .filter(|(path, version)| before.get(*path) != Some(version))
        .map(|(path, _)| path.as_str())
        .collect();
    changed.retain(|path| !["p7.html", "p7adv.html", "state.json", "index.html"].contains(path));
    let failed = format!("{}.html", fleet[4].0.id);
    // a page whose regular renewal falls into these seconds may be among them
    assert!(changed.contains(&failed.as_str()) && changed.len() <= 3, "{changed:?}");
}

#[test]
fn every_page_is_renewed_within_its_span_and_they_are_spread_over_it() {
    let (mut leader, fleet) = (Leader::of(7, "paris"), fleet(60));
    let mut before = versions(&leader.edition(&fleet, 0));
    let mut at_once = Vec::new();
    for minute in 1..=10 {
        let after = versions(&leader.edition(&fleet, minute * 60));
        let pages =
            |path: &&String| fleet.iter().any(|(service, _)| **path == format!("{}.html", service.id));
        at_once.push(after.keys().filter(pages).filter(|path| before[*path] != after[*path]).count());
        before = after;
    }
    assert_eq!(at_once.iter().sum::<usize>(), 60, "{at_once:?}");
    assert!(at_once.iter().all(|n| *n < 30), "{at_once:?}");
}

#[test]
fn a_successor_of_the_same_release_makes_the_same_versions() {
    let fleet = fleet(10);
    let (one, other) = (Leader::of(7, "paris").edition(&fleet, 0), Leader::of(8, "tokyo").edition(&fleet, 0));
    let pages = |edition: &Edition| {
        let kept = edition.files.iter().filter(|file| file.rank != Rank::Front);
        kept.map(|file| (file.path.clone(), file.version.clone())).collect::<Vec<_>>()
    };
    assert_eq!(pages(&one), pages(&other));
}
