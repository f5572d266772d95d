//! `p7 services`, `p7 incidents` and `p7 mesh`: tables of what a node knows.

use super::args;
use super::client::Client;
use super::fault::{Answer, Failure};
use super::out::{self, Screen, Tone};
use super::status::{self, Shown};
use super::table::{Cell, Column, Side, table};
use super::view::{self, Incident, Mesh, Service, mesh_time};
use super::when;
use p7_core::vocabulary::{MeshTime, Millis};
use serde_json::Value;

const SERVICES: [Column; 6] = [
    Column { title: "SERVICE", side: Side::Left, least: 64, gives_way: 0 },
    Column { title: "NAME", side: Side::Left, least: 12, gives_way: 3 },
    Column { title: "ENVIRONMENT", side: Side::Left, least: 10, gives_way: 2 },
    Column { title: "KIND", side: Side::Left, least: 4, gives_way: 4 },
    Column { title: "EVERY", side: Side::Right, least: 6, gives_way: 1 },
    Column { title: "TARGET", side: Side::Left, least: 20, gives_way: 1 },
];

const INCIDENTS: [Column; 6] = [
    Column { title: "STATE", side: Side::Left, least: 12, gives_way: 0 },
    Column { title: "SERVICE", side: Side::Left, least: 12, gives_way: 0 },
    Column { title: "WORST", side: Side::Left, least: 10, gives_way: 3 },
    Column { title: "STARTED", side: Side::Left, least: 20, gives_way: 1 },
    Column { title: "LASTED", side: Side::Right, least: 7, gives_way: 2 },
    Column { title: "REASON", side: Side::Left, least: 14, gives_way: 4 },
];

const NODES: [Column; 7] = [
    Column { title: "NODE", side: Side::Left, least: 12, gives_way: 0 },
    Column { title: "VERSION", side: Side::Left, least: 7, gives_way: 3 },
    Column { title: "RUNS", side: Side::Right, least: 7, gives_way: 2 },
    Column { title: "SERVICES", side: Side::Right, least: 8, gives_way: 1 },
    Column { title: "INCIDENTS", side: Side::Right, least: 9, gives_way: 1 },
    Column { title: "CONDITION", side: Side::Left, least: 14, gives_way: 0 },
    Column { title: "ID", side: Side::Left, least: 12, gives_way: 4 },
];

/// Answers `p7 services`.
pub(crate) async fn services(args: &args::Services) -> Result<Answer, Failure> {
    let client = Client::new(&args.node)?;
    let mut found = status::fetch(&client, args.filter.as_deref()).await?;
    found.sort_by(|(_, a), (_, b)| (&a.environment, &a.id).cmp(&(&b.environment, &b.id)));
    if args.form.json {
        let values: Vec<&Value> = found.iter().map(|(value, _)| value).collect();
        out::print_json(&values)?;
    } else {
        out::print(&services_text(&status::services_of(found.iter()), Screen::of_stdout()))?;
    }
    Ok(Answer::Fine)
}

fn services_text(services: &[Service], screen: Screen) -> String {
    if services.is_empty() {
        return "no services are watched; add some to mesh.toml\n".to_owned();
    }
    let rows: Vec<Vec<Cell>> = services
        .iter()
        .map(|s| {
            vec![
                Cell::new(Tone::Strong, &s.id),
                Cell::plain(&s.name),
                Cell::plain(&s.environment),
                Cell::plain(&s.kind),
                Cell::plain(&when::exact(Millis(s.interval_ms))),
                Cell::plain(&s.target),
            ]
        })
        .collect();
    table(&SERVICES, &rows, screen)
}

/// Answers `p7 incidents`.
pub(crate) async fn incidents(args: &args::Incidents) -> Result<Answer, Failure> {
    let client = Client::new(&args.node)?;
    let mut query = Vec::new();
    if args.open {
        query.push(("open", "true".to_owned()));
    }
    query.extend(args.service.clone().map(|id| ("service", id)));
    let values = view::items(&client, &["incidents"], &query, usize::from(args.limit)).await?;
    if args.form.json {
        out::print_json(&values)?;
    } else {
        let incidents: Vec<Incident> = values.iter().map(view::read).collect::<Result<_, _>>()?;
        out::print(&incidents_text(&incidents, args.open, Screen::of_stdout()))?;
    }
    Ok(Answer::Fine)
}

fn incidents_text(incidents: &[Incident], only_open: bool, screen: Screen) -> String {
    if incidents.is_empty() {
        let text = if only_open { "no incident is open\n" } else { "no incidents are known\n" };
        return text.to_owned();
    }
    let rows: Vec<Vec<Cell>> = incidents
        .iter()
        .map(|i| {
            let state = match (&i.acknowledged, i.open) {
                (_, false) => Cell::new(Tone::Good, "ended"),
                (None, true) => Cell::new(Tone::Bad, "open"),
                (Some(by), true) => Cell::new(Tone::Warn, &format!("on it: {}", by.by)),
            };
            vec![
                state,
                Cell::new(Tone::Strong, &i.service),
                Shown::Level(i.worst_level).cell(),
                Cell::plain(&when::show(mesh_time(i.started_at))),
                Cell::plain(&when::short(Millis(i.duration_ms))),
                Cell::plain(i.reason.as_deref().unwrap_or("")),
            ]
        })
        .collect();
    table(&INCIDENTS, &rows, screen)
}

/// Answers `p7 mesh`.
pub(crate) async fn mesh(args: &args::Mesh) -> Result<Answer, Failure> {
    let client = Client::new(&args.node)?;
    let value: Value = client.get(&["mesh"], &[]).await?;
    if args.form.json {
        out::print_json(&value)?;
    } else {
        let refused = view::configuration(&client).await.trouble();
        out::print(&mesh_text(&view::read(&value)?, refused.as_deref(), when::now(), Screen::of_stdout()))?;
    }
    Ok(Answer::Fine)
}

/// `refused` is what the asked node says of a configuration that it refused.
fn mesh_text(mesh: &Mesh, refused: Option<&str>, now: MeshTime, screen: Screen) -> String {
    let rows: Vec<Vec<Cell>> = mesh
        .nodes
        .iter()
        .map(|n| {
            let cut_off = n.network.as_ref().and_then(|n| n.cut_off.as_deref());
            let trouble = n.store.as_ref().and_then(|s| s.trouble.as_deref());
            let refused = refused.filter(|_| n.id == mesh.this);
            let condition = match (cut_off, trouble.or(refused)) {
                (Some(why), _) => Cell::new(Tone::Bad, &format!("cut off: {why}")),
                (None, Some(why)) => Cell::new(Tone::Warn, why),
                (None, None) => Cell::new(Tone::Good, "fine"),
            };
            let here = if n.id == mesh.this { " (asked)" } else { "" };
            let runs = n.started_at.map(|at| when::short(now.since(mesh_time(at))));
            vec![
                Cell::new(Tone::Strong, &format!("{}{here}", n.name)),
                Cell::plain(&n.version),
                Cell::plain(&runs.unwrap_or_default()),
                Cell::plain(&n.services.to_string()),
                Cell::plain(&n.incidents_open.to_string()),
                condition,
                Cell::new(Tone::Faint, &n.id),
            ]
        })
        .collect();
    table(&NODES, &rows, screen)
}

#[cfg(test)]
#[path = "lists_tests.rs"]
mod tests;
