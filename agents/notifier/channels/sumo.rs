//! Sumo Logic, by an HTTP source: a log of everything that happens, each line as `key=value` like the 2020
//! original's, as JSON, or both. Lines travel in compressed batches; messages to people are lines, too.
//!
//! Source of headers, limits and answers: help.sumologic.com, "Upload Logs to an HTTP Source". A batch stays
//! below 1 MB before compression; 401 means a wrong token; 429 means that the data was dropped there and is
//! to be sent again. 200 is also answered when a budget drops what was sent, so it proves no more than that
//! the source took it.

use crate::channel::{Abilities, Again, Channel, Entry, Follows, Happening, Node, Outcome, Outside, Unready};
use crate::http::{Address, Request, no_receipt};
use flate2::Compression;
use flate2::write::GzEncoder;
use p7_core::facts::DeploymentState;
use p7_core::speech::message::{Message, Previous};
use p7_core::speech::words;
use p7_core::vocabulary::{MeshTime, shortened};
use p7_settings::{Check, Faults, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

/// The source's name where none is given.
const NAME: &str = "protocol7";
/// Most fields of one's own: Sumo Logic takes 30.
const FIELDS_LIMIT: usize = 30;
/// Longest text that goes into a header, in bytes.
const HEADER_LIMIT: usize = 200;
/// Longest text of one field of a line, in bytes.
const TEXT_LIMIT: usize = 1_000;

/// `[channels.NAME.sumo]`: an HTTP source of Sumo Logic.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The source's address, by reference, since whoever has it may write: "env:SUMO_URL" or
    /// "file:sumo.url". Needed.
    pub url: Option<Secret>,
    /// How lines are written: "text" (`key=value`), "json", or "both". Default "both".
    pub format: Format,
    /// `X-Sumo-Name`. Default "protocol7".
    pub name: Option<String>,
    /// `X-Sumo-Host`. Default the name of the node that sends.
    pub host: Option<String>,
    /// `X-Sumo-Category`. Default the source's own.
    pub category: Option<String>,
    /// `X-Sumo-Fields`, such as `{ team = "web" }`; fields that Sumo Logic does not know are dropped there.
    /// Default none.
    pub fields: BTreeMap<String, String>,
}

/// How lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Each happening twice: as `key=value`, and as JSON.
    #[default]
    Both,
    /// As `key=value`.
    Text,
    /// As JSON.
    Json,
}

impl Config {
    /// Looks up what it refers to.
    ///
    /// # Errors
    /// When something of it is not there.
    pub fn prepare(&self, node: &Node) -> Result<Ready, Unready> {
        let url = self.url.as_ref().ok_or_else(|| Unready::new("url", "no address is given"))?;
        Ok(Ready { address: Address::resolve(url, "url", &node.base)?, config: self.clone() })
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.url.is_none() {
            faults.here("needs `url`, by reference: url = \"env:SUMO_URL\" or \"file:sumo.url\"");
        }
        let fits = |text: &str| {
            !text.is_empty() && text.len() <= HEADER_LIMIT && text.bytes().all(|b| (32..127).contains(&b))
        };
        for (key, text) in [("name", &self.name), ("host", &self.host), ("category", &self.category)] {
            if text.as_ref().is_some_and(|text| !fits(text)) {
                faults.push(key, format!("is no header: 1 to {HEADER_LIMIT} characters of plain ASCII"));
            }
        }
        if self.fields.len() > FIELDS_LIMIT {
            faults.push("fields", format!("more than {FIELDS_LIMIT}; leave some out"));
        }
        for (name, value) in &self.fields {
            if !fits(name) || !fits(value) || [name, value].iter().any(|text| text.contains([',', '='])) {
                faults.under("fields").push(name, "is no field: plain ASCII without `,` and `=`");
            }
        }
    }
}

/// A source with its address at hand.
#[derive(Debug)]
pub struct Ready {
    config: Config,
    address: Address,
}

impl Channel for Ready {
    type Request = Request;

    fn abilities(&self) -> Abilities {
        Abilities { again: Again::Repeats, follows: Follows::Nothing }
    }

