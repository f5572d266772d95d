//! The tree of a configuration: every key and value with the place it comes from.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Most keys and values of one file: twice what 10,000 services need, and some 100 MB of memory.
pub(crate) const NODE_LIMIT: usize = 500_000;
/// The top of every tree.
pub(crate) const ROOT: NodeRef = NodeRef(0);

/// A node of a [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeRef(usize);

/// Where something was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the file, from byte to byte.
    Span(Range<usize>),
    /// In an environment variable.
    Variable(String),
    /// Nowhere: it is only implied.
    Nowhere,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A string.
    Text(String),
    /// A whole number, as digits.
    Integer { digits: String, radix: u32 },
    /// A number with a fraction, as written.
    Float(String),
    /// True or false.
    Truth(bool),
    /// A date or a time, as written.
    Date(String),
    /// A list.
    List(Vec<NodeRef>),
    /// A table, by key.
    Table(BTreeMap<String, NodeRef>),
}

/// A key and its value.
#[derive(Debug)]
pub(crate) struct Node {
    /// The node this one is in; the root is in itself.
    pub(crate) parent: NodeRef,
    /// Its key, or its index in a list.
    pub(crate) key: String,
    /// Where the key stands.
    pub(crate) key_place: Place,
    /// Where the value stands.
    pub(crate) place: Place,
    /// The value.
    pub(crate) value: Value,
    /// The value's text as given, when it came from the environment.
    pub(crate) raw: Option<String>,
    /// It is faulty, noted so, and read past from now on.
    pub(crate) dropped: bool,
    /// It was read as a secret by reference.
    pub(crate) secret: Cell<bool>,
}

