//! HTTP for channels: no redirects, a time limit, bounded answers, and one way to take them.
//!
//! A channel's address is often its secret: it stands in no error and in no log.

use crate::channel::{Arrival, Outcome, Unready};
use p7_settings::{Secret, SecretText};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use url::Url;

/// How long one request may take in all, answer included.
pub const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// How much of an answer is read, in bytes: what services say beside their status.
pub const ANSWER_LIMIT: usize = 64 * 1024;
/// Longest wait a channel may ask for; a longer one is a mistake, or leave.
const RETRY_AFTER_LIMIT: Duration = Duration::from_secs(3600);
/// How much of an answer is shown to people, in characters.
const EXCERPT_LIMIT: usize = 200;

/// An address that may be a secret: it never shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

impl Address {
    /// Takes an http or https address.
    ///
    /// # Errors
    /// What is wrong with it, in words without the address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|_unreadable| "is no address; it begins with https://")?;
        match (url.scheme(), url.host_str()) {
            ("http" | "https", Some(_)) => Ok(Self(url)),
            _ => Err("is no http or https address".to_owned()),
        }
    }

    /// Looks up an address that is kept as a secret; `key` names it in the channel's table.
    ///
    /// # Errors
    /// When the secret is not there, or is no address.
    pub fn resolve(secret: &Secret, key: &str, base: &Path) -> Result<Self, Unready> {
        let text = secret.resolve(base).map_err(|why| Unready::new(key, why.to_string()))?;
        Self::parse(text.expose()).map_err(|why| Unready::new(key, format!("what {secret} holds {why}")))
    }

    /// The address with `path` joined to it, for services with several.
    ///
    /// # Errors
    /// When that is no address.
    pub fn join(&self, path: &str) -> Result<Self, String> {
        self.0.join(path).map(Self).map_err(|why| format!("`{path}` can't be joined to the address: {why}"))
    }

    /// Its host, for rules about known hosts.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// A text without the address and its path, for what the far end says: that may repeat both.
    pub fn hidden_in(&self, text: &str) -> String {
        let text = text.replace(self.0.as_str(), "(address)");
        let path = self.0.path();
        if path.len() > 1 { text.replace(path, "(address)") } else { text }
    }

    fn is_loopback(&self) -> bool {
        let host = self.host().trim_matches(['[', ']']);
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(address)")
    }
}

/// A request as it will go out; shown without its address and its secrets.
#[derive(Clone)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Where to.
    pub address: Address,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Request {
    /// A GET.
    pub fn get(address: &Address) -> Self {
        Self { method: Method::GET, address: address.clone(), headers: HeaderMap::new(), body: Vec::new() }
    }

    /// A POST of JSON.
    pub fn json(address: &Address, body: &serde_json::Value) -> Self {
        Self::post(address, "application/json; charset=utf-8", body.to_string().into_bytes())
    }

    /// A POST of anything.
    pub fn post(address: &Address, content_type: &'static str, body: Vec<u8>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(reqwest::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { method: Method::POST, address: address.clone(), headers, body }
    }

    /// With one header more; one whose value no header can have is left out.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// With a secret as bearer token.
    #[must_use]
    pub fn bearing(mut self, token: &SecretText) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", token.expose())) {
            value.set_sensitive(true);
            self.headers.insert(reqwest::header::AUTHORIZATION, value);
        }
        self
    }

    /// The request as text, for snapshots: method, headers by name, and the body, JSON laid out.
    pub fn shown(&self) -> String {
        let mut lines = vec![self.method.to_string()];
        let mut headers: Vec<String> =
            self.headers.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect();
        headers.sort();
        lines.append(&mut headers);
        lines.push(String::new());
        lines.push(match serde_json::from_slice::<serde_json::Value>(&self.body) {
            Ok(json) => format!("{json:#}"),
            Err(_other) => String::from_utf8_lossy(&self.body).into_owned(),
        });
        lines.join("\n")
    }
}

