//! What arrives on a socket of Slack's Socket Mode, read without trusting any of it.
//!
//! Source: docs.slack.dev, "Using Socket Mode", "app_mention", "message.im", "Slash commands" and
//! "block_actions".

use serde_json::{Value, json};

/// Longest id, name or timestamp that is taken, in bytes.
const WORD_LIMIT: usize = 200;
/// Longest text that is kept, in characters; the conversation says that it is too long.
const TEXT_LIMIT: usize = 3_000;
/// Longest address to answer at, in bytes.
const ADDRESS_LIMIT: usize = 500;

/// One message of a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The socket works.
    Hello,
    /// The socket is about to be closed, or of no more use.
    Disconnect(Reason),
    /// Something happened; to be acknowledged at once.
    Envelope {
        /// Its id.
        id: String,
        /// What to make of it; none when it is nothing for us.
        heard: Option<Box<Heard>>,
    },
    /// Something else.
    Other,
}

/// Why a socket is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It will be closed soon, as a matter of routine.
    Refresh,
    /// The app has as many sockets as it may.
    TooMany,
    /// Socket Mode was switched off for the app.
    Disabled,
}

/// Something that a person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    /// What tells it apart from others; the same when Slack sends it again.
    pub(crate) keys: Vec<String>,
    /// The workspaces that it names; all must be ours.
    pub(crate) teams: Vec<String>,
    /// Who.
    pub(crate) user: String,
    /// What they are called, where Slack says so.
    pub(crate) user_name: Option<String>,
    /// Where.
    pub(crate) channel: String,
    pub(crate) kind: Kind,
}

/// What they did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Wrote to us.
    Wrote {
        text: String,
        /// The thread to answer in; none in a direct message outside of any.
        thread: Option<String>,
    },
    /// Used the slash command.
    Slash { text: String, response_url: String },
    /// Pressed a button.
    Pressed { action: String, value: String, response_url: String, thread: Option<String> },
}

impl Kind {
    /// Its name in metrics.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Wrote { .. } => "message",
            Self::Slash { .. } => "command",
            Self::Pressed { .. } => "button",
        }
    }
}

/// The answer that acknowledges an envelope.
pub(crate) fn acknowledgement(id: &str) -> String {
    json!({ "envelope_id": id }).to_string()
}

/// Reads a message of a socket.
pub(crate) fn read(text: &str) -> Frame {
    let Ok(message) = serde_json::from_str::<Value>(text) else { return Frame::Other };
    match message["type"].as_str() {
        Some("hello") => Frame::Hello,
        Some("disconnect") => Frame::Disconnect(match message["reason"].as_str() {
            Some("link_disabled") => Reason::Disabled,
            Some("too_many_websockets") => Reason::TooMany,
            Some(_) | None => Reason::Refresh,
        }),
        Some(kind) => match word(&message["envelope_id"]) {
            Some(id) => {
                let payload = &message["payload"];
                let heard = match kind {
                    "events_api" => event(payload),
                    "slash_commands" => slash(payload),
                    "interactive" => press(payload),
                    _ => None,
                };
                let heard = heard.map(|mut heard| {
                    heard.keys.push(id.clone());
                    Box::new(heard)
                });
                Frame::Envelope { id, heard }
            }
            None => Frame::Other,
        },
        None => Frame::Other,
    }
}

fn word(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let lawful = !text.is_empty() && text.len() <= WORD_LIMIT && !text.contains(char::is_control);
    lawful.then(|| text.to_owned())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().chars().take(TEXT_LIMIT).collect()
}

fn address(value: &Value) -> String {
    value.as_str().filter(|address| address.len() <= ADDRESS_LIMIT).unwrap_or_default().to_owned()
}

fn words<'v>(values: impl IntoIterator<Item = &'v Value>) -> Vec<String> {
    values.into_iter().filter_map(word).collect()
}

/// A message that mentions us or is written to us directly, by a person.
fn event(payload: &Value) -> Option<Heard> {
    let event = &payload["event"];
    let kind = event["type"].as_str()?;
    let direct = event["channel_type"] == "im";
    if !(kind == "app_mention" || (kind == "message" && direct)) {
        return None;
    }
    // edits, joins, bots: none of it is a person who writes
    if !event["subtype"].is_null() || !event["bot_id"].is_null() || !event["bot_profile"].is_null() {
        return None;
    }
    let (channel, ts) = (word(&event["channel"])?, word(&event["ts"])?);
    let thread = word(&event["thread_ts"]).or_else(|| (!direct).then(|| ts.clone()));
    let mut keys = words([&payload["event_id"]]);
    // a mention may come as an event of its own and as the channel's message
    keys.push(format!("{channel}/{ts}"));
    Some(Heard {
        keys,
        teams: words([&payload["team_id"], &event["team"], &event["user_team"], &event["source_team"]]),
        user: word(&event["user"])?,
        user_name: None,
        channel,
        kind: Kind::Wrote { text: text(&event["text"]), thread },
    })
}

fn slash(payload: &Value) -> Option<Heard> {
    Some(Heard {
        keys: words([&payload["trigger_id"]]),
        teams: words([&payload["team_id"]]),
        user: word(&payload["user_id"])?,
        user_name: word(&payload["user_name"]),
        channel: word(&payload["channel_id"])?,
        kind: Kind::Slash { text: text(&payload["text"]), response_url: address(&payload["response_url"]) },
    })
}

fn press(payload: &Value) -> Option<Heard> {
    if payload["type"] != "block_actions" {
        return None;
    }
    let action = &payload["actions"][0];
    let ts = word(&payload["message"]["thread_ts"]).or_else(|| word(&payload["message"]["ts"]));
    let user = &payload["user"];
    Some(Heard {
        keys: words([&payload["trigger_id"]]),
        teams: words([&payload["team"]["id"], &user["team_id"]]),
        user: word(&user["id"])?,
        user_name: word(&user["name"]).or_else(|| word(&user["username"])),
        channel: word(&payload["channel"]["id"])?,
        kind: Kind::Pressed {
            action: word(&action["action_id"])?,
            value: word(&action["value"]).unwrap_or_default(),
            response_url: address(&payload["response_url"]),
            thread: ts,
        },
    })
}
