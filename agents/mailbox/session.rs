//! One IMAP session on one folder: read-only, every command under a time-out and a limit.

use crate::account::{Account, Login};
use crate::read;
use crate::trouble::{Trouble, shown};
use crate::wire::{self, Wire};
use async_imap::imap_proto::{MessageSection, SectionPath};
use async_imap::{Authenticator, Session};
use futures_util::StreamExt;
use p7_core::mail::{Mail, Position};
use std::time::Duration;

/// How long a command may take.
const COMMAND_WITHIN: Duration = Duration::from_secs(30);
/// How long the server may take to end IDLE, which it does at once.
const DONE_WITHIN: Duration = Duration::from_secs(10);
/// Mails of one FETCH.
const FETCH_AT_ONCE: usize = 20;
/// Most new mails that are looked at one by one after a pause; of more, the newest.
pub(crate) const NEW_LIMIT: usize = 200;

/// What a look at a folder found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    /// How far the folder goes: its validity and its last UID.
    pub(crate) end: Position,
    /// How many mails are unread.
    pub(crate) unread: u32,
    /// New ones, oldest first, each with its UID.
    pub(crate) new: Vec<(u32, Mail)>,
    /// New ones that were not looked at, because there are too many.
    pub(crate) passed_over: usize,
}

/// A session on one folder.
pub(crate) struct FolderSession {
    session: Session<Wire>,
    folder: String,
    /// Whether the server tells of changes by itself.
    pub(crate) idles: bool,
}

impl FolderSession {
    /// Connects, logs in, and asks what the server can do.
    pub(crate) async fn open(account: &Account, folder: &str) -> Result<Self, Trouble> {
        let client = wire::connect(account).await?;
        let refused = |error: &async_imap::error::Error| {
            let trouble = Trouble::of("the login", error);
            if let Trouble::Refused { why, .. } = trouble {
                return Trouble::Login { user: account.user.clone(), why };
            }
            trouble
        };
        let mut session = match &account.login {
            Login::Password(secret) => {
                let login = wire::soon("the login", client.login(&account.user, secret.expose())).await?;
                login.map_err(|(error, _)| refused(&error))?
            }
            Login::Token(tokens) => {
                let token = tokens.access().await?;
                let proof = Xoauth2::new(&account.user, token.expose());
                let login = wire::soon("the login", client.authenticate("XOAUTH2", proof)).await?;
                login.map_err(|(error, _)| {
                    tokens.forget(&token);
                    refused(&error)
                })?
            }
        };
        let asked = wire::soon("CAPABILITY", session.capabilities()).await?;
        let capabilities = asked.map_err(|error| Trouble::of("CAPABILITY", &error))?;
        Ok(Self { session, folder: folder.to_owned(), idles: capabilities.has_str("IDLE") })
    }

    /// Looks at the folder, without changing anything in it. What was looked at before is not told again; the
    /// first look tells of nothing.
    pub(crate) async fn look(&mut self, after: Option<Position>) -> Result<Looked, Trouble> {
        self.session.get_mut().refill();
        let command = format!("EXAMINE {}", shown(&self.folder));
        let examined = self.session.examine(&self.folder);
        let folder = within(&command, examined).await?.map_err(|error| Trouble::of(&command, &error))?;
        let validity = folder.uid_validity.unwrap_or(0);
        if let Some(before) = after.filter(|before| before.validity > validity) {
            let (folder, before) = (self.folder.clone(), before.validity);
            return Err(Trouble::WentBack { folder, before, now: validity });
        }
        let unread = self.search("UNSEEN").await?;
        let last = folder.uid_next.map_or(0, |next| next.saturating_sub(1));
        let known = after.filter(|known| known.validity == validity);
        let mut new = match known {
            // `n:*` always holds the last mail, even one before n
            Some(known) => {
                let all = self.search(&format!("UID {}:*", known.uid.saturating_add(1))).await?;
                all.into_iter().filter(|uid| *uid > known.uid).collect()
            }
            None => Vec::new(),
        };
        let end = new.iter().copied().fold(last.max(known.map_or(0, |known| known.uid)), u32::max);
        let passed_over = new.len().saturating_sub(NEW_LIMIT);
        let new = self.fetch(&new.split_off(passed_over)).await?;
        let unread = u32::try_from(unread.len()).unwrap_or(u32::MAX);
        Ok(Looked { end: Position { validity, uid: end }, unread, new, passed_over })
    }

