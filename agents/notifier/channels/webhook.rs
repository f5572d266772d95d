//! A POST of JSON to an address of your choice: the message as it is, or laid out by a template.
//!
//! The key goes along as `Idempotency-Key`. With a secret the body is signed: `X-P7-Signature:
//! sha256=HEX` is the HMAC-SHA256 of `TIMESTAMP.BODY`, and `X-P7-Timestamp` is that timestamp in seconds,
//! so that a receiver can refuse what is forged, changed, or old.

use crate::channel::{Abilities, Again, Channel, Follows, Node, Outcome, Outside, Unready};
use crate::http::{Address, Request, no_receipt};
use hmac::{Hmac, KeyInit, Mac};
use p7_core::speech::message::{Message, Previous};
use p7_core::speech::words;
use p7_settings::{Check, Faults, Secret, SecretText};
use reqwest::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Largest body, in bytes: common receivers take 256 KiB and more.
pub const BODY_LIMIT: usize = 200 * 1024;
/// Largest template, in bytes.
const TEMPLATE_LIMIT: usize = 16 * 1024;
/// Most headers of one's own.
const HEADERS_LIMIT: usize = 16;
/// Longest `{text}` of a template, in bytes.
const TEXT_LIMIT: usize = 4_000;
/// What stands in a template for a part of the message.
const WORDS: [&str; 10] = ["title", "text", "kind", "level", "key", "channel", "mesh", "by", "at", "link"];

/// `[channels.NAME.webhook]`: a POST of JSON to an address of your choice.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to, by reference, since such an address is often a secret itself: "env:HOOK_URL" or
    /// "file:hook.url". Needed.
    pub url: Option<Secret>,
    /// The key that bodies are signed with, by reference. Default none: they are not signed.
    pub sign_with: Option<Secret>,
    /// A token sent as `Authorization: Bearer`, by reference. Default none.
    pub bearer: Option<Secret>,
    /// Further headers, such as `{ X-Team = "ops" }`. Not for secrets: see `bearer`. Default none.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON whose texts may hold `{title}`, `{text}`, `{kind}`, `{level}`, `{key}`, `{channel}`,
    /// `{mesh}`, `{by}`, `{at}` and `{link}`; a text that is just "{items}" becomes the list of services.
    /// Default the whole message.
    pub body: Option<String>,
}

impl Config {
    /// Looks up what it refers to.
    ///
    /// # Errors
    /// When something of it is not there.
    pub fn prepare(&self, node: &Node) -> Result<Ready, Unready> {
        let url = self.url.as_ref().ok_or_else(|| Unready::new("url", "no address is given"))?;
        let secret = |key: &str, secret: &Option<Secret>| {
            let found = secret.as_ref().map(|secret| secret.resolve(&node.base)).transpose();
            found.map_err(|why| Unready::new(key, why.to_string()))
        };
        let template = self.body.as_deref().map(serde_json::from_str).transpose();
        Ok(Ready {
            address: Address::resolve(url, "url", &node.base)?,
            sign_with: secret("sign_with", &self.sign_with)?,
            bearer: secret("bearer", &self.bearer)?,
            headers: self.headers.iter().filter_map(|(name, value)| header(name, value)).collect(),
            template: template.map_err(|why| Unready::new("body", why.to_string()))?,
        })
    }
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::try_from(name).ok()?, HeaderValue::from_str(value).ok()?))
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.url.is_none() {
            faults.here("needs `url`, by reference: url = \"env:HOOK_URL\" or \"file:hook.url\"");
        }
        if self.headers.len() > HEADERS_LIMIT {
            faults.push("headers", format!("more than {HEADERS_LIMIT}; leave some out"));
        }
        for (name, value) in &self.headers {
            if header(name, value).is_none() {
                faults
                    .under("headers")
                    .push(name, "is no header; use letters, digits and `-`, one line of text");
            }
        }
        let Some(body) = &self.body else { return };
        if body.len() > TEMPLATE_LIMIT {
            return faults.push("body", format!("is longer than {TEMPLATE_LIMIT} bytes"));
        }
        match serde_json::from_str::<Value>(body) {
            Err(why) => faults.push("body", format!("is no JSON: {why}")),
            Ok(template) => {
                for word in unknown_words(&template) {
                    let known = WORDS.map(|word| format!("{{{word}}}")).join(", ");
                    faults.push(
                        "body",
                        format!("`{{{word}}}` stands for nothing; there are {known} and {{items}}"),
                    );
                }
            }
        }
    }
}

