//! `p7 notify`: the channels people are told on, what was last said there, and trying one out.

use super::args::{self, NotifyAction};
use super::client::Client;
use super::fault::{Answer, Failure};
use super::out::{self, Screen, Tone, clean};
use super::statements::by;
use super::table::{Cell, Column, Side, table};
use super::view;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Longest a test may take: the node gives the channel 45 s.
const TEST_TIMEOUT: Duration = Duration::from_secs(70);

const CHANNELS: [Column; 5] = [
    Column { title: "CHANNEL", side: Side::Left, least: 16, gives_way: 0 },
    Column { title: "KIND", side: Side::Left, least: 12, gives_way: 2 },
    Column { title: "STATE", side: Side::Left, least: 10, gives_way: 0 },
    Column { title: "LAST", side: Side::Left, least: 20, gives_way: 3 },
    Column { title: "MESSAGE", side: Side::Left, least: 30, gives_way: 0 },
];

#[derive(Debug, Deserialize)]
struct Report {
    channels: Vec<Channel>,
}

#[derive(Debug, Deserialize)]
struct Channel {
    name: String,
    kind: Option<String>,
    trouble: Option<String>,
    waiting: u64,
    messages: Vec<Said>,
}

#[derive(Debug, Deserialize)]
struct Said {
    at: String,
    result: String,
    title: Option<String>,
    services: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Tested {
    says: String,
}

/// Answers `p7 notify`.
pub(crate) async fn run(args: &args::Notify) -> Result<Answer, Failure> {
    match &args.action {
        NotifyAction::List(args) => list(args).await,
        NotifyAction::Test(args) => test(args).await,
    }
}

async fn list(args: &args::NotifyList) -> Result<Answer, Failure> {
    let value: Value = Client::new(&args.node)?.get(&["notifications"], &[]).await?;
    if args.form.json {
        out::print_json(&value)?;
    } else {
        let report: Report = view::read(&value)?;
        out::print(&listed(&report, Screen::of_stdout()))?;
    }
    Ok(Answer::Fine)
}

fn listed(report: &Report, screen: Screen) -> String {
    if report.channels.is_empty() {
        return "no channels; [channels.NAME] of mesh.toml says where people are told\n".to_owned();
    }
    let row = |channel: &Channel| {
        let last = channel.messages.iter().max_by(|a, b| a.at.cmp(&b.at));
        let (tone, state) = match (&channel.trouble, channel.waiting) {
            (Some(trouble), _) => (Tone::Bad, trouble.clone()),
            (None, 0) => (Tone::Good, "fine".to_owned()),
            (None, waiting) => (Tone::Note, format!("{waiting} waiting")),
        };
        let message = last.map_or_else(String::new, |said| {
            let what = said.title.clone().unwrap_or_else(|| said.services.join(", "));
            if said.result == "sent" { what } else { format!("{}: {what}", said.result) }
        });
        vec![
            Cell::new(Tone::Strong, &channel.name),
            Cell::plain(channel.kind.as_deref().unwrap_or("not configured")),
            Cell::new(tone, &state),
            Cell::plain(last.map_or("", |said| said.at.as_str())),
            Cell::plain(&message),
        ]
    };
    table(&CHANNELS, &report.channels.iter().map(row).collect::<Vec<_>>(), screen)
}

async fn test(args: &args::NotifyTest) -> Result<Answer, Failure> {
    let path = ["channels", args.channel.as_str(), "test"];
    let body = json!({ "by": by(args.by.as_deref()) });
    let tested: Tested = Client::new(&args.node)?.within(TEST_TIMEOUT).post(&path, &body).await?;
    out::print(&format!("{}: {}\n", clean(&args.channel), clean(&tested.says)))?;
    Ok(Answer::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_listed_with_their_trouble_and_their_last_message() {
        let said = |at: &str, result: &str, title: Option<&str>| json!({ "at": at, "result": result, "title": title, "services": ["shop"] });
        let report = json!({ "channels": [
            { "name": "chat", "kind": "slack", "trouble": "Slack says invalid_auth; check `token`", "waiting": 1,
              "messages": [said("2026-11-24T15:00:00Z", "refused", Some("Shop is down"))] },
            { "name": "hook", "kind": "webhook", "trouble": null, "waiting": 0,
              "messages": [said("2026-11-24T15:00:00Z", "sent", Some("Shop is down")),
                           said("2026-11-24T15:10:00Z", "sent", None)] },
            { "name": "new", "kind": null, "trouble": null, "waiting": 3, "messages": [] },
        ]});
        let report: Report = view::read(&report).unwrap();
        let text = listed(&report, Screen { width: 160, ink: out::Ink::Plain });
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        for (line, parts) in [
            (1, vec!["chat", "slack", "Slack says invalid_auth; check `token`", "refused: Shop is down"]),
            (2, vec!["hook", "webhook", "fine", "2026-11-24T15:10:00Z", "shop"]),
            (3, vec!["new", "not configured", "3 waiting"]),
        ] {
            assert!(parts.iter().all(|part| lines[line].contains(part)), "{text}");
        }
        let none = Report { channels: Vec::new() };
        assert!(listed(&none, Screen { width: 120, ink: out::Ink::Plain }).starts_with("no channels"));
    }
}
