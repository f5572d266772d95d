//! Files and variables nobody would write in good faith: faults, no panic, and never for long.

use p7_settings::{Document, FAULT_LIMIT, FILE_LIMIT, Overrides, Period};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Longest time one file may take, with room for a busy machine and an unoptimised build.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    name: String,
    list: Vec<Element>,
    period: Option<Period>,
    any: BTreeMap<String, Element>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the reading is tested")]
struct Element {
    url: String,
    size: Option<u32>,
}

fn faults(bytes: &[u8]) -> Vec<String> {
    let started = Instant::now();
    let mut document = Document::from_bytes("m.toml", bytes);
    document.decode::<Config>(&[], &[]);
    document.redacted();
    let faults = document.into_faults();
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    assert!(faults.len() <= FAULT_LIMIT);
    faults.iter().map(|f| f.render(p7_settings::Style::Plain)).collect()
}

/// A pattern again and again, each time with another number.
fn lines(count: usize, pattern: &str) -> String {
    (0..count).map(|n| pattern.replace("{}", &n.to_string())).collect()
}

#[test]
fn hostile_files_end_as_faults_in_bounded_time() {
    let long = usize::try_from(FILE_LIMIT).unwrap();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("deep lists", format!("a = {}", "[".repeat(100_000)).into_bytes()),
        ("deep tables", format!("a = {}", "{a=".repeat(100_000)).into_bytes()),
        ("deep keys", format!("{} = 1", vec!["a"; 100_000].join(".")).into_bytes()),
        ("deep headers", format!("[{}]", vec!["a"; 100_000].join(".")).into_bytes()),
        ("a huge key", format!("{} = 1", "k".repeat(1_000_000)).into_bytes()),
        ("a huge quoted key", format!("\"{}\" = 1", "\\u0041".repeat(100_000)).into_bytes()),
        ("a huge value", format!("name = {}", "9".repeat(1_000_000)).into_bytes()),
        ("too large", vec![b'#'; long + 1]),
        ("nothing but brackets", vec![b'['; long]),
        ("nothing but quotes", vec![b'"'; long]),
        ("nothing but equals", vec![b'='; 200_000]),
        ("zeroes", vec![0; 100_000]),
        ("no text", vec![0xff; 100]),
        ("the same table again and again", "[a]\n".repeat(50_000).into_bytes()),
        ("many unknown keys", lines(20_000, "k{} = 1\n").into_bytes()),
        ("many faulty elements", "[[list]]\nurl = 1\n".repeat(20_000).into_bytes()),
        ("many values", format!("list = [{}]", "{},".repeat(600_000)).into_bytes()),
    ];
    for (name, bytes) in cases {
        assert!(!faults(&bytes).is_empty(), "{name}");
    }
}

#[test]
fn a_hundred_thousand_tables_are_read_or_refused_in_bounded_time() {
    let text = lines(100_000, "[any.s{}]\nurl = \"x\"\n");
    assert_eq!(faults(text.as_bytes()), Vec::<String>::new());
}

#[test]
fn a_hostile_key_cannot_steer_the_terminal() {
    for text in ["\"\\u001b[2J\" = 1", "name = \"a\u{1b}[2J\"", "\"\u{202e}x\" = 1", "name = 1 # \u{1b}[2J"] {
        let shown = faults(text.as_bytes()).concat();
        assert!(!shown.is_empty(), "{text:?}");
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
        assert!(!shown.contains('\u{202e}'), "{shown:?}");
    }
}

#[test]
fn a_missing_file_is_an_empty_one_and_a_folder_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Document::read(&folder.path().join("node.toml"), "node.toml");
    assert!(missing.into_faults().is_empty());
    let faults = Document::read(folder.path(), "node.toml").into_faults();
    assert!(faults[0].to_string().starts_with("node.toml: can't read the file: "), "{}", faults[0]);
}

/// Pieces that TOML is made of, put together in any order.
fn tomlish() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("name"),
        Just("list"),
        Just("any"),
        Just("period"),
        Just("url"),
        Just("."),
        Just(" = "),
        Just("\n"),
        Just("["),
        Just("]"),
        Just("[["),
        Just("]]"),
        Just("{"),
        Just("}"),
        Just(","),
        Just("\""),
        Just("\"\"\""),
        Just("'"),
        Just("\"60s\""),
        Just("\"x\""),
        Just("1"),
        Just("-1e9"),
        Just("0x"),
        Just("true"),
        Just("2024-01-01T00:00:00Z"),
        Just("# é"),
        Just("\r\n"),
        Just("\\u00e9"),
        Just("inf"),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        faults(&bytes);
    }

    #[test]
    fn anything_like_toml_is_read_without_panic(text in tomlish()) {
        faults(text.as_bytes());
    }

    #[test]
    fn any_variable_is_read_without_panic(name in "P7_NODE__[A-Z_a-zé]{0,30}", value in "\\PC{0,40}", text in tomlish()) {
        let mut document = Document::parse("n.toml", &text);
        let overrides = Overrides { prefix: "P7_NODE__", home: "any", home_keys: &["a"], top_keys: &["any", "name"] };
        document.override_from(&overrides, &BTreeMap::from([(name, value)]));
        document.decode::<Config>(&[], &[]);
    }

    #[test]
    fn a_file_without_faults_decodes(name in "[a-z]{1,9}", seconds in 1u64..9999) {
        let mut document = Document::parse("n.toml", &format!("name = \"{name}\"\nperiod = \"{seconds}s\""));
        let config: Config = document.decode(&[], &[]).unwrap();
        prop_assert_eq!((config.name, config.period), (name, Some(Period::seconds(seconds))));
        prop_assert!(document.into_faults().is_empty());
    }
}
