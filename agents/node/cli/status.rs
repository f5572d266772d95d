//! `p7 status`: how the services are, the worst first.

use super::args;
use super::client::Client;
use super::fault::{Answer, Failure};
use super::out::{self, Screen, Tone};
use super::table::{Cell, Column, Side, table};
use super::view::{self, Service, mesh_time};
use super::when;
use p7_core::vocabulary::{Level, MeshTime};
use serde_json::Value;
use std::cmp::Reverse;

/// The columns of the table, and what gives way on narrow screens.
const COLUMNS: [Column; 7] = [
    Column { title: "LEVEL", side: Side::Left, least: 13, gives_way: 0 },
    Column { title: "NAME", side: Side::Left, least: 12, gives_way: 0 },
    Column { title: "ENVIRONMENT", side: Side::Left, least: 10, gives_way: 4 },
    Column { title: "FAILTAGE", side: Side::Right, least: 8, gives_way: 2 },
    Column { title: "RESPONSE", side: Side::Right, least: 8, gives_way: 3 },
    Column { title: "SINCE", side: Side::Right, least: 7, gives_way: 1 },
    Column { title: "REASON", side: Side::Left, least: 20, gives_way: 1 },
];

/// How a service is, in the words of the table: its level, or that it is being worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Level(Level),
    Maintenance,
}

impl Shown {
    pub(crate) fn of(service: &Service) -> Self {
        match &service.maintenance {
            Some(_) => Self::Maintenance,
            None => Self::Level(service.level),
        }
    }

    /// Worse is greater. Not knowing is worse than being well.
    fn rank(self) -> u8 {
        match self {
            Self::Level(Level::Healthy) => 0,
            Self::Maintenance => 1,
            Self::Level(Level::Unknown) => 2,
            Self::Level(Level::Partial) => 3,
            Self::Level(Level::Warning) => 4,
            Self::Level(Level::Incident) => 5,
            Self::Level(Level::Down) => 6,
        }
    }

    /// A sign beside the word, so that colour alone says nothing.
    pub(crate) fn sign(self) -> char {
        match self {
            Self::Level(Level::Healthy) => '✓',
            Self::Maintenance => '=',
            Self::Level(Level::Unknown) => '?',
            Self::Level(Level::Partial) => '~',
            Self::Level(Level::Warning) => '!',
            Self::Level(Level::Incident) => '▲',
            Self::Level(Level::Down) => '✗',
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Level(level) => level.as_str(),
            Self::Maintenance => "maintenance",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Level(Level::Healthy | Level::Partial) => Tone::Good,
            Self::Maintenance => Tone::Note,
            Self::Level(Level::Unknown) => Tone::Faint,
            Self::Level(Level::Warning | Level::Incident) => Tone::Warn,
            Self::Level(Level::Down) => Tone::Bad,
        }
    }

    /// Sign and word in one cell.
    pub(crate) fn cell(self) -> Cell {
        Cell::new(self.tone(), &format!("{} {}", self.sign(), self.word()))
    }

    /// Whether this makes `p7 status` end with 1.
    pub(crate) fn is_trouble(self) -> bool {
        matches!(self, Self::Level(Level::Incident | Level::Down))
    }
}

/// Answers `p7 status`.
pub(crate) async fn run(args: &args::Status) -> Result<Answer, Failure> {
    let client = Client::new(&args.node)?;
    if args.watch {
        return super::watch::run(&client, args.filter.as_deref()).await;
    }
    let found = fetch(&client, args.filter.as_deref()).await?;
    if args.form.json {
        let values: Vec<&Value> = found.iter().map(|(value, _)| value).collect();
        out::print_json(&values)?;
    } else {
        let services = services_of(found.iter());
        if let Some(trouble) = view::configuration(&client).await.trouble() {
            let line = format!("! {}; `p7 check` shows every fault", out::clean(&trouble));
            out::print(&format!("{}\n\n", Screen::of_stdout().ink.paint(Tone::Warn, &line)))?;
        }
        out::print(&text(&services, when::now(), Screen::of_stdout()))?;
    }
    let trouble = found.iter().any(|(_, s)| Shown::of(s).is_trouble());
    Ok(if trouble { Answer::NotSo } else { Answer::Fine })
}

/// The services that the filter lets through, as the node said them and as we read them, worst first.
pub(crate) async fn fetch(client: &Client, filter: Option<&str>) -> Result<Vec<(Value, Service)>, Failure> {
    let values = view::every(client, &["services"]).await?;
    let mut found = Vec::with_capacity(values.len());
    for value in values {
        let service: Service = view::read(&value)?;
        found.push((value, service));
    }
    if let Some(filter) = filter {
        let exact = found.iter().any(|(_, s)| s.id == filter);
        found.retain(|(_, s)| if exact { s.id == filter } else { lets_through(filter, s) });
        if found.is_empty() {
            return Err(Failure::Use(format!(
                "no service is called or at level `{}`; `p7 services` lists them",
                out::clean(filter)
            )));
        }
    }
    found.sort_by_cached_key(|(_, s)| (Reverse(Shown::of(s).rank()), s.environment.clone(), s.id.clone()));
    Ok(found)
}

