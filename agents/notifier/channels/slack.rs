//! Slack: a message of Block Kit in a channel. It is changed in place as the outage goes on, and what people
//! should hear of again (worse, still, well) answers in its thread.
//!
//! Source of methods, answers and limits: docs.slack.dev (chat.postMessage, chat.update, Block Kit). That all
//! blocks together may hold about 13,200 characters is not documented (slackapi/bolt-js #2509).

use crate::channel::{Abilities, Again, Arrival, Channel, Follows, Node, Outcome, Outside, Unready};
use crate::http::{Address, Answer, Request, receipt};
use p7_core::speech::message::{Item, Kind, Message, Previous};
use p7_core::speech::words;
use p7_core::vocabulary::{Level, MeshTime, shortened};
use p7_settings::{Check, Faults, Secret, SecretText};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// Where Slack's methods are.
const API: &str = "https://slack.com/api/";
/// Longest title, in characters.
const HEADER_LIMIT: usize = 150;
/// Longest text of one service, in bytes. Slack takes 3,000 characters; one service needs less.
const SECTION_LIMIT: usize = 1_200;
/// Longest text that stands in notifications, in bytes. Slack takes 4,000 characters.
const TEXT_LIMIT: usize = 1_000;
/// All blocks together, in bytes of their texts.
const BLOCKS_TEXT_LIMIT: usize = 12_000;
/// Most services of a message: with title, remarks and footer well below Slack's 50 blocks.
const ITEMS_LIMIT: usize = 40;
/// Most services of a message that has buttons.
const BUTTONS_LIMIT: usize = 5;
/// Longest address of a button, in bytes; Slack takes 3,000.
const LINK_LIMIT: usize = 2_000;
/// Longest name of a channel or sender, in characters.
const NAME_LIMIT: usize = 80;
/// What a message's hidden metadata is called; its key is in there, so that a successor finds the message.
const KEY_EVENT: &str = "p7_message";
/// How many of a channel's newest messages a message in doubt is looked for in: Slack's own choice of a page.
const LOOK_BACK: usize = 100;

/// `[channels.NAME.slack]`: a Slack channel.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The bot's token (xoxb-…), by reference: "env:SLACK_TOKEN" or "file:slack.token". Its app needs the
    /// scope `chat:write`. Needed.
    pub token: Option<Secret>,
    /// The channel: its id (C0123456789) or name ("#ops"). The bot must be in it. Only with the id, and the
    /// scope `channels:history` (or `groups:history`), can a successor look up what a dying leader posted; else
    /// that is posted once more and marked. Needed.
    pub channel: String,
    /// The name messages come from; needs the scope `chat:write.customize`. Default the app's own.
    pub username: Option<String>,
    /// The picture beside that name, such as ":robot_face:"; needs the same scope. Default the app's own.
    pub icon_emoji: Option<String>,
    /// Whether an outage has buttons: acknowledge, silence for an hour, the runbook. They work where the bot is
    /// that of `[persona]`. Default false.
    pub buttons: bool,
    /// The address of Slack's methods, for gateways. Default `"https://slack.com/api/"`.
    pub api: Option<String>,
}

impl Config {
    /// Looks up what it refers to.
    ///
    /// # Errors
    /// When something of it is not there.
    pub fn prepare(&self, node: &Node) -> Result<Ready, Unready> {
        let token = self.token.as_ref().ok_or_else(|| Unready::new("token", "no token is given"))?;
        let api = self.address().map_err(|why| Unready::new("api", why))?;
        let method = |name: &str| api.join(name).map_err(|why| Unready::new("api", why));
        let history = is_id(&self.channel).then(|| {
            let channel = &self.channel;
            method(&format!(
                "conversations.history?channel={channel}&include_all_metadata=true&limit={LOOK_BACK}"
            ))
        });
        Ok(Ready {
            history: history.transpose()?,
            post: method("chat.postMessage")?,
            update: method("chat.update")?,
            token: token.resolve(&node.base).map_err(|why| Unready::new("token", why.to_string()))?,
            config: self.clone(),
        })
    }