    fn render(&self, message: &Message, _: Option<&Previous>) -> Vec<Request> {
        let services: Vec<&str> = message.items.iter().map(|item| item.service.as_str()).collect();
        let fields = vec![
            ("type", json!("message")),
            ("key", json!(message.key)),
            ("kind", json!(message.kind.as_str())),
            ("level", json!(message.worst.as_str())),
            ("title", json!(message.title)),
            ("services", json!(services.join(","))),
            ("left_out", json!(message.left_out)),
            ("repeat", json!(message.repeat)),
            ("mesh", json!(message.mesh)),
            ("by", json!(message.by)),
        ];
        vec![self.batch(&self.written(message.at, &fields).join("\n"), &message.by)]
    }

    async fn send(&self, request: &Request, _: Option<&str>, outside: &Outside) -> Outcome {
        let hide = |why: String| self.address.hidden_in(&why);
        match outside.http.send(request, no_receipt).await {
            Outcome::Retry { after, why, arrival } => Outcome::Retry { after, why: hide(why), arrival },
            Outcome::Refused { why, what_to_do } => Outcome::Refused { why: hide(why), what_to_do },
            sent @ Outcome::Sent(_) => sent,
        }
    }

    fn keeps_log(&self) -> bool {
        true
    }

    fn lines(&self, entry: &Entry<'_>) -> Vec<String> {
        let (at, fields) = match entry.happening {
            Happening::Result(result) => (result.at, result_fields(entry, result)),
            Happening::Incident(incident, acknowledged) => {
                (entry.at, incident_fields(entry, incident, acknowledged))
            }
        };
        self.written(at, &fields)
    }

    fn log(&self, lines: &str, by: &str) -> Option<Request> {
        Some(self.batch(lines, by))
    }
}

impl Ready {
    /// A batch of lines as it goes out.
    fn batch(&self, lines: &str, by: &str) -> Request {
        let mut request = Request::post(&self.address, "text/plain; charset=utf-8", Vec::new())
            .with("x-sumo-name", self.config.name.as_deref().unwrap_or(NAME))
            .with("x-sumo-host", self.config.host.as_deref().unwrap_or(by))
            .with("x-sumo-client", NAME);
        if let Some(category) = &self.config.category {
            request = request.with("x-sumo-category", category);
        }
        if !self.config.fields.is_empty() {
            let fields: Vec<String> =
                self.config.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.with("x-sumo-fields", &fields.join(","));
        }
        if let Some(body) = compressed(lines) {
            request.body = body;
            request.with("content-encoding", "gzip")
        } else {
            request.body = lines.as_bytes().to_vec();
            request
        }
    }

    fn written(&self, at: MeshTime, fields: &[(&'static str, Value)]) -> Vec<String> {
        match self.config.format {
            Format::Both => vec![text_line(at, fields), json_line(at, fields)],
            Format::Text => vec![text_line(at, fields)],
            Format::Json => vec![json_line(at, fields)],
        }
    }
}

/// None can't be: memory takes everything.
fn compressed(text: &str) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).ok()?;
    encoder.finish().ok()
}

