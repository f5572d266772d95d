//! A configuration file: read once, taken apart piece by piece, with all its faults collected.

use crate::decode::{DecodeError, Reader, Spot, What};
use crate::faults::{Check, Faults};
use crate::overrides::Overrides;
use crate::redact;
use crate::source::{PlacedFault, Source, Visible};
use crate::tree::{NODE_LIMIT, NodeRef, Place, ROOT, Tree, Value};
use crate::words;
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
    faults: Vec<PlacedFault>,
    broken: bool,
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
                document.faults.clear();
                let message = "this is no UTF-8 text; save the file as UTF-8";
                document.syntax(e.valid_up_to()..e.valid_up_to(), message.to_owned());
                document
            }
        }
    }

    /// Takes a file's text. Syntax errors are noted as faults; a file that has some reads as empty.
    pub fn parse(name: &str, text: &str) -> Self {
        let mut document = Self::unreadable(name, "");
        document.faults.clear();
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
            faults: vec![PlacedFault::of_file(name, message)],
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
            self.add(fault);
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
        let (at, key) = match error.at {
            Some(Spot::Key(at)) => (at, true),
            Some(Spot::Value(at)) => (at, false),
            None => (top, false),
        };
        match &error.what {
            What::UnknownKey { key, known } => {
                let known: Vec<&str> = known
                    .iter()
                    .chain(apart.iter().filter(|_| self.tree.node(at).parent == top))
                    .copied()
                    .collect();
                let message = format!(
                    "unknown key `{}`{}",
                    words::shown(key),
                    words::suggestion(key, &known)
                );
                self.at_node(at, true, error.secret, message);
            }
            What::MissingKey(missing) => {
                // a key that is there but faulty was noted already
                if self.tree.child(at, missing).is_none() {
                    self.at_node(at, true, false, error.to_string());
                }
            }
            What::Value(message) => self.at_node(at, key, error.secret, message.clone()),
        }
        self.tree.node_mut(at).dropped = true;
        (at != top && self.faults.len() < FAULT_LIMIT).then_some(())
    }

    /// Notes what a configuration at `path` finds wrong with itself.
    pub fn check(&mut self, path: &[&str], config: &impl Check) {
        let mut list = Vec::new();
        config.check(&mut Faults::new(&mut list));
        for fault in list {
            let below = fault.path.iter().map(String::as_str);
            let full: Vec<&str> = path.iter().copied().chain(below).collect();
            self.note(&full, &fault.message);
        }
    }

    /// Notes a fault of the value at `path`, or of the nearest table above it that is there. One
    /// about a value that was read past is not noted: it speaks of the default.
    pub fn note(&mut self, path: &[&str], message: &str) {
        if self.is_damaged(path) {
            return;
        }
        let mut at = ROOT;
        for key in path {
            match self.tree.child(at, key) {
                Some(child) => at = child,
                None => break,
            }
        }
        let table = matches!(self.tree.node(at).value, Value::Table(_));
        self.at_node(at, table, false, message.chars().map(words::harmless).collect());
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
        self.faults.len()
    }

    /// The faults, in the order of their places.
    pub fn into_faults(mut self) -> Vec<PlacedFault> {
        self.faults.sort();
        self.faults.dedup();
        self.faults
    }

    fn syntax(&mut self, span: Range<usize>, message: String) {
        if self.faults.len() < FAULT_LIMIT {
            let fault = self.source.fault(span, Visible::Unsure, message);
            self.add(fault);
        }
    }

    fn at_node(&mut self, at: NodeRef, key: bool, secret: bool, message: String) {
        let node = self.tree.node(at);
        let fault = match if key { &node.key_place } else { &node.place } {
            Place::Span(span) => {
                let hidden = secret || redact::is_secret(&self.tree, at);
                let visible = match (&node.place, hidden) {
                    (Place::Span(value), true) => Visible::Without(value.clone()),
                    _ => Visible::Line,
                };
                self.source.fault(span.clone(), visible, message)
            }
            Place::Variable(variable) => {
                let path = self.tree.path(at).join(".");
                let message = format!("{message} (`{}` of {})", words::shown(&path), self.source.name());
                PlacedFault::of_variable(self.source.name(), &words::shown(variable), message)
            }
            Place::Nowhere => PlacedFault::of_file(self.source.name(), message),
        };
        self.add(fault);
    }

    fn add(&mut self, fault: PlacedFault) {
        if self.faults.len() < FAULT_LIMIT {
            self.faults.push(fault);
        }
    }
}
