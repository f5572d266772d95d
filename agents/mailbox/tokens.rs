//! Access tokens by OAuth2 with client credentials: asked for when needed, kept in memory alone.

use crate::trouble::{Trouble, shown};
use p7_settings::SecretText;
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

/// How long a request may take.
const ASK_WITHIN: Duration = Duration::from_secs(20);
/// Largest answer that is read, in bytes: tokens of a few kilobytes.
const ANSWER_LIMIT: usize = 64 * 1024;
/// A token is renewed so long before it ends.
const SPARE: Duration = Duration::from_secs(120);
/// A token that does not say how long it is good for is used for so long.
const UNSAID: Duration = Duration::from_secs(300);
/// Longest token, in bytes.
const TOKEN_LIMIT: usize = 16 * 1024;

/// Where and how tokens are got.
pub(crate) struct Tokens {
    pub(crate) url: Url,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<SecretText>,
    pub(crate) scope: String,
    http: reqwest::Client,
    held: Mutex<Option<Held>>,
    refused: std::sync::Mutex<Option<String>>,
}

struct Held {
    token: AccessToken,
    until: Instant,
}

/// An access token; its text shows nowhere.
#[derive(Clone)]
pub(crate) struct AccessToken(String);

impl AccessToken {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    expires_in: Option<serde_json::Value>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Tokens {
    pub(crate) fn new(
        url: Url,
        client_id: String,
        client_secret: Option<SecretText>,
        scope: String,
    ) -> Result<Self, Trouble> {
        let http = client()?;
        let (held, refused) = (Mutex::new(None), std::sync::Mutex::new(None));
        Ok(Self { url, client_id, client_secret, scope, http, held, refused })
    }

    /// A token that is good for a while.
    pub(crate) async fn access(&self) -> Result<AccessToken, Trouble> {
        let mut held = self.held.lock().await;
        let refused = self.refused.lock().ok().and_then(|mut refused| refused.take());
        let good = |held: &&Held| held.until > Instant::now() && refused.as_ref() != Some(&held.token.0);
        if let Some(held) = held.as_ref().filter(good) {
            return Ok(held.token.clone());
        }
        let mut form = vec![("grant_type", "client_credentials"), ("client_id", self.client_id.as_str())];
        if !self.scope.is_empty() {
            form.push(("scope", &self.scope));
        }
        if let Some(secret) = &self.client_secret {
            form.push(("client_secret", secret.expose()));
        }
        let answer: Answer = ask(&self.http, &self.url, &form).await?;
        let token = answer.access_token.filter(|token| fits(token));
        let token = token.ok_or_else(|| refusal(&self.url, answer.error, answer.error_description))?;
        let seconds = answer
            .expires_in
            .and_then(|value| value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok())));
        let good_for = seconds.map_or(UNSAID, |seconds| Duration::from_secs(seconds.min(24 * 60 * 60)));
        let until = Instant::now() + good_for.saturating_sub(SPARE).max(Duration::from_secs(10));
        let token = AccessToken(token);
        *held = Some(Held { token: token.clone(), until });
        Ok(token)
    }

    /// The server did not take this one: the next is asked for anew.
    pub(crate) fn forget(&self, token: &AccessToken) {
        if let Ok(mut refused) = self.refused.lock() {
            *refused = Some(token.0.clone());
        }
    }
}

fn client() -> Result<reqwest::Client, Trouble> {
    let built = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(ASK_WITHIN);
    built.build().map_err(|error| Trouble::NotHere(format!("HTTP can't be set up: {error}")))
}

async fn ask<T: serde::de::DeserializeOwned>(
    http: &reqwest::Client,
    url: &Url,
    form: &[(&str, &str)],
) -> Result<T, Trouble> {
    let trouble = |why: String| Trouble::Token { at: host(url), why };
    // an error of the client names the address, which is of nobody's concern here
    let asked = http.post(url.clone()).form(form).send().await;
    let mut answer = asked.map_err(|error| trouble(shown(&error.without_url().to_string())))?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(chunk) =
        answer.chunk().await.map_err(|error| trouble(shown(&error.without_url().to_string())))?
    {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(trouble(format!("its answer is longer than {} KiB", ANSWER_LIMIT / 1024)));
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|_no_json| trouble(format!("it answers {status} and no JSON")))
}

fn refusal(url: &Url, error: Option<String>, description: Option<String>) -> Trouble {
    let error = error.unwrap_or_else(|| "there is none in the answer".to_owned());
    let why = match description {
        Some(description) => format!("{error}: {}", description.lines().next().unwrap_or("")),
        None => error,
    };
    Trouble::Token { at: host(url), why: shown(&why) }
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or("the token endpoint").to_owned()
}

fn fits(token: &str) -> bool {
    !token.is_empty() && token.len() <= TOKEN_LIMIT && !token.chars().any(char::is_control)
}
