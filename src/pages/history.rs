//! A service's past: what is known about a span of it, uptime, the bars of 90 days.

use super::words::TimeView;
use p7_core::result::ProbeResult;
use p7_core::vocabulary::{MeshTime, Micros, Millis};
use serde::Serialize;

const HOUR: Millis = Millis(3_600_000);
const DAY: Millis = Millis(86_400_000);
/// Days in the row of bars.
const DAYS: usize = 90;

/// What is known about a span of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HistoryBucket {
    /// When it starts.
    pub start: MeshTime,
    /// How long it is.
    pub span: Millis,
    /// Results that voted.
    pub voting: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Median latency; none without results.
    pub p50: Option<Micros>,
    /// 95 of 100 were no slower.
    pub p95: Option<Micros>,
    /// 99 of 100 were no slower.
    pub p99: Option<Micros>,
    /// The fastest.
    pub min: Option<Micros>,
    /// The slowest.
    pub max: Option<Micros>,
}

/// How far back a chart looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub enum Range {
    /// 24 hours.
    #[default]
    #[serde(rename = "24h")]
    Day,
    /// 7 days.
    #[serde(rename = "7d")]
    Week,
    /// 30 days.
    #[serde(rename = "30d")]
    Month,
    /// 90 days.
    #[serde(rename = "90d")]
    Quarter,
}

impl Range {
    /// All of them, the shortest first.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// As in `?range=`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }

    /// From `?range=`; anything else is none.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == text)
    }

    /// Its length.
    pub fn span(self) -> Millis {
        match self {
            Self::Day => DAY,
            Self::Week => Millis(7 * DAY.0),
            Self::Month => Millis(30 * DAY.0),
            Self::Quarter => Millis(90 * DAY.0),
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Day => "24 hours",
            Self::Week => "7 days",
            Self::Month => "30 days",
            Self::Quarter => "90 days",
        }
    }

    fn shorter(self) -> Option<Self> {
        match self {
            Self::Day => None,
            Self::Week => Some(Self::Day),
            Self::Month => Some(Self::Week),
            Self::Quarter => Some(Self::Month),
        }
    }

    /// Whether a past that begins at `first` leaves more than a tenth of this range out.
    fn lacks(self, first: MeshTime, now: MeshTime) -> bool {
        first.since(now.minus(self.span())).0 > self.span().0 / 10
    }

    /// From one label of the time axis to the next, and how it is written.
    pub(super) fn ticks(self) -> (Millis, &'static str) {
        match self {
            Self::Day => (Millis(4 * HOUR.0), "%H:%M"),
            Self::Week => (DAY, "%a %-d"),
            Self::Month => (Millis(5 * DAY.0), "%-d %b"),
            Self::Quarter => (Millis(15 * DAY.0), "%-d %b"),
        }
    }
}

/// Votes of a span, to compute uptime from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Votes {
    /// Results that voted.
    pub voting: u64,
    /// Those of them that failed.
    pub failed: u64,
}

impl Votes {
    /// Of buckets together.
    pub fn of<'a>(buckets: impl IntoIterator<Item = &'a HistoryBucket>) -> Self {
        buckets.into_iter().fold(Self::default(), |sum, b| Self {
            voting: sum.voting.saturating_add(b.voting),
            failed: sum.failed.saturating_add(b.failed),
        })
    }

    /// Hundredths of a per cent, rounded down so that 100 % means all; none without votes.
    fn uptime(self) -> Option<u64> {
        let passed = u128::from(self.voting.saturating_sub(self.failed));
        let hundredths = (passed * 10_000).checked_div(u128::from(self.voting))?;
        u64::try_from(hundredths).ok()
    }

    fn tone(self) -> &'static str {
        match self.uptime() {
            None => "grey",
            Some(9990..) => "green",
            Some(9500..9990) => "orange",
            Some(0..9500) => "red",
        }
    }

    pub(super) fn words(self) -> String {
        match self.uptime() {
            None => "no data".to_owned(),
            Some(10_000) => "100 %".to_owned(),
            Some(hundredths) => format!("{}.{:02} %", hundredths / 100, hundredths % 100),
        }
    }
}

/// Uptime of a range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UptimeView {
    /// `24 hours`.
    pub label: &'static str,
    /// `99.98 %`.
    pub text: String,
    /// Its colour.
    pub tone: &'static str,
    /// What it is counted from.
    pub detail: String,
    /// When the known past begins, where that leaves much of the range out.
    pub since: Option<TimeView>,
}

impl UptimeView {
    /// Of `votes` in `range`; what is known begins at `first`.
    pub fn new(range: Range, votes: Votes, first: Option<MeshTime>, now: MeshTime) -> Self {
        let detail = format!("{} of {} results failed", votes.failed, votes.voting);
        let (label, text, tone) = (range.words(), votes.words(), votes.tone());
        let Some(first) = first.filter(|first| range.lacks(*first, now) && votes.voting > 0) else {
            return Self { label, text, tone, detail, since: None };
        };
        let since =
            if first.0 / DAY.0 == now.0 / DAY.0 { TimeView::minute(first) } else { TimeView::day(first) };
        if range.shorter().is_some_and(|shorter| now.since(first) <= shorter.span()) {
            let detail = format!("nothing is known before {}", since.text);
            return Self { label, text: "–".to_owned(), tone: "grey", detail, since: None };
        }
        Self { label, text, tone, detail, since: Some(since) }
    }

