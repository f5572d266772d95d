//! Which service or environment somebody means.

use crate::picture::Picture;
use p7_core::service::Service;
use p7_core::vocabulary::ServiceId;
use p7_settings::nearest;
use std::sync::Arc;

/// Most services that a question back names.
const NAMED_LIMIT: usize = 6;
/// Most words of a service's name.
const WORDS_LIMIT: usize = 8;

/// Something that has a status or can be silenced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// One service.
    Service(ServiceId),
    /// All services of an environment.
    Environment(String),
    /// Everything.
    All,
}

/// What was found for some words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// This, named by so many of the words.
    Sure(Target, usize),
    /// Probably the one of this name.
    Near(String),
    /// One of these.
    Several(Vec<String>),
    /// Nothing.
    Nothing,
}

impl Picture {
    /// What the first of these words name: a whole id or name at best, else what begins so or has it in it.
    pub(crate) fn find(&self, words: &[&str]) -> Found {
        for count in (1..=words.len().min(WORDS_LIMIT)).rev() {
            let Some(some) = words.get(..count) else { continue };
            if let Some(found) = self.exactly(&some.join(" ").to_lowercase(), count) {
                return found;
            }
        }
        let Some(word) = words.first().map(|word| word.to_lowercase()) else { return Found::Nothing };
        for fits in [str::starts_with, |text: &str, part: &str| text.contains(part)] {
            let fitting = |service: &&Arc<Service>| {
                fits(service.id.as_str(), word.as_str()) || fits(&service.name.to_lowercase(), word.as_str())
            };
            let mut found = self.services.values().filter(fitting);
            match (found.next(), found.next()) {
                (None, _) => {}
                (Some(one), None) => return Found::Sure(Target::Service(one.id.clone()), 1),
                (Some(_), Some(_)) => {
                    let all = self.services.values().filter(fitting);
                    return Found::Several(
                        all.take(NAMED_LIMIT).map(|service| service.id.to_string()).collect(),
                    );
                }
            }
        }
        let names = self.services.values().flat_map(|service| [service.id.as_str(), service.name.as_str()]);
        let near = nearest(&word, names.chain(self.environments()).filter(|name| !name.is_empty()));
        near.map_or(Found::Nothing, |near| Found::Near(near.to_owned()))
    }

    fn exactly(&self, name: &str, count: usize) -> Option<Found> {
        if let Some((id, _)) = self.services.get_key_value(name) {
            return Some(Found::Sure(Target::Service(id.clone()), count));
        }
        if ["everything", "all"].contains(&name) {
            return Some(Found::Sure(Target::All, count));
        }
        let named: Vec<&Arc<Service>> =
            self.services.values().filter(|service| service.name.to_lowercase() == name).collect();
        match named.as_slice() {
            [one] => return Some(Found::Sure(Target::Service(one.id.clone()), count)),
            [] => {}
            several => {
                let ids = several.iter().take(NAMED_LIMIT).map(|service| service.id.to_string());
                return Some(Found::Several(ids.collect()));
            }
        }
        let environment = self.environments().into_iter().find(|known| known.to_lowercase() == name)?;
        Some(Found::Sure(Target::Environment(environment.to_owned()), count))
    }
}
