//! A mail that is worth a word, told on the channels its mailbox names.

use crate::channel::Outcome;
use crate::notifier::{Named, Notifier};
use actix::prelude::*;
use p7_bus::MailFound;
use p7_core::speech::message::{Kind, Message, Repeat};
use std::sync::Arc;
use std::time::Duration;

/// Tries of a channel that does not take it, and the wait between them.
const TRIES: u32 = 3;
const WAIT: Duration = Duration::from_secs(10);
/// How long one try may take.
const SAY_WITHIN: Duration = Duration::from_secs(30);
/// Most mails that are being told at once: a flood of them must not become one of messages.
const TELLING_LIMIT: usize = 32;

impl Handler<MailFound> for Notifier {
    type Result = ();

    fn handle(&mut self, found: MailFound, context: &mut Self::Context) {
        for name in &found.channels {
            self.tell_mail(name, &found, context);
        }
    }
}

impl Notifier {
    fn tell_mail(&mut self, name: &str, found: &MailFound, context: &mut Context<Self>) {
        let channel = self.voices.get(name).and_then(|voice| voice.channel.clone());
        let Some(Named { speaker: Ok(speaker), .. }) = channel else {
            tracing::error!(
                channel = name,
                mailbox = found.mailbox,
                "a mail can't be told on this channel here"
            );
            return;
        };
        if self.telling_mails >= TELLING_LIMIT {
            p7_bus::note_dropped("told mails", 1);
            return;
        }
        self.telling_mails += 1;
        let at = (self.parts.clock)();
        let message = Message {
            key: format!("p7-mail-{:x}-{}", at.0, self.telling_mails),
            channel: name.to_owned(),
            kind: Kind::Digest,
            worst: found.level,
            title: format!("Mailbox {}: {}", found.mailbox, found.says),
            items: Vec::new(),
            left_out: 0,
            notes: Vec::new(),
            seen_by: None,
            repeat: Repeat::No,
            mesh: self.settings.mesh_name.clone(),
            by: self.parts.name.clone(),
            at,
            link: self.settings.dashboard.clone(),
        };
        let outside = self.parts.outside.clone();
        let said = async move {
            for wait in 0..TRIES {
                tokio::time::sleep(WAIT * wait).await;
                let said = tokio::time::timeout(SAY_WITHIN, speaker.say(&message, None, &outside)).await;
                match said {
                    Ok(Outcome::Retry { arrival: crate::channel::Arrival::No, .. }) => {}
                    Ok(Outcome::Sent(_)) => return Ok(()),
                    Ok(Outcome::Retry { why, .. } | Outcome::Refused { why, .. }) => return Err(why),
                    Err(_elapsed) => return Err("no outcome in time".to_owned()),
                }
            }
            Err("it was not taken in several tries".to_owned())
        };
        let name: Arc<str> = name.into();
        let told = actix::fut::wrap_future::<_, Self>(said).map(move |told, agent, _| {
            agent.telling_mails = agent.telling_mails.saturating_sub(1);
            agent.metrics.said(&name, if told.is_ok() { "sent" } else { "refused" });
            if let Err(why) = told {
                tracing::warn!(channel = &*name, why, "a mail could not be told");
            }
        });
        context.spawn(told);
    }
}
