//! One service's page: its past, its incidents, its last results, how it is watched.

use super::card::{CardView, Mark, level_icon, outcome_icon};
use super::chart::ChartView;
use super::frame::{Frame, Site, service_link};
use super::history::{DayBar, HistoryBucket, Range, UptimeView, Votes, beginning, days};
use super::names::Names;
use super::words::{self, TimeView};
use p7_core::facts::Acknowledgement;
use p7_core::incident::Incident;
use p7_core::result::ProbeResult;
use p7_core::service::{Rules, Service, VantagePoints};
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{Level, MeshTime, Micros, Millis, NodeId};
use serde::Serialize;
use std::fmt::Write as _;

/// Results a page lists; the API has them all.
const RESULTS_LIMIT: usize = 50;
/// Incidents a page lists.
const INCIDENTS_LIMIT: usize = 50;
/// A certificate that ends sooner is marked: enough for a person to renew it by hand.
const CERTIFICATE_SOON: Millis = Millis(14 * 86_400_000);

/// What a service's page is made from.
#[derive(Debug, Clone, Copy)]
pub struct ServicePage<'a> {
    /// The service.
    pub service: &'a Service,
    /// How it is.
    pub status: &'a ServiceStatus,
    /// What the nodes are called.
    pub names: &'a Names,
    /// How far back the chart looks.
    pub range: Range,
    /// The past of that range, oldest first.
    pub history: &'a [HistoryBucket],
    /// The past of 90 days, a bucket a day, oldest first.
    pub days: &'a [HistoryBucket],
    /// Votes of each range, in [`Range::ALL`]'s order.
    pub uptime: [Votes; 4],
    /// Its incidents, the latest first, each with who has acknowledged it.
    pub incidents: &'a [(Incident, Option<Acknowledgement>)],
    /// Its last results, the latest first.
    pub results: &'a [ProbeResult],
}

/// One line of the list of incidents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncidentRow {
    /// Its id.
    pub id: String,
    /// The worst level it reached.
    pub level: &'static str,
    /// Its symbol.
    pub icon: &'static str,
    /// Whether it goes on.
    pub open: bool,
    /// When it began.
    pub started: TimeView,
    /// When it ended.
    pub ended: Option<TimeView>,
    /// How long it lasted so far.
    pub duration: String,
    /// The first reason heard; may be empty.
    pub reason: String,
    /// Who has acknowledged it; may be empty.
    pub acknowledged: String,
    /// What they said; may be empty.
    pub note: String,
}

/// One phase of a result, as a piece of a bar 1000 wide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhasePart {
    /// Its name.
    pub name: &'static str,
    /// Where it begins.
    pub x: u64,
    /// How wide it is.
    pub width: u64,
    /// For people.
    pub text: String,
}

/// One line of the list of results, and of the list of vantage points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResultRow {
    /// When.
    pub at: TimeView,
    /// From where.
    pub node: String,
    /// What it came to.
    pub outcome: &'static str,
    /// Its colour.
    pub tone: &'static str,
    /// Its symbol.
    pub icon: &'static str,
    /// Why; may be empty.
    pub reason: String,
    /// The status code and attempts, where they say something; may be empty.
    pub detail: String,
    /// How long it took.
    pub latency: String,
    /// Where that time went.
    pub phases: Vec<PhasePart>,
    /// The vantage point's failtage; empty in the list of results.
    pub failtage: String,
}

/// A link to a range of the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RangeLink {
    /// As in `?range=`.
    pub range: Range,
    /// Whether it is the one shown.
    pub current: bool,
}

/// Something the configuration says, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What about.
    pub label: &'static str,
    /// What it is.
    pub text: String,
    /// Its colour where it asks to be looked at; else empty.
    pub tone: &'static str,
}

/// A link to another service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Needed {
    /// Its id.
    pub id: String,
    /// Link from the site's top.
    pub href: String,
}

/// One service's page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServicePageView {
    /// What surrounds it.
    pub frame: Frame,
    /// What the card says.
    pub card: CardView,
    /// The level's kind, for the favicon.
    pub bucket: super::index::Bucket,
    /// Since when, from now.
    pub since: Option<TimeView>,
    /// What the service is; may be empty.
    pub description: String,
    /// Its uptime over each range.
    pub uptime: Vec<UptimeView>,
    /// Its uptime over what is known of the last 90 days.
    pub availability: UptimeView,
    /// The last 90 days.
    pub days: Vec<DayBar>,
    /// The ranges to choose from; empty on a static page, which has one.
    pub ranges: Vec<RangeLink>,
    /// Response times.
    pub chart: ChartView,
    /// Its incidents.
    pub incidents: Vec<IncidentRow>,
    /// Its last results.
    pub results: Vec<ResultRow>,
    /// Who sees what.
    pub vantage: Vec<ResultRow>,
    /// How it is watched.
    pub facts: Vec<Fact>,
    /// Free labels, `key=value`.
    pub labels: Vec<String>,
    /// Services it needs.
    pub needs: Vec<Needed>,
    /// What to do when it fails.
    pub runbook: Option<String>,
    /// Whether an incident is open that nobody has acknowledged.
    pub to_acknowledge: bool,
}