    fn address(&self) -> Result<Address, String> {
        let api = self.api.as_deref().unwrap_or(API);
        let slash = if api.ends_with('/') { "" } else { "/" };
        Address::parse(&format!("{api}{slash}"))
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.token.is_none() {
            faults.here("needs `token`, by reference: token = \"env:SLACK_TOKEN\" or \"file:slack.token\"");
        }
        if self.channel.is_empty() {
            faults.here("needs `channel`: its id (C0123456789) or its name (\"#ops\")");
        }
        let names = [("channel", Some(&self.channel)), ("username", self.username.as_ref())];
        for (key, name) in names {
            if name.is_some_and(|name| name.chars().count() > NAME_LIMIT || name.contains(char::is_control)) {
                faults.push(key, format!("is no name of one line and at most {NAME_LIMIT} characters"));
            }
        }
        if let Some(emoji) = &self.icon_emoji
            && !(emoji.len() > 2 && emoji.starts_with(':') && emoji.ends_with(':'))
        {
            faults.push("icon_emoji", "is no emoji; write its name between colons, such as \":robot_face:\"");
        }
        if let Err(why) = self.address() {
            faults.push("api", why);
        }
    }
}

/// What is to be called.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    method: Method,
    body: Value,
    /// The message that later ones follow, when it is not the one that this makes.
    root: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Post,
    Update,
}

/// A Slack channel with its token at hand.
#[derive(Debug)]
pub struct Ready {
    config: Config,
    token: SecretText,
    post: Address,
    update: Address,
    /// Where the channel's messages are read; none when it is given by name.
    history: Option<Address>,
}

impl Channel for Ready {
    type Request = Call;

    fn abilities(&self) -> Abilities {
        Abilities { again: Again::Repeats, follows: Follows::Earlier }
    }

    fn render(&self, message: &Message, previous: Option<&Previous>) -> Vec<Call> {
        let Some((previous, (channel, ts))) =
            previous.and_then(|previous| Some((previous, previous.receipt.split_once('/')?)))
        else {
            let mut body = self.laid_out(message);
            self.sign(&mut body, message);
            return vec![Call { method: Method::Post, body, root: None }];
        };
        // as it stands now, in the place where people have read of it
        let mut now = Message { items: previous.items.clone(), left_out: 0, ..message.clone() };
        now.worst = now.items.iter().map(|item| item.level).max().unwrap_or(Level::Healthy);
        let mut update = self.laid_out(&now);
        update["channel"] = channel.into();
        update["ts"] = ts.into();
        let root = Some(previous.receipt.to_string());
        let update = Call { method: Method::Update, body: update, root: root.clone() };
        if message.kind == Kind::Update {
            return vec![update];
        }
        let mut answer = self.laid_out(message);
        self.sign(&mut answer, message);
        answer["channel"] = channel.into();
        answer["thread_ts"] = ts.into();
        answer["reply_broadcast"] = (message.kind != Kind::Reminder).into();
        vec![Call { method: Method::Post, body: answer, root }, update]
    }

    async fn send(&self, call: &Call, _: Option<&str>, outside: &Outside) -> Outcome {
        let address = match call.method {
            Method::Post => &self.post,
            Method::Update => &self.update,
        };
        let request = Request::json(address, &call.body).bearing(&self.token);
        outside.http.send(&request, |answer| heard(answer, call)).await
    }

    async fn look_up(
        &self,
        message: &Message,
        previous: Option<&Previous>,
        outside: &Outside,
    ) -> Option<Arc<str>> {
        let request = Request::get(self.history.as_ref()?).bearing(&self.token);
        let answer = outside.http.ask(&request).await.ok()?.json()?;
        if answer["ok"] != true {
            let error = answer["error"].as_str().unwrap_or("an unnamed error");
            tracing::warn!(
                error,
                "can't look up whether a message was posted; it is posted again and marked"
            );
            return None;
        }
        let found = receipt_in(&answer, &self.config.channel, &message.key)?;
        // its sender had no time to change the message that it answered
        let calls = self.render(message, previous);
        if let Some(update) = calls.iter().find(|call| call.method == Method::Update)
            && let Outcome::Retry { why, .. } | Outcome::Refused { why, .. } =
                self.send(update, None, outside).await
        {
            tracing::warn!(why, "a message that was found could not be brought up to date");
        }
        Some(found)
    }
}

