//! Files nobody would write in good faith, and damaged ones: faults, no panic, never for long.

use super::{loaded, mesh_faults};
use crate::config::init::{MESH_TEMPLATE, NODE_TEMPLATE};
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Longest time one configuration may take, with room for a busy machine and an unoptimised build.
const PATIENCE: Duration = Duration::from_secs(30);
const SAMPLE: &str = include_str!("../../../../mesh-config/mesh.toml");

fn read(node: &str, mesh: &str) {
    let started = Instant::now();
    drop(loaded(node, mesh));
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

/// As many services, each with `more` keys, in which `{}` is the number of the next one.
fn services(count: usize, more: &str) -> String {
    let one = format!("[services.s@]\n{more}[services.s@.tcp]\naddress=\"h:1\"\n");
    (0..count).map(|n| one.replace('@', &n.to_string()).replace("{}", &(n + 1).to_string())).collect()
}

#[test]
fn ten_thousand_services_are_read_and_more_are_refused() {
    let started = Instant::now();
    assert_eq!(loaded("", &services(10_000, "")).unwrap().services.len(), 10_000);
    assert_eq!(
        mesh_faults(&services(10_001, "")),
        ["mesh.toml:1:2: 10001 services are more than the 10000 a mesh may watch"]
    );
    let short: String = (0..100_000).map(|n| "[services.s@.tcp]\n".replace('@', &n.to_string())).collect();
    assert_eq!(mesh_faults(&short).len(), 1);
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

#[test]
fn a_chain_of_ten_thousand_dependencies_overflows_nothing() {
    let mut chain = services(9_999, "depends_on=[\"s{}\"]\n");
    chain.push_str("[services.s9999.tcp]\naddress=\"h:1\"\n");
    assert_eq!(mesh_faults(&chain), Vec::<String>::new());
}

#[test]
fn ten_thousand_faulty_services_end_in_a_hundred_faults() {
    assert_eq!(mesh_faults(&services(10_000, "intervall=\"1s\"\n")).len(), 100);
}

/// All keys of a template set, so that damage meets every one of them.
fn uncommented(template: &str) -> String {
    super::samples::uncommented(template)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_read_without_panic(node in "\\PC{0,200}", mesh in "\\PC{0,200}") {
        read(&node, &mesh);
    }

    #[test]
    fn a_damaged_sample_is_read_without_panic(
        which in 0usize..3,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), "[ -~\n]{0,6}"), 1..6),
    ) {
        let text = match which {
            0 => SAMPLE.to_owned(),
            1 => uncommented(MESH_TEMPLATE),
            _ => uncommented(NODE_TEMPLATE),
        };
        let mut chars: Vec<char> = text.chars().collect();
        for (from, length, instead) in damage {
            let from = from.index(chars.len() + 1);
            let to = (from + length.index(12)).min(chars.len());
            chars.splice(from..to, instead.chars());
        }
        let text: String = chars.into_iter().collect();
        if which == 2 { read(&text, "") } else { read("", &text) }
    }

    #[test]
    fn any_value_for_any_key_is_read_without_panic(
        line in any::<prop::sample::Index>(),
        value in prop_oneof!["\\PC{0,30}".prop_map(|text| format!("{text:?}")), "-?[0-9]{1,25}", "\\[[0-9,\"a]{0,9}\\]", "(true|false|nan|2030-01-01|\\{\\})"],
    ) {
        let text = uncommented(MESH_TEMPLATE);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = line.index(lines.len());
        if let Some((key, _)) = lines[at].clone().split_once(" = ") {
            lines[at] = format!("{key} = {value}");
        }
        read("", &lines.join("\n"));
    }
}
