//! `p7 services` and `p7 incidents`: tables of what a node knows.

use super::args;
use super::client::Client;
use super::fault::{Answer, Failure};
use super::out::{self, Screen, Tone};
use super::status::{self, Shown};
use super::table::{Cell, Column, Side, table};
use super::view::{self, Incident, Service, mesh_time};
use super::when;
use p7_core::vocabulary::Millis;
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

#[cfg(test)]
#[path = "lists_tests.rs"]
mod tests;
