//! What an answer over HTTP comes to: codes first, then the body, as the 2020 original decided.

use super::codes::CodeRange;
use super::config::{Config, JsonCondition};
use crate::attempt::Judgement;
use crate::kinds::Unready;
use crate::kinds::tcp::too_short;
use crate::words::{self, Pattern, clipped};
use hyper::header::{HeaderMap, HeaderName};
use p7_core::vocabulary::{MeshTime, Outcome};
use p7_settings::Faults;
use serde_json::Value;
use serde_json_path::JsonPath;
use std::borrow::Cow;
use std::time::Duration;

/// Longest JSONPath, in bytes, and how many brackets it may open: its parser and its evaluation recurse.
const PATH_LIMIT: usize = 500;
const BRACKET_LIMIT: usize = 32;

/// What an answer is held against.
#[derive(Debug, Default)]
pub(crate) struct Expectations {
    success: Vec<CodeRange>,
    failure: Vec<CodeRange>,
    maintenance: Vec<CodeRange>,
    unauthorized: Vec<CodeRange>,
    success_text: Vec<Pattern>,
    failure_text: Vec<Pattern>,
    maintenance_text: Vec<Pattern>,
    headers: Vec<(HeaderName, Option<Pattern>)>,
    json: Vec<JsonTest>,
    max_latency: Option<Duration>,
    min_certificate_validity: Option<Duration>,
}

#[derive(Debug)]
pub(in crate::kinds) struct JsonTest {
    shown: String,
    path: JsonPath,
    equals: Option<Value>,
    matches: Option<Pattern>,
    exists: bool,
    min: Option<f64>,
    max: Option<f64>,
}

/// An answer as far as it is judged.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) code: u16,
    /// Its headers.
    pub(crate) headers: &'a HeaderMap,
    /// What was read of its body, decoded.
    pub(crate) body: &'a [u8],
    /// Why the body is not whole, in words, if it is not: cut at its limit, or badly encoded.
    pub(crate) cut: Option<String>,
    /// How long it took.
    pub(crate) latency: Duration,
    /// When the first certificate expires.
    pub(crate) certificate_expiry: Option<MeshTime>,
    /// Now.
    pub(crate) now: MeshTime,
}

/// Decides what `answer` comes to, and why if it is not up.
pub(crate) fn judge(wanted: &Expectations, answer: &Answer<'_>) -> Judgement {
    let code = answer.code;
    let because = |outcome| (outcome, Some(answered(code)));
    let listed = |list: &[CodeRange]| list.iter().any(|range| range.has(code));
    // nobody lists 401 as a success by accident: an own list beats the default meaning
    let known = listed(&wanted.success) || listed(&wanted.failure) || listed(&wanted.maintenance);
    if listed(&wanted.unauthorized) || (code == 401 && !known) {
        return because(Outcome::Unauthorized);
    }
    if listed(&wanted.failure) {
        return because(Outcome::Failed);
    }
    if listed(&wanted.maintenance) {
        return because(Outcome::Maintenance);
    }
    let by_default = wanted.success.is_empty() && wanted.failure.is_empty();
    if by_default && code >= 400 {
        return because(Outcome::Failed);
    }
    if !by_default && !listed(&wanted.success) {
        let (outcome, reason) = because(Outcome::Unmanaged);
        return (outcome, reason.map(|r| r + ", which is in no list of codes"));
    }
    judge_body(wanted, answer)
}

/// The answer has a code of success: texts and conditions decide.
fn judge_body(wanted: &Expectations, answer: &Answer<'_>) -> Judgement {
    let texts = [&wanted.failure_text, &wanted.maintenance_text, &wanted.success_text];
    let (text, lower) = if texts.iter().all(|list| list.is_empty()) {
        (Cow::Borrowed(""), String::new())
    } else {
        let text = String::from_utf8_lossy(answer.body);
        let lower = text.to_lowercase();
        (text, lower)
    };
    let found = |list: &[Pattern]| list.iter().find(|p| p.is_in(&text, &lower)).map(Pattern::shown);
    if let Some(shown) = found(&wanted.failure_text) {
        return (Outcome::Failed, Some(format!("{shown} is in the answer")));
    }
    if let Some(unmet) = unmet(wanted, answer) {
        return (Outcome::Failed, Some(unmet));
    }
    if let Some(shown) = found(&wanted.maintenance_text) {
        return (Outcome::Maintenance, Some(format!("{shown} is in the answer")));
    }
    if wanted.success_text.is_empty() || found(&wanted.success_text).is_some() {
        return (Outcome::Up, None);
    }
    let shown: Vec<String> = wanted.success_text.iter().map(Pattern::shown).collect();
    let missing = match shown.as_slice() {
        [one] => format!("{one} is missing from the answer"),
        many => format!("none of {} is in the answer", many.join(", ")),
    };
    (Outcome::Mismatch, Some(missing + &cut_note(answer)))
}