/// A configuration's keys and values.
#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// A tree with an empty table at its top.
    pub(crate) fn empty() -> Self {
        let root = Node {
            parent: ROOT,
            key: String::new(),
            key_place: Place::Nowhere,
            place: Place::Nowhere,
            value: Value::Table(BTreeMap::new()),
            raw: None,
            dropped: false,
            secret: Cell::new(false),
        };
        Self { nodes: vec![root] }
    }

    /// The tree of a parsed file; none when it holds more than [`NODE_LIMIT`] nodes.
    pub(crate) fn of(table: &DeTable<'_>) -> Option<Self> {
        let mut tree = Self::empty();
        tree.fill_table(ROOT, table, &|span| Place::Span(span))?;
        Some(tree)
    }

    /// The node behind a reference.
    pub(crate) fn node(&self, at: NodeRef) -> &Node {
        &self.nodes[at.0]
    }

    /// The node behind a reference, to change it.
    pub(crate) fn node_mut(&mut self, at: NodeRef) -> &mut Node {
        &mut self.nodes[at.0]
    }

    /// The child `key` of a table or list, whether dropped or not. In a list the index counts only
    /// elements that were not dropped, since these alone were read.
    pub(crate) fn child(&self, at: NodeRef, key: &str) -> Option<NodeRef> {
        match &self.node(at).value {
            Value::Table(table) => table.get(key).copied(),
            Value::List(list) => {
                let index = key.parse().ok()?;
                list.iter().filter(|n| !self.node(**n).dropped).nth(index).copied()
            }
            Value::Text(_) | Value::Integer { .. } | Value::Float(_) | Value::Truth(_) | Value::Date(_) => {
                None
            }
        }
    }

    /// The node at `path` below the top.
    pub(crate) fn find<S: AsRef<str>>(&self, path: &[S]) -> Option<NodeRef> {
        path.iter().try_fold(ROOT, |at, key| self.child(at, key.as_ref()))
    }

    /// All nodes.
    pub(crate) fn all(&self) -> impl Iterator<Item = NodeRef> {
        (0..self.nodes.len()).map(NodeRef)
    }

    /// The keys from the top to a node.
    pub(crate) fn path(&self, mut at: NodeRef) -> Vec<&str> {
        let mut path = Vec::new();
        while at != ROOT {
            path.push(self.node(at).key.as_str());
            at = self.node(at).parent;
        }
        path.reverse();
        path
    }

    /// Adds a value that was set in the environment as child `key` of a table, in place of what the
    /// file says. None when there are too many nodes.
    pub(crate) fn set(
        &mut self,
        table: NodeRef,
        key: &str,
        value: &DeValue<'_>,
        variable: &str,
    ) -> Option<NodeRef> {
        let place = Place::Variable(variable.to_owned());
        let child = self.add(table, key.to_owned(), place.clone(), place.clone())?;
        self.fill(child, value, &|_span| place.clone())?;
        self.link(table, key, child);
        Some(child)
    }

    /// The table `key` in `table`, made if there is no such key; none when it is something else.
    pub(crate) fn table_in(&mut self, table: NodeRef, key: &str, variable: &str) -> Option<NodeRef> {
        if let Some(child) = self.child(table, key) {
            return matches!(self.node(child).value, Value::Table(_)).then_some(child);
        }
        let place = Place::Variable(variable.to_owned());
        let child = self.add(table, key.to_owned(), place.clone(), place)?;
        self.node_mut(child).value = Value::Table(BTreeMap::new());
        self.link(table, key, child);
        Some(child)
    }

    fn link(&mut self, table: NodeRef, key: &str, child: NodeRef) {
        if let Value::Table(entries) = &mut self.node_mut(table).value {
            entries.insert(key.to_owned(), child);
        }
    }

    fn add(&mut self, parent: NodeRef, key: String, key_place: Place, place: Place) -> Option<NodeRef> {
        if self.nodes.len() >= NODE_LIMIT {
            return None;
        }
        self.nodes.push(Node {
            parent,
            key,
            key_place,
            place,
            value: Value::Truth(false),
            raw: None,
            dropped: false,
            secret: Cell::new(false),
        });
        Some(NodeRef(self.nodes.len() - 1))
    }

    /// Copies a parsed value into a node. The parser nests at most 80 deep, so the recursion is bounded.
    fn fill(
        &mut self,
        at: NodeRef,
        value: &DeValue<'_>,
        place: &dyn Fn(Range<usize>) -> Place,
    ) -> Option<()> {
        self.node_mut(at).value = match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => {
                Value::Integer { digits: number.as_str().to_owned(), radix: number.radix() }
            }
            DeValue::Float(number) => Value::Float(number.as_str().to_owned()),
            DeValue::Boolean(truth) => Value::Truth(*truth),
            DeValue::Datetime(date) => Value::Date(date.to_string()),
            DeValue::Array(list) => {
                let mut elements = Vec::with_capacity(list.len());
                for (index, element) in list.iter().enumerate() {
                    let child =
                        self.add(at, index.to_string(), place(element.span()), place(element.span()))?;
                    self.fill(child, element.get_ref(), place)?;
                    elements.push(child);
                }
                Value::List(elements)
            }
            DeValue::Table(table) => return self.fill_table(at, table, place),
        };
        Some(())
    }

    fn fill_table(
        &mut self,
        at: NodeRef,
        table: &DeTable<'_>,
        place: &dyn Fn(Range<usize>) -> Place,
    ) -> Option<()> {
        let mut entries = BTreeMap::new();
        for (key, value) in table {
            let name = key.get_ref().to_string();
            let child = self.add(at, name.clone(), place(key.span()), place(Spanned::span(value)))?;
            self.fill(child, value.get_ref(), place)?;
            entries.insert(name, child);
        }
        self.node_mut(at).value = Value::Table(entries);
        Some(())
    }
}

impl Tree {
    /// A tree with nothing in it but `key`, in the table at `path`; `[]` is an element of a list.
    pub(crate) fn with_one(path: &[String], key: &str) -> Option<Self> {
        let mut tree = Self::empty();
        let mut at = ROOT;
        for step in path.iter().map(String::as_str).chain([key]) {
            let child = tree.add(at, step.to_owned(), Place::Nowhere, Place::Nowhere)?;
            if step == "[]" {
                tree.node_mut(at).value = Value::List(vec![child]);
            } else {
                tree.node_mut(at).value = Value::Table(BTreeMap::from([(step.to_owned(), child)]));
            }
            at = child;
        }
        Some(tree)
    }
}
