//! Made-up services: to try templates before they are used, to look at pages while designing them, and
//! for tests. The same every time.

mod nodes;
mod past;
mod stories;

use super::{
    About, Frame, IndexView, ListView, MeshPage, MeshView, Names, Pages, PagesError, Place, Publication,
    PublishRow, Range, ServicePage, ServicePageView, Site, TimeView, Votes, Writes,
};
use p7_core::mesh::words::{Claim, Term};
use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{MeshTime, Millis, NodeId};
use std::sync::Arc;

pub use nodes::mesh_view;
pub use past::{history, incidents, results};
pub use stories::{Story, service, status};

/// When the samples are: 22 November 2025, 10:40:12 UTC.
pub const NOW: MeshTime = MeshTime(1_763_808_012_000);
/// The nodes' names, in the order of their ids.
const CITIES: [&str; 5] = ["berlin", "montreal", "paris", "sydney", "tokyo"];

/// Chance with a seed (SplitMix64, Steele et al. 2014), so that samples look natural and never change.
#[derive(Debug, Clone, Copy)]
pub struct Chance(pub u64);

impl Chance {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        u32::try_from((z >> 33) % u64::from(limit.max(1))).unwrap_or(0)
    }
}

/// What a page says it was rendered from.
pub fn about() -> About {
    About {
        name: "paris".to_owned(),
        id: nodes(3).swap_remove(2),
        version: "0.1.0".to_owned(),
        started: MeshTime(NOW.0 - 93_600_000),
        roles: vec!["probe".to_owned(), "leader".to_owned()],
        labels: [("site", "hq"), ("floor", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        cut_off: None,
        store_trouble: None,
        results_lost: 0,
        configuration: "3f9c2a71".to_owned(),
        configured: Some(MeshTime(NOW.0 - 5_400_000)),
        refused: Vec::new(),
        mesh: None,
        restart_needed: false,
    }
}

/// How a site is published.
pub fn publication() -> Publication {
    Publication {
        claim: Some(Claim { full: true, term: Term(7), priority: 50, node: about().id }),
        interval: Millis(60_000),
        page_every: Millis(600_000),
    }
}

/// A node that has every trouble there is.
pub fn troubled() -> About {
    About {
        cut_off: Some(("no default route; the link of eth0 is down".to_owned(), MeshTime(NOW.0 - 42_000))),
        store_trouble: Some("the disk is full; free some space below /var/lib/p7".to_owned()),
        results_lost: 118,
        refused: vec![
            "mesh.toml:14:1: unknown key `intervall`; did you mean `interval`?".to_owned(),
            "mesh.toml:22:9: `5x` is no span of time; write it as \"60s\" or \"1m 30s\"".to_owned(),
        ],
        mesh: Some("Acme <b>".to_owned()),
        restart_needed: true,
        ..about()
    }
}

/// The first `n` nodes, at most five.
pub fn nodes(n: usize) -> Vec<NodeId> {
    CITIES.iter().take(n).filter_map(|city| NodeId::new(&format!("12D3KooW{city}")).ok()).collect()
}

/// What they are called.
pub fn names() -> Names {
    (nodes(CITIES.len()).into_iter()).zip(CITIES).map(|(node, city)| (node, city.to_owned())).collect()
}

/// `n` services with statuses: mostly healthy, some of everything else.
pub fn fleet(n: usize, vantage_points: usize) -> Vec<(Service, ServiceStatus)> {
    (0..n)
        .map(|i| {
            let service = service(i);
            let status = status(&service, Story::of(i, n), vantage_points, i);
            (service, status)
        })
        .collect()
}

/// An overview of these, with its cards rendered.
pub fn index(
    pages: &Pages,
    fleet: &[(Service, ServiceStatus)],
    about: &About,
    site: Site,
) -> Result<IndexView, PagesError> {
    let frame = Frame::new(about, site, Place::Top, Writes::Allowed, NOW);
    Ok(IndexView::new(frame, &cards(pages, fleet, site)?))
}

/// The cards of these.
pub fn cards(
    pages: &Pages,
    fleet: &[(Service, ServiceStatus)],
    site: Site,
) -> Result<Vec<Arc<super::Card>>, PagesError> {
    let names = names();
    (fleet.iter()).map(|(service, status)| pages.rendered(service, status, &names, site)).collect()
}

/// A service's page with a past.
pub fn service_page(service: &Service, status: &ServiceStatus, site: Site, range: Range) -> ServicePageView {
    let place = match site {
        Site::Live => Place::Below,
        Site::Static | Site::Published => Place::Top,
    };
    let frame = Frame::new(&about(), site, place, Writes::Allowed, NOW);
    let (past, days) = (history(range), history(Range::Quarter));
    let (incidents, results) = (incidents(service), results(service, status));
    let page = ServicePage {
        service,
        status,
        names: &names(),
        range,
        history: &past,
        days: &days,
        uptime: Range::ALL.map(|range| Votes::of(&history(range))),
        incidents: &incidents,
        results: &results,
    };
    ServicePageView::new(frame, site, &page, NOW)
}

/// The page of nodes for these; without a view it is that of a node alone.
pub fn mesh(
    fleet: &[(Service, ServiceStatus)],
    about: &About,
    view: Option<&p7_core::mesh::view::MeshView>,
) -> MeshView {
    let frame = Frame::new(about, Site::Live, Place::Top, Writes::Allowed, NOW);
    let services: Vec<(&Service, &ServiceStatus)> = fleet.iter().map(|(s, t)| (s, t)).collect();
    let publishing = if view.is_some() { publishing() } else { Vec::new() };
    let names = names();
    let page = MeshPage { about, view, names: &names, services: &services, publishing: &publishing };
    MeshView::new(frame, &page, NOW)
}

/// Places the pages are published on, one that is well and one that is not.
pub fn publishing() -> Vec<PublishRow> {
    let well = PublishRow {
        name: "site".to_owned(),
        kind: "folder",
        state: "published",
        tone: "green",
        icon: "healthy",
        published: Some(TimeView::full(MeshTime(NOW.0 - 12_000), NOW)),
        sent: "5 of 43 files, 140 kB".to_owned(),
        trouble: String::new(),
        note: "does not refuse an old leader's pages",
    };
    let ill = PublishRow {
        name: "bucket <b>".to_owned(),
        kind: "s3",
        state: "failing",
        tone: "orange",
        icon: "incident",
        trouble: "can't write `index.html` in the bucket `status`: 403 AccessDenied; check the credentials"
            .to_owned(),
        note: "",
        ..well.clone()
    };
    vec![well, ill]
}

/// Renders every template, with services that take every branch.
pub(super) fn try_all(pages: &Pages) -> Result<(), PagesError> {
    let fleet = fleet(Story::ALL.len(), CITIES.len());
    for (about, site) in [(about(), Site::Live), (troubled(), Site::Static)] {
        pages.index(&index(pages, &fleet, &about, site)?)?;
        pages.p7adv_html(&index(pages, &fleet, &about, site)?)?;
        pages.index(&index(pages, &[], &about, site)?)?;
        let frame = Frame::new(&about, site, Place::Anywhere, Writes::Refused, NOW);
        pages.not_found(&frame, "/nowhere")?;
        pages.p7_html(&ListView::new(frame, &cards(pages, &fleet, site)?))?;
        pages.mesh(&mesh(&fleet, &about, None))?;
        pages.mesh(&mesh(&fleet, &about, Some(&mesh_view())))?;
        for (service, status) in &fleet {
            pages.service(&service_page(service, status, site, Range::Day))?;
        }
    }
    let frame = Frame::published(&about(), &publication(), "", NOW);
    let cards = cards(pages, &fleet, Site::Published)?;
    pages.index(&IndexView::new(frame.clone(), &cards))?;
    pages.p7_html(&ListView::new(frame, &cards))?;
    for (service, status) in &fleet {
        pages.badge(&service.id, Some(status))?;
    }
    Ok(())
}
