//! How long the store keeps what: the `[store]` table of `node.toml`.

use p7_core::vocabulary::Millis;
use p7_settings::{Check, Faults, Period};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long what nodes state beside results is kept for those that were off: 400 days, so that a machine
/// that is switched on once a year misses none of it.
const STATEMENTS: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The `[store]` table of `node.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long single results are kept, in whole days: at least `"1d"`, default `"14d"`. Results are
    /// nearly all of the disk's use, see docs/storage.md. Too short, and the lists of last results and
    /// a node that catches up lose their past.
    pub keep_results: Period,
    /// How long results are kept a second time as their authors signed them, to be given to nodes that
    /// were off: at least `"1h"`, not longer than `keep_results`, default `"3d"`. A node that was off for
    /// longer gets the figures of its hours and days instead of the results.
    pub keep_news: Period,
    /// How long the figures of an hour are kept: not shorter than `keep_results`, default `"1y"`. They
    /// feed the charts of up to 30 days; too short, and older charts are drawn by day.
    pub keep_hours: Period,
    /// How long the figures of a day, the incidents and their acknowledgements are kept: not shorter
    /// than `keep_hours`. Default: for ever, when the key is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_days: Option<Period>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            keep_results: Period(14 * DAY),
            keep_news: Period(3 * DAY),
            // a year as humantime reads "1y", leap days included
            keep_hours: Period(Duration::from_secs(31_557_600)),
            keep_days: None,
        }
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.keep_results.0 < DAY {
            faults.push(
                "keep_results",
                format!("{} is too short; keep results for at least 1d", self.keep_results),
            );
        }
        if self.keep_news.0 < HOUR {
            faults.push("keep_news", format!("{} is too short; keep news for at least 1h", self.keep_news));
        }
        // the default gives way to shorter results
        if self.keep_news > self.keep_results && self.keep_news != Self::default().keep_news {
            faults.push(
                "keep_news",
                format!(
                    "{} is longer than keep_results ({}); news are results, keep them at most as long",
                    self.keep_news, self.keep_results
                ),
            );
        }
        if self.keep_hours < self.keep_results {
            faults.push(
                "keep_hours",
                format!(
                    "{} is shorter than keep_results ({}); hours are made from results, keep them at least as long",
                    self.keep_hours, self.keep_results
                ),
            );
        }
        if let Some(days) = self.keep_days.filter(|days| *days < self.keep_hours) {
            faults.push(
                "keep_days",
                format!(
                    "{days} is shorter than keep_hours ({}); days are made from hours, keep them at least as long",
                    self.keep_hours
                ),
            );
        }
    }
}

/// How long what is kept, as the store uses it: never shorter than what it is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Single results.
    pub results: Millis,
    /// Sealed batches of results.
    pub news: Millis,
    /// Sealed batches of everything else.
    pub statements: Millis,
    /// Figures by the hour.
    pub hours: Millis,
    /// Figures by the day, incidents and acknowledgements; none keeps them for ever.
    pub days: Option<Millis>,
}

impl Config {
    /// The retention it asks for, made lawful should it not have been checked.
    pub fn retention(&self) -> Retention {
        let results = self.keep_results.max(Period(DAY));
        let hours = self.keep_hours.max(results);
        Retention {
            results: results.as_millis(),
            news: self.keep_news.max(Period(HOUR)).min(results).as_millis(),
            statements: Period(STATEMENTS).as_millis(),
            hours: hours.as_millis(),
            days: self.keep_days.map(|days| days.max(hours).as_millis()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(toml: &str) -> Vec<String> {
        let config: Config = toml::from_str(toml).unwrap();
        let mut list = Vec::new();
        config.check(&mut Faults::new(&mut list));
        list.into_iter().map(|fault| fault.path.join(".")).collect()
    }

    #[test]
    fn an_empty_table_keeps_results_14_days_hours_a_year_and_days_for_ever() {
        let config: Config = toml::from_str("").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(
            config.retention(),
            Retention {
                results: Millis::seconds(14 * 86_400),
                news: Millis::seconds(3 * 86_400),
                statements: Millis::seconds(400 * 86_400),
                hours: Millis::seconds(31_557_600),
                days: None
            }
        );
        assert_eq!(faults(""), Vec::<String>::new());
    }

    #[test]
    fn every_period_that_is_shorter_than_what_it_is_made_from_is_a_fault() {
        assert_eq!(
            faults("keep_results = '1h'\nkeep_hours = '30m'\nkeep_days = '1m'"),
            ["keep_results", "keep_hours", "keep_days"]
        );
        assert_eq!(faults("keep_results = '30d'\nkeep_days = '2y'"), Vec::<String>::new());
    }

    #[test]
    fn news_are_kept_for_an_hour_at_least_and_never_longer_than_results() {
        assert_eq!(faults("keep_news = '59m'"), ["keep_news"]);
        assert_eq!(faults("keep_news = '15d'"), ["keep_news"]);
        assert_eq!(faults("keep_news = '14d'"), Vec::<String>::new());
        // who only shortens the results need not know of news
        assert_eq!(faults("keep_results = '1d'"), Vec::<String>::new());
        let config: Config = toml::from_str("keep_results = '1d'").unwrap();
        assert_eq!(config.retention().news, Millis::seconds(86_400));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(toml::from_str::<Config>("keep_minutes = '1d'").is_err());
    }
}
