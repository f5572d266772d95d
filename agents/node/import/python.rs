//! Reads the literals of a Python file and executes nothing: what is computed is named, not guessed.

use super::python_words::{Kind, Token, words};
use std::collections::BTreeMap;
use std::rc::Rc;

pub(super) use super::python_words::Unreadable;

/// Deepest nesting of lists and dictionaries, named values included: the original nests three deep.
const DEPTH_LIMIT: u16 = 32;
/// Longest text that adding texts may make, in bytes: adding a text to itself doubles it.
const SUM_LIMIT: usize = 16 * 1024;
/// Most entries that `**other` may copy in all.
const COPY_LIMIT: usize = 100_000;
/// Most statements that are listed as skipped; a whole program would be no configuration.
const SKIPPED_LIMIT: usize = 200;

/// The entries of a dictionary, in the order they are written.
type Entries = Vec<(Rc<Node>, Rc<Node>)>;

/// A value as written in the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Rc<Node>>),
    Dict(Entries),
    /// `os.environ["NAME"]` or `os.getenv("NAME")`.
    Environment(String),
    /// Something that only running the file would tell.
    Computed,
}

/// A value with the line it stands on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) line: u32,
    pub(super) value: Value,
    /// Levels below this one; values are shared, so it is counted when they are made.
    height: u16,
}

impl Node {
    fn leaf(line: u32, value: Value) -> Rc<Self> {
        Rc::new(Self { line, value, height: 0 })
    }

    /// The text, when it is one.
    pub(super) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// The whole number, when it is one.
    pub(super) fn int(&self) -> Option<i64> {
        if let Value::Int(n) = self.value { Some(n) } else { None }
    }

    /// The items, when it is a list, a tuple or a set.
    pub(super) fn items(&self) -> Option<&[Rc<Node>]> {
        if let Value::List(items) = &self.value { Some(items) } else { None }
    }

    /// The entries, when it is a dictionary. A key that is written twice is there twice.
    pub(super) fn entries(&self) -> Option<&[(Rc<Node>, Rc<Node>)]> {
        if let Value::Dict(entries) = &self.value { Some(entries) } else { None }
    }
}

/// A statement that is no plain assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Skipped {
    pub(super) line: u32,
    /// Its first word.
    pub(super) word: String,
}

/// What a file says in plain literals.
#[derive(Debug, Default)]
pub(super) struct Module {
    pub(super) names: BTreeMap<String, Rc<Node>>,
    pub(super) skipped: Vec<Skipped>,
}

/// Reads a file's assignments.
///
/// # Errors
/// When it is no Python: a text or a bracket that never ends.
pub(super) fn read(source: &str) -> Result<Module, Unreadable> {
    let mut reader = Reader { tokens: words(source)?, at: 0, copied: 0, module: Module::default() };
    while reader.peek().is_some() {
        reader.statement();
    }
    Ok(reader.module)
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    copied: usize,
    module: Module,
}

impl Reader {
    fn peek(&self) -> Option<&Kind> {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> Option<&Kind> {
        self.tokens.get(self.at + ahead).map(|t| &t.kind)
    }

    fn line(&self) -> u32 {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |t| t.line)
    }

    fn is(&self, ahead: usize, op: char) -> bool {
        self.peek_at(ahead) == Some(&Kind::Op(op))
    }

    fn take(&mut self, op: char) -> bool {
        let there = self.is(0, op);
        self.at += usize::from(there);
        there
    }

    /// One logical line at the left margin; blocks below other statements are passed over.
    fn statement(&mut self) {
        if matches!(self.peek(), Some(Kind::NewLine)) || self.take(';') {
            self.at += usize::from(matches!(self.peek(), Some(Kind::NewLine)));
            return;
        }
        let line = self.line();
        let mut targets = Vec::new();
        while let Some(Kind::Name(name)) = self.peek() {
            let name = name.clone();
            if self.is(1, '=') {
                self.at += 2;
            } else if self.is(1, ':') && targets.is_empty() && self.annotated() {
                // past the annotation and its `=`
            } else {
                break;
            }
            targets.push(name);
        }
        if targets.is_empty() {
            self.skip_statement(line);
            return;
        }
        let value = self.value(0);
        let ended = matches!(self.peek(), None | Some(Kind::NewLine)) || self.is(0, ';');
        let value = if ended { value } else { Node::leaf(line, Value::Computed) };
        for name in targets {
            self.module.names.insert(name, value.clone());
        }
        if !ended {
            self.end_line();
        }
    }

    /// Steps over `name: some[type] =`, if that is what follows.
    fn annotated(&mut self) -> bool {
        let mut ahead = 2;
        while let Some(kind) = self.peek_at(ahead) {
            match kind {
                Kind::Op('=') => {
                    self.at += ahead + 1;
                    return true;
                }
                Kind::NewLine => return false,
                Kind::Name(_) | Kind::Number(_) | Kind::Text { .. } | Kind::Op(_) | Kind::Splat => ahead += 1,
            }
        }
        false
    }

