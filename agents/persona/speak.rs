//! Saying something in Slack: in a thread, in a direct message, or as the answer to a slash command.

use crate::config::Ready;
use crate::metrics::Metrics;
use crate::slack::api::Trouble;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

/// How often an answer is tried.
const TRIES: u32 = 3;
/// An answer that Slack wants later than this helps nobody.
const LATEST: Duration = Duration::from_secs(30);

/// Where somebody is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a channel; in this thread, if there is one.
    Channel { channel: String, thread: Option<String> },
    /// At the address that Slack gave with a command or a button.
    Respond { channel: String, url: String },
}

impl Place {
    pub(crate) fn channel(&self) -> &str {
        match self {
            Self::Channel { channel, .. } | Self::Respond { channel, .. } => channel,
        }
    }
}

/// Who sees the answer to a command or a button; what is written to us is answered where it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    Asker,
    Everybody,
}

/// A message of ours that can be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    channel: String,
    ts: String,
}

/// Who says it.
#[derive(Clone)]
pub(crate) struct Speaker {
    pub(crate) ready: Ready,
    pub(crate) metrics: Metrics,
}

impl Speaker {
    /// Says something; none when it could not be said, or can't be changed later.
    pub(crate) async fn say(&self, place: &Place, audience: Audience, text: &str) -> Option<Receipt> {
        match place {
            Place::Channel { channel, thread } => {
                let mut body = json!({
                    "channel": channel, "text": text, "unfurl_links": false, "unfurl_media": false,
                });
                if let Some(thread) = thread {
                    body["thread_ts"] = thread.as_str().into();
                }
                let said = self.call("chat.postMessage", &body).await?;
                let word = |key: &str| said[key].as_str().map(str::to_owned);
                Some(Receipt { channel: word("channel")?, ts: word("ts")? })
            }
            Place::Respond { url, .. } => {
                let kind = match audience {
                    Audience::Asker => "ephemeral",
                    Audience::Everybody => "in_channel",
                };
                let body = json!({ "response_type": kind, "replace_original": false, "text": text });
                self.respond(url, &body).await;
                None
            }
        }
    }

    /// Says something in the place of what was said before; anew where that can't be changed.
    pub(crate) async fn change(&self, before: Option<Receipt>, place: &Place, text: &str) {
        match before {
            Some(Receipt { channel, ts }) => {
                drop(self.call("chat.update", &json!({ "channel": channel, "ts": ts, "text": text })).await);
            }
            None => drop(self.say(place, Audience::Asker, text).await),
        }
    }

    async fn call(&self, method: &str, body: &Value) -> Option<Value> {
        for _ in 0..TRIES {
            match self.ready.api.json(method, &self.ready.bot_token, body).await {
                Ok(said) => {
                    self.metrics.answered("said");
                    return Some(said);
                }
                Err(trouble) if self.waits(&trouble).await => {}
                Err(trouble) => {
                    self.failed(method, &trouble);
                    return None;
                }
            }
        }
        self.failed(method, &Trouble::Failed("it was tried three times".to_owned()));
        None
    }

    async fn respond(&self, url: &str, body: &Value) {
        for _ in 0..TRIES {
            match self.ready.api.respond(url, body).await {
                Ok(()) => return self.metrics.answered("said"),
                Err(trouble) if self.waits(&trouble).await => {}
                Err(trouble) => return self.failed("a response", &trouble),
            }
        }
        self.failed("a response", &Trouble::Failed("it was tried three times".to_owned()));
    }

    /// Waits when Slack asks for it. What may have arrived is not said again.
    async fn waits(&self, trouble: &Trouble) -> bool {
        match trouble {
            Trouble::Limited(wait) if *wait <= LATEST => {
                self.metrics.answered("limited");
                sleep((*wait).max(Duration::from_millis(500))).await;
                true
            }
            Trouble::Limited(_) | Trouble::Refused(_) | Trouble::Failed(_) => false,
        }
    }

    fn failed(&self, method: &str, trouble: &Trouble) {
        self.metrics.answered("failed");
        tracing::warn!(method, error = %trouble, "an answer can't be given in Slack");
    }
}