impl ServicePageView {
    /// Made from what is known about a service now.
    pub fn new(frame: Frame, site: Site, page: &ServicePage<'_>, now: MeshTime) -> Self {
        let (service, status) = (page.service, page.status);
        let ranges = (Range::ALL.into_iter())
            .filter(|_| site == Site::Live)
            .map(|range| RangeLink { range, current: range == page.range })
            .collect();
        let first = beginning(page.days, page.history, page.results);
        let certificate = certificate(page.results, now);
        let mut card = CardView::new(service, status, page.names, site);
        card.marks.extend(
            certificate
                .as_ref()
                .filter(|c| !c.tone.is_empty())
                .map(|c| Mark::new(c.tone, "lock", format!("certificate {}", c.text))),
        );
        Self {
            frame,
            card,
            bucket: super::index::Bucket::of(status),
            since: status.since.map(|at| TimeView::full(at, now)),
            description: service.description.clone().unwrap_or_default(),
            uptime: (Range::ALL.into_iter().zip(page.uptime))
                .map(|(range, votes)| UptimeView::new(range, votes, first, now))
                .collect(),
            availability: UptimeView::of_all(Votes::of(page.days), first, now),
            days: days(page.days, now),
            ranges,
            chart: ChartView::new(page.history, page.range, now),
            incidents: (page.incidents.iter().take(INCIDENTS_LIMIT))
                .map(|(incident, ack)| incident_row(incident, ack.as_ref(), now))
                .collect(),
            results: result_rows(page.results, page.names, now),
            vantage: vantage_rows(status, page.names, now),
            facts: facts(service).into_iter().chain(certificate).collect(),
            labels: service.labels.iter().map(|(k, v)| format!("{k}={v}")).collect(),
            needs: (service.depends_on.iter())
                .map(|id| Needed { id: id.to_string(), href: service_link(site, id) })
                .collect(),
            runbook: service.runbook.as_deref().and_then(words::safe_link),
            to_acknowledge: status.incident.is_some() && status.acknowledged.is_none(),
        }
    }
}

fn incident_row(incident: &Incident, ack: Option<&Acknowledgement>, now: MeshTime) -> IncidentRow {
    IncidentRow {
        id: incident.id.to_string(),
        level: incident.worst.as_str(),
        icon: level_icon(incident.worst),
        open: incident.ended.is_none(),
        started: TimeView::full(incident.began, now),
        ended: incident.ended.map(|at| TimeView::full(at, now)),
        duration: words::span(incident.ended.unwrap_or(now).since(incident.began)),
        reason: incident.reason.as_deref().unwrap_or_default().to_owned(),
        acknowledged: ack.map(|a| a.by.clone()).unwrap_or_default(),
        note: ack.map(|a| a.reason.clone()).unwrap_or_default(),
    }
}

fn result_rows(results: &[ProbeResult], names: &Names, now: MeshTime) -> Vec<ResultRow> {
    let shown = results.get(..RESULTS_LIMIT).unwrap_or(results);
    // bars of one list share a scale, so that slow ones look slow
    let longest = shown.iter().map(|r| r.latency).max().unwrap_or_default();
    (shown.iter())
        .map(|r| {
            let mut detail = r.status_code.map(|c| c.to_string()).unwrap_or_default();
            if r.attempts > 1 {
                let space = if detail.is_empty() { "" } else { ", " };
                write!(detail, "{space}attempt {}", r.attempts).unwrap_or_default();
            }
            ResultRow {
                at: TimeView::full(r.at, now),
                node: names.of(&r.node),
                outcome: words::outcome(r.outcome),
                tone: r.outcome.colour().as_str(),
                icon: outcome_icon(r.outcome),
                reason: r.reason.as_deref().unwrap_or_default().to_owned(),
                detail,
                latency: words::latency(r.latency),
                phases: phases(r, longest),
                failtage: String::new(),
            }
        })
        .collect()
}