/// Words in braces that stand for nothing.
fn unknown_words(template: &Value) -> Vec<String> {
    match template {
        Value::String(text) => {
            let named = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(word, _)| word);
            let wordlike =
                |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            named
                .filter(wordlike)
                .filter(|word| !WORDS.contains(word) && *word != "items")
                .map(str::to_owned)
                .collect()
        }
        Value::Array(list) => list.iter().flat_map(unknown_words).collect(),
        Value::Object(table) => table.values().flat_map(unknown_words).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// A webhook with its secrets at hand.
#[derive(Debug)]
pub struct Ready {
    address: Address,
    sign_with: Option<SecretText>,
    bearer: Option<SecretText>,
    headers: Vec<(HeaderName, HeaderValue)>,
    template: Option<Value>,
}

impl Channel for Ready {
    type Request = Request;

    fn abilities(&self) -> Abilities {
        Abilities { again: Again::Repeats, follows: Follows::Nothing }
    }

    fn render(&self, message: &Message, _: Option<&Previous>) -> Vec<Request> {
        let mut shown = message.items.len();
        let body = loop {
            let body = self.body(&message.with_at_most(shown)).to_string();
            if body.len() <= BODY_LIMIT || shown == 0 {
                break body;
            }
            shown /= 2;
        };
        let timestamp = (message.at.0 / 1000).to_string();
        let mut request =
            Request::post(&self.address, "application/json; charset=utf-8", body.clone().into_bytes())
                .with("idempotency-key", &message.key)
                .with("x-p7-timestamp", &timestamp);
        request.headers.extend(
            self.headers
                .iter()
                .map(|(name, value)| (Some(name.clone()), value.clone()))
                .filter_map(|(name, value)| Some((name?, value))),
        );
        if let Some(secret) = &self.sign_with {
            request =
                request.with("x-p7-signature", &format!("sha256={}", signature(secret, &timestamp, &body)));
        }
        if let Some(token) = &self.bearer {
            request = request.bearing(token);
        }
        vec![request]
    }

    async fn send(&self, request: &Request, _: Option<&str>, outside: &Outside) -> Outcome {
        outside.http.send(request, no_receipt).await
    }
}

impl Ready {
    fn body(&self, message: &Message) -> Value {
        match &self.template {
            Some(template) => filled(template, message),
            None => event(message),
        }
    }
}

/// The HMAC-SHA256 of `timestamp.body`, in hexadecimal digits.
pub fn signature(secret: &SecretText, timestamp: &str, body: &str) -> String {
    // a key of any length is taken
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
        return String::new();
    };
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
        // writing into a string can't fail
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

/// The whole message as JSON: moments as RFC 3339 beside what the API calls them.
pub fn event(message: &Message) -> Value {
    let item = |item: &p7_core::speech::message::Item| {
        json!({
            "service": item.service,
            "name": item.name,
            "environment": item.environment,
            "target": item.target,
            "kind": item.kind,
            "level": item.level,
            "incident": item.incident.as_ref().map(ToString::to_string),
            "headline": words::headline(item, message.at),
            "since": item.since.map(words::rfc3339),
            "ended": item.ended.map(words::rfc3339),
            "failtage_percent": item.failtage.map(p7_core::status::Failtage::percent),
            "reason": item.reason,
            "failing": item.failing,
            "passing": item.passing,
            "link": item.link,
            "runbook": item.runbook,
            "deployment": item.deployment,
            "acknowledged_by": item.acknowledged.as_ref().map(|said| &said.by),
            "dependents": item.dependents,
        })
    };
    json!({
        "key": message.key,
        "channel": message.channel,
        "kind": message.kind,
        "level": message.worst,
        "title": message.title,
        "items": message.items.iter().map(item).collect::<Vec<_>>(),
        "left_out": message.left_out,
        "notes": message.remarks(),
        "repeat": message.repeat,
        "mesh": message.mesh,
        "by": message.by,
        "at": words::rfc3339(message.at),
        "link": message.link,
    })
}

/// A template with the message filled in: its shape stays, whatever the message says.
fn filled(template: &Value, message: &Message) -> Value {
    match template {
        Value::String(text) if text == "{items}" => event(message)["items"].take(),
        Value::String(text) => Value::String(replaced(text, message)),
        Value::Array(list) => list.iter().map(|one| filled(one, message)).collect(),
        Value::Object(table) => {
            Value::Object(table.iter().map(|(key, one)| (key.clone(), filled(one, message))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => template.clone(),
    }
}

/// A text with every word in braces replaced, once: what is filled in is not looked at again.
fn replaced(text: &str, message: &Message) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        if let Some((said, tail)) =
            after.split_once('}').and_then(|(word, tail)| Some((said(word, message)?, tail)))
        {
            out.push_str(&said);
            rest = tail;
        } else {
            out.push('{');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

fn said(word: &str, message: &Message) -> Option<String> {
    Some(match word {
        "title" => message.title.clone(),
        "text" => words::text(message, TEXT_LIMIT),
        "kind" => message.kind.as_str().to_owned(),
        "level" => message.worst.as_str().to_owned(),
        "key" => message.key.clone(),
        "channel" => message.channel.clone(),
        "mesh" => message.mesh.clone(),
        "by" => message.by.clone(),
        "at" => words::rfc3339(message.at),
        "link" => message.link.clone().unwrap_or_default(),
        _ => return None,
    })
}

#[cfg(test)]
#[path = "tests/webhook.rs"]
mod tests;
