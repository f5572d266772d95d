//! Asks a node over its HTTP API.

use super::args::Node;
use super::fault::Failure;
use super::out::clean;
use p7_settings::Secret;
use reqwest::{Method, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// Longest an answer may take: people wait for it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer that is read: 5,000 services with their recent cycles have about 30 MB.
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;
/// Longest part of an unexpected answer that is shown.
const EXCERPT_LIMIT: usize = 200;

/// A node to ask.
pub(crate) struct Client {
    base: Url,
    http: reqwest::Client,
    token: Option<p7_settings::SecretText>,
    /// Longest an answer may take.
    within: Duration,
}

impl Client {
    /// Takes the address and the token; nothing is sent yet.
    pub(crate) fn new(node: &Node) -> Result<Self, Failure> {
        let wrong = |why: String| {
            Failure::Use(format!(
                "`{}` is no address of a node: {why}; write it as http://127.0.0.1:7007",
                clean(&node.url)
            ))
        };
        let base = Url::parse(&node.url).map_err(|e| wrong(e.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(wrong("it must start with http:// or https://".to_owned()));
        }
        let token = node.token.as_deref().map(token).transpose()?;
        Ok(Self { http: http(&base)?, base, token, within: ANSWER_TIMEOUT })
    }

    /// The same with more patience: for what takes the node itself long.
    #[must_use]
    pub(crate) fn within(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    /// Where the node is, as it was given.
    pub(crate) fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Reads something.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, Failure> {
        let answer = self.ask(Method::GET, path, query, None).await?;
        self.understand(&answer)
    }

    /// States something.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.post_with(path, &[], body).await
    }

    /// States something about what the query says.
    pub(crate) async fn post_with<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).map_err(|e| Failure::Use(e.to_string()))?;
        let answer = self.ask(Method::POST, path, query, Some(("application/json", body))).await?;
        self.understand(&answer)
    }

    /// Gives a text of some type.
    pub(crate) async fn post_text<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        kind: &str,
        text: String,
    ) -> Result<T, Failure> {
        let answer = self.ask(Method::POST, path, query, Some((kind, text.into_bytes()))).await?;
        self.understand(&answer)
    }

    /// Ends something.
    pub(crate) async fn delete<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, Failure> {
        let answer = self.ask(Method::DELETE, path, query, None).await?;
        self.understand(&answer)
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Vec<u8>, Failure> {
        let mut request = self.http.request(method, self.url(path)).query(query).timeout(self.within);
        if let Some((kind, body)) = body {
            request = request.header("content-type", kind).body(body);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let mut answer = request.send().await.map_err(|e| self.unreachable(&e))?;
        let status = answer.status();
        let mut read = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|e| self.unreachable(&e))? {
            if read.len() + part.len() > ANSWER_LIMIT {
                return Err(Failure::Unreachable(format!(
                    "the answer of {} is longer than 64 MiB; is it a node?",
                    self.address()
                )));
            }
            read.extend_from_slice(&part);
        }
        if status.is_success() { Ok(read) } else { Err(self.refused(status, &read)) }
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url
    }

    fn understand<T: DeserializeOwned>(&self, answer: &[u8]) -> Result<T, Failure> {
        serde_json::from_slice(answer).map_err(|e| {
            Failure::Unreachable(format!(
                "{} answers, but not as a node of this version does ({e})",
                self.address()
            ))
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        Failure::Unreachable(format!(
            "can't reach a node at {}: {}; start one with `p7 run` or name another with --node",
            self.address(),
            root_of(error, self.within)
        ))
    }

    /// Puts a problem document into a sentence and finds its exit code.
    fn refused(&self, status: StatusCode, body: &[u8]) -> Failure {
        let problem: Option<Value> = serde_json::from_slice(body).ok();
        let said = problem.as_ref().and_then(|p| {
            let text = |key: &str| p.get(key).and_then(Value::as_str);
            text("detail").or_else(|| text("title")).map(clean)
        });
        let said = said.unwrap_or_else(|| excerpt(status, body));
        let faults: Vec<String> = problem.iter().flat_map(faults_of).collect();
        match status.as_u16() {
            422 if !faults.is_empty() => Failure::Use(format!("{said}\n{}", faults.join("\n"))),
            401 | 403 => Failure::Use(format!(
                "{} refuses this: {said}; give the admin token with --token env:NAME or file:PATH",
                self.address()
            )),
            404 if said.starts_with("there is no service") => {
                Failure::Use(format!("{said}; `p7 services` lists them"))
            }
            409 => Failure::NotSo(said),
            429 | 500..=599 => {
                Failure::Unreachable(format!("the node at {} can't answer: {said}", self.address()))
            }
            _ => Failure::Use(said),
        }
    }
}

/// The client itself: no redirects, since the token must not travel on; no proxy on the way to loopback.
fn http(base: &Url) -> Result<reqwest::Client, Failure> {
    // an error only says that a provider is installed already
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("p7/", env!("CARGO_PKG_VERSION")));
    let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()) || host == "localhost";
    if loopback {
        builder = builder.no_proxy();
    }
    builder
        .build()
        .map_err(|e| Failure::Unreachable(format!("can't set up HTTP: {}", root_of(&e, ANSWER_TIMEOUT))))
}

/// The token behind a reference. The text is not repeated: it may be the token itself.
fn token(reference: &str) -> Result<p7_settings::SecretText, Failure> {
    let secret = match reference.split_once(':') {
        Some(("env", name)) if !name.is_empty() => Secret::Env(name.to_owned()),
        Some(("file", path)) if !path.is_empty() => Secret::File(path.into()),
        Some(_) | None => {
            return Err(Failure::Use(
                "the token is given by reference: --token env:NAME or --token file:PATH (P7_TOKEN likewise)"
                    .to_owned(),
            ));
        }
    };
    secret.resolve(Path::new(".")).map_err(|e| Failure::Use(format!("no admin token: {e}")))
}

/// The faults of a configuration that a problem document lists.
fn faults_of(problem: &Value) -> Vec<String> {
    let listed = problem.get("faults").and_then(Value::as_array);
    listed.into_iter().flatten().filter_map(Value::as_str).map(clean).collect()
}

fn excerpt(status: StatusCode, body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body).chars().take(EXCERPT_LIMIT).collect();
    let text = clean(text.trim());
    if text.is_empty() { format!("it answers {status}") } else { format!("it answers {status}: {text}") }
}

/// The innermost cause in words, which is what a person can act on.
fn root_of(error: &reqwest::Error, within: Duration) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", within.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let text = cause.to_string().to_lowercase();
    match text.split_once(" (os error") {
        Some((plain, _code)) => plain.to_owned(),
        None => text,
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
