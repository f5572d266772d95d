//! Gatus conditions, such as `[STATUS] == 200`, as what our HTTP test asks.

use super::codes::Codes;
use super::draft::{DraftAsks, DraftHttp, DraftJson, regex_of, wanted};
use std::time::Duration;

/// What the conditions of one endpoint ask together.
#[derive(Debug)]
pub(super) struct Asked {
    /// The status codes that satisfy all conditions on it; none when there is no such condition.
    pub(super) codes: Option<Codes>,
    /// The rest.
    pub(super) http: DraftHttp,
}

/// Takes one condition over, or says why not.
pub(super) fn take(asked: &mut Asked, condition: &str) -> Result<(), &'static str> {
    let (left, op, right) = parts(condition).ok_or("it is no condition of the form `LEFT == RIGHT`")?;
    match left {
        "[STATUS]" => {
            let codes = codes(op, right).ok_or("p7 can't ask this of a status code")?;
            asked.codes = Some(match &asked.codes {
                Some(known) => known.and(&codes),
                None => codes,
            });
            Ok(())
        }
        "[RESPONSE_TIME]" => {
            let limit = right.parse().ok().map(Duration::from_millis);
            let limit = limit.filter(|l| !l.is_zero() && matches!(op, "<" | "<="));
            asked.http.max_latency = Some(limit.ok_or("only an upper limit in milliseconds is known to p7")?);
            Ok(())
        }
        "[CERTIFICATE_EXPIRATION]" => {
            let least = humantime::parse_duration(right).ok().filter(|_| matches!(op, ">" | ">="));
            asked.http.certificate_left = Some(least.ok_or("only a least remaining time is known to p7")?);
            Ok(())
        }
        // what our tests ask anyway
        "[CONNECTED]" if op == "==" && right == "true" => Ok(()),
        "[BODY]" => body(asked, op, right),
        path if path.starts_with("[BODY]") => json(asked, path, op, right),
        path if path.starts_with("has(") && path.ends_with(')') => {
            let path = path.strip_prefix("has(").and_then(|p| p.strip_suffix(')'));
            has(asked, path.unwrap_or(""), op, right)
        }
        "[IP]" | "[DNS_RCODE]" | "[DOMAIN_EXPIRATION]" | "[CONNECTED]" => {
            Err("p7's tests do not look at this")
        }
        _ => Err("p7 knows no such function or place"),
    }
}

/// Left side, operator, right side.
fn parts(condition: &str) -> Option<(&str, &str, &str)> {
    for op in ["==", "!=", "<=", ">=", "<", ">"] {
        if let Some((left, right)) = condition.split_once(&format!(" {op} ")) {
            return Some((left.trim(), op, right.trim()));
        }
    }
    None
}

fn codes(op: &str, right: &str) -> Option<Codes> {
    let listed = right
        .strip_prefix("any(")
        .and_then(|r| r.strip_suffix(')'))
        .map_or_else(|| vec![right], |list| list.split(',').map(str::trim).collect());
    let numbers: Vec<u16> = listed.iter().map(|c| c.parse().ok()).collect::<Option<_>>()?;
    let first = *numbers.first()?;
    match (op, numbers.len()) {
        ("==", _) => Some(Codes::where_(|c| numbers.contains(&c))),
        ("!=", 1) => Some(Codes::where_(|c| c != first)),
        ("<", 1) => Some(Codes::where_(|c| c < first)),
        ("<=", 1) => Some(Codes::where_(|c| c <= first)),
        (">", 1) => Some(Codes::where_(|c| c > first)),
        (">=", 1) => Some(Codes::where_(|c| c >= first)),
        _ => None,
    }
}

