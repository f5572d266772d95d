//! `p7 service`: everything a node knows about one service, on one screen.

use super::args;
use super::client::Client;
use super::fault::{Answer, Failure};
use super::out::{self, Screen, Tone, clean};
use super::status::{self, Shown};
use super::table::{Cell, Column, Side, table};
use super::view::{self, Detail, mesh_time};
use super::when;
use p7_core::vocabulary::{MeshTime, Millis};
use serde_json::Value;

const VANTAGE_POINTS: [Column; 6] = [
    Column { title: "SEEN FROM", side: Side::Left, least: 14, gives_way: 0 },
    Column { title: "OUTCOME", side: Side::Left, least: 12, gives_way: 0 },
    Column { title: "FAILTAGE", side: Side::Right, least: 8, gives_way: 1 },
    Column { title: "RESPONSE", side: Side::Right, least: 8, gives_way: 3 },
    Column { title: "AGO", side: Side::Right, least: 6, gives_way: 2 },
    Column { title: "REASON", side: Side::Left, least: 14, gives_way: 4 },
];

/// Answers `p7 service`.
pub(crate) async fn run(args: &args::OneService) -> Result<Answer, Failure> {
    let client = Client::new(&args.node)?;
    let value: Value = match client.get(&["services", &args.id], &[]).await {
        Ok(value) => value,
        Err(Failure::Use(said)) => return Err(Failure::Use(with_hint(&client, &args.id, said).await)),
        Err(failure) => return Err(failure),
    };
    let detail: Detail = view::read(&value)?;
    if args.form.json {
        out::print_json(&value)?;
    } else {
        out::print(&text(&detail, when::now(), Screen::of_stdout()))?;
    }
    let trouble = Shown::of(&detail.service).is_trouble();
    Ok(if trouble { Answer::NotSo } else { Answer::Fine })
}

/// What the node said of an unknown service, with the id that was probably meant.
async fn with_hint(client: &Client, asked: &str, said: String) -> String {
    let values = view::every(client, &["services"]).await.unwrap_or_default();
    let ids: Vec<&str> = values.iter().filter_map(|v| v.get("id").and_then(Value::as_str)).collect();
    match nearest(asked, &ids) {
        Some(near) if near != asked => format!("{said}; did you mean `{}`?", clean(near)),
        Some(_) | None => said,
    }
}

/// The id that is nearly the asked one, or the only one that begins with it.
fn nearest<'i>(asked: &str, ids: &[&'i str]) -> Option<&'i str> {
    p7_settings::nearest(asked, ids.iter().copied()).or_else(|| {
        let mut longer = ids.iter().filter(|id| !asked.is_empty() && id.starts_with(asked));
        longer.next().copied().filter(|_| longer.next().is_none())
    })
}

fn text(detail: &Detail, now: MeshTime, screen: Screen) -> String {
    let service = &detail.service;
    let mut lines = vec![heading(detail, screen), condition(detail, now)];
    let why = status::reason(service);
    if !why.is_empty() {
        lines.push(format!("Why: {}", clean(&why)));
    }
    lines.push(String::new());
    let spans = [service.interval_ms, service.timeout_ms].map(|ms| when::exact(Millis(ms)));
    let [every, within] = spans;
    lines.push(format!(
        "Target: {} ({}), every {every}, within {within}",
        clean(&service.target),
        clean(&service.kind)
    ));
    let facts = [
        ("About", service.description.clone()),
        ("Runbook", service.runbook.clone()),
        ("Maintenance", service.maintenance.as_ref().map(until_of)),
        ("Silenced", service.silence.as_ref().map(|s| format!("until {}", when::show(mesh_time(s.until))))),
        ("Deployment", service.deployment.as_ref().map(|d| format!("{} {} by {}", d.name, d.state, d.by))),
    ];
    for (title, fact) in facts {
        lines.extend(fact.map(|fact| format!("{title}: {}", clean(&fact))));
    }
    if !detail.cycles.is_empty() {
        lines.push(format!("Last cycles, oldest first: {}", cycles(detail)));
    }
    let mut text = lines.join("\n");
    let rows = vantage_points(detail, now, screen);
    if rows.is_empty() {
        text.push('\n');
    } else {
        text.push_str("\n\n");
        text.push_str(&rows);
    }
    text
}

fn heading(detail: &Detail, screen: Screen) -> String {
    let service = &detail.service;
    let name = screen.ink.paint(Tone::Strong, &clean(&service.name));
    match service.environment.as_str() {
        "" => format!("{name} ({})", service.id),
        environment => format!("{name} ({}) in {}", service.id, clean(environment)),
    }
}

