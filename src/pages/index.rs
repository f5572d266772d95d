//! The overview: every service's card, grouped by environment, the worst first.

use super::frame::{Frame, Site, service_link};
use super::page::{Page, Piece};
use super::words;
use p7_core::service::Service;
use p7_core::status::{Failtage, Freshness, ServiceStatus};
use p7_core::vocabulary::{Level, ServiceId};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Around a group's number: where its cards belong in the page.
const MARK_BEGINS: &str = "<!--cards ";
const MARK_ENDS: &str = "-->";

/// A rendered card and what its place in the overview depends on. Made when a status changes and kept
/// until it changes again, so that a page of a thousand cards costs no thousand renderings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The service.
    pub id: ServiceId,
    /// Its name.
    pub name: String,
    /// Its environment; may be empty.
    pub environment: String,
    /// How it is doing.
    pub level: Level,
    /// How it is in words, and its level beside that where it is in maintenance.
    standing: (&'static str, &'static str),
    /// Its failtage.
    pub failtage: Option<Failtage>,
    /// What it counts as in the summary.
    pub bucket: Bucket,
    /// Whether its level is memory.
    pub stale: bool,
    /// The card, as [`super::Pages::card`] renders it.
    pub html: Arc<str>,
}

impl Card {
    /// Puts a rendered card together with what sorting needs.
    pub fn new(service: &Service, status: &ServiceStatus, html: Arc<str>) -> Self {
        Self {
            id: service.id.clone(),
            name: service.name.clone(),
            environment: service.environment.clone(),
            level: status.level,
            standing: words::standing(status),
            failtage: status.failtage,
            bucket: Bucket::of(status),
            stale: status.freshness == Freshness::Stale,
            html,
        }
    }

    fn rank(&self) -> (Reverse<Level>, Reverse<Option<Failtage>>, String, &ServiceId) {
        (Reverse(self.level), Reverse(self.failtage), self.name.to_lowercase(), &self.id)
    }
}

/// What a service counts as in the summary. Worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// Down.
    Down,
    /// An incident.
    Incident,
    /// Failed once.
    Warning,
    /// Failed from some vantage points.
    Partial,
    /// In maintenance, whatever its level.
    Maintenance,
    /// Healthy.
    Healthy,
    /// Nothing is known yet.
    Unknown,
}

impl Bucket {
    /// All of them, the worst first.
    pub const ALL: [Self; 7] = [
        Self::Down,
        Self::Incident,
        Self::Warning,
        Self::Partial,
        Self::Maintenance,
        Self::Healthy,
        Self::Unknown,
    ];

    /// Where a status belongs: maintenance keeps its failures from being counted as such.
    pub fn of(status: &ServiceStatus) -> Self {
        if status.maintenance.is_some() {
            return Self::Maintenance;
        }
        match status.level {
            Level::Unknown => Self::Unknown,
            Level::Healthy => Self::Healthy,
            Level::Partial => Self::Partial,
            Level::Warning => Self::Warning,
            Level::Incident => Self::Incident,
            Level::Down => Self::Down,
        }
    }

    /// Its name in classes and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Incident => "incident",
            Self::Warning => "warning",
            Self::Partial => "partial",
            Self::Maintenance => "maintenance",
            Self::Healthy => "healthy",
            Self::Unknown => "unknown",
        }
    }

    /// As it reads after a number.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Down => ("down", "down"),
            Self::Incident => ("incident", "incidents"),
            Self::Warning => ("warning", "warnings"),
            Self::Partial => ("partial", "partial"),
            Self::Maintenance => ("in maintenance", "in maintenance"),
            Self::Healthy => ("healthy", "healthy"),
            Self::Unknown => ("without data", "without data"),
        }
    }

    fn symbol(self) -> &'static str {
        match self {
            Self::Down => "✖",
            Self::Incident => "▲",
            Self::Warning => "!",
            Self::Partial => "◐",
            Self::Maintenance => "🔧",
            Self::Healthy => "✓",
            Self::Unknown => "?",
        }
    }
}

