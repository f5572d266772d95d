//! What mails mean: which are worth a word, what is said of them, and which service they speak for.
//!
//! A mail is a stranger's text. It is cut before it is looked at, and what is said of it is one line without
//! control characters.

mod line;
mod words;

pub use line::one_line;
pub use words::{DEFAULT_URGENT, Pattern, found_word};

use crate::vocabulary::{Level, Outcome, ServiceId, shortened};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much of a subject is looked at, in bytes: servers fold lines at 998.
pub const SUBJECT_LIMIT: usize = 1_000;
/// How much of a sender is looked at, in bytes.
pub const SENDER_LIMIT: usize = 320;
/// How much of a text is looked at, in bytes: what is urgent is said at its beginning.
pub const TEXT_LIMIT: usize = 4_000;
/// Longest line that is said of a mail, in bytes.
pub const LINE_LIMIT: usize = 300;
/// Most findings of one mail: a rule that fires on everything must not flood anybody.
pub const FINDINGS_LIMIT: usize = 8;

/// How far a folder was read: the server's UIDVALIDITY first, which only grows (RFC 3501 §2.3.1.1), then the
/// last UID. Of two the greater one stands, so whoever takes a mailbox over goes on where the last one was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Position {
    /// The folder's UIDVALIDITY.
    pub validity: u32,
    /// The greatest UID that was looked at.
    pub uid: u32,
}

impl Position {
    /// Whether a mail of `validity` and `uid` was not looked at yet.
    pub fn is_new(self, validity: u32, uid: u32) -> bool {
        Self { validity, uid } > self
    }

    /// This, or the other where that is further.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        self.max(other)
    }
}

/// How far a folder of a mailbox was read, as its reader states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailRead {
    /// The mailbox, by its name in the configuration.
    pub mailbox: String,
    /// The folder.
    pub folder: String,
    /// How far.
    pub position: Position,
}

/// A mail as far as it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    sender: String,
    subject: String,
    text: String,
}

impl Mail {
    /// A mail of these, each cut at its limit.
    pub fn new(sender: &str, subject: &str, text: &str) -> Self {
        let cut = |text: &str, limit| shortened(text, limit).to_owned();
        Self {
            sender: cut(sender, SENDER_LIMIT),
            subject: cut(subject, SUBJECT_LIMIT),
            text: cut(text, TEXT_LIMIT),
        }
    }

    /// Who sent it.
    pub fn sender(&self) -> &str {
        &self.sender
    }

    /// Its subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The beginning of its text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// How much of a mail may leave the node that reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// That there is one, and which rule it met.
    #[default]
    Count,
    /// Its sender and subject, too.
    Subject,
    /// And its first sentence.
    Line,
}

/// A subject to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRule {
    /// What people call it.
    pub name: String,
    /// What the subject holds.
    pub pattern: Pattern,
    /// What is said then; none for the mail's own line, as far as that may be shared.
    pub message: Option<String>,
    /// How grave it is.
    pub level: Level,
    /// The service it speaks for.
    pub service: Option<ServiceId>,
}

/// How a folder is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FolderRule {
    /// The service that fails while an unread mail lies here.
    pub service: Option<ServiceId>,
    /// Which mails count for it; none for all.
    pub matching: Option<Pattern>,
    /// Whether urgency words and subjects are looked for here.
    pub watch: Watching,
}

/// Whether mails of a folder are looked at one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Watching {
    /// Subjects and urgency words.
    #[default]
    All,
    /// Subjects only.
    Subjects,
    /// Only counted.
    Nothing,
}

/// The rules of a mailbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Subjects to watch, in order.
    pub subjects: Vec<SubjectRule>,
    /// Words that make a mail urgent, in lower case.
    pub urgent: Vec<String>,
    /// The folders that are looked at.
    pub folders: BTreeMap<String, FolderRule>,
    /// What may leave the node.
    pub share: Share,
}

