//! The house rules that cargo and clippy can't keep: who may depend on whom, how long things may be,
//! and that no file lies about unused. Runs in a moment, so that the house stays a house.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[path = "architecture/crates.rs"]
mod crates;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/tree.rs"]
mod tree;

use crates::Crate;
use source::Source;
use std::collections::BTreeSet;
use tree::Tree;

/// Longest Rust file, its own tests included: what a person can keep in mind. Good houses have their
/// 90th percentile at 250 to 450.
const FILE_LINES_LIMIT: usize = 450;
/// Longest function outside tests. Good houses have almost none above 70.
const FUNCTION_LINES_LIMIT: usize = 75;
/// The 90th percentile of all files' lengths stays at or below this.
const FILE_LINES_P90_LIMIT: usize = 400;

/// Fails with all faults at once, so that one run shows everything there is to mend.
fn none(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}:\n  {}", faults.join("\n  "));
}

#[test]
fn arrows_between_crates_point_down_only() {
    let tree = Tree::read();
    let crates = Crate::all(&tree);
    assert!(crates.len() >= 9, "only {} crates were found", crates.len());
    let names: BTreeSet<&str> = crates.iter().map(|c| c.name.as_str()).collect();
    let mut faults = Vec::new();
    for from in &crates {
        for to in from.depends_on.iter().filter(|to| names.contains(to.as_str())) {
            let Some(to) = crates.iter().find(|c| &c.name == to) else {
                continue;
            };
            if !crates::may_depend(from, to) {
                faults
                    .push(format!("{} ({}) depends on {} ({})", from.name, from.folder, to.name, to.folder));
            }
        }
    }
    none("tests → agents/node → agents/* → src/{mesh,store,pages} → src/settings → src/{bus,core}", &faults);
}

#[test]
fn every_crate_takes_the_lints_of_the_house() {
    let tree = Tree::read();
    let faults: Vec<String> = Crate::all(&tree)
        .iter()
        .filter(|c| !c.takes_workspace_lints)
        .map(|c| format!("{}/Cargo.toml lacks `[lints] workspace = true`", c.folder))
        .collect();
    none("lints are the workspace's", &faults);
}

#[test]
fn every_crate_says_in_a_sentence_what_it_is() {
    let tree = Tree::read();
    let faults: Vec<String> = Crate::all(&tree)
        .iter()
        .filter(|c| c.description.len() < 10)
        .map(|c| format!("{}/Cargo.toml has no description", c.folder))
        .collect();
    none("a crate has a description", &faults);
}

#[test]
fn every_rust_file_belongs_to_a_crate() {
    let tree = Tree::read();
    let members = Crate::all(&tree).into_iter().flat_map(|c| c.roots);
    let reached: BTreeSet<String> =
        members.chain(crates::fuzz_roots(&tree)).flat_map(|root| crates::reachable(&tree, &root)).collect();
    let faults: Vec<String> =
        tree.rust_files().filter(|path| !reached.contains(*path)).map(str::to_owned).collect();
    none("no `mod` leads to these files", &faults);
}

#[test]
fn every_rust_file_opens_with_a_sentence_that_says_what_it_is() {
    let tree = Tree::read();
    let faults: Vec<String> = tree
        .rust_files()
        .filter(|path| {
            let first = tree.text(path).lines().next().unwrap_or("");
            first.strip_prefix("//! ").is_none_or(|sentence| sentence.len() < 8)
        })
        .map(str::to_owned)
        .collect();
    none("the first line is a `//!` sentence", &faults);
}

#[test]
fn files_can_be_kept_in_mind() {
    let tree = Tree::read();
    let mut lengths: Vec<(usize, &str)> =
        tree.rust_files().map(|path| (tree.text(path).lines().count(), path)).collect();
    lengths.sort_unstable();
    let (p90, _) = lengths[lengths.len() * 9 / 10];
    let (longest, which) = lengths[lengths.len() - 1];
    println!("{} files, p90 {p90} lines, longest {longest} ({which})", lengths.len());
    let faults: Vec<String> = lengths
        .iter()
        .filter(|(lines, _)| *lines > FILE_LINES_LIMIT)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    none(&format!("a file has at most {FILE_LINES_LIMIT} lines"), &faults);
    assert!(p90 <= FILE_LINES_P90_LIMIT, "the 90th percentile of file lengths is {p90} lines");
}

