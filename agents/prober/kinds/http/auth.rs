//! Logging in: basic, bearer, and OAuth2 client credentials with a token that is kept while it lasts.

use super::config::{Config, OAuth2, Proxy, http_url, redacted};
use crate::attempt::{Progress, Stage};
use crate::kinds::Unready;
use crate::net::tls::{Offer, Secure};
use crate::trouble::Trouble;
use crate::words::clipped;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use p7_settings::SecretText;
use std::path::Path;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

/// Longest answer with a token, in bytes: the largest tokens in use have a few kilobytes.
const ANSWER_LIMIT: usize = 64 * 1024;
/// A token is fetched anew this long before it expires, so that it does not expire on its way.
const BEFORE_EXPIRY: Duration = Duration::from_secs(30);
/// How long a token is used whose expiry was not told.
const UNTOLD_VALIDITY: Duration = Duration::from_secs(300);

/// How a probe logs in.
#[derive(Debug)]
pub(super) enum Login {
    Not,
    /// With the same header always.
    Fixed(HeaderValue),
    /// With a token that is fetched.
    OAuth2(Box<TokenSource>),
}

impl Login {
    pub(super) fn new(config: &Config, base: &Path) -> Result<Self, Unready> {
        let Some(auth) = &config.auth else { return Ok(Self::Not) };
        if let Some(login) = &auth.basic {
            let password = login.password.resolve(base);
            let password = password.map_err(|e| Unready::new("auth.basic.password", e.to_string()))?;
            let header = basic(&login.username, &password);
            return Ok(Self::Fixed(header.map_err(|why| Unready::new("auth.basic.username", why))?));
        }
        if let Some(token) = &auth.bearer {
            let token = token.resolve(base).map_err(|e| Unready::new("auth.bearer", e.to_string()))?;
            return Ok(Self::Fixed(bearer(token.expose()).map_err(|why| Unready::new("auth.bearer", why))?));
        }
        match &auth.oauth2 {
            Some(oauth2) => Ok(Self::OAuth2(Box::new(TokenSource::new(oauth2, config, base)?))),
            None => Err(Unready::new("auth", "give one of `basic`, `bearer` and `oauth2`")),
        }
    }

    /// The `Authorization` header, fetching a token if need be. What that takes is not part of what the
    /// service takes: the attempt's time starts anew after it.
    pub(super) async fn header(&self, progress: &mut Progress) -> Result<Option<HeaderValue>, Trouble> {
        match self {
            Self::Not => Ok(None),
            Self::Fixed(header) => Ok(Some(header.clone())),
            Self::OAuth2(source) => {
                progress.stage = Stage::Token;
                source.url.host_str().unwrap_or("").clone_into(&mut progress.host);
                let header = source.token().await?;
                progress.started = Instant::now();
                Ok(Some(header))
            }
        }
    }

    /// The service refused us: a fetched token is not used again.
    pub(super) async fn forget(&self) {
        match self {
            Self::Not | Self::Fixed(_) => {}
            Self::OAuth2(source) => *source.token.lock().await = None,
        }
    }
}

pub(super) fn basic(username: &str, password: &SecretText) -> Result<HeaderValue, String> {
    let login = STANDARD.encode(format!("{username}:{}", password.expose()));
    header(&format!("Basic {login}"))
}

fn bearer(token: &str) -> Result<HeaderValue, String> {
    header(&format!("Bearer {token}"))
}

fn header(text: &str) -> Result<HeaderValue, String> {
    let header = HeaderValue::from_str(text);
    let mut header = header.map_err(|_unfit| "has characters a header can't have".to_owned())?;
    header.set_sensitive(true);
    Ok(header)
}

/// Where tokens come from, and the last one. reqwest is enough here: nothing is measured.
#[derive(Debug)]
pub(super) struct TokenSource {
    url: Url,
    client_id: String,
    client_secret: SecretText,
    form: String,
    client: reqwest::Client,
    token: Mutex<Option<(HeaderValue, Instant)>>,
}

/// How the client names itself: servers are free to take only one of the two (RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    InHeader,
    InForm,
}