fn phases(result: &ProbeResult, longest: Micros) -> Vec<PhasePart> {
    let scale = |us: u64| us * 1000 / u64::from(longest.0.max(1));
    let mut before = 0;
    (result.phases.named().into_iter())
        .filter(|(_, took)| took.0 > 0)
        .map(|(name, took)| {
            let x = scale(before).min(1000);
            before += u64::from(took.0);
            PhasePart {
                name,
                x,
                // what took time at all shows
                width: scale(before).min(1000).saturating_sub(x).max(3),
                text: words::latency(took),
            }
        })
        .collect()
}

fn vantage_rows(status: &ServiceStatus, names: &Names, now: MeshTime) -> Vec<ResultRow> {
    (status.vantage.iter())
        .map(|v| ResultRow {
            at: TimeView::full(v.at, now),
            node: place(&v.node, names),
            outcome: words::outcome(v.outcome),
            tone: v.outcome.colour().as_str(),
            icon: outcome_icon(v.outcome),
            reason: v.reason.as_deref().unwrap_or_default().to_owned(),
            detail: String::new(),
            latency: words::latency(v.latency),
            phases: Vec::new(),
            failtage: v.failtage.map_or_else(|| "–".to_owned(), words::failtage),
        })
        .collect()
}

/// A node, and its site where that says more.
fn place(node: &NodeId, names: &Names) -> String {
    let name = names.of(node);
    match names.site(node) {
        Some(site) if site != name => format!("{name} ({site})"),
        Some(_) | None => name,
    }
}

fn facts(service: &Service) -> Vec<Fact> {
    let fact = |label, text| Fact { label, text, tone: "" };
    let from = match service.vantage_points {
        VantagePoints::All => "every node".to_owned(),
        VantagePoints::Count(n) => words::count(usize::from(n), "node", "nodes"),
    };
    let mut facts = vec![
        fact("Test", format!("{} to {}", service.kind.to_uppercase(), service.target)),
        fact("When", format!("every {} from {from}", words::span(service.interval.span()))),
        fact("Time-out", attempts(service)),
        fact("Rules", rules(service.rules)),
    ];
    if !service.maintenance.is_empty() {
        let n = service.maintenance.len();
        facts.push(fact("Maintenance", words::count(n, "planned window", "planned windows")));
    }
    facts
}

/// What the latest result that saw a certificate says of its end.
fn certificate(results: &[ProbeResult], now: MeshTime) -> Option<Fact> {
    let expiry = results.iter().find_map(|r| r.certificate_expiry)?;
    let (left, over) = (expiry.since(now), now.since(expiry));
    let date = TimeView::day(expiry).text;
    let (tone, text) = if over.0 > 0 {
        ("red", format!("expired {} ({date})", words::relative(expiry, now)))
    } else {
        let tone = if left < CERTIFICATE_SOON { "orange" } else { "" };
        (tone, format!("expires {} ({date})", words::relative(expiry, now)))
    };
    Some(Fact { label: "Certificate", text, tone })
}

fn attempts(service: &Service) -> String {
    let timeout = words::span(service.timeout);
    match service.retries {
        0 => format!("{timeout}, no retry"),
        n => format!(
            "{timeout}, then up to {} after {} each",
            words::count(usize::from(n), "retry", "retries"),
            words::span(service.retry_delay)
        ),
    }
}

fn rules(rules: Rules) -> String {
    let Rules { window, orange, red, confirm, recover_after } = rules;
    let recovery = match recover_after {
        0 | 1 => "the first passed cycle".to_owned(),
        n => format!("{n} passed cycles in a row"),
    };
    format!(
        "{} when {orange} of the last {window} cycles failed or {confirm} vantage points fail at once; \
         {} when {red} of {window} failed; over with {recovery}",
        words::level(Level::Incident),
        words::level(Level::Down),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, NOW, Story};

    const DAY: u64 = 86_400_000;

    #[test]
    fn a_certificate_is_marked_two_weeks_before_its_end() {
        let service = sample::service(1);
        let mut results = sample::results(&service, &sample::status(&service, Story::Healthy, 1, 1));
        let mut read = |expiry: Option<MeshTime>| {
            for result in &mut results {
                result.certificate_expiry = expiry;
            }
            certificate(&results, NOW).map(|fact| (fact.tone, fact.text))
        };
        let some = |tone, text: &str| Some((tone, text.to_owned()));
        assert_eq!(read(None), None);
        assert_eq!(read(Some(MeshTime(NOW.0 + 42 * DAY))), some("", "expires in 42 days (3 Jan 2026)"));
        assert_eq!(read(Some(MeshTime(NOW.0 + 13 * DAY))), some("orange", "expires in 13 days (5 Dec 2025)"));
        assert_eq!(read(Some(MeshTime(NOW.0 - 21 * DAY))), some("red", "expired 21 days ago (1 Nov 2025)"));
    }
}
