//! `p7 ack`, `silence`, `maintenance` and `deployment`: what people state.

use super::args::{self, Hold, HoldAction, Scope, Span};
use super::client::Client;
use super::fault::{Answer, Failure};
use super::out::{self, Screen, Tone, clean};
use super::table::{Cell, Column, Side, table};
use super::view::{self, mesh_time};
use super::when;
use p7_core::vocabulary::{MeshTime, Millis};
use serde_json::{Value, json};
use std::os::unix::fs::MetadataExt;

/// How far the node's clock may be ahead of ours before its now is our later.
const CLOCKS_APART: Millis = Millis::seconds(5);

const HOLDS: [Column; 6] = [
    Column { title: "ID", side: Side::Left, least: 64, gives_way: 0 },
    Column { title: "COVERS", side: Side::Left, least: 14, gives_way: 0 },
    Column { title: "FROM", side: Side::Left, least: 20, gives_way: 2 },
    Column { title: "UNTIL", side: Side::Left, least: 20, gives_way: 0 },
    Column { title: "BY", side: Side::Left, least: 6, gives_way: 1 },
    Column { title: "REASON", side: Side::Left, least: 12, gives_way: 3 },
];

/// Which of the two that are alike but for one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Silence,
    Maintenance,
}

impl Kind {
    /// Its path in the API.
    fn path(self) -> &'static str {
        match self {
            Self::Silence => "silences",
            Self::Maintenance => "maintenance",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Silence => "silenced",
            Self::Maintenance => "in maintenance",
        }
    }

    fn none(self) -> &'static str {
        match self {
            Self::Silence => "nothing is silenced\n",
            Self::Maintenance => "no maintenance is stated; planned windows are in mesh.toml\n",
        }
    }
}

/// Answers `p7 ack`.
pub(crate) async fn acknowledge(args: &args::Ack) -> Result<Answer, Failure> {
    let client = Client::new(&args.node)?;
    let body = json!({ "by": by(args.statement.by.as_deref()), "reason": args.statement.reason });
    let value: Value = client.post(&["services", &args.service, "ack"], &body).await?;
    if args.form.json {
        out::print_json(&value)?;
    } else {
        let ack: view::Acknowledgement = view::read(&value)?;
        out::print(&format!("{} is on the incident {}\n", clean(&ack.by), clean(&ack.incident)))?;
    }
    Ok(Answer::Fine)
}

/// Answers `p7 silence`.
pub(crate) async fn silence(args: &args::Silence) -> Result<Answer, Failure> {
    held(Kind::Silence, args.action.as_ref(), &args.hold).await
}

/// Answers `p7 maintenance`.
pub(crate) async fn maintenance(args: &args::Maintenance) -> Result<Answer, Failure> {
    held(Kind::Maintenance, args.action.as_ref(), &args.hold).await
}

/// Answers `p7 deployment`.
pub(crate) async fn deployment(args: &args::Deployment) -> Result<Answer, Failure> {
    let client = Client::new(&args.node)?;
    let state = match args.state {
        args::DeploymentState::Running => "running",
        args::DeploymentState::Succeeded => "succeeded",
        args::DeploymentState::Failed => "failed",
    };
    let mut body = json!({ "name": args.name, "state": state, "by": by(args.by.as_deref()) });
    if let (Some(link), Some(fields)) = (&args.link, body.as_object_mut()) {
        fields.insert("link".to_owned(), json!(link));
    }
    let value: Value = client.post(&["services", &args.service, "deployment"], &body).await?;
    if args.form.json {
        out::print_json(&value)?;
    } else {
        let stated: view::Deployment = view::read(&value)?;
        let text = format!("{}: deployment {} {}\n", args.service, stated.name, stated.state);
        out::print(&clean_lines(&text))?;
    }
    Ok(Answer::Fine)
}

async fn held(kind: Kind, action: Option<&HoldAction>, hold: &Hold) -> Result<Answer, Failure> {
    match action {
        Some(HoldAction::List { node, form }) => {
            let values = view::every(&Client::new(node)?, &[kind.path()]).await?;
            if form.json {
                out::print_json(&values)?;
            } else {
                let holds: Vec<view::Hold> = values.iter().map(view::read).collect::<Result<_, _>>()?;
                out::print(&list(kind, &holds, Screen::of_stdout()))?;
            }
        }
        Some(HoldAction::Lift { id, node, form }) => {
            let query = [("by", by(None))];
            let value: Value = Client::new(node)?.delete(&[kind.path(), id], &query).await?;
            if form.json {
                out::print_json(&value)?;
            } else {
                let lifted: view::Hold = view::read(&value)?;
                out::print(&format!("{} is no longer {}\n", covers(&lifted.scope), kind.done()))?;
            }
        }
        None => start(kind, hold).await?,
    }
    Ok(Answer::Fine)
}

