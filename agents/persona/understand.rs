//! What somebody wants, from plain words: forgiving about order, politeness and spelling, never about what
//! would change something.

use crate::find::{Found, Target};
use crate::picture::Picture;
use crate::text::code;
use crate::when;
use p7_core::facts::HoldKind;
use p7_core::vocabulary::{MeshTime, Millis, ServiceId};
use p7_settings::nearest;
use url::Url;

/// How long a silence is when nothing is said.
const SILENCE: Millis = Millis::seconds(3600);
/// Longest text that a robot says, in characters: about twenty seconds, as the API takes it.
pub(crate) const SAY_LIMIT: usize = 300;
/// Longest address that is probed, in bytes.
const ADDRESS_LIMIT: usize = 300;
/// Most words of a span or a moment.
const TIME_WORDS: usize = 5;
/// Words before a command that mean nothing.
const POLITE: [&str; 14] = [
    "please", "p7", "persona", "hey", "can", "could", "you", "would", "tell", "show", "me", "the", "give",
    "ok",
];
/// Words between a command and what it is about.
const BETWEEN: [&str; 7] = ["of", "is", "for", "the", "on", "in", "does"];

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Status,
    Why,
    Incidents,
    Ack,
    Silence,
    Maintenance,
    Leader,
    Nodes,
    Say,
    Mail,
    Probe,
    Hello,
    Version,
    Joke,
    Debug,
    Help,
    Story,
}

/// The words for it; the first of each is its name.
const VERBS: [(&str, Verb); 42] = [
    ("status", Verb::Status),
    ("state", Verb::Status),
    ("how", Verb::Status),
    ("services", Verb::Status),
    ("why", Verb::Why),
    ("explain", Verb::Why),
    ("incidents", Verb::Incidents),
    ("incident", Verb::Incidents),
    ("outages", Verb::Incidents),
    ("ack", Verb::Ack),
    ("acknowledge", Verb::Ack),
    ("silence", Verb::Silence),
    ("mute", Verb::Silence),
    ("quiet", Verb::Silence),
    ("maintenance", Verb::Maintenance),
    ("leader", Verb::Leader),
    ("who", Verb::Leader),
    ("leads", Verb::Leader),
    ("nodes", Verb::Nodes),
    ("mesh", Verb::Nodes),
    ("members", Verb::Nodes),
    ("say", Verb::Say),
    ("speak", Verb::Say),
    ("mail", Verb::Mail),
    ("mailbox", Verb::Mail),
    ("unread", Verb::Mail),
    ("probe", Verb::Probe),
    ("test", Verb::Probe),
    ("check", Verb::Probe),
    ("hello", Verb::Hello),
    ("hi", Verb::Hello),
    ("hey", Verb::Hello),
    ("moin", Verb::Hello),
    ("version", Verb::Version),
    ("joke", Verb::Joke),
    ("debug", Verb::Debug),
    ("help", Verb::Help),
    ("do", Verb::Help),
    ("commands", Verb::Help),
    ("bilbo", Verb::Story),
    ("story", Verb::Story),
    ("adventure", Verb::Story),
];

impl Verb {
    /// Its name, in metrics and answers.
    pub(crate) fn as_str(self) -> &'static str {
        VERBS.iter().find(|(_, verb)| *verb == self).map_or("", |(name, _)| name)
    }
}

/// What is probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Probed {
    Service(ServiceId),
    Address(String),
}

/// What somebody wants, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Status(Target),
    Why(ServiceId),
    Incidents,
    Ack { service: ServiceId, reason: String },
    Hold { kind: HoldKind, target: Target, starts: MeshTime, ends: MeshTime, reason: String },
    Leader,
    Nodes,
    Say(String),
    Mail,
    Probe(Probed),
    Hello,
    Version,
    Joke,
    Debug,
    Help,
    Story,
}

/// What words came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meant {
    /// This.
    Sure(Command),
    /// Something to be asked back; with what was probably meant, for a `yes`.
    Unsure { question: String, perhaps: Option<String> },
}

fn unsure(question: impl Into<String>) -> Meant {
    Meant::Unsure { question: question.into(), perhaps: None }
}

fn perhaps(what: &str, known: &str, whole: String) -> Meant {
    let question = format!("I know no {what}. Did you mean {}? Say *yes*, or write it anew.", code(known));
    Meant::Unsure { question, perhaps: Some(whole) }
}