    /// Of everything known of 90 days, however little that is.
    pub(super) fn of_all(votes: Votes, first: Option<MeshTime>, now: MeshTime) -> Self {
        let since = first.filter(|first| Range::Quarter.lacks(*first, now)).map(TimeView::short);
        Self { since, ..Self::new(Range::Quarter, votes, None, now) }
    }
}

/// When what is known of a service begins: where the earliest votes lie, as exactly as can be told.
pub(super) fn beginning(
    days: &[HistoryBucket],
    history: &[HistoryBucket],
    results: &[ProbeResult],
) -> Option<MeshTime> {
    let first = days.iter().chain(history).filter(|b| b.voting > 0).min_by_key(|b| (b.start, b.span))?;
    let inside = |at: MeshTime| at >= first.start && at < first.start.plus(first.span);
    // the list of results may be cut; only the whole of them tells which was the first
    let voted = results.iter().filter(|r| r.outcome.vote().is_some());
    let whole = u64::try_from(voted.clone().count()).is_ok_and(|n| n >= Votes::of(days).voting);
    let exact = voted.map(|r| r.at).min().filter(|at| whole && inside(*at));
    exact
        .or_else(|| {
            let finer = history.iter().filter(|b| b.voting > 0 && b.span < first.span).map(|b| b.start).min();
            finer.filter(|at| inside(*at))
        })
        .or(Some(first.start))
}

/// One day of the row of bars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayBar {
    /// Its colour.
    pub tone: &'static str,
    /// The bar.
    pub d: String,
    /// In words.
    pub title: String,
}

/// The last 90 days, today last.
pub(super) fn days(days: &[HistoryBucket], now: MeshTime) -> Vec<DayBar> {
    let today = now.0 - now.0 % DAY.0;
    (0..DAYS)
        .map(|i| {
            let ago = u64::try_from(DAYS - 1 - i).unwrap_or(0);
            let start = MeshTime(today.saturating_sub(ago * DAY.0));
            let votes = Votes::of(days.iter().filter(|b| b.start.0 / DAY.0 == start.0 / DAY.0));
            let x = 3 + i * 6;
            // what failed stands taller, what is unknown is a dot
            let bar = match votes.tone() {
                "grey" => "15v0",
                "green" => "6v18",
                _ => "2v26",
            };
            DayBar {
                tone: votes.tone(),
                d: format!("M{x} {bar}"),
                title: format!("{}: {}", TimeView::day(start).text, votes.words()),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_is_rounded_down_so_that_one_hundred_means_all() {
        let read = |voting, failed| Votes { voting, failed }.words();
        assert_eq!(read(0, 0), "no data");
        assert_eq!(read(10, 0), "100 %");
        assert_eq!(read(1_000_000, 1), "99.99 %");
        assert_eq!(read(3, 1), "66.66 %");
        assert_eq!(read(u64::MAX, u64::MAX), "0.00 %");
    }

    #[test]
    fn uptime_says_where_the_past_begins_when_that_leaves_much_of_a_range_out() {
        let now = MeshTime(200 * DAY.0 + 13 * HOUR.0);
        let votes = Votes { voting: 10, failed: 1 };
        let read = |ago: Millis| {
            Range::ALL.map(|range| {
                let view = UptimeView::new(range, votes, Some(now.minus(ago)), now);
                format!("{} {}", view.text, view.since.map(|s| s.text).unwrap_or_default())
            })
        };
        assert_eq!(read(Millis(120_000)), ["90.00 % 12:58 UTC", "– ", "– ", "– "]);
        assert_eq!(read(Millis(3 * DAY.0)), ["90.00 % ", "90.00 % 17 Jul 1970", "– ", "– "]);
        assert_eq!(read(Millis(29 * DAY.0)), ["90.00 % ", "90.00 % ", "90.00 % ", "– "]);
        assert_eq!(read(Millis(90 * DAY.0)), ["90.00 % "; 4]);
    }

    #[test]
    fn the_beginning_is_the_first_hour_with_votes_of_the_first_day() {
        let bucket = |start: u64, span: Millis, voting| HistoryBucket {
            start: MeshTime(start),
            span,
            voting,
            failed: 0,
            p50: None,
            p95: None,
            p99: None,
            min: None,
            max: None,
        };
        let days = [bucket(0, DAY, 0), bucket(DAY.0, DAY, 60)];
        let hours = [bucket(DAY.0 + 4 * HOUR.0, HOUR, 0), bucket(DAY.0 + 5 * HOUR.0, HOUR, 60)];
        assert_eq!(beginning(&days, &hours, &[]), Some(MeshTime(DAY.0 + 5 * HOUR.0)));
        assert_eq!(beginning(&days, &days, &[]), Some(MeshTime(DAY.0)));
        assert_eq!(beginning(&[], &[], &[]), None);
    }

    #[test]
    fn ninety_days_are_shown_whatever_is_known() {
        let now = MeshTime(200 * DAY.0 + 5);
        let known = HistoryBucket {
            start: MeshTime(200 * DAY.0),
            span: DAY,
            voting: 60,
            failed: 60,
            p50: None,
            p95: None,
            p99: None,
            min: None,
            max: None,
        };
        let bars = days(&[known], now);
        assert_eq!(bars.len(), 90);
        assert_eq!((bars[89].tone, bars[0].tone), ("red", "grey"));
        assert_eq!(bars[89].title, "20 Jul 1970: 0.00 %");
    }
}
