//! Request bodies: read to a limit, taken as JSON of one shape, and every fault said in words.

use super::dto::ScopeDto;
use super::time;
use crate::problem::Problem;
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use p7_core::facts::{DeploymentState, NOTE_LIMIT};
use p7_core::vocabulary::{MeshTime, Millis};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use std::time::Duration;
use utoipa::ToSchema;

/// Largest request body, in bytes: every statement fits into a tenth of it.
pub(crate) const BODY_LIMIT: usize = 16 * 1024;
/// Largest shared configuration, in bytes: some thousand services.
pub(crate) const CONFIGURATION_LIMIT: usize = 512 * 1024;
/// The types of a statement.
const JSON: [&str; 1] = ["application/json"];
/// The types of a configuration.
const TOML: [&str; 2] = ["application/toml", "text/plain"];
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest name of a person, deployment or environment, in characters.
pub(crate) const NAME_LIMIT: usize = 100;
/// How far from now a silence or maintenance may end: a year and a day.
const HOLD_LIMIT: Millis = Millis::seconds(366 * 86_400);

/// Who acknowledges the open incident, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AcknowledgeBody)]
pub(crate) struct AcknowledgeBody {
    /// Who.
    #[schema(min_length = 1, max_length = 100, pattern = r"[^\s\x00-\x1f\x7f-\x9f]", example = "anna")]
    pub(crate) by: String,
    /// What they say; what is beyond 500 bytes of UTF-8 is cut off.
    #[serde(default)]
    #[schema(max_length = 500, example = "the disk is being replaced")]
    pub(crate) reason: String,
}

/// A silence or a maintenance: either `ends_at` or `duration_ms` says how long.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HoldBody)]
pub(crate) struct HoldBody {
    /// What it covers.
    pub(crate) scope: ScopeDto,
    /// From when; now, if absent.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    starts_at: Option<Moment>,
    /// Until when.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    ends_at: Option<Moment>,
    /// For how long, instead of `ends_at`: up to 366 days.
    #[serde(default, deserialize_with = "whole")]
    #[schema(minimum = 1000, maximum = 31_622_400_000_u64, nullable = false, example = 3_600_000)]
    duration_ms: Option<u64>,
    /// Who.
    #[schema(min_length = 1, max_length = 100, pattern = r"[^\s\x00-\x1f\x7f-\x9f]", example = "anna")]
    pub(crate) by: String,
    /// Why; what is beyond 500 bytes of UTF-8 is cut off.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) reason: String,
}

/// How a deployment is getting on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeploymentBody)]
pub(crate) struct DeploymentBody {
    /// Its name, such as a release number.
    #[schema(min_length = 1, max_length = 100, pattern = r"[^\s\x00-\x1f\x7f-\x9f]", example = "v2.14.0")]
    pub(crate) name: String,
    /// Who or what deploys.
    #[schema(min_length = 1, max_length = 100, pattern = r"[^\s\x00-\x1f\x7f-\x9f]", example = "ci")]
    pub(crate) by: String,
    /// How it is getting on.
    #[schema(value_type = DeploymentStateWord)]
    pub(crate) state: DeploymentState,
    /// Where to read more.
    #[serde(default, deserialize_with = "given")]
    #[schema(
        max_length = 500,
        nullable = false,
        pattern = r"^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?([/?#][!-~]*)?$"
    )]
    pub(crate) link: Option<String>,
}

/// How a deployment is getting on, in a word.
#[derive(ToSchema)]
#[schema(as = DeploymentState, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the core's type in the OpenAPI document")]
enum DeploymentStateWord {
    Running,
    Succeeded,
    Failed,
}

/// Nothing needs to be said: `{}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EmptyBody)]
pub(crate) struct EmptyBody {}

/// A moment in RFC 3339.
#[derive(Debug, Clone, Copy)]
struct Moment(MeshTime);

