//! Email by SMTP: one mail a message, as text and HTML. What follows on an outage answers its mail, so that
//! mail programs show one conversation.
//!
//! TLS is always verified. A connection without TLS is allowed to this machine itself only, for a local relay.

use crate::channel::{Abilities, Again, Arrival, Channel, Follows, Node, Outcome, Outside, Unready};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use p7_core::speech::message::{Item, Message, Previous};
use p7_core::speech::words;
use p7_core::vocabulary::{Level, MeshTime, shortened};
use p7_settings::{Check, Faults, Secret};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// How long a mail may take in all: the transport's own limit covers connecting only.
const SEND_LIMIT: Duration = Duration::from_secs(30);
/// Most receivers of one channel.
const TO_LIMIT: usize = 50;
/// Largest text part, in bytes.
const TEXT_LIMIT: usize = 50_000;
/// Most services of the HTML part.
const ITEMS_LIMIT: usize = 50;
/// Longest subject, in bytes: RFC 5322 recommends lines of 78 characters, and people read less.
const SUBJECT_LIMIT: usize = 120;

/// How the connection is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protection {
    /// STARTTLS, and nothing is said before. Port 587.
    #[default]
    Starttls,
    /// TLS from the first byte. Port 465.
    Tls,
    /// None; to this machine itself only. Port 25.
    None,
}

/// `[channels.NAME.email]`: mail to people or lists.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The mail server's host. Needed.
    pub server: String,
    /// Its port. Default 587, with `protection = "tls"` 465, with "none" 25.
    pub port: Option<u16>,
    /// "starttls", "tls", or "none" for a relay on this machine. Default "starttls".
    pub protection: Protection,
    /// Who logs in. Default nobody.
    pub username: Option<String>,
    /// With which password, by reference. Needed with `username`.
    pub password: Option<Secret>,
    /// The sender: "p7@example.org" or "Protocol/7 <p7@example.org>". Needed.
    pub from: String,
    /// The receivers. Needed.
    pub to: Vec<String>,
    /// A file with a certificate authority (PEM) that is trusted beside the usual ones. Default none.
    pub ca_file: Option<PathBuf>,
}

impl Config {
    /// Looks up what it refers to.
    ///
    /// # Errors
    /// When something of it is not there.
    pub fn prepare(&self, node: &Node) -> Result<Ready, Unready> {
        let mailbox = |key: &str, text: &str| {
            text.parse::<Mailbox>().map_err(|why| Unready::new(key, format!("`{text}`: {why}")))
        };
        let port = self.port.unwrap_or(match self.protection {
            Protection::Starttls => 587,
            Protection::Tls => 465,
            Protection::None => 25,
        });
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.server)
            .port(port)
            .timeout(Some(Duration::from_secs(10)))
            .tls(self.tls(node)?);
        if let (Some(name), Some(password)) = (&self.username, &self.password) {
            let password =
                password.resolve(&node.base).map_err(|why| Unready::new("password", why.to_string()))?;
            transport = transport.credentials(Credentials::new(name.clone(), password.expose().to_owned()));
        }
        Ok(Ready {
            from: mailbox("from", &self.from)?,
            to: self.to.iter().map(|text| mailbox("to", text)).collect::<Result<_, _>>()?,
            transport: transport.build(),
        })
    }

    fn tls(&self, node: &Node) -> Result<Tls, Unready> {
        if self.protection == Protection::None {
            return Ok(Tls::None);
        }
        let mut parameters = TlsParameters::builder(self.server.clone());
        if let Some(file) = &self.ca_file {
            let path = node.base.join(file);
            let pem = std::fs::read(&path)
                .map_err(|why| Unready::new("ca_file", format!("can't read `{}`: {why}", path.display())))?;
            let authority = Certificate::from_pem(&pem)
                .map_err(|why| Unready::new("ca_file", format!("`{}` is no PEM: {why}", path.display())))?;
            parameters = parameters.add_root_certificate(authority);
        }
        let parameters = parameters.build_rustls().map_err(|why| Unready::new("server", why.to_string()))?;
        Ok(match self.protection {
            Protection::Starttls | Protection::None => Tls::Required(parameters),
            Protection::Tls => Tls::Wrapper(parameters),
        })
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.server.is_empty() {
            faults.here("needs `server`, the mail server's host");
        }
        if let Err(why) = self.from.parse::<Mailbox>() {
            faults.push("from", format!("is no sender: {why}; write \"Protocol/7 <p7@example.org>\""));
        }
        if self.to.is_empty() {
            faults.here("needs `to`, a list of receivers");
        }
        if self.to.len() > TO_LIMIT {
            faults.push("to", format!("more than {TO_LIMIT} receivers; use a mailing list"));
        }
        for text in &self.to {
            if let Err(why) = text.parse::<Mailbox>() {
                faults.push("to", format!("`{text}` is no receiver: {why}"));
            }
        }
        if self.username.is_some() != self.password.is_some() {
            faults.here("`username` and `password` belong together; give both or none");
        }
        let is_here = ["localhost", "127.0.0.1", "::1"].contains(&self.server.as_str());
        if self.protection == Protection::None && !is_here {
            faults.push(
                "protection",
                "\"none\" is for a relay on this machine only; use \"starttls\" or \"tls\"",
            );
        }
    }
}