    /// The UIDs that fit, in order.
    async fn search(&mut self, query: &str) -> Result<Vec<u32>, Trouble> {
        self.session.get_mut().refill();
        let found = within("UID SEARCH", self.session.uid_search(query)).await?;
        let found = found.map_err(|error| Trouble::of("UID SEARCH", &error))?;
        let mut uids: Vec<u32> = found.into_iter().collect();
        uids.sort_unstable();
        Ok(uids)
    }

    /// The beginnings of mails, in the order of their UIDs; one that is gone meanwhile is left out.
    async fn fetch(&mut self, uids: &[u32]) -> Result<Vec<(u32, Mail)>, Trouble> {
        let head = SectionPath::Full(MessageSection::Header);
        let mut mails = Vec::with_capacity(uids.len());
        for some in uids.chunks(FETCH_AT_ONCE) {
            self.session.get_mut().refill();
            let set: Vec<String> = some.iter().map(ToString::to_string).collect();
            let asked = within("UID FETCH", async {
                let mut fetched = self.session.uid_fetch(set.join(","), items()).await?;
                let mut read = Vec::new();
                while let Some(one) = fetched.next().await {
                    let one = one?;
                    // a server may tell of other mails in between
                    let Some(uid) = one.uid.filter(|uid| some.contains(uid)) else { continue };
                    let (headers, body) = (one.section(&head).or(one.header()), one.body());
                    if headers.is_some() || body.is_some() {
                        read.push((uid, read::mail(headers.unwrap_or_default(), body.unwrap_or_default())));
                    }
                }
                Ok::<_, async_imap::error::Error>(read)
            });
            mails.extend(asked.await?.map_err(|error| Trouble::of("UID FETCH", &error))?);
        }
        mails.sort_by_key(|(uid, _)| *uid);
        mails.dedup_by_key(|(uid, _)| *uid);
        Ok(mails)
    }

    /// Waits until the server tells of a change, at most for so long. The session is lost with an error.
    pub(crate) async fn idle(mut self, at_most: Duration) -> Result<Self, Trouble> {
        self.session.get_mut().refill();
        let mut handle = self.session.idle();
        within("IDLE", handle.init()).await?.map_err(|error| Trouble::of("IDLE", &error))?;
        {
            let (wait, _stop) = handle.wait_with_timeout(at_most);
            wait.await.map_err(|error| Trouble::of("IDLE", &error))?;
        }
        let ended = tokio::time::timeout(DONE_WITHIN, handle.done()).await;
        let slow = |_elapsed| Trouble::Slow { command: "the end of IDLE".to_owned(), within: DONE_WITHIN };
        self.session = ended.map_err(slow)?.map_err(|error| Trouble::of("IDLE", &error))?;
        Ok(self)
    }

    /// Says goodbye; nothing depends on it.
    pub(crate) async fn close(mut self) {
        drop(tokio::time::timeout(Duration::from_secs(2), self.session.logout()).await);
    }
}

/// What is fetched of a mail.
fn items() -> String {
    let (head, body) = (read::HEADER_LIMIT, read::FETCH_LIMIT);
    format!("(UID BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)]<0.{head}> BODY.PEEK[]<0.{body}>)")
}

async fn within<T>(command: &str, work: impl Future<Output = T>) -> Result<T, Trouble> {
    tokio::time::timeout(COMMAND_WITHIN, work)
        .await
        .map_err(|_elapsed| Trouble::Slow { command: command.to_owned(), within: COMMAND_WITHIN })
}

/// XOAUTH2: the proof first, then an empty answer to what the server says about a refused one.
struct Xoauth2(Option<String>);

impl Xoauth2 {
    fn new(user: &str, token: &str) -> Self {
        Self(Some(format!("user={user}\x01auth=Bearer {token}\x01\x01")))
    }
}

impl Authenticator for Xoauth2 {
    type Response = String;

    fn process(&mut self, _challenge: &[u8]) -> String {
        self.0.take().unwrap_or_default()
    }
}
