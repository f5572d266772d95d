//! Keeps secrets out of what is shown: source lines of faults and the configuration as answered.
//!
//! Secrets belong into references (`env:NAME`); this catches those that stand in the open: in
//! headers, bodies, addresses, and under keys whose names say so.

use crate::tree::{NodeRef, ROOT, Tree, Value};
use serde_json::{Map, Number, Value as Json};

/// What stands for a hidden text.
pub(crate) const HIDDEN: &str = "(hidden)";
/// Parts of keys whose values are secrets.
const SECRET_WORDS: [&str; 16] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "cookie",
    "credential",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "private_key",
    "bearer",
    "signature",
    "session",
];
/// Tables and texts that often carry secrets, whatever their keys are called.
const SECRET_PLACES: [&str; 4] = ["headers", "body", "form", "send"];
/// Headers that never carry one.
const HARMLESS_HEADERS: [&str; 8] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-type",
    "host",
    "origin",
    "user-agent",
];

/// A line of a file fit to be shown, its text cut where a secret may begin; `from` is a byte at
/// which one is known to begin. None when nothing of it may be shown.
pub(crate) fn line(line: &str, from: Option<usize>) -> Option<String> {
    let lower = line.to_ascii_lowercase();
    let words = SECRET_WORDS.iter().filter_map(|word| lower.find(word));
    let places = SECRET_PLACES.iter().filter_map(|place| find_word(&lower, place));
    let named = words.chain(places).min();
    let value = named.map(|at| {
        let sign = lower.get(at..).and_then(|rest| rest.find('='));
        sign.map_or(line.len(), |sign| at + sign + 1)
    });
    let cut = match (value, from) {
        (Some(value), Some(from)) => value.min(from),
        (Some(value), None) => value,
        (None, from) => from.unwrap_or(line.len()),
    };
    let kept = line.get(..cut)?;
    let rest = line.get(cut..)?.trim();
    if rest.is_empty() || (from.is_none() && is_reference(rest)) {
        return Some(text(line));
    }
    Some(format!("{} …", text(kept.trim_end())))
}