impl Ready {
    fn laid_out(&self, message: &Message) -> Value {
        let mut body = laid_out(message);
        if self.config.buttons {
            put_buttons(&mut body, message);
        }
        body
    }

    fn sign(&self, body: &mut Value, message: &Message) {
        body["metadata"] = json!({ "event_type": KEY_EVENT, "event_payload": { "key": message.key } });
        body["channel"] = self.config.channel.as_str().into();
        body["unfurl_links"] = false.into();
        body["unfurl_media"] = false.into();
        if let Some(name) = &self.config.username {
            body["username"] = name.as_str().into();
        }
        if let Some(emoji) = &self.config.icon_emoji {
            body["icon_emoji"] = emoji.as_str().into();
        }
    }
}

/// Whether this is a channel's id and not its name.
fn is_id(channel: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    channel.starts_with(['C', 'G', 'D']) && channel.len() >= 9 && channel.bytes().all(known)
}

/// The receipt of the message with this key among a channel's newest; the first of its thread, if it has one.
fn receipt_in(history: &Value, channel: &str, key: &str) -> Option<Arc<str>> {
    let mut messages = history["messages"].as_array()?.iter();
    let found = messages.find(|one| {
        let metadata = &one["metadata"];
        metadata["event_type"] == KEY_EVENT && metadata["event_payload"]["key"] == key
    })?;
    let ts = found["thread_ts"].as_str().or_else(|| found["ts"].as_str())?;
    Some(Arc::from(format!("{channel}/{ts}")))
}

/// Text and blocks of a message, within all limits.
pub(crate) fn laid_out(message: &Message) -> Value {
    let mut shown = message.items.len().min(ITEMS_LIMIT);
    let blocks = loop {
        let blocks = blocks(&message.with_at_most(shown));
        if blocks.iter().map(text_of).sum::<usize>() <= BLOCKS_TEXT_LIMIT || shown == 0 {
            break blocks;
        }
        shown = shown * 3 / 4;
    };
    json!({ "text": escaped(shortened(&format!("{} {}", sign(message.worst), message.title), TEXT_LIMIT)), "blocks": blocks })
}

fn blocks(message: &Message) -> Vec<Value> {
    let title: String =
        format!("{} {}", sign(message.worst), message.title).chars().take(HEADER_LIMIT).collect();
    let mut blocks =
        vec![json!({ "type": "header", "text": { "type": "plain_text", "text": title, "emoji": true } })];
    blocks.extend(message.items.iter().map(|item| section(item, message.at)));
    let mut lines = message.more().into_iter().chain(message.remarks()).peekable();
    if lines.peek().is_some() {
        let text = escaped(&lines.collect::<Vec<_>>().join("\n"));
        blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": shortened(&text, SECTION_LIMIT) } }));
    }
    let footer = format!("{}, said by {} at {}", message.mesh, message.by, words::moment(message.at));
    let footer = match &message.link {
        Some(link) => format!("{} · <{}|Dashboard>", escaped(&footer), address(link)),
        None => escaped(&footer),
    };
    blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": footer }] }));
    blocks
}

