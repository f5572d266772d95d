//! Words and patterns that are looked for in a mail: whole words, any case.

/// Longest pattern, in bytes, and most stars in it: each star is another start of the search.
const PATTERN_LIMIT: usize = 200;
const STARS_LIMIT: usize = 8;

/// Words that make a mail urgent unless the configuration has its own.
pub const DEFAULT_URGENT: &[&str] = &[
    "urgent",
    "urgently",
    "asap",
    "emergency",
    "critical",
    "outage",
    "down",
    "blocker",
    "blocked",
    "immediately",
    "escalation",
    "escalated",
    "sev1",
    "p1",
    "breach",
    "unavailable",
];

/// A text that is looked for in any case; `*` in it stands for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<String>);

impl Pattern {
    /// Reads it as configuration gives it; says what is wrong with a bad one.
    pub fn new(text: &str) -> Result<Self, String> {
        let pieces: Vec<String> =
            text.split('*').filter(|piece| !piece.is_empty()).map(str::to_lowercase).collect();
        if pieces.iter().all(|piece| piece.trim().is_empty()) {
            return Err("is found in every subject; write a part of the wanted ones".to_owned());
        }
        if text.len() > PATTERN_LIMIT || pieces.len() > STARS_LIMIT + 1 {
            return Err(format!("is too long: at most {PATTERN_LIMIT} bytes and {STARS_LIMIT} stars"));
        }
        Ok(Self(pieces))
    }

    /// Whether its pieces are in `text`, one after the other.
    pub fn is_in(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        let mut rest = lower.as_str();
        self.0.iter().all(|piece| match rest.split_once(piece.as_str()) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    }
}

/// The first of `words` (in lower case; several words in one are looked for in a row) that stands in `text`
/// as a whole.
pub fn found_word<'w>(text: &str, words: &'w [String]) -> Option<&'w str> {
    let parts = |text: &str| -> Vec<String> {
        text.to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let text = parts(text);
    words
        .iter()
        .find(|word| {
            let wanted = parts(word);
            !wanted.is_empty() && text.windows(wanted.len()).any(|window| window == wanted.as_slice())
        })
        .map(String::as_str)
}
