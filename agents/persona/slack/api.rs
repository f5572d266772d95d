//! The few methods of Slack's web API that are needed, over HTTPS.
//!
//! Source: docs.slack.dev (auth.test, apps.connections.open, chat.postMessage, chat.update, users.info,
//! usergroups.users.list). Slack answers 200 to nearly everything and says in `ok` and `error` what became
//! of it; 429 comes with `Retry-After` in seconds.

use p7_settings::SecretText;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;
use std::time::{Duration, SystemTime};
use url::Url;

/// Where Slack's methods are.
pub(crate) const SLACK: &str = "https://slack.com/api/";
/// How long one request may take in all.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// How much of an answer is read, in bytes: the members of a large user group.
const ANSWER_LIMIT: usize = 512 * 1024;
/// Longest wait that is taken from Slack.
const RETRY_AFTER_LIMIT: Duration = Duration::from_secs(3600);

/// Why a method was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    /// Too much at once.
    #[error("Slack asks to wait {} s", .0.as_secs())]
    Limited(Duration),
    /// It is refused, and will be again until somebody changes something.
    #[error("Slack says {0}; {advice}", advice = advice(.0))]
    Refused(String),
    /// It did not work this time.
    #[error("{0}")]
    Failed(String),
}

/// Slack's web API.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    base: Url,
    client: reqwest::Client,
}

impl Api {
    /// The API at an address that ends with a slash.
    ///
    /// # Errors
    /// When TLS can't be set up, in words.
    pub(crate) fn new(base: Url) -> Result<Self, String> {
        // an error only says that a provider is installed already
        drop(rustls::crypto::ring::default_provider().install_default());
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(REQUEST_LIMIT)
            .pool_max_idle_per_host(2)
            .user_agent(concat!("p7/", env!("CARGO_PKG_VERSION")));
        // no proxy stands on the way to this machine itself
        let builder = if is_loopback(&base) { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|why| format!("HTTP can't be set up: {}", without_url(why)))?;
        Ok(Self { base, client })
    }

    /// Calls a method with fields of a form, as all of them take it.
    pub(crate) async fn form(
        &self,
        method: &str,
        token: &SecretText,
        fields: &[(&str, &str)],
    ) -> Result<Value, Trouble> {
        let request = self.client.post(self.address(method)?).bearer_auth(token.expose()).form(fields);
        self.call(request).await
    }

    /// Calls a method with JSON, as those that write take it.
    pub(crate) async fn json(
        &self,
        method: &str,
        token: &SecretText,
        body: &Value,
    ) -> Result<Value, Trouble> {
        let request = self.client.post(self.address(method)?).bearer_auth(token.expose());
        self.call(request.header("Content-Type", "application/json; charset=utf-8").body(body.to_string()))
            .await
    }

    /// Answers at an address that Slack gave for it: one of Slack's, or of the same host as the API.
    pub(crate) async fn respond(&self, address: &str, body: &Value) -> Result<(), Trouble> {
        let refused = || Trouble::Failed("the address to answer at is none of Slack's".to_owned());
        let url = Url::parse(address).map_err(|_unreadable| refused())?;
        let host = url.host_str().unwrap_or_default();
        let slacks = url.scheme() == "https" && (host == "slack.com" || host.ends_with(".slack.com"));
        let ours = url.scheme() == self.base.scheme() && url.host() == self.base.host();
        if !(slacks || ours) {
            return Err(refused());
        }
        let request = self.client.post(url).header("Content-Type", "application/json").body(body.to_string());
        let answer = request.send().await.map_err(|why| Trouble::Failed(without_url(why)))?;
        match answer.status().as_u16() {
            200..=299 => Ok(()),
            429 => Err(Trouble::Limited(retry_after(answer.headers()))),
            status => Err(Trouble::Failed(format!("Slack answers {status}"))),
        }
    }

    fn address(&self, method: &str) -> Result<Url, Trouble> {
        self.base.join(method).map_err(|why| Trouble::Failed(why.to_string()))
    }

    async fn call(&self, request: reqwest::RequestBuilder) -> Result<Value, Trouble> {
        let failed = |why: reqwest::Error| Trouble::Failed(without_url(why));
        let mut answer = request.send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        if status == 429 {
            return Err(Trouble::Limited(retry_after(answer.headers())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > ANSWER_LIMIT {
                return Err(Trouble::Failed("Slack's answer is too large".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        let Ok(said) = serde_json::from_slice::<Value>(&body) else {
            return Err(Trouble::Failed(format!("it answers {status} and what is not Slack's")));
        };
        if said["ok"] == true {
            return Ok(said);
        }
        let error: String = said["error"].as_str().unwrap_or("an unnamed error").chars().take(60).collect();
        Err(match error.as_str() {
            "ratelimited" | "rate_limited" => Trouble::Limited(Duration::from_secs(30)),
            "internal_error"
            | "fatal_error"
            | "service_unavailable"
            | "request_timeout"
            | "team_added_to_org" => Trouble::Failed(format!("Slack says {error}")),
            _ => Trouble::Refused(error),
        })
    }
}

/// Whether an address leads to this machine itself.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// What went wrong, without the address: it may be a secret.
fn without_url(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() {
        return format!("no answer within {} s", REQUEST_LIMIT.as_secs());
    }
    let mut cause: &dyn std::error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

fn retry_after(headers: &HeaderMap) -> Duration {
    let text = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_date) => httpdate::parse_http_date(text)
            .ok()
            .and_then(|date| date.duration_since(SystemTime::now()).ok())
            .unwrap_or(Duration::from_secs(1)),
    };
    wait.min(RETRY_AFTER_LIMIT)
}

/// What to do about what Slack says.
fn advice(error: &str) -> &'static str {
    match error {
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => {
            "check `app_token` (xapp-…) and `bot_token` (xoxb-…) in [persona]"
        }
        "not_allowed_token_type" => {
            "`app_token` is the app-level token (xapp-…), `bot_token` the bot's (xoxb-…); are they exchanged?"
        }
        "link_disabled" => "switch Socket Mode on in the app's settings",
        "missing_scope" => "give the app the scopes of docs/persona.md and install it again",
        "channel_not_found" | "not_in_channel" => "invite the bot into the channel: /invite @its-name",
        _ => "look the word up on docs.slack.dev",
    }
}