fn section(item: &Item, now: MeshTime) -> Value {
    let headline = escaped(&words::headline(item, now));
    let mut text = match &item.link {
        Some(link) => format!("{} *<{}|{headline}>*", sign(item.level), address(link)),
        None => format!("{} *{headline}*", sign(item.level)),
    };
    for (heading, line) in words::details(item) {
        let more = format!("\n{heading}: {}", escaped(&line));
        if text.len() + more.len() <= SECTION_LIMIT {
            text.push_str(&more);
        }
    }
    let deployment = item.deployment.as_ref().and_then(|deployment| deployment.link.as_ref());
    for (name, link) in [("Runbook", item.runbook.as_ref()), ("Deployment", deployment)] {
        if let Some(link) = link {
            let more = format!("\n<{}|{name}>", address(link));
            if text.len() + more.len() <= SECTION_LIMIT {
                text.push_str(&more);
            }
        }
    }
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

/// Puts buttons after the sections of the services that fail, where they are few: a storm has none, since
/// nobody finds the right one there. Persona/7 knows them by their `action_id`.
fn put_buttons(body: &mut Value, message: &Message) {
    let failing = |item: &Item| {
        item.ended.is_none()
            && item.level >= Level::Incident
            && !matches!(item.kind, Kind::Test | Kind::Recovery)
    };
    let Some(blocks) = body["blocks"].as_array_mut() else { return };
    if message.items.len() > BUTTONS_LIMIT || blocks.len() <= message.items.len() {
        return;
    }
    // from the last on, so that places before it stay; the first block is the title
    for (place, item) in message.items.iter().enumerate().rev().filter(|(_, item)| failing(item)) {
        blocks.insert(place + 2, buttons(item));
    }
}

fn buttons(item: &Item) -> Value {
    let button = |action: &str, label: &str| {
        json!({ "type": "button", "action_id": action, "value": item.service.as_str(),
            "text": { "type": "plain_text", "text": label } })
    };
    let mut all = vec![button("p7_silence", "Silence 1 h")];
    if item.acknowledged.is_none() {
        all.insert(0, button("p7_ack", "Acknowledge"));
    }
    if let Some(runbook) = item.runbook.as_ref().filter(|link| link.len() <= LINK_LIMIT) {
        let mut button = button("p7_runbook", "Runbook");
        button["url"] = runbook.as_str().into();
        all.push(button);
    }
    json!({ "type": "actions", "block_id": format!("p7/{}", item.service), "elements": all })
}

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

/// Slack's own signs made harmless: no mention, link or call to everybody comes out of what services say.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An address as it may stand in a link.
fn address(link: &str) -> String {
    escaped(link).replace('|', "%7C")
}

fn text_of(block: &Value) -> usize {
    let own = block["text"]["text"].as_str().map_or(0, str::len);
    let elements = block["elements"].as_array().into_iter().flatten();
    own + elements.filter_map(|element| element["text"].as_str()).map(str::len).sum::<usize>()
}

/// Slack answers 200 to everything and says in the body what became of it.
fn heard(answer: &Answer, call: &Call) -> Outcome {
    let Some(said) = answer.json() else {
        let why = format!("it answers what is not Slack's: {}", answer.excerpt());
        return Outcome::Refused { why, what_to_do: "check `api`: is that Slack's address?".to_owned() };
    };
    if said["ok"] == true {
        if let Some(root) = &call.root {
            return receipt(root);
        }
        return match (said["channel"].as_str(), said["ts"].as_str()) {
            (Some(channel), Some(ts)) => receipt(&format!("{channel}/{ts}")),
            _ => Outcome::Sent(None),
        };
    }
    let error = said["error"].as_str().unwrap_or("an unnamed error");
    let retry =
        |arrival| Outcome::Retry { after: answer.retry_after, why: format!("Slack says {error}"), arrival };
    match error {
        "ratelimited" | "rate_limited" | "service_unavailable" | "team_added_to_org" => retry(Arrival::No),
        "internal_error" | "fatal_error" | "request_timeout" => retry(Arrival::Perhaps),
        _ => Outcome::Refused { why: format!("Slack says {error}"), what_to_do: advice(error, &said) },
    }
}

fn advice(error: &str, said: &Value) -> String {
    match error {
        "channel_not_found" => {
            "check `channel`: it is not there, or private and the bot is not in it".to_owned()
        }
        "not_in_channel" => "invite the bot into the channel: /invite @its-name".to_owned(),
        "is_archived" => "the channel is archived; give another".to_owned(),
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => {
            "check `token`: take the bot's token (xoxb-…) from the app's page “OAuth & Permissions”"
                .to_owned()
        }
        "missing_scope" => {
            let needed = said["needed"].as_str().unwrap_or("chat:write");
            format!("give the app the scope {needed} and install it again")
        }
        "message_not_found" | "cant_update_message" | "edit_window_closed" | "thread_not_found" => {
            "the message it follows was removed or may not be changed; the next one stands by itself"
                .to_owned()
        }
        "restricted_action" | "no_permission" => {
            "the workspace's rules forbid this; ask its admins".to_owned()
        }
        _ => "look the word up on docs.slack.dev, at chat.postMessage".to_owned(),
    }
}

#[cfg(test)]
#[path = "tests/slack.rs"]
mod tests;