/// Understands plain words.
pub(crate) fn understand(text: &str, picture: &Picture, now: MeshTime) -> Meant {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    while let Some(first) = words.first().filter(|_| words.len() > 1) {
        if !POLITE.contains(&bare(first).as_str()) {
            break;
        }
        words.remove(0);
    }
    let Some(first) = words.first().map(|word| bare(word)).filter(|word| !word.is_empty()) else {
        return Meant::Sure(Command::Hello);
    };
    let rest: Vec<&str> = words.get(1..).unwrap_or_default().to_vec();
    let Some((_, verb)) = VERBS.iter().find(|(name, _)| *name == first) else {
        return unknown(&first, &rest, picture);
    };
    command(*verb, &rest, picture, now)
}

/// A word without its signs, small.
fn bare(word: &str) -> String {
    word.trim_matches(|c: char| c.is_ascii_punctuation()).to_lowercase()
}

/// A word that is no command: one that is nearly so, or something whose status is meant.
fn unknown(first: &str, rest: &[&str], picture: &Picture) -> Meant {
    if rest.is_empty()
        && let Found::Sure(target, 1) = picture.find(&[first])
        && target != Target::All
    {
        return Meant::Sure(Command::Status(target));
    }
    let names = VERBS.iter().map(|(name, _)| *name);
    match nearest(first, names).filter(|_| first.chars().count() > 2) {
        Some(near) => {
            let whole = std::iter::once(near).chain(rest.iter().copied()).collect::<Vec<_>>().join(" ");
            perhaps(&code(first), &whole, whole.clone())
        }
        None => unsure(format!("I am not sure what {} means. Try *help*.", code(first))),
    }
}

fn command(verb: Verb, rest: &[&str], picture: &Picture, now: MeshTime) -> Meant {
    match verb {
        Verb::Status => target(verb, rest, picture).map_or_else(
            |question| question,
            |found| Meant::Sure(Command::Status(found.map_or(Target::All, |(target, _)| target))),
        ),
        Verb::Why => one_service(verb, rest, picture, |service, _| Meant::Sure(Command::Why(service))),
        Verb::Ack => one_service(verb, rest, picture, |service, rest| {
            let reason = after_because(rest).join(" ");
            Meant::Sure(Command::Ack { service, reason })
        }),
        Verb::Silence => hold(verb, HoldKind::Silence, rest, picture, now),
        Verb::Maintenance => hold(verb, HoldKind::Maintenance, rest, picture, now),
        Verb::Say => say(rest),
        Verb::Probe => probe(rest, picture),
        Verb::Incidents => Meant::Sure(Command::Incidents),
        Verb::Leader => Meant::Sure(Command::Leader),
        Verb::Nodes => Meant::Sure(Command::Nodes),
        Verb::Mail => Meant::Sure(Command::Mail),
        Verb::Hello => Meant::Sure(Command::Hello),
        Verb::Version => Meant::Sure(Command::Version),
        Verb::Joke => Meant::Sure(Command::Joke),
        Verb::Debug => Meant::Sure(Command::Debug),
        Verb::Help => Meant::Sure(Command::Help),
        Verb::Story => Meant::Sure(Command::Story),
    }
}

/// What the words are about, with those that follow it; none when there are no words.
fn target<'w>(
    verb: Verb,
    words: &[&'w str],
    picture: &Picture,
) -> Result<Option<(Target, Vec<&'w str>)>, Meant> {
    let mut words: Vec<&str> = words.to_vec();
    // "ack that", "status of": a name may be such a word, too, but then it is found as it stands
    while words.len() > 1 && BETWEEN.contains(&words[0].to_lowercase().as_str()) {
        if matches!(picture.find(&words), Found::Sure(..)) {
            break;
        }
        words.remove(0);
    }
    let trimmed: Vec<&str> =
        words.iter().map(|word| word.trim_matches(['"', '\'', '?', '!', ',', '.', '`', '*'])).collect();
    if trimmed.iter().all(|word| word.is_empty()) {
        return Ok(None);
    }
    let first = trimmed.first().copied().unwrap_or_default();
    match picture.find(&trimmed) {
        Found::Sure(target, count) => Ok(Some((target, words.split_off(count.min(words.len()))))),
        Found::Near(near) => {
            let rest = words.get(1..).unwrap_or_default();
            let whole = [verb.as_str(), &near].into_iter().chain(rest.iter().copied());
            let whole = whole.collect::<Vec<_>>().join(" ");
            Err(perhaps(&format!("service {}", code(first)), &whole, whole.clone()))
        }
        Found::Several(ids) => {
            let ids: Vec<String> = ids.iter().map(|id| code(id)).collect();
            Err(unsure(format!("Which one is {}: {}?", code(first), ids.join(", "))))
        }
        Found::Nothing => {
            Err(unsure(format!("I know no service {}. *status* lists what there is.", code(first))))
        }
    }
}

