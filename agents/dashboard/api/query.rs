//! Query parameters: each path says which it knows, and a wrong one is named in the answer.

use super::time;
use crate::problem::Problem;
use actix_web::{HttpRequest, web};
use p7_core::vocabulary::MeshTime;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Most parameters that are looked at.
const PARAMETERS_LIMIT: usize = 32;

/// The parameters of one request, each known and given at most once.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Those of `request`, if it has only some of `known`.
    pub(crate) fn of(request: &HttpRequest, known: &[&str]) -> Result<Self, Problem> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
            .map_err(|error| Problem::bad_request(format!("the query can't be read: {error}")))?
            .into_inner();
        if pairs.len() > PARAMETERS_LIMIT {
            return Err(Problem::bad_request(format!("more than {PARAMETERS_LIMIT} query parameters")));
        }
        for (index, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let all = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Problem::bad_parameter(name, format!("unknown; this path takes {all}")));
            }
            if pairs.iter().take(index).any(|(before, _)| before == name) {
                return Err(Problem::bad_parameter(name, "given twice"));
            }
        }
        Ok(Self(pairs))
    }

    /// The text of a parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The text of a parameter, if it is not longer than `most` characters.
    pub(crate) fn short(&self, name: &str, most: usize) -> Result<Option<&str>, Problem> {
        match self.text(name) {
            Some(text) if text.chars().count() > most => {
                Err(Problem::bad_parameter(name, format!("longer than {most} characters")))
            }
            text => Ok(text),
        }
    }

    /// A parameter in the words of its type.
    pub(crate) fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem>
    where
        T::Err: Display,
    {
        let parse = |text: &str| text.parse().map_err(|error| Problem::bad_parameter(name, error));
        self.text(name).map(parse).transpose()
    }

    /// A number within `range`, or `default`.
    pub(crate) fn number(
        &self,
        name: &str,
        range: RangeInclusive<usize>,
        default: usize,
    ) -> Result<usize, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(default);
        };
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(number) if plain && range.contains(&number) => Ok(number),
            Ok(_) | Err(_) => {
                let (least, most) = (range.start(), range.end());
                Err(Problem::bad_parameter(name, format!("`{text}` is not a number from {least} to {most}")))
            }
        }
    }

    /// A moment in RFC 3339, or `default`.
    pub(crate) fn time(&self, name: &str, default: MeshTime) -> Result<MeshTime, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(default);
        };
        time::parse(text).ok_or_else(|| {
            Problem::bad_parameter(name, format!("`{text}` is no time; write it as 2026-01-31T12:00:00Z"))
        })
    }

    /// One of a few words, or none.
    pub(crate) fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let found = words.iter().find(|(word, _)| *word == text);
        let Some((_, value)) = found else {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            return Err(Problem::bad_parameter(name, format!("`{text}` is none of {}", known.join(", "))));
        };
        Ok(Some(*value))
    }
}
