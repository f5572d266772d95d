//! A played notifier.

use actix::prelude::*;
use p7_bus::{AskError, Notifications, TestChannel};
use serde_json::{Value, json};
use std::sync::Arc;

/// A notifier whose channel `ops` works; `full` refuses and `away` can't be reached.
pub(crate) struct Notifier;

impl Actor for Notifier {
    type Context = Context<Self>;
}

impl Handler<Notifications> for Notifier {
    type Result = Result<Arc<Value>, AskError>;
    fn handle(&mut self, _: Notifications, _: &mut Self::Context) -> Self::Result {
        let own = json!({
            "at": "2026-01-01T00:00:00.000Z", "by": "paris", "result": "refused", "why": "no such channel; invite the bot",
            "key": "p7-1", "kind": "outage", "level": "down", "title": "shop is down", "repeat": "no",
            "services": ["shop"], "left_out": 0,
        });
        let overheard = json!({
            "at": "2026-01-01T00:00:01.000Z", "by": "oslo", "result": "sent", "services": ["mail"],
            "level": "down", "key": "p7-2",
        });
        Ok(Arc::new(json!({ "channels": [{
            "name": "ops", "kind": "slack", "trouble": "no such channel", "sending": 0, "trouble_since": null,
            "held_back": 1, "waiting": 2, "messages": [own, overheard],
        }] })))
    }
}

impl Handler<TestChannel> for Notifier {
    type Result = Result<String, AskError>;
    fn handle(&mut self, TestChannel { channel, by }: TestChannel, _: &mut Self::Context) -> Self::Result {
        match channel.as_str() {
            "ops" => Ok(format!("taken from {by}")),
            "full" => Err(AskError::Conflict("the channel refuses it".to_owned())),
            "away" => Err(AskError::Unavailable("the channel did not take it".to_owned())),
            _ => Err(AskError::NotFound { kind: "channel", id: channel }),
        }
    }
}
