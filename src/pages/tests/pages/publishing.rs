//! Pages as they are published: files that say by whom and when, and need nothing beside themselves.

use super::everything;
use p7_core::service::Service;
use p7_pages::assets::Lasting;
use p7_pages::{Frame, IndexView, ListView, Naming, Pages, Range, ServicePageView, Site, sample};
use regex::Regex;

fn pages() -> Pages {
    Pages::load_named(None, Naming::Hashed).unwrap()
}

/// Every published page of these services, by name.
fn published(pages: &Pages) -> Vec<(String, String)> {
    let fleet = everything();
    let frame = |version| Frame::published(&sample::about(), &sample::publication(), version, sample::NOW);
    let cards = sample::cards(pages, &fleet, Site::Published).unwrap();
    let index = pages.index(&IndexView::new(frame(""), &cards)).unwrap().to_string();
    let mut all = vec![
        ("index.html".to_owned(), index),
        ("p7.html".to_owned(), pages.p7_html(&ListView::new(frame(""), &cards)).unwrap()),
    ];
    for (service, status) in &fleet {
        let view = sample::service_page(service, status, Site::Published, Range::Day);
        let view = ServicePageView { frame: frame("3f9c"), ..view };
        all.push((format!("{}.html", service.id), pages.service(&view).unwrap()));
    }
    all
}

#[test]
fn every_published_page_says_by_whom_as_what_and_how_often() {
    for (name, html) in published(&pages()) {
        assert!(html.contains("Published by <b>paris</b>, leader of term 7"), "{name}");
        assert!(html.contains("at least every 1 min"), "{name}");
        assert!(html.contains("data-published=\"2025-11-22T10:40:12Z\""), "{name}");
        let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let once: std::collections::BTreeSet<&&str> = ids.iter().collect();
        assert_eq!(
            once.len(),
            ids.len(),
            "{name}: a script that looks for an id finds the first of its name"
        );
        assert!(once.contains(&"outdated"), "{name} can say that it is out of date");
        let stale = if name == "index.html" || name == "p7.html" { 180_000 } else { 1_800_000 };
        assert!(html.contains(&format!("data-page-stale=\"{stale}\"")), "{name}");
    }
}

#[test]
fn a_published_page_refers_to_files_beside_it_and_to_nothing_else() {
    let pages = pages();
    let reference = Regex::new(r##"(?:href|src)="([^"#][^"]*)""##).unwrap();
    let all = published(&pages);
    for (name, html) in &all {
        assert!(
            html.contains("http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'"),
            "{name}"
        );
        for found in reference.captures_iter(html) {
            let address = &found[1];
            // runbooks and the services themselves are elsewhere
            if address.starts_with("https://") {
                continue;
            }
            let file = address.split(['#', '?']).next().unwrap();
            let asset = file.strip_prefix("assets/").and_then(|file| pages.asset(file));
            let page = all.iter().any(|(name, _)| name == file);
            assert!(asset.is_some() || page, "{name} refers to {address}");
        }
    }
}

#[test]
fn what_is_named_by_its_contents_may_be_kept_for_ever() {
    let pages = pages();
    let forever: Vec<&str> =
        pages.assets().filter(|(_, asset)| asset.lasting == Lasting::Forever).map(|(name, _)| name).collect();
    let name = Regex::new(r"^(app|published|style|theme)-[0-9a-f]{16}\.(css|js)$").unwrap();
    assert_eq!(forever.len(), 4, "{forever:?}");
    assert!(forever.iter().all(|file| name.is_match(file)), "{forever:?}");
    assert!(pages.asset("favicon-down.svg").is_some_and(|asset| asset.lasting == Lasting::Awhile));
}

#[test]
fn a_service_that_is_called_like_a_page_of_the_site_takes_nothing_away() {
    for (id, link) in [("index", "-index.html"), ("p7", "-p7.html"), ("shop", "shop.html")] {
        let service = Service { id: id.parse().unwrap(), ..sample::service(0) };
        assert_eq!(p7_pages::service_link(Site::Published, &service.id), link);
    }
}
