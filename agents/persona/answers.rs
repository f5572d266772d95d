//! What is answered about services, incidents and the mesh: plain facts, as Slack's text.

use crate::find::Target;
use crate::picture::{Known, Picture};
use crate::text::{cut, joined, link, table};
use crate::when;
use p7_core::mesh::view::Liveness;
use p7_core::mesh::words::Role;
use p7_core::speech::words;
use p7_core::status::{Freshness, MaintenanceNote};
use p7_core::vocabulary::{Level, MeshTime, NodeId, Outcome, ServiceId};
use std::fmt::Write;

/// Most services that a list names.
const LISTED: usize = 20;
/// Most vantage points and nodes of a table.
const ROWS: usize = 25;
/// Longest reason in a list, in bytes.
const REASON: usize = 160;

/// How a screen of help looks.
pub(crate) const HELP: &str = "*What you can ask me*
`status [service|environment]` – how things are
`why SERVICE` – who sees what
`incidents` – what is open, and what ended lately
`probe SERVICE|URL` – one test, now
`who leads` · `nodes` – the mesh
`mail` – the mailboxes
*What changes something* (who may is in the configuration)
`ack SERVICE [reason]` – you are on it
`silence SERVICE for 2h` – say nothing of it
`maintenance SERVICE tomorrow 22:00 for 1h` – planned work
`say TEXT` – let the robot speak
*And* `hello` · `joke` · `bilbo` · `version` · `debug` · `help`
An environment or `everything` may stand for SERVICE in silences and maintenance.";

/// A level's sign, in the dashboard's colours.
fn sign(level: Level) -> &'static str {
    match level {
        Level::Down => ":red_circle:",
        Level::Incident => ":large_orange_circle:",
        Level::Warning | Level::Partial => ":large_yellow_circle:",
        Level::Healthy => ":large_green_circle:",
        Level::Unknown => ":white_circle:",
    }
}

impl Picture {
    /// A service's name, with its environment, leading to its page.
    fn title(&self, known: &Known<'_>) -> String {
        let service = known.service;
        let name = if service.name.is_empty() { service.id.as_str() } else { &service.name };
        let name = match service.environment.as_str() {
            "" => name.to_owned(),
            environment => format!("{name} ({environment})"),
        };
        match &self.dashboard {
            Some(root) => link(&format!("{root}services/{}", service.id), &name),
            None => cut(&name, 120),
        }
    }

    /// How a service is, in a line.
    fn line(&self, known: &Known<'_>, now: MeshTime) -> String {
        let level = known.level();
        let is = if level == Level::Warning { "has" } else { "is" };
        let mut line = format!("{} *{}* {is} {}", sign(level), self.title(known), words::level(level));
        let Some(status) = known.status else { return line };
        if let Some(since) = status.since.filter(|_| !matches!(level, Level::Unknown | Level::Warning)) {
            write!(line, " for {}", words::span(now.since(since))).unwrap_or_default();
        }
        if let Some(reason) = status.reason.as_ref().filter(|_| known.level() > Level::Healthy) {
            write!(line, ": {}", cut(reason, REASON)).unwrap_or_default();
        }
        if let Some(said) = &status.acknowledged {
            write!(line, " · acknowledged by {}", cut(&said.by, 80)).unwrap_or_default();
        }
        if status.silence.is_some() {
            line.push_str(" · silenced");
        }
        if status.maintenance.is_some() {
            line.push_str(" · in maintenance");
        }
        if status.freshness == Freshness::Stale {
            line.push_str(" · not tested lately");
        }
        line
    }

    /// `status`.
    pub(crate) fn status(&self, target: &Target, now: MeshTime) -> String {
        match target {
            Target::Service(id) => self.one(id, now),
            Target::Environment(name) => {
                let all: Vec<Known<'_>> =
                    self.all().filter(|known| known.service.environment == *name).collect();
                self.many(&format!("{}: ", cut(name, 80)), all, now)
            }
            Target::All => self.many("", self.all().collect(), now),
        }
    }

