//! Pages, files and badges as they are served.

use crate::support::{NOW, Node, incident, result};
use flate2::read::GzDecoder;
use p7_core::vocabulary::Outcome;
use p7_store::Fact;
use std::io::Read as _;
use std::sync::Arc;

const PERSON: &str = "Accept: text/html\r\n";

#[actix::test]
async fn every_page_shows_its_services() {
    let node = Node::start().await;
    node.remember(&[
        Fact::Result(Arc::new(result("shop", NOW, Outcome::Failed))),
        Fact::Incident(Arc::new(incident("shop", 10))),
    ]);
    for path in
        ["/", "/p7.html", "/p7adv.html", "/mesh", "/services/shop", "/shop.html", "/services/shop?range=30d"]
    {
        let page = node.get_with(path, PERSON).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        assert!(page.text().contains("The shop"), "{path}");
        assert!(page.text().contains("Acme") || path == "/p7.html", "{path}: headed by the mesh's name");
        assert!(!page.text().contains("500 <b>"), "{path}: what a service says is escaped");
    }
    let page = node.get_with("/services/shop", PERSON).await;
    let id = incident("shop", 10).id.to_string();
    assert!(page.text().contains(&id), "the store's incidents are shown: {}", page.text());
    let page = node.get_with("/services/shop?range=nonsense&x=1", PERSON).await;
    assert_eq!(page.status, 200, "a page for people forgives");
    assert!(page.text().contains("status 500 &lt;b&gt;"));
}

#[actix::test]
async fn the_overview_follows_what_is_heard() {
    let node = Node::start().await;
    assert!(node.get("/").await.text().contains("status 500"));
    node.hear("shop", p7_core::vocabulary::Level::Healthy, Outcome::Up).await;
    assert!(!node.get("/").await.text().contains("status 500"), "a card is kept only as long as its status");
}

#[actix::test]
async fn a_page_says_that_a_restart_is_needed() {
    let node = Node::start().await;
    let notice = "node.toml has changed; restart p7 to take that up";
    assert!(!node.get("/").await.text().contains(notice));
    node.note(Vec::new(), true).await;
    for path in ["/", "/services/shop", "/mesh"] {
        assert!(node.get(path).await.text().contains(notice), "{path}");
    }
}

#[actix::test]
async fn a_person_who_is_lost_gets_a_page_and_a_program_a_document() {
    let node = Node::start().await;
    for path in ["/nowhere", "/services/nope", "/nope.html"] {
        let page = node.get_with(path, PERSON).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (404, Some("text/html; charset=utf-8")),
            "{path}"
        );
        node.get(path).await.problem(404, "not-found");
    }
    let answer = node.get_with("/api/v1/nope", PERSON).await;
    answer.problem(404, "not-found");
    let page = node.get_with("/%3Cscript%3Ealert(1)%3C/script%3E", PERSON).await;
    assert!(!page.text().contains("<script>alert"), "{}", page.text());
}

#[actix::test]
async fn pages_and_metrics_are_compressed_for_who_wants_it() {
    let node = Node::start().await;
    for path in ["/", "/api/v1/services", "/metrics", "/api/v1/nope"] {
        let plain = node.get(path).await;
        assert_eq!(plain.header("content-encoding"), None, "{path}");
        let small = node.get_with(path, "Accept-Encoding: br, gzip;q=0.5\r\n").await;
        assert_eq!(small.header("content-encoding"), Some("gzip"), "{path}");
        let mut text = String::new();
        GzDecoder::new(small.body.as_slice()).read_to_string(&mut text).unwrap();
        assert!(!text.is_empty());
    }
    for refused in ["gzip;q=0", "identity;q=0", "br"] {
        let answer = node.get_with("/api/v1/mesh", &format!("Accept-Encoding: {refused}\r\n")).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, None), "{refused}");
    }
}

#[actix::test]
async fn files_are_served_with_a_tag_and_once_only() {
    let node = Node::start().await;
    let name = p7_dashboard::pages::assets::names().find(|name| name.ends_with(".svg")).unwrap();
    let path = format!("/assets/{name}");
    let file = node.get(&path).await;
    assert_eq!((file.status, file.header("content-type")), (200, Some("image/svg+xml")));
    let tag = file.header("etag").unwrap();
    for tag in [tag.to_owned(), format!("W/{tag}")] {
        let again = node.get_with(&path, &format!("If-None-Match: {tag}\r\n")).await;
        assert_eq!((again.status, again.body.len()), (304, 0));
    }
    node.get("/assets/nope.css").await.problem(404, "not-found");
    node.get("/assets/..%2flib.rs").await.problem(404, "not-found");
}

#[actix::test]
async fn a_badge_says_how_a_service_is_even_when_there_is_none() {
    let node = Node::start().await;
    let badge = node.get("/badge/shop.svg").await;
    assert_eq!((badge.status, badge.header("content-type")), (200, Some("image/svg+xml")));
    assert!(badge.text().contains("down"), "{}", badge.text());
    assert_eq!(badge.header("cache-control"), Some("public, max-age=20"));
    for path in ["/badge/nope.svg", "/badge/%3Cx%3E.svg"] {
        let badge = node.get(path).await;
        assert_eq!((badge.status, badge.header("content-type")), (404, Some("image/svg+xml")), "{path}");
        assert!(badge.text().contains("not found") && !badge.text().contains("<x>"), "{}", badge.text());
    }
}