fn shown(value: &HeaderValue) -> String {
    if value.is_sensitive() {
        "(secret)".to_owned()
    } else {
        String::from_utf8_lossy(value.as_bytes()).into_owned()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// How long to wait before another try, where the far end says so.
    pub retry_after: Option<Duration>,
    /// The first [`ANSWER_LIMIT`] bytes of the body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// What it says, for people: a line of the body.
    pub fn excerpt(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        text.trim().chars().map(clean).take(EXCERPT_LIMIT).collect()
    }

    /// The status, and what it says.
    pub fn words(&self) -> String {
        let excerpt = self.excerpt();
        if excerpt.is_empty() {
            format!("it answers {}", self.status)
        } else {
            format!("it answers {}: {excerpt}", self.status)
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// In lower-case words, without the address.
    pub why: String,
    /// Whether the request may have arrived.
    pub arrival: Arrival,
}

/// A client that keeps its connections.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    /// No proxy stands on the way to this machine itself.
    near: reqwest::Client,
}

impl Http {
    /// A client with the system's certificates and proxies.
    ///
    /// # Errors
    /// When TLS can't be set up, in words.
    pub fn new() -> Result<Self, String> {
        // an error only says that a provider is installed already
        drop(rustls::crypto::ring::default_provider().install_default());
        let builder = || {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(REQUEST_LIMIT)
                .pool_max_idle_per_host(2)
                .user_agent(concat!("p7/", env!("CARGO_PKG_VERSION")))
        };
        let broken = |error: reqwest::Error| format!("HTTP can't be set up: {}", root_of(&error));
        Ok(Self {
            client: builder().build().map_err(broken)?,
            near: builder().no_proxy().build().map_err(broken)?,
        })
    }

    /// Sends a request and reads the answer, within [`REQUEST_LIMIT`].
    ///
    /// # Errors
    /// When no answer came.
    pub async fn ask(&self, request: &Request) -> Result<Answer, Trouble> {
        let client = if request.address.is_loopback() { &self.near } else { &self.client };
        let asked = client
            .request(request.method.clone(), request.address.0.clone())
            .headers(request.headers.clone())
            .body(request.body.clone());
        let mut response = asked.send().await.map_err(|error| {
            let arrival =
                if error.is_connect() || error.is_builder() { Arrival::No } else { Arrival::Perhaps };
            Trouble { why: root_of(&error), arrival }
        })?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers(), SystemTime::now());
        let mut body = Vec::new();
        // the status has said it: a body that breaks off changes nothing
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = ANSWER_LIMIT.saturating_sub(body.len());
            body.extend(chunk.iter().take(room));
            if chunk.len() >= room {
                break;
            }
        }
        Ok(Answer { status, retry_after, body })
    }

    /// Sends a request and takes the answer as HTTP means it; `accepted` reads a receipt out of a 2xx
    /// answer, or says otherwise where services answer 200 to everything.
    pub async fn send(&self, request: &Request, accepted: impl FnOnce(&Answer) -> Outcome) -> Outcome {
        match self.ask(request).await {
            Ok(answer) => take(&answer, accepted),
            Err(trouble) => Outcome::Retry { after: None, why: trouble.why, arrival: trouble.arrival },
        }
    }
}

/// An answer as HTTP means it: 2xx is for `accepted` to say, 408, 425, 429 and 5xx may be tried again,
/// everything else is refused for good.
pub fn take(answer: &Answer, accepted: impl FnOnce(&Answer) -> Outcome) -> Outcome {
    let status = answer.status;
    match status {
        200..=299 => accepted(answer),
        // a gateway that gives up may have passed the request on
        408 | 425 | 429 | 500..=599 => Outcome::Retry {
            after: answer.retry_after,
            why: answer.words(),
            arrival: if matches!(status, 408 | 502 | 504) { Arrival::Perhaps } else { Arrival::No },
        },
        300..=399 => Outcome::Refused {
            why: format!("it answers {status}, a redirect, which is not followed"),
            what_to_do: "give the address it leads to".to_owned(),
        },
        401 | 403 => Outcome::Refused {
            why: answer.words(),
            what_to_do: "check the channel's credentials: they are wrong, expired, or may not do this"
                .to_owned(),
        },
        404 | 410 => Outcome::Refused {
            why: answer.words(),
            what_to_do: "check the channel's address: nothing is there (any more)".to_owned(),
        },
        _ => Outcome::Refused {
            why: answer.words(),
            what_to_do: "check the channel's settings against what the far end expects".to_owned(),
        },
    }
}

/// Accepted, without a receipt.
pub fn no_receipt(_: &Answer) -> Outcome {
    Outcome::Sent(None)
}

/// Accepted, with this receipt.
pub fn receipt(text: &str) -> Outcome {
    Outcome::Sent(Some(Arc::from(text)))
}

/// What `Retry-After` says: seconds, or an HTTP date (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_date) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(RETRY_AFTER_LIMIT))
}

/// The innermost cause in words; the outer ones name the address.
fn root_of(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", REQUEST_LIMIT.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if std::ptr::addr_eq(std::ptr::from_ref(cause), std::ptr::from_ref(error)) {
        return "the request could not be sent".to_owned();
    }
    let text = cause.to_string().to_lowercase();
    text.split_once(" (os error").map_or(text.clone(), |(plain, _code)| plain.to_owned())
}

#[cfg(test)]
#[path = "tests/unit/http.rs"]
mod tests;
