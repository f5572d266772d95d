//! Text on its way from Slack and to Slack: bounded, without control characters, and never more than text.
//!
//! Source of the signs: docs.slack.dev, "Formatting message text": `&`, `<` and `>` are written as entities;
//! links, mentions and calls to everybody stand in angle brackets.

use p7_core::vocabulary::shortened;
use std::fmt::Write;

/// Longest text of a person that is read, in characters; a longer one is no command.
pub(crate) const SAID_LIMIT: usize = 600;
/// Longest answer, in bytes: Slack shows 4,000 characters of a message.
pub(crate) const ANSWER_LIMIT: usize = 3_900;

/// What a person wrote as plain words: entities read, links as their address, mentions left out. None when it
/// is too long to be a command.
pub(crate) fn plain(slack: &str) -> Option<String> {
    if slack.chars().nth(SAID_LIMIT * 4).is_some() {
        return None;
    }
    let mut text = String::new();
    let mut rest = slack;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let Some((inside, after)) = after.split_once('>') else {
            rest = after;
            break;
        };
        text.push_str(meant(inside));
        rest = after;
    }
    text.push_str(rest);
    let read = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let clean: String = read.chars().map(|c| if c.is_control() { ' ' } else { quote(c) }).collect();
    let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    clean.chars().nth(SAID_LIMIT).is_none().then_some(clean)
}

/// What stands for a link, a channel or a mention.
fn meant(inside: &str) -> &str {
    match inside.chars().next() {
        // a person, a group, everybody: nobody is called by an answer
        Some('@' | '!') | None => "",
        Some('#') => inside.split_once('|').map_or("", |(_, name)| name),
        Some(_) => {
            inside.split_once('|').map_or(inside, |(address, _)| address).trim_start_matches("mailto:")
        }
    }
}

/// Phones write quotation marks of their own.
fn quote(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        c => c,
    }
}

/// Text of services and people in an answer: no mention, link or call to everybody comes out of it, and no
/// code ends early.
pub(crate) fn escaped(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    clean.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('`', "'")
}

/// The same of at most `limit` bytes before it is escaped.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    let short = shortened(text, limit);
    if short.len() < text.len() { format!("{}…", escaped(short)) } else { escaped(text) }
}

/// A text as code, which Slack lays out as it is.
pub(crate) fn code(text: &str) -> String {
    format!("`{}`", cut(text, 80))
}

/// A link; only its label when the address is none for people.
pub(crate) fn link(address: &str, label: &str) -> String {
    let lawful = address.starts_with("https://") || address.starts_with("http://");
    if lawful {
        format!("<{}|{}>", escaped(address).replace('|', "%7C"), escaped(label))
    } else {
        escaped(label)
    }
}

/// Lines as one answer that Slack takes whole; those without room are counted.
pub(crate) fn joined(lines: &[String]) -> String {
    let mut answer = String::new();
    for (index, line) in lines.iter().enumerate() {
        // room for the line that says how many more there are
        if answer.len() + line.len() + 32 > ANSWER_LIMIT {
            let left = lines.len() - index;
            write!(answer, "… and {left} more lines").unwrap_or_default();
            break;
        }
        answer.push_str(line);
        answer.push('\n');
    }
    answer.truncate(answer.trim_end().len());
    answer
}

/// Rows as a table in a block of code.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let all = std::iter::once(&head).chain(rows);
    let columns = head.len();
    let widest = |column: usize| {
        let cells = all.clone().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        escaped(cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let lines: Vec<String> = all.clone().map(line).collect();
    format!("```\n{}\n```", lines.join("\n"))
}
