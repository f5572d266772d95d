//! The static site: values in, an edition out. Cards are kept until their status changes.

use crate::edition::{Content, Edition, File, Keep, Rank};
use crate::publisher::Past;
use crate::standing::{digest, renewal};
use bytes::Bytes;
use p7_core::mesh::words::Claim;
use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{MeshTime, ServiceId};
use p7_pages::assets::Lasting;
use p7_pages::{
    About, Card, Frame, IndexView, ListView, Names, Pages, PagesError, Publication, Range, STALE_AFTER,
    ServicePageView, Site, Summary, service_link,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// What an edition is made from.
pub(crate) struct Values<'a> {
    /// The node that publishes.
    pub(crate) about: &'a About,
    /// Its claim; one that it makes up while it runs alone.
    pub(crate) claim: &'a Claim,
    /// How it is published.
    pub(crate) publication: &'a Publication,
    /// What the nodes are called.
    pub(crate) names: &'a Arc<Names>,
    /// The services, in id order.
    pub(crate) services: &'a [(Arc<Service>, Arc<ServiceStatus>)],
    /// Now.
    pub(crate) now: MeshTime,
}

/// A service as it was last rendered.
struct Kept {
    service: Arc<Service>,
    status: Arc<ServiceStatus>,
    digest: String,
    card: Arc<Card>,
}

/// Makes editions.
pub(crate) struct Maker {
    pages: Arc<Pages>,
    past: Past,
    kept: BTreeMap<ServiceId, Kept>,
    names: Arc<Names>,
    assets: Vec<File>,
    /// Changes with the release and the assets: pages of another one are made anew.
    release: String,
}

impl Maker {
    /// With these pages and this memory of the past.
    pub(crate) fn new(pages: Arc<Pages>, past: Past) -> Self {
        let assets: Vec<File> = assets(&pages).collect();
        let all: String = assets.iter().map(|file| file.version.as_str()).collect();
        let release = p7_pages::hash((all + env!("CARGO_PKG_VERSION")).as_bytes());
        Self { pages, past, kept: BTreeMap::new(), names: Arc::default(), assets, release }
    }

    /// Forgets what was rendered: another node leads, and the memory serves others meanwhile.
    pub(crate) fn rest(&mut self) {
        self.kept.clear();
    }

    /// The site as these values make it.
    pub(crate) fn edition(&mut self, values: &Values<'_>) -> Result<Edition, PagesError> {
        self.render_cards(values)?;
        let cards: Vec<Arc<Card>> = self.kept.values().map(|kept| Arc::clone(&kept.card)).collect();
        let mut files = self.assets.clone();
        let versions: BTreeMap<&ServiceId, String> =
            self.kept.iter().map(|(id, kept)| (id, self.version(id, kept, values))).collect();
        files.extend(self.kept.iter().filter_map(|(id, kept)| {
            let version = versions.get(id)?;
            Some(self.page(kept, version, values))
        }));
        let frame = Frame::published(values.about, values.publication, "", values.now);
        let list = self.pages.p7_html(&ListView::new(frame.clone(), &cards))?;
        let state = Bytes::from(State::of(values, &frame, &cards, &versions).written());
        let index = self.pages.index(&IndexView::new(frame, &cards))?;
        let index = Bytes::from(index.to_string());
        files.push(front("p7.html", HTML, list.into()));
        files.push(front("p7adv.html", HTML, index.clone()));
        files.push(front("state.json", JSON, state));
        files.push(front("index.html", HTML, index));
        Ok(Edition {
            at: values.now,
            claim: values.claim.clone(),
            by: values.about.name.clone(),
            interval: values.publication.interval,
            files,
        })
    }

    /// Renders the cards of services that changed, and drops those that are gone.
    fn render_cards(&mut self, values: &Values<'_>) -> Result<(), PagesError> {
        let mut before = std::mem::take(&mut self.kept);
        if self.names != *values.names {
            before.clear();
            self.names = Arc::clone(values.names);
        }
        for (service, status) in values.services {
            let known = before
                .remove(&service.id)
                .filter(|kept| Arc::ptr_eq(&kept.status, status) && Arc::ptr_eq(&kept.service, service));
            let kept = match known {
                Some(kept) => kept,
                None => Kept {
                    card: self.pages.rendered(service, status, values.names, Site::Published)?,
                    digest: digest(service, status),
                    service: Arc::clone(service),
                    status: Arc::clone(status),
                },
            };
            self.kept.insert(service.id.clone(), kept);
        }
        Ok(())
    }