/// A mail server and those it carries mail to.
#[derive(Debug)]
pub struct Ready {
    from: Mailbox,
    to: Vec<Mailbox>,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Channel for Ready {
    /// A mail, or why there is none.
    type Request = Result<(lettre::Message, Arc<str>), String>;

    fn abilities(&self) -> Abilities {
        Abilities { again: Again::Repeats, follows: Follows::Earlier }
    }

    fn render(&self, message: &Message, previous: Option<&Previous>) -> Vec<Self::Request> {
        vec![self.mail(message, previous).map_err(|why| why.to_string())]
    }

    async fn send(&self, mail: &Self::Request, _: Option<&str>, _: &Outside) -> Outcome {
        let (mail, id) = match mail {
            Ok(mail) => mail,
            Err(why) => {
                let what_to_do = "check `from` and `to`".to_owned();
                return Outcome::Refused { why: why.clone(), what_to_do };
            }
        };
        match tokio::time::timeout(SEND_LIMIT, self.transport.send(mail.clone())).await {
            Ok(Ok(_)) => Outcome::Sent(Some(Arc::clone(id))),
            Ok(Err(error)) => heard(&error),
            Err(_late) => Outcome::Retry {
                after: None,
                why: format!("no answer within {} s", SEND_LIMIT.as_secs()),
                arrival: Arrival::Perhaps,
            },
        }
    }
}

impl Ready {
    fn mail(
        &self,
        message: &Message,
        previous: Option<&Previous>,
    ) -> Result<(lettre::Message, Arc<str>), lettre::error::Error> {
        let id = format!("<{}@{}>", message.key, self.from.email.domain());
        let mut mail = lettre::Message::builder()
            .from(self.from.clone())
            .subject(shortened(&format!("[{}] {}", message.mesh, message.title), SUBJECT_LIMIT))
            .date(UNIX_EPOCH + Duration::from_millis(message.at.0))
            .message_id(Some(id.clone()))
            // RFC 3834: no automatic answers, please
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        if let Some(previous) = previous {
            mail = mail.in_reply_to(previous.receipt.to_string()).references(previous.receipt.to_string());
        }
        let part = |kind, text: String| SinglePart::builder().header(kind).body(text);
        let parts = MultiPart::builder()
            .kind(lettre::message::MultiPartKind::Alternative)
            .boundary(format!("p7-{}", message.key))
            .singlepart(part(ContentType::TEXT_PLAIN, words::text(message, TEXT_LIMIT)))
            .singlepart(part(ContentType::TEXT_HTML, html(&message.with_at_most(ITEMS_LIMIT))));
        // the conversation keeps its first mail
        let root = previous.map_or_else(|| Arc::from(id.as_str()), |previous| Arc::clone(&previous.receipt));
        Ok((mail.multipart(parts)?, root))
    }
}

/// What a mail server's answer means.
fn heard(error: &lettre::transport::smtp::Error) -> Outcome {
    let said = error.to_string();
    if error.is_permanent() {
        let what_to_do = match error.status().map(|code| code.to_string()).as_deref() {
            Some("535" | "534" | "530") => "check `username` and `password`: the server does not let p7 in",
            Some("550" | "551" | "553") => "check `from` and `to`: the server does not take one of them",
            _ => "ask who runs the mail server; its answer says why",
        };
        return Outcome::Refused { why: said, what_to_do: what_to_do.to_owned() };
    }
    if error.is_client() || error.is_tls() {
        let what_to_do = "check `server`, `port`, `protection` and `ca_file`".to_owned();
        return Outcome::Refused { why: said, what_to_do };
    }
    let arrival = if error.is_transient() { Arrival::No } else { Arrival::Perhaps };
    Outcome::Retry { after: None, why: said, arrival }
}

fn html(message: &Message) -> String {
    let mut out = String::new();
    let mut push = |piece: String| out.push_str(&piece);
    push(format!(
        "<!doctype html><html><body style=\"font-family:sans-serif\"><h2 style=\"border-left:8px solid {};padding-left:8px\">{}</h2>",
        colour(message.worst),
        escaped(&message.title)
    ));
    message.items.iter().for_each(|item| push(section(item, message.at)));
    for line in message.more().into_iter().chain(message.remarks()) {
        push(format!("<p>{}</p>", escaped(&line)));
    }
    if let Some(link) = &message.link {
        push(format!("<p><a href=\"{}\">Dashboard</a></p>", escaped(link)));
    }
    let footer = format!("{}, said by {} at {}", message.mesh, message.by, words::moment(message.at));
    push(format!("<p style=\"color:#666\">{}</p></body></html>", escaped(&footer)));
    out
}

fn section(item: &Item, now: MeshTime) -> String {
    let headline = escaped(&words::headline(item, now));
    let mut out = format!(
        "<div style=\"border-left:8px solid {};padding-left:8px;margin:12px 0\"><b>{headline}</b><table>",
        colour(item.level)
    );
    // writing into a string can't fail
    for (heading, line) in words::details(item) {
        write!(out, "<tr><td>{heading}</td><td>{}</td></tr>", escaped(&line)).unwrap_or_default();
    }
    out.push_str("</table>");
    for (name, link) in [("Its page", &item.link), ("Runbook", &item.runbook)] {
        if let Some(link) = link {
            write!(out, "<a href=\"{}\">{name}</a> ", escaped(link)).unwrap_or_default();
        }
    }
    out.push_str("</div>");
    out
}

/// The dashboard's colours.
fn colour(level: Level) -> &'static str {
    match level {
        Level::Down => "#ff4747",
        Level::Incident => "#ff904f",
        Level::Warning | Level::Partial => "#e6de05",
        Level::Healthy => "#73d87d",
        Level::Unknown => "#c0c0c0",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
#[path = "tests/email.rs"]
mod tests;
