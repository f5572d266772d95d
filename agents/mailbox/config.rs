//! `[mailboxes.NAME]` of mesh.toml: which mailbox is read, and what is looked for in it.

use crate::account::{Account, Login, Security, trusting};
use crate::tokens::Tokens;
use crate::trouble::Trouble;
use crate::watch::Pace;
use p7_core::mail::{DEFAULT_URGENT, FolderRule, Pattern, Rules, Share, SubjectRule, Watching};
use p7_core::vocabulary::Level;
use p7_settings::{Check, Faults, Period, Secret};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// Most mailboxes of a mesh, and folders of one: each folder keeps a connection open, and servers allow ten.
const MAILBOXES_LIMIT: usize = 20;
const FOLDERS_LIMIT: usize = 8;
/// Most subjects and words that are looked for in every mail.
const SUBJECTS_LIMIT: usize = 50;
const URGENT_LIMIT: usize = 100;
/// Longest host, user, folder or message, in bytes.
const LINE_LIMIT: usize = 255;
/// How often a folder may be looked at.
const POLL_MIN: Duration = Duration::from_secs(10);
const POLL_MAX: Duration = Duration::from_secs(60 * 60);
/// How long IDLE may last: RFC 2177 says 29 minutes at most.
const IDLE_MIN: Duration = Duration::from_secs(30);
const IDLE_MAX: Duration = Duration::from_secs(29 * 60);

/// `[mailboxes.NAME]`: one mailbox. One node at a time reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MailboxConfig {
    /// The IMAP server. Required.
    pub host: String,
    /// Its port. Default 993, with STARTTLS 143.
    #[serde(default)]
    pub port: Option<u16>,
    /// "tls" or "starttls". Default "tls". Certificates are always verified.
    #[serde(default)]
    pub security: Security,
    /// Certificates in PEM that are trusted besides the machine's; on every node that may read the mailbox.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Whose mailbox it is, as the login wants it. Required.
    pub user: String,
    /// The password or app password, by reference. Nodes that do not have it do not read the mailbox.
    #[serde(default)]
    pub password: Option<Secret>,
    /// In place of a password: OAuth2.
    #[serde(default)]
    pub oauth2: Option<OAuthConfig>,
    /// How often a folder is looked at where the server has no IDLE. Default "60s".
    #[serde(default = "default_poll")]
    pub poll: Period,
    /// How long the server may be silent until it is asked anew. Default "9m", at most "29m".
    #[serde(default = "default_idle")]
    pub idle: Period,
    /// How much of a mail leaves the node that reads it: "count", "subject" (and sender) or "line" (and the
    /// first sentence). Default "count".
    #[serde(default)]
    pub share: Share,
    /// Words that make a mail urgent, in subject or text, whole and in any case. Default a list of 16.
    #[serde(default)]
    pub urgent: Option<Vec<String>>,
    /// The channels that are told. Default none: findings are logged and counted only.
    #[serde(default)]
    pub channels: Vec<String>,
    /// The folders. Default INBOX.
    #[serde(default)]
    pub folders: BTreeMap<String, FolderConfig>,
    /// Subjects to watch, by name.
    #[serde(default)]
    pub subjects: BTreeMap<String, SubjectConfig>,
}

/// `[mailboxes.NAME.oauth2]`: an access token in place of a password, by client credentials.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OAuthConfig {
    /// Where tokens are asked for, an https address. Required.
    pub token_url: String,
    /// The program's id. Required.
    pub client_id: String,
    /// The program's secret, by reference. Required.
    pub client_secret: Secret,
    /// What is asked for. Default nothing.
    #[serde(default)]
    pub scope: String,
}

/// `[mailboxes.NAME.folders.FOLDER]`: how a folder is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct FolderConfig {
    /// "all" (subjects and urgent words), "subjects", or "nothing" (only counted). Default "all".
    pub watch: Watch,
}

/// What is looked for in a folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Watch {
    /// Subjects and urgent words.
    #[default]
    All,
    /// Subjects only.
    Subjects,
    /// Mails are only counted.
    Nothing,
}

/// `[mailboxes.NAME.subjects.NAME]`: a subject to watch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectConfig {
    /// What the subject holds, in any case; `*` stands for anything. Required.
    pub pattern: String,
    /// What is said then. Default the mail itself, as far as `share` allows.
    #[serde(default)]
    pub message: Option<String>,
    /// How grave it is: "healthy", "warning", "incident" or "down". Default "warning".
    #[serde(default = "default_level")]
    pub level: Level,
}

fn default_poll() -> Period {
    Period::seconds(60)
}

fn default_idle() -> Period {
    Period::seconds(9 * 60)
}

fn default_level() -> Level {
    Level::Warning
}

/// Notes what is wrong with all the mailboxes together.
pub fn check_mailboxes(mailboxes: &BTreeMap<String, MailboxConfig>, faults: &mut Faults<'_>) {
    if mailboxes.len() > MAILBOXES_LIMIT {
        faults.here(format!("more than {MAILBOXES_LIMIT} mailboxes; leave some out"));
    }
    for (name, mailbox) in mailboxes {
        let lawful = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let mut below = faults.under(name);
        if name.is_empty() || name.len() > 64 || !name.chars().all(lawful) {
            below.here("a mailbox's name is made of 1 to 64 letters, digits, `-` and `_`");
        }
        mailbox.check(&mut below);
    }
}

