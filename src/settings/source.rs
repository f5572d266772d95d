//! A configuration file's text: where a byte stands, and how a fault there is shown to a person.

use crate::words::harmless;
use std::fmt;
use std::ops::Range;

/// Longest part of a line that is shown, in characters: one row of most terminals.
const LINE_SHOWN: usize = 100;
/// How much of that stands before the fault, in a longer line.
const BEFORE: usize = 40;

/// Whether a report is for a terminal that shows colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// Text alone.
    #[default]
    Plain,
    /// With ANSI colours.
    Coloured,
}

/// A fault with the place it stands at, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlacedFault {
    /// The file it is in, or the one the variable overrides.
    pub file: String,
    /// Line and column, from 1; none when the file as a whole or a variable is at fault.
    pub position: Option<(usize, usize)>,
    /// The environment variable that is at fault, if it is one.
    pub variable: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
    /// The line, with secrets hidden, and the characters of it that are marked.
    excerpt: Option<Excerpt>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Excerpt {
    line: String,
    indent: usize,
    width: usize,
}

impl PlacedFault {
    /// A fault of a file as a whole.
    pub fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), position: None, variable: None, message: message.into(), excerpt: None }
    }

    /// A fault of an environment variable.
    pub fn of_variable(file: &str, variable: &str, message: impl Into<String>) -> Self {
        Self { variable: Some(variable.chars().map(harmless).collect()), ..Self::of_file(file, message) }
    }

    /// Where it stands, as an editor takes it: `mesh.toml:12:3`.
    pub fn place(&self) -> String {
        match (&self.variable, self.position) {
            (Some(variable), _) => format!("environment variable {variable}"),
            (None, Some((line, column))) => format!("{}:{line}:{column}", self.file),
            (None, None) => self.file.clone(),
        }
    }

    /// Place and message, then the line with a mark under what is wrong.
    pub fn render(&self, style: Style) -> String {
        let (bold, red, blue, off) = match style {
            Style::Plain => ("", "", "", ""),
            Style::Coloured => ("\u{1b}[1m", "\u{1b}[1;31m", "\u{1b}[1;34m", "\u{1b}[0m"),
        };
        let headline = format!("{bold}{}{off}: {}\n", self.place(), self.message);
        let (Some(excerpt), Some((number, _))) = (&self.excerpt, self.position) else {
            return headline;
        };
        let gutter = " ".repeat(number.to_string().len());
        let indent = " ".repeat(excerpt.indent);
        let mark = "^".repeat(excerpt.width);
        let line = &excerpt.line;
        format!(
            "{headline}{blue}{gutter} |{off}\n{blue}{number} |{off} {line}\n{blue}{gutter} |{off} {indent}{red}{mark}{off}\n"
        )
    }
}

/// One line: place and message.
impl fmt::Display for PlacedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.message)
    }
}

/// How much of the line around a fault may be shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Visible<'a> {
    /// The line, up to where one of these bytes of the file begins or something looks like a secret.
    Without(&'a [Range<usize>]),
    /// The line, where the file's structure is unsure: only when it is plainly no part of a value.
    Unsure,
}

/// The text of a configuration file.
#[derive(Debug)]
pub(crate) struct Source {
    name: String,
    text: String,
    starts: Vec<usize>,
}

impl Source {
    /// Takes a text; `name` is the file's path as people know it.
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            starts: std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect(),
        }
    }

    /// The file's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The line that a byte is in, its first byte and its text without the line's end.
    fn line(&self, at: usize) -> (usize, usize, &str) {
        let number = self.starts.partition_point(|start| *start <= at).max(1);
        let start = self.starts.get(number - 1).copied().unwrap_or(0);
        let end = self.starts.get(number).map_or(self.text.len(), |next| next - 1);
        let line = self.text.get(start..end).unwrap_or_default();
        (number, start, line.strip_suffix('\r').unwrap_or(line))
    }

    /// Whether a line may belong to a value begun further up, of which nobody knows what it is.
    fn may_be_inside_a_value(&self, start: usize, line: &str) -> bool {
        let above = self.text.get(..start).unwrap_or_default();
        let open = |quotes: &str| above.matches(quotes).count() % 2 == 1;
        let plain = line.contains('=') || line.trim_start().starts_with('[');
        !plain || open("\"\"\"") || open("'''")
    }

    /// A fault at some bytes of the file.
    pub(crate) fn fault(&self, span: Range<usize>, visible: Visible<'_>, message: String) -> PlacedFault {
        let (number, start, line) = self.line(span.start.min(self.text.len()));
        let offset = span.start.saturating_sub(start).min(line.len());
        let column = line.get(..offset).unwrap_or(line).chars().count();
        let end = span.end.saturating_sub(start).min(line.len());
        let width = line.get(offset..end).unwrap_or_default().chars().count().max(1);
        let shown = match visible {
            Visible::Unsure if self.may_be_inside_a_value(start, line) => None,
            Visible::Unsure => crate::redact::line(line, None),
            Visible::Without(secrets) => {
                let here = secrets.iter().filter(|s| s.start <= start + line.len() && s.end > start);
                crate::redact::line(line, here.map(|s| s.start.saturating_sub(start)).min())
            }
        };
        PlacedFault {
            position: Some((number, column + 1)),
            excerpt: shown.map(|line| excerpt(&line, column, width)),
            ..PlacedFault::of_file(&self.name, message)
        }
    }
}

/// The part of a line around the marked characters.
fn excerpt(line: &str, column: usize, width: usize) -> Excerpt {
    let length = line.chars().count();
    let skipped = if length > LINE_SHOWN { column.min(length).saturating_sub(BEFORE) } else { 0 };
    let part: String = line.chars().skip(skipped).take(LINE_SHOWN).map(harmless).collect();
    let indent = column.min(length) - skipped;
    let room = part.chars().count().saturating_sub(indent).max(1);
    Excerpt { line: part.trim_end().to_owned(), indent, width: width.min(room) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_line_and_column_in_characters() {
        let source = Source::new("m.toml", "# é\r\nü = 1 # x\n");
        for (span, position) in
            [(0..1, (1, 1)), (4..5, (1, 4)), (6..8, (2, 1)), (9..10, (2, 3)), (99..99, (3, 1))]
        {
            let fault = source.fault(span.clone(), Visible::Without(&[]), String::from("x"));
            assert_eq!(fault.position, Some(position), "{span:?}");
        }
    }

    #[test]
    fn a_long_line_is_shown_around_the_fault() {
        let text = format!("{}BAD{}", "a".repeat(500), "b".repeat(500));
        let fault = Source::new("m.toml", &text).fault(500..503, Visible::Without(&[]), String::from("x"));
        let expected = format!(
            "m.toml:1:501: x\n  |\n1 | {}BAD{}\n  | {}^^^\n",
            "a".repeat(40),
            "b".repeat(57),
            " ".repeat(40)
        );
        assert_eq!(fault.render(Style::Plain), expected);
    }

    #[test]
    fn colours_are_there_only_when_asked_for() {
        let fault = Source::new("m.toml", "a = 1").fault(0..1, Visible::Without(&[]), String::from("x"));
        assert!(!fault.render(Style::Plain).contains('\u{1b}'));
        assert!(fault.render(Style::Coloured).contains('\u{1b}'));
    }
}
