//! Splits Python text into words: names, numbers, texts, signs and line ends.

/// Most words a file may have; a configuration of a thousand services has 100,000.
const WORD_LIMIT: usize = 500_000;

/// Why a file can't be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(super) struct Unreadable {
    pub(super) line: u32,
    pub(super) what: &'static str,
}

/// A word and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) line: u32,
    /// Whether its line starts right of the margin.
    pub(super) indented: bool,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Name(String),
    Number(String),
    /// A text; computed when it is formatted or made of bytes.
    Text {
        value: String,
        computed: bool,
    },
    /// One sign; signs of several characters that we have no use for are `?`.
    Op(char),
    /// `**`.
    Splat,
    NewLine,
}

/// All words of a file.
///
/// # Errors
/// A text or bracket that never ends, or too many words.
pub(super) fn words(source: &str) -> Result<Vec<Token>, Unreadable> {
    let mut splitter = Splitter {
        chars: source.chars().collect(),
        at: 0,
        line: 1,
        indented: false,
        open: Vec::new(),
        tokens: Vec::new(),
    };
    splitter.indentation();
    while splitter.at < splitter.chars.len() {
        splitter.word()?;
        if splitter.tokens.len() > WORD_LIMIT {
            return Err(splitter.fault("too long for a configuration"));
        }
    }
    match splitter.open.last() {
        Some((_, line)) => Err(Unreadable { line: *line, what: "this bracket is never closed" }),
        None => Ok(splitter.tokens),
    }
}

struct Splitter {
    chars: Vec<char>,
    at: usize,
    line: u32,
    indented: bool,
    /// The brackets that are open, with their lines.
    open: Vec<(char, u32)>,
    tokens: Vec<Token>,
}

impl Splitter {
    fn fault(&self, what: &'static str) -> Unreadable {
        Unreadable { line: self.line, what }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn push(&mut self, line: u32, kind: Kind) {
        self.tokens.push(Token { line, indented: self.indented, kind });
    }

    fn indentation(&mut self) {
        self.indented = matches!(self.peek(0), Some(' ' | '\t'));
    }

    fn word(&mut self) -> Result<(), Unreadable> {
        let Some(c) = self.peek(0) else { return Ok(()) };
        match c {
            '\n' => self.line_end(),
            '#' => self.while_true(|c| c != '\n', drop),
            '\\' if matches!(self.peek(1), Some('\n' | '\r')) => {
                self.at += if self.peek(1) == Some('\r') { 3 } else { 2 };
                self.line += 1;
            }
            c if c.is_whitespace() || c == '\u{feff}' => self.at += 1,
            '\'' | '"' => return self.text(""),
            c if c.is_alphabetic() || c == '_' => {
                let line = self.line;
                let mut name = String::new();
                self.while_true(|c| c.is_alphanumeric() || c == '_', |c| name.push(c));
                let prefix = matches!(
                    name.to_ascii_lowercase().as_str(),
                    "r" | "u" | "b" | "f" | "br" | "rb" | "fr" | "rf"
                );
                if prefix && matches!(self.peek(0), Some('\'' | '"')) {
                    return self.text(&name.to_ascii_lowercase());
                }
                self.push(line, Kind::Name(name));
            }
            c if c.is_ascii_digit() || (c == '.' && self.peek(1).is_some_and(|c| c.is_ascii_digit())) => {
                let mut digits = String::new();
                self.while_true(|c| c.is_alphanumeric() || matches!(c, '.' | '_'), |c| digits.push(c));
                self.push(self.line, Kind::Number(digits));
            }
            c => return self.sign(c),
        }
        Ok(())
    }

    fn while_true(&mut self, wanted: impl Fn(char) -> bool, mut keep: impl FnMut(char)) {
        while let Some(c) = self.peek(0).filter(|c| wanted(*c)) {
            keep(c);
            self.at += 1;
        }
    }

    fn line_end(&mut self) {
        let begun = self.tokens.last().is_some_and(|t| t.kind != Kind::NewLine);
        if self.open.is_empty() && begun {
            self.push(self.line, Kind::NewLine);
        }
        self.at += 1;
        self.line += 1;
        if self.open.is_empty() {
            self.indentation();
        }
    }

    fn sign(&mut self, c: char) -> Result<(), Unreadable> {
        let line = self.line;
        match c {
            '(' | '[' | '{' => self.open.push((c, line)),
            ')' | ']' | '}' => {
                let opening = match c {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                if self.open.pop().map(|(c, _)| c) != Some(opening) {
                    return Err(self.fault("this bracket was never opened"));
                }
            }
            _ => {}
        }
        let second = self.peek(1);
        let kind = match (c, second) {
            ('*', Some('*')) => Kind::Splat,
            (
                '=' | '!' | '<' | '>' | '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '@' | ':',
                Some('='),
            ) => Kind::Op('?'),
            _ => Kind::Op(c),
        };
        self.at += if matches!(kind, Kind::Splat | Kind::Op('?')) && second.is_some() { 2 } else { 1 };
        self.push(line, kind);
        Ok(())
    }

    fn text(&mut self, prefix: &str) -> Result<(), Unreadable> {
        let line = self.line;
        let quote = self.peek(0).unwrap_or('"');
        let triple = self.peek(1) == Some(quote) && self.peek(2) == Some(quote);
        self.at += if triple { 3 } else { 1 };
        let unended = Unreadable { line, what: "this text never ends" };
        let mut value = String::new();
        loop {
            let c = self.peek(0).ok_or_else(|| unended.clone())?;
            if c == quote && (!triple || (self.peek(1) == Some(quote) && self.peek(2) == Some(quote))) {
                self.at += if triple { 3 } else { 1 };
                break;
            }
            if c == '\n' {
                if !triple {
                    return Err(unended);
                }
                self.line += 1;
            }
            self.at += 1;
            if c == '\\' {
                self.escape(prefix.contains('r'), &mut value);
            } else {
                value.push(c);
            }
        }
        let computed = prefix.contains('b') || (prefix.contains('f') && value.contains('{'));
        self.push(line, Kind::Text { value, computed });
        Ok(())
    }

    /// What follows a backslash inside a text.
    fn escape(&mut self, raw: bool, value: &mut String) {
        let Some(c) = self.peek(0) else { return };
        self.at += 1;
        self.line += u32::from(c == '\n');
        if raw {
            value.push('\\');
            value.push(c);
            return;
        }
        let hex = match c {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if hex > 0 {
            let digits: String = self.chars.iter().skip(self.at).take(hex).collect();
            let read = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
            if digits.chars().count() == hex && digits.chars().all(|c| c.is_ascii_hexdigit()) {
                self.at += hex;
                value.push(read.unwrap_or(char::REPLACEMENT_CHARACTER));
                return;
            }
        }
        match c {
            '\n' => {}
            'n' => value.push('\n'),
            't' => value.push('\t'),
            'r' => value.push('\r'),
            '0' => value.push('\0'),
            '\\' | '\'' | '"' => value.push(c),
            other => {
                value.push('\\');
                value.push(other);
            }
        }
    }
}