/// A field that may be absent but, if it is there, has a value: `null` would leave open what is meant.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A whole number, which JSON may also write as `60000.0`.
fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let number = serde_json::Number::deserialize(from)?;
    let fits = |n: &f64| n.fract() == 0.0 && (0.0..1e15).contains(n);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just before")]
    let exact = |n: f64| n as u64;
    let found = number.as_u64().or_else(|| number.as_f64().filter(fits).map(exact));
    found.map(Some).ok_or_else(|| D::Error::custom(format!("`{number}` is no number of milliseconds")))
}

/// The same for a field that must be there.
pub(crate) fn millis<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    whole(from)?.ok_or_else(|| D::Error::custom("there is no number of milliseconds"))
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        time::parse(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is no time; write it as 2026-01-31T12:00:00Z")))
    }
}

/// From when until when a hold is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// From when; none is now.
    pub(crate) starts: Option<MeshTime>,
    /// Until when.
    pub(crate) ends: MeshTime,
}

impl HoldBody {
    /// From when until when, if that makes sense at `now`.
    pub(crate) fn span(&self, now: MeshTime) -> Result<Span, Problem> {
        let starts = self.starts_at.map(|moment| moment.0);
        let begins = starts.unwrap_or(now);
        let ends = match (self.ends_at, self.duration_ms) {
            (Some(ends), None) => ends.0,
            (None, Some(duration @ 1000..)) if duration <= HOLD_LIMIT.0 => begins.plus(Millis(duration)),
            (None, Some(_)) => {
                return Err(Problem::bad_body(format!(
                    "`duration_ms` is a number from 1000 to {} (366 days)",
                    HOLD_LIMIT.0
                )));
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(Problem::bad_body("give either `ends_at` or `duration_ms`"));
            }
        };
        // whether these hold depends on when they are asked: the same body is fine at another time
        if ends <= begins {
            return Err(Problem::conflict("it ends before it starts; correct `ends_at`"));
        }
        if ends <= now {
            return Err(Problem::conflict("it would have ended already; correct its times"));
        }
        if ends.since(now) > HOLD_LIMIT {
            return Err(Problem::conflict("it ends more than 366 days from now; correct its times"));
        }
        Ok(Span { starts, ends })
    }
}

/// The body of `request` as JSON of the shape `T`.
pub(crate) async fn json<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<T, Problem> {
    let bytes = read(request, payload, &JSON, BODY_LIMIT).await?;
    parsed(&bytes)
}

fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // a list of the fields' values would be taken for an object of them
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::bad_body("send a JSON object: {…}"));
    }
    serde_json::from_slice(bytes).map_err(|error| Problem::bad_body(error.to_string()))
}

/// The body of `request` as the text of a configuration.
pub(crate) async fn toml(request: &HttpRequest, payload: web::Payload) -> Result<String, Problem> {
    let bytes = read(request, payload, &TOML, CONFIGURATION_LIMIT).await?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| Problem::bad_body(format!("the body is not UTF-8: {error}")))?;
    Ok(text.to_owned())
}

/// The body, if it is of one of these types and not larger than `limit`.
async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    kinds: &[&'static str],
    limit: usize,
) -> Result<web::Bytes, Problem> {
    // a browser asks before it sends JSON elsewhere, which also keeps forms of foreign pages out
    let kind =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if !kinds.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Err(Problem::unsupported_type(kinds));
    }
    match tokio::time::timeout(BODY_TIMEOUT, payload.to_bytes_limited(limit)).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(error))) => Err(Problem::bad_body(format!("the body can't be read: {error}"))),
        Ok(Err(_too_large)) => Err(Problem::too_large(limit)),
        Err(_late) => Err(Problem::timeout("the body did not arrive within 10 seconds")),
    }
}

/// A name of the field `field` as it may be stored.
pub(crate) fn name(field: &str, text: &str) -> Result<String, Problem> {
    let clean = cleaned(text);
    if clean.is_empty() {
        return Err(Problem::bad_body(format!("`{field}` is empty")));
    }
    if text.chars().count() > NAME_LIMIT {
        return Err(Problem::bad_body(format!("`{field}` is longer than {NAME_LIMIT} characters")));
    }
    Ok(clean)
}

