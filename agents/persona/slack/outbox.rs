//! How often answers may go out: Slack takes about one message a second in a channel, with short bursts.
//!
//! Source: docs.slack.dev, "Rate limits": posting, 1 message a second per channel.

use std::collections::BTreeMap;
use std::time::Duration;

/// Answers that may follow each other at once in a channel.
const BURST: u32 = 3;
/// How often one more may.
const EVERY: Duration = Duration::from_secs(1);
/// An answer that would be later than this helps nobody.
const LATEST: Duration = Duration::from_secs(30);
/// Most channels that are remembered.
const CHANNELS_LIMIT: usize = 1_000;
/// What one person may ask for in a minute.
const ASKED_A_MINUTE: u32 = 30;

/// When each channel is free again. Times are counted from any moment.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When a channel would be empty of what was said in it.
    channels: BTreeMap<String, Duration>,
    /// How much each person asked for in which minute.
    people: BTreeMap<String, (u64, u32)>,
}

impl Pace {
    /// How long an answer has to wait; none when it would come too late.
    pub(crate) fn wait(&mut self, channel: &str, now: Duration) -> Option<Duration> {
        if self.channels.len() >= CHANNELS_LIMIT {
            self.channels.retain(|_, free| *free > now);
        }
        let free = self.channels.get(channel).copied().unwrap_or_default().max(now);
        let wait = free.saturating_sub(now).saturating_sub(EVERY * (BURST - 1));
        if wait > LATEST || (self.channels.len() >= CHANNELS_LIMIT && !self.channels.contains_key(channel)) {
            return None;
        }
        self.channels.insert(channel.to_owned(), free + EVERY);
        Some(wait)
    }

    /// Whether a person may ask for something now.
    pub(crate) fn may_ask(&mut self, person: &str, now: Duration) -> bool {
        let minute = now.as_secs() / 60;
        if self.people.len() >= CHANNELS_LIMIT {
            self.people.retain(|_, (when, _)| *when == minute);
        }
        let full = self.people.len() >= CHANNELS_LIMIT && !self.people.contains_key(person);
        let asked = self.people.entry(person.to_owned()).or_insert((minute, 0));
        if asked.0 != minute {
            *asked = (minute, 0);
        }
        asked.1 = asked.1.saturating_add(1);
        if full {
            self.people.remove(person);
        }
        !full && self.people.get(person).is_some_and(|(_, count)| *count <= ASKED_A_MINUTE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_takes_three_at_once_and_then_one_a_second() {
        let mut pace = Pace::default();
        let waits: Vec<u64> = (0..6)
            .filter_map(|_| pace.wait("C1", Duration::from_secs(9)))
            .map(|wait| wait.as_secs())
            .collect();
        assert_eq!(waits, [0, 0, 0, 1, 2, 3]);
        assert_eq!(pace.wait("C2", Duration::from_secs(9)), Some(Duration::ZERO));
        assert_eq!(pace.wait("C1", Duration::from_secs(60)), Some(Duration::ZERO));
        let said = (0..100).filter(|_| pace.wait("C3", Duration::ZERO).is_some()).count();
        assert_eq!(said, 33);
    }

    #[test]
    fn a_person_asks_thirty_times_a_minute() {
        let mut pace = Pace::default();
        let heard =
            |pace: &mut Pace, at| (0..50).filter(|_| pace.may_ask("U1", Duration::from_secs(at))).count();
        assert_eq!((heard(&mut pace, 0), heard(&mut pace, 59), heard(&mut pace, 60)), (30, 0, 30));
        for person in 0..5_000 {
            pace.may_ask(&format!("U{person}"), Duration::from_secs(60));
        }
        assert!(pace.people.len() <= CHANNELS_LIMIT);
    }
}
