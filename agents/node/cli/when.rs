//! Times and spans as people write and read them.

use super::fault::Failure;
use chrono::{DateTime, NaiveTime, SecondsFormat, Utc};
use p7_core::vocabulary::{MeshTime, Millis};
use std::time::{SystemTime, UNIX_EPOCH};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// This moment by this machine's clock.
pub(crate) fn now() -> MeshTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    MeshTime(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Reads `2026-05-01T22:00:00+02:00`, or `22:00` as the next time it is that hour in UTC.
pub(crate) fn read(text: &str, now: MeshTime) -> Result<MeshTime, Failure> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(MeshTime(u64::try_from(at.timestamp_millis()).unwrap_or(0)));
    }
    let Ok(time) = NaiveTime::parse_from_str(text, "%H:%M") else {
        return Err(Failure::Use(format!(
            "`{text}` is no time; write it as 2026-05-01T22:00:00+02:00, or as 22:00 for the next such hour in UTC"
        )));
    };
    let today = now.0 - now.0 % DAY_MS;
    let seconds = chrono::Timelike::num_seconds_from_midnight(&time);
    let at = MeshTime(today).plus(Millis::seconds(u64::from(seconds)));
    Ok(if at <= now { at.plus(Millis(DAY_MS)) } else { at })
}

/// RFC 3339 in UTC, as the API reads it.
pub(crate) fn write(at: MeshTime) -> String {
    match moment(at) {
        Some(at) => at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => at.0.to_string(),
    }
}

/// For people: `2026-05-01 22:00 UTC`.
pub(crate) fn show(at: MeshTime) -> String {
    match moment(at) {
        Some(at) => at.format("%Y-%m-%d %H:%M UTC").to_string(),
        None => at.0.to_string(),
    }
}

fn moment(at: MeshTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(i64::try_from(at.0).ok()?)
}

/// A span in its greatest unit, for narrow columns: `40 s`, `12 min`, `3 h`, `12 d`.
pub(crate) fn short(span: Millis) -> String {
    match span.0 {
        ms if ms < MINUTE_MS => format!("{} s", ms / 1000),
        ms if ms < 2 * HOUR_MS => format!("{} min", ms / MINUTE_MS),
        ms if ms < 2 * DAY_MS => format!("{} h", ms / HOUR_MS),
        ms => format!("{} d", ms / DAY_MS),
    }
}

/// A span to the millisecond, with its unit's sign apart: `10 s`, `1 min 30 s`, `1 s 500 ms`.
pub(crate) fn exact(span: Millis) -> String {
    let units = [("d", DAY_MS), ("h", HOUR_MS), ("min", MINUTE_MS), ("s", 1000), ("ms", 1)];
    let mut left = span.0;
    let mut parts = Vec::new();
    for (sign, ms) in units {
        if left >= ms {
            parts.push(format!("{} {sign}", left / ms));
            left %= ms;
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

/// A measured time: `0.8 ms`, `37 ms`, `1.24 s`.
pub(crate) fn latency(ms: f64) -> String {
    match ms {
        ms if ms < 9.95 => format!("{ms:.1} ms"),
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms => format!("{:.2} s", ms / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-05-01T20:30:00Z
    const NOW: MeshTime = MeshTime(1_777_667_400_000);

    #[test]
    fn a_time_is_read_with_its_offset() {
        assert_eq!(read("2026-05-01T22:30:00+02:00", NOW).unwrap(), NOW);
        assert_eq!(write(NOW), "2026-05-01T20:30:00Z");
        assert_eq!(show(NOW), "2026-05-01 20:30 UTC");
    }

    #[test]
    fn an_hour_is_the_next_one() {
        assert_eq!(write(read("22:00", NOW).unwrap()), "2026-05-01T22:00:00Z");
        assert_eq!(write(read("20:30", NOW).unwrap()), "2026-05-02T20:30:00Z");
        assert_eq!(write(read("00:00", NOW).unwrap()), "2026-05-02T00:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_wrong_use() {
        for text in ["", "tomorrow", "25:00", "22:00:61", "2026-05-01"] {
            assert_eq!(read(text, NOW).unwrap_err().code(), 2, "{text}");
        }
    }

    #[test]
    fn spans_and_latencies_are_short() {
        let spans = [0, 59_999, MINUTE_MS, 119 * MINUTE_MS, 2 * HOUR_MS, 47 * HOUR_MS, 2 * DAY_MS];
        assert_eq!(
            spans.map(|ms| short(Millis(ms))),
            ["0 s", "59 s", "1 min", "119 min", "2 h", "47 h", "2 d"]
        );
        let spans = [0, 500, 10_000, 90_000, DAY_MS + 1500];
        assert_eq!(
            spans.map(|ms| exact(Millis(ms))),
            ["0 s", "500 ms", "10 s", "1 min 30 s", "1 d 1 s 500 ms"]
        );
        assert_eq!([0.84, 37.4, 1240.0].map(latency), ["0.8 ms", "37 ms", "1.24 s"]);
    }
}