    fn one(&self, id: &ServiceId, now: MeshTime) -> String {
        let Some(known) = self.known(id) else { return "It is no longer watched.".to_owned() };
        let mut lines = vec![self.line(&known, now)];
        if let Some(status) = known.status {
            if let Some(failtage) = status.failtage {
                let seen = status.vantage.len();
                lines.push(format!(
                    "Failtage {:.1} %, seen from {seen} place{}",
                    failtage.percent(),
                    plural(seen)
                ));
            }
            if let Some(said) = status.acknowledged.as_ref().filter(|said| !said.reason.is_empty()) {
                lines.push(format!("{} says: {}", cut(&said.by, 80), cut(&said.reason, REASON)));
            }
            if let Some(silence) = &status.silence {
                let until = when::shown(silence.until, self.zone);
                lines.push(format!("Silenced until {until} by {}", cut(&silence.by, 80)));
            }
            match &status.maintenance {
                Some(MaintenanceNote::Planned { until, reason }) => {
                    let why =
                        if reason.is_empty() { String::new() } else { format!(": {}", cut(reason, REASON)) };
                    lines.push(format!("Maintenance until {}{why}", when::shown(*until, self.zone)));
                }
                Some(MaintenanceNote::Found) => {
                    lines.push("The service itself says it is in maintenance".to_owned());
                }
                None => {}
            }
        }
        lines.extend(known.service.runbook.as_ref().map(|runbook| link(runbook, "Runbook")));
        if known.level() > Level::Healthy {
            lines.push(format!("`why {}` tells who sees what.", known.service.id));
        }
        joined(&lines)
    }

    fn many(&self, before: &str, mut all: Vec<Known<'_>>, now: MeshTime) -> String {
        if all.is_empty() {
            return "Nothing is watched yet.".to_owned();
        }
        let count = |wanted: fn(Level) -> bool| all.iter().filter(|known| wanted(known.level())).count();
        let counts = [
            (count(|level| level == Level::Down), "down"),
            (count(|level| level == Level::Incident), "failing"),
            (count(|level| matches!(level, Level::Warning | Level::Partial)), "not quite well"),
            (count(|level| level == Level::Healthy), "well"),
            (count(|level| level == Level::Unknown), "not known yet"),
        ];
        let counts =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let counts = counts.collect::<Vec<_>>().join(", ");
        let total = all.len();
        let mut lines = vec![format!("{before}{total} service{}: {counts}", plural(total))];
        all.retain(|known| known.level() > Level::Healthy);
        let since = |known: &Known<'_>| known.status.and_then(|status| status.since);
        all.sort_by(|a, b| b.level().cmp(&a.level()).then_with(|| since(a).cmp(&since(b))));
        lines.extend(all.iter().take(LISTED).map(|known| self.line(known, now)));
        if all.len() > LISTED {
            lines.push(format!("… and {} more", all.len() - LISTED));
        }
        joined(&lines)
    }

    /// `why SERVICE`.
    pub(crate) fn why(&self, id: &ServiceId, now: MeshTime) -> String {
        let Some(known) = self.known(id) else { return "It is no longer watched.".to_owned() };
        let mut lines = vec![self.line(&known, now)];
        let Some(status) = known.status.filter(|status| !status.vantage.is_empty()) else {
            lines.push("No result of it is known yet.".to_owned());
            return joined(&lines);
        };
        let rows: Vec<Vec<String>> = status
            .vantage
            .iter()
            .take(ROWS)
            .map(|view| {
                let reason = view.reason.as_deref().unwrap_or_default();
                vec![
                    self.node_name(&view.node).chars().take(20).collect(),
                    view.outcome.as_str().to_owned(),
                    format!("{:.0} ms", view.latency.as_ms()),
                    format!("{} ago", words::span(now.since(view.at))),
                    reason.chars().take(70).collect(),
                ]
            })
            .collect();
        lines.push(table(&["from", "outcome", "took", "when", "why"], &rows));
        if status.vantage.len() > ROWS {
            lines.push(format!("… and {} more places", status.vantage.len() - ROWS));
        }
        let failing = |id: &&ServiceId| self.known(id).is_some_and(|needed| needed.is_open());
        let needs: Vec<String> =
            known.service.depends_on.iter().filter(failing).map(ToString::to_string).collect();
        if !needs.is_empty() {
            lines.push(format!("It needs {}, which fails, too.", needs.join(", ")));
        }
        joined(&lines)
    }

