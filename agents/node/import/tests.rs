//! The importers from outside: real files in, our own configuration out, and hostile ones refused.

use super::*;
use std::collections::BTreeMap;

mod gatus;
mod original;
mod properties;
mod uptime_kuma;

/// What an import left behind, as `line: what: why`.
fn left(draft: &Draft) -> Vec<String> {
    let line = |l: &Left| l.line.map_or_else(|| "-".to_owned(), |l| l.to_string());
    draft.left.iter().map(|l| format!("{}: {}: {}", line(l), l.what, l.why)).collect()
}

/// The mesh.toml below its comments; our own configuration must take it without a fault.
fn toml_of(draft: &Draft) -> String {
    let text = draft.toml("a test");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mesh.toml"), &text).unwrap();
    if let Err(refused) = crate::config::load(folder.path(), &BTreeMap::new()) {
        let faults: Vec<String> =
            refused.faults.iter().map(|f| f.render(p7_settings::Style::Plain)).collect();
        panic!("{}\n{text}", faults.join("\n"));
    }
    let body = text.lines().skip_while(|l| l.starts_with('#') || l.is_empty());
    body.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn a_format_is_guessed_by_name_or_content() {
    let guess = |name: &str, source: &str| Format::guess(name, source);
    assert_eq!(guess("sample_config.py", ""), Some(Format::Original));
    assert_eq!(guess("config.yaml", ""), Some(Format::Gatus));
    assert_eq!(guess("backup.JSON", ""), Some(Format::UptimeKuma));
    assert_eq!(guess("-", " {\"monitorList\": []}"), Some(Format::UptimeKuma));
    assert_eq!(guess("-", "urlList = {}"), Some(Format::Original));
    assert_eq!(guess("-", "hello"), None);
}