type Fields = Vec<(&'static str, Value)>;

/// The original's line of a test, its keys first; `run` and `timeblock`, which were its process's, are gone.
fn result_fields(entry: &Entry<'_>, result: &p7_core::result::ProbeResult) -> Fields {
    let (service, status) = (&entry.known.service, &entry.known.status);
    let seconds = (f64::from(result.latency.0) / 1_000.0).round() / 1_000.0;
    let mut fields = vec![("cycle", json!(result.cycle.start().0 / service.interval.span().0.max(1)))];
    fields.extend(days(result.at));
    let reason = result.reason.as_deref().unwrap_or_else(|| result.outcome.as_str());
    let colour = match result.outcome.vote() {
        // one failed test is not yet what the service is
        Some(p7_core::vocabulary::Vote::Failed) | None => result.outcome.colour(),
        Some(p7_core::vocabulary::Vote::Passed) => status.colour(),
    };
    fields.extend([
        ("type", json!("dashboard")),
        ("name", json!(service.name)),
        ("customer", json!(service.environment)),
        ("failtage", status.failtage.map_or(Value::Null, |failtage| json!(failtage.percent()))),
        ("resp_time", json!(seconds)),
        ("status", json!(reason)),
        ("deployments", json!(deployment(entry))),
        ("color", json!(colour.as_str())),
        ("service", json!(service.id)),
        ("node", json!(entry.node)),
        ("outcome", json!(result.outcome.as_str())),
        ("level", json!(status.level.as_str())),
        ("status_code", json!(result.status_code)),
        ("attempts", json!(result.attempts)),
        ("mesh", json!(entry.mesh)),
    ]);
    fields
}

fn incident_fields(
    entry: &Entry<'_>,
    incident: &p7_core::incident::Incident,
    acknowledged: Option<&p7_core::facts::Acknowledgement>,
) -> Fields {
    let service = &entry.known.service;
    let mut fields: Fields = days(entry.at).into();
    fields.extend([
        ("type", json!("incident")),
        ("name", json!(service.name)),
        ("customer", json!(service.environment)),
        ("incident", json!(incident.id.to_string())),
        ("state", json!(if incident.ended.is_some() { "ended" } else { "open" })),
        ("level", json!(incident.worst.as_str())),
        ("since", json!(words::rfc3339(incident.began))),
        ("until", json!(incident.ended.map(words::rfc3339))),
        ("status", json!(incident.reason.as_deref())),
        ("acknowledged_by", json!(acknowledged.map(|said| said.by.as_str()))),
        ("deployments", json!(deployment(entry))),
        ("service", json!(service.id)),
        ("mesh", json!(entry.mesh)),
    ]);
    fields
}

/// `yyyymmdd` and `hhmm`, in UTC.
fn days(at: MeshTime) -> [(&'static str, Value); 2] {
    let text = words::rfc3339(at);
    let digits = |from: usize, to: usize| -> String {
        text.get(from..to).unwrap_or_default().chars().filter(char::is_ascii_digit).collect()
    };
    [("yyyymmdd", json!(digits(0, 10))), ("hhmm", json!(digits(11, 16)))]
}

fn deployment(entry: &Entry<'_>) -> String {
    entry.known.status.deployment.as_ref().map_or_else(
        || "None".to_owned(),
        |one| {
            let state = match one.state {
                DeploymentState::Running => "running",
                DeploymentState::Succeeded => "succeeded",
                DeploymentState::Failed => "failed",
            };
            format!("{} ({state})", one.name)
        },
    )
}

/// `[ TIME ] key=value key="text" …`, one line whatever the texts hold; what is not known is left out.
fn text_line(at: MeshTime, fields: &[(&'static str, Value)]) -> String {
    let mut line = format!("[ {} ] version={}", words::rfc3339(at), env!("CARGO_PKG_VERSION"));
    for (key, value) in fields {
        // writing into a string can't fail
        match value {
            Value::Null => {}
            Value::String(text) if matches!(*key, "yyyymmdd" | "hhmm") => {
                write!(line, " {key}={text}").unwrap_or_default();
            }
            Value::String(text) => {
                let clean = |c: char| match c {
                    '"' => '\'',
                    c if c.is_control() => ' ',
                    c => c,
                };
                let text: String = shortened(text, TEXT_LIMIT).chars().map(clean).collect();
                write!(line, " {key}=\"{text}\"").unwrap_or_default();
            }
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                write!(line, " {key}={value}").unwrap_or_default();
            }
        }
    }
    line
}

/// One JSON object, its time first: that is where Sumo Logic looks for it.
fn json_line(at: MeshTime, fields: &[(&'static str, Value)]) -> String {
    let mut line = format!("{{\"timestamp\":{}", json!(words::rfc3339(at)));
    for (key, value) in fields {
        write!(line, ",{}:{value}", json!(key)).unwrap_or_default();
    }
    line.push('}');
    line
}

#[cfg(test)]
#[path = "tests/sumo.rs"]
mod tests;
