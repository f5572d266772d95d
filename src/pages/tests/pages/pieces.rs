//! The overview's cards stand in it as they are kept: none is copied, none is lost.

use super::{everything, pages};
use p7_pages::{Site, sample};

#[test]
fn a_page_is_its_template_with_the_kept_cards_between() {
    let pages = pages();
    let fleet = everything();
    let view = sample::index(&pages, &fleet, &sample::about(), Site::Live).unwrap();
    let cards = sample::cards(&pages, &fleet, Site::Live).unwrap();
    let page = pages.index(&view).unwrap();
    let html = page.to_string();
    assert_eq!((page.len(), page.is_empty()), (html.len(), false));
    assert!(!html.contains("<!--cards"), "every mark was replaced");
    for card in &cards {
        assert_eq!(html.matches(&*card.html).count(), 1, "{}", card.id);
    }
    // one piece a card, and around each group what the template made
    assert_eq!(page.count(), cards.len() + view.groups.len() + 1);
    assert!(page.pieces().any(|piece| piece == &*cards[0].html));
}

#[test]
fn a_service_that_is_called_like_a_mark_stays_a_name() {
    let pages = pages();
    let mut fleet = sample::fleet(1, 1);
    fleet[0].0.environment = "<!--cards 0-->".to_owned();
    let view = sample::index(&pages, &fleet, &sample::about(), Site::Live).unwrap();
    let html = pages.index(&view).unwrap().to_string();
    assert_eq!(html.matches("class=\"c ").count(), 1);
    assert!(html.contains("&lt;!--cards 0--&gt;"));
}
