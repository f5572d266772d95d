//! The one place that prints: plain text and JSON to standard output, complaints to standard error.

use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns assumed where the terminal does not say, as in a pipe or a log.
const DEFAULT_WIDTH: usize = 100;
/// Fewest columns a table is made for; narrower terminals wrap.
const LEAST_WIDTH: usize = 40;

/// Whether texts carry colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// The terminal's own eight colours.
    Colour,
    /// None: a pipe, a dumb terminal, or `NO_COLOR`.
    Plain,
}

/// What a text means; the terminal's palette decides how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Note,
    Warn,
    Bad,
    Faint,
    Strong,
    Normal,
}

impl Ink {
    /// `text` in a tone.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Note => "36",
            Tone::Warn => "33",
            Tone::Bad => "1;31",
            Tone::Faint => "2",
            Tone::Strong => "1",
            Tone::Normal => return text.to_owned(),
        };
        match self {
            Self::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Plain => text.to_owned(),
        }
    }
}

/// Where texts are read: how wide and with what ink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen {
    pub(crate) width: usize,
    pub(crate) ink: Ink,
}

impl Screen {
    /// The standard output of this process.
    pub(crate) fn of_stdout() -> Self {
        let terminal = io::stdout().is_terminal();
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
        let width = match terminal_size::terminal_size() {
            Some((columns, _)) if terminal => usize::from(columns.0),
            Some(_) | None => columns.unwrap_or(DEFAULT_WIDTH),
        };
        Self {
            width: width.clamp(LEAST_WIDTH, 1000),
            ink: if terminal && !dumb && !set("NO_COLOR") { Ink::Colour } else { Ink::Plain },
        }
    }
}

/// Whether somebody watches standard output.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Prints a text as it is. A reader that has gone away (`| head`) is no fault.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    forgiving(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Prints one JSON document and nothing else.
pub(crate) fn print_json(value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    print(&text)
}

/// Prints to standard error, where a failure to print can't be told to anybody.
pub(crate) fn complain(text: &str) {
    let written = writeln!(io::stderr().lock(), "{text}");
    drop(written);
}

fn forgiving(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A text from elsewhere made fit for a terminal: no control characters, no change of direction.
pub(crate) fn clean(text: &str) -> String {
    let fit = |c: char| match c {
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        c if c.is_control() => Some(' '),
        c => Some(c),
    };
    text.chars().filter_map(fit).collect()
}

/// How many columns a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// The text, cut with an ellipsis so that it takes at most `width` columns.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(c);
    }
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_columns_and_not_by_bytes() {
        assert_eq!(cut("timeout", 7), "timeout");
        assert_eq!(cut("timed out", 7), "timed…");
        assert_eq!(cut("größer", 4), "grö…");
        assert_eq!(cut("東京都庁", 5), "東京…");
    }

    #[test]
    fn control_characters_of_others_do_not_reach_the_terminal() {
        assert_eq!(clean("a\x1b[31mb\n\u{202e}c"), "a [31mb c");
    }

    #[test]
    fn without_ink_a_tone_leaves_the_text_alone() {
        assert_eq!(Ink::Plain.paint(Tone::Bad, "down"), "down");
        assert_eq!(Ink::Colour.paint(Tone::Bad, "down"), "\x1b[1;31mdown\x1b[0m");
    }

    #[test]
    fn a_reader_that_has_gone_away_is_no_fault() {
        let gone = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(forgiving(Err(gone)).is_ok());
        assert!(forgiving(Err(io::Error::from(io::ErrorKind::StorageFull))).is_err());
    }
}
