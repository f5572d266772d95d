//! A Slack workspace of one channel: it keeps what is posted and holds callers to Slack's rules.
//!
//! Methods, errors and limits as docs.slack.dev has them; `tests/slack_peer.py` has Slack's own client use it.

use serde_json::{Value, json};

/// The channel's id.
pub const CHANNEL: &str = "C0123456789";
/// The bot's token.
pub const TOKEN: &str = "xoxb-1-tested";
/// Most blocks of a message.
const BLOCKS_LIMIT: usize = 50;
/// Longest text of a message, of a header and of a section, in characters.
const TEXT_LIMIT: usize = 40_000;
const HEADER_LIMIT: usize = 150;
const SECTION_LIMIT: usize = 3_000;

/// The workspace.
#[derive(Debug, Default)]
pub struct Slack {
    /// What was posted, in its order, as it stands now.
    pub messages: Vec<Value>,
    /// How often something that stood there was changed.
    pub updates: usize,
    /// How often it was looked what stands there.
    pub looks: usize,
}

impl Slack {
    /// What Slack answers to a call: `line` is the request's first, such as `POST /api/chat.postMessage`.
    pub fn answer(&mut self, line: &str, authorization: Option<&str>, body: &[u8]) -> Value {
        if authorization != Some(&format!("Bearer {TOKEN}")) {
            return refused("invalid_auth");
        }
        let target = line.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let asked = || serde_json::from_slice::<Value>(body).ok();
        match path.rsplit('/').next() {
            Some("chat.postMessage") => asked().map_or_else(|| refused("invalid_json"), |one| self.post(one)),
            Some("chat.update") => asked().map_or_else(|| refused("invalid_json"), |one| self.update(&one)),
            Some("conversations.history") => self.history(query, body),
            _ => refused("unknown_method"),
        }
    }

    /// The messages that stand in the channel itself and answer none.
    pub fn roots(&self) -> Vec<&Value> {
        self.messages.iter().filter(|one| one["thread_ts"].is_null()).collect()
    }

    fn post(&mut self, mut message: Value) -> Value {
        if let Some(error) = fault_of(&message) {
            return refused(error);
        }
        let thread = message["thread_ts"].as_str();
        if thread.is_some_and(|ts| self.messages.iter().all(|known| known["ts"] != ts)) {
            return refused("thread_not_found");
        }
        let ts = format!("1795533600.{:06}", self.messages.len() + 1);
        message["ts"] = ts.as_str().into();
        self.messages.push(message.clone());
        json!({ "ok": true, "channel": CHANNEL, "ts": ts, "message": message })
    }

    fn update(&mut self, change: &Value) -> Value {
        if let Some(error) = fault_of(change) {
            return refused(error);
        }
        let Some(known) = self.messages.iter_mut().find(|known| known["ts"] == change["ts"]) else {
            return refused("message_not_found");
        };
        for part in ["text", "blocks", "metadata"] {
            if !change[part].is_null() {
                known[part] = change[part].clone();
            }
        }
        self.updates += 1;
        json!({ "ok": true, "channel": CHANNEL, "ts": known["ts"], "text": known["text"] })
    }

    /// The newest first; answers only where they were shown to the whole channel. JSON is not taken here.
    fn history(&mut self, query: &str, body: &[u8]) -> Value {
        self.looks += 1;
        let form = String::from_utf8_lossy(body);
        let given: Vec<(&str, &str)> =
            query.split('&').chain(form.split('&')).filter_map(|pair| pair.split_once('=')).collect();
        let value = |name| given.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        if value("channel") != Some(CHANNEL) {
            return refused("channel_not_found");
        }
        let limit = value("limit").and_then(|text| text.parse().ok()).unwrap_or(100);
        let with_metadata = matches!(value("include_all_metadata"), Some("true" | "1" | "True"));
        let shown = self.messages.iter().rev();
        let shown = shown.filter(|one| one["thread_ts"].is_null() || one["reply_broadcast"] == true);
        let mut shown: Vec<Value> = shown.take(limit).cloned().collect();
        for one in shown.iter_mut().filter(|_| !with_metadata) {
            one.as_object_mut().unwrap().remove("metadata");
        }
        json!({ "ok": true, "messages": shown, "has_more": false })
    }
}

fn refused(error: &str) -> Value {
    json!({ "ok": false, "error": error })
}

/// What Slack would not take of a message.
fn fault_of(message: &Value) -> Option<&'static str> {
    if message["channel"] != CHANNEL && message["channel"] != "#ops" {
        return Some("channel_not_found");
    }
    let length = |text: &Value| text.as_str().map_or(0, |text| text.chars().count());
    let blocks = message["blocks"].as_array().cloned().unwrap_or_default();
    if length(&message["text"]) == 0 && blocks.is_empty() {
        return Some("no_text");
    }
    if length(&message["text"]) > TEXT_LIMIT {
        return Some("msg_too_long");
    }
    let metadata = &message["metadata"];
    let is_named = metadata["event_type"].is_string() && metadata["event_payload"].is_object();
    if !metadata.is_null() && !is_named {
        return Some("invalid_metadata_format");
    }
    let fits = |block: &Value| match block["type"].as_str() {
        Some("header") => (1..=HEADER_LIMIT).contains(&length(&block["text"]["text"])),
        Some("section") => (1..=SECTION_LIMIT).contains(&length(&block["text"]["text"])),
        Some("context") => block["elements"].as_array().is_some_and(|all| (1..=10).contains(&all.len())),
        Some("actions") => block["elements"].as_array().is_some_and(|all| (1..=25).contains(&all.len())),
        _ => false,
    };
    (blocks.len() > BLOCKS_LIMIT || !blocks.iter().all(fits)).then_some("invalid_blocks")
}