    fn version(&self, id: &ServiceId, kept: &Kept, values: &Values<'_>) -> String {
        let renewal = renewal(id, values.publication.page_every, values.now);
        let part = self.release.get(..6).unwrap_or_default();
        format!("{}-{part}-{renewal}", kept.digest)
    }

    /// A service's page, made when a target needs it.
    fn page(&self, kept: &Kept, version: &str, values: &Values<'_>) -> File {
        let (pages, past) = (Arc::clone(&self.pages), Arc::clone(&self.past));
        let (service, status) = (Arc::clone(&kept.service), Arc::clone(&kept.status));
        let (names, now) = (Arc::clone(values.names), values.now);
        let frame = Frame::published(values.about, values.publication, version, now);
        let make = move || {
            let past = past(&service.id, now);
            let page = past.page(&service, &status, &names, Range::default(), now);
            let view = ServicePageView::new(frame.clone(), Site::Published, &page, now);
            pages.service(&view).map_err(|error| error.to_string())
        };
        File {
            path: service_link(Site::Published, &kept.service.id),
            version: version.to_owned(),
            content_type: HTML,
            keep: Keep::No,
            rank: Rank::Page,
            content: Content::Made(Arc::new(make)),
        }
    }
}

fn assets(pages: &Pages) -> impl Iterator<Item = File> {
    pages.assets().map(|(name, asset)| File {
        path: format!("assets/{name}"),
        version: p7_pages::hash(&asset.bytes),
        content_type: asset.content_type,
        keep: match asset.lasting {
            Lasting::Awhile => Keep::Awhile,
            Lasting::Forever => Keep::Forever,
        },
        rank: Rank::Asset,
        content: Content::Ready(Bytes::copy_from_slice(&asset.bytes)),
    })
}

fn front(path: &str, content_type: &'static str, bytes: Bytes) -> File {
    File {
        path: path.to_owned(),
        version: p7_pages::hash(&bytes),
        content_type,
        keep: Keep::No,
        rank: Rank::Front,
        content: Content::Ready(bytes),
    }
}

/// `state.json`: what a published page asks for, and what programs may read.
#[derive(Serialize)]
struct State<'a> {
    published: &'a str,
    by: &'a str,
    node: &'a str,
    term: Option<u64>,
    full: bool,
    interval_ms: u64,
    stale_after_ms: u64,
    version: &'a str,
    mesh: Option<&'a str>,
    summary: SummaryState,
    services: BTreeMap<&'a ServiceId, ServiceState<'a>>,
}

#[derive(Serialize)]
struct SummaryState {
    total: usize,
    worst: &'static str,
    text: String,
}

#[derive(Serialize)]
struct ServiceState<'a> {
    name: &'a str,
    environment: &'a str,
    level: &'static str,
    since: Option<p7_core::vocabulary::MeshTime>,
    failtage_percent: Option<f64>,
    stale: bool,
    maintenance: bool,
    page: &'a str,
}

impl<'a> State<'a> {
    fn of(
        values: &'a Values<'_>,
        frame: &'a Frame,
        cards: &[Arc<Card>],
        versions: &'a BTreeMap<&ServiceId, String>,
    ) -> Self {
        let summary = Summary::of(cards.iter().map(AsRef::as_ref));
        let claim = values.publication.claim.as_ref();
        let services = values.services.iter().filter_map(|(service, status)| {
            let state = ServiceState {
                name: &service.name,
                environment: &service.environment,
                level: status.level.as_str(),
                since: status.since,
                failtage_percent: status.failtage.map(p7_core::status::Failtage::percent),
                stale: status.freshness == p7_core::status::Freshness::Stale,
                maintenance: status.maintenance.is_some(),
                page: versions.get(&service.id)?,
            };
            Some((&service.id, state))
        });
        Self {
            published: &frame.now.iso,
            by: &values.about.name,
            node: values.about.id.as_str(),
            term: claim.map(|claim| claim.term.0),
            full: claim.is_none_or(|claim| claim.full),
            interval_ms: values.publication.interval.0,
            stale_after_ms: values.publication.interval.0.saturating_mul(STALE_AFTER),
            version: &values.about.version,
            mesh: values.about.mesh.as_deref(),
            summary: SummaryState { total: summary.total, worst: summary.worst.as_str(), text: summary.text },
            services: services.collect(),
        }
    }

    fn written(&self) -> Vec<u8> {
        // texts and numbers always have a JSON
        serde_json::to_vec(self).unwrap_or_default()
    }
}
