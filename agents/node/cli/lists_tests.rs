//! What the lists print, word by word.

use super::super::out::Ink;
use super::*;
use serde_json::json;

fn screen(width: usize) -> Screen {
    Screen { width, ink: Ink::Plain }
}

#[test]
fn services_are_listed_with_the_ids_that_commands_take() {
    let values = [
        json!({ "id": "shop", "name": "Shop", "environment": "production", "kind": "http",
                "target": "https://shop.example/health?deep=true", "interval_ms": 60_000, "level": "healthy" }),
        json!({ "id": "smtp", "name": "Mail", "kind": "tcp", "target": "mail.example:25",
                "interval_ms": 10_000, "level": "healthy" }),
    ];
    let services: Vec<Service> = values.iter().map(|v| view::read(v).unwrap()).collect();
    assert_eq!(
        services_text(&services, screen(100)),
        "SERVICE  NAME  ENVIRONMENT  KIND  EVERY  TARGET\n\
         shop     Shop  production   http  1 min  https://shop.example/health?deep=true\n\
         smtp     Mail               tcp    10 s  mail.example:25\n"
    );
    assert_eq!(
        services_text(&services, screen(50)),
        "SERVICE  ENVIRONMENT  EVERY  TARGET\n\
         shop     production   1 min  https://shop.example…\n\
         smtp                   10 s  mail.example:25\n"
    );
    assert_eq!(services_text(&[], screen(80)), "no services are watched; add some to mesh.toml\n");
}

#[test]
fn incidents_say_who_is_on_them() {
    let values = [
        json!({ "service": "shop", "open": true, "started_at": "2026-05-01T20:18:00Z", "duration_ms": 720_000,
                "worst_level": "down", "reason": "connection refused by 10.0.0.5:443" }),
        json!({ "service": "blog", "open": true, "started_at": "2026-05-01T20:18:00Z", "duration_ms": 720_000,
                "worst_level": "incident", "acknowledged": { "incident": "blog.x", "by": "ann" } }),
        json!({ "service": "mail", "open": false, "started_at": "2026-04-30T01:00:00Z", "duration_ms": 40_000,
                "worst_level": "incident", "reason": "no answer within 5 s" }),
    ];
    let incidents: Vec<Incident> = values.iter().map(|v| view::read(v).unwrap()).collect();
    assert_eq!(
        incidents_text(&incidents, false, screen(120)),
        "STATE       SERVICE  WORST       STARTED               LASTED  REASON\n\
         open        shop     ✗ down      2026-05-01 20:18 UTC  12 min  connection refused by 10.0.0.5:443\n\
         on it: ann  blog     ▲ incident  2026-05-01 20:18 UTC  12 min\n\
         ended       mail     ▲ incident  2026-04-30 01:00 UTC    40 s  no answer within 5 s\n"
    );
    assert_eq!(incidents_text(&[], true, screen(80)), "no incident is open\n");
}
