//! Texts that are looked for, and times as people say them.

use regex::{Regex, RegexBuilder};
use std::time::Duration;

/// Largest compiled regular expression, in bytes: a configuration must not take the memory.
const REGEX_LIMIT: usize = 512 * 1024;
/// How much of a text is repeated in a reason, in characters.
const SHOWN_LIMIT: usize = 60;

/// A text that is looked for: case-insensitive, or a regular expression when it starts with `regex:`.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// In lower case.
    Text(Box<str>),
    Regex(Box<Regex>),
}

impl Pattern {
    /// Reads it as configuration gives it; says what is wrong with a bad one.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let Some(expression) = text.strip_prefix("regex:") else {
            if text.is_empty() {
                return Err("an empty text is found in everything; leave it out".to_owned());
            }
            return Ok(Self::Text(text.to_lowercase().into()));
        };
        let regex = RegexBuilder::new(expression).size_limit(REGEX_LIMIT).dfa_size_limit(REGEX_LIMIT).build();
        match regex {
            Ok(regex) => Ok(Self::Regex(Box::new(regex))),
            Err(regex::Error::CompiledTooBig(_)) => Err("the regular expression is too large".to_owned()),
            Err(error) => {
                let error = error.to_string();
                let last = error.lines().last().unwrap_or("").trim_start_matches("error: ");
                Err(format!("`{expression}` is no regular expression: {last}"))
            }
        }
    }

    /// Whether it is in `text`; `lower` is the same text in lower case.
    pub(crate) fn is_in(&self, text: &str, lower: &str) -> bool {
        match self {
            Self::Text(wanted) => lower.contains(wanted.as_ref()),
            Self::Regex(regex) => regex.is_match(text),
        }
    }

    /// Whether it is in a short `text`.
    pub(crate) fn is_within(&self, text: &str) -> bool {
        self.is_in(text, &text.to_lowercase())
    }

    /// As a reason says it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Text(text) => format!("the text `{}`", clipped(text)),
            Self::Regex(regex) => format!("a match of `{}`", clipped(regex.as_str())),
        }
    }
}

/// The beginning of a text, fit for a reason.
pub(crate) fn clipped(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_LIMIT).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// A span as people say it: "10 s", "1.5 s", "3 ms", "0.4 ms".
pub(crate) fn span(span: Duration) -> String {
    let ms = span.as_secs_f64() * 1000.0;
    let (value, unit) = if ms >= 999.5 { (ms / 1000.0, "s") } else { (ms, "ms") };
    let tenths = (value * 10.0).round() / 10.0;
    if value >= 10.0 || (tenths - tenths.round()).abs() < 0.05 {
        format!("{value:.0} {unit}")
    } else {
        format!("{value:.1} {unit}")
    }
}

/// A long span in its largest unit: "3 days", "1 hour", "20 seconds".
pub(crate) fn roughly(span: Duration) -> String {
    let seconds = span.as_secs();
    let (count, unit) = match seconds {
        172_800.. => (seconds / 86_400, "day"),
        7200.. => (seconds / 3600, "hour"),
        120.. => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// A size as people say it: "12 bytes", "120 kB", "1.0 MB".
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        1_000_000.. => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        10_000.. => format!("{} kB", bytes / 1000),
        1 => "1 byte".to_owned(),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_in_any_case_and_a_regular_expression_as_it_is_written() {
        let found = |pattern: &str, text: &str| Pattern::new(pattern).unwrap().is_within(text);
        assert!(found("All ÉTATS ok", "x: all états OK."));
        assert!(!found("ok", "o k"));
        assert!(found("regex:^v[0-9]+$", "v12"));
        assert!(!found("regex:^v[0-9]+$", "V12"));
        assert!(found("regex:(?i)^v[0-9]+$", "V12"));
    }

    #[test]
    fn a_bad_pattern_says_what_is_wrong() {
        assert_eq!(Pattern::new("regex:a(b").unwrap_err(), "`a(b` is no regular expression: unclosed group");
        assert!(Pattern::new("regex:(a{1000}){1000}").unwrap_err().contains("too large"));
        assert!(Pattern::new("").unwrap_err().contains("leave it out"));
    }

    #[test]
    fn times_and_sizes_read_well() {
        let ms = Duration::from_micros;
        let spans = [400, 3000, 2500, 45_600, 999_900, 1_500_000, 10_000_000].map(|us| span(ms(us)));
        assert_eq!(spans, ["0.4 ms", "3 ms", "2.5 ms", "46 ms", "1 s", "1.5 s", "10 s"]);
        let long = [1, 59, 130, 7200, 90_000, 259_200].map(|s| roughly(Duration::from_secs(s)));
        assert_eq!(long, ["1 second", "59 seconds", "2 minutes", "2 hours", "25 hours", "3 days"]);
        assert_eq!([1, 9999, 20_500, 1_048_576].map(size), ["1 byte", "9999 bytes", "20 kB", "1.0 MB"]);
    }
}
