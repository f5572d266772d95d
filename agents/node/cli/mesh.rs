//! `p7 mesh`: the nodes, what each of them sees, and who they are to each other.

use super::args::{self, MeshAction};
use super::client::Client;
use super::device::{self, Device};
use super::fault::{Answer, Failure};
use super::joining;
use super::out::{self, Screen, Tone};
use super::status::Shown;
use super::table::{Cell, Column, Side, table};
use super::view::{self, MatrixRow, Member, Mesh, mesh_time};
use super::when;
use p7_core::vocabulary::{MeshTime, Millis};
use serde_json::Value;
use std::cmp::Reverse;
use std::fmt::Write as _;

/// Columns a cell of the matrix takes with its latency.
const CELL_WIDTH: usize = 12;
/// Columns the services' names and levels take.
const HEAD_WIDTH: usize = 40;
/// How much of an id tells nodes apart.
const SHORT_ID: usize = 6;

const ALONE: [Column; 7] = [
    Column { title: "NODE", side: Side::Left, least: 12, gives_way: 0 },
    Column { title: "VERSION", side: Side::Left, least: 7, gives_way: 3 },
    Column { title: "RUNS", side: Side::Right, least: 7, gives_way: 2 },
    Column { title: "SERVICES", side: Side::Right, least: 8, gives_way: 1 },
    Column { title: "INCIDENTS", side: Side::Right, least: 9, gives_way: 1 },
    Column { title: "CONDITION", side: Side::Left, least: 14, gives_way: 0 },
    Column { title: "ID", side: Side::Left, least: 12, gives_way: 4 },
];

const NODES: [Column; 7] = [
    Column { title: "NODE", side: Side::Left, least: 12, gives_way: 0 },
    Column { title: "STATE", side: Side::Left, least: 12, gives_way: 0 },
    Column { title: "ROLES", side: Side::Left, least: 8, gives_way: 1 },
    Column { title: "VERSION", side: Side::Left, least: 7, gives_way: 4 },
    Column { title: "RUNS", side: Side::Right, least: 7, gives_way: 3 },
    Column { title: "TESTS", side: Side::Right, least: 5, gives_way: 2 },
    Column { title: "CONDITION", side: Side::Left, least: 14, gives_way: 0 },
];

const PEERS: [Column; 9] = [
    Column { title: "NODE", side: Side::Left, least: 12, gives_way: 0 },
    Column { title: "ID", side: Side::Left, least: 7, gives_way: 3 },
    Column { title: "STATE", side: Side::Left, least: 12, gives_way: 0 },
    Column { title: "ROLES", side: Side::Left, least: 8, gives_way: 1 },
    Column { title: "VERSION", side: Side::Left, least: 7, gives_way: 4 },
    Column { title: "CONFIG", side: Side::Right, least: 6, gives_way: 2 },
    Column { title: "OFFSET", side: Side::Right, least: 8, gives_way: 1 },
    Column { title: "DELAY", side: Side::Right, least: 10, gives_way: 1 },
    Column { title: "LINKS", side: Side::Right, least: 5, gives_way: 5 },
];

/// Answers `p7 mesh`.
pub(crate) async fn run(args: &args::Mesh) -> Result<Answer, Failure> {
    match &args.action {
        None => nodes(&Client::new(&args.node)?, args.form).await,
        Some(MeshAction::Key(args)) => joining::key(args),
        Some(MeshAction::Invite(args)) => joining::invite(args),
        Some(MeshAction::Join(args)) => joining::join(args),
        Some(MeshAction::Peers { node, form }) => peers(&Client::new(node)?, *form).await,
    }
}

async fn nodes(client: &Client, form: args::Form) -> Result<Answer, Failure> {
    let value: Value = client.get(&["mesh"], &[]).await?;
    if form.json {
        out::print_json(&value)?;
        return Ok(Answer::Fine);
    }
    let refused = view::configuration(client).await.trouble();
    let (mesh, now, screen) = (view::read::<Mesh>(&value)?, when::now(), Screen::of_stdout());
    if mesh.members.is_empty() {
        out::print(&alone_text(&mesh, refused.as_deref(), now, screen))?;
    } else {
        let rows = view::every(client, &["mesh", "matrix"]).await?;
        let rows: Vec<MatrixRow> = rows.iter().map(view::read).collect::<Result<_, _>>()?;
        out::print(&mesh_text(&mesh, refused.as_deref(), now, screen))?;
        out::print(&matrix_text(&mesh, rows, screen))?;
        out::print(&devices_text(&mesh, screen)?)?;
    }
    Ok(Answer::Fine)
}

async fn peers(client: &Client, form: args::Form) -> Result<Answer, Failure> {
    let value: Value = client.get(&["mesh"], &[]).await?;
    if form.json {
        out::print_json(value.get("members").unwrap_or(&Value::Null))?;
    } else {
        out::print(&peers_text(&view::read(&value)?, when::now(), Screen::of_stdout()))?;
    }
    Ok(Answer::Fine)
}

