//! What is said when the board changes, in English, as sentences a voice can read.

use crate::board::{Board, Network, Places, Seen, Shown, Telling};
use crate::clock::LocalTime;
use p7_core::vocabulary::Level;

/// More changes of one kind than this are told as a number.
const NAMED_LIMIT: usize = 3;
/// Longest name that is spoken, in characters.
const NAME_LIMIT: usize = 60;
/// Numbers that are spoken as words.
const WORDS: [&str; 13] =
    ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// What a sentence is about: a newer one about the same replaces it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// A service, by its id.
    Service(String),
    /// All of them.
    Everything,
    /// This machine's network.
    Network,
    /// The time.
    Clock,
    /// What a person wants said; never replaced.
    Person,
}

/// A sentence to be spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// What it is about.
    pub topic: Topic,
    /// The words.
    pub text: String,
}

impl Sentence {
    /// A sentence.
    pub fn new(topic: Topic, text: impl Into<String>) -> Self {
        Self { topic, text: text.into() }
    }
}

/// What is to be said when `before` has become `after`. A first board with failures is told, one without
/// is not.
pub fn changes(before: &Board, after: &Board) -> Vec<Sentence> {
    let mut said = Vec::new();
    if before.network != after.network {
        said.push(Sentence::new(
            Topic::Network,
            match after.network {
                Network::CutOff => "I have no network. What I show may be old.",
                Network::Reachable => "The network is back.",
            },
        ));
    }
    if after.network == Network::CutOff {
        return said;
    }
    let level =
        |board: &Board, id: &str| board.services.get(id).map_or(Level::Unknown, |service| service.level);
    let (mut down, mut failing, mut back) = (Vec::new(), Vec::new(), Vec::new());
    for (id, service) in after.services.iter().filter(|(_, service)| service.telling == Telling::Aloud) {
        let was = level(before, id);
        match service.level {
            Level::Down if was != Level::Down => down.push((id, service)),
            Level::Incident if was < Level::Incident => failing.push((id, service)),
            Level::Healthy | Level::Partial if was >= Level::Incident => back.push((id, service)),
            Level::Unknown
            | Level::Healthy
            | Level::Partial
            | Level::Warning
            | Level::Incident
            | Level::Down => {}
        }
    }
    let clear = !back.is_empty() && after.failing().is_empty();
    said.extend(told(&down, "is down", "are down"));
    said.extend(told(&failing, "is failing", "are failing"));
    said.extend(told(&back, "works again", "work again"));
    if clear {
        said.push(Sentence::new(Topic::Everything, "All clear."));
    }
    said
}

/// "It is nine o'clock." or "It is nine thirty."
pub fn time(at: LocalTime) -> Sentence {
    let hour = match at.hour % 12 {
        0 => 12,
        hour => hour,
    };
    let hour = number(u32::from(hour));
    let text = match at.minute {
        0 => format!("It is {hour} o'clock."),
        minute => format!("It is {hour} {minute:02}."),
    };
    Sentence::new(Topic::Clock, text)
}

fn told(services: &[(&String, &Shown)], one: &str, many: &str) -> Vec<Sentence> {
    if services.len() > NAMED_LIMIT {
        let count = number(u32::try_from(services.len()).unwrap_or(u32::MAX));
        let first = services.first().map_or("", |(_, service)| &service.name);
        let text = capitalised(&format!("{count} services {many}, among them {}.", spoken(first)));
        return vec![Sentence::new(Topic::Everything, text)];
    }
    services
        .iter()
        .map(|(id, service)| {
            let seen = if service.level >= Level::Incident { seen(service.seen) } else { String::new() };
            let text = format!("{} {one}.{seen}", spoken(&service.name));
            Sentence::new(Topic::Service((*id).clone()), text)
        })
        .collect()
}

/// " Seen from three of five offices."; nothing when there is only one to see it.
fn seen(seen: Seen) -> String {
    let places = match seen.places {
        Places::Offices => "offices",
        Places::Nodes => "nodes",
    };
    if seen.of < 2 || seen.by == 0 {
        String::new()
    } else if seen.by >= seen.of {
        match seen.of {
            2 => format!(" Seen from both {places}."),
            of => format!(" Seen from all {} {places}.", number(of)),
        }
    } else {
        format!(" Seen from {} of {} {places}.", number(seen.by), number(seen.of))
    }
}

/// A name as it may be spoken: without control characters, not for ever.
fn spoken(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(NAME_LIMIT).collect()
}

fn number(n: u32) -> String {
    usize::try_from(n)
        .ok()
        .and_then(|n| WORDS.get(n))
        .map_or_else(|| n.to_string(), |word| (*word).to_owned())
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