impl Check for MailboxConfig {
    fn check(&self, faults: &mut Faults<'_>) {
        line("host", &self.host, faults);
        line("user", &self.user, faults);
        match (&self.password, &self.oauth2) {
            (None, None) => faults.here("nothing says how to log in; add `password` or a table oauth2"),
            (Some(_), Some(_)) => faults.push("oauth2", "`password` is there, too; keep one of them"),
            (Some(_), None) => {}
            (None, Some(oauth2)) => oauth2.check(&mut faults.under("oauth2")),
        }
        if !(POLL_MIN..=POLL_MAX).contains(&self.poll.0) {
            faults.push("poll", "must be \"10s\" to \"1h\"");
        }
        if !(IDLE_MIN..=IDLE_MAX).contains(&self.idle.0) {
            faults.push("idle", "must be \"30s\" to \"29m\"");
        }
        if self.folders.len() > FOLDERS_LIMIT {
            faults
                .push("folders", format!("more than {FOLDERS_LIMIT} folders; servers allow few connections"));
        }
        for folder in self.folders.keys() {
            line(folder, folder, &mut faults.under("folders"));
        }
        if self.subjects.len() > SUBJECTS_LIMIT {
            faults.push("subjects", format!("more than {SUBJECTS_LIMIT} subjects"));
        }
        if self.urgent.as_ref().is_some_and(|words| words.len() > URGENT_LIMIT) {
            faults.push("urgent", format!("more than {URGENT_LIMIT} words"));
        }
        for (name, subject) in &self.subjects {
            let mut below = faults.under("subjects");
            let mut below = below.under(name);
            if let Err(wrong) = Pattern::new(&subject.pattern) {
                below.push("pattern", wrong);
            }
            if let Some(message) = &subject.message {
                line("message", message, &mut below);
            }
            if matches!(subject.level, Level::Unknown | Level::Partial) {
                below.push("level", "must be \"healthy\", \"warning\", \"incident\" or \"down\"");
            }
        }
    }
}

impl Check for OAuthConfig {
    fn check(&self, faults: &mut Faults<'_>) {
        line("client_id", &self.client_id, faults);
        let loopback = |url: &Url| matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let fits = |url: &Url| url.scheme() == "https" || (url.scheme() == "http" && loopback(url));
        if !Url::parse(&self.token_url).is_ok_and(|url| fits(&url)) {
            faults.push("token_url", "must be an https:// address");
        }
    }
}

fn line(key: &str, text: &str, faults: &mut Faults<'_>) {
    if text.trim().is_empty() || text.len() > LINE_LIMIT || text.chars().any(char::is_control) {
        faults.push(key, format!("must be a line of 1 to {LINE_LIMIT} bytes"));
    }
}

impl MailboxConfig {
    /// The folders by name; INBOX where none is said.
    pub(crate) fn folders(&self) -> BTreeMap<String, FolderConfig> {
        if self.folders.is_empty() {
            return [("INBOX".to_owned(), FolderConfig::default())].into();
        }
        self.folders.clone()
    }

    /// What is looked for. A pattern that was not checked finds nothing.
    pub(crate) fn rules(&self) -> Rules {
        let subject = |(name, config): (&String, &SubjectConfig)| {
            Some(SubjectRule {
                name: name.clone(),
                pattern: Pattern::new(&config.pattern).ok()?,
                message: config.message.clone(),
                level: config.level,
                service: None,
            })
        };
        let default = || DEFAULT_URGENT.iter().map(|word| (*word).to_owned()).collect();
        let folder = |(name, config): (String, FolderConfig)| {
            let watch = match config.watch {
                Watch::All => Watching::All,
                Watch::Subjects => Watching::Subjects,
                Watch::Nothing => Watching::Nothing,
            };
            (name, FolderRule { watch, ..FolderRule::default() })
        };
        let lower = |words: &Vec<String>| words.iter().map(|word| word.to_lowercase()).collect();
        Rules {
            subjects: self.subjects.iter().filter_map(subject).collect(),
            urgent: self.urgent.as_ref().map_or_else(default, lower),
            folders: self.folders().into_iter().map(folder).collect(),
            share: self.share,
        }
    }

    pub(crate) fn pace(&self) -> Pace {
        Pace { poll: self.poll.0, idle: self.idle.0 }
    }

    /// Whether what the login needs can be had on this node.
    pub fn is_readable(&self, dir: &Path) -> bool {
        let secret = self.password.as_ref().or(self.oauth2.as_ref().map(|oauth2| &oauth2.client_secret));
        secret.is_some_and(|secret| secret.resolve(dir).is_ok())
    }

    /// The account, with its secrets. Files are looked for in `dir`, the configuration's folder.
    pub(crate) fn account(&self, dir: &Path) -> Result<Account, Trouble> {
        let secret =
            |secret: &Secret| secret.resolve(dir).map_err(|error| Trouble::NotHere(error.to_string()));
        let login = match (&self.password, &self.oauth2) {
            (Some(password), _) => Login::Password(secret(password)?),
            (None, Some(oauth2)) => {
                let url = Url::parse(&oauth2.token_url)
                    .map_err(|error| Trouble::NotHere(format!("`token_url` is no address: {error}")))?;
                let client = Some(secret(&oauth2.client_secret)?);
                let (id, scope) = (oauth2.client_id.clone(), oauth2.scope.clone());
                Login::Token(std::sync::Arc::new(Tokens::new(url, id, client, scope)?))
            }
            (None, None) => return Err(Trouble::NotHere("nothing says how to log in".to_owned())),
        };
        let port = match self.security {
            Security::Tls => 993,
            Security::Starttls => 143,
        };
        Ok(Account {
            host: self.host.clone(),
            port: self.port.unwrap_or(port),
            security: self.security,
            user: self.user.clone(),
            login,
            tls: trusting(self.ca_file.as_ref().map(|path| dir.join(path)).as_deref())?,
        })
    }
}
