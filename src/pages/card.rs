//! A service's card: what one look must tell.

use super::cycles::CyclesView;
use super::frame::{Site, service_link};
use super::names::{Failing, Names};
use super::words::{self, TimeView};
use p7_core::facts::DeploymentState;
use p7_core::service::Service;
use p7_core::status::{Freshness, MaintenanceNote, ServiceStatus, VantageStatus};
use p7_core::vocabulary::{Level, Outcome, Vote};
use serde::Serialize;

/// Vantage points a card has a dot for; the service's page has them all.
const DOTS_LIMIT: usize = 24;

/// A remark on a card: `acknowledged by ada`, `silenced until …`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// Its colour, a class.
    pub tone: &'static str,
    /// Its symbol.
    pub icon: &'static str,
    /// In words.
    pub text: String,
    /// The time the words end with.
    pub time: Option<TimeView>,
    /// What more there is to say about it.
    pub more: String,
}

impl Mark {
    pub(super) fn new(tone: &'static str, icon: &'static str, text: impl Into<String>) -> Self {
        Self { tone, icon, text: text.into(), time: None, more: String::new() }
    }
}

/// One vantage point on a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chip {
    /// Which node sees what, and how fast.
    pub text: String,
    /// Its colour, a class.
    pub tone: &'static str,
    /// Its symbol.
    pub icon: &'static str,
}

/// The line about the last deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeploymentView {
    /// `running`, `succeeded`, `failed`.
    pub state: &'static str,
    /// What happened, in words.
    pub verb: &'static str,
    /// Its name.
    pub name: String,
    /// Who or what deployed; may be empty.
    pub by: String,
    /// When.
    pub at: TimeView,
    /// Where to read more.
    pub link: Option<String>,
}

/// Everything a card shows. It holds no "now", so it stays right until the status changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardView {
    /// The service's id.
    pub id: String,
    /// Link to its page, from the site's top.
    pub href: String,
    /// Its name.
    pub name: String,
    /// Its environment; may be empty.
    pub environment: String,
    /// Labels and target, to be found by the filter.
    pub search: String,
    /// The level's name in the API.
    pub level: &'static str,
    /// The level for people, or that it is in maintenance.
    pub word: &'static str,
    /// The level of what is in maintenance; else empty.
    pub beside: &'static str,
    /// The symbol of the level, or of what stands above it.
    pub icon: &'static str,
    /// The colour of the border.
    pub colour: &'static str,
    /// Whether it counts as in maintenance.
    pub maintenance: bool,
    /// Whether the level is memory.
    pub stale: bool,
    /// Since when.
    pub since: Option<TimeView>,
    /// When it was last tested.
    pub last_probe: Option<TimeView>,
    /// The failtage for people.
    pub failtage: String,
    /// The response time for people; empty when unknown.
    pub latency: String,
    /// Why it is not up.
    pub reason: Option<String>,
    /// The last cycles.
    pub cycles: CyclesView,
    /// Remarks.
    pub marks: Vec<Mark>,
    /// Vantage points, when there are several.
    pub chips: Vec<Chip>,
    /// How many more vantage points there are.
    pub more_chips: usize,
    /// The last deployment.
    pub deployment: Option<DeploymentView>,
    /// What to do: shown while something is wrong.
    pub runbook: Option<String>,
    /// Where people use it.
    pub link: Option<String>,
}

impl CardView {
    /// The card of a service as it now stands.
    pub fn new(service: &Service, status: &ServiceStatus, names: &Names, site: Site) -> Self {
        let troubled = status.outcome.is_some_and(|o| o != Outcome::Up) || status.level > Level::Healthy;
        let (chips, more_chips) = chips(status, names);
        let (word, beside) = words::standing(status);
        Self {
            id: service.id.to_string(),
            href: service_link(site, &service.id),
            name: service.name.clone(),
            environment: service.environment.clone(),
            search: search(service),
            level: status.level.as_str(),
            word,
            beside,
            icon: icon(status),
            colour: status.colour().as_str(),
            maintenance: status.maintenance.is_some(),
            stale: status.freshness == Freshness::Stale,
            since: status.since.map(TimeView::short),
            last_probe: status.last_probe.map(TimeView::clock),
            failtage: status.failtage.map_or_else(|| "–".to_owned(), words::failtage),
            latency: status.latency.map_or_else(|| "–".to_owned(), words::latency),
            reason: status.reason.as_deref().filter(|_| troubled).map(str::to_owned),
            cycles: CyclesView::new(&status.cycles),
            marks: marks(status, names),
            chips,
            more_chips,
            deployment: status.deployment.as_ref().map(|d| DeploymentView {
                state: match d.state {
                    DeploymentState::Running => "running",
                    DeploymentState::Succeeded => "succeeded",
                    DeploymentState::Failed => "failed",
                },
                verb: match d.state {
                    DeploymentState::Running => "deploying",
                    DeploymentState::Succeeded => "deployed",
                    DeploymentState::Failed => "deployment failed:",
                },
                name: d.name.clone(),
                by: d.by.clone(),
                at: TimeView::short(d.at),
                link: d.link.as_deref().and_then(words::safe_link),
            }),
            runbook: service.runbook.as_deref().filter(|_| troubled).and_then(words::safe_link),
            link: service.link.as_deref().and_then(words::safe_link),
        }
    }
}