/// A reason as it may be stored; may be empty.
pub(crate) fn reason(text: &str) -> Result<String, Problem> {
    if text.chars().count() > NOTE_LIMIT {
        return Err(Problem::bad_body(format!("`reason` is longer than {NOTE_LIMIT} characters")));
    }
    Ok(cleaned(text))
}

/// An address people can follow.
pub(crate) fn link(text: Option<String>) -> Result<Option<String>, Problem> {
    let Some(text) = text else {
        return Ok(None);
    };
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if rest.is_some_and(is_web_address) && text.len() <= NOTE_LIMIT {
        return Ok(Some(text));
    }
    Err(Problem::bad_body(format!(
        "`link` is an address such as https://ci.example.org/42, at most {NOTE_LIMIT} characters, none of them blank \
         or outside of ASCII"
    )))
}

/// A host name or IPv4 address, perhaps a port, and what follows: the pattern that the description shows.
fn is_web_address(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    let ends_well = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    rest.bytes().all(|b| b.is_ascii_graphic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        && ends_well(name.chars().next())
        && ends_well(name.chars().next_back())
        && (1..=5).contains(&port.len())
        && port.bytes().all(|b| b.is_ascii_digit())
}

fn cleaned(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(json: &str) -> Result<Span, String> {
        let body: HoldBody = serde_json::from_str(json).unwrap();
        body.span(MeshTime(1_000_000)).map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_hold_ends_at_a_moment_or_after_a_duration_but_not_both() {
        let start = r#""scope":"all","by":"anna""#;
        assert_eq!(
            span(&format!(r#"{{{start},"duration_ms":60000}}"#)),
            Ok(Span { starts: None, ends: MeshTime(1_060_000) })
        );
        assert_eq!(
            span(&format!(r#"{{{start},"starts_at":"1970-01-01T01:00:00Z","duration_ms":1000}}"#)),
            Ok(Span { starts: Some(MeshTime(3_600_000)), ends: MeshTime(3_601_000) })
        );
        for (rest, fault) in [
            ("", "either `ends_at` or `duration_ms`"),
            (r#","duration_ms":60000,"ends_at":"1970-01-01T01:00:00Z""#, "either"),
            (r#","duration_ms":0"#, "from 1000"),
            (r#","ends_at":"1970-01-01T00:00:01Z""#, "ends before it starts"),
            (r#","starts_at":"1970-01-01T00:00:01Z","ends_at":"1970-01-01T00:00:02Z""#, "ended already"),
            (r#","ends_at":"1990-01-01T00:00:02Z""#, "more than 366 days from now"),
        ] {
            let error = span(&format!("{{{start}{rest}}}")).unwrap_err();
            assert!(error.contains(fault), "{error}");
        }
    }

    #[test]
    fn a_list_is_no_object() {
        assert!(parsed::<EmptyBody>(b" {}").is_ok());
        for bad in ["[]", "null", "", "\"x\""] {
            assert!(parsed::<EmptyBody>(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn control_characters_of_a_name_become_blanks_and_an_empty_one_is_refused() {
        assert_eq!(name("by", " an\u{7}na\n").unwrap(), "an na");
        for bad in ["", "  \u{0}", &"x".repeat(101)] {
            assert!(name("by", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_link_is_an_http_address() {
        assert!(link(Some("https://ci.example.org/1".into())).is_ok());
        for good in ["http://a", "https://a.b-c:8080?x=1", "https://10.0.0.1/x/[1]#y"] {
            assert!(link(Some(good.into())).is_ok(), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "https://",
            "https://a b",
            "ftp://x",
            "http://[",
            "http://a:x",
            "http://-",
        ] {
            assert!(link(Some(bad.into())).is_err(), "{bad}");
        }
    }
}
