//! The pages as people and programs get them.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod grafana;
mod mesh;
mod overrides;
mod pieces;
mod publishing;
mod rendering;
mod size;
mod sorting;
mod style;

use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_pages::sample::{self, Story};
use p7_pages::{About, Frame, ListView, Pages, Place, Range, Site, Writes};

type Fleet = Vec<(Service, ServiceStatus)>;

fn pages() -> Pages {
    Pages::load(None).unwrap()
}

/// A service for each story, seen from five nodes.
fn everything() -> Fleet {
    sample::fleet(Story::ALL.len(), 5)
}

/// Every page there is, of these services, by name.
fn rendered(pages: &Pages, fleet: &Fleet, about: &About) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for site in [Site::Live, Site::Static] {
        let index = sample::index(pages, fleet, about, site).unwrap();
        all.push((format!("index, {site:?}"), pages.index(&index).unwrap().to_string()));
        all.push((format!("p7adv, {site:?}"), pages.p7adv_html(&index).unwrap().to_string()));
        let list = ListView::new(index.frame.clone(), &sample::cards(pages, fleet, site).unwrap());
        all.push((format!("p7, {site:?}"), pages.p7_html(&list).unwrap()));
        for (service, status) in fleet {
            let view = sample::service_page(service, status, site, Range::Week);
            all.push((format!("{}, {site:?}", service.id), pages.service(&view).unwrap()));
        }
        let frame = Frame::new(about, site, Place::Anywhere, Writes::Refused, sample::NOW);
        all.push((format!("404, {site:?}"), pages.not_found(&frame, "/<b>nowhere").unwrap()));
    }
    all.push(("node".to_owned(), pages.mesh(&sample::mesh(fleet, about, None)).unwrap()));
    let view = sample::mesh_view();
    all.push(("mesh".to_owned(), pages.mesh(&sample::mesh(fleet, about, Some(&view))).unwrap()));
    all
}