/// Why a mail is worth a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Its subject is watched under this name.
    Subject(String),
    /// It holds this word, there.
    Urgent(String, Place),
}

/// Where a word was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the subject.
    Subject,
    /// In the beginning of the text.
    Text,
}

/// A mail that is worth a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Why.
    pub why: Why,
    /// How grave.
    pub level: Level,
    /// For which service.
    pub service: Option<ServiceId>,
    /// What is said: no more of the mail than may be shared.
    pub says: String,
}

impl Rules {
    /// What a new mail of `folder` is worth.
    pub fn look(&self, folder: &str, mail: &Mail) -> Vec<Finding> {
        let watch = self.folders.get(folder).map_or(Watching::Nothing, |rule| rule.watch);
        let mut found: Vec<Finding> = Vec::new();
        if watch != Watching::Nothing {
            let met = self.subjects.iter().filter(|rule| rule.pattern.is_in(mail.subject()));
            found.extend(met.take(FINDINGS_LIMIT).map(|rule| self.watched(rule, folder, mail)));
        }
        if watch == Watching::All && found.len() < FINDINGS_LIMIT {
            found.extend(self.urgent(folder, mail));
        }
        found
    }

    fn watched(&self, rule: &SubjectRule, folder: &str, mail: &Mail) -> Finding {
        let own = || format!("{}: {}", rule.name, self.shared(folder, mail));
        Finding {
            why: Why::Subject(rule.name.clone()),
            level: rule.level,
            service: rule.service.clone(),
            says: line::cleaned(rule.message.as_deref().unwrap_or(&own()), LINE_LIMIT),
        }
    }

    fn urgent(&self, folder: &str, mail: &Mail) -> Option<Finding> {
        let within = |text, place| found_word(text, &self.urgent).map(|word| (word.to_owned(), place));
        let (word, place) =
            within(mail.subject(), Place::Subject).or_else(|| within(mail.text(), Place::Text))?;
        let says = format!("urgent (\"{word}\"): {}", self.shared(folder, mail));
        Some(Finding {
            why: Why::Urgent(word, place),
            level: Level::Warning,
            service: None,
            says: line::cleaned(&says, LINE_LIMIT),
        })
    }

    /// What may be said of a mail beyond the node that reads it.
    fn shared(&self, folder: &str, mail: &Mail) -> String {
        match self.share {
            Share::Count => format!("a mail in {folder}"),
            Share::Subject => line::without_text(mail),
            Share::Line => one_line(mail),
        }
    }

    /// What the unread mails of `folder` say about its service: failed while one of them counts, up when all
    /// are read or moved. None when the folder speaks for no service.
    pub fn folder_says(&self, folder: &str, unread: &[Mail]) -> Option<(ServiceId, Outcome, Option<String>)> {
        let rule = self.folders.get(folder)?;
        let service = rule.service.clone()?;
        let counts = |mail: &&Mail| rule.matching.as_ref().is_none_or(|p| p.is_in(mail.subject()));
        let mut counting = unread.iter().filter(counts);
        let Some(last) = counting.next_back() else { return Some((service, Outcome::Up, None)) };
        let others = match counting.count() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let reason = format!("unread: {}{others}", self.shared(folder, last));
        Some((service, Outcome::Failed, Some(line::cleaned(&reason, LINE_LIMIT))))
    }
}

/// How many mails of a folder are unread, and how many were at the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unread {
    /// Now.
    pub count: u32,
    /// At the look before; none at the first.
    pub before: Option<u32>,
}

impl Unread {
    /// Notes a further look.
    #[must_use]
    pub fn now(self, count: u32) -> Self {
        Self { count, before: Some(self.count) }
    }

    /// How many more there are than at the last look; negative for fewer.
    pub fn change(self) -> i64 {
        self.before.map_or(0, |before| i64::from(self.count) - i64::from(before))
    }
}

#[cfg(test)]
mod tests;
