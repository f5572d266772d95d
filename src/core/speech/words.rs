//! The words of messages: times and spans as people say them, titles, and a whole message as plain text.

use super::message::{Item, Kind, Message};
use crate::facts::DeploymentState;
use crate::vocabulary::{Level, MeshTime, Millis, shortened};
use chrono::DateTime;
use std::fmt::Write;

/// Vantage points of one service that are named; the others are counted.
const VIEWS_SHOWN: usize = 5;
/// Longest reason shown beside a vantage point, in bytes.
const REASON_SHOWN: usize = 160;

/// A span as people say it, with its two largest units: `45 s`, `12 min`, `2 h 5 min`, `3 d 4 h`.
pub fn span(span: Millis) -> String {
    let seconds = span.0 / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |large: u64, unit: &str, small: u64, smaller: &str| {
        if small == 0 { format!("{large} {unit}") } else { format!("{large} {unit} {small} {smaller}") }
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 if minutes < 10 => pair(minutes, "min", seconds % 60, "s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => pair(hours, "h", minutes % 60, "min"),
        _ => pair(days, "d", hours % 24, "h"),
    }
}

/// A moment as people write it: `2026-11-24 15:20:36 UTC`.
pub fn moment(at: MeshTime) -> String {
    let time = i64::try_from(at.0).ok().and_then(DateTime::from_timestamp_millis);
    time.map_or_else(|| "an unknown time".to_owned(), |time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// A level as people say it.
pub fn level(level: Level) -> &'static str {
    match level {
        Level::Unknown => "not known",
        Level::Healthy => "well",
        Level::Partial => "failing from some places",
        Level::Warning => "failed once",
        Level::Incident => "failing",
        Level::Down => "down",
    }
}

/// A service's name with its environment, where it has one.
pub fn name(item: &Item) -> String {
    if item.environment.is_empty() {
        item.name.clone()
    } else {
        format!("{} ({})", item.name, item.environment)
    }
}

/// What happened to one service, in one line: `Shop (production) is down since 12 min`.
pub fn headline(item: &Item, now: MeshTime) -> String {
    let name = name(item);
    let lasting = item.since.map(|since| span(item.ended.unwrap_or(now).since(since)));
    match (item.kind, lasting) {
        (Kind::Test, _) => format!("{name}: a test"),
        (Kind::Flapping, _) => format!("{name} changes too often; it is not told each time"),
        (Kind::Recovery, Some(lasted)) => format!("{name} is well again after {lasted}"),
        (Kind::Recovery, None) => format!("{name} is well again"),
        (Kind::Reminder, Some(lasting)) => format!("{name} is still {} for {lasting}", level(item.level)),
        (Kind::Escalation, Some(lasting)) => {
            format!("{name} is {} for {lasting} and nobody has acknowledged it", level(item.level))
        }
        (_, Some(lasting)) => format!("{name} is {} for {lasting}", level(item.level)),
        (_, None) => format!("{name} is {}", level(item.level)),
    }
}

/// Where it fails and where not, in a line: `fails from berlin (connection refused) and 2 more, not from oslo`.
/// None when no vantage point is known.
pub fn seen_from(item: &Item) -> Option<String> {
    let named = |view: &super::message::View| {
        let reason = shortened(&view.reason, REASON_SHOWN);
        if reason.is_empty() { view.node.clone() } else { format!("{} ({reason})", view.node) }
    };
    let failing = listed(item.failing.iter().map(named), item.failing.len());
    let passing = listed(item.passing.iter().cloned(), item.passing.len());
    match (failing, passing) {
        (Some(failing), Some(passing)) => Some(format!("fails from {failing}, not from {passing}")),
        (Some(failing), None) => Some(format!("fails from {failing}")),
        (None, Some(passing)) => Some(format!("works from {passing}")),
        (None, None) => None,
    }
}

fn listed(names: impl Iterator<Item = String>, count: usize) -> Option<String> {
    let shown: Vec<String> = names.take(VIEWS_SHOWN).collect();
    let more = count.saturating_sub(shown.len());
    match shown.as_slice() {
        [] => None,
        _ if more > 0 => Some(format!("{} and {more} more", shown.join(", "))),
        _ => Some(shown.join(", ")),
    }
}

/// The facts about one service, each with its heading: failtage, vantage points, deployment, who is on it.
pub fn details(item: &Item) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(since) = item.since {
        lines.push(("Since", moment(since)));
    }
    if let Some(ended) = item.ended {
        lines.push(("Until", moment(ended)));
    }
    match seen_from(item) {
        Some(seen) => lines.push(("Seen", seen)),
        None => lines.extend(item.reason.as_ref().map(|reason| ("Reason", reason.to_string()))),
    }
    if let Some(failtage) = item.failtage {
        lines.push(("Failtage", format!("{:.1} %", failtage.percent())));
    }
    if let Some(deployment) = &item.deployment {
        let how = match deployment.state {
            DeploymentState::Running => "is running",
            DeploymentState::Succeeded => "has ended well",
            DeploymentState::Failed => "has failed",
        };
        lines.push(("Deployment", format!("{} by {} {how}", deployment.name, deployment.by)));
    }
    if let Some(said) = &item.acknowledged {
        let why = if said.reason.is_empty() { String::new() } else { format!(": {}", said.reason) };
        lines.push(("Acknowledged", format!("by {}{why}", said.by)));
    }
    if item.dependents > 0 {
        lines.push(("Also fails", format!("{} of the services that need it", item.dependents)));
    }
    lines
}

/// A whole message as plain text of at most `limit` bytes; services that have no room are counted.
pub fn text(message: &Message, limit: usize) -> String {
    let mut shown = message.items.len();
    loop {
        let text = text_of(&message.with_at_most(shown));
        if text.len() <= limit || shown == 0 {
            return shortened(&text, limit).to_owned();
        }
        shown = if shown > 8 { shown * 3 / 4 } else { shown - 1 };
    }
}

fn text_of(message: &Message) -> String {
    let mut text = message.title.clone();
    text.push('\n');
    for item in &message.items {
        // writing into a string can't fail
        writeln!(text, "\n{}", headline(item, message.at)).unwrap_or_default();
        for (heading, line) in details(item) {
            writeln!(text, "  {heading}: {line}").unwrap_or_default();
        }
        for (heading, link) in [("Dashboard", &item.link), ("Runbook", &item.runbook)] {
            if let Some(link) = link {
                writeln!(text, "  {heading}: {link}").unwrap_or_default();
            }
        }
    }
    for line in message.more().into_iter().chain(message.remarks()) {
        writeln!(text, "\n{line}").unwrap_or_default();
    }
    writeln!(text, "\n{}, said by {} at {}", message.mesh, message.by, moment(message.at))
        .unwrap_or_default();
    text
}

/// A moment as programs write it (RFC 3339, UTC, with milliseconds).
pub fn rfc3339(at: MeshTime) -> String {
    let time = i64::try_from(at.0).ok().and_then(DateTime::from_timestamp_millis);
    time.map_or_else(String::new, |time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}
