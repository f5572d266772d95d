//! `p7 apply` and `p7 config`: the mesh's shared configuration, given, read and compared.

use super::args::{self, SharedAction};
use super::client::Client;
use super::fault::{Answer, Failure};
use super::out::{self, Ink, Screen, Tone, clean};
use super::statements::by;
use super::view::{self, Applied, SharedConfiguration, mesh_time};
use super::when;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest mesh.toml that a node takes.
const TEXT_LIMIT: u64 = 512 * 1024;
/// Lines around a change that are shown.
const CONTEXT: usize = 3;
/// The file of what is watched.
const SHARED_FILE: &str = "mesh.toml";

/// Answers `p7 apply`.
pub(crate) async fn apply(args: &args::Apply) -> Result<Answer, Failure> {
    let text = read(&file_of(&args.file))?;
    let client = Client::new(&args.node)?;
    let query = [("by", by(args.by.as_deref()))];
    let value: Value = client.post_text(&["config"], &query, "application/toml", text).await?;
    if args.form.json {
        out::print_json(&value)?;
    } else {
        out::print(&applied_text(&view::read(&value)?))?;
    }
    Ok(Answer::Fine)
}

fn applied_text(applied: &Applied) -> String {
    let version = format!("version {} ({})", applied.version, clean(&short(&applied.hash)));
    if applied.changes.is_empty() {
        return format!("nothing changes: {version} says the same\n");
    }
    let mut text = format!("{version} is given to the mesh\n");
    for change in &applied.changes {
        text.push_str(&format_line("  ", change));
    }
    for (says, names) in [("taken up by: ", &applied.taken_by), ("when they are back: ", &applied.later)] {
        if !names.is_empty() {
            text.push_str(&format_line(says, &names.join(", ")));
        }
    }
    text
}

fn format_line(before: &str, text: &str) -> String {
    format!("{before}{}\n", clean(text))
}

/// Answers `p7 config`.
pub(crate) async fn shared(args: &args::Shared) -> Result<Answer, Failure> {
    match &args.action {
        SharedAction::Diff { place, node } => diff(place, &Client::new(node)?).await,
        SharedAction::Show { node, form } => {
            let value: Value = Client::new(node)?.get(&["config", "shared"], &[]).await?;
            if form.json {
                out::print_json(&value)?;
            } else {
                let shared: SharedConfiguration = view::read(&value)?;
                out::complain(&whose(&shared));
                out::print(&fit(&shared.text))?;
            }
            Ok(Answer::Fine)
        }
    }
}

async fn diff(place: &Path, client: &Client) -> Result<Answer, Failure> {
    let file = file_of(place);
    let own = read(&file)?;
    let shared: SharedConfiguration = client.get(&["config", "shared"], &[]).await?;
    let theirs = format!("version {} of the mesh", shared.version);
    match diff_text(&shared.text, &own, &theirs, &file.display().to_string(), Screen::of_stdout().ink) {
        None => {
            out::complain(&format!("{} is {}", file.display(), whose(&shared)));
            Ok(Answer::Fine)
        }
        Some(text) => {
            out::print(&text)?;
            Ok(Answer::NotSo)
        }
    }
}

/// What changes from the one text to the other, as a unified diff; none when nothing does.
fn diff_text(from: &str, to: &str, from_name: &str, to_name: &str, ink: Ink) -> Option<String> {
    if from == to {
        return None;
    }
    let diff = TextDiff::from_lines(from, to);
    let mut text = format!("--- {}\n+++ {}\n", clean(from_name), clean(to_name));
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        text.push_str(&ink.paint(Tone::Note, &hunk.header().to_string()));
        text.push('\n');
        for change in hunk.iter_changes() {
            let (sign, tone) = match change.tag() {
                ChangeTag::Delete => ('-', Tone::Bad),
                ChangeTag::Insert => ('+', Tone::Good),
                ChangeTag::Equal => (' ', Tone::Normal),
            };
            let line = change.value();
            text.push_str(&ink.paint(tone, &format!("{sign}{}", clean(line.trim_end_matches('\n')))));
            text.push('\n');
            if !line.ends_with('\n') {
                text.push_str("\\ no line end\n");
            }
        }
    }
    Some(text)
}

/// `version 14 (3f9c2a71), given by anna at 2026-05-01 20:30 UTC`.
fn whose(shared: &SharedConfiguration) -> String {
    let (hash, by) = (clean(&short(&shared.hash)), clean(&shared.by));
    format!("version {} ({hash}), given by {by} at {}", shared.version, when::show(mesh_time(shared.at)))
}

/// The beginning of a hash, as the page of nodes shows it.
fn short(hash: &str) -> String {
    hash.chars().take(8).collect()
}

/// For a terminal without what a terminal would act on; for a file word by word.
fn fit(text: &str) -> String {
    if !out::is_terminal() {
        return text.to_owned();
    }
    text.lines().map(|line| format_line("", line)).collect()
}

/// The file itself, or the mesh.toml of a folder. What is not there is taken for a folder if it looks like one.
fn file_of(place: &Path) -> PathBuf {
    let is_folder =
        place.is_dir() || (!place.exists() && place != Path::new("-") && place.extension().is_none());
    if is_folder { place.join(SHARED_FILE) } else { place.to_owned() }
}

fn read(file: &Path) -> Result<String, Failure> {
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let fail = |e: std::io::Error| Failure::Use(format!("can't read {name}: {e}"));
    let mut text = String::new();
    let limit = TEXT_LIMIT + 1;
    if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_string(&mut text).map_err(fail)?;
    } else {
        File::open(file).map_err(fail)?.take(limit).read_to_string(&mut text).map_err(fail)?;
    }
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > TEXT_LIMIT {
        return Err(Failure::Use(format!("{name} is larger than 512 KiB; no node takes it")));
    }
    Ok(text)
}

#[cfg(test)]
#[path = "configuration_tests.rs"]
mod tests;