#[test]
fn functions_can_be_read_at_a_glance() {
    let tree = Tree::read();
    let mut faults = Vec::new();
    let mut counted = 0;
    for path in tree.rust_files().filter(|path| !tree::is_test(path)) {
        for function in Source::new(tree.text(path)).without_tests().functions() {
            counted += 1;
            if function.lines > FUNCTION_LINES_LIMIT {
                faults
                    .push(format!("{path}:{}: {} has {} lines", function.at, function.name, function.lines));
            }
        }
    }
    assert!(counted > 50, "only {counted} functions were found");
    none(&format!("a function has at most {FUNCTION_LINES_LIMIT} lines"), &faults);
}

#[test]
fn nothing_unfinished_is_left_behind() {
    let tree = Tree::read();
    let mut faults = Vec::new();
    for path in tree.rust_files() {
        let source = Source::new(tree.text(path));
        for word in ["todo!", "unimplemented!", "dbg!"] {
            faults.extend(source.lines_with(word).map(|line| format!("{path}:{line}: {word}")));
        }
        if !tree::is_test(path) {
            let outside = source.without_tests();
            faults.extend(outside.lines_with(".unwrap()").map(|line| format!("{path}:{line}: .unwrap()")));
        }
        for (i, line) in tree.text(path).lines().enumerate() {
            if ["FIXME", "XXX"].iter().any(|mark| line.contains(&format!("// {mark}"))) {
                faults.push(format!("{path}:{}: {}", i + 1, line.trim()));
            }
        }
    }
    none("unfinished business", &faults);
}

#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    let tree = Tree::read();
    let places = ["root", "work", "Users"].map(|folder| format!("/{folder}/"));
    let mut faults = Vec::new();
    for path in tree.files() {
        for (i, line) in tree.text(path).lines().enumerate() {
            for place in &places {
                // a place is a path of its own, not the middle of one such as `/usr/share/work/`
                let mut parts: Vec<&str> = line.split(place.as_str()).collect();
                parts.pop();
                let named = parts.iter().any(|before| {
                    let last = before.chars().next_back();
                    last.is_none_or(|c| !(c.is_alphanumeric() || "_-.~}*".contains(c)))
                });
                if named {
                    faults.push(format!("{path}:{}: {}", i + 1, line.trim()));
                }
            }
        }
    }
    none("absolute paths", &faults);
}

#[test]
fn a_probe_kind_is_one_file() {
    let tree = Tree::read();
    let kinds: Vec<&str> = tree
        .rust_files()
        .filter(|path| path.starts_with("agents/prober/kinds/"))
        .filter(|path| !tree::is_test(path))
        .collect();
    for kind in ["http", "tcp"] {
        let file = format!("agents/prober/kinds/{kind}.rs");
        assert!(kinds.contains(&file.as_str()), "{file} is missing; there are {kinds:?}");
    }
}

#[test]
fn ci_runs_what_the_readme_says() {
    let tree = Tree::read();
    assert!(tree.text("README.md").contains("```sh\nscripts/test\n```"), "the README's test command");
    assert!(tree.text("README.md").contains("```sh\nscripts/run\n```"), "the README's start command");
    assert!(tree.text(".ci/run").ends_with("&& exec scripts/test\n"), "{}", tree.text(".ci/run"));
}

#[test]
fn the_core_has_no_clock_socket_or_disk() {
    let tree = Tree::read();
    let banned =
        ["std::net", "std::fs", "std::process", "std::env", "std::thread", "tokio::", "actix::", "rand::"];
    let mut faults = Vec::new();
    for path in tree.rust_files().filter(|path| path.starts_with("src/core/")) {
        let outside = Source::new(tree.text(path)).without_tests();
        for word in banned {
            faults.extend(outside.lines_with(word).map(|line| format!("{path}:{line}: {word}")));
        }
    }
    none("rules are pure", &faults);
}