async fn start(kind: Kind, hold: &Hold) -> Result<(), Failure> {
    let body = body(hold, when::now())?;
    let value: Value = Client::new(&hold.node)?.post(&[kind.path()], &body).await?;
    if hold.form.json {
        return Ok(out::print_json(&value)?);
    }
    let stated: view::Hold = view::read(&value)?;
    Ok(out::print(&format!("{}\n", clean(&said(kind, &stated, when::now()))))?)
}

/// `shop is silenced until …, as ID`; one that is yet to begin says from when.
fn said(kind: Kind, stated: &view::Hold, now: MeshTime) -> String {
    let [starts, ends] = [stated.starts_at, stated.ends_at].map(mesh_time);
    let (covers, until, id) = (covers(&stated.scope), when::show(ends), &stated.id);
    // the node's clock may be a little ahead of ours
    if starts > now.plus(CLOCKS_APART) {
        let from = when::show(starts);
        format!("{covers} will be {} from {from} until {until}, as {id}", kind.done())
    } else {
        format!("{covers} is {} until {until}, as {id}", kind.done())
    }
}

/// What is asked of the API; everything wrong with it is said before anything is sent.
fn body(hold: &Hold, now: MeshTime) -> Result<Value, Failure> {
    let scope = scope(&hold.scope)?;
    let (starts, ends) = span(&hold.span, now)?;
    let mut body = json!({
        "scope": scope,
        "ends_at": when::write(ends),
        "by": by(hold.statement.by.as_deref()),
        "reason": hold.statement.reason,
    });
    if let (Some(starts), Some(fields)) = (starts, body.as_object_mut()) {
        fields.insert("starts_at".to_owned(), json!(when::write(starts)));
    }
    Ok(body)
}

fn scope(scope: &Scope) -> Result<Value, Failure> {
    match (&scope.service, &scope.environment, scope.all) {
        (Some(id), _, _) => Ok(json!({ "service": id })),
        (None, Some(name), _) => Ok(json!({ "environment": name })),
        (None, None, true) => Ok(json!("all")),
        (None, None, false) => {
            Err(Failure::Use("say what it covers: a SERVICE, --environment NAME or --all".to_owned()))
        }
    }
}

fn span(span: &Span, now: MeshTime) -> Result<(Option<MeshTime>, MeshTime), Failure> {
    let starts = span.from.as_deref().map(|text| when::read(text, now)).transpose()?;
    let begins = starts.unwrap_or(now);
    let ends = match (&span.lasts, span.until.as_deref()) {
        (Some(lasts), _) => {
            let ms = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
            begins.plus(Millis(ms))
        }
        // an hour is the next one after the beginning
        (None, Some(until)) => when::read(until, begins)?,
        (None, None) => {
            return Err(Failure::Use("say for how long: --for 2h, or --until 23:30".to_owned()));
        }
    };
    if ends <= begins {
        return Err(Failure::Use("it would end before it starts".to_owned()));
    }
    Ok((starts, ends))
}

fn list(kind: Kind, holds: &[view::Hold], screen: Screen) -> String {
    if holds.is_empty() {
        return kind.none().to_owned();
    }
    let rows: Vec<Vec<Cell>> = holds
        .iter()
        .map(|h| {
            vec![
                Cell::new(Tone::Strong, &h.id),
                Cell::plain(&covers(&h.scope)),
                Cell::plain(&when::show(mesh_time(h.starts_at))),
                Cell::plain(&when::show(mesh_time(h.ends_at))),
                Cell::plain(&h.by),
                Cell::plain(&h.reason),
            ]
        })
        .collect();
    table(&HOLDS, &rows, screen)
}

fn covers(scope: &Value) -> String {
    let text = |key: &str| scope.get(key).and_then(Value::as_str);
    match (text("service"), text("environment")) {
        (Some(id), _) => clean(id),
        (None, Some(name)) => format!("environment {}", clean(name)),
        (None, None) => "everything".to_owned(),
    }
}

