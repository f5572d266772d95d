//! `[services.ID.http]`: what is asked, of whom, and what a good answer is.

use super::codes::CodeRange;
use super::judge::Expectations;
use crate::net::resolve::Ip;
use crate::net::tls::Tls;
use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};
use p7_settings::{Check, Faults, Period, Secret};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// Longest URL, in bytes.
const URL_LIMIT: usize = 4096;
/// Most redirects that may be asked for; browsers follow 20.
const REDIRECT_LIMIT: u8 = 50;
/// Largest body that may be asked for, in bytes: it is held in memory while it is looked at.
const BODY_LIMIT: u64 = 64 * 1024 * 1024;
/// Headers a probe sets itself: a second one would break the request.
const OWN_HEADERS: [&str; 6] =
    ["connection", "content-length", "transfer-encoding", "upgrade", "te", "keep-alive"];

/// `[services.ID.http]`: a request over HTTP or HTTPS.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What is asked for: an `http://` or `https://` address without credentials. Required.
    pub url: String,
    /// The method. Default `GET`.
    #[serde(default = "get")]
    pub method: String,
    /// Headers to send, by name. Default none. They show in `/api/v1/config`; secrets belong into
    /// `secret_headers`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers whose values are secrets: `env:NAME` or `file:PATH`. Default none. They are not sent on to
    /// another host by a redirect.
    #[serde(default)]
    pub secret_headers: BTreeMap<String, Secret>,
    /// What is sent as the request's body. Default nothing.
    #[serde(default)]
    pub body: Option<String>,
    /// How to log in. Default not.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// How many redirects are followed; 0 judges the redirect itself. Default 10. More than these fail.
    #[serde(default = "ten")]
    pub max_redirects: u8,
    /// A proxy to go through. Default none; environment variables such as `http_proxy` are not looked at.
    #[serde(default)]
    pub proxy: Option<Proxy>,
    /// Which addresses of the name are used: `any`, `ipv4`, `ipv6`, `prefer_ipv4`, `prefer_ipv6`.
    /// Default `any`.
    #[serde(default)]
    pub ip: Ip,
    /// How TLS is spoken. Default verified against the system's authorities.
    #[serde(default)]
    pub tls: Tls,
    /// `auto` (HTTP/2 where TLS offers it), `1.1` or `2`. Default `auto`. With `2` a plain `http://`
    /// address is spoken to in HTTP/2 at once and fails where only 1.1 is known.
    #[serde(default)]
    pub http_version: HttpVersion,
    /// Keeps the connection for the next probe, be it of this service or of another of the same host with
    /// the same TLS and proxy settings. Default false: a new one each time, as a user has it. With true, failures to resolve, connect or shake hands go unnoticed while a connection lasts.
    #[serde(default)]
    pub reuse_connections: bool,
    /// How much of the answer's body is read, in bytes. Default 1048576 (1 MiB). Texts further on are not
    /// found.
    #[serde(default = "one_mebibyte")]
    pub body_limit: u64,
    /// What the probe calls itself. Default `Protocol7/` and its version.
    #[serde(default = "user_agent")]
    pub user_agent: String,

    /// Status codes of success: numbers and ranges such as `[200, "301-308"]`. Default none listed. When
    /// success or failure codes are listed, a code in no list is `unmanaged` and neither fails nor passes.
    #[serde(default)]
    pub success_codes: Vec<CodeRange>,
    /// Status codes of failure. Default none listed: then, without success codes, 400 and up.
    #[serde(default)]
    pub failure_codes: Vec<CodeRange>,
    /// Status codes that mean maintenance. Default none.
    #[serde(default)]
    pub maintenance_codes: Vec<CodeRange>,
    /// Status codes that mean refused credentials, beside 401. Default none.
    #[serde(default)]
    pub unauthorized_codes: Vec<CodeRange>,
    /// Texts of which one must be in the body: in any case, or `regex:` and an expression. Default none.
    #[serde(default)]
    pub success_text: Vec<String>,
    /// Texts of which none may be in the body. Default none.
    #[serde(default)]
    pub failure_text: Vec<String>,
    /// Texts that mean maintenance. Default none.
    #[serde(default)]
    pub maintenance_text: Vec<String>,
    /// Headers the answer must have: name and a text in its value, or `regex:` and an expression; an empty
    /// text asks for the header alone. Default none.
    #[serde(default)]
    pub expect_headers: BTreeMap<String, String>,
    /// What must hold in the answer's JSON. Default nothing.
    #[serde(default)]
    pub expect_json: Vec<JsonCondition>,
    /// Failed when the answer takes longer, such as `"2s"`. Default none: only the time-out counts.
    #[serde(default)]
    pub max_latency: Option<Period>,
    /// Failed when the first certificate of the chain expires sooner, such as `"7d"`. Default none: failed
    /// once it has expired.
    #[serde(default)]
    pub min_certificate_validity: Option<Period>,
}

