//! The Grafana dashboard asks only for what a node exports.

use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;

/// The metrics of the contract.
const METRICS: [&str; 25] = [
    "probe_success",
    "probe_duration_seconds",
    "probe_http_status_code",
    "probe_http_duration_seconds",
    "probe_dns_lookup_time_seconds",
    "probe_ssl_earliest_cert_expiry",
    "p7_failtage_ratio",
    "p7_service_level",
    "p7_incidents_open",
    "p7_probe_results_total",
    "p7_probe_schedule_lag_seconds",
    "p7_mesh_peers",
    "p7_mesh_leader",
    "p7_mesh_term",
    "p7_gossip_messages_total",
    "p7_gossip_bytes_total",
    "p7_gossip_delay_seconds",
    "p7_clock_skew_seconds",
    "p7_notifications_total",
    "p7_publish_total",
    "p7_device_up",
    "p7_mailbox_unread",
    "p7_dropped_total",
    "p7_build_info",
    // the suffix under which a histogram's buckets are asked for
    "p7_probe_schedule_lag_seconds_bucket",
];

/// Every text under this key, wherever it stands.
fn texts<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get(key).and_then(Value::as_str));
            for inner in map.values() {
                texts(inner, key, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| texts(inner, key, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_grafana_dashboard_uses_only_metrics_of_the_contract() {
    let text = include_str!("../../../../dashboards/grafana.json");
    let dashboard: Value = serde_json::from_str(text).unwrap();
    let mut asked = Vec::new();
    texts(&dashboard, "expr", &mut asked);
    texts(&dashboard, "query", &mut asked);
    texts(&dashboard, "definition", &mut asked);
    let metric = Regex::new(r"\b(?:probe|p7)_[a-z0-9_]+").unwrap();
    let used: BTreeSet<&str> = asked.iter().flat_map(|e| metric.find_iter(e)).map(|m| m.as_str()).collect();
    let unknown: Vec<_> = used.iter().filter(|m| !METRICS.contains(m)).collect();
    assert!(unknown.is_empty(), "not exported: {unknown:?}");
    assert!(used.len() >= 12, "only {used:?}");
}

#[test]
fn every_panel_of_the_grafana_dashboard_has_a_title_a_place_and_an_id_of_its_own() {
    let text = include_str!("../../../../dashboards/grafana.json");
    let dashboard: Value = serde_json::from_str(text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|p| p["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels {
        assert!(panel["title"].as_str().is_some_and(|t| !t.is_empty()), "{panel}");
        assert!(panel["gridPos"]["w"].as_u64().is_some_and(|w| w <= 24), "{panel}");
    }
}