/// Where `word` stands by itself in a line.
fn find_word(line: &str, word: &str) -> Option<usize> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    line.match_indices(word).map(|(at, _)| at).find(|at| {
        let before = line.get(..*at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

/// Whether a value says where a secret is, and nothing else.
pub(crate) fn is_reference(value: &str) -> bool {
    let inner = value.trim_start_matches(['"', '\'']);
    (inner.starts_with("env:") || inner.starts_with("file:")) && !inner.contains(',')
}

/// A text with the user part and secret query values of its addresses hidden.
pub(crate) fn text(text: &str) -> String {
    let Some((before, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let mut end = rest.find(['/', '?', '#', '"', '\'', ' ']).unwrap_or(rest.len());
    // a password with a slash in it: what follows the colon is no port
    let port = rest.get(..end).and_then(|authority| authority.rsplit_once(':'));
    let word = rest.find(['"', '\'', ' ']).unwrap_or(rest.len());
    if let Some(at) = rest.get(..word).and_then(|word| word.rfind('@'))
        && port.is_some_and(|(_, port)| !port.bytes().all(|b| b.is_ascii_digit() || b == b']'))
    {
        end = end.max(rest.get(at..word).and_then(|r| r.find(['/', '?', '#'])).map_or(word, |n| at + n));
    }
    let (authority, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let host = authority
        .rsplit_once('@')
        .map_or_else(|| authority.to_owned(), |(_, host)| format!("{HIDDEN}@{host}"));
    let tail = self::text(tail);
    let tail = match tail.split_once('?') {
        None => tail,
        Some((path, query)) => {
            let parts: Vec<String> = query.split('&').map(parameter).collect();
            format!("{path}?{}", parts.join("&"))
        }
    };
    format!("{before}://{host}{tail}")
}

fn parameter(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, _)) if is_secret_key(name) || name.eq_ignore_ascii_case("key") => {
            format!("{name}={HIDDEN}")
        }
        _ => pair.to_owned(),
    }
}

fn is_secret_key(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| lower.contains(word))
}

/// Whether the value of a node may be a secret, by its key and by where it stands.
pub(crate) fn is_secret(tree: &Tree, at: NodeRef) -> bool {
    if tree.node(at).secret.get() {
        return true;
    }
    let path = tree.path(at);
    let Some((key, above)) = path.split_last() else {
        return false;
    };
    let in_headers = above.last().is_some_and(|parent| *parent == "headers");
    if in_headers && HARMLESS_HEADERS.iter().any(|name| name.eq_ignore_ascii_case(key)) {
        return false;
    }
    // the first two keys name a section and a service, which may be called what they like
    path.iter().skip(2).any(|key| SECRET_PLACES.contains(key) || is_secret_key(key)) || is_secret_key(key)
}

/// The configuration as JSON, secrets hidden.
pub(crate) fn json(tree: &Tree) -> Json {
    node(tree, ROOT, Hide::Secrets)
}

/// The configuration as JSON, whole: for its hash alone.
pub(crate) fn whole_json(tree: &Tree) -> Json {
    node(tree, ROOT, Hide::Nothing)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hide {
    Secrets,
    Nothing,
}

fn node(tree: &Tree, at: NodeRef, hide: Hide) -> Json {
    match &tree.node(at).value {
        Value::Table(table) => Json::Object(
            table.iter().map(|(key, child)| (key.clone(), node(tree, *child, hide))).collect::<Map<_, _>>(),
        ),
        Value::List(list) => list.iter().map(|child| node(tree, *child, hide)).collect(),
        Value::Text(text) if hide == Hide::Nothing || is_reference(text) => Json::String(text.clone()),
        _ if hide == Hide::Secrets && is_secret(tree, at) => Json::String(HIDDEN.to_owned()),
        Value::Text(plain) => Json::String(text(plain)),
        Value::Date(date) => Json::String(date.clone()),
        Value::Truth(truth) => Json::Bool(*truth),
        Value::Integer { digits, radix } => i64::from_str_radix(digits, *radix)
            .map_or_else(|_too_large| Json::String(digits.clone()), Json::from),
        Value::Float(digits) => digits
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map_or_else(|| Json::String(digits.clone()), Json::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_line_is_cut_where_a_secret_may_begin() {
        for (given, shown) in [
            ("interval = \"60s\"", "interval = \"60s\""),
            ("password = \"hunter2\"", "password = …"),
            ("auth = { bearer = \"hunter2\" }", "auth = { bearer = …"),
            ("unauthorized_codes = [1]", "unauthorized_codes = [1]"),
            ("body_limit = 0", "body_limit = 0"),
            ("body = \"hunter2\"", "body = …"),
            ("token = \"env:TOKEN\"", "token = \"env:TOKEN\""),
            ("token = \"env:TOKEN\", password = \"hunter2\"", "token = …"),
            ("url = \"https://me:hunter2@host/a\"", "url = \"https://(hidden)@host/a\""),
            ("url = \"https://host/a?b=1&api_key=xyz\"", "url = \"https://host/a?b=1&api_key=(hidden) …"),
            ("[services.token-shop]", "[services.token-shop]"),
            ("headers.X-Mine = \"hunter2\"", "headers.X-Mine = …"),
        ] {
            assert_eq!(line(given, None).as_deref(), Some(shown), "{given}");
        }
        assert_eq!(line("pw = \"hunter2\" # x", Some(5)).as_deref(), Some("pw = …"));
    }

    #[test]
    fn addresses_lose_their_user_and_secret_parameters() {
        for (given, shown) in [
            ("plain", "plain"),
            ("http://u:p@h", "http://(hidden)@h"),
            ("http://h/?token=a&x=1", "http://h/?token=(hidden)&x=1"),
            ("http://h/ http://u:p@i/", "http://h/ http://(hidden)@i/"),
            ("http://u:p@ss@h/", "http://(hidden)@h/"),
            ("http://u:p/ss@h/x", "http://(hidden)@h/x"),
            ("http://h:80/@me", "http://h:80/@me"),
        ] {
            assert_eq!(text(given), shown);
        }
    }
}