/// How to log in: exactly one of the three.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// A user name and a password (RFC 7617).
    #[serde(default)]
    pub basic: Option<Basic>,
    /// A bearer token (RFC 6750), as a secret.
    #[serde(default)]
    pub bearer: Option<Secret>,
    /// A token fetched by OAuth2 client credentials (RFC 6749 §4.4), kept until shortly before it expires.
    #[serde(default)]
    pub oauth2: Option<OAuth2>,
}

/// A user name and a password.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user. Required.
    pub username: String,
    /// The password, as a secret. Required.
    pub password: Secret,
}

/// OAuth2 client credentials.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth2 {
    /// Where tokens are given out: an http(s) address. Required.
    pub token_url: String,
    /// Who we are there. Required.
    pub client_id: String,
    /// Our secret there. Required.
    pub client_secret: Secret,
    /// What the token shall allow. Default what the server gives.
    #[serde(default)]
    pub scope: Option<String>,
    /// For whom the token shall be (`audience`), which some servers want. Default not sent.
    #[serde(default)]
    pub audience: Option<String>,
}

/// A proxy: `CONNECT` for `https://`, the whole address for `http://`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// Where it is: `http://host:port`. Required.
    pub url: String,
    /// The user there. Default none. Needs `password`.
    #[serde(default)]
    pub username: Option<String>,
    /// The password there, as a secret. Default none.
    #[serde(default)]
    pub password: Option<Secret>,
}

/// Which HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
pub enum HttpVersion {
    /// HTTP/2 where TLS offers it, else 1.1.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// HTTP/1.1 only.
    #[serde(rename = "1.1")]
    One,
    /// HTTP/2 only.
    #[serde(rename = "2")]
    Two,
}

/// One thing that must hold in the answer's JSON. Every value the path finds must do, and there must be one.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct JsonCondition {
    /// Where: a JSONPath (RFC 9535) such as `$.checks[*].status`. Required.
    pub path: String,
    /// The value there must be this one; numbers are compared as numbers. Default not asked.
    #[serde(default)]
    pub equals: Option<serde_json::Value>,
    /// The value, as text, must hold this text in any case, or match `regex:` and an expression. Default
    /// not asked.
    #[serde(default)]
    pub matches: Option<String>,
    /// Whether there must be something, or nothing. Default true.
    #[serde(default)]
    pub exists: Option<bool>,
    /// The value must be a number of at least this. Default not asked.
    #[serde(default)]
    pub min: Option<f64>,
    /// The value must be a number of at most this. Default not asked.
    #[serde(default)]
    pub max: Option<f64>,
}

fn get() -> String {
    "GET".to_owned()
}

fn ten() -> u8 {
    10
}

fn one_mebibyte() -> u64 {
    1024 * 1024
}

fn user_agent() -> String {
    concat!("Protocol7/", env!("CARGO_PKG_VERSION")).to_owned()
}

impl Config {
    /// A plain request for `url`, with the default of everything else.
    pub fn plain(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            method: get(),
            headers: BTreeMap::new(),
            secret_headers: BTreeMap::new(),
            body: None,
            auth: None,
            max_redirects: ten(),
            proxy: None,
            ip: Ip::Any,
            tls: Tls::default(),
            http_version: HttpVersion::Auto,
            reuse_connections: false,
            body_limit: one_mebibyte(),
            user_agent: user_agent(),
            success_codes: Vec::new(),
            failure_codes: Vec::new(),
            maintenance_codes: Vec::new(),
            unauthorized_codes: Vec::new(),
            success_text: Vec::new(),
            failure_text: Vec::new(),
            maintenance_text: Vec::new(),
            expect_headers: BTreeMap::new(),
            expect_json: Vec::new(),
            max_latency: None,
            min_certificate_validity: None,
        }
    }

    pub(in crate::kinds) fn from_url(url: &str) -> Option<Self> {
        let known = url.starts_with("http://") || url.starts_with("https://");
        known.then(|| Self::plain(url))
    }

    /// The URL without credentials and without its query's values, which may be keys.
    pub(in crate::kinds) fn target(&self) -> String {
        match Url::parse(&self.url) {
            Ok(url) => redacted(&url),
            Err(_bad_url) => "(no URL)".to_owned(),
        }
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if let Err(wrong) = http_url(&self.url, &["http", "https"]) {
            faults.push("url", wrong);
        }
        if Method::from_bytes(self.method.as_bytes()).is_err() || self.method == "CONNECT" {
            faults.push("method", format!("`{}` is no method a probe can use", shown(&self.method)));
        }
        self.check_headers(faults);
        if let Some(auth) = &self.auth {
            auth.check(&mut faults.under("auth"));
        }
        if let Some(proxy) = &self.proxy {
            proxy.check(&mut faults.under("proxy"));
        }
        self.tls.check(&mut faults.under("tls"));
        if self.max_redirects > REDIRECT_LIMIT {
            faults.push("max_redirects", format!("at most {REDIRECT_LIMIT} redirects are followed"));
        }
        if self.body_limit == 0 || self.body_limit > BODY_LIMIT {
            faults.push("body_limit", format!("must be between 1 and {BODY_LIMIT} bytes"));
        }
        if HeaderValue::from_str(&self.user_agent).is_err() {
            faults.push("user_agent", "has characters a header can't have");
        }
        if self.max_latency.is_some_and(|p| p.0 == Duration::ZERO) {
            faults.push("max_latency", "must be more than nothing");
        }
        Expectations::check(self, faults);
    }
}