    /// `incidents`.
    pub(crate) fn incidents(&self, now: MeshTime) -> String {
        let mut open: Vec<Known<'_>> = self.all().filter(Known::is_open).collect();
        open.sort_by_key(|known| std::cmp::Reverse(known.level()));
        let mut lines = match open.len() {
            0 => vec!["No incident is open.".to_owned()],
            n => vec![format!("{n} incident{} open:", if n == 1 { " is" } else { "s are" })],
        };
        lines.extend(open.iter().take(LISTED).map(|known| self.line(known, now)));
        if open.len() > LISTED {
            lines.push(format!("… and {} more", open.len() - LISTED));
        }
        let ended = self.ended.iter().filter_map(|incident| Some((incident, incident.ended?)));
        let ended =
            ended.filter_map(|(incident, ended)| Some((incident, ended, self.known(&incident.id.service)?)));
        let told = ended.take(5).map(|(incident, ended, known)| {
            let lasted = words::span(ended.since(incident.began));
            format!("{} ended {} ago after {lasted}", self.title(&known), words::span(now.since(ended)))
        });
        let told: Vec<String> = told.collect();
        if !told.is_empty() {
            lines.push("Lately:".to_owned());
            lines.extend(told);
        }
        joined(&lines)
    }

    /// `who leads`.
    pub(crate) fn leader(&self) -> String {
        let Some(view) = &self.mesh else {
            return format!("{} runs alone, so it does everything itself.", cut(&self.node, 80));
        };
        match view.leader() {
            Some(claim) => format!("*{}* leads (term {}).", cut(view.name_of(&claim.node), 80), claim.term.0),
            None => "Nobody leads just now; that settles within seconds.".to_owned(),
        }
    }

    /// `nodes`.
    pub(crate) fn nodes(&self) -> String {
        let Some(view) = &self.mesh else {
            return format!("{} runs alone (p7 {}).", cut(&self.node, 80), self.version);
        };
        let roles = |node: &NodeId| {
            let held = view
                .holdings
                .iter()
                .filter(|one| one.claim.as_ref().is_some_and(|claim| claim.node == *node));
            held.map(|one| role(&one.role)).collect::<Vec<_>>().join(", ")
        };
        let rows: Vec<Vec<String>> = view
            .members
            .iter()
            .take(ROWS)
            .map(|member| {
                let about = member.about.as_ref();
                let short = |text: &str| text.chars().take(20).collect::<String>();
                vec![
                    short(view.name_of(&member.node)),
                    member.liveness.as_str().to_owned(),
                    short(about.and_then(|about| about.labels.get("site")).map_or("", String::as_str)),
                    short(about.map_or("", |about| &about.version)),
                    member.seats.to_string(),
                    short(&roles(&member.node)),
                ]
            })
            .collect();
        let alive = view.members.iter().filter(|member| member.liveness == Liveness::Alive).count();
        let mut lines = vec![format!("{alive} of {} nodes are there:", view.members.len())];
        lines.push(table(&["node", "is", "site", "p7", "tests", "roles"], &rows));
        if view.members.len() > ROWS {
            lines.push(format!("… and {} more", view.members.len() - ROWS));
        }
        joined(&lines)
    }

    /// `mail`: who watches the mailboxes; what is in them is on the dashboard.
    pub(crate) fn mail(&self) -> String {
        let holdings = self.mesh.iter().flat_map(|view| view.holdings.iter().map(move |one| (view, one)));
        let lines: Vec<String> = holdings
            .filter_map(|(view, one)| match &one.role {
                Role::Mailbox(name) => Some(match &one.claim {
                    Some(claim) => {
                        format!("`{}` is watched by {}.", cut(name, 64), cut(view.name_of(&claim.node), 64))
                    }
                    None => format!("`{}` is watched by nobody just now.", cut(name, 64)),
                }),
                Role::Leader | Role::Persona => None,
            })
            .collect();
        if lines.is_empty() { "No mailbox is watched that I know of.".to_owned() } else { joined(&lines) }
    }

    /// `version`.
    pub(crate) fn version(&self) -> String {
        let name = if self.name.is_empty() { "Protocol/7" } else { &self.name };
        format!("{}: p7 {} on {}", cut(name, 80), self.version, cut(&self.node, 80))
    }
}

/// A role as people call it.
fn role(role: &Role) -> String {
    match role {
        Role::Leader => "leader".to_owned(),
        Role::Mailbox(name) => format!("mailbox {name}"),
        Role::Persona => "persona".to_owned(),
    }
}

pub(crate) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// An outcome's sign.
pub(crate) fn outcome_sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Up => ":large_green_circle:",
        Outcome::Maintenance => ":large_yellow_circle:",
        Outcome::NoNetwork | Outcome::Unmanaged => ":white_circle:",
        Outcome::Unauthorized | Outcome::Failed | Outcome::Mismatch => ":red_circle:",
    }
}
