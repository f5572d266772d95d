//! What every page shows around its contents: where it stands, which node speaks, what is wrong with it.

use super::published::{Publication, PublishedView};
use super::words::{TimeView, count};
use p7_core::vocabulary::{MeshTime, NodeId, ServiceId};
use serde::Serialize;
use std::collections::BTreeMap;

/// Which set of pages a page belongs to; they link to each other differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// Served by a node, live by server-sent events.
    Live,
    /// The original's static pages, served by a node: `p7.html`, `p7adv.html`, `{id}.html`.
    Static,
    /// Files in one folder, as they are published: those and `index.html`.
    Published,
}

/// Where in its site a page stands; links are relative, so a proxy may put the site below any path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At the top.
    Top,
    /// One folder down: `services/{id}`.
    Below,
    /// Who knows: a page that was not found.
    Anywhere,
}

/// Whether who reads the page may change things through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// Yes: forms are shown.
    Allowed,
    /// No: commands are named instead.
    Refused,
}

/// What the node that renders says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: NodeId,
    /// Its version.
    pub version: String,
    /// When it started.
    pub started: MeshTime,
    /// What it does: `probe`, `leader` …
    pub roles: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The mesh's name, if it has one.
    pub mesh: Option<String>,
    /// Why the machine is believed to be cut off and since when; none when it is not.
    pub cut_off: Option<(String, MeshTime)>,
    /// What is wrong with the store and what to do; none when nothing is.
    pub store_trouble: Option<String>,
    /// Results that were not stored since then.
    pub results_lost: u64,
    /// A short hash of the configuration in force; empty before there is one.
    pub configuration: String,
    /// When it was taken up.
    pub configured: Option<MeshTime>,
    /// The faults of a newer configuration that was refused; empty when all is well.
    pub refused: Vec<String>,
    /// Whether node.toml has changed since the start.
    pub restart_needed: bool,
}

/// Something about the node itself that whoever reads the page must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The colour.
    pub tone: &'static str,
    /// The symbol.
    pub icon: &'static str,
    /// What is wrong.
    pub title: String,
    /// More about it, in lines.
    pub lines: Vec<String>,
    /// Since when.
    pub since: Option<TimeView>,
}

/// What surrounds every page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// What goes before every link to get to the site's top.
    pub base: &'static str,
    /// How the page is kept up to date: `events`, `poll` or `state`.
    pub live: &'static str,
    /// Link to the overview.
    pub home: String,
    /// Link to the page of nodes; empty where there is none.
    pub mesh: String,
    /// The mesh's name; empty where it has none or the product's.
    pub mesh_name: String,
    /// The node's name.
    pub node: String,
    /// Its version.
    pub version: String,
    /// When the page was made.
    pub now: TimeView,
    /// What is wrong with the node.
    pub notices: Vec<Notice>,
    /// Whether forms may be shown.
    pub writes: bool,
    /// The last change that the page shows, for the event stream to go on from; empty where there is none.
    pub seen: String,
    /// What the page says about its publication; none where a node serves it.
    pub published: Option<PublishedView>,
}

impl Frame {
    /// Of a page at `place` in `site`.
    pub fn new(about: &About, site: Site, place: Place, writes: Writes, now: MeshTime) -> Self {
        let base = match place {
            Place::Top => "",
            Place::Below => "../",
            Place::Anywhere => "/",
        };
        let (home, mesh) = match (site, place) {
            (Site::Live, Place::Top) => ("./".to_owned(), "mesh".to_owned()),
            (Site::Live, Place::Below | Place::Anywhere) => (base.to_owned(), format!("{base}mesh")),
            (Site::Static, _) => (format!("{base}p7adv.html"), String::new()),
            (Site::Published, _) => (format!("{base}index.html"), String::new()),
        };
        Self {
            base,
            mesh_name: about.mesh.clone().filter(|name| name != "Protocol/7").unwrap_or_default(),
            live: match site {
                Site::Live => "events",
                Site::Static => "poll",
                Site::Published => "state",
            },
            home,
            mesh,
            node: about.name.clone(),
            version: about.version.clone(),
            now: TimeView::full(now, now),
            notices: notices(about, now),
            writes: writes == Writes::Allowed,
            seen: String::new(),
            published: None,
        }
    }

    /// Of a published page. The overviews are made each time and have no `version`; a service's page has one.
    pub fn published(about: &About, publication: &Publication, version: &str, now: MeshTime) -> Self {
        let frame = Self::new(about, Site::Published, Place::Top, Writes::Refused, now);
        Self { published: Some(PublishedView::new(publication, version, now)), ..frame }
    }
}

/// Pages of a published site that are no service's.
const OWN_PAGES: [&str; 3] = ["index", "p7", "p7adv"];

/// Link from the site's top to a service's page.
pub fn service_link(site: Site, id: &ServiceId) -> String {
    match site {
        Site::Live => format!("services/{id}"),
        // no id begins with a dash
        Site::Published if OWN_PAGES.contains(&id.as_str()) => format!("-{id}.html"),
        Site::Static | Site::Published => format!("{id}.html"),
    }
}

fn notices(about: &About, now: MeshTime) -> Vec<Notice> {
    let mut notices = Vec::new();
    if let Some((why, since)) = &about.cut_off {
        notices.push(Notice {
            tone: "red",
            icon: "offline",
            title: format!("{} is cut off from the network", about.name),
            lines: vec![
                why.clone(),
                "Failures seen from here count for nothing until it is back.".to_owned(),
            ],
            since: Some(TimeView::full(*since, now)),
        });
    }
    if let Some(trouble) = &about.store_trouble {
        let lost = match about.results_lost {
            0 => "Nothing is lost so far.".to_owned(),
            n => format!(
                "{} not stored since.",
                count(usize::try_from(n).unwrap_or(usize::MAX), "result was", "results were")
            ),
        };
        notices.push(Notice {
            tone: "orange",
            icon: "store",
            title: "Results are not being stored".to_owned(),
            lines: vec![trouble.clone(), lost],
            since: None,
        });
    }
    if !about.refused.is_empty() {
        notices.push(Notice {
            tone: "orange",
            icon: "file",
            title: "A newer configuration was refused; the one before stays in force".to_owned(),
            lines: about.refused.clone(),
            since: None,
        });
    }
    if about.restart_needed {
        notices.push(Notice {
            tone: "orange",
            icon: "file",
            title: "node.toml has changed; restart p7 to take that up".to_owned(),
            lines: Vec::new(),
            since: None,
        });
    }
    notices
}
