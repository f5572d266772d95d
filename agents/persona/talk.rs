//! Conversations: one for each person, so that a `yes` or a step of the story is theirs alone.

use crate::answers::HELP;
use crate::find::Target;
use crate::picture::Picture;
use crate::understand::{Command, Meant, Probed, Verb, understand};
use crate::words::{START, Words};
use p7_bus::Request;
use p7_core::facts::{HoldKind, Scope};
use p7_core::vocabulary::{MeshTime, Millis};
use p7_settings::nearest;
use std::collections::BTreeMap;

/// Most conversations that are remembered; the oldest is forgotten first.
const PEOPLE_LIMIT: usize = 1_000;
/// A conversation is forgotten when nothing was said for so long.
const FORGOTTEN_AFTER: Millis = Millis::seconds(15 * 60);

/// What follows from what somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    /// For metrics: the command's name, `story`, or `unclear`.
    pub(crate) what: &'static str,
    pub(crate) then: Then,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Then {
    /// Say this.
    Say(String),
    /// Do this, and say what came of it.
    Do(Wish),
}

/// What somebody wishes to be done. `by` of a request is filled in when their name is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// State something.
    Change(Request),
    /// Let a robot of this machine speak.
    Speak(String),
    /// Test something now.
    Probe(Probed),
    /// Tell how this agent itself is.
    Debug,
}

#[derive(Debug, Clone, Default)]
struct Conversation {
    last: MeshTime,
    /// What a `yes` means.
    perhaps: Option<String>,
    /// Where in the story they are.
    place: Option<String>,
}

/// All conversations.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    people: BTreeMap<String, Conversation>,
}

impl Talk {
    /// How many conversations are remembered.
    pub(crate) fn count(&self) -> usize {
        self.people.len()
    }

    /// Hears what a person says: plain words, none when it was too long.
    pub(crate) fn hear(
        &mut self,
        person: &str,
        text: Option<&str>,
        picture: &Picture,
        words: &Words,
        now: MeshTime,
    ) -> Turn {
        self.forget(now);
        let conversation = self.people.entry(person.to_owned()).or_default();
        conversation.last = now;
        let Some(text) = text else {
            return say("unclear", "That is too long for me. Try *help*.");
        };
        let perhaps = conversation.perhaps.take();
        let small = text.trim_matches(|c: char| c.is_ascii_punctuation() || c.is_whitespace()).to_lowercase();
        if let Some(turn) = conversation.story(&small, words) {
            return turn;
        }
        let meant = match perhaps {
            Some(whole) if ["yes", "y", "yes please", "yep", "sure"].contains(&small.as_str()) => {
                understand(&whole, picture, now)
            }
            Some(_) if ["no", "n", "nope"].contains(&small.as_str()) => {
                return say("unclear", "As you like.");
            }
            Some(_) | None => understand(text, picture, now),
        };
        match meant {
            Meant::Sure(command) => conversation.carry_out(command, picture, words, now),
            Meant::Unsure { question, perhaps } => {
                conversation.perhaps = perhaps;
                say("unclear", &question)
            }
        }
    }

    fn forget(&mut self, now: MeshTime) {
        self.people.retain(|_, conversation| now.since(conversation.last) < FORGOTTEN_AFTER);
        while self.people.len() >= PEOPLE_LIMIT {
            let oldest = self.people.iter().min_by_key(|(_, conversation)| conversation.last);
            let Some(oldest) = oldest.map(|(person, _)| person.clone()) else { return };
            self.people.remove(&oldest);
        }
    }
}

impl Conversation {
    /// A step of the story; none when the words are no step, or they are in none.
    fn story(&mut self, said: &str, words: &Words) -> Option<Turn> {
        let place = words.story.get(self.place.as_ref()?)?;
        if ["stop", "quit", "exit"].contains(&said) {
            self.place = None;
            return Some(say("story", "The book is closed. *bilbo* opens it again."));
        }
        let ways = place.choices.keys().map(String::as_str);
        let way = place.choices.keys().find(|word| word.to_lowercase() == said).map(String::as_str);
        let way = way.or_else(|| nearest(said, ways).filter(|_| said.chars().count() > 2))?;
        let to = place.choices.get(way)?.clone();
        Some(self.enter(&to, words))
    }

    fn enter(&mut self, place: &str, words: &Words) -> Turn {
        let Some(found) = words.story.get(place) else {
            return say("story", "There is no story today.");
        };
        self.place = (!found.choices.is_empty()).then(|| place.to_owned());
        say("story", &found.text)
    }

    fn carry_out(&mut self, command: Command, picture: &Picture, words: &Words, now: MeshTime) -> Turn {
        let by = String::new();
        let (verb, then) = match command {
            Command::Status(target) => (Verb::Status, Then::Say(picture.status(&target, now))),
            Command::Why(service) => (Verb::Why, Then::Say(picture.why(&service, now))),
            Command::Incidents => (Verb::Incidents, Then::Say(picture.incidents(now))),
            Command::Ack { service, reason } => {
                (Verb::Ack, Then::Do(Wish::Change(Request::Acknowledge { service, by, reason })))
            }
            Command::Hold { kind, target, starts, ends, reason } => {
                let scope = match target {
                    Target::Service(service) => Scope::Service(service),
                    Target::Environment(name) => Scope::Environment(name),
                    Target::All => Scope::All,
                };
                let starts = (starts > now).then_some(starts);
                let verb = match kind {
                    HoldKind::Silence => Verb::Silence,
                    HoldKind::Maintenance => Verb::Maintenance,
                };
                (verb, Then::Do(Wish::Change(Request::Hold { kind, scope, starts, ends, by, reason })))
            }
            Command::Leader => (Verb::Leader, Then::Say(picture.leader())),
            Command::Nodes => (Verb::Nodes, Then::Say(picture.nodes())),
            Command::Say(text) => (Verb::Say, Then::Do(Wish::Speak(text))),
            Command::Mail => (Verb::Mail, Then::Say(picture.mail())),
            Command::Probe(what) => (Verb::Probe, Then::Do(Wish::Probe(what))),
            Command::Hello => (Verb::Hello, any(&words.hello, now, "Hello!")),
            Command::Version => (Verb::Version, Then::Say(picture.version())),
            Command::Joke => (Verb::Joke, any(&words.jokes, now, "I know no joke.")),
            Command::Debug => (Verb::Debug, Then::Do(Wish::Debug)),
            Command::Help => (Verb::Help, Then::Say(HELP.to_owned())),
            Command::Story => return self.enter(START, words),
        };
        Turn { what: verb.as_str(), then }
    }
}

fn any(texts: &[String], now: MeshTime, otherwise: &str) -> Then {
    Then::Say(Words::any(texts, now.0 / 1000).unwrap_or(otherwise).to_owned())
}

fn say(what: &'static str, text: &str) -> Turn {
    Turn { what, then: Then::Say(text.to_owned()) }
}
