//! What a page says about its own publication: by whom, as what, and when it is out of date.

use super::words::{self, TimeView};
use p7_core::mesh::words::Claim;
use p7_core::vocabulary::{MeshTime, Millis};
use serde::Serialize;

/// After how many times the publishing interval without a newer one a page is out of date: one may be late
/// and one may be lost.
pub const STALE_AFTER: u64 = 3;

/// How a site is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The publisher's claim to lead; none for a node that runs alone.
    pub claim: Option<Claim>,
    /// It is published at least this often.
    pub interval: Millis,
    /// A page is made anew at least this often, whatever happens.
    pub page_every: Millis,
}

/// What a page says about its publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishedView {
    /// When this page was made.
    pub at: TimeView,
    /// As what it was published: `leader of term 7`; empty for a node that runs alone.
    pub rank: String,
    /// How often at least, for people.
    pub every: String,
    /// When the site is out of date, in milliseconds after its publication.
    pub stale_ms: u64,
    /// When this page is out of date by itself, in milliseconds after it was made.
    pub page_stale_ms: u64,
    /// Which version of the page this is; empty where the site's time says so.
    pub version: String,
}

impl PublishedView {
    /// Of a page made `at`, which is newer than the site's others where it has no `version`.
    pub(super) fn new(publication: &Publication, version: &str, at: MeshTime) -> Self {
        let stale = |span: Millis| span.0.saturating_mul(STALE_AFTER);
        let page = if version.is_empty() { publication.interval } else { publication.page_every };
        Self {
            at: TimeView::full(at, at),
            rank: publication.claim.as_ref().map(rank).unwrap_or_default(),
            every: words::span(publication.interval),
            stale_ms: stale(publication.interval),
            page_stale_ms: stale(page.max(publication.interval)),
            version: version.to_owned(),
        }
    }
}

fn rank(claim: &Claim) -> String {
    let side = if claim.full { "" } else { ", alone on its side of the network" };
    format!("leader of term {}{side}", claim.term.0)
}