impl TokenSource {
    fn new(oauth2: &OAuth2, config: &Config, base: &Path) -> Result<Self, Unready> {
        let key = |key: &str, why: String| Unready::new(&format!("auth.oauth2.{key}"), why);
        let url = http_url(&oauth2.token_url, &["http", "https"]).map_err(|why| key("token_url", why))?;
        let secret = oauth2.client_secret.resolve(base);
        let tls = Secure::new(&config.tls, Offer::Nothing, base)?.config()?;
        let mut client = reqwest::Client::builder()
            .tls_backend_preconfigured(rustls::ClientConfig::clone(&tls))
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .user_agent(&config.user_agent)
            .no_proxy();
        if let Some(proxy) = &config.proxy {
            client = client.proxy(through(proxy, base)?);
        }
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        for (name, value) in [("scope", &oauth2.scope), ("audience", &oauth2.audience)] {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        Ok(Self {
            url,
            client_id: oauth2.client_id.clone(),
            client_secret: secret.map_err(|e| key("client_secret", e.to_string()))?,
            form: form.finish(),
            client: client.build().map_err(|e| key("token_url", e.to_string()))?,
            token: Mutex::new(None),
        })
    }

    /// A token that is still good, fetched if there is none. Probes of one service wait for each other.
    async fn token(&self) -> Result<HeaderValue, Trouble> {
        let mut kept = self.token.lock().await;
        if let Some((token, until)) = kept.as_ref()
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let (token, lasts) = match self.fetch(Naming::InHeader).await {
            Err(Refusal { naming: true, .. }) => self.fetch(Naming::InForm).await,
            fetched => fetched,
        }
        .map_err(|refusal| refusal.trouble)?;
        *kept = Some((token.clone(), Instant::now() + lasts.saturating_sub(BEFORE_EXPIRY)));
        Ok(token)
    }

    async fn fetch(&self, naming: Naming) -> Result<(HeaderValue, Duration), Refusal> {
        let request = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json");
        let secret = self.client_secret.expose();
        let request = match naming {
            Naming::InHeader => {
                request.basic_auth(encoded(&self.client_id), Some(encoded(secret))).body(self.form.clone())
            }
            Naming::InForm => {
                let (id, secret) = (encoded(&self.client_id), encoded(secret));
                request.body(format!("{}&client_id={id}&client_secret={secret}", self.form))
            }
        };
        let mut answer = request.send().await.map_err(|e| self.unreachable(&e))?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| self.unreachable(&e))? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_LIMIT {
                return Err(self.refused("the answer is too long"));
            }
        }
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        if !answer.status().is_success() {
            let code = json.get("error").and_then(|e| e.as_str()).map(clipped);
            let mut refusal =
                self.refused(&format!("answered {} {}", answer.status(), code.unwrap_or_default()));
            refusal.naming = matches!(answer.status().as_u16(), 400 | 401);
            return Err(refusal);
        }
        let token = json.get("access_token").and_then(|t| t.as_str());
        let token = token.ok_or_else(|| self.refused("the answer holds no `access_token`"))?;
        let lasts = json.get("expires_in").and_then(|e| e.as_u64().or_else(|| e.as_str()?.parse().ok()));
        let header = bearer(token).map_err(|why| self.refused(&format!("the token {why}")))?;
        Ok((header, lasts.map_or(UNTOLD_VALIDITY, Duration::from_secs)))
    }

    fn refused(&self, why: &str) -> Refusal {
        let from = redacted(&self.url);
        Refusal {
            trouble: Trouble::peer(format!("no access token from {from}: {}", why.trim())),
            naming: false,
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Refusal {
        let mut why: &dyn std::error::Error = error;
        while let Some(source) = why.source() {
            why = source;
        }
        let from = redacted(&self.url);
        Refusal { trouble: Trouble::silence(format!("no access token from {from}: {why}")), naming: false }
    }
}

/// Why there is no token, and whether naming ourselves the other way may help.
struct Refusal {
    trouble: Trouble,
    naming: bool,
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn through(proxy: &Proxy, base: &Path) -> Result<reqwest::Proxy, Unready> {
    let gate = reqwest::Proxy::all(&proxy.url).map_err(|e| Unready::new("proxy.url", e.to_string()))?;
    match (&proxy.username, &proxy.password) {
        (Some(username), Some(password)) => {
            let password = password.resolve(base);
            let password = password.map_err(|e| Unready::new("proxy.password", e.to_string()))?;
            Ok(gate.basic_auth(username, password.expose()))
        }
        (Some(_) | None, None) | (None, Some(_)) => Ok(gate),
    }
}