/// `[BODY] == pat(*x*)` asks for a text, `!=` forbids it; `any(…)` offers several.
fn body(asked: &mut Asked, op: &str, right: &str) -> Result<(), &'static str> {
    let contained = |pattern: &str| -> Option<String> {
        let inner = pattern.strip_prefix("pat(*")?.strip_suffix("*)")?;
        // an empty text is in every body
        (!inner.trim().is_empty() && plain(inner)).then(|| wanted(inner))
    };
    let one =
        contained(right).ok_or("p7 looks for texts inside a body: only pat(*text*) can be carried over");
    match op {
        "==" if asked.http.success_text.is_empty() => {
            asked.http.success_text.push(one?);
            Ok(())
        }
        "==" => Err("p7 asks for one of several texts, not for all of them"),
        "!=" => {
            asked.http.failure_text.push(one?);
            Ok(())
        }
        _ => Err("p7 looks for texts inside a body"),
    }
}

/// Whether a pattern has nothing but its outer stars.
fn plain(pattern: &str) -> bool {
    !pattern.trim().is_empty() && !pattern.contains(['*', '?', '['])
}

/// `[BODY].status == UP` as a condition on a JSONPath.
fn json(asked: &mut Asked, path: &str, op: &str, right: &str) -> Result<(), &'static str> {
    let path = path.strip_prefix("[BODY]").unwrap_or(path);
    if !is_path(path) {
        return Err("its path is not a plain one such as [BODY].data[0].status");
    }
    let inside = |name: &str| right.strip_prefix(name).and_then(|r| r.strip_suffix(')'));
    let asks = match op {
        "==" if right.starts_with('[') => {
            return Err("p7 compares a value of a JSON body with a fixed one only");
        }
        "==" => match (inside("any("), inside("pat(")) {
            (Some(list), _) => {
                let all: Vec<String> = list.split(',').map(|v| regex_of(v.trim())).collect();
                DraftAsks::Matches(format!("regex:^(?:{})$", all.join("|")))
            }
            (None, Some(pattern)) => {
                let inner = pattern.strip_prefix('*').and_then(|p| p.strip_suffix('*'));
                let inner = inner
                    .filter(|p| plain(p))
                    .ok_or("only patterns of the form *text* can be carried over")?;
                DraftAsks::Matches(wanted(inner))
            }
            (None, None) => DraftAsks::equal_to(right),
        },
        ">=" => {
            DraftAsks::AtLeast(right.parse().map_err(|_no_number| "it is compared with no whole number")?)
        }
        "<=" => DraftAsks::AtMost(right.parse().map_err(|_no_number| "it is compared with no whole number")?),
        _ => return Err("p7 compares a value of a JSON body by ==, >= and <= only"),
    };
    asked.http.json.push(DraftJson { path: format!("${path}"), asks });
    Ok(())
}

/// `has([BODY].path) == true`.
fn has(asked: &mut Asked, path: &str, op: &str, right: &str) -> Result<(), &'static str> {
    let exists = match (op, right) {
        ("==", "true") | ("!=", "false") => true,
        ("==", "false") | ("!=", "true") => false,
        _ => return Err("it is compared with neither true nor false"),
    };
    let path = path.strip_prefix("[BODY]").filter(|p| is_path(p));
    asked.http.json.push(DraftJson {
        path: format!("${}", path.ok_or("its path is not a plain one such as [BODY].data[0].status")?),
        asks: DraftAsks::Exists(exists),
    });
    Ok(())
}

/// Whether `$` and this path make a JSONPath: names after dots, whole numbers in brackets.
fn is_path(path: &str) -> bool {
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(1..).unwrap_or("");
        let (inside, next) = match first {
            '.' => after.split_at(after.find(['.', '[', ']']).unwrap_or(after.len())),
            '[' => match after.split_once(']') {
                Some((index, next)) if index.bytes().all(|b| b.is_ascii_digit()) => (index, next),
                Some(_) | None => return false,
            },
            _ => return false,
        };
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let digit_first = inside.starts_with(|c: char| c.is_ascii_digit());
        let fits = first == '[' || (inside.chars().all(name) && !digit_first);
        if inside.is_empty() || inside.len() > 15 && first == '[' || inside.len() > 100 || !fits {
            return false;
        }
        rest = next;
    }
    !path.is_empty()
}
