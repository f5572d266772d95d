//! `[[services.ID.maintenance]]`: planned maintenance, as people write it.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;
use p7_core::facts::NOTE_LIMIT;
use p7_core::maintenance::{BadWindow, When, Window};
use p7_core::vocabulary::{MeshTime, Millis};
use p7_settings::{Faults, Period, suggestion};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::time::Duration;

/// Most windows of a service.
pub(super) const WINDOWS_LIMIT: usize = 100;
/// Longest cron line, in bytes.
const CRON_LIMIT: usize = 200;
/// Longest recurring window: what lasts longer is no maintenance that recurs.
const DURATION_LIMIT: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// One planned maintenance: `cron` and `duration`, or `starts` and `ends`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MaintenanceTable {
    /// When it begins, again and again: five fields as in a crontab.
    cron: Option<String>,
    /// How long each lasts.
    duration: Option<Period>,
    /// When it begins, once: a date and time.
    starts: Option<Moment>,
    /// When that ends.
    ends: Option<Moment>,
    /// The IANA time zone of `cron`, and of dates that have none. Default "UTC".
    timezone: Option<String>,
    /// Why; it is shown. Default empty.
    reason: String,
}

/// A date and time as written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Moment(String);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Written)
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Moment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date and time such as 2030-12-24T22:00:00Z")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Moment, E> {
        Ok(Moment(text.to_owned()))
    }
}

impl Moment {
    /// The moment it means; one without an offset is in `zone`.
    fn at(&self, zone: Tz) -> Result<MeshTime, String> {
        let text = self.0.trim();
        let fixed = DateTime::parse_from_rfc3339(text).map(|at| at.timestamp_millis());
        let millis = match fixed {
            Ok(millis) => Some(millis),
            Err(_no_offset) => local(text).and_then(|local| {
                // an hour that summer time skips or doubles: the earlier reading
                zone.from_local_datetime(&local).earliest().map(|at| at.timestamp_millis())
            }),
        };
        millis.and_then(|millis| u64::try_from(millis).ok()).map(MeshTime).ok_or_else(|| {
            String::from("is no date and time; write it as 2030-12-24T22:00:00Z or 2030-12-24 22:00")
        })
    }
}

/// A date and time, or a date alone, without an offset.
fn local(text: &str) -> Option<NaiveDateTime> {
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let whole = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    whole.or_else(|| {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(date.and_time(NaiveTime::MIN))
    })
}

impl MaintenanceTable {
    /// The window it means; none, with faults, when it means none.
    pub(super) fn window(&self, faults: &mut Faults<'_>) -> Option<Window> {
        if self.reason.len() > NOTE_LIMIT {
            faults.push("reason", format!("is longer than {NOTE_LIMIT} bytes"));
        }
        self.check_cron(faults);
        let known_zone = self.zone(faults);
        // the rest of what is wrong is told, too
        let zone = known_zone.unwrap_or(Tz::UTC);
        let when = match (&self.cron, self.duration, &self.starts, &self.ends) {
            (Some(cron), Some(duration), None, None) => recurring(cron, zone, duration, faults)?,
            (None, None, Some(starts), Some(ends)) => {
                let starts = starts.at(zone).map_err(|why| faults.push("starts", why)).ok();
                let ends = ends.at(zone).map_err(|why| faults.push("ends", why)).ok();
                let (starts, ends) = (starts?, ends?);
                When::Once { starts, ends }
            }
            (Some(_), None, None, None) => {
                faults.push("cron", "needs `duration` beside it: how long each maintenance lasts");
                return None;
            }
            (None, None, Some(_), None) => {
                faults.push("starts", "needs `ends` beside it");
                return None;
            }
            _ => {
                faults.here("give either `cron` and `duration`, or `starts` and `ends`");
                return None;
            }
        };
        let window = Window { when, reason: self.reason.clone() };
        match window.check() {
            Ok(()) => known_zone.map(|_known| window),
            // noted already
            Err(BadWindow::Cron(_) | BadWindow::Timezone(_)) => None,
            Err(empty @ BadWindow::Empty) => {
                faults.push(if self.cron.is_some() { "duration" } else { "ends" }, empty.to_string());
                None
            }
        }
    }

    /// Notes what is wrong with the cron line, whatever else is.
    pub(super) fn check_cron(&self, faults: &mut Faults<'_>) {
        let Some(cron) = &self.cron else { return };
        if cron.len() > CRON_LIMIT {
            faults.push("cron", format!("is longer than {CRON_LIMIT} bytes"));
            return;
        }
        let alone = When::Recurring { cron: cron.clone(), timezone: "UTC".to_owned(), lasts: Millis(1) };
        if let Err(wrong) = (Window { when: alone, reason: String::new() }).check() {
            let wrong = match wrong {
                BadWindow::Cron(why) => BadWindow::Cron(in_plain_words(why)),
                other @ (BadWindow::Timezone(_) | BadWindow::Empty) => other,
            };
            faults.push("cron", wrong.to_string());
        }
    }

    /// The time zone; none, with a fault, when there is no such one.
    fn zone(&self, faults: &mut Faults<'_>) -> Option<Tz> {
        let name = self.timezone.as_deref().unwrap_or("UTC");
        if let Ok(zone) = name.parse::<Tz>() {
            return Some(zone);
        }
        let known: Vec<&str> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
        let near = p7_settings::nearest(name, known.iter().copied()).map(|near| [near]);
        let hint = near.map_or_else(
            || String::from("; use an IANA name such as \"Europe/Paris\""),
            |near| suggestion(name, &near),
        );
        faults.push("timezone", format!("there is no time zone `{}`{hint}", clipped(name)));
        None
    }
}

fn recurring(cron: &str, zone: Tz, duration: Period, faults: &mut Faults<'_>) -> Option<When> {
    if cron.len() > CRON_LIMIT {
        return None;
    }
    if duration.0 > DURATION_LIMIT {
        faults.push("duration", "is longer than 31 days; write it with `starts` and `ends`");
        return None;
    }
    Some(When::Recurring {
        cron: cron.to_owned(),
        timezone: zone.name().to_owned(),
        lasts: duration.as_millis(),
    })
}

/// What the cron library says, without its own terms.
fn in_plain_words(why: String) -> String {
    let (kind, detail) = why.split_once(": ").unwrap_or(("", &why));
    let detail = detail.trim_end_matches('.').to_lowercase();
    match kind {
        "Component error" if detail.contains("out of bounds") => {
            "a number is out of its field's range".to_owned()
        }
        "Component error" if detail.starts_with("invalid") => format!("a field has an {detail}"),
        "Component error" => format!("a field is wrong ({detail})"),
        "Invalid pattern" if detail.contains("fields") => "it does not have five fields".to_owned(),
        "Pattern contains illegal characters" => "it has characters that no cron line has".to_owned(),
        _ => why,
    }
}

fn clipped(text: &str) -> String {
    text.chars().take(60).collect()
}
