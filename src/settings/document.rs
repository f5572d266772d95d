//! A configuration file: read once, taken apart piece by piece, with all its faults collected.

use crate::decode::{DecodeError, Reader, Spot, What};
use crate::faults::{Check, Fault, Faults};
use crate::overrides::Overrides;
use crate::redact;
use crate::secret::Secret;
use crate::source::{PlacedFault, Source, Visible};
use crate::tree::{NODE_LIMIT, NodeRef, Place, ROOT, Tree, Value};
use crate::words;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use toml::de::DeTable;

/// Largest configuration file, in bytes: room for 10,000 services with all their keys.
pub const FILE_LIMIT: u64 = 4 * 1024 * 1024;
/// Most faults that are noted for one file; whoever has more mends these first.
pub const FAULT_LIMIT: usize = 100;
/// Largest file in which more than the first syntax error is looked for: each may cost a few
/// hundred bytes, and there may be one in every byte.
const RECOVERY_LIMIT: usize = 256 * 1024;

/// A configuration file with what the environment overrides, and the faults found so far.
#[derive(Debug)]
pub struct Document {
    source: Source,
    tree: Tree,
    noted: Vec<Noted>,
    broken: bool,
}

/// A fault as it is kept until all is read: only then is known which values are secrets.
#[derive(Debug)]
enum Noted {
    Placed(PlacedFault),
    At { node: NodeRef, half: Half, message: String },
}

/// Which half of a key and its value a fault marks, and whether the value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Key,
    /// The key, whose value nobody has read: it may be a misspelt secret.
    UnknownKey,
    Value,
    SecretValue,
}

