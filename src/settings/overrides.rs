//! Environment variables that override a configuration file: `P7_NODE__HTTP__LISTEN`.

use crate::source::PlacedFault;
use crate::tree::{NodeRef, ROOT, Tree, Value};
use crate::words::shown;
use std::collections::BTreeMap;
use toml::de::DeValue;

/// Longest value of a variable, in bytes.
const VALUE_LIMIT: usize = 64 * 1024;
/// Most keys in a variable's name; no configuration nests as deep.
const DEPTH_LIMIT: usize = 12;

/// How the variables for one file are named. Keys are separated by `__` and written in capitals.
#[derive(Debug, Clone, Copy)]
pub struct Overrides<'a> {
    /// What their names begin with, such as `P7_NODE__`.
    pub prefix: &'a str,
    /// The table whose keys may be named without it, so that `P7_NODE__NAME` is `[node] name`.
    pub home: &'a str,
    /// Keys of that table.
    pub home_keys: &'a [&'static str],
    /// Keys at the file's top.
    pub top_keys: &'a [&'static str],
}

impl Overrides<'_> {
    /// Puts every variable of `environment` that is meant for this file into its tree.
    pub(crate) fn apply(
        &self,
        tree: &mut Tree,
        file: &str,
        environment: &BTreeMap<String, String>,
    ) -> Vec<PlacedFault> {
        let mine = environment.iter().filter(|(name, _)| name.starts_with(self.prefix));
        mine.filter_map(|(name, text)| {
            let fault = self.set(tree, name, text).err()?;
            Some(PlacedFault::of_variable(file, &shown(name), fault))
        })
        .collect()
    }

    fn set(&self, tree: &mut Tree, name: &str, text: &str) -> Result<(), String> {
        if text.len() > VALUE_LIMIT {
            return Err(format!("its value is longer than {} KiB", VALUE_LIMIT / 1024));
        }
        let rest = name.strip_prefix(self.prefix).unwrap_or_default().to_lowercase();
        let mut path: Vec<&str> = rest.split("__").collect();
        if path.iter().any(|key| key.is_empty()) {
            let prefix = self.prefix;
            return Err(format!(
                "it names no key; write {prefix}TABLE__KEY, such as {prefix}{}__NAME",
                self.home.to_uppercase()
            ));
        }
        if path.len() > DEPTH_LIMIT {
            return Err(format!("it names a key more than {DEPTH_LIMIT} tables deep"));
        }
        let first = path.first().copied().unwrap_or_default();
        if !self.top_keys.contains(&first) && self.home_keys.contains(&first) {
            path.insert(0, self.home);
        }
        let Some((last, tables)) = path.split_last() else {
            return Ok(());
        };
        let mut at = ROOT;
        for key in tables {
            let key = existing(tree, at, key);
            at = tree.table_in(at, &key, name).ok_or_else(|| format!("`{}` is no table", shown(&key)))?;
        }
        let key = existing(tree, at, last);
        let read = DeValue::parse(text);
        let value = read.map_or_else(|_no_toml| DeValue::String(text.into()), toml::Spanned::into_inner);
        let child =
            tree.set(at, &key, &value, name).ok_or_else(|| String::from("there are too many keys"))?;
        tree.node_mut(child).raw = Some(text.to_owned());
        Ok(())
    }
}

/// The key of a table that a variable means: shells allow no `-` in names, ids do.
fn existing(tree: &Tree, table: NodeRef, key: &str) -> String {
    if let Value::Table(entries) = &tree.node(table).value
        && !entries.contains_key(key)
        && let Some(meant) = entries.keys().find(|k| k.to_lowercase().replace('-', "_") == key)
    {
        return meant.clone();
    }
    key.to_owned()
}
