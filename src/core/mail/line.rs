//! A mail in one line: who, the subject without its decoration, the first sentence.

use super::{LINE_LIMIT, Mail};
use crate::vocabulary::shortened;

/// What mail programs put before a subject.
const PREFIXES: [&str; 8] = ["re:", "fw:", "fwd:", "aw:", "wg:", "tr:", "sv:", "[external]"];
/// Longest sender that is shown, in bytes.
const SENDER_SHOWN: usize = 60;
/// Longest subject that is shown, in bytes.
const SUBJECT_SHOWN: usize = 140;

/// Sender, subject and first sentence.
pub fn one_line(mail: &Mail) -> String {
    let about = without_text(mail);
    let first = first_sentence(mail.text());
    let line = if first.is_empty() { about } else { format!("{about} — {first}") };
    cleaned(&line, LINE_LIMIT)
}

/// Sender and subject.
pub(super) fn without_text(mail: &Mail) -> String {
    let sender = cleaned(mail.sender(), SENDER_SHOWN);
    let sender = if sender.is_empty() { "somebody".to_owned() } else { sender };
    let subject = cleaned(bare_subject(&cleaned(mail.subject(), usize::MAX)), SUBJECT_SHOWN);
    let subject = if subject.is_empty() { "(no subject)".to_owned() } else { subject };
    format!("{sender}: {subject}")
}

/// A subject without `Re:`, `Fwd:` and their like, however often.
fn bare_subject(subject: &str) -> &str {
    let mut rest = subject.trim_start();
    while let Some(after) = PREFIXES.iter().find_map(|prefix| {
        let head = rest.get(..prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then(|| rest.get(prefix.len()..)).flatten()
    }) {
        rest = after.trim_start();
    }
    rest
}

/// The first sentence or line that says something: no quote, no greeting, no line of decoration.
fn first_sentence(text: &str) -> String {
    let says = |line: &&str| {
        let line = line.trim();
        let letters = line.chars().filter(|c| c.is_alphanumeric()).count();
        let greets = line.ends_with(',') && line.split_whitespace().count() <= 4;
        letters >= 3 && !line.starts_with('>') && !greets
    };
    let line = text.lines().find(says).unwrap_or("");
    let end = line.match_indices(['.', '!', '?']).map(|(at, mark)| at + mark.len()).find(|end| {
        let after = line.get(*end..).unwrap_or("");
        after.is_empty() || after.starts_with(char::is_whitespace)
    });
    cleaned(end.and_then(|end| line.get(..end)).unwrap_or(line), LINE_LIMIT)
}

/// A text in one line of at most `limit` bytes: spaces for line ends and runs of spaces, and nothing that a
/// terminal or a reader's direction of writing would obey.
pub(super) fn cleaned(text: &str, limit: usize) -> String {
    let harmless = text.chars().map(|c| match c {
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => ' ',
        c if c.is_control() => ' ',
        c => c,
    });
    let text: String = harmless.collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    shortened(&words.join(" "), limit).trim_end().to_owned()
}
