//! The log of everything, for channels that keep one: what waits to be sent, bounded in lines' bytes and in
//! time. Only the leader's node writes it, so that each line is there once.

use crate::channel::{Entry, Happening, Outcome};
use crate::notifier::{Named, Notifier};
use actix::prelude::*;
use p7_core::facts::Acknowledgement;
use p7_core::incident::Incident;
use p7_core::mesh::ledger::Position;
use p7_core::mesh::words::Steady;
use p7_core::result::ProbeResult;
use p7_core::vocabulary::Millis;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;

/// How often it is looked whether something is to be sent.
pub(crate) const TICK: Duration = Duration::from_secs(1);
/// A line waits at most so long for others to go with.
const FLUSH_AFTER: Millis = Millis::seconds(5);
/// So many bytes are sent without waiting further.
const FLUSH_BYTES: usize = 256 * 1024;
/// Most bytes of one batch before compression: well below the 1 MB that Sumo Logic takes.
pub(crate) const BATCH_LIMIT: usize = 900_000;
/// Most bytes that wait, some quarter of an hour of 1,000 services on 5 nodes each minute; the oldest are
/// dropped and counted.
const QUEUE_LIMIT: usize = 16 << 20;
/// What is older when it is heard is history that was caught up with: another leader has logged it.
const LATE: Millis = Millis::seconds(600);
/// Before the next try: this, doubled each time up to the limit.
const WAIT: Millis = Millis::seconds(1);
const WAIT_LIMIT: Millis = Millis::seconds(300);
/// The same where the far end refuses.
const REFUSED_WAIT: Millis = Millis::seconds(60);

/// What waits for one channel.
#[derive(Debug, Default)]
pub(crate) struct Log {
    queue: VecDeque<String>,
    bytes: usize,
    since: Option<Steady>,
    is_sending: bool,
    blocked: Option<Steady>,
    failures: u32,
    sent: u64,
    dropped: u64,
    trouble: Option<String>,
}

impl Log {
    fn push(&mut self, line: String, now: Steady) {
        if line.len() >= BATCH_LIMIT {
            return self.drop_one();
        }
        self.bytes += line.len() + 1;
        self.queue.push_back(line);
        self.since.get_or_insert(now);
        while self.bytes > QUEUE_LIMIT {
            let Some(oldest) = self.queue.pop_front() else { break };
            self.bytes -= oldest.len() + 1;
            self.drop_one();
        }
    }

    fn drop_one(&mut self) {
        self.dropped += 1;
        p7_bus::note_dropped("log lines", 1);
    }

    /// The next batch, when one is due.
    fn batch(&mut self, now: Steady) -> Option<Vec<String>> {
        let waited = self.since.is_some_and(|since| now.since(since) >= FLUSH_AFTER);
        let may = !self.is_sending && self.blocked.is_none_or(|until| now >= until);
        if !may || self.queue.is_empty() || !(waited || self.bytes >= FLUSH_BYTES) {
            return None;
        }
        let (mut lines, mut size) = (Vec::new(), 0);
        while let Some(line) = self.queue.pop_front_if(|line| size + line.len() < BATCH_LIMIT) {
            size += line.len() + 1;
            lines.push(line);
        }
        self.bytes -= size;
        self.since = (!self.queue.is_empty()).then_some(now);
        self.is_sending = true;
        Some(lines)
    }

    fn ended(&mut self, lines: Vec<String>, outcome: &Outcome, now: Steady) {
        self.is_sending = false;
        let double = |first: Millis, most: Millis, times: u32| {
            Millis(first.0.saturating_mul(1 << times.min(12)).min(most.0))
        };
        let wait = match outcome {
            Outcome::Sent(_) => {
                self.sent += lines.len() as u64;
                (self.blocked, self.failures, self.trouble) = (None, 0, None);
                return;
            }
            Outcome::Retry { after, why, .. } => {
                self.trouble = Some(why.clone());
                let own = double(WAIT, WAIT_LIMIT, self.failures);
                after.map_or(own, |after| Millis(u64::try_from(after.as_millis()).unwrap_or(u64::MAX)))
            }
            Outcome::Refused { why, what_to_do } => {
                self.trouble = Some(format!("{why}; {what_to_do}"));
                double(REFUSED_WAIT, Millis::seconds(3600), self.failures)
            }
        };
        self.failures += 1;
        self.blocked = Some(now.plus(wait));
        for line in lines.into_iter().rev() {
            let size = line.len() + 1;
            if self.bytes + size > QUEUE_LIMIT {
                self.drop_one();
            } else {
                self.bytes += size;
                self.queue.push_front(line);
            }
        }
        self.since = Some(now);
    }