/// What is wrong with the asked node itself; `refused` is what it says of a configuration that it refused.
fn own_condition(node: &view::Node, refused: Option<&str>) -> Cell {
    let cut_off = node.network.as_ref().and_then(|n| n.cut_off.as_deref());
    let trouble = node.store.as_ref().and_then(|s| s.trouble.as_deref());
    match (cut_off, trouble.or(refused)) {
        (Some(why), _) => Cell::new(Tone::Bad, &format!("cut off: {why}")),
        (None, Some(why)) => Cell::new(Tone::Warn, why),
        (None, None) => Cell::new(Tone::Good, "fine"),
    }
}

fn alone_text(mesh: &Mesh, refused: Option<&str>, now: MeshTime, screen: Screen) -> String {
    let rows: Vec<Vec<Cell>> = mesh
        .nodes
        .iter()
        .map(|n| {
            let here = if n.id == mesh.this { " (asked)" } else { "" };
            let runs = n.started_at.map(|at| when::short(now.since(mesh_time(at))));
            vec![
                Cell::new(Tone::Strong, &format!("{}{here}", n.name)),
                Cell::plain(&n.version),
                Cell::plain(&runs.unwrap_or_default()),
                Cell::plain(&n.services.to_string()),
                Cell::plain(&n.incidents_open.to_string()),
                own_condition(n, refused.filter(|_| n.id == mesh.this)),
                Cell::new(Tone::Faint, &n.id),
            ]
        })
        .collect();
    table(&ALONE, &rows, screen)
}

fn mesh_text(mesh: &Mesh, refused: Option<&str>, now: MeshTime, screen: Screen) -> String {
    let mut text = String::new();
    for warning in &mesh.warnings {
        let line = format!("! {}", out::clean(warning));
        writeln!(text, "{}", screen.ink.paint(Tone::Warn, &line)).unwrap_or_default();
    }
    if !mesh.warnings.is_empty() {
        text.push('\n');
    }
    let row = |member: &Member| {
        let own = mesh.nodes.iter().find(|node| node.id == member.id && member.id == mesh.this);
        let runs = member.started_at.filter(|_| member.is_here());
        vec![
            name(member, mesh),
            state(member, now),
            Cell::plain(&roles(member, mesh)),
            Cell::plain(member.version.as_deref().unwrap_or("")),
            Cell::plain(&runs.map(|at| when::short(now.since(mesh_time(at)))).unwrap_or_default()),
            Cell::plain(&if member.is_here() { member.services.to_string() } else { String::new() }),
            own.map_or_else(|| condition(member, mesh), |own| own_condition(own, refused)),
        ]
    };
    text.push_str(&table(&NODES, &sorted(mesh).into_iter().map(row).collect::<Vec<_>>(), screen));
    text
}

/// The table of `p7 mesh peers`.
fn peers_text(mesh: &Mesh, now: MeshTime, screen: Screen) -> String {
    if mesh.members.is_empty() {
        return "this node runs alone: it has no peers\n".to_owned();
    }
    let row = |member: &Member| {
        let dash = || "-".to_owned();
        let delay = match (member.connected, member.round_trip_ms) {
            (Some(_), Some(ms)) => when::exact(Millis(ms)),
            (Some(false), None) if member.is_here() => "via others".to_owned(),
            (_, _) => dash(),
        };
        let end = member.id.len().saturating_sub(SHORT_ID);
        let version = member.configuration.as_ref().map_or_else(dash, |stamp| stamp.version.to_string());
        vec![
            name(member, mesh),
            Cell::new(Tone::Faint, &format!("…{}", member.id.get(end..).unwrap_or(&member.id))),
            state(member, now),
            Cell::plain(&roles(member, mesh)),
            Cell::plain(member.version.as_deref().unwrap_or("")),
            Cell::new(if drifted(member, mesh) { Tone::Warn } else { Tone::Normal }, &version),
            Cell::plain(&member.clock_offset_ms.map_or_else(dash, offset)),
            Cell::plain(&delay),
            Cell::plain(&if member.is_here() { member.links.to_string() } else { dash() }),
        ]
    };
    table(&PEERS, &sorted(mesh).into_iter().map(row).collect::<Vec<_>>(), screen)
}

