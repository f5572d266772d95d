//! `p7 import`: another monitor's file in, a mesh.toml out, and a list of what was left behind.

use super::args::{self, ImportFormat};
use super::fault::{Answer, Failure};
use super::out::{self, clean};
use crate::import::{self, Draft, Format, SOURCE_LIMIT};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

/// Answers `p7 import`.
pub(crate) fn run(args: &args::Import) -> Result<Answer, Failure> {
    let name = if args.file == Path::new("-") {
        "standard input".to_owned()
    } else {
        args.file.display().to_string()
    };
    let source = read(&args.file, &name)?;
    let format = match args.format {
        ImportFormat::Original => Format::Original,
        ImportFormat::Gatus => Format::Gatus,
        ImportFormat::UptimeKuma => Format::UptimeKuma,
        ImportFormat::Auto => Format::guess(&name, &source).ok_or_else(|| {
            Failure::Use(format!(
                "{name}: can't tell whose configuration it is; say so with --format original, gatus or uptime-kuma"
            ))
        })?,
    };
    let draft = import::import(&source, format)
        .map_err(|e| Failure::Use(format!("{name}: {e} (read as {})", format.name())))?;
    let toml = draft.toml(&format!("{} ({})", name, format.name()));
    if let Some(output) = &args.output {
        write(output, &toml, args.force)?;
    }
    if args.form.json {
        out::print_json(&json!({
            "format": format.name(),
            "services": draft.len(),
            "toml": toml,
            "secrets": draft.secrets.iter().map(|(name, what)| json!({ "name": name, "for": what })).collect::<Vec<_>>(),
            "not_carried_over": draft.left.iter()
                .map(|l| json!({ "line": l.line, "what": l.what, "why": l.why })).collect::<Vec<_>>(),
        }))?;
    } else {
        if args.output.is_none() {
            out::print(&toml)?;
        }
        out::complain(&report(&name, &draft, args.output.as_deref()));
    }
    Ok(Answer::Fine)
}

fn read(file: &Path, name: &str) -> Result<String, Failure> {
    let fail = |e: std::io::Error| Failure::Use(format!("can't read {name}: {e}"));
    let mut bytes = Vec::new();
    let limit = u64::try_from(SOURCE_LIMIT).unwrap_or(u64::MAX).saturating_add(1);
    if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(fail)?;
    } else {
        File::open(file).and_then(|f| f.take(limit).read_to_end(&mut bytes)).map_err(fail)?;
    }
    String::from_utf8(bytes).map_err(|_not_text| Failure::Use(format!("{name} is no UTF-8 text")))
}

fn write(file: &Path, toml: &str, force: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let written = options.open(file).and_then(|mut f| f.write_all(toml.as_bytes()));
    written.map_err(|e| {
        let file = file.display();
        Failure::Use(if e.kind() == std::io::ErrorKind::AlreadyExists {
            format!("{file} exists already; give --force to replace it")
        } else {
            format!("can't write {file}: {e}")
        })
    })
}

/// What a person should know and do now.
fn report(name: &str, draft: &Draft, output: Option<&Path>) -> String {
    let mut text = match (draft.len(), output) {
        (1, Some(to)) => format!("1 service written to {}", to.display()),
        (n, Some(to)) => format!("{n} services written to {}", to.display()),
        (1, None) => "1 service".to_owned(),
        (n, None) => format!("{n} services"),
    };
    if !draft.secrets.is_empty() {
        text.push_str("\n\nSecrets are not copied. Set these before the node runs:");
        for (variable, what) in &draft.secrets {
            text.extend(["\n  ", variable, "  ", &clean(what)]);
        }
    }
    if !draft.left.is_empty() {
        text.push_str("\n\nNot carried over:");
        for left in &draft.left {
            let place = left.line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"));
            text.extend(["\n  ", &place, ": ", &clean(&left.what), ": ", &left.why]);
        }
    }
    text
}