impl Document {
    /// Reads the file at `path`; one that isn't there is like an empty one. `name` is how people know it.
    pub fn read(path: &Path, name: &str) -> Self {
        let mut bytes = Vec::new();
        let read =
            std::fs::File::open(path).and_then(|file| file.take(FILE_LIMIT + 1).read_to_end(&mut bytes));
        match read {
            Ok(_) if bytes.len() as u64 > FILE_LIMIT => {
                Self::unreadable(name, format!("the file is larger than {} MiB", FILE_LIMIT >> 20))
            }
            Ok(_) => Self::from_bytes(name, &bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Self::parse(name, ""),
            Err(e) => Self::unreadable(name, format!("can't read the file: {e}; check who may read it")),
        }
    }

    /// Takes a file's bytes.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(name, text),
            Err(e) => {
                let valid = bytes.get(..e.valid_up_to()).unwrap_or_default();
                let mut document = Self::unreadable(name, "");
                document.source = Source::new(name, &String::from_utf8_lossy(valid));
                document.noted.clear();
                let message = "this is no UTF-8 text; save the file as UTF-8";
                document.syntax(e.valid_up_to()..e.valid_up_to(), message.to_owned());
                document
            }
        }
    }

    /// Takes a file's text. Syntax errors are noted as faults; a file that has some reads as empty.
    pub fn parse(name: &str, text: &str) -> Self {
        let mut document = Self::unreadable(name, "");
        document.noted.clear();
        if text.len() as u64 > FILE_LIMIT {
            return Self::unreadable(name, format!("the file is larger than {} MiB", FILE_LIMIT >> 20));
        }
        document.source = Source::new(name, text);
        let (table, errors) = match DeTable::parse(text) {
            Ok(table) => (table, Vec::new()),
            Err(_) if text.len() <= RECOVERY_LIMIT => DeTable::parse_recoverable(text),
            Err(first) => (toml::Spanned::new(0..0, DeTable::new()), vec![first]),
        };
        // a key that is there twice leaves the rest of the file as clear as it was
        document.broken = errors.iter().any(|e| e.message() != "duplicate key");
        for error in errors {
            document.syntax(error.span().unwrap_or(0..0), words::plain(error.message()));
        }
        if !document.broken {
            match Tree::of(table.get_ref()) {
                Some(tree) => document.tree = tree,
                None => return Self::unreadable(name, format!("the file has more than {NODE_LIMIT} keys")),
            }
        }
        document
    }

    fn unreadable(name: &str, message: impl Into<String>) -> Self {
        Self {
            source: Source::new(name, ""),
            tree: Tree::empty(),
            noted: vec![Noted::Placed(PlacedFault::of_file(name, message))],
            broken: true,
        }
    }

    /// Whether the file as a whole could not be read, so that nothing is known of its keys.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Puts the environment's values in place of the file's.
    pub fn override_from(&mut self, overrides: &Overrides<'_>, environment: &BTreeMap<String, String>) {
        let faults = overrides.apply(&mut self.tree, self.source.name(), environment);
        for fault in faults {
            self.add(Noted::Placed(fault));
        }
    }

    /// The keys of the table at `path`; a fault when something else is there, none when nothing is.
    pub fn keys(&mut self, path: &[&str]) -> Vec<String> {
        match self.tree.find(path).map(|at| &self.tree.node(at).value) {
            Some(Value::Table(table)) => table.keys().cloned().collect(),
            None => Vec::new(),
            Some(_) => {
                self.note(path, "expected a table");
                Vec::new()
            }
        }
    }

    /// Whether there is such a key.
    pub fn has(&self, path: &[&str]) -> bool {
        self.tree.find(path).is_some()
    }

    /// Whether the value at `path` was faulty and was read past.
    pub fn is_damaged(&self, path: &[&str]) -> bool {
        let mut at = ROOT;
        path.iter().any(|key| match self.tree.child(at, key) {
            Some(child) => {
                at = child;
                self.tree.node(child).dropped
            }
            None => false,
        })
    }

    /// Reads the table at `path` as a `T`, without its keys `apart`, which are read on their own.
    /// Faulty keys are noted and read past; none when what is left makes no `T`.
    pub fn decode<T: DeserializeOwned>(&mut self, path: &[&str], apart: &[&'static str]) -> Option<T> {
        self.decode_by(path, apart, |reader| T::deserialize(reader))
    }

    /// Reads the value at `path` by `read`, such as a function that picks the type by a name.
    pub fn decode_by<T>(
        &mut self,
        path: &[&str],
        apart: &[&'static str],
        mut read: impl FnMut(Reader<'_>) -> Result<T, DecodeError>,
    ) -> Option<T> {
        let Some(at) = self.tree.find(path) else {
            let nothing = Tree::empty();
            let read = read(Reader::new(&nothing, ROOT, &[]));
            return read.map_err(|e| self.note(path, &e.to_string())).ok();
        };
        loop {
            match read(Reader::new(&self.tree, at, apart)) {
                Ok(value) => return Some(value),
                Err(error) => self.read_past(&error, at, apart)?,
            }
        }
    }

    /// Notes an error and drops what it is about; none when that is all there is or enough is noted.
    fn read_past(&mut self, error: &DecodeError, top: NodeRef, apart: &[&'static str]) -> Option<()> {
        let (at, half) = match error.at {
            Some(Spot::Key(at)) => (at, Half::Key),
            Some(Spot::Value(at)) if error.secret => (at, Half::SecretValue),
            Some(Spot::Value(at)) => (at, Half::Value),
            None => (top, Half::Value),
        };
        match &error.what {
            What::UnknownKey { key, known } => {
                let apart = apart.iter().filter(|_| self.tree.node(at).parent == top);
                let known: Vec<&str> = known.iter().chain(apart).copied().collect();
                let message =
                    format!("unknown key `{}`{}", words::shown(key), words::suggestion(key, &known));
                self.note_at(at, Half::UnknownKey, message);
            }
            What::MissingKey(missing) => {
                // a key that is there but faulty was noted already
                if self.tree.child(at, missing).is_none() {
                    self.note_at(at, Half::Key, error.to_string());
                }
            }
            What::Value(message) => self.note_at(at, half, message.clone()),
        }
        self.tree.node_mut(at).dropped = true;
        (at != top && self.noted.len() < FAULT_LIMIT).then_some(())
    }

    /// Notes what a configuration at `path` finds wrong with itself.
    pub fn check(&mut self, path: &[&str], config: &impl Check) {
        let mut list = Vec::new();
        config.check(&mut Faults::new(&mut list));
        self.note_below(path, &list);
    }

    /// Notes faults that were collected below `path`.
    pub fn note_below(&mut self, path: &[&str], list: &[Fault]) {
        for fault in list {
            let below = fault.path.iter().map(String::as_str);
            let full: Vec<&str> = path.iter().copied().chain(below).collect();
            self.note(&full, &fault.message);
        }
    }

    /// Notes a fault of the value at `path`, or of the nearest table above it that is there. One
    /// about a value that was read past is not noted: it speaks of the default.
    pub fn note(&mut self, path: &[&str], message: &str) {
        if !self.is_damaged(path) {
            let (node, half) = self.nearest(path);
            self.note_at(node, half, message.chars().map(words::harmless).collect());
        }
    }

    /// Notes a fault of the key at `path` itself, such as one that belongs elsewhere.
    pub fn note_key(&mut self, path: &[&str], message: &str) {
        let (node, _) = self.nearest(path);
        self.note_at(node, Half::UnknownKey, message.chars().map(words::harmless).collect());
    }

    /// A message about the value at `path`, or about the nearest table above it that is there.
    pub fn placed(&self, path: &[&str], message: &str) -> PlacedFault {
        let (node, half) = self.nearest(path);
        let message = message.chars().map(words::harmless).collect();
        self.place(node, half, message, &self.open_secrets())
    }

    fn nearest(&self, path: &[&str]) -> (NodeRef, Half) {
        let mut at = ROOT;
        for key in path {
            match self.tree.child(at, key) {
                Some(child) => at = child,
                None => break,
            }
        }
        let table = matches!(self.tree.node(at).value, Value::Table(_));
        (at, if table { Half::Key } else { Half::Value })
    }

    /// The secrets that were read so far, each with the keys that lead to it.
    pub fn secrets(&self) -> Vec<(Vec<String>, Secret)> {
        let marked = self.tree.all().filter(|at| self.tree.node(*at).secret.get());
        marked
            .filter_map(|at| {
                let secret = Secret::deserialize(Reader::new(&self.tree, at, &[])).ok()?;
                let path = self.tree.path(at).into_iter().map(str::to_owned).collect();
                Some((path, secret))
            })
            .collect()
    }

    /// The configuration as JSON with its secrets hidden; what is absent has its default.
    pub fn redacted(&self) -> serde_json::Value {
        redact::json(&self.tree)
    }

    /// The configuration as canonical text, secrets and all: for its hash, never to be shown.
    pub fn canonical(&self) -> String {
        redact::whole_json(&self.tree).to_string()
    }

    /// How many faults were noted so far.
    pub fn fault_count(&self) -> usize {
        self.noted.len()
    }

    /// The faults, in the order of their places.
    pub fn into_faults(mut self) -> Vec<PlacedFault> {
        let secrets = self.open_secrets();
        let mut faults: Vec<PlacedFault> = std::mem::take(&mut self.noted)
            .into_iter()
            .map(|noted| match noted {
                Noted::Placed(fault) => fault,
                Noted::At { node, half, message } => self.place(node, half, message, &secrets),
            })
            .collect();
        faults.sort();
        faults.dedup();
        faults
    }

    /// Where secrets stand in the open, or may: values that were asked for as a reference and are none,
    /// and those behind unknown keys.
    fn open_secrets(&self) -> Vec<Range<usize>> {
        let asked = self.tree.all().filter(|at| {
            let node = self.tree.node(*at);
            node.secret.get() && !matches!(&node.value, Value::Text(text) if redact::is_reference(text))
        });
        let unread = self.noted.iter().filter_map(|noted| match noted {
            Noted::At { node, half, .. } => self.is_unread(*half, *node).then_some(*node),
            Noted::Placed(_) => None,
        });
        asked
            .chain(unread)
            .filter_map(|at| match &self.tree.node(at).place {
                Place::Span(span) => Some(span.clone()),
                Place::Variable(_) | Place::Nowhere => None,
            })
            .collect()
    }

    fn syntax(&mut self, span: Range<usize>, message: String) {
        if self.noted.len() < FAULT_LIMIT {
            let fault = self.source.fault(span, Visible::Unsure, message);
            self.add(Noted::Placed(fault));
        }
    }

    fn note_at(&mut self, node: NodeRef, half: Half, message: String) {
        self.add(Noted::At { node, half, message });
    }

    fn place(&self, at: NodeRef, half: Half, message: String, secrets: &[Range<usize>]) -> PlacedFault {
        let node = self.tree.node(at);
        let place = match half {
            Half::Key | Half::UnknownKey => &node.key_place,
            Half::Value | Half::SecretValue => &node.place,
        };
        match place {
            Place::Span(span) => {
                let mut hidden = secrets.to_vec();
                let hide = half == Half::SecretValue
                    || self.is_unread(half, at)
                    || redact::is_secret(&self.tree, at);
                if let Place::Span(value) = &node.place
                    && hide
                {
                    hidden.push(value.clone());
                }
                self.source.fault(span.clone(), Visible::Without(&hidden), message)
            }
            Place::Variable(variable) => {
                let path = self.tree.path(at).join(".");
                let message = format!("{message} (`{}` of {})", words::shown(&path), self.source.name());
                PlacedFault::of_variable(self.source.name(), &words::shown(variable), message)
            }
            Place::Nowhere => PlacedFault::of_file(self.source.name(), message),
        }
    }

    /// Whether a value behind an unknown key could be a secret; a table's header is shown.
    fn is_unread(&self, half: Half, at: NodeRef) -> bool {
        let node = self.tree.node(at);
        let scalar =
            matches!(node.value, Value::Integer { .. } | Value::Float(_) | Value::Truth(_) | Value::Date(_));
        let behind = match (&node.key_place, &node.place) {
            (Place::Span(key), Place::Span(value)) => value.start >= key.end,
            _ => false,
        };
        half == Half::UnknownKey && behind && !scalar
    }

    fn add(&mut self, noted: Noted) {
        if self.noted.len() < FAULT_LIMIT {
            self.noted.push(noted);
        }
    }
}
