//! The workspace's crates as their Cargo.toml states them, and which of them may depend on which.

use crate::source::Source;
use crate::tree::Tree;
use std::collections::BTreeSet;

/// A member of the workspace.
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) folder: String,
    pub(crate) description: String,
    pub(crate) depends_on: BTreeSet<String>,
    pub(crate) takes_workspace_lints: bool,
    /// The files rustc starts from.
    pub(crate) roots: Vec<String>,
}

/// The floors of the house, from the ground up.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Floor {
    Core,
    Bus,
    Settings,
    /// src/mesh, src/store and src/pages.
    Ground,
    Agent,
    Roof,
    Outside,
}

impl Crate {
    /// All members, in the order of the workspace's list.
    pub(crate) fn all(tree: &Tree) -> Vec<Self> {
        let workspace = parsed(tree, "Cargo.toml");
        let members = workspace["workspace"]["members"].as_array().unwrap();
        members.iter().map(|folder| Self::read(tree, folder.as_str().unwrap())).collect()
    }

    fn read(tree: &Tree, folder: &str) -> Self {
        let manifest = parsed(tree, &format!("{folder}/Cargo.toml"));
        let package = &manifest["package"];
        Self {
            name: package["name"].as_str().unwrap().to_owned(),
            folder: folder.to_owned(),
            description: package.get("description").and_then(toml::Value::as_str).unwrap_or("").to_owned(),
            depends_on: dependencies(&manifest),
            takes_workspace_lints: manifest
                .get("lints")
                .and_then(|lints| lints.get("workspace"))
                .and_then(toml::Value::as_bool)
                .unwrap_or(false),
            roots: roots(tree, folder, &manifest),
        }
    }

    fn floor(&self) -> Floor {
        match self.folder.as_str() {
            "src/core" => Floor::Core,
            "src/bus" => Floor::Bus,
            "src/settings" => Floor::Settings,
            "agents/node" => Floor::Roof,
            "tests" | "tests/simulator" => Floor::Outside,
            folder if folder.starts_with("src/") => Floor::Ground,
            folder if folder.starts_with("agents/") => Floor::Agent,
            folder => panic!("{folder} has no place in the house; see crates.rs"),
        }
    }
}

/// The files rustc starts from in folders that a member has for fuzzing: workspaces of their own, kept out
/// of ours since they need a nightly compiler.
pub(crate) fn fuzz_roots(tree: &Tree) -> Vec<String> {
    let workspace = parsed(tree, "Cargo.toml");
    let excluded = workspace["workspace"].get("exclude").and_then(toml::Value::as_array);
    let folders = excluded.into_iter().flatten().filter_map(toml::Value::as_str);
    let fuzzing = folders.filter(|folder| folder.ends_with("/fuzz"));
    fuzzing.flat_map(|folder| roots(tree, folder, &parsed(tree, &format!("{folder}/Cargo.toml")))).collect()
}

/// Whether the house allows this arrow. Dependencies of tests count as well.
pub(crate) fn may_depend(from: &Crate, to: &Crate) -> bool {
    match from.floor() {
        Floor::Core => false,
        Floor::Bus | Floor::Settings => to.floor() == Floor::Core,
        Floor::Ground => to.floor() < Floor::Ground,
        Floor::Agent => to.floor() < Floor::Agent,
        Floor::Roof => to.floor() < Floor::Roof,
        Floor::Outside => to.floor() <= Floor::Roof,
    }
}

/// All files that `mod` leads to from `root`, itself included.
pub(crate) fn reachable(tree: &Tree, root: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
    follow(tree, root, folder, &mut reached);
    reached
}

/// Follows the `mod`s of `file`, whose modules are looked for in `folder`.
fn follow(tree: &Tree, file: &str, folder: &str, reached: &mut BTreeSet<String>) {
    if !tree.has(file) || !reached.insert(file.to_owned()) {
        return;
    }
    let beside = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    for module in Source::new(tree.text(file)).modules() {
        if let Some(path) = module.path {
            let at = format!("{beside}/{path}");
            let below = at.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            follow(tree, &at, &below, reached);
        } else {
            let below = format!("{folder}/{}", module.name);
            follow(tree, &format!("{below}.rs"), &below, reached);
            follow(tree, &format!("{below}/mod.rs"), &below, reached);
        }
    }
}

fn parsed(tree: &Tree, path: &str) -> toml::Table {
    assert!(tree.has(path), "{path} is missing");
    tree.text(path).parse().unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|section| manifest.get(*section)?.as_table())
        .flat_map(|table| table.keys().cloned())
        .collect()
}

/// The named targets and those that cargo finds by their place.
fn roots(tree: &Tree, folder: &str, manifest: &toml::Table) -> Vec<String> {
    let mut roots =
        vec![format!("{folder}/build.rs"), format!("{folder}/lib.rs"), format!("{folder}/main.rs")];
    for kind in ["bin", "test", "bench", "example"] {
        let named = manifest.get(kind).and_then(toml::Value::as_array).into_iter().flatten();
        roots.extend(named.filter_map(|target| Some(format!("{folder}/{}", target.get("path")?.as_str()?))));
    }
    for place in ["tests", "benches", "examples"] {
        let place = format!("{folder}/{place}/");
        roots.extend(tree.rust_files().filter_map(|path| {
            let inside = path.strip_prefix(&place)?;
            let is_root = !inside.contains('/') || inside.ends_with("/main.rs");
            is_root.then(|| path.to_owned())
        }));
    }
    roots.retain(|root| tree.has(root));
    roots
}

#[test]
fn an_agent_may_not_know_another_agent_and_nothing_may_know_the_roof() {
    let at = |folder: &str| Crate {
        name: folder.to_owned(),
        folder: folder.to_owned(),
        description: String::new(),
        depends_on: BTreeSet::new(),
        takes_workspace_lints: true,
        roots: Vec::new(),
    };
    let may = |from, to| may_depend(&at(from), &at(to));
    assert!(may("agents/node", "agents/prober"));
    assert!(may("agents/prober", "src/bus"));
    assert!(may("src/store", "src/core"));
    assert!(may("src/bus", "src/core"));
    assert!(may("agents/dashboard", "src/pages"));
    assert!(may("src/pages", "src/core"));
    assert!(!may("src/pages", "src/store"));
    assert!(may("tests", "agents/node"));
    assert!(!may("agents/prober", "agents/dashboard"));
    assert!(!may("agents/prober", "agents/node"));
    assert!(!may("src/store", "src/mesh"));
    assert!(!may("src/settings", "src/bus"));
    assert!(!may("src/core", "src/settings"));
    assert!(!may("agents/node", "tests"));
}