/// How many of a kind there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The kind.
    pub bucket: Bucket,
    /// How many.
    pub count: usize,
    /// How many come before it, for the ribbon.
    pub before: usize,
    /// `2 down`.
    pub text: String,
    /// The word alone.
    pub word: &'static str,
}

/// All services in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many there are.
    pub total: usize,
    /// How many of each kind, the worst first; kinds without any are left out.
    pub counts: Vec<Count>,
    /// How many are shown from memory.
    pub stale: usize,
    /// The worst kind; healthy when all are, unknown when there is none.
    pub worst: Bucket,
    /// `2 down, 1 incident, 27 healthy`.
    pub text: String,
    /// For the head of the page: `All 30 services are healthy`, `2 of 30 services are down`.
    pub headline: String,
    /// For the window's title, with a symbol.
    pub title: String,
}

impl Summary {
    /// Counts them.
    pub fn of<'a>(cards: impl IntoIterator<Item = &'a Card>) -> Self {
        let mut found: BTreeMap<Bucket, usize> = BTreeMap::new();
        let mut stale = 0;
        for card in cards {
            *found.entry(card.bucket).or_default() += 1;
            stale += usize::from(card.stale);
        }
        let total = found.values().sum();
        let mut before = 0;
        let counts: Vec<Count> = found
            .iter()
            .map(|(bucket, count)| {
                let (one, many) = bucket.words();
                before += count;
                Count {
                    bucket: *bucket,
                    count: *count,
                    before: before - count,
                    text: words::count(*count, one, many),
                    word: if *count == 1 { one } else { many },
                }
            })
            .collect();
        let worst = found.keys().next().copied().unwrap_or(Bucket::Unknown);
        let text = (counts.iter().map(|c| c.text.as_str())).collect::<Vec<_>>().join(", ");
        let headline = headline(worst, found.get(&worst).copied().unwrap_or(0), total);
        let title = match worst {
            Bucket::Healthy => "✓ all healthy".to_owned(),
            Bucket::Unknown if total == 0 => "no services".to_owned(),
            Bucket::Down
            | Bucket::Incident
            | Bucket::Warning
            | Bucket::Partial
            | Bucket::Maintenance
            | Bucket::Unknown => format!("{} {text}", worst.symbol()),
        };
        Self { total, counts, stale, worst, text, headline, title }
    }
}

fn headline(worst: Bucket, count: usize, total: usize) -> String {
    let some = |what_one: &str, what_many: &str| {
        if total == 1 {
            format!("The service {what_one}")
        } else if count == total {
            format!("All {total} services {what_many}")
        } else if count == 1 {
            format!("1 of {total} services {what_one}")
        } else {
            format!("{count} of {total} services {what_many}")
        }
    };
    match worst {
        Bucket::Down => some("is down", "are down"),
        Bucket::Incident => some("has an incident", "have incidents"),
        Bucket::Warning => some("failed just now", "failed just now"),
        Bucket::Partial => some("fails from somewhere", "fail from somewhere"),
        Bucket::Maintenance => some("is in maintenance", "are in maintenance"),
        Bucket::Healthy => some("is healthy", "are healthy"),
        Bucket::Unknown if total == 0 => "Nothing is watched yet".to_owned(),
        Bucket::Unknown => "Waiting for the first results".to_owned(),
    }
}

/// An environment's cards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupView {
    /// The environment; empty for services that name none.
    pub environment: String,
    /// Its heading.
    pub title: String,
    /// Its summary.
    pub summary: Summary,
    /// Where the cards belong: a mark that no text of a service can hold, since texts are escaped. They are
    /// put there one by one when the page is sent, so that a thousand of them are never copied into one text.
    cards: String,
    /// The cards in their order.
    #[serde(skip)]
    members: Vec<Arc<str>>,
}

/// The overview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndexView {
    /// What surrounds it.
    pub frame: Frame,
    /// All in one line.
    pub summary: Summary,
    /// The groups, the one with the worst member first.
    pub groups: Vec<GroupView>,
}

