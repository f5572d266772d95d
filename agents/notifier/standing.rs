//! How each channel stands, and what is held back on it.

use crate::notifier::{Named, Notifier};
use crate::speak::Voice;
use p7_core::mesh::ledger::Wanted;
use p7_core::speech::words;
use p7_core::vocabulary::ServiceId;
use serde_json::{Value, json};
use std::collections::BTreeSet;

impl Notifier {
    /// What was said, what waits, and what does not work.
    pub(crate) fn report(&self) -> Value {
        let channels = self.voices.iter().map(|(name, voice)| {
            let kind = voice.channel.as_ref().map(|channel| channel.kind);
            let unready = voice.channel.as_ref().and_then(|channel| channel.speaker.as_ref().err());
            let trouble =
                unready.or(voice.trouble.as_ref().map(|(why, _)| why)).or(voice.log_of_all.trouble());
            let keeps_log = |named: &Named| named.speaker.as_ref().is_ok_and(|one| one.keeps_log());
            let is_kept = voice.channel.as_ref().is_some_and(keeps_log);
            json!({
                "name": name, "kind": kind, "trouble": trouble, "sending": voice.sending,
                "trouble_since": voice.trouble.as_ref().map(|(_, at)| words::rfc3339(*at)),
                "held_back": voice.held.len(), "waiting": voice.waiting, "messages": voice.log,
                "log": is_kept.then(|| voice.log_of_all.report()),
            })
        });
        json!({ "channels": channels.collect::<Vec<_>>() })
    }
}

/// Keeps account of what silences and maintenance hold back on a channel.
pub(crate) fn note_held(voice: &mut Voice, held: &BTreeSet<ServiceId>, wanted: &[Wanted]) {
    let said: BTreeSet<&ServiceId> = wanted.iter().map(|one| &one.service).collect();
    let over = voice.held.iter().filter(|id| !held.contains(*id) && !said.contains(id)).count();
    voice.passed += over;
    voice.held.clone_from(held);
    voice.waiting = wanted.len();
}
