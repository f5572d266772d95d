//! The chart of response times: percentiles as lines, failures as columns, and the same as a table.

use super::history::{HistoryBucket, Range, Votes};
use super::words::{self, TimeView, date};
use p7_core::vocabulary::{MeshTime, Micros, Millis};
use serde::Serialize;
use std::fmt::Write as _;

/// The inner drawing is this wide and high; it is stretched to the page.
const WIDTH: u64 = 1000;
/// See [`WIDTH`].
const HEIGHT: u64 = 200;

/// A label on an axis and where it stands, in per cent of the drawing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tick {
    /// Where, such as `12.5%`.
    pub at: String,
    /// What it says.
    pub label: String,
}

/// One line of the table that says the same as the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChartRow {
    /// When the bucket starts.
    pub at: TimeView,
    /// Where its middle is, in thousandths of the width.
    pub x: u64,
    /// The median.
    pub p50: String,
    /// The 95th percentile.
    pub p95: String,
    /// The 99th percentile.
    pub p99: String,
    /// The fastest.
    pub min: String,
    /// The slowest.
    pub max: String,
    /// Its uptime.
    pub uptime: String,
}

/// The chart of response times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChartView {
    /// `24 hours`.
    pub label: &'static str,
    /// Whether there is nothing to draw.
    pub empty: bool,
    /// Whether there are results but none that passed: then only failures are drawn.
    pub all_failed: bool,
    /// In words, for who can't see it.
    pub title: String,
    /// The median's line.
    pub p50: String,
    /// The 95th percentile's line.
    pub p95: String,
    /// The 99th percentile's line.
    pub p99: String,
    /// The area from the median to the 95th percentile.
    pub band: String,
    /// Columns where results failed.
    pub failures: String,
    /// Labels of response time, lowest first.
    pub y_ticks: Vec<Tick>,
    /// Labels of time.
    pub x_ticks: Vec<Tick>,
    /// The same in figures, latest first.
    pub rows: Vec<ChartRow>,
}

/// Where time and latency fall in the drawing.
struct Scale {
    from: MeshTime,
    span: u64,
    top: u64,
}

impl Scale {
    fn x(&self, at: MeshTime) -> u64 {
        at.since(self.from).0.min(self.span) * WIDTH / self.span
    }

    fn middle(&self, bucket: &HistoryBucket) -> u64 {
        self.x(bucket.start.plus(Millis(bucket.span.0 / 2)))
    }

    fn y(&self, latency: Micros) -> u64 {
        HEIGHT - (u64::from(latency.0) * HEIGHT / self.top).min(HEIGHT)
    }
}

impl ChartView {
    /// Draws the buckets that lie in `range` before `now`; they come oldest first.
    pub fn new(buckets: &[HistoryBucket], range: Range, now: MeshTime) -> Self {
        let from = now.minus(range.span());
        let inside: Vec<&HistoryBucket> =
            (buckets.iter()).filter(|b| b.start.plus(b.span) > from && b.start <= now).collect();
        let votes = Votes::of(inside.iter().copied());
        let highest = inside.iter().filter_map(|b| b.p99.or(b.p95).or(b.p50)).max();
        let step = step(highest.map_or(0, |m| u64::from(m.0)));
        let lines = highest.map_or(1, |m| u64::from(m.0) / step + 1);
        let scale = Scale { from, span: range.span().0, top: step * lines };
        Self {
            label: range.words(),
            empty: highest.is_none() && votes.voting == 0,
            all_failed: highest.is_none() && votes.voting > 0,
            title: title(&inside, votes, range),
            p50: line(&inside, &scale, |b| b.p50),
            p95: line(&inside, &scale, |b| b.p95),
            p99: line(&inside, &scale, |b| b.p99),
            band: band(&inside, &scale),
            failures: failures(&inside, &scale),
            // without a response time there is nothing to measure against
            y_ticks: (1..=highest.map_or(0, |_| lines))
                .map(|i| Tick { at: percent(lines - i, lines), label: axis(i * step) })
                .collect(),
            x_ticks: x_ticks(&scale, range),
            rows: inside.iter().rev().map(|b| row(b, &scale)).collect(),
        }
    }
}

