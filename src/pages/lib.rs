//! p7-pages: values in, HTML and SVG out. Nothing here reads a clock, a socket or a database.

pub mod assets;
mod badge;
mod card;
mod chart;
mod cycles;
mod frame;
mod history;
mod index;
mod members;
mod mesh;
mod names;
mod page;
pub mod sample;
mod service;
mod templates;
mod warnings;
mod words;

pub use badge::BadgeView;
pub use card::{CardView, Chip, DeploymentView, Mark};
pub use chart::{ChartRow, ChartView, Tick};
pub use cycles::{BlockPath, CyclesView};
pub use frame::{About, Frame, Notice, Place, Site, Writes};
pub use history::{DayBar, HistoryBucket, Range, UptimeView, Votes};
pub use index::{Bucket, Card, Count, GroupView, IndexView, ListRow, ListView, Summary};
pub use members::{Condition, Figure, NodeView, RoleView};
pub use mesh::{Cell, ColumnView, MatrixRow, MeshPage, MeshView};
pub use names::{Failing, Names};
pub use page::Page;
pub use service::{Fact, IncidentRow, Needed, PhasePart, RangeLink, ResultRow, ServicePage, ServicePageView};
pub use templates::PagesError;
pub use warnings::{Warning, warnings};
pub use words::TimeView;

use assets::Asset;
use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::ServiceId;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use tera::{Context, Tera};

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
        let templates::Loaded { tera, assets } = templates::load(overrides)?;
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