/// The first condition that is not met, in words.
fn unmet(wanted: &Expectations, answer: &Answer<'_>) -> Option<String> {
    if let Some(limit) = wanted.max_latency.filter(|limit| answer.latency > *limit) {
        let (took, limit) = (words::span(answer.latency), words::span(limit));
        return Some(format!("the answer took {took}, more than the {limit} allowed"));
    }
    if let Some(validity) = wanted.min_certificate_validity
        && let Some(short) = too_short(answer.certificate_expiry, validity, answer.now)
    {
        return Some(short);
    }
    wanted
        .headers
        .iter()
        .find_map(|(name, pattern)| unmet_header(name, pattern.as_ref(), answer.headers))
        .or_else(|| unmet_json(&wanted.json, answer))
}

fn unmet_header(name: &HeaderName, pattern: Option<&Pattern>, headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(name).iter().peekable();
    if values.peek().is_none() {
        return Some(format!("the header `{name}` is missing from the answer"));
    }
    let pattern = pattern?;
    let met = values.any(|value| pattern.is_within(&String::from_utf8_lossy(value.as_bytes())));
    (!met).then(|| format!("{} is missing from the header `{name}`", pattern.shown()))
}

fn unmet_json(tests: &[JsonTest], answer: &Answer<'_>) -> Option<String> {
    if tests.is_empty() {
        return None;
    }
    match serde_json::from_slice::<Value>(answer.body) {
        Ok(json) => tests.iter().find_map(|test| test.unmet(&json)),
        Err(_no_json) => Some(format!("the answer is no JSON{}", cut_note(answer))),
    }
}

fn cut_note(answer: &Answer<'_>) -> String {
    answer.cut.as_ref().map(|why| format!(" ({why})")).unwrap_or_default()
}

/// "answered 503 Service Unavailable".
fn answered(code: u16) -> String {
    let known = hyper::StatusCode::from_u16(code).ok().and_then(|c| c.canonical_reason());
    match known {
        Some(words) => format!("answered {code} {words}"),
        None => format!("answered {code}"),
    }
}

impl JsonTest {
    pub(in crate::kinds) fn new(condition: &JsonCondition) -> Result<Self, (&'static str, String)> {
        Ok(Self {
            shown: condition.path.clone(),
            path: json_path(&condition.path).map_err(|why| ("path", why))?,
            equals: condition.equals.clone(),
            matches: match &condition.matches {
                Some(text) => Some(Pattern::new(text).map_err(|why| ("matches", why))?),
                None => None,
            },
            exists: condition.exists.unwrap_or(true),
            min: condition.min,
            max: condition.max,
        })
    }

    pub(in crate::kinds) fn unmet(&self, json: &Value) -> Option<String> {
        let found = self.path.query(json);
        let at = &self.shown;
        if !self.exists {
            return (!found.is_empty()).then(|| format!("`{at}` is in the answer and should not be"));
        }
        if found.is_empty() {
            return Some(format!("`{at}` is missing from the answer"));
        }
        found.iter().find_map(|value| self.unmet_by(value))
    }

    fn unmet_by(&self, value: &Value) -> Option<String> {
        let (at, is) = (&self.shown, clipped(&plain(value)));
        if let Some(wanted) = self.equals.as_ref().filter(|wanted| !same(wanted, value)) {
            return Some(format!("`{at}` is `{is}`, not `{}`", clipped(&plain(wanted))));
        }
        if let Some(pattern) = self.matches.as_ref().filter(|p| !p.is_within(&plain(value))) {
            return Some(format!("`{at}` is `{is}`, without {}", pattern.shown()));
        }
        if self.min.is_none() && self.max.is_none() {
            return None;
        }
        let Some(number) = value.as_f64() else {
            return Some(format!("`{at}` is `{is}`, which is no number"));
        };
        if let Some(min) = self.min.filter(|min| number < *min) {
            return Some(format!("`{at}` is {is}, less than {min}"));
        }
        let max = self.max.filter(|max| number > *max)?;
        Some(format!("`{at}` is {is}, more than {max}"))
    }
}

