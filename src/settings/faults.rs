//! Faults of a configuration: all of them are collected, each with the place it stands at.

/// One fault: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The keys that lead to it, such as `services`, `google`, `http`, `url`. The file and its line
    /// are looked up from them.
    pub path: Vec<String>,
    /// What is wrong and what to do, one sentence in lower case.
    pub message: String,
}

/// Collects faults below some place of a configuration.
#[derive(Debug)]
pub struct Faults<'a> {
    path: Vec<String>,
    list: &'a mut Vec<Fault>,
}

impl<'a> Faults<'a> {
    /// Collects into `list`, at the top of a configuration.
    pub fn new(list: &'a mut Vec<Fault>) -> Self {
        Self { path: Vec::new(), list }
    }

    /// The place `key` below this one; an element of a list has its index as key.
    pub fn under(&mut self, key: impl Into<String>) -> Faults<'_> {
        let mut path = self.path.clone();
        path.push(key.into());
        Faults { path, list: self.list }
    }

    /// Notes a fault of `key` at this place.
    pub fn push(&mut self, key: impl Into<String>, message: impl Into<String>) {
        let mut path = self.path.clone();
        path.push(key.into());
        self.list.push(Fault { path, message: message.into() });
    }

    /// Notes a fault of this place itself.
    pub fn here(&mut self, message: impl Into<String>) {
        self.list.push(Fault { path: self.path.clone(), message: message.into() });
    }
}

/// A configuration that can say what is wrong with it beyond its shape.
pub trait Check {
    /// Notes every fault there is; opens no file and no socket.
    fn check(&self, faults: &mut Faults<'_>);
}
