//! Sentences that wait to be spoken. Old news is dropped, and a newer word on the same topic replaces it.

use crate::sentence::{Sentence, Topic};
use std::collections::VecDeque;
use std::time::Duration;

/// Most sentences that wait.
pub const WAITING_LIMIT: usize = 8;
/// A change that could not be told for so long is old news; what the face shows is not.
pub const NEWS_LASTS: Duration = Duration::from_secs(60);

/// A sentence and whatever is to be told of it.
#[derive(Debug)]
struct Waiting<T> {
    sentence: Sentence,
    until: Duration,
    tag: T,
}

/// A sentence that is to be spoken now, with its sender's tag.
pub type Next<T> = (Sentence, T);

/// Why a sentence was not spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// It waited too long.
    Stale,
    /// There is newer word on its topic.
    Replaced,
    /// Too many waited; the oldest went.
    Crowded,
}

/// Sentences that wait, oldest first, each with a tag of its sender.
#[derive(Debug)]
pub struct SpeechQueue<T> {
    waiting: VecDeque<Waiting<T>>,
}

impl<T> Default for SpeechQueue<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new() }
    }
}

impl<T> SpeechQueue<T> {
    /// Queues a sentence; gives back what it pushed out.
    pub fn push(&mut self, sentence: Sentence, tag: T, now: Duration) -> Vec<(T, Dropped)> {
        let mut dropped = Vec::new();
        if sentence.topic != Topic::Person {
            let same = |waiting: &Waiting<T>| waiting.sentence.topic == sentence.topic;
            if let Some(at) = self.waiting.iter().position(same) {
                dropped.extend(self.waiting.remove(at).map(|waiting| (waiting.tag, Dropped::Replaced)));
            }
        }
        if self.waiting.len() >= WAITING_LIMIT {
            dropped.extend(self.waiting.pop_front().map(|waiting| (waiting.tag, Dropped::Crowded)));
        }
        self.waiting.push_back(Waiting { sentence, until: now + NEWS_LASTS, tag });
        dropped
    }

    /// The next sentence that is still news, and what was dropped before it.
    pub fn next(&mut self, now: Duration) -> (Option<Next<T>>, Vec<(T, Dropped)>) {
        let mut dropped = Vec::new();
        while let Some(waiting) = self.waiting.pop_front() {
            if now < waiting.until {
                return (Some((waiting.sentence, waiting.tag)), dropped);
            }
            dropped.push((waiting.tag, Dropped::Stale));
        }
        (None, dropped)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
