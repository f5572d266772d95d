//! What an importer found: services in our own words, the secrets they need, and what was left behind.

use p7_core::vocabulary::{SERVICE_ID_LIMIT, shortened};
use std::collections::BTreeSet;
use std::time::Duration;
use url::Url;

/// Longest text that is taken over, in bytes; longer ones are cut.
const TEXT_LIMIT: usize = 4000;
/// Most things that are listed as left behind; of a thousand alike nobody reads the rest.
const LEFT_LIMIT: usize = 2000;
/// Headers that our test sets itself and that can't be given.
const OWN_HEADERS: [&str; 6] =
    ["connection", "content-length", "transfer-encoding", "upgrade", "te", "keep-alive"];
/// Parts of the names of headers that carry credentials.
const SECRET_WORDS: [&str; 14] = [
    "auth",
    "token",
    "key",
    "secret",
    "cookie",
    "pass",
    "pwd",
    "login",
    "credential",
    "signature",
    "session",
    "jwt",
    "bearer",
    "user",
];
/// Headers that never carry any, whatever they stand beside.
const HARMLESS_HEADERS: [&str; 11] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-type",
    "host",
    "origin",
    "pragma",
    "referer",
    "user-agent",
];

/// Something that could not be carried over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    /// Its line in the file, where it is known.
    pub(crate) line: Option<u32>,
    /// What it is, such as `service "shop": alerts`.
    pub(crate) what: String,
    /// Why not, and what to do instead.
    pub(crate) why: String,
}

/// A test as drafted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DraftProbe {
    Http(Box<DraftHttp>),
    Tcp { address: String, tls: bool, verify: bool, certificate_left: Option<Duration> },
}

/// A condition on a JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DraftJson {
    pub(super) path: String,
    pub(super) asks: DraftAsks,
}

/// What a value in a JSON body must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DraftAsks {
    Text(String),
    Integer(i64),
    Bool(bool),
    /// A text in it, or `regex:` and an expression.
    Matches(String),
    AtLeast(i64),
    AtMost(i64),
    Exists(bool),
}

impl DraftAsks {
    /// Equal to what a text says: a boolean, a whole number, or the text itself.
    pub(super) fn equal_to(words: &str) -> Self {
        match (words, words.parse::<i64>()) {
            ("true", _) => Self::Bool(true),
            ("false", _) => Self::Bool(false),
            (_, Ok(number)) => Self::Integer(number),
            (words, Err(_)) => Self::Text(text(words)),
        }
    }
}

/// An HTTP test as drafted. Empty and absent mean our defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct DraftHttp {
    pub(super) url: String,
    pub(super) method: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    /// Headers and the environment variables with their whole values.
    pub(super) secret_headers: Vec<(String, String)>,
    pub(super) body: Option<String>,
    /// User name and the variable with the password.
    pub(super) basic: Option<(String, String)>,
    pub(super) oauth2: Option<DraftOauth2>,
    pub(super) success_codes: Vec<String>,
    pub(super) failure_codes: Vec<String>,
    pub(super) maintenance_codes: Vec<String>,
    pub(super) success_text: Vec<String>,
    pub(super) failure_text: Vec<String>,
    pub(super) maintenance_text: Vec<String>,
    pub(super) json: Vec<DraftJson>,
    pub(super) max_latency: Option<Duration>,
    pub(super) certificate_left: Option<Duration>,
    pub(super) insecure: bool,
    pub(super) max_redirects: Option<u8>,
    pub(super) proxy: Option<String>,
}

/// OAuth2 client credentials as drafted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DraftOauth2 {
    pub(super) token_url: String,
    pub(super) client_id: String,
    /// The variable with the client's secret.
    pub(super) client_secret: String,
    pub(super) scope: Option<String>,
}

impl DraftOauth2 {
    /// Takes them over, but for the secret.
    pub(super) fn new(
        draft: &mut Draft,
        id: &str,
        token_url: &str,
        client_id: &str,
        scope: &str,
    ) -> Result<Self, &'static str> {
        let known = Url::parse(token_url).is_ok_and(|u| {
            let plain = u.username().is_empty() && u.password().is_none();
            matches!(u.scheme(), "http" | "https") && u.has_host() && u.port() != Some(0) && plain
        });
        if !known || token_url.len() > TEXT_LIMIT {
            return Err("its token url is no http(s) address");
        }
        let what = format!("the OAuth2 client secret of {id}");
        Ok(Self {
            token_url: token_url.trim().to_owned(),
            client_id: text(client_id),
            client_secret: draft.secret(id, "client-secret", &what),
            scope: Some(one_line(scope)).filter(|s| !s.is_empty()),
        })
    }
}