fn clean_lines(text: &str) -> String {
    format!("{}\n", clean(text.trim_end()))
}

/// Who says it: as given, or the system's user.
pub(crate) fn by(given: Option<&str>) -> String {
    let variable = |name: &&str| std::env::var(name).ok().filter(|name| !name.trim().is_empty());
    given
        .map(str::to_owned)
        .or_else(|| ["USER", "LOGNAME"].iter().find_map(variable))
        .or_else(user_of_process)
        .unwrap_or_else(|| "somebody at the command line".to_owned())
}

/// The name behind this process's user id, where no variable says it, as in containers.
fn user_of_process() -> Option<String> {
    let uid = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut of_uid = users.lines().filter(|line| line.split(':').nth(2) == Some(&uid));
    of_uid.next()?.split(':').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::args::{Arguments, Command};
    use super::super::out::Ink;
    use super::*;
    use clap::Parser;

    /// 2026-05-01T20:30:00Z
    const NOW: MeshTime = MeshTime(1_777_667_400_000);

    fn asked(line: &str) -> Result<Value, String> {
        let line = format!("p7 maintenance {line} --by ann");
        let Command::Maintenance(args) = Arguments::try_parse_from(line.split_whitespace()).unwrap().command
        else {
            unreachable!("it is that command")
        };
        body(&args.hold, NOW).map_err(|e| e.to_string())
    }

    #[test]
    fn a_hold_is_asked_for_with_its_end() {
        assert_eq!(
            asked("shop --for 2h --reason upgrade"),
            Ok(
                json!({ "scope": { "service": "shop" }, "ends_at": "2026-05-01T22:30:00Z", "by": "ann", "reason": "upgrade" })
            )
        );
        assert_eq!(
            asked("--environment staging --from 23:00 --until 01:00"),
            Ok(json!({ "scope": { "environment": "staging" }, "starts_at": "2026-05-01T23:00:00Z",
                       "ends_at": "2026-05-02T01:00:00Z", "by": "ann", "reason": "" }))
        );
        assert_eq!(
            asked("--all --from 23:00 --for 30m").map(|b| b["ends_at"].clone()),
            Ok(json!("2026-05-01T23:30:00Z"))
        );
    }

    #[test]
    fn what_is_missing_is_said_before_anything_is_sent() {
        assert!(asked("--for 2h").unwrap_err().contains("SERVICE"));
        assert!(asked("shop").unwrap_err().contains("--for"));
        assert!(asked("shop --until 2020-01-01T00:00:00Z").unwrap_err().contains("before it starts"));
    }

    #[test]
    fn a_hold_that_begins_later_says_from_when() {
        let hold = |starts: &str| -> view::Hold {
            let value = json!({ "id": "s-1", "scope": { "service": "shop" }, "by": "ann",
                                "starts_at": starts, "ends_at": "2026-05-01T23:00:00Z" });
            view::read(&value).unwrap()
        };
        assert_eq!(
            said(Kind::Maintenance, &hold("2026-05-01T22:00:00Z"), NOW),
            "shop will be in maintenance from 2026-05-01 22:00 UTC until 2026-05-01 23:00 UTC, as s-1"
        );
        assert_eq!(
            said(Kind::Silence, &hold("2026-05-01T20:30:01Z"), NOW),
            "shop is silenced until 2026-05-01 23:00 UTC, as s-1"
        );
    }

    #[test]
    fn holds_are_listed_with_the_id_to_lift_them_by() {
        let value = json!({
            "id": "s-1", "kind": "silence", "scope": { "environment": "staging" }, "by": "ann", "reason": "upgrade",
            "starts_at": "2026-05-01T20:30:00Z", "ends_at": "2026-05-01T22:30:00Z",
        });
        let screen = Screen { width: 120, ink: Ink::Plain };
        assert_eq!(
            list(Kind::Silence, &[view::read(&value).unwrap()], screen),
            "ID   COVERS               FROM                  UNTIL                 BY   REASON\n\
             s-1  environment staging  2026-05-01 20:30 UTC  2026-05-01 22:30 UTC  ann  upgrade\n"
        );
        assert_eq!(list(Kind::Silence, &[], screen), "nothing is silenced\n");
    }
}
