//! One request to a source: bounded in time and size, conditional where the source allows, and its
//! refusals in words.

use p7_settings::SecretText;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use reqwest::{Client, Method, StatusCode};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// How long one request may take in all, its body included.
pub(crate) const REQUEST_WITHIN: Duration = Duration::from_secs(20);
/// How long the connection may take of that.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Largest body that is read, in bytes. A hundred classic deployments with their approvals are some 1 MB.
const BODY_LIMIT: usize = 8 * 1024 * 1024;
/// Largest body that is kept for the next answer "not modified", in bytes.
const KEPT_BODY_LIMIT: usize = 256 * 1024;
/// All of them together, in bytes.
const KEPT_LIMIT: usize = 16 * 1024 * 1024;
/// Longest ETag that is kept, in bytes.
const ETAG_LIMIT: usize = 256;
/// What the client calls itself. GitHub takes no request without.
const USER_AGENT: &str = "Protocol7";

/// Why a source gave nothing. Never holds a token: what went out is not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// What it is, for the metric.
    pub(crate) kind: TroubleKind,
    /// What failed, in words, without the source's name.
    pub(crate) what: String,
    /// How long the source wants to be left alone, if it said so.
    pub(crate) wait: Option<Duration>,
}

/// What kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TroubleKind {
    /// The token is not here.
    NoToken,
    /// The token is not taken, or may not do this.
    Refused,
    /// What was asked for is not there, or not for this token.
    NotFound,
    /// Too many requests.
    Limited,
    /// No connection, or no answer in time.
    Unreachable,
    /// An answer that makes no sense.
    BadAnswer,
}

impl TroubleKind {
    /// Its name in `p7_deployments_polls_total{result}`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::Refused => "refused",
            Self::NotFound => "not_found",
            Self::Limited => "limited",
            Self::Unreachable => "unreachable",
            Self::BadAnswer => "bad_answer",
        }
    }

    /// Whether the other questions of the poll may still be answered.
    pub(crate) fn concerns_one(self) -> bool {
        match self {
            Self::NotFound | Self::BadAnswer => true,
            Self::NoToken | Self::Refused | Self::Limited | Self::Unreachable => false,
        }
    }
}

impl Trouble {
    pub(crate) fn new(kind: TroubleKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), wait: None }
    }

    pub(crate) fn bad(what: impl Into<String>) -> Self {
        Self::new(TroubleKind::BadAnswer, what)
    }
}

/// How the token is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    /// As the password of an empty user (Azure DevOps).
    BasicPassword,
    /// As a bearer (GitHub).
    Bearer,
    /// In the header `PRIVATE-TOKEN` (GitLab).
    PrivateToken,
}

/// What a source's requests have in common.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    /// How the token is sent.
    pub(crate) login: Login,
    /// The `Accept` header.
    pub(crate) accept: &'static str,
    /// Further headers.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// What the token must be allowed, in words.
    pub(crate) scope: &'static str,
    /// Where the token comes from, such as `env:GITHUB_TOKEN`.
    pub(crate) token_at: String,
}

#[derive(Debug, Clone)]
struct Kept {
    etag: HeaderValue,
    body: Arc<[u8]>,
}

/// Asks one source.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher {
    client: Client,
    manner: Arc<Manner>,
    kept: Arc<Mutex<BTreeMap<String, Kept>>>,
}

/// A good answer.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    /// What it says.
    pub(crate) bytes: Arc<[u8]>,
    /// How long the source wants to be left alone from now on, if it said so.
    pub(crate) wait: Option<Duration>,
}

