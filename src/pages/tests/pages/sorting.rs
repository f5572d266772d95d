//! What stands first, and what the summary says.

use super::pages;
use p7_core::status::MaintenanceNote;
use p7_core::vocabulary::Level;
use p7_pages::sample::{self, Story};
use p7_pages::{Bucket, Card, IndexView, ListView, Site, Summary};
use std::sync::Arc;

/// A card without contents.
fn card(name: &str, environment: &str, story: Story) -> Arc<Card> {
    let mut service = sample::service(0);
    name.clone_into(&mut service.name);
    environment.clone_into(&mut service.environment);
    let status = sample::status(&service, story, 1, 0);
    Arc::new(Card::new(&service, &status, format!("[{name}]").into()))
}

fn index(cards: &[Arc<Card>]) -> IndexView {
    let frame = sample::index(&pages(), &[], &sample::about(), Site::Live).unwrap().frame;
    IndexView::new(frame, cards)
}

#[test]
fn the_worst_stands_first_among_groups_and_within_them() {
    let cards = [
        card("b", "office", Story::Healthy),
        card("a", "office", Story::Healthy),
        card("c", "office", Story::Warning),
        card("d", "production", Story::Healthy),
        card("e", "production", Story::Down),
        card("f", "archive", Story::Healthy),
        card("g", "", Story::Incident),
    ];
    let read: Vec<_> =
        index(&cards).groups.iter().map(|g| (g.title.clone(), g.cards().collect::<String>())).collect();
    let expected = [("production", "[e][d]"), ("office", "[c][a][b]"), ("archive", "[f]"), ("Other", "[g]")];
    assert_eq!(read, expected.map(|(title, cards)| (title.to_owned(), cards.to_owned())));
}

#[test]
fn services_of_no_environment_are_simply_services_where_there_is_no_other_group() {
    let cards = [card("a", "", Story::Healthy)];
    assert_eq!(index(&cards).groups[0].title, "Services");
}

#[test]
fn of_equal_levels_the_greater_failtage_stands_first() {
    // three of six and six of six cycles have failed
    let cards = [card("a", "x", Story::Incident), card("b", "x", Story::Stale)];
    assert_eq!(index(&cards).groups[0].cards().collect::<String>(), "[b][a]");
}

#[test]
fn the_summary_counts_the_worst_first_and_the_title_shows_it() {
    let cards = [
        card("a", "x", Story::Down),
        card("b", "x", Story::Down),
        card("c", "x", Story::Incident),
        card("d", "x", Story::Healthy),
    ];
    let summary = index(&cards).summary;
    assert_eq!(summary.text, "2 down, 1 incident, 1 healthy");
    assert_eq!(summary.headline, "2 of 4 services are down");
    assert_eq!(summary.title, "✖ 2 down, 1 incident, 1 healthy");
    assert_eq!(summary.worst, Bucket::Down);
}

#[test]
fn a_service_in_maintenance_is_not_counted_as_down() {
    let service = sample::service(0);
    let mut status = sample::status(&service, Story::Down, 1, 0);
    status.maintenance = Some(MaintenanceNote::Found);
    assert_eq!(status.level, Level::Down);
    let cards = [Card::new(&service, &status, "".into())];
    assert_eq!(Summary::of(&cards).text, "1 in maintenance");
    assert_eq!(Summary::of(&cards).headline, "The service is in maintenance");
    let [card] = cards;
    let rows = ListView::new(index(&[]).frame, &[Arc::new(card)]).rows;
    assert_eq!((rows[0].word, rows[0].beside), ("in maintenance", "down"));
}

#[test]
fn headlines_agree_with_their_numbers() {
    let headline = |stories: &[Story]| {
        let cards: Vec<_> = stories.iter().map(|s| card("a", "x", *s)).collect();
        Summary::of(cards.iter().map(Arc::as_ref)).headline
    };
    assert_eq!(headline(&[]), "Nothing is watched yet");
    assert_eq!(headline(&[Story::Pending]), "Waiting for the first results");
    assert_eq!(headline(&[Story::Healthy]), "The service is healthy");
    assert_eq!(headline(&[Story::Healthy, Story::Healthy]), "All 2 services are healthy");
    assert_eq!(headline(&[Story::Incident, Story::Healthy]), "1 of 2 services has an incident");
    assert_eq!(headline(&[Story::Down, Story::Down]), "All 2 services are down");
}

#[test]
fn the_basic_list_is_sorted_like_the_cards() {
    let cards = [card("a", "x", Story::Healthy), card("b", "y", Story::Down)];
    let rows = ListView::new(index(&cards).frame, &cards).rows;
    let read: Vec<_> = rows.iter().map(|r| (r.name.as_str(), r.word, r.failtage.as_str())).collect();
    assert_eq!(read, [("b", "down", "100.0 %"), ("a", "healthy", "0.0 %")]);
}