/// A round distance between lines such that about four fit below `highest`, in microseconds.
fn step(highest: u64) -> u64 {
    let mut power = 100;
    loop {
        for round in [1, 2, 5] {
            if highest / (power * round) < 5 {
                return power * round;
            }
        }
        power *= 10;
    }
}

fn axis(us: u64) -> String {
    match us {
        0..1000 => format!("0.{} ms", us / 100),
        1000..1_000_000 if us.is_multiple_of(1000) => format!("{} ms", us / 1000),
        1000..1_000_000 => format!("{}.{} ms", us / 1000, us % 1000 / 100),
        _ if us.is_multiple_of(1_000_000) => format!("{} s", us / 1_000_000),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// `part` of `whole` as an SVG percentage with one decimal.
fn percent(part: u64, whole: u64) -> String {
    let tenths = part * 1000 / whole.max(1);
    format!("{}.{}%", tenths / 10, tenths % 10)
}

fn title(buckets: &[&HistoryBucket], votes: Votes, range: Range) -> String {
    let mut medians: Vec<Micros> = buckets.iter().filter_map(|b| b.p50).collect();
    medians.sort_unstable();
    let slowest = buckets.iter().filter_map(|b| b.max.or(b.p99)).max();
    match (medians.get(medians.len() / 2), slowest) {
        (Some(median), Some(slowest)) => format!(
            "Response time over the last {}: median about {}, slowest {}. The table below says the same.",
            range.words(),
            words::latency(*median),
            words::latency(slowest)
        ),
        _ if votes.voting > 0 => format!(
            "Response time over the last {}: no successful answer; {} of {} results failed.",
            range.words(),
            votes.failed,
            votes.voting
        ),
        _ => format!("Response time over the last {}: no data.", range.words()),
    }
}

/// A line that breaks where nothing is known.
fn line(buckets: &[&HistoryBucket], scale: &Scale, of: impl Fn(&HistoryBucket) -> Option<Micros>) -> String {
    let mut d = String::new();
    for run in runs(buckets, &of) {
        for (i, (x, bucket)) in run.iter().enumerate() {
            let y = of(bucket).map_or(HEIGHT, |l| scale.y(l));
            let command = if i == 0 { 'M' } else { 'L' };
            write!(d, "{command}{} {y}", scale.x(*x)).unwrap_or_default();
        }
        if run.len() == 1 {
            d.push_str("h0");
        }
    }
    d
}

fn band(buckets: &[&HistoryBucket], scale: &Scale) -> String {
    let mut d = String::new();
    for run in runs(buckets, |b| b.p50.and(b.p95)) {
        let upper = run.iter().map(|(x, b)| (x, b.p95));
        let lower = run.iter().rev().map(|(x, b)| (x, b.p50));
        for (i, (x, latency)) in upper.chain(lower).enumerate() {
            let y = latency.map_or(HEIGHT, |l| scale.y(l));
            let command = if i == 0 { 'M' } else { 'L' };
            write!(d, "{command}{} {y}", scale.x(*x)).unwrap_or_default();
        }
        d.push('z');
    }
    d
}

/// Neighbouring buckets that know a latency, each with the moment it is drawn at.
fn runs<'a>(
    buckets: &[&'a HistoryBucket],
    of: impl Fn(&HistoryBucket) -> Option<Micros>,
) -> Vec<Vec<(MeshTime, &'a HistoryBucket)>> {
    let mut runs: Vec<Vec<(MeshTime, &HistoryBucket)>> = Vec::new();
    for bucket in buckets.iter().copied().filter(|b| of(b).is_some()) {
        let at = bucket.start.plus(Millis(bucket.span.0 / 2));
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|(_, b)| b.start.plus(b.span) >= bucket.start) => {
                run.push((at, bucket));
            }
            _ => runs.push(vec![(at, bucket)]),
        }
    }
    runs
}

