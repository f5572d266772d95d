//! What `p7 mesh` prints, word by word.

use super::super::out::Ink;
use super::*;
use serde_json::json;

/// 2026-05-01T20:30:00Z
const NOW: MeshTime = MeshTime(1_777_667_400_000);

fn screen(width: usize) -> Screen {
    Screen { width, ink: Ink::Plain }
}

/// Four nodes: desk leads, lab has an older configuration, roof is reached through others, van is down.
fn mesh() -> Mesh {
    let newest = json!({ "version": 14, "hash": "3f9c2a7105d488be" });
    view::read(&json!({
        "this": "12D3KooWdesk",
        "nodes": [{ "id": "12D3KooWdesk", "name": "desk", "version": "0.1.0", "services": 2 }],
        "members": [
            { "id": "12D3KooWvan", "name": "van", "liveness": "down", "since": "2026-05-01T19:44:00Z",
              "connected": false, "version": "0.1.0", "started_at": "2026-04-01T00:00:00Z",
              "configuration": { "version": 12, "hash": "00" } },
            { "id": "12D3KooWdesk", "name": "desk", "liveness": "alive", "since": "2026-05-01T17:30:00Z",
              "connected": null, "version": "0.1.0", "started_at": "2026-05-01T17:30:00Z", "holds": ["leader"],
              "configuration": newest, "links": 1, "services": 2 },
            { "id": "12D3KooWlab", "name": "lab", "liveness": "alive", "since": "2026-05-01T20:29:50Z",
              "connected": true, "version": "0.0.9", "started_at": "2026-05-01T20:29:50Z",
              "configuration": { "version": 13, "hash": "00" }, "clock_offset_ms": -12, "round_trip_ms": 9,
              "links": 2, "services": 2 },
            { "id": "12D3KooWroof", "name": "roof", "liveness": "suspect", "since": "2026-05-01T20:29:58Z",
              "connected": false, "version": "0.1.0", "started_at": "2026-05-01T20:00:00Z",
              "holds": ["mailbox:support"], "cut_off": true, "configuration": newest,
              "clock_offset_ms": 21400, "links": 1, "services": 1 },
        ],
        "holdings": [{ "role": "leader", "holder": "12D3KooWdesk", "term": 7, "full": true }],
        "configuration": newest,
        "warnings": ["Cut off from the network: roof"],
    }))
    .unwrap()
}

#[test]
fn the_nodes_of_a_mesh_are_shown_with_their_roles_and_what_is_wrong() {
    assert_eq!(
        mesh_text(&mesh(), None, NOW, screen(120)),
        "\
! Cut off from the network: roof

NODE          STATE              ROLES            VERSION    RUNS  TESTS  CONDITION
desk (asked)  alive 3 h          leader (term 7)  0.1.0       3 h      2  fine
lab           alive 10 s                          0.0.9      10 s      2  configuration 13, not 14
roof          not answering 2 s  mailbox:support  0.1.0    30 min      1  cut off
van           down 46 min                         0.1.0
"
    );
}

#[test]
fn peers_are_shown_with_how_far_they_are() {
    assert_eq!(
        peers_text(&mesh(), NOW, screen(120)),
        "\
NODE          ID       STATE              ROLES            VERSION  CONFIG   OFFSET       DELAY  LINKS
desk (asked)  …oWdesk  alive 3 h          leader (term 7)  0.1.0        14        -           -      1
lab           …ooWlab  alive 10 s                          0.0.9        13   -12 ms        9 ms      2
roof          …oWroof  not answering 2 s  mailbox:support  0.1.0        14  +21.4 s  via others      1
van           …ooWvan  down 46 min                         0.1.0        12        -           -      -
"
    );
    let alone = json!({ "this": "12D3KooA", "nodes": [] });
    let alone: Mesh = view::read(&alone).unwrap();
    assert_eq!(peers_text(&alone, NOW, screen(80)), "this node runs alone: it has no peers\n");
}

#[test]
fn the_matrix_has_the_worst_service_first_and_no_sign_where_nobody_tests() {
    let cell = |node: &str, outcome: &str| json!({ "node": node, "outcome": outcome, "latency_ms": 37.4 });
    let rows = [
        json!({ "service": "mail", "level": "healthy",
                "cells": [cell("12D3KooWdesk", "up"), cell("12D3KooWlab", "up")] }),
        json!({ "service": "shop", "level": "partial",
                "cells": [cell("12D3KooWdesk", "up"), cell("12D3KooWlab", "failed"), cell("12D3KooWroof", "no_network")] }),
    ];
    let rows = || rows.iter().map(|row| view::read(row).unwrap()).collect::<Vec<MatrixRow>>();
    assert_eq!(
        matrix_text(&mesh(), rows(), screen(120)),
        "
SERVICE  VERDICT    DESK     LAB      ROOF
shop     ~ partial  ✓ 37 ms  ✗ 37 ms  · 37 ms
mail     ✓ healthy  ✓ 37 ms  ✓ 37 ms
"
    );
    assert_eq!(
        matrix_text(&mesh(), rows(), screen(60)),
        "
SERVICE  VERDICT    DESK  LAB  ROOF
shop     ~ partial  ✓     ✗    ·
mail     ✓ healthy  ✓     ✓
"
    );
    assert_eq!(matrix_text(&mesh(), Vec::new(), screen(60)), "");
}

#[test]
fn a_node_that_is_cut_off_says_so() {
    let mesh = json!({
        "this": "12D3KooA",
        "nodes": [
            { "id": "12D3KooA", "name": "desk", "version": "0.1.0", "started_at": "2026-05-01T17:30:00Z",
              "network": { "cut_off": null }, "store": { "trouble": null }, "services": 12, "incidents_open": 1 },
            { "id": "12D3KooB", "name": "lab", "version": "0.1.0", "started_at": "2026-05-01T20:29:50Z",
              "network": { "cut_off": "no default route" }, "services": 12, "incidents_open": 0 },
        ],
    });
    assert_eq!(
        alone_text(&view::read(&mesh).unwrap(), None, NOW, screen(120)),
        "NODE          VERSION  RUNS  SERVICES  INCIDENTS  CONDITION                  ID\n\
         desk (asked)  0.1.0     3 h        12          1  fine                       12D3KooA\n\
         lab           0.1.0    10 s        12          0  cut off: no default route  12D3KooB\n"
    );
}

#[test]
fn a_node_that_refused_a_configuration_says_so() {
    let mesh =
        json!({ "this": "12D3KooA", "nodes": [{ "id": "12D3KooA", "name": "desk", "version": "0.1.0" }] });
    let refused: view::Configuration = view::read(
        &json!({ "refused": ["mesh.toml:3:1: unknown key `x`", "mesh.toml:4:1: unknown key `y`"] }),
    )
    .unwrap();
    let text = alone_text(&view::read(&mesh).unwrap(), refused.trouble().as_deref(), NOW, screen(140));
    assert!(text.contains("configuration refused: mesh.toml:3:1: unknown key `x` (and 1 more)"), "{text}");
    assert_eq!(view::Configuration::default().trouble(), None);
}
