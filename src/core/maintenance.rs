//! Planned maintenance: windows that recur by a cron line, and one-off ones.

use crate::vocabulary::{MeshTime, Millis};
use chrono::DateTime;
use chrono_tz::Tz;
use croner::Cron;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// One planned maintenance of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// When it is.
    pub when: When,
    /// Why; may be empty.
    pub reason: String,
}

/// When a planned maintenance is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Once.
    Once {
        /// From when.
        starts: MeshTime,
        /// Until when.
        ends: MeshTime,
    },
    /// Again and again.
    Recurring {
        /// Five cron fields: minute, hour, day of month, month, day of week.
        cron: String,
        /// In which IANA time zone they are read, such as `Europe/Paris`.
        timezone: String,
        /// For how long.
        lasts: Millis,
    },
}

/// What planned maintenance means now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Active {
    /// Until when a window is open, and why; none when none is.
    pub now: Option<(MeshTime, String)>,
    /// When a window opens or closes next, if one does.
    pub next_change: Option<MeshTime>,
}

/// Why a window can't be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadWindow {
    /// The cron line is wrong; what is wrong with it.
    Cron(String),
    /// There is no such time zone.
    Timezone(String),
    /// It ends before it starts, or lasts no time.
    Empty,
}

impl std::fmt::Display for BadWindow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cron(why) => write!(
                f,
                "the cron line is wrong: {why}; write five fields such as \"0 22 * * 6\" (Saturdays at 22:00)"
            ),
            Self::Timezone(name) => {
                write!(f, "there is no time zone `{name}`; use an IANA name such as \"Europe/Paris\"")
            }
            Self::Empty => f.write_str("the window ends before it starts"),
        }
    }
}

impl Window {
    /// Whether it can be at all.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self) -> Result<(), BadWindow> {
        match &self.when {
            When::Once { starts, ends } if ends <= starts => Err(BadWindow::Empty),
            When::Recurring { lasts: Millis(0), .. } => Err(BadWindow::Empty),
            When::Once { .. } => Ok(()),
            When::Recurring { cron, timezone, .. } => {
                parsed(cron)?;
                zone(timezone)?;
                Ok(())
            }
        }
    }

    /// When it is open: from when to when, for the opening that covers `now` or else the next one.
    fn opening(&self, now: MeshTime) -> Option<(MeshTime, MeshTime)> {
        match &self.when {
            When::Once { starts, ends } => (*ends > now).then_some((*starts, *ends)),
            When::Recurring { cron, timezone, lasts } => {
                let (cron, zone) = (parsed(cron).ok()?, zone(timezone).ok()?);
                let here = DateTime::from_timestamp_millis(i64::try_from(now.0).ok()?)?.with_timezone(&zone);
                let last = cron.find_previous_occurrence(&here, true).ok().and_then(|start| unix(&start));
                if let Some(start) = last.filter(|start| start.plus(*lasts) > now) {
                    return Some((start, start.plus(*lasts)));
                }
                let next = unix(&cron.find_next_occurrence(&here, false).ok()?)?;
                Some((next, next.plus(*lasts)))
            }
        }
    }
}

/// Which of the windows is open now, and when that changes.
pub fn active(windows: &[Window], now: MeshTime) -> Active {
    let mut active = Active::default();
    for window in windows {
        let Some((starts, ends)) = window.opening(now) else {
            continue;
        };
        let open = starts <= now;
        let change = if open { ends } else { starts };
        active.next_change = Some(active.next_change.map_or(change, |known| known.min(change)));
        if open && active.now.as_ref().is_none_or(|(until, _)| *until < ends) {
            active.now = Some((ends, window.reason.clone()));
        }
    }
    active
}

fn parsed(cron: &str) -> Result<Cron, BadWindow> {
    Cron::from_str(cron).map_err(|why| BadWindow::Cron(why.to_string()))
}

fn zone(name: &str) -> Result<Tz, BadWindow> {
    Tz::from_str(name).map_err(|_unknown| BadWindow::Timezone(name.to_owned()))
}

fn unix(at: &DateTime<Tz>) -> Option<MeshTime> {
    u64::try_from(at.timestamp_millis()).ok().map(MeshTime)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(rfc3339: &str) -> MeshTime {
        unix(&DateTime::parse_from_rfc3339(rfc3339).unwrap().with_timezone(&Tz::UTC)).unwrap()
    }

    fn saturdays() -> Window {
        let when = When::Recurring {
            cron: "0 22 * * 6".into(),
            timezone: "Europe/Paris".into(),
            lasts: Millis::seconds(3600),
        };
        Window { when, reason: "backup".into() }
    }

    #[test]
    fn a_recurring_window_opens_in_its_own_time_zone() {
        let friday = at("2026-11-20T12:00:00Z");
        let open = at("2026-11-21T21:30:00Z");
        let after = at("2026-11-21T22:00:00Z");
        let (starts, ends) = (at("2026-11-21T21:00:00Z"), after);
        let next_week = at("2026-11-28T21:00:00Z");
        assert_eq!(active(&[saturdays()], friday), Active { now: None, next_change: Some(starts) });
        let expected = Active { now: Some((ends, "backup".into())), next_change: Some(ends) };
        assert_eq!(active(&[saturdays()], open), expected);
        assert_eq!(active(&[saturdays()], after), Active { now: None, next_change: Some(next_week) });
    }

    #[test]
    fn a_recurring_window_keeps_its_local_hour_through_summer_time() {
        let summer = at("2026-07-04T20:30:00Z");
        assert!(active(&[saturdays()], summer).now.is_some());
    }

    #[test]
    fn a_one_off_window_is_over_when_it_ends() {
        let (starts, ends) = (at("2026-12-24T22:00:00Z"), at("2026-12-24T23:00:00Z"));
        let once = Window { when: When::Once { starts, ends }, reason: String::new() };
        let windows = [once];
        assert_eq!(active(&windows, starts.minus(Millis(1))).next_change, Some(starts));
        assert_eq!(active(&windows, starts).now, Some((ends, String::new())));
        assert_eq!(active(&windows, ends), Active::default());
    }

    #[test]
    fn a_wrong_window_says_what_is_wrong() {
        let with = |cron: &str, timezone: &str| Window {
            when: When::Recurring { cron: cron.into(), timezone: timezone.into(), lasts: Millis(1) },
            reason: String::new(),
        };
        assert_eq!(with("0 22 * * 6", "UTC").check(), Ok(()));
        assert!(matches!(with("0 25 * * 6", "UTC").check(), Err(BadWindow::Cron(_))));
        assert!(matches!(with("0 22 * * 6", "Mars").check(), Err(BadWindow::Timezone(_))));
        let once =
            Window { when: When::Once { starts: MeshTime(2), ends: MeshTime(1) }, reason: String::new() };
        assert_eq!(once.check(), Err(BadWindow::Empty));
    }
}
