//! PagerDuty, Events API v2: an alert per incident, opened, acknowledged and resolved under one key.
//!
//! The key is the incident's, so whatever is sent again changes the same alert: nothing is doubled.

use crate::channel::{Abilities, Again, Channel, Follows, Node, Outcome, Outside, Unready};
use crate::http::{Address, Request, no_receipt};
use p7_core::speech::message::{Item, Kind, Message, Previous};
use p7_core::speech::words;
use p7_core::vocabulary::{Level, shortened};
use p7_settings::{Check, Faults, Secret, SecretText};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where events go.
const EVENTS: &str = "https://events.pagerduty.com/v2/enqueue";
/// Longest summary, in characters; longer ones are refused.
const SUMMARY_LIMIT: usize = 1024;
/// Longest key of an alert, in bytes.
const KEY_LIMIT: usize = 255;
/// An integration key's length.
const ROUTING_KEY: usize = 32;

/// `[channels.NAME.pagerduty]`: a service of PagerDuty.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The integration key of an "Events API v2" integration, by reference: "env:PAGERDUTY_KEY" or
    /// "file:pagerduty.key". Needed.
    pub routing_key: Option<Secret>,
    /// Where events go: `"https://events.eu.pagerduty.com/v2/enqueue"` for accounts in the EU. Default
    /// `"https://events.pagerduty.com/v2/enqueue"`.
    pub url: Option<String>,
}

impl Config {
    /// Looks up what it refers to.
    ///
    /// # Errors
    /// When something of it is not there.
    pub fn prepare(&self, node: &Node) -> Result<Ready, Unready> {
        let key = self.routing_key.as_ref().ok_or_else(|| Unready::new("routing_key", "no key is given"))?;
        let found = key.resolve(&node.base).map_err(|why| Unready::new("routing_key", why.to_string()))?;
        if found.expose().len() != ROUTING_KEY || !found.expose().bytes().all(|b| b.is_ascii_alphanumeric()) {
            let why = format!(
                "what {key} holds is no integration key: those have {ROUTING_KEY} letters and digits"
            );
            return Err(Unready::new("routing_key", why));
        }
        let address = self.address().map_err(|why| Unready::new("url", why))?;
        Ok(Ready { key: found, address })
    }

    fn address(&self) -> Result<Address, String> {
        Address::parse(self.url.as_deref().unwrap_or(EVENTS))
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.routing_key.is_none() {
            faults.here("needs `routing_key`, by reference: routing_key = \"env:PAGERDUTY_KEY\"");
        }
        if let Err(why) = self.address() {
            faults.push("url", why);
        }
    }
}

/// A PagerDuty service with its key at hand.
#[derive(Debug)]
pub struct Ready {
    key: SecretText,
    address: Address,
}

impl Channel for Ready {
    /// All events of a message: they are sent together, and again together, since none is doubled by that.
    type Request = Events;

    fn abilities(&self) -> Abilities {
        Abilities { again: Again::DropsKnown, follows: Follows::Nothing }
    }

    fn render(&self, message: &Message, _: Option<&Previous>) -> Vec<Events> {
        let mut events: Vec<Value> = message.items.iter().map(|item| event(message, item)).collect();
        if message.kind == Kind::Test {
            // a test rings and is over
            let over: Vec<Value> = events.iter().map(resolved).collect();
            events.extend(over);
        }
        vec![Events(events)]
    }

    async fn send(&self, events: &Events, _: Option<&str>, outside: &Outside) -> Outcome {
        for event in &events.0 {
            let mut event = event.clone();
            event["routing_key"] = self.key.expose().into();
            let request = Request::json(&self.address, &event);
            let heard = outside.http.send(&request, no_receipt).await;
            if !matches!(heard, Outcome::Sent(_)) {
                return self.without_key(heard);
            }
        }
        Outcome::Sent(None)
    }
}

impl Ready {
    /// PagerDuty's complaints may repeat what they were sent.
    fn without_key(&self, heard: Outcome) -> Outcome {
        let hide = |why: String| why.replace(self.key.expose(), "(secret)");
        match heard {
            Outcome::Retry { after, why, arrival } => Outcome::Retry { after, why: hide(why), arrival },
            Outcome::Refused { why, what_to_do } => Outcome::Refused { why: hide(why), what_to_do },
            sent @ Outcome::Sent(_) => sent,
        }
    }
}

/// Events without the key they are sent with.
#[derive(Debug, Clone, PartialEq)]
pub struct Events(pub Vec<Value>);

fn event(message: &Message, item: &Item) -> Value {
    let id = item.incident.as_ref().map_or_else(|| message.key.clone(), ToString::to_string);
    let key = format!("p7/{}/{id}", message.mesh);
    let action = match (item.kind, &item.acknowledged) {
        (Kind::Recovery, _) => "resolve",
        (Kind::Update, Some(_)) => "acknowledge",
        _ => "trigger",
    };
    let mut event = json!({ "event_action": action, "dedup_key": shortened(&key, KEY_LIMIT) });
    if action != "trigger" {
        return event;
    }
    let mark = if message.kind == Kind::Test { "[test] " } else { "" };
    let summary: String =
        format!("{mark}{}", words::headline(item, message.at)).chars().take(SUMMARY_LIMIT).collect();
    let details: serde_json::Map<String, Value> = words::details(item)
        .into_iter()
        .map(|(heading, line)| (heading.to_lowercase(), line.into()))
        .collect();
    event["payload"] = json!({
        "summary": summary,
        "source": item.target,
        "severity": severity(item.level),
        "component": item.service,
        "group": item.environment,
        "class": item.level.as_str(),
        "custom_details": details,
    });
    if let Some(since) = item.since {
        event["payload"]["timestamp"] = words::rfc3339(since).into();
    }
    event["client"] = format!("Protocol/7, {}", message.mesh).into();
    if let Some(link) = item.link.as_ref().or(message.link.as_ref()) {
        event["client_url"] = link.as_str().into();
    }
    if let Some(runbook) = &item.runbook {
        event["links"] = json!([{ "href": runbook, "text": "Runbook" }]);
    }
    event
}

fn resolved(event: &Value) -> Value {
    json!({ "event_action": "resolve", "dedup_key": event["dedup_key"] })
}

/// A level as PagerDuty's severities.
fn severity(level: Level) -> &'static str {
    match level {
        Level::Down => "critical",
        Level::Incident => "error",
        Level::Warning | Level::Partial => "warning",
        Level::Healthy | Level::Unknown => "info",
    }
}

#[cfg(test)]
#[path = "tests/pagerduty.rs"]
mod tests;
