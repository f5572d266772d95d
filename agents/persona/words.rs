//! What Persona/7 says beside facts: greetings, jokes and a story, as data that anyone can extend.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The file that p7 brings along.
const OWN: &str = include_str!("words.toml");
/// Largest file, in bytes.
const FILE_LIMIT: u64 = 256 * 1024;
/// Longest text of it, in bytes: it is one message.
const TEXT_LIMIT: usize = 2_000;
/// Most greetings, jokes, places, and ways on from a place.
const COUNT_LIMIT: usize = 500;
/// Where a story begins.
pub(crate) const START: &str = "start";

/// Greetings, jokes and the story.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(crate) hello: Vec<String>,
    pub(crate) jokes: Vec<String>,
    pub(crate) story: BTreeMap<String, Place>,
}

/// A place of the story.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    pub(crate) text: String,
    /// Which word leads where; none ends the story.
    #[serde(default)]
    pub(crate) choices: BTreeMap<String, String>,
}

impl Words {
    /// Those that p7 brings along.
    pub(crate) fn own() -> Self {
        // a test reads it; without it there would be nothing to say, which is no reason to stop
        Self::read(OWN).unwrap_or_else(|_| Self {
            hello: Vec::new(),
            jokes: Vec::new(),
            story: BTreeMap::new(),
        })
    }

    /// Those of a file.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn of_file(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let size = std::fs::metadata(path).map_err(|why| format!("can't read {shown}: {why}"))?.len();
        if size > FILE_LIMIT {
            return Err(format!("{shown} is larger than {FILE_LIMIT} bytes; make it shorter"));
        }
        let text = std::fs::read_to_string(path).map_err(|why| format!("can't read {shown}: {why}"))?;
        Self::read(&text).map_err(|why| format!("{shown}: {why}"))
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let words: Self = toml::from_str(text).map_err(|why| why.to_string())?;
        for (what, count) in
            [("hello", words.hello.len()), ("jokes", words.jokes.len()), ("story", words.story.len())]
        {
            if count > COUNT_LIMIT {
                return Err(format!("`{what}` has more than {COUNT_LIMIT} entries; leave some out"));
            }
        }
        let places = words.story.values().map(|place| &place.text);
        if let Some(long) =
            words.hello.iter().chain(&words.jokes).chain(places).find(|t| t.len() > TEXT_LIMIT)
        {
            let begin: String = long.chars().take(30).collect();
            return Err(format!("the text that begins `{begin}` is longer than {TEXT_LIMIT} bytes"));
        }
        if !words.story.is_empty() && !words.story.contains_key(START) {
            return Err(format!("the story has no place `{START}`; it begins there"));
        }
        for (name, place) in &words.story {
            if let Some((word, to)) = place.choices.iter().find(|(_, to)| !words.story.contains_key(*to)) {
                return Err(format!("in `{name}` the word `{word}` leads to `{to}`, which is not there"));
            }
        }
        Ok(words)
    }

    /// One of several texts, by any number.
    pub(crate) fn any(texts: &[String], number: u64) -> Option<&str> {
        let count = u64::try_from(texts.len()).ok()?;
        let place = usize::try_from(number.checked_rem(count)?).ok()?;
        texts.get(place).map(String::as_str)
    }
}