    /// What is wrong with it.
    pub(crate) fn trouble(&self) -> Option<&String> {
        self.trouble.as_ref()
    }

    /// How it is, for the API.
    pub(crate) fn report(&self) -> Value {
        json!({
            "waiting_lines": self.queue.len(), "waiting_bytes": self.bytes, "sent_lines": self.sent,
            "dropped_lines": self.dropped, "trouble": self.trouble,
        })
    }
}

impl Notifier {
    /// Logs a result, wherever it was measured.
    pub(crate) fn log_result(&mut self, result: &ProbeResult) {
        if (self.parts.clock)().since(result.at) > LATE {
            p7_bus::note_dropped("late log lines", 1);
            return;
        }
        self.log(&result.service, Happening::Result(result), &self.name_of(&result.node));
    }

    /// Logs how an incident stands.
    pub(crate) fn log_incident(&mut self, incident: &Incident, acknowledged: Option<&Acknowledgement>) {
        let by = self.parts.name.clone();
        self.log(&incident.id.service, Happening::Incident(incident, acknowledged), &by);
    }

    fn log(&mut self, service: &p7_core::vocabulary::ServiceId, happening: Happening<'_>, node: &str) {
        let keeps = |channel: &Named| channel.speaker.as_ref().is_ok_and(|speaker| speaker.keeps_log());
        if !self.settings.channels.values().any(keeps) || self.position() != Some(Position::Leader) {
            return;
        }
        let Some(known) = self.picture.services.get(service) else { return };
        let now = (self.parts.steady)();
        let at = (self.parts.clock)();
        let entry = Entry { happening, known, node, mesh: &self.settings.mesh_name, at };
        for (name, channel) in &self.settings.channels {
            let Ok(speaker) = &channel.speaker else { continue };
            if let Some(voice) = self.voices.get_mut(name) {
                for line in speaker.lines(&entry) {
                    voice.log_of_all.push(line, now);
                }
            }
        }
    }

    fn name_of(&self, node: &p7_core::vocabulary::NodeId) -> String {
        if *node == self.parts.node {
            return self.parts.name.clone();
        }
        self.view.as_ref().map_or_else(|| node.to_string(), |view| view.name_of(node).to_owned())
    }

    /// Sends what has waited long enough.
    pub(crate) fn flush(&mut self, context: &mut Context<Self>) {
        let now = (self.parts.steady)();
        for (name, voice) in &mut self.voices {
            let Some(Named { speaker: Ok(speaker), .. }) = voice.channel.clone() else { continue };
            let Some(lines) = voice.log_of_all.batch(now) else { continue };
            let (outside, by, name) = (self.parts.outside.clone(), self.parts.name.clone(), name.clone());
            let sent = async move {
                let outcome = speaker.log(lines.join("\n"), by, &outside).await;
                (lines, outcome)
            };
            let ended =
                actix::fut::wrap_future::<_, Self>(sent).map(move |(lines, outcome), agent, context| {
                    let now = (agent.parts.steady)();
                    let Some(voice) = agent.voices.get_mut(&name) else { return };
                    voice.log_of_all.ended(lines, &outcome, now);
                    if let Some(why) = voice.log_of_all.trouble() {
                        tracing::warn!(channel = name, why, "a batch of log lines was not taken");
                    }
                    agent.flush(context);
                });
            context.spawn(ended);
        }
    }
}

#[cfg(test)]
#[path = "tests/unit/logbook.rs"]
mod tests;