impl Fetcher {
    /// A client of its own for a source; `within` is how long one request may take.
    pub(crate) fn new(manner: Manner, within: Duration) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .timeout(within)
            .connect_timeout(CONNECT_WITHIN)
            // a redirect is the sign-in page of a refused token, and another host must not get the token
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(USER_AGENT)
            .build()?;
        Ok(Self { client, manner: Arc::new(manner), kept: Arc::default() })
    }

    /// Asks for a document. `now` is the wall clock in seconds, for rate limits that name a moment.
    pub(crate) async fn get(&self, url: &Url, token: &SecretText, now: u64) -> Result<Body, Trouble> {
        let mut request = self.client.request(Method::GET, url.clone()).header(ACCEPT, self.manner.accept);
        for (name, value) in self.manner.headers {
            request = request.header(*name, *value);
        }
        request = self.log_in(request, token)?;
        let kept = self.lock().get(url.as_str()).cloned();
        if let Some(kept) = &kept {
            request = request.header(IF_NONE_MATCH, &kept.etag);
        }
        let answer = request.send().await.map_err(|error| unreachable(url, &error))?;
        let wait = wait_of(answer.status(), answer.headers(), now);
        if let (StatusCode::NOT_MODIFIED, Some(kept)) = (answer.status(), kept) {
            return Ok(Body { bytes: kept.body, wait });
        }
        if answer.status() != StatusCode::OK || !is_json(answer.headers()) {
            return Err(Trouble { wait, ..self.explain(url, answer.status(), answer.headers()) });
        }
        let etag = answer.headers().get(ETAG).filter(|etag| etag.len() <= ETAG_LIMIT).cloned();
        let bytes = read(answer, url).await?;
        self.keep(url, etag, &bytes);
        Ok(Body { bytes, wait })
    }

    fn log_in(
        &self,
        request: reqwest::RequestBuilder,
        token: &SecretText,
    ) -> Result<reqwest::RequestBuilder, Trouble> {
        let secret = |text: &str| {
            let mut value = HeaderValue::from_str(text).map_err(|_not_a_header| {
                let at = &self.manner.token_at;
                let what = format!("the token in {at} has characters no token has; is it the right one?");
                Trouble::new(TroubleKind::NoToken, what)
            })?;
            value.set_sensitive(true);
            Ok(value)
        };
        Ok(match self.manner.login {
            Login::BasicPassword => request.basic_auth("", Some(token.expose())),
            Login::Bearer => request.header(AUTHORIZATION, secret(&format!("Bearer {}", token.expose()))?),
            Login::PrivateToken => request.header("PRIVATE-TOKEN", secret(token.expose())?),
        })
    }

    fn explain(&self, url: &Url, status: StatusCode, headers: &HeaderMap) -> Trouble {
        let (scope, at, code) = (self.manner.scope, &self.manner.token_at, status.as_u16());
        let place = place(url);
        let renew = format!("it needs {scope}; make a token with that and set it in {at}");
        if is_limited(status, headers) {
            return Trouble::new(TroubleKind::Limited, format!("{place} wants fewer requests ({code})"));
        }
        match code {
            401 => Trouble::new(TroubleKind::Refused, format!("the token is refused (401): {renew}")),
            403 => {
                Trouble::new(TroubleKind::Refused, format!("the token may not read {place} (403): {renew}"))
            }
            // Azure DevOps shows its sign-in page to a token that it does not know, or that has expired
            203 | 301 | 302 | 303 | 307 | 308 => Trouble::new(
                TroubleKind::Refused,
                format!("the token is refused: {place} answers with a way to sign in ({code}): {renew}"),
            ),
            404 => Trouble::new(
                TroubleKind::NotFound,
                format!("{place} is not there (404), or the token may not see it: check the name; {renew}"),
            ),
            400 | 422 => Trouble::bad(format!(
                "{place} does not understand the question ({code}); check the names in its configuration"
            )),
            200 => Trouble::bad(format!("{place} answers with something that is no JSON; is `url` right?")),
            500..=599 => {
                Trouble::new(TroubleKind::Unreachable, format!("{place} has an error of its own ({code})"))
            }
            _ => Trouble::bad(format!("{place} answers {code}; is `url` right?")),
        }
    }

    fn keep(&self, url: &Url, etag: Option<HeaderValue>, body: &Arc<[u8]>) {
        let mut kept = self.lock();
        kept.remove(url.as_str());
        let Some(etag) = etag.filter(|_| body.len() <= KEPT_BODY_LIMIT) else { return };
        let held: usize = kept.values().map(|kept| kept.body.len()).sum();
        if held + body.len() <= KEPT_LIMIT {
            kept.insert(url.as_str().to_owned(), Kept { etag, body: Arc::clone(body) });
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(mut answer: reqwest::Response, url: &Url) -> Result<Arc<[u8]>, Trouble> {
    let too_large = || Trouble::bad(format!("{} answers with more than 8 MiB", place(url)));
    let told = answer.content_length().and_then(|length| usize::try_from(length).ok());
    if told.is_some_and(|length| length > BODY_LIMIT) {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(told.unwrap_or(0));
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreachable(url, &error))? {
        if bytes.len() + chunk.len() > BODY_LIMIT {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

/// Host and path: enough to find it, and nothing of the query.
fn place(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path: String = url.path().chars().take(200).collect();
    format!("{}{port}{path}", url.host_str().unwrap_or_default())
}

fn unreachable(url: &Url, error: &reqwest::Error) -> Trouble {
    let place = place(url);
    let what = if error.is_timeout() {
        format!("{place} does not answer in time ({} s)", REQUEST_WITHIN.as_secs())
    } else {
        format!("{place} can't be reached: {}", root_of(error))
    };
    Trouble::new(TroubleKind::Unreachable, what)
}

/// The innermost cause: the outer ones only say that a request failed.
fn root_of(error: &reqwest::Error) -> String {
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string().chars().take(200).collect()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// Names of "how many requests are left" and "when there are more again", the latter in seconds since 1970.
const LIMITS: [(&str, &str); 2] =
    [("x-ratelimit-remaining", "x-ratelimit-reset"), ("ratelimit-remaining", "ratelimit-reset")];

/// Whether no request is left.
fn is_spent(headers: &HeaderMap) -> bool {
    LIMITS.iter().any(|(remaining, _)| number(headers, remaining) == Some(0))
}

/// GitHub says 403 for a limit, too.
fn is_limited(status: StatusCode, headers: &HeaderMap) -> bool {
    let forbidden = status == StatusCode::FORBIDDEN;
    status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::SERVICE_UNAVAILABLE && headers.contains_key("retry-after")
        || forbidden && (headers.contains_key("retry-after") || is_spent(headers))
}

/// How long the source wants to be left alone: `Retry-After` in seconds or as a date, or else until the
/// limit is lifted.
fn wait_of(status: StatusCode, headers: &HeaderMap, now: u64) -> Option<Duration> {
    let after = headers.get("retry-after").and_then(|value| value.to_str().ok()).map(str::trim);
    let seconds = after.and_then(|text| text.parse().ok());
    let dated = after.and_then(|text| chrono::DateTime::parse_from_rfc2822(text).ok());
    let dated = dated.and_then(|at| u64::try_from(at.timestamp()).ok()).map(|at| at.saturating_sub(now));
    let spent = is_limited(status, headers) || is_spent(headers);
    let reset = LIMITS.iter().find_map(|(_, reset)| number(headers, reset)).filter(|_| spent);
    seconds.or(dated).or(reset.map(|at| at.saturating_sub(now))).map(Duration::from_secs)
}
