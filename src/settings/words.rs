//! Plain words for faults: the nearest known key, what was expected, what was found.

use serde::de::Unexpected;

/// Longest text of a configuration that a fault repeats, in characters.
const SHOWN_LIMIT: usize = 80;
/// Longest key that is compared with the known ones: comparing takes its length squared.
const COMPARED_LIMIT: usize = 64;

/// A text of the configuration, fit for a terminal: bounded, without control characters and without
/// those that turn the direction of writing.
pub(crate) fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(SHOWN_LIMIT).map(harmless).collect();
    if text.chars().nth(SHOWN_LIMIT).is_some() {
        out.push('…');
    }
    out
}

/// A character, or a stand-in when a terminal would obey it.
pub(crate) fn harmless(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// Which of `known` was probably meant by `word`: at most a third of its letters differ.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.chars().nth(COMPARED_LIMIT).is_some() {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let wanted = plain(word);
    let allowed = (wanted.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `; did you mean …?`, or the list of what there is.
pub fn suggestion(word: &str, known: &[&str]) -> String {
    if let Some(near) = nearest(word, known.iter().copied()) {
        return format!("; did you mean `{near}`?");
    }
    let mut sorted: Vec<&str> = known.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    match sorted.as_slice() {
        [] => String::from("; no key is known here"),
        [one] => format!("; only `{one}` is known here"),
        many => format!("; known here: `{}`", many.join("`, `")),
    }
}

/// What serde expected, in words of a configuration.
pub(crate) fn expected(what: &str) -> String {
    let whole = |least: &str, most: &str| format!("a whole number from {least} to {most}");
    match what {
        "u8" => whole("0", "255"),
        "u16" => whole("0", "65535"),
        "u32" => whole("0", "4294967295"),
        "u64" | "usize" => String::from("a whole number, 0 or more"),
        "i8" | "i16" | "i32" | "i64" | "isize" => String::from("a whole number"),
        "f32" | "f64" => String::from("a number"),
        "a boolean" => String::from("true or false"),
        "a sequence" => String::from("a list"),
        "a map" => String::from("a table"),
        "string or table" => String::from("a string or a table"),
        what if what.starts_with("struct ") => String::from("a table"),
        what if what.starts_with("enum ") => String::from("a string"),
        what => what.to_owned(),
    }
}

/// What was found, by its kind. Never the text itself: it may be a secret.
pub(crate) fn found(what: Unexpected<'_>) -> &'static str {
    match what {
        Unexpected::Bool(true) => "true",
        Unexpected::Bool(false) => "false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Str(_) | Unexpected::Char(_) => "a string",
        Unexpected::Bytes(_) => "bytes",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        Unexpected::Other("date") => "a date",
        Unexpected::Other(_)
        | Unexpected::Unit
        | Unexpected::Option
        | Unexpected::NewtypeStruct
        | Unexpected::Enum
        | Unexpected::UnitVariant
        | Unexpected::NewtypeVariant
        | Unexpected::TupleVariant
        | Unexpected::StructVariant => "something else",
    }
}

/// A message of a library, said so that it helps.
pub(crate) fn plain(message: &str) -> String {
    match message {
        "invalid socket address syntax" => {
            String::from("this is no address with a port; write it as \"127.0.0.1:7007\" or \"[::1]:7007\"")
        }
        "invalid IP address syntax" | "invalid IPv4 address syntax" | "invalid IPv6 address syntax" => {
            String::from("this is no IP address; write it as \"192.0.2.1\" or \"2001:db8::1\"")
        }
        "duplicate key" => String::from("this key was given before; keep one of the two"),
        message => message.chars().map(harmless).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_suggested_and_far_ones_are_not() {
        let known = ["interval", "timeout", "retries", "retry_delay"];
        for (word, near) in [
            ("intervall", Some("interval")),
            ("Interval", Some("interval")),
            ("time-out", Some("timeout")),
            ("retry-delay", Some("retry_delay")),
            ("retris", Some("retries")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), near, "{word}");
        }
        assert_eq!(nearest(&"interval".repeat(20), known), None);
    }

    #[test]
    fn a_text_that_would_steer_a_terminal_is_shown_harmlessly() {
        assert_eq!(shown("a\u{1b}[31mb\tc\u{202e}"), "a\u{fffd}[31mb c\u{fffd}");
        assert_eq!(shown(&"x".repeat(200)).chars().count(), 81);
    }
}
