//! How times, spans, figures and names read on a page.

use chrono::{DateTime, Utc};
use p7_core::status::{Failtage, ServiceStatus};
use p7_core::vocabulary::{Level, MeshTime, Micros, Millis, Outcome};
use serde::Serialize;

/// The last millisecond a date can be written for in four digits of year: 9999-12-31.
const LAST_DATE_MS: u64 = 253_402_300_799_999;

/// The one mark of maintenance, on every page and badge.
pub(super) const IN_MAINTENANCE: &str = "in maintenance";

/// A moment for people and for programs: `<time datetime="{iso}">{text}</time>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimeView {
    /// RFC 3339 in UTC.
    pub iso: String,
    /// In words, in UTC.
    pub text: String,
    /// Seen from now: `12 s ago`; empty where a page does not know what time it is.
    pub relative: String,
}

impl TimeView {
    /// Day and time: `22 Nov 10:36 UTC`. Does not change as time goes by, so what holds it can be kept.
    pub fn short(at: MeshTime) -> Self {
        Self::formatted(at, "%-d %b %H:%M UTC")
    }

    /// Time of today without seconds: `10:36 UTC`.
    pub(super) fn minute(at: MeshTime) -> Self {
        Self::formatted(at, "%H:%M UTC")
    }

    /// Time with seconds only: `10:36:12`; for what happened within the last minutes.
    pub fn clock(at: MeshTime) -> Self {
        Self::formatted(at, "%H:%M:%S")
    }

    /// Date, time and how long ago that was.
    pub fn full(at: MeshTime, now: MeshTime) -> Self {
        Self { relative: relative(at, now), ..Self::formatted(at, "%-d %b %Y %H:%M:%S UTC") }
    }

    /// The date alone.
    pub fn day(at: MeshTime) -> Self {
        Self::formatted(at, "%-d %b %Y")
    }

    fn formatted(at: MeshTime, format: &str) -> Self {
        let date = date(at);
        Self {
            iso: date.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            text: date.format(format).to_string(),
            relative: String::new(),
        }
    }
}

/// The calendar's view of a moment; what lies after the year 9999 is its end.
pub(super) fn date(at: MeshTime) -> DateTime<Utc> {
    i64::try_from(at.0.min(LAST_DATE_MS)).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default()
}

/// `12 s ago`, `in 5 min`, `just now`.
pub(super) fn relative(at: MeshTime, now: MeshTime) -> String {
    let (past, ahead) = (now.since(at), at.since(now));
    if past.0.max(ahead.0) < 1000 {
        "just now".to_owned()
    } else if past.0 > 0 {
        format!("{} ago", rough(past))
    } else {
        format!("in {}", rough(ahead))
    }
}

/// A span in its greatest unit: `3 h`.
fn rough(span: Millis) -> String {
    let s = span.0 / 1000;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min", s / 60),
        3600..172_800 => format!("{} h", s / 3600),
        _ => format!("{} days", s / 86400),
    }
}

/// A span in its two greatest units: `2 h 5 min`.
pub(super) fn span(span: Millis) -> String {
    if span.0 < 1000 {
        return format!("{} ms", span.0);
    }
    let s = span.0 / 1000;
    let (great, unit, rest, small) = match s {
        0..60 => (s, "s", 0, ""),
        60..3600 => (s / 60, "min", s % 60, "s"),
        3600..86400 => (s / 3600, "h", s % 3600 / 60, "min"),
        _ => (s / 86400, "d", s % 86400 / 3600, "h"),
    };
    if rest == 0 { format!("{great} {unit}") } else { format!("{great} {unit} {rest} {small}") }
}

/// A latency with the digits that matter: `0.8 ms`, `142 ms`, `2.35 s`.
pub(super) fn latency(latency: Micros) -> String {
    match latency.0 {
        us @ 0..10_000 => format!("{:.1} ms", f64::from(us) / 1e3),
        us @ 10_000..1_000_000 => format!("{} ms", (us + 500) / 1000),
        us => format!("{:.2} s", f64::from(us) / 1e6),
    }
}

/// `16.7 %`.
pub(super) fn failtage(failtage: Failtage) -> String {
    format!("{:.1} %", failtage.percent())
}

/// What a level is called, for people.
pub(super) fn level(level: Level) -> &'static str {
    match level {
        Level::Unknown => "no data yet",
        Level::Healthy => "healthy",
        Level::Partial => "partial",
        Level::Warning => "warning",
        Level::Incident => "incident",
        Level::Down => "down",
    }
}

/// What a service is called by how it is: while in maintenance that stands first, and its level beside it.
pub(super) fn standing(status: &ServiceStatus) -> (&'static str, &'static str) {
    match status.maintenance {
        Some(_) => (IN_MAINTENANCE, level(status.level)),
        None => (level(status.level), ""),
    }
}

/// What an outcome is called, for people.
pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NoNetwork => "no network",
        Outcome::Unauthorized => "unauthorized",
        Outcome::Failed => "failed",
        Outcome::Maintenance => "maintenance",
        Outcome::Up => "up",
        Outcome::Mismatch => "mismatch",
        Outcome::Unmanaged => "unmanaged",
    }
}

/// The address if it is one a page may link to: http or https, nothing that runs in the page.
pub(super) fn safe_link(address: &str) -> Option<String> {
    let lower = address.get(..8).unwrap_or(address).to_ascii_lowercase();
    (lower.starts_with("http://") || lower.starts_with("https://")).then(|| address.to_owned())
}

/// `1 service`, `2 services`.
pub(super) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_in_their_two_greatest_units() {
        let read = |ms| span(Millis(ms));
        assert_eq!(read(250), "250 ms");
        assert_eq!(read(59_999), "59 s");
        assert_eq!(read(200_000), "3 min 20 s");
        assert_eq!(read(3_600_000), "1 h");
        assert_eq!(read(90_061_000), "1 d 1 h");
    }

    #[test]
    fn a_time_beyond_the_calendar_is_its_last_second() {
        assert_eq!(TimeView::short(MeshTime(u64::MAX)).iso, "9999-12-31T23:59:59Z");
        assert_eq!(relative(MeshTime(u64::MAX), MeshTime(0)), "in 213503982334 days");
    }

    #[test]
    fn only_http_addresses_become_links() {
        assert!(safe_link("https://wiki.example.org/x").is_some());
        assert!(safe_link("HTTP://wiki").is_some());
        for refused in ["javascript:alert(1)", " https://x", "data:text/html,x", "//x", ""] {
            assert_eq!(safe_link(refused), None, "{refused}");
        }
    }
}