/// A planned maintenance as drafted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DraftWindow {
    pub(super) cron: String,
    pub(super) timezone: String,
    pub(super) lasts: Duration,
}

/// A service as drafted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DraftService {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) environment: String,
    pub(super) description: Option<String>,
    pub(super) runbook: Option<String>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) interval: Option<Duration>,
    pub(super) timeout: Option<Duration>,
    pub(super) retries: u8,
    pub(super) retry_delay: Option<Duration>,
    pub(super) maintenance: Vec<DraftWindow>,
    pub(super) probe: DraftProbe,
}

/// What came of an import.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    pub(super) services: Vec<DraftService>,
    /// Anchors for the node's own connectivity check, `host:port`.
    pub(super) connectivity: Vec<String>,
    /// The environment variables that must be set before a node runs, each with what it is for.
    pub(crate) secrets: Vec<(String, String)>,
    /// What could not be carried over.
    pub(crate) left: Vec<Left>,
    ids: BTreeSet<String>,
}

impl Draft {
    /// How many services it has.
    pub(crate) fn len(&self) -> usize {
        self.services.len()
    }

    /// The mesh.toml.
    pub(crate) fn toml(&self, from: &str) -> String {
        super::toml_text::write(self, from)
    }

    /// Lists something as not carried over.
    pub(super) fn leave(&mut self, line: Option<u32>, what: impl Into<String>, why: impl Into<String>) {
        if self.left.len() < LEFT_LIMIT {
            self.left.push(Left {
                line,
                what: shortened(&one_line(&what.into()), TEXT_LIMIT).to_owned(),
                why: why.into(),
            });
        }
    }

    /// An id made of a name that no other service has.
    pub(super) fn id_of(&mut self, name: &str) -> String {
        let base = slug(name);
        let mut id = base.clone();
        let mut number = 2u32;
        while !self.ids.insert(id.clone()) {
            let suffix = format!("-{number}");
            id = format!("{}{suffix}", shortened(&base, SERVICE_ID_LIMIT - suffix.len()));
            number += 1;
        }
        id
    }

    /// A reference to a secret that is not copied: the variable's name.
    pub(super) fn secret(&mut self, service: &str, kind: &str, what: &str) -> String {
        let upper = |text: &str| slug(text).replace('-', "_").to_ascii_uppercase();
        let name = format!("P7_{}_{}", upper(service), upper(kind));
        self.needs(&name, what);
        name
    }

    /// Takes an http(s) address; a user and password in it go where credentials belong.
    pub(super) fn url(&mut self, http: &mut DraftHttp, id: &str, written: &str) -> Result<(), &'static str> {
        const WRONG: &str = "its url is no http(s) address";
        let written = written.trim();
        let mut url = Url::parse(written).map_err(|_no_url| WRONG)?;
        let known = matches!(url.scheme(), "http" | "https") && url.has_host() && url.port() != Some(0);
        if !known || written.len() > TEXT_LIMIT || written.chars().any(char::is_control) {
            return Err(WRONG);
        }
        if url.username().is_empty() && url.password().is_none() {
            written.clone_into(&mut http.url);
            return Ok(());
        }
        let user = one_line(url.username());
        url.set_password(None).and_then(|()| url.set_username("")).map_err(|()| WRONG)?;
        url.as_str().clone_into(&mut http.url);
        let what = format!("the password in the url of {id}");
        http.basic = Some((user, self.secret(id, "password", &what)));
        Ok(())
    }

    /// Takes a header; one that carries credentials becomes a reference to a variable.
    pub(super) fn header(
        &mut self,
        http: &mut DraftHttp,
        id: &str,
        name: &str,
        value: &Given<'_>,
    ) -> Result<(), &'static str> {
        if !is_header_name(name) {
            return Err("it is no header's name");
        }
        if OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            return Err("p7's test sets this header itself");
        }
        http.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        http.secret_headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        let what = format!("the header {name} of {id}");
        match value {
            Given::Plain(value) if is_harmless_header(name) || !is_secret_header(name) => {
                let fit =
                    value.len() <= TEXT_LIMIT && value.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
                if !fit {
                    return Err("its value has characters that a header can't have");
                }
                http.headers.push((name.to_owned(), (*value).to_owned()));
            }
            Given::Variable(variable) if is_variable(variable) => {
                self.needs(variable, &what);
                http.secret_headers.push((name.to_owned(), (*variable).to_owned()));
            }
            Given::Plain(_) | Given::Variable(_) | Given::Secret => {
                let variable = self.secret(id, name, &what);
                http.secret_headers.push((name.to_owned(), variable));
            }
        }
        Ok(())
    }

    /// Notes that a variable has to be set.
    pub(super) fn needs(&mut self, variable: &str, what: &str) {
        if !self.secrets.iter().any(|(known, _)| known == variable) {
            self.secrets.push((variable.to_owned(), one_line(what)));
        }
    }
}