    fn skip_statement(&mut self, line: u32) {
        let word = match self.peek() {
            Some(Kind::Name(word)) => Some(word.clone()),
            // a text on its own is a comment
            Some(Kind::Text { .. }) => None,
            Some(Kind::Number(_) | Kind::Op(_) | Kind::Splat | Kind::NewLine) | None => Some("?".to_owned()),
        };
        let harmless = matches!(word.as_deref(), None | Some("import" | "from" | "pass"));
        if let Some(word) = word.filter(|_| !harmless)
            && self.module.skipped.len() < SKIPPED_LIMIT
        {
            self.module.skipped.push(Skipped { line, word });
        }
        self.end_line();
        while self.tokens.get(self.at).is_some_and(|t| t.indented) {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        while let Some(kind) = self.peek() {
            let end = matches!(kind, Kind::NewLine);
            self.at += 1;
            if end {
                break;
            }
        }
    }

    /// One value; whatever else belongs to the expression makes it computed.
    fn value(&mut self, depth: u16) -> Rc<Node> {
        let line = self.line();
        let mut node = self.primary(depth);
        while self.is(0, '+')
            && let Some(left) = node.text().map(str::to_owned)
        {
            self.at += 1;
            let right = self.primary(depth);
            node = match right.text() {
                Some(right) if left.len() + right.len() <= SUM_LIMIT => {
                    Node::leaf(line, Value::Text(left + right))
                }
                Some(_) | None => Node::leaf(line, Value::Computed),
            };
        }
        match self.peek() {
            None | Some(Kind::NewLine | Kind::Op(',' | ':' | ')' | ']' | '}' | ';')) => node,
            Some(Kind::Name(_) | Kind::Number(_) | Kind::Text { .. } | Kind::Op(_) | Kind::Splat) => {
                self.skip_expression();
                Node::leaf(line, Value::Computed)
            }
        }
    }

    /// Steps to the end of the expression: a comma, colon or closing bracket of this level.
    fn skip_expression(&mut self) {
        let mut open = 0usize;
        while let Some(kind) = self.peek() {
            match kind {
                Kind::Op('(' | '[' | '{') => open += 1,
                Kind::Op(')' | ']' | '}') if open > 0 => open -= 1,
                Kind::Op(')' | ']' | '}') | Kind::NewLine => return,
                Kind::Op(',' | ';' | ':') if open == 0 => return,
                Kind::Name(_) | Kind::Number(_) | Kind::Text { .. } | Kind::Op(_) | Kind::Splat => {}
            }
            self.at += 1;
        }
    }

    fn primary(&mut self, depth: u16) -> Rc<Node> {
        let line = self.line();
        let computed = Node::leaf(line, Value::Computed);
        let Some(kind) = self.peek().cloned() else {
            return computed;
        };
        match kind {
            Kind::Op('(' | '[' | '{' | '-') if depth >= DEPTH_LIMIT => computed,
            Kind::Op('{') => self.braces(depth),
            Kind::Op('[') => self.list(depth, ']'),
            Kind::Op('(') => self.parentheses(depth),
            Kind::Op('-') => {
                self.at += 1;
                let node = self.primary(depth + 1);
                if let Value::Int(n) = node.value {
                    Node::leaf(line, Value::Int(n.saturating_neg()))
                } else if let Value::Float(x) = node.value {
                    Node::leaf(line, Value::Float(-x))
                } else {
                    computed
                }
            }
            Kind::Number(digits) => {
                self.at += 1;
                Node::leaf(line, number(&digits))
            }
            Kind::Text { .. } => self.texts(),
            Kind::Name(name) => self.named(&name, depth),
            Kind::Op(_) | Kind::Splat | Kind::NewLine => computed,
        }
    }

    /// Texts that stand beside each other are one text.
    fn texts(&mut self) -> Rc<Node> {
        let line = self.line();
        let mut whole = String::new();
        let mut plain = true;
        while let Some(Kind::Text { value, computed }) = self.peek() {
            whole.push_str(value);
            plain &= !computed;
            self.at += 1;
        }
        Node::leaf(line, if plain { Value::Text(whole) } else { Value::Computed })
    }

    fn named(&mut self, name: &str, depth: u16) -> Rc<Node> {
        let line = self.line();
        if let Some(variable) = self.environment() {
            return Node::leaf(line, Value::Environment(variable));
        }
        if name == "dict" && self.is(1, '(') && depth < DEPTH_LIMIT {
            self.at += 2;
            return self.entries(line, depth, ')', Vec::new());
        }
        let value = match name {
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            "None" => Value::None,
            other => {
                let known = self.module.names.get(other).cloned();
                self.at += 1;
                return known
                    .filter(|node| node.height.saturating_add(depth) < DEPTH_LIMIT)
                    .unwrap_or_else(|| Node::leaf(line, Value::Computed));
            }
        };
        self.at += 1;
        Node::leaf(line, value)
    }

    /// `os.environ["X"]`, `os.environ.get("X", …)` or `os.getenv("X", …)`: a reference we have too.
    fn environment(&mut self) -> Option<String> {
        let name =
            |ahead: usize, wanted: &str| matches!(self.peek_at(ahead), Some(Kind::Name(n)) if n == wanted);
        if !(name(0, "os") && self.is(1, '.')) {
            return None;
        }
        let (text_at, closing) = if name(2, "getenv") && self.is(3, '(') {
            (4, ')')
        } else if name(2, "environ") && self.is(3, '[') {
            (4, ']')
        } else if name(2, "environ") && self.is(3, '.') && name(4, "get") && self.is(5, '(') {
            (6, ')')
        } else {
            return None;
        };
        let Some(Kind::Text { value, computed: false }) = self.peek_at(text_at) else {
            return None;
        };
        let variable = value.clone();
        self.at += text_at + 1;
        while self.take(',') {
            self.skip_expression();
        }
        self.take(closing);
        Some(variable)
    }

    fn parentheses(&mut self, depth: u16) -> Rc<Node> {
        let list = self.list(depth, ')');
        let before_closing = self.tokens.get(self.at.saturating_sub(2));
        let comma = before_closing.is_some_and(|t| t.kind == Kind::Op(','));
        // `(x)` is x, `(x,)` and `(x, y)` are tuples
        match list.items() {
            Some([one]) if !comma => one.clone(),
            Some(_) | None => list,
        }
    }

    fn list(&mut self, depth: u16, closing: char) -> Rc<Node> {
        let line = self.line();
        self.at += 1;
        self.items(line, depth, closing, Vec::new())
    }

    fn items(&mut self, line: u32, depth: u16, closing: char, mut items: Vec<Rc<Node>>) -> Rc<Node> {
        while self.peek().is_some() && !self.take(closing) {
            items.push(self.value(depth + 1));
            self.next_of(closing);
        }
        let height = 1 + items.iter().map(|n| n.height).max().unwrap_or(0);
        Rc::new(Node { line, value: Value::List(items), height })
    }

    /// Steps over the comma after an item, or over what nobody expected there.
    fn next_of(&mut self, closing: char) {
        if !self.take(',') && !self.is(0, closing) {
            self.at += 1;
        }
    }

    /// `{…}`: a dictionary, or a set, which is read as a list.
    fn braces(&mut self, depth: u16) -> Rc<Node> {
        let line = self.line();
        self.at += 1;
        if matches!(self.peek(), Some(Kind::Splat | Kind::Op('}'))) {
            return self.entries(line, depth, '}', Vec::new());
        }
        let first = self.value(depth + 1);
        if self.take(':') {
            let value = self.value(depth + 1);
            self.next_of('}');
            return self.entries(line, depth, '}', vec![(first, value)]);
        }
        self.next_of('}');
        self.items(line, depth, '}', vec![first])
    }

    /// Entries up to `closing`: `key: value` in braces, `key=value` in a call of `dict`.
    fn entries(&mut self, line: u32, depth: u16, closing: char, mut entries: Entries) -> Rc<Node> {
        while self.peek().is_some() && !self.take(closing) {
            if self.peek() == Some(&Kind::Splat) {
                self.at += 1;
                let other = self.value(depth + 1);
                let copies = other.entries().unwrap_or_default();
                self.copied += copies.len();
                if self.copied <= COPY_LIMIT {
                    entries.extend_from_slice(copies);
                }
            } else {
                let key = match self.peek() {
                    Some(Kind::Name(name)) if closing == ')' => {
                        let key = Node::leaf(self.line(), Value::Text(name.clone()));
                        self.at += 1;
                        key
                    }
                    Some(_) | None => self.value(depth + 1),
                };
                if self.take(if closing == ')' { '=' } else { ':' }) {
                    let value = self.value(depth + 1);
                    entries.push((key, value));
                }
            }
            self.next_of(closing);
        }
        let height = 1 + entries.iter().map(|(_, v)| v.height).max().unwrap_or(0);
        Rc::new(Node { line, value: Value::Dict(entries), height })
    }
}

fn number(digits: &str) -> Value {
    let plain = digits.replace('_', "");
    if let Ok(n) = plain.parse::<i64>() {
        return Value::Int(n);
    }
    match plain.parse::<f64>() {
        Ok(x) if x.is_finite() => Value::Float(x),
        Ok(_) | Err(_) => Value::Computed,
    }
}