/// Equal as JSON, numbers by value: 1 is 1.0.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= f64::EPSILON * a.abs().max(b.abs()),
        _ => a == b,
    }
}

/// A value as text; a string without its quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(in crate::kinds) fn json_path(text: &str) -> Result<JsonPath, String> {
    let brackets = text.matches(['(', '[']).count();
    if text.len() > PATH_LIMIT || brackets > BRACKET_LIMIT {
        return Err(format!("is too long: at most {PATH_LIMIT} bytes and {BRACKET_LIMIT} brackets"));
    }
    JsonPath::parse(text).map_err(|error| {
        // where it stands helps; the parser's own words do not
        let at = error.position();
        format!(
            "`{}` is no JSONPath, from its character {at} on; write it as `$.data[0].status`",
            clipped(text)
        )
    })
}

impl Expectations {
    /// What the settings ask for.
    pub(crate) fn new(config: &Config) -> Result<Self, Unready> {
        let patterns = |key: &str, list: &[String]| {
            let compiled: Result<Vec<_>, _> = list.iter().map(|text| Pattern::new(text)).collect();
            compiled.map_err(|why| Unready::new(key, why))
        };
        let mut headers = Vec::new();
        for (name, text) in &config.expect_headers {
            let key = format!("expect_headers.{name}");
            headers.push(header(name, text).map_err(|why| Unready::new(&key, why))?);
        }
        let mut json = Vec::new();
        for (index, condition) in config.expect_json.iter().enumerate() {
            let test = JsonTest::new(condition);
            json.push(test.map_err(|(key, why)| Unready::new(&format!("expect_json.{index}.{key}"), why))?);
        }
        Ok(Self {
            success: config.success_codes.clone(),
            failure: config.failure_codes.clone(),
            maintenance: config.maintenance_codes.clone(),
            unauthorized: config.unauthorized_codes.clone(),
            success_text: patterns("success_text", &config.success_text)?,
            failure_text: patterns("failure_text", &config.failure_text)?,
            maintenance_text: patterns("maintenance_text", &config.maintenance_text)?,
            headers,
            json,
            max_latency: config.max_latency.map(|p| p.0),
            min_certificate_validity: config.min_certificate_validity.map(|p| p.0),
        })
    }

    /// Whether the body has to be kept to be looked at.
    pub(crate) fn needs_body(&self) -> bool {
        !(self.json.is_empty()
            && self.success_text.is_empty()
            && self.failure_text.is_empty()
            && self.maintenance_text.is_empty())
    }

    /// Notes what is wrong with what the settings ask for.
    pub(super) fn check(config: &Config, faults: &mut Faults<'_>) {
        let texts = [
            ("success_text", &config.success_text),
            ("failure_text", &config.failure_text),
            ("maintenance_text", &config.maintenance_text),
        ];
        for (key, list) in texts {
            for (index, text) in list.iter().enumerate() {
                if let Err(wrong) = Pattern::new(text) {
                    faults.under(key).push(index.to_string(), wrong);
                }
            }
        }
        for (name, text) in &config.expect_headers {
            if let Err(wrong) = header(name, text) {
                faults.under("expect_headers").push(name, wrong);
            }
        }
        for (index, condition) in config.expect_json.iter().enumerate() {
            let mut all = faults.under("expect_json");
            let mut faults = all.under(index.to_string());
            if let Err((key, wrong)) = JsonTest::new(condition) {
                faults.push(key, wrong);
            }
            let asks = condition.equals.is_some() || condition.matches.is_some();
            if condition.exists == Some(false) && (asks || condition.min.is_some() || condition.max.is_some())
            {
                faults.push("exists", "what must not exist can have no value; remove the other conditions");
            }
        }
        let method_has_no_body = config.method.eq_ignore_ascii_case("HEAD");
        if method_has_no_body && Self::new(config).is_ok_and(|e| e.needs_body()) {
            faults.push("method", "the answer to HEAD has no body; texts and JSON can't be looked for");
        }
    }
}

fn header(name: &str, text: &str) -> Result<(HeaderName, Option<Pattern>), String> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_no_name| "is no header name".to_owned())?;
    let pattern = if text.is_empty() { None } else { Some(Pattern::new(text)?) };
    Ok((name, pattern))
}

#[cfg(test)]
#[path = "judge/tests.rs"]
mod tests;