/// A header's value as another monitor gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given<'a> {
    /// It may be copied unless the header's name says otherwise.
    Plain(&'a str),
    /// The whole value is in this environment variable.
    Variable(&'a str),
    /// It is computed or must not be copied.
    Secret,
}

/// A text of at most [`TEXT_LIMIT`] bytes.
pub(super) fn text(text: &str) -> String {
    shortened(text.trim(), TEXT_LIMIT).to_owned()
}

/// A text on one line, without control characters.
pub(super) fn one_line(text: &str) -> String {
    let one: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    shortened(one.trim(), TEXT_LIMIT).to_owned()
}

/// A text that is looked for, in any case; not the start of an expression of ours.
pub(super) fn wanted(words: &str) -> String {
    let words = text(words);
    match words.strip_prefix("regex:") {
        Some(_) => format!("regex:(?i){}", regex_of(&words)),
        None => words,
    }
}

/// An expression that matches exactly this text.
pub(super) fn regex_of(words: &str) -> String {
    let mut expression = String::new();
    for c in words.chars() {
        if c.is_ascii_punctuation() {
            expression.push('\\');
        }
        expression.push(c);
    }
    expression
}

/// Whether a name can be an environment variable's.
pub(super) fn is_variable(name: &str) -> bool {
    let fit = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !name.is_empty() && name.len() <= 200 && name.bytes().all(fit)
}

/// Whether a header is one that carries credentials, by its name.
fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Whether a header is one that never carries credentials.
pub(super) fn is_harmless_header(name: &str) -> bool {
    HARMLESS_HEADERS.iter().any(|harmless| name.eq_ignore_ascii_case(harmless))
}

/// Whether a name can be a header's.
fn is_header_name(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.len() <= 100 && name.bytes().all(token)
}

/// Letters, digits and dashes: what ids are made of.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() || c == '_' && !slug.is_empty() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = shortened(&slug, SERVICE_ID_LIMIT).trim_end_matches('-');
    if slug.is_empty() { "service".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_of_names_and_never_twice() {
        let mut draft = Draft::default();
        let names = [
            "GOOGLE",
            "Google",
            "google",
            "Größe & Co.",
            "__x",
            "東京",
            "",
            &"a".repeat(100),
            &"a".repeat(99),
        ];
        let ids: Vec<String> = names.iter().map(|n| draft.id_of(n)).collect();
        let long = "a".repeat(64);
        let next = format!("{}-2", "a".repeat(62));
        assert_eq!(
            ids,
            ["google", "google-2", "google-3", "gr-e-co", "x", "service", "service-2", &long, &next]
        );
        for id in ids {
            assert!(p7_core::vocabulary::ServiceId::new(&id).is_ok(), "{id}");
        }
    }

    #[test]
    fn a_secret_is_named_for_its_service_and_listed_once() {
        let mut draft = Draft::default();
        assert_eq!(draft.secret("shop-1", "Authorization", "header"), "P7_SHOP_1_AUTHORIZATION");
        draft.secret("shop-1", "Authorization", "header");
        assert_eq!(draft.secrets.len(), 1);
    }
}
