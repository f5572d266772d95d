//! What `p7 status` prints, word by word, on terminals of three widths.

use super::super::out::Ink;
use super::*;
use serde_json::json;

/// 2026-05-01T20:30:00Z
const NOW: MeshTime = MeshTime(1_777_667_400_000);

fn services() -> Vec<Service> {
    let values = [
        json!({
            "id": "shop", "name": "Shop", "environment": "production", "level": "down",
            "since": "2026-05-01T20:18:00Z", "freshness": "fresh", "failtage_percent": 100.0,
            "reason": "connection refused by 10.0.0.5:443", "latency_ms": 0.41,
            "acknowledged": { "incident": "shop.x", "by": "ann" },
        }),
        json!({
            "id": "search", "name": "Search of the whole catalogue", "environment": "production",
            "level": "incident", "since": "2026-05-01T20:29:20Z", "freshness": "fresh",
            "failtage_percent": 33.3, "latency_ms": 5003.2,
            "reason": "no answer within 5 s: neither from 10.0.0.7 nor from 10.0.0.8, both of which took the connection",
        }),
        json!({
            "id": "blog", "name": "Blog", "environment": "staging", "level": "healthy",
            "since": "2026-04-20T00:00:00Z", "freshness": "fresh", "failtage_percent": 0.0, "latency_ms": 37.2,
            "maintenance": { "kind": "planned", "until": "2026-05-01T21:00:00Z", "reason": "database upgrade" },
        }),
        json!({
            "id": "mail", "name": "Mail", "environment": "", "level": "healthy",
            "since": "2026-05-01T08:00:00Z", "freshness": "fresh", "failtage_percent": 0.0, "latency_ms": 8.04,
        }),
        json!({ "id": "new", "name": "New", "environment": "", "level": "unknown", "freshness": "pending" }),
    ];
    values.iter().map(|v| view::read(v).unwrap()).collect()
}

fn shown(width: usize) -> String {
    rows(&services(), NOW, Screen { width, ink: Ink::Plain })
}

#[test]
fn a_wide_terminal_shows_every_column() {
    assert_eq!(
        shown(120),
        "\
LEVEL          NAME                         ENVIRONMENT  FAILTAGE  RESPONSE   SINCE  REASON
✗ down         Shop                         production    100.0 %    0.4 ms  12 min  acknowledged by ann: connection re…
▲ incident     Search of the whole catalo…  production     33.3 %    5.00 s    40 s  no answer within 5 s: neither from…
= maintenance  Blog                         staging         0.0 %     37 ms    11 d  database upgrade
✓ healthy      Mail                                         0.0 %    8.0 ms    12 h
? unknown      New                                              -         -       -
"
    );
}

#[test]
fn a_usual_terminal_goes_without_the_environment() {
    assert_eq!(
        shown(80),
        "\
LEVEL          NAME           FAILTAGE  RESPONSE   SINCE  REASON
✗ down         Shop            100.0 %    0.4 ms  12 min  acknowledged by ann:…
▲ incident     Search of th…    33.3 %    5.00 s    40 s  no answer within 5 s:…
= maintenance  Blog              0.0 %     37 ms    11 d  database upgrade
✓ healthy      Mail              0.0 %    8.0 ms    12 h
? unknown      New                   -         -       -
"
    );
}

#[test]
fn a_narrow_terminal_keeps_what_matters() {
    assert_eq!(
        shown(60),
        "\
LEVEL          NAME            SINCE  REASON
✗ down         Shop           12 min  acknowledged by ann:…
▲ incident     Search of th…    40 s  no answer within 5 s:…
= maintenance  Blog             11 d  database upgrade
✓ healthy      Mail             12 h
? unknown      New                 -
"
    );
}

#[test]
fn a_failure_says_from_how_many_vantage_points_and_a_partial_one_from_which() {
    let reason = |level: &str, failed: usize| {
        let value = json!({
            "id": "shop", "name": "Shop", "level": level, "reason": "no answer within 5 s",
            "fails_from": ["sydney", "paris"], "vantage_failed": failed, "vantage_voting": 5,
            "silence": { "until": "2026-05-01T21:00:00Z" },
        });
        reason(&view::read(&value).unwrap())
    };
    assert_eq!(reason("partial", 2), "silenced: fails from 2 of 5: sydney, paris; no answer within 5 s");
    assert_eq!(reason("down", 4), "silenced: seen from 4 of 5; no answer within 5 s");
    assert_eq!(reason("healthy", 0), "silenced: no answer within 5 s");
}

#[test]
fn the_summary_counts_the_worst_first() {
    assert_eq!(
        summary(&services()),
        "5 services: 1 down, 1 in an incident, 1 unknown, 1 in maintenance, 1 healthy"
    );
    assert_eq!(summary(&[]), "no services are watched");
}

#[test]
fn a_filter_finds_ids_names_environments_and_levels() {
    let found = |filter: &str| -> Vec<String> {
        let services = services();
        services.iter().filter(|s| lets_through(filter, s)).map(|s| s.id.clone()).collect()
    };
    assert_eq!(found("CATALOGUE"), ["search"]);
    assert_eq!(found("prod"), ["shop", "search"]);
    assert_eq!(found("healthy"), ["mail"]);
    assert_eq!(found("maintenance"), ["blog"]);
    assert!(found("nothing").is_empty());
}

#[test]
fn only_incidents_outside_maintenance_are_trouble() {
    let trouble: Vec<bool> = services().iter().map(|s| Shown::of(s).is_trouble()).collect();
    assert_eq!(trouble, [true, true, false, false, false]);
}