fn one_service(
    verb: Verb,
    rest: &[&str],
    picture: &Picture,
    then: impl FnOnce(ServiceId, &[&str]) -> Meant,
) -> Meant {
    let name = verb.as_str();
    match target(verb, rest, picture) {
        Err(question) => question,
        Ok(None) => unsure(format!("Which service? Write *{name} SERVICE*.")),
        Ok(Some((Target::Service(service), rest))) => then(service, &rest),
        Ok(Some((Target::Environment(_) | Target::All, _))) => {
            unsure(format!("*{name}* is about one service. Which one?"))
        }
    }
}

/// The words without a `because` before them.
fn after_because<'w>(words: &'w [&'w str]) -> &'w [&'w str] {
    match words.first() {
        Some(first) if ["because", "reason", "as", ":", "-"].contains(&first.trim_end_matches(':')) => {
            words.get(1..).unwrap_or_default()
        }
        Some(_) | None => words,
    }
}

/// `SERVICE [WHEN] [for SPAN | until WHEN] [REASON]`.
fn hold(verb: Verb, kind: HoldKind, rest: &[&str], picture: &Picture, now: MeshTime) -> Meant {
    let usage = match kind {
        HoldKind::Maintenance => "Write it as *maintenance SERVICE tomorrow 22:00 for 1h*.",
        HoldKind::Silence => "Write it as *silence SERVICE for 2h*.",
    };
    let (target, words) = match target(verb, rest, picture) {
        Err(question) => return question,
        Ok(None) => return unsure(format!("What is to be quiet? {usage}")),
        Ok(Some(found)) => found,
    };
    let zone = picture.zone;
    let mark = |word: &&str| ["for", "until", "till", "to"].contains(&word.to_lowercase().as_str());
    let place = words.iter().position(mark);
    let (before, after) = words.split_at(place.unwrap_or(words.len()));
    let starts = match before {
        [] => now,
        some => match when::moment(&some.join(" "), now, zone) {
            Some(at) => at,
            None => {
                return unsure(format!("I can't read {} as a time. {usage}", code(&some.join(" "))));
            }
        },
    };
    if starts < now {
        return unsure(format!("{} is in the past. {usage}", when::shown(starts, zone)));
    }
    let Some((mark, words)) = after.split_first() else {
        return match kind {
            HoldKind::Maintenance => unsure(format!("For how long? {usage}")),
            HoldKind::Silence => {
                let ends = starts.plus(SILENCE);
                Meant::Sure(Command::Hold { kind, target, starts, ends, reason: String::new() })
            }
        };
    };
    let read = |text: &str| match mark.to_lowercase().as_str() {
        "for" => when::span(text).map(|span| starts.plus(span)),
        _ => when::moment(text, starts, zone),
    };
    for count in (1..=words.len().min(TIME_WORDS)).rev() {
        let (time, reason) = words.split_at(count);
        if let Some(ends) = read(&time.join(" ").trim_end_matches([',', '.', '!']).replace(" and ", " ")) {
            if ends <= starts {
                break;
            }
            let reason = after_because(reason).join(" ");
            return Meant::Sure(Command::Hold { kind, target, starts, ends, reason });
        }
    }
    unsure(format!("I can't read {} as a time. {usage}", code(&words.join(" "))))
}

fn say(rest: &[&str]) -> Meant {
    let text = rest.join(" ");
    let text = text.trim_matches('"').trim();
    if text.is_empty() {
        return unsure("What shall the robot say? Write *say TEXT*.");
    }
    if text.chars().count() > SAY_LIMIT {
        return unsure(format!("That is too long to be said: at most {SAY_LIMIT} characters."));
    }
    Meant::Sure(Command::Say(text.to_owned()))
}

fn probe(rest: &[&str], picture: &Picture) -> Meant {
    let first = rest.iter().find(|word| word.contains("://"));
    let Some(first) = first else {
        return one_service(Verb::Probe, rest, picture, |service, _| {
            Meant::Sure(Command::Probe(Probed::Service(service)))
        });
    };
    let address = Url::parse(first).ok().filter(|_| first.len() <= ADDRESS_LIMIT);
    match address {
        Some(url) if !url.username().is_empty() || url.password().is_some() => {
            unsure("I don't take addresses with credentials in them.")
        }
        Some(url) if ["http", "https", "tcp", "tls"].contains(&url.scheme()) && url.has_host() => {
            Meant::Sure(Command::Probe(Probed::Address((*first).to_owned())))
        }
        Some(_) | None => unsure(format!("I can't probe {}; http, https, tcp and tls I know.", code(first))),
    }
}