pub(crate) fn services_of<'a>(found: impl Iterator<Item = &'a (Value, Service)>) -> Vec<Service> {
    found.map(|(_, service)| service.clone()).collect()
}

fn lets_through(filter: &str, service: &Service) -> bool {
    let wanted = filter.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&wanted);
    Shown::of(service).word() == wanted || has(&service.id) || has(&service.name) || has(&service.environment)
}

/// The whole answer: one line that sums up, and the table.
pub(crate) fn text(services: &[Service], now: MeshTime, screen: Screen) -> String {
    format!("{}\n\n{}", summary(services), rows(services, now, screen))
}

/// `12 services: 1 down, 2 warning, 9 healthy`.
pub(crate) fn summary(services: &[Service]) -> String {
    let mut kinds: Vec<(Shown, usize)> = Vec::new();
    for shown in services.iter().map(Shown::of) {
        match kinds.iter_mut().find(|(known, _)| *known == shown) {
            Some((_, count)) => *count += 1,
            None => kinds.push((shown, 1)),
        }
    }
    kinds.sort_by_key(|(shown, _)| Reverse(shown.rank()));
    let parts: Vec<String> = kinds.iter().map(|(shown, n)| format!("{n} {}", in_a_sum(*shown))).collect();
    match services.len() {
        0 => "no services are watched".to_owned(),
        1 => format!("1 service: {}", parts.join(", ")),
        n => format!("{n} services: {}", parts.join(", ")),
    }
}

fn in_a_sum(shown: Shown) -> &'static str {
    match shown {
        Shown::Maintenance => "in maintenance",
        Shown::Level(Level::Incident) => "in an incident",
        Shown::Level(level) => level.as_str(),
    }
}

/// The table alone.
pub(crate) fn rows(services: &[Service], now: MeshTime, screen: Screen) -> String {
    let rows: Vec<Vec<Cell>> = services
        .iter()
        .map(|s| {
            let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            vec![
                Shown::of(s).cell(),
                Cell::new(Tone::Strong, &s.name),
                Cell::plain(&s.environment),
                Cell::plain(&or_dash(s.failtage_percent.map(|p| format!("{p:.1} %")))),
                Cell::plain(&or_dash(s.latency_ms.map(when::latency))),
                Cell::plain(&or_dash(s.since.map(|at| when::short(now.since(mesh_time(at)))))),
                Cell::plain(&reason(s)),
            ]
        })
        .collect();
    table(&COLUMNS, &rows, screen)
}

/// Why, and what people have said about it.
pub(crate) fn reason(service: &Service) -> String {
    let mut marks: Vec<String> = Vec::new();
    if service.freshness == "stale" {
        marks.push("no fresh results".to_owned());
    }
    if service.flapping {
        marks.push("flapping".to_owned());
    }
    if let Some(by) = service.acknowledged.as_ref().map(|a| &a.by) {
        marks.push(format!("acknowledged by {by}"));
    }
    if service.silence.is_some() {
        marks.push("silenced".to_owned());
    }
    if let Some(deployment) = service.deployment.as_ref().filter(|d| d.state == "running") {
        marks.push(format!("deploying {}", deployment.name));
    }
    let planned = service.maintenance.as_ref().map(|m| m.reason.as_str()).filter(|r| !r.is_empty());
    let why = planned.or(service.reason.as_deref()).unwrap_or("").to_owned();
    let said = [seen_from(service).unwrap_or_default(), why].into_iter().filter(|part| !part.is_empty());
    let said = said.collect::<Vec<_>>().join("; ");
    match (said.is_empty(), marks.is_empty()) {
        (_, true) => said,
        (true, false) => marks.join(", "),
        // first, because the end is what narrow screens cut
        (false, false) => format!("{}: {said}", marks.join(", ")),
    }
}

/// `fails from 2 of 5: sydney, paris` while it is not enough for an incident, else how many see it.
fn seen_from(service: &Service) -> Option<String> {
    let (failed, voting) = (service.vantage_failed, service.vantage_voting);
    if voting < 2 || failed == 0 {
        return None;
    }
    if service.level >= Level::Warning {
        return Some(format!("seen from {failed} of {voting}"));
    }
    Some(format!("fails from {failed} of {voting}: {}", service.fails_from.join(", ")))
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
