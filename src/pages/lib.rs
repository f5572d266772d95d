//! p7-pages: values in, HTML and SVG out. Nothing here reads a clock, a socket or a database.

pub mod assets;
mod badge;
mod card;
mod chart;
mod cycles;
mod devices;
mod frame;
mod history;
mod index;
mod members;
mod mesh;
mod names;
mod page;
mod past;
mod published;
mod publishing;
pub mod sample;
mod service;
mod templates;
mod warnings;
mod words;

pub use badge::BadgeView;
pub use card::{CardView, Chip, DeploymentView, Mark};
pub use chart::{ChartRow, ChartView, Tick};
pub use cycles::{BlockPath, CyclesView};
pub use devices::DeviceLine;
pub use frame::{About, Frame, Notice, Place, Site, Writes, service_link};
pub use history::{DayBar, HistoryBucket, Range, UptimeView, Votes};
pub use index::{Bucket, Card, Count, GroupView, IndexView, ListRow, ListView, Summary};
pub use members::{Condition, Figure, NodeView, RoleView};
pub use mesh::{Cell, ColumnView, MatrixRow, MeshPage, MeshView};
pub use names::{Failing, Names};
pub use page::Page;
pub use past::Past;
pub use published::{Publication, PublishedView, STALE_AFTER};
pub use publishing::PublishRow;
pub use service::{Fact, IncidentRow, Needed, PhasePart, RangeLink, ResultRow, ServicePage, ServicePageView};
pub use templates::{Naming, PagesError};
pub use warnings::{Warning, warnings};
pub use words::TimeView;

use assets::Asset;
use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::ServiceId;
use serde::Serialize;
use sha2::Digest;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use tera::{Context, Tera};

/// Hexadecimal digits of a hash that are told: two files of a site never share them by chance.
const HASH_DIGITS: usize = 16;

/// A short hash of a file's contents, the same on every machine and in every release.
pub fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let sum = sha2::Sha256::digest(bytes);
    sum.iter().take(HASH_DIGITS / 2).fold(String::new(), |mut text, byte| {
        // writing into a string can't fail
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

/// All pages, ready to render.
pub struct Pages {
    tera: Tera,
    assets: BTreeMap<String, Asset>,
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}

impl Pages {
    /// Takes the embedded templates and assets, and over them those of a folder with `templates/` and
    /// `assets/`. Every template is rendered once with made-up services, so that a broken one is refused
    /// here and not when somebody looks.
    ///
    /// # Errors
    /// [`PagesError`] names the template, the line and what to do.
    pub fn load(overrides: Option<&Path>) -> Result<Self, PagesError> {
        Self::load_named(overrides, Naming::Plain)
    }

    /// Like [`Self::load`], with the assets named as asked.
    ///
    /// # Errors
    /// [`PagesError`] names the template, the line and what to do.
    pub fn load_named(overrides: Option<&Path>, naming: Naming) -> Result<Self, PagesError> {
        let templates::Loaded { tera, assets } = templates::load(overrides, naming)?;
        let pages = Self { tera, assets };
        sample::try_all(&pages)?;
        Ok(pages)
    }

    /// The overview.
    pub fn index(&self, view: &IndexView) -> Result<Page, PagesError> {
        Ok(view.with_cards(self.render("index.html", view)?))
    }

    /// One service's page.
    pub fn service(&self, view: &ServicePageView) -> Result<String, PagesError> {
        self.render("service.html", view)
    }

    /// The page of nodes.
    pub fn mesh(&self, view: &MeshView) -> Result<String, PagesError> {
        self.render("mesh.html", view)
    }

    /// The original's basic list.
    pub fn p7_html(&self, view: &ListView) -> Result<String, PagesError> {
        self.render("p7.html", view)
    }

    /// The original's advanced page: the overview as a file among files. Its cards are rendered with
    /// [`Site::Static`].
    pub fn p7adv_html(&self, view: &IndexView) -> Result<Page, PagesError> {
        Ok(view.with_cards(self.render("p7adv.html", view)?))
    }

    /// What is shown when there is nothing at an address.
    pub fn not_found(&self, frame: &Frame, path: &str) -> Result<String, PagesError> {
        #[derive(Serialize)]
        struct NotFoundView<'a> {
            frame: &'a Frame,
            path: &'a str,
        }
        self.render("not_found.html", &NotFoundView { frame, path })
    }

    /// One card, byte for byte as it stands in the overview.
    pub fn card(&self, view: &CardView) -> Result<String, PagesError> {
        self.render("card.html", view)
    }

    /// One card with what the overview sorts it by; keep it until the status changes.
    pub fn rendered(
        &self,
        service: &Service,
        status: &ServiceStatus,
        names: &Names,
        site: Site,
    ) -> Result<Arc<Card>, PagesError> {
        let html = self.card(&CardView::new(service, status, names, site))?;
        Ok(Arc::new(Card::new(service, status, html.into())))
    }

    /// A badge; without a status it says that there is no such service.
    pub fn badge(&self, id: &ServiceId, status: Option<&ServiceStatus>) -> Result<String, PagesError> {
        self.render("badge.svg", &BadgeView::new(id, status))
    }

    /// A file the pages refer to.
    pub fn asset(&self, name: &str) -> Option<&Asset> {
        self.assets.get(name)
    }

    /// All files the pages refer to, by name: what a publisher uploads beside them, to `assets/`.
    pub fn assets(&self) -> impl Iterator<Item = (&str, &Asset)> {
        self.assets.iter().map(|(name, asset)| (name.as_str(), asset))
    }

    fn render(&self, template: &str, view: &impl Serialize) -> Result<String, PagesError> {
        let context = Context::from_serialize(view)?;
        Ok(self.tera.render(template, &context)?)
    }
}
