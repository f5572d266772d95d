//! Microsoft Teams, by a workflow's webhook ("When a Teams webhook request is received"): an Adaptive Card.
//!
//! The webhook answers 202 before the workflow has run: a card that the workflow can't post is not heard of
//! here. Office 365 connectors (webhook.office.com) are retired and refused. A card must stay below 28 KB
//! after Teams has encoded it anew (msteams-docs #11274), so cards are kept below 20,000 bytes.

use crate::channel::{Abilities, Again, Channel, Follows, Node, Outcome, Outside, Unready};
use crate::http::{Address, Request, no_receipt};
use p7_core::speech::message::{Item, Message, Previous};
use p7_core::speech::words;
use p7_core::vocabulary::{Level, MeshTime, shortened};
use p7_settings::{Check, Faults, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Largest request, in bytes.
pub const CARD_LIMIT: usize = 20_000;
/// Most cards of one message: what has no room on these is counted.
const CARDS_LIMIT: usize = 2;
/// Most services of one card, whatever room there is: a card is read, not studied.
const ITEMS_LIMIT: usize = 25;
/// Longest line of a card, in bytes.
const LINE_LIMIT: usize = 400;

/// `[channels.NAME.teams]`: a channel or chat of Microsoft Teams.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The workflow's address, by reference, since whoever has it may post: "env:TEAMS_URL" or
    /// "file:teams.url". Needed.
    pub url: Option<Secret>,
}

impl Config {
    /// Looks up what it refers to.
    ///
    /// # Errors
    /// When something of it is not there.
    pub fn prepare(&self, node: &Node) -> Result<Ready, Unready> {
        let url = self.url.as_ref().ok_or_else(|| Unready::new("url", "no address is given"))?;
        let address = Address::resolve(url, "url", &node.base)?;
        if address.host().ends_with("webhook.office.com") {
            let why = "is an Office 365 connector's address; those are retired: make a workflow from the \
                       template “Post to a channel when a webhook request is received” and take its address";
            return Err(Unready::new("url", format!("what {url} holds {why}")));
        }
        Ok(Ready { address })
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.url.is_none() {
            faults.here("needs `url`, by reference: url = \"env:TEAMS_URL\" or \"file:teams.url\"");
        }
    }
}

/// A workflow's webhook with its address at hand.
#[derive(Debug)]
pub struct Ready {
    address: Address,
}

impl Channel for Ready {
    type Request = Request;

    fn abilities(&self) -> Abilities {
        Abilities { again: Again::Repeats, follows: Follows::Nothing }
    }

    fn render(&self, message: &Message, _: Option<&Previous>) -> Vec<Request> {
        let mut requests = Vec::new();
        let mut rest = message.clone();
        loop {
            let is_last = requests.len() + 1 == CARDS_LIMIT;
            let (body, shown) = fitting(&rest, is_last);
            requests.push(Request::json(&self.address, &body));
            if is_last || shown >= rest.items.len() {
                return requests;
            }
            rest.items.drain(..shown);
        }
    }

    async fn send(&self, request: &Request, _: Option<&str>, outside: &Outside) -> Outcome {
        outside.http.send(request, no_receipt).await
    }
}

/// A card with as many services as have room, and how many those are. What has none is counted on the last
/// card; an earlier one says that more follows.
fn fitting(message: &Message, is_last: bool) -> (Value, usize) {
    let mut shown = message.items.len().min(ITEMS_LIMIT);
    loop {
        let mut part = message.with_at_most(shown);
        if !is_last && shown < message.items.len() {
            part.left_out = 0;
            part.notes = vec!["More follows.".to_owned()];
        }
        let body = request(&part);
        if body.to_string().len() <= CARD_LIMIT || shown == 0 {
            return (body, shown);
        }
        shown = shown * 3 / 4;
    }
}

fn request(message: &Message) -> Value {
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card(message),
        }],
    })
}

/// The card itself.
pub fn card(message: &Message) -> Value {
    let (color, _) = colours(message.worst);
    let mut body = vec![json!({
        "type": "TextBlock", "text": plain(&message.title), "size": "Large", "weight": "Bolder",
        "color": color, "wrap": true,
    })];
    body.extend(message.items.iter().map(|item| container(item, message.at)));
    for line in message.more().into_iter().chain(message.remarks()) {
        body.push(json!({ "type": "TextBlock", "text": plain(&line), "wrap": true }));
    }
    let footer = format!("{}, said by {} at {}", message.mesh, message.by, words::moment(message.at));
    body.push(json!({
        "type": "TextBlock", "text": plain(&footer), "size": "Small", "isSubtle": true, "wrap": true,
    }));
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": { "width": "Full" },
        "body": body,
    });
    let only = match message.items.as_slice() {
        [item] => item.runbook.as_ref(),
        _ => None,
    };
    let links = [("Dashboard", message.link.as_ref()), ("Runbook", only)];
    let actions: Vec<Value> = links
        .into_iter()
        .filter_map(|(title, link)| Some(json!({ "type": "Action.OpenUrl", "title": title, "url": link? })))
        .collect();
    if !actions.is_empty() {
        card["actions"] = actions.into();
    }
    card
}

fn container(item: &Item, now: MeshTime) -> Value {
    let (_, style) = colours(item.level);
    let facts: Vec<Value> = words::details(item)
        .into_iter()
        .map(|(heading, line)| json!({ "title": heading, "value": plain(&line) }))
        .collect();
    let mut items = vec![json!({
        "type": "TextBlock", "text": plain(&words::headline(item, now)), "weight": "Bolder", "wrap": true,
    })];
    if !facts.is_empty() {
        items.push(json!({ "type": "FactSet", "facts": facts }));
    }
    let mut container = json!({ "type": "Container", "style": style, "separator": true, "items": items });
    if let Some(link) = &item.link {
        container["selectAction"] = json!({ "type": "Action.OpenUrl", "title": "Open", "url": link });
    }
    container
}

/// A level's colour of text and style of container.
fn colours(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::Down => ("Attention", "attention"),
        Level::Incident | Level::Warning | Level::Partial => ("Warning", "warning"),
        Level::Healthy => ("Good", "good"),
        Level::Unknown => ("Default", "default"),
    }
}

/// A text whose signs are no Markdown and no HTML, on one line.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in shortened(text, LINE_LIMIT).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
#[path = "tests/teams.rs"]
mod tests;