impl Config {
    fn check_headers(&self, faults: &mut Faults<'_>) {
        let mut names = faults.under("headers");
        for (name, value) in &self.headers {
            check_header_name(name, &mut names);
            if HeaderValue::from_str(value).is_err() {
                names.push(name, "has characters a header can't have");
            }
        }
        let mut names = faults.under("secret_headers");
        for name in self.secret_headers.keys() {
            check_header_name(name, &mut names);
            if self.headers.keys().any(|other| other.eq_ignore_ascii_case(name)) {
                names.push(name, "stands in `headers` too; remove one of the two");
            }
        }
    }
}

fn check_header_name(name: &str, faults: &mut Faults<'_>) {
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        faults.push(name, "is no header name");
    } else if OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        faults.push(name, "is set by the probe itself; remove it");
    }
}

impl Check for Auth {
    fn check(&self, faults: &mut Faults<'_>) {
        let given = [self.basic.is_some(), self.bearer.is_some(), self.oauth2.is_some()];
        if given.iter().filter(|g| **g).count() != 1 {
            faults.here("give exactly one of `basic`, `bearer` and `oauth2`");
        }
        if self.basic.as_ref().is_some_and(|b| b.username.contains(':')) {
            faults.under("basic").push("username", "can't hold a colon");
        }
        if let Some(Err(wrong)) = self.oauth2.as_ref().map(|o| http_url(&o.token_url, &["http", "https"])) {
            faults.under("oauth2").push("token_url", wrong);
        }
    }
}

impl Check for Proxy {
    fn check(&self, faults: &mut Faults<'_>) {
        if let Err(wrong) = http_url(&self.url, &["http"]) {
            faults.push("url", wrong);
        }
        if self.username.is_some() != self.password.is_some() {
            faults.here("give both `username` and `password`, or neither");
        }
    }
}

/// Reads an address of one of `schemes`; says what is wrong without repeating credentials.
pub(super) fn http_url(text: &str, schemes: &[&str]) -> Result<Url, String> {
    if text.len() > URL_LIMIT {
        return Err(format!("is longer than {URL_LIMIT} bytes"));
    }
    let url = Url::parse(text).map_err(|error| {
        if error == url::ParseError::RelativeUrlWithoutBase {
            format!("`{}` has no scheme; write `{}://…`", shown(text), schemes.last().unwrap_or(&"http"))
        } else {
            format!("is no URL: {error}")
        }
    })?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!("must start with `{}://`", schemes.join("://` or `")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "credentials don't belong into a URL; use `auth.basic` (or the proxy's `username`)".to_owned()
        );
    }
    if url.port() == Some(0) {
        return Err("has the port 0, which nobody can connect to".to_owned());
    }
    Ok(url)
}

/// A URL for people: without credentials, fragment and the values of its query.
pub(super) fn redacted(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    if has_credentials && url.set_username("").and(url.set_password(None)).is_err() {
        return url.scheme().to_owned();
    }
    if let Some(query) = url.query() {
        let names: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
        let has_values = query.contains('=');
        let names = names.join("=…&");
        url.set_query(None);
        return format!("{url}?{names}{}", if has_values { "=…" } else { "" });
    }
    url.to_string()
}

fn shown(text: &str) -> String {
    crate::words::clipped(text)
}
