//! Spans and moments as people say them: `2h`, `90 minutes`, `tomorrow 22:00`, in the team's time zone.

use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;
use interim::{Dialect, parse_date_string};
use p7_core::vocabulary::{MeshTime, Millis};

/// Longest span and furthest moment: a year, as the mesh takes it.
const LONGEST: Millis = Millis::seconds(366 * 24 * 3600);
/// Longest text that is read as a time, in bytes.
const TEXT_LIMIT: usize = 48;
/// Most digits of one number in it; the library multiplies them.
const DIGITS_LIMIT: usize = 4;
/// A day.
const DAY: Millis = Millis::seconds(24 * 3600);

/// A span such as `2h`, `1h30m`, `90 minutes`, `an hour`.
pub(crate) fn span(text: &str) -> Option<Millis> {
    let text = lawful(text)?;
    let text = match text.split_once(' ') {
        Some(("a" | "an" | "one", unit)) => format!("1 {unit}"),
        _ => text,
    };
    let span = humantime::parse_duration(&text).ok()?;
    let span = Millis(u64::try_from(span.as_millis()).ok()?);
    (span > Millis(0) && span <= LONGEST).then_some(span)
}

/// A moment such as `tomorrow 22:00`, `friday 8pm`, `2026-12-24 18:00` or `22:00`, which is the next such hour.
pub(crate) fn moment(text: &str, now: MeshTime, zone: Tz) -> Option<MeshTime> {
    let text = lawful(text)?;
    let text = text.replace(" at ", " ");
    let text = text.strip_prefix("at ").unwrap_or(&text);
    if text == "now" {
        return Some(now);
    }
    let here = local(now, zone)?;
    let found = parse_date_string(text, here, Dialect::Uk).ok()?;
    let at = MeshTime(u64::try_from(found.timestamp_millis()).ok()?);
    // an hour of today that has passed is meant for tomorrow
    let hour_only =
        text.chars().next().is_some_and(|c| c.is_ascii_digit()) && !text.contains(['-', '/', ' ']);
    let at = if at <= now && hour_only && now.since(at) < DAY { at.plus(DAY) } else { at };
    (at.since(now) <= LONGEST).then_some(at)
}

/// A moment for people, in the team's zone: `Wed 25 Nov 22:00 CET`.
pub(crate) fn shown(at: MeshTime, zone: Tz) -> String {
    local(at, zone)
        .map_or_else(|| "an unknown time".to_owned(), |at| at.format("%a %-d %b %H:%M %Z").to_string())
}

fn local(at: MeshTime, zone: Tz) -> Option<DateTime<Tz>> {
    let utc = Utc.timestamp_millis_opt(i64::try_from(at.0).ok()?).single()?;
    Some(utc.with_timezone(&zone))
}

/// The text in small letters, when it can be a time at all.
fn lawful(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = |part: &str| part.len() > DIGITS_LIMIT;
    let long = text.split(|c: char| !c.is_ascii_digit()).any(digits);
    let fits = !text.is_empty() && text.len() <= TEXT_LIMIT && text.is_ascii() && !long;
    fits.then(|| text.to_ascii_lowercase())
}