fn failures(buckets: &[&HistoryBucket], scale: &Scale) -> String {
    let mut d = String::new();
    for bucket in buckets.iter().filter(|b| b.failed > 0 && b.voting > 0) {
        let (left, right) = (scale.x(bucket.start), scale.x(bucket.start.plus(bucket.span)));
        let height = (HEIGHT.saturating_mul(bucket.failed) / bucket.voting).clamp(8, HEIGHT);
        let width = (right - left).max(2);
        write!(d, "M{left} {HEIGHT}v-{height}h{width}v{height}z").unwrap_or_default();
    }
    d
}

fn x_ticks(scale: &Scale, range: Range) -> Vec<Tick> {
    let (every, format) = range.ticks();
    let before = MeshTime(scale.from.0 - scale.from.0 % every.0);
    (1..=scale.span / every.0 + 1)
        .map(|i| before.plus(Millis(i * every.0)))
        .take_while(|at| at.since(scale.from).0 <= scale.span)
        // a label too close to an edge would be cut
        .filter(|at| (40..=960).contains(&scale.x(*at)))
        .map(|at| Tick { at: percent(scale.x(at), WIDTH), label: date(at).format(format).to_string() })
        .collect()
}

fn row(bucket: &HistoryBucket, scale: &Scale) -> ChartRow {
    let latency = |l: Option<Micros>| l.map_or_else(|| "–".to_owned(), words::latency);
    ChartRow {
        at: TimeView::short(bucket.start),
        x: scale.middle(bucket),
        p50: latency(bucket.p50),
        p95: latency(bucket.p95),
        p99: latency(bucket.p99),
        min: latency(bucket.min),
        max: latency(bucket.max),
        uptime: Votes::of([bucket]).words(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = Millis(3_600_000);

    fn hour(n: u64, p50: Option<u32>, failed: u64) -> HistoryBucket {
        HistoryBucket {
            start: MeshTime(n * HOUR.0),
            span: HOUR,
            voting: 60,
            failed,
            p50: p50.map(Micros),
            p95: p50.map(|us| Micros(us * 2)),
            p99: p50.map(|us| Micros(us * 3)),
            min: p50.map(Micros),
            max: p50.map(|us| Micros(us * 3)),
        }
    }

    #[test]
    fn the_chart_breaks_its_line_where_nothing_is_known() {
        let now = MeshTime(100 * HOUR.0);
        let buckets = [hour(76, Some(100_000), 0), hour(77, Some(100_000), 3), hour(80, Some(100_000), 0)];
        let chart = ChartView::new(&buckets, Range::Day, now);
        assert_eq!(chart.p50, "M20 150L62 150M187 150h0");
        assert_eq!(chart.failures, "M41 200v-10h42v10z");
        let labels: Vec<_> = chart.y_ticks.iter().map(|t| t.label.as_str()).collect();
        assert_eq!(labels, ["100 ms", "200 ms", "300 ms", "400 ms"]);
        assert_eq!(chart.rows.len(), 3);
        assert!(!chart.empty);
    }

    #[test]
    fn a_chart_without_buckets_is_empty_and_says_so() {
        let chart = ChartView::new(&[], Range::Week, MeshTime(100 * HOUR.0));
        assert!(chart.empty);
        assert_eq!(chart.title, "Response time over the last 7 days: no data.");
    }

    #[test]
    fn a_chart_of_failures_alone_shows_them_and_says_that_nothing_answered() {
        let chart = ChartView::new(&[hour(99, None, 60)], Range::Day, MeshTime(100 * HOUR.0));
        assert_eq!((chart.empty, chart.all_failed), (false, true));
        assert_eq!(chart.failures, "M958 200v-200h42v200z");
        assert_eq!(chart.y_ticks, []);
        assert_eq!(
            chart.title,
            "Response time over the last 24 hours: no successful answer; 60 of 60 results failed."
        );
    }

    #[test]
    fn latencies_of_any_size_find_a_scale() {
        let hours = [hour(99, Some(u32::MAX / 3), 0)];
        let chart = ChartView::new(&hours, Range::Day, MeshTime(100 * HOUR.0));
        assert!(chart.y_ticks.len() <= 6, "{:?}", chart.y_ticks);
    }
}