fn condition(detail: &Detail, now: MeshTime) -> String {
    let service = &detail.service;
    let shown = Shown::of(service);
    let mut parts = vec![format!("{} {}", shown.sign(), shown.word())];
    parts.extend(service.since.map(|at| format!("for {}", when::short(now.since(mesh_time(at))))));
    parts.extend(service.failtage_percent.map(|p| format!("failtage {p:.1} %")));
    parts.extend(service.latency_ms.map(|ms| format!("response {}", when::latency(ms))));
    parts.extend(
        service.last_probe_at.map(|at| format!("tested {} ago", when::short(now.since(mesh_time(at))))),
    );
    parts.join(", ")
}

fn until_of(maintenance: &view::Maintenance) -> String {
    match maintenance.until {
        Some(until) => format!("until {}", when::show(mesh_time(until))),
        None => "the service itself says so".to_owned(),
    }
}

fn cycles(detail: &Detail) -> String {
    let sign = |verdict: Option<&str>| match verdict {
        Some("passed") => '✓',
        Some("partial") => '~',
        Some("failed") => '✗',
        Some(_) | None => '·',
    };
    detail.cycles.iter().map(|c| sign(c.verdict.as_deref())).collect()
}

fn vantage_points(detail: &Detail, now: MeshTime, screen: Screen) -> String {
    let rows: Vec<Vec<Cell>> = detail
        .vantage_points
        .iter()
        .map(|v| {
            let failtage = v.failtage_percent.map_or_else(|| "-".to_owned(), |p| format!("{p:.1} %"));
            vec![
                Cell::plain(&place(v)),
                Cell::plain(&v.outcome),
                Cell::plain(&failtage),
                Cell::plain(&when::latency(v.latency_ms)),
                Cell::plain(&when::short(now.since(mesh_time(v.at)))),
                Cell::plain(v.reason.as_deref().unwrap_or("")),
            ]
        })
        .collect();
    table(&VANTAGE_POINTS, &rows, screen)
}

/// A vantage point's name, and its site where that says more.
fn place(point: &view::VantagePoint) -> String {
    let name = point.name.as_deref().unwrap_or(&point.node);
    match point.site.as_deref() {
        Some(site) if site != name => format!("{name} ({site})"),
        Some(_) | None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::out::Ink;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_mistyped_id_is_answered_with_the_one_that_was_meant() {
        let ids = ["shop", "search", "search-api"];
        assert_eq!(nearest("sho", &ids), Some("shop"));
        assert_eq!(nearest("shopp", &ids), Some("shop"));
        assert_eq!(nearest("s", &ids), None);
        assert_eq!(nearest("", &[]), None);
    }

    #[test]
    fn a_service_is_told_on_one_screen() {
        let value = json!({
            "id": "shop", "name": "Shop", "environment": "production", "level": "incident", "kind": "http",
            "target": "https://shop.example/", "interval_ms": 10_000, "timeout_ms": 5000,
            "since": "2026-05-01T20:18:00Z", "freshness": "fresh", "failtage_percent": 50.0, "latency_ms": 37.4,
            "last_probe_at": "2026-05-01T20:29:56Z", "reason": "connection refused by 10.0.0.5:443",
            "runbook": "https://wiki.example/shop",
            "cycles": [{ "verdict": "passed" }, { "verdict": null }, { "verdict": "failed" }],
            "vantage_points": [{
                "node": "12D3KooA", "name": "desk", "site": "hq", "failtage_percent": 50.0, "outcome": "failed", "at": "2026-05-01T20:29:56Z",
                "latency_ms": 0.4, "reason": "connection refused by 10.0.0.5:443",
            }],
        });
        let detail: Detail = view::read(&value).unwrap();
        let screen = Screen { width: 100, ink: Ink::Plain };
        assert_eq!(
            text(&detail, MeshTime(1_777_667_400_000), screen),
            "\
Shop (shop) in production
▲ incident, for 12 min, failtage 50.0 %, response 37 ms, tested 4 s ago
Why: connection refused by 10.0.0.5:443

Target: https://shop.example/ (http), every 10 s, within 5 s
Runbook: https://wiki.example/shop
Last cycles, oldest first: ✓·✗

SEEN FROM  OUTCOME  FAILTAGE  RESPONSE  AGO  REASON
desk (hq)  failed     50.0 %    0.4 ms  4 s  connection refused by 10.0.0.5:443
"
        );
    }
}
