//! Access tokens by OAuth2: client credentials, or a person's consent by device code that is kept as a
//! refresh token in a file of mode 0600 on this node alone.

use crate::trouble::{Trouble, shown};
use p7_settings::SecretText;
use serde::Deserialize;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
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

/// How a token is got.
#[derive(Clone)]
pub(crate) enum Grant {
    /// The program's own.
    ClientCredentials,
    /// A person's, kept in this file.
    DeviceCode(PathBuf),
}

/// Where and how tokens are got.
pub(crate) struct Tokens {
    pub(crate) url: Url,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<SecretText>,
    pub(crate) scope: String,
    pub(crate) grant: Grant,
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
    refresh_token: Option<String>,
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
        grant: Grant,
    ) -> Result<Self, Trouble> {
        let http = client()?;
        let (held, refused) = (Mutex::new(None), std::sync::Mutex::new(None));
        Ok(Self { url, client_id, client_secret, scope, grant, http, held, refused })
    }

    /// A token that is good for a while.
    pub(crate) async fn access(&self) -> Result<AccessToken, Trouble> {
        let mut held = self.held.lock().await;
        let refused = self.refused.lock().ok().and_then(|mut refused| refused.take());
        let good = |held: &&Held| held.until > Instant::now() && refused.as_ref() != Some(&held.token.0);
        if let Some(held) = held.as_ref().filter(good) {
            return Ok(held.token.clone());
        }
        let mut form = vec![("client_id", self.client_id.as_str())];
        if !self.scope.is_empty() {
            form.push(("scope", &self.scope));
        }
        if let Some(secret) = &self.client_secret {
            form.push(("client_secret", secret.expose()));
        }
        let refresh = match &self.grant {
            Grant::ClientCredentials => None,
            Grant::DeviceCode(path) => Some(read_refresh(path)?),
        };
        match &refresh {
            None => form.push(("grant_type", "client_credentials")),
            Some(token) => {
                form.push(("grant_type", "refresh_token"));
                form.push(("refresh_token", token));
            }
        }
        let answer: Answer = ask(&self.http, &self.url, &form).await?;
        let token = answer.access_token.filter(|token| fits(token));
        let token = token.ok_or_else(|| refusal(&self.url, answer.error, answer.error_description))?;
        if let Grant::DeviceCode(path) = &self.grant
            && let Some(newer) = answer.refresh_token.filter(|newer| Some(newer) != refresh.as_ref())
        {
            keep(path, &newer)?;
        }
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

/// What a person is asked to do, and what is asked meanwhile.
#[derive(Deserialize)]
struct DeviceAnswer {
    device_code: String,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: String,
    expires_in: u64,
    interval: Option<u64>,
}

/// What a login by device code needs.
pub struct DeviceLogin {
    /// Where the code is asked for.
    pub device_url: Url,
    /// Where the token is asked for.
    pub token_url: Url,
    /// The program's id.
    pub client_id: String,
    /// The program's secret, where the provider wants one.
    pub client_secret: Option<SecretText>,
    /// What is asked for.
    pub scope: String,
    /// Where the refresh token is kept.
    pub keep_in: PathBuf,
}

impl DeviceLogin {
    /// Shows a person where to type which code, waits for their consent, and keeps what comes of it.
    ///
    /// # Errors
    /// When the provider refuses, or nobody consents in time.
    pub async fn run(&self, show: impl FnOnce(&str, &str)) -> Result<(), Trouble> {
        let http = client()?;
        let form = [("client_id", self.client_id.as_str()), ("scope", self.scope.as_str())];
        let device: DeviceAnswer = ask(&http, &self.device_url, &form).await?;
        show(&shown(&device.verification_uri), &shown(&device.user_code));
        let end = Instant::now() + Duration::from_secs(device.expires_in.min(3_600));
        let mut wait = Duration::from_secs(device.interval.unwrap_or(5).clamp(1, 60));
        while Instant::now() < end {
            tokio::time::sleep(wait).await;
            let mut form = vec![
                ("client_id", self.client_id.as_str()),
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", device.device_code.as_str()),
            ];
            if let Some(secret) = &self.client_secret {
                form.push(("client_secret", secret.expose()));
            }
            let answer: Answer = ask(&http, &self.token_url, &form).await?;
            if let Some(token) = answer.refresh_token {
                return keep(&self.keep_in, &token);
            }
            match answer.error.as_deref() {
                Some("authorization_pending") => {}
                Some("slow_down") => wait += Duration::from_secs(5),
                Some(_) => return Err(refusal(&self.token_url, answer.error, answer.error_description)),
                None => {
                    let why = "it gives no refresh token; `scope` must hold offline_access".to_owned();
                    return Err(Trouble::Token { at: host(&self.token_url), why });
                }
            }
        }
        Err(Trouble::Token { at: host(&self.token_url), why: "nobody consented in time".to_owned() })
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

fn read_refresh(path: &Path) -> Result<String, Trouble> {
    let none = |why: String| {
        Trouble::NotHere(format!(
            "nobody has logged in on this node ({why}); run `p7 mailbox login NAME` here"
        ))
    };
    let text = std::fs::read_to_string(path).map_err(|error| none(error.to_string()))?;
    let text = text.trim();
    if fits(text) { Ok(text.to_owned()) } else { Err(none("the file holds no token".to_owned())) }
}

/// Keeps a refresh token where only this user can read it: written aside, then put in place.
fn keep(path: &Path, token: &str) -> Result<(), Trouble> {
    let write = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let aside = path.with_extension("new");
        drop(std::fs::remove_file(&aside));
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        file.write_all(token.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&aside, path)
    };
    write().map_err(|error| {
        Trouble::NotHere(format!("can't keep the refresh token in {}: {error}", path.display()))
    })
}
