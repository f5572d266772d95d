//! p7-mailbox: watches IMAP mailboxes for the mesh: unread counts, subjects, urgent words.
//!
//! `wire.rs` and `session.rs` speak IMAP, `tokens.rs` OAuth2, `read.rs` decodes; `watch.rs` keeps one
//! connection per folder; what mails mean is in p7-core's `mail`, and `agent.rs` puts it all to work.

mod account;
mod agent;
mod config;
mod metrics;
mod read;
mod session;
mod shelf;
#[cfg(test)]
mod tests;
mod tokens;
mod trouble;
mod watch;
mod wire;

pub use account::Security;
pub use agent::{Follow, Mailboxes, Parts, Standing};
pub use config::{FolderConfig, MailboxConfig, OAuthConfig, SubjectConfig, Watch, check_mailboxes};