fn search(service: &Service) -> String {
    let mut words: Vec<String> =
        service.labels.iter().map(|(k, v)| format!("{k}={v}").to_lowercase()).collect();
    words.push(service.kind.to_lowercase());
    words.push(service.target.to_lowercase());
    words.join(" ")
}

/// The symbol of a level.
pub(super) fn level_icon(level: Level) -> &'static str {
    match level {
        Level::Unknown => "unknown",
        Level::Healthy => "healthy",
        Level::Partial => "partial",
        Level::Warning => "warning",
        Level::Incident => "incident",
        Level::Down => "down",
    }
}

/// The symbol of a service: its level's, or of what stands above it.
pub(super) fn icon(status: &ServiceStatus) -> &'static str {
    match (&status.maintenance, status.outcome) {
        (Some(_), _) => "maintenance",
        (None, Some(Outcome::Unmanaged)) => "unknown",
        (None, _) => level_icon(status.level),
    }
}

/// The symbol of an outcome.
pub(super) fn outcome_icon(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NoNetwork => "offline",
        Outcome::Unauthorized => "lock",
        Outcome::Failed => "down",
        Outcome::Maintenance => "maintenance",
        Outcome::Up => "healthy",
        Outcome::Mismatch => "mismatch",
        Outcome::Unmanaged => "unknown",
    }
}

fn marks(status: &ServiceStatus, names: &Names) -> Vec<Mark> {
    let mut marks = Vec::new();
    marks.extend(confirmed(status, names));
    marks.extend(outcome_mark(status));
    if status.freshness == Freshness::Stale {
        marks.push(Mark {
            more: "too few of the last cycles are known; this is how it was".to_owned(),
            ..Mark::new("grey", "stale", "stale")
        });
    }
    if status.flapping {
        marks.push(Mark {
            more: "the level changes too often to be told each time".to_owned(),
            ..Mark::new("orange", "flapping", "flapping")
        });
    }
    if let Some(ack) = &status.acknowledged {
        marks.push(Mark {
            more: ack.reason.clone(),
            ..Mark::new("lightblue", "ack", format!("acknowledged by {}", ack.by))
        });
    }
    if let Some(silence) = &status.silence {
        marks.push(Mark {
            time: Some(TimeView::short(silence.until)),
            more: format!("by {}", silence.by),
            ..Mark::new("grey", "mute", "silenced until")
        });
    }
    match &status.maintenance {
        Some(MaintenanceNote::Planned { until, reason }) => marks.push(Mark {
            time: Some(TimeView::short(*until)),
            more: reason.clone(),
            ..Mark::new("yellow", "maintenance", "in maintenance until")
        }),
        Some(MaintenanceNote::Found) => marks.push(Mark {
            more: "the service itself says so".to_owned(),
            ..Mark::new("yellow", "maintenance", words::IN_MAINTENANCE)
        }),
        None => {}
    }
    marks
}

/// `fails from 2 of 5: sydney, paris`, or for what is failing `seen from 3 of 5: sydney, paris, lima`.
fn confirmed(status: &ServiceStatus, names: &Names) -> Option<Mark> {
    let failing = Failing::of(status, names);
    if status.level >= Level::Warning && failing.failed > 0 && failing.voting > 1 {
        let tone = if status.level == Level::Down { "red" } else { "orange" };
        return Some(Mark::new(tone, "node", format!("seen from {}", failing.text())));
    }
    let text = format!("fails from {}", failing.text());
    failing.is_split().then(|| Mark::new("orange", "partial", text))
}

fn outcome_mark(status: &ServiceStatus) -> Option<Mark> {
    let (tone, more) = match status.outcome? {
        Outcome::Up | Outcome::Failed | Outcome::Maintenance => return None,
        Outcome::NoNetwork => ("grey", "the node that tests is cut off; this counts for nothing"),
        Outcome::Unauthorized => ("pink", "the service refuses the credentials"),
        Outcome::Mismatch => ("purple", "it answers, but not with the text that was asked for"),
        Outcome::Unmanaged => ("grey", "the answer's code is in none of the configured lists"),
    };
    let outcome = status.outcome?;
    Some(Mark { more: more.to_owned(), ..Mark::new(tone, outcome_icon(outcome), words::outcome(outcome)) })
}

fn chips(status: &ServiceStatus, names: &Names) -> (Vec<Chip>, usize) {
    if status.vantage.len() < 2 {
        return (Vec::new(), 0);
    }
    // who sees a failure first, since only some have room
    let mut seen: Vec<_> = status.vantage.iter().map(|v| (names.of(&v.node), v)).collect();
    seen.sort_by(|(a, x), (b, y)| {
        let failed = |v: &VantageStatus| v.vote != Some(Vote::Failed);
        (failed(x), a).cmp(&(failed(y), b))
    });
    let chips = (seen.iter().take(DOTS_LIMIT))
        .map(|(node, v)| Chip {
            text: format!("{node}: {}, {}", words::outcome(v.outcome), words::latency(v.latency)),
            tone: v.outcome.colour().as_str(),
            icon: outcome_icon(v.outcome),
        })
        .collect();
    (chips, seen.len().saturating_sub(DOTS_LIMIT))
}
