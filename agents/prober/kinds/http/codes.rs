//! Status codes as configuration lists them: numbers and ranges.

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Lowest and highest status code there are.
const LOWEST: u16 = 100;
const HIGHEST: u16 = 599;

/// One code, or all from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeRange {
    first: u16,
    last: u16,
}

impl CodeRange {
    /// The codes from `first` to `last`, if these are codes.
    pub fn new(first: u16, last: u16) -> Option<Self> {
        (first >= LOWEST && last <= HIGHEST && first <= last).then_some(Self { first, last })
    }

    /// Whether `code` is one of them.
    pub fn has(self, code: u16) -> bool {
        (self.first..=self.last).contains(&code)
    }

    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Self::new(first.trim().parse().ok()?, last.trim().parse().ok()?)
    }
}

impl CodeRange {
    /// The range that was written from its end to its beginning.
    fn turned(text: &str) -> Option<Self> {
        let (last, first) = text.split_once('-')?;
        Self::new(first.trim().parse().ok()?, last.trim().parse().ok()?)
    }
}

impl<'de> Deserialize<'de> for CodeRange {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = CodeRange;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a status code from {LOWEST} to {HIGHEST}, or a range such as \"200-299\"")
            }

            fn visit_u64<E: Error>(self, code: u64) -> Result<CodeRange, E> {
                let range = u16::try_from(code).ok().and_then(|code| CodeRange::new(code, code));
                range.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(code), &self))
            }

            fn visit_i64<E: Error>(self, code: i64) -> Result<CodeRange, E> {
                let range = u16::try_from(code).ok().and_then(|code| CodeRange::new(code, code));
                range.ok_or_else(|| E::invalid_value(Unexpected::Signed(code), &self))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<CodeRange, E> {
                CodeRange::parse(text).ok_or_else(|| match CodeRange::turned(text) {
                    Some(range) => {
                        let turned = format!("{}-{}", range.first, range.last);
                        E::custom(format!("the range is backwards; write it as \"{turned}\""))
                    }
                    None => E::invalid_value(Unexpected::Str(text), &self),
                })
            }
        }

        from.deserialize_any(Reader)
    }
}

impl Serialize for CodeRange {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.first == self.last {
            to.serialize_u16(self.first)
        } else {
            to.collect_str(&format_args!("{}-{}", self.first, self.last))
        }
    }
}
