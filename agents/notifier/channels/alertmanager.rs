//! Prometheus Alertmanager, API v2: an alert per incident, with the labels that its routes know services by.
//!
//! An alert ends when its `endsAt` has passed. It is set a day ahead while a service fails and to now when it
//! has recovered, so nothing needs to be sent again and again. The level is an annotation and no label: a
//! label more would be another alert.

use crate::channel::{Abilities, Again, Channel, Follows, Node, Outcome, Outside, Unready};
use crate::http::{Address, Request, no_receipt};
use p7_core::speech::message::{Item, Kind, Message, Previous};
use p7_core::speech::words;
use p7_core::vocabulary::{MeshTime, Millis};
use p7_settings::{Check, Faults, Secret, SecretText};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How long an alert stands if nothing more is said of it.
const STANDS: Millis = Millis::seconds(24 * 3600);
/// How long it does where no recovery follows: services that change too often.
const FLAPPING_STANDS: Millis = Millis::seconds(3600);
/// How long a test does.
const TEST_STANDS: Millis = Millis::seconds(60);
/// Most members of one cluster.
const MEMBERS_LIMIT: usize = 8;
/// Most labels of one's own.
const LABELS_LIMIT: usize = 16;

/// `[channels.NAME.alertmanager]`: one Alertmanager, or all members of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The addresses of all members, such as `["http://alertmanager:9093"]`: every one is told, as
    /// Prometheus does. Needed.
    pub urls: Vec<String>,
    /// A token sent as `Authorization: Bearer`, by reference. Default none.
    pub bearer: Option<Secret>,
    /// Further labels of every alert, such as `{ severity = "page" }`. Default none.
    pub labels: BTreeMap<String, String>,
}

impl Config {
    /// Looks up what it refers to.
    ///
    /// # Errors
    /// When something of it is not there.
    pub fn prepare(&self, node: &Node) -> Result<Ready, Unready> {
        let members = self.urls.iter().map(|url| alerts_of(url)).collect::<Result<Vec<_>, _>>();
        let bearer = self.bearer.as_ref().map(|secret| secret.resolve(&node.base)).transpose();
        Ok(Ready {
            members: members.map_err(|why| Unready::new("urls", why))?,
            bearer: bearer.map_err(|why| Unready::new("bearer", why.to_string()))?,
            labels: self.labels.clone(),
        })
    }
}

fn alerts_of(url: &str) -> Result<Address, String> {
    Address::parse(&format!("{}/api/v2/alerts", url.trim_end_matches('/')))
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.urls.is_empty() {
            faults.here("needs `urls`, such as urls = [\"http://alertmanager:9093\"]");
        }
        if self.urls.len() > MEMBERS_LIMIT {
            faults.push("urls", format!("more than {MEMBERS_LIMIT}; leave some out"));
        }
        for url in &self.urls {
            if let Err(why) = alerts_of(url) {
                faults.push("urls", format!("`{url}` {why}"));
            }
        }
        if self.labels.len() > LABELS_LIMIT {
            faults.push("labels", format!("more than {LABELS_LIMIT}; leave some out"));
        }
        for (name, value) in &self.labels {
            let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if !first || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                faults.under("labels").push(name, "is no label's name; use letters, digits and `_`");
            }
            if value.is_empty() {
                faults.under("labels").push(name, "is empty; Alertmanager takes no empty label");
            }
        }
    }
}

/// A cluster with its token at hand.
#[derive(Debug)]
pub struct Ready {
    members: Vec<Address>,
    bearer: Option<SecretText>,
    labels: BTreeMap<String, String>,
}

impl Channel for Ready {
    type Request = Value;

    fn abilities(&self) -> Abilities {
        Abilities { again: Again::DropsKnown, follows: Follows::Nothing }
    }

    fn render(&self, message: &Message, _: Option<&Previous>) -> Vec<Value> {
        vec![message.items.iter().map(|item| self.alert(message, item)).collect()]
    }

    /// Tells all members; it has arrived when one of them has it, as they tell each other.
    async fn send(&self, alerts: &Value, _: Option<&str>, outside: &Outside) -> Outcome {
        let mut worst = Outcome::Sent(None);
        let mut arrived = false;
        for member in &self.members {
            let mut request = Request::json(member, alerts);
            if let Some(token) = &self.bearer {
                request = request.bearing(token);
            }
            match outside.http.send(&request, no_receipt).await {
                Outcome::Sent(_) => arrived = true,
                other @ (Outcome::Retry { .. } | Outcome::Refused { .. }) => worst = other,
            }
        }
        if arrived { Outcome::Sent(None) } else { worst }
    }
}

impl Ready {
    fn alert(&self, message: &Message, item: &Item) -> Value {
        let name = match item.kind {
            Kind::Flapping => "ServiceFlapping",
            Kind::Test => "NotificationTest",
            Kind::Outage
            | Kind::Worsened
            | Kind::Update
            | Kind::Recovery
            | Kind::Reminder
            | Kind::Escalation
            | Kind::Digest => "ServiceFailing",
        };
        let mut labels: BTreeMap<&str, &str> =
            self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        labels.extend([("alertname", name), ("service", item.service.as_str())]);
        // no label may be empty
        let more = [("environment", item.environment.as_str()), ("mesh", message.mesh.as_str())];
        labels.extend(more.into_iter().filter(|(_, value)| !value.is_empty()));
        let mut annotations = BTreeMap::from([
            ("summary".to_owned(), words::headline(item, message.at)),
            ("level".to_owned(), item.level.as_str().to_owned()),
        ]);
        for (heading, line) in words::details(item) {
            annotations.insert(heading.to_lowercase().replace(' ', "_"), line);
        }
        annotations.extend(item.runbook.clone().map(|link| ("runbook_url".to_owned(), link)));
        let since = item.since.unwrap_or(message.at);
        json!({
            "labels": labels,
            "annotations": annotations,
            "startsAt": words::rfc3339(since),
            "endsAt": words::rfc3339(ends(message, item)),
            "generatorURL": item.link.as_ref().or(message.link.as_ref()).map_or("", String::as_str),
        })
    }
}

fn ends(message: &Message, item: &Item) -> MeshTime {
    match item.kind {
        Kind::Recovery => item.ended.unwrap_or(message.at),
        Kind::Flapping => message.at.plus(FLAPPING_STANDS),
        Kind::Test => message.at.plus(TEST_STANDS),
        Kind::Outage | Kind::Worsened | Kind::Update | Kind::Reminder | Kind::Escalation | Kind::Digest => {
            message.at.plus(STANDS)
        }
    }
}

#[cfg(test)]
#[path = "tests/alertmanager.rs"]
mod tests;