impl IndexView {
    /// Groups and sorts the cards, which come in any order.
    pub fn new(frame: Frame, cards: &[Arc<Card>]) -> Self {
        let mut groups: BTreeMap<&str, Vec<&Card>> = BTreeMap::new();
        for card in cards {
            groups.entry(&card.environment).or_default().push(card);
        }
        let mut groups: Vec<(&str, Vec<&Card>)> = groups.into_iter().collect();
        for (_, members) in &mut groups {
            members.sort_by_cached_key(|c| c.rank());
        }
        let worst = |members: &[&Card]| members.first().map(|c| (Reverse(c.level), Reverse(c.failtage)));
        // what names no environment stands last, however it is: it belongs to nothing
        groups.sort_by_key(|(environment, members)| {
            (environment.is_empty(), worst(members), environment.to_lowercase())
        });
        let nameless = if groups.len() == 1 { "Services" } else { "Other" };
        Self {
            frame,
            summary: Summary::of(cards.iter().map(Arc::as_ref)),
            groups: groups
                .into_iter()
                .enumerate()
                .map(|(number, (environment, members))| match environment {
                    "" => GroupView::new(number, environment, &members, nameless),
                    _ => GroupView::new(number, environment, &members, environment),
                })
                .collect(),
        }
    }

    /// The rendered page with the cards at their places. A template that shows a group twice, or not at all,
    /// gets it so.
    pub(super) fn with_cards(&self, html: String) -> Page {
        let mut pieces = Vec::new();
        let mut rest = html.as_str();
        while let Some((before, after)) = rest.split_once(MARK_BEGINS) {
            let Some((number, after)) = after.split_once(MARK_ENDS) else { break };
            pieces.push(Piece::Own(before.to_owned()));
            let group = number.parse::<usize>().ok().and_then(|number| self.groups.get(number));
            pieces.extend(group.iter().flat_map(|group| &group.members).cloned().map(Piece::Card));
            rest = after;
        }
        if pieces.is_empty() {
            return Page::from(html);
        }
        pieces.push(Piece::Own(rest.to_owned()));
        Page::of(pieces)
    }
}

impl GroupView {
    fn new(number: usize, environment: &str, members: &[&Card], title: &str) -> Self {
        Self {
            environment: environment.to_owned(),
            title: title.to_owned(),
            summary: Summary::of(members.iter().copied()),
            cards: format!("{MARK_BEGINS}{number}{MARK_ENDS}"),
            members: members.iter().map(|card| Arc::clone(&card.html)).collect(),
        }
    }

    /// Its cards in their order.
    pub fn cards(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(AsRef::as_ref)
    }
}

/// One line of the basic list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListRow {
    /// The service's name.
    pub name: String,
    /// Its environment; may be empty.
    pub environment: String,
    /// Link to its page.
    pub href: String,
    /// The level for people, or that it is in maintenance.
    pub word: &'static str,
    /// The level of what is in maintenance; else empty.
    pub beside: &'static str,
    /// The kind, as class and symbol.
    pub bucket: &'static str,
    /// For people.
    pub failtage: String,
}

/// The basic list: name, status, failtage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListView {
    /// What surrounds it.
    pub frame: Frame,
    /// All in one line.
    pub summary: Summary,
    /// The services, the worst first.
    pub rows: Vec<ListRow>,
}

impl ListView {
    /// Sorts the services, which come in any order.
    pub fn new(frame: Frame, cards: &[Arc<Card>]) -> Self {
        let site = if frame.published.is_some() { Site::Published } else { Site::Static };
        let mut sorted: Vec<&Card> = cards.iter().map(Arc::as_ref).collect();
        sorted.sort_by_cached_key(|c| c.rank());
        Self {
            frame,
            summary: Summary::of(sorted.iter().copied()),
            rows: sorted
                .into_iter()
                .map(|c| ListRow {
                    name: c.name.clone(),
                    environment: c.environment.clone(),
                    href: service_link(site, &c.id),
                    word: c.standing.0,
                    beside: c.standing.1,
                    bucket: c.bucket.as_str(),
                    failtage: c.failtage.map_or_else(|| "–".to_owned(), words::failtage),
                })
                .collect(),
        }
    }
}