/// Who sees what: a line for each service, the worst first, a column for each node.
fn matrix_text(mesh: &Mesh, mut rows: Vec<MatrixRow>, screen: Screen) -> String {
    let nodes: Vec<&Member> = sorted(mesh)
        .into_iter()
        .filter(|m| m.is_here() || rows.iter().any(|row| row.cells.iter().any(|cell| cell.node == m.id)))
        .collect();
    rows.sort_by(|a, b| (Reverse(a.level), &a.service).cmp(&(Reverse(b.level), &b.service)));
    let roomy = HEAD_WIDTH + nodes.len() * CELL_WIDTH <= screen.width;
    let mut columns = vec![
        Column { title: "SERVICE", side: Side::Left, least: 24, gives_way: 0 },
        Column { title: "VERDICT", side: Side::Left, least: 10, gives_way: 0 },
    ];
    let titles: Vec<String> = nodes.iter().map(|node| node.name.to_uppercase()).collect();
    let column = |title| Column { title, side: Side::Left, least: 5, gives_way: 1 };
    columns.extend(titles.iter().map(|title| column(title.as_str())));
    let cell = |row: &MatrixRow, node: &Member| {
        let Some(seen) = row.cells.iter().find(|cell| cell.node == node.id) else { return Cell::plain("") };
        let (sign, tone) = outcome(&seen.outcome);
        let latency = seen.latency_ms.filter(|_| roomy).map(|ms| format!(" {}", when::latency(ms)));
        let tone = if node.is_here() { tone } else { Tone::Faint };
        Cell::new(tone, &format!("{sign}{}", latency.unwrap_or_default()))
    };
    let lines: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            let mut line = vec![Cell::new(Tone::Strong, &row.service), Shown::Level(row.level).cell()];
            line.extend(nodes.iter().map(|node| cell(row, node)));
            line
        })
        .collect();
    if lines.is_empty() { String::new() } else { format!("\n{}", table(&columns, &lines, screen)) }
}

/// The devices of all nodes.
fn devices_text(mesh: &Mesh, screen: Screen) -> Result<String, Failure> {
    let mut devices = Vec::new();
    for member in sorted(mesh) {
        for value in &member.devices {
            devices.push(view::read::<Device>(value)?.of_node(&member.name, &member.liveness));
        }
    }
    let text = device::listed(&devices, screen);
    Ok(if devices.is_empty() { String::new() } else { format!("\n{text}") })
}

/// Those that are there by name, then those that are not.
fn sorted(mesh: &Mesh) -> Vec<&Member> {
    let mut members: Vec<&Member> = mesh.members.iter().collect();
    members.sort_by_key(|member| (!member.is_here(), member.name.to_lowercase(), member.id.clone()));
    members
}

fn name(member: &Member, mesh: &Mesh) -> Cell {
    let here = if member.id == mesh.this { " (asked)" } else { "" };
    Cell::new(Tone::Strong, &format!("{}{here}", member.name))
}

fn state(member: &Member, now: MeshTime) -> Cell {
    let span = when::short(now.since(mesh_time(member.since)));
    let (word, tone) = match member.liveness.as_str() {
        "alive" => ("alive", Tone::Good),
        "suspect" => ("not answering", Tone::Warn),
        "down" => ("down", Tone::Bad),
        "left" => ("switched off", Tone::Faint),
        other => (other, Tone::Normal),
    };
    Cell::new(tone, &format!("{word} {span}"))
}

/// `leader (term 7), mailbox:support`.
fn roles(member: &Member, mesh: &Mesh) -> String {
    let term = |role: &str| mesh.holdings.iter().find(|h| h.role == role).and_then(|holding| holding.term);
    let said = |role: &String| match term(role) {
        Some(term) => format!("{role} (term {term})"),
        None => role.clone(),
    };
    member.holds.iter().map(said).collect::<Vec<_>>().join(", ")
}

fn drifted(member: &Member, mesh: &Mesh) -> bool {
    member.is_here() && member.configuration != mesh.configuration
}

fn condition(member: &Member, mesh: &Mesh) -> Cell {
    let version = |stamp: Option<&view::Stamp>| stamp.map_or(0, |stamp| stamp.version);
    let (has, newest) = (version(member.configuration.as_ref()), version(mesh.configuration.as_ref()));
    match (member.is_here(), member.cut_off) {
        (false, _) => Cell::plain(""),
        (true, true) => Cell::new(Tone::Bad, "cut off"),
        (true, false) if drifted(member, mesh) => {
            Cell::new(Tone::Warn, &format!("configuration {has}, not {newest}"))
        }
        (true, false) => Cell::new(Tone::Good, "fine"),
    }
}

fn outcome(outcome: &str) -> (char, Tone) {
    match outcome {
        "up" => ('✓', Tone::Good),
        "maintenance" => ('=', Tone::Note),
        "failed" => ('✗', Tone::Bad),
        "unauthorized" => ('!', Tone::Bad),
        "mismatch" => ('≠', Tone::Bad),
        "no_network" => ('·', Tone::Faint),
        _ => ('?', Tone::Faint),
    }
}

/// `+21.4 s`, `-12 ms`.
fn offset(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "+" };
    match ms.unsigned_abs() {
        0 => "0 ms".to_owned(),
        size @ 1..1000 => format!("{sign}{size} ms"),
        size @ 1000..60_000 => format!("{sign}{}.{} s", size / 1000, size % 1000 / 100),
        size => format!("{sign}{}", when::short(Millis(size))),
    }
}

#[cfg(test)]
#[path = "mesh_tests.rs"]
mod tests;
