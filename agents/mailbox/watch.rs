//! One folder, watched for as long as its task lives: connect, look, wait, look again; after a trouble
//! anew, later and later.

use crate::account::Account;
use crate::session::{FolderSession, Looked};
use crate::trouble::Trouble;
use p7_core::mail::Position;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The first wait after a trouble, and the longest.
const BACKOFF: Duration = Duration::from_secs(1);
const BACKOFF_LIMIT: Duration = Duration::from_secs(300);
/// The first wait after one that trying again does not mend: servers lock out who insists.
const BACKOFF_LASTING: Duration = Duration::from_secs(60);
/// A session that lived so long was a good one: the next trouble is the first again.
const GOOD_AFTER: Duration = Duration::from_secs(60);

/// How a folder is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// How often it is looked at where the server does not tell of changes.
    pub(crate) poll: Duration,
    /// How long the server may be silent until it is asked anew.
    pub(crate) idle: Duration,
}

/// What a watched folder has to tell.
#[derive(Debug)]
pub(crate) enum News {
    /// It was looked at.
    Looked(Looked),
    /// It can't be.
    Troubled(Trouble),
}

/// What is watched.
pub(crate) struct Folder {
    pub(crate) account: Arc<Account>,
    pub(crate) name: String,
    pub(crate) pace: Pace,
    /// How far it was looked at before.
    pub(crate) after: Option<Position>,
}

impl Folder {
    /// Watches until nobody listens any more.
    pub(crate) async fn watch(mut self, to: mpsc::Sender<News>) {
        let mut wait = BACKOFF;
        loop {
            let began = Instant::now();
            let Err(trouble) = self.live(&to).await else { return };
            if began.elapsed() >= GOOD_AFTER {
                wait = BACKOFF;
            }
            if trouble.is_lasting() {
                wait = wait.max(BACKOFF_LASTING);
            }
            if to.send(News::Troubled(trouble)).await.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = to.closed() => return,
            }
            wait = (wait * 2).min(BACKOFF_LIMIT);
        }
    }

    /// One session, until it breaks; fine when nobody listens any more.
    async fn live(&mut self, to: &mpsc::Sender<News>) -> Result<(), Trouble> {
        let mut session = tokio::select! {
            opened = FolderSession::open(&self.account, &self.name) => opened?,
            () = to.closed() => return Ok(()),
        };
        loop {
            let looked = session.look(self.after).await?;
            self.after = Some(looked.end);
            if to.send(News::Looked(looked)).await.is_err() {
                break;
            }
            // what arrives between the look and IDLE is told of only later: the look after a quiet IDLE
            // finds it, and so does the server's own word right after IDLE where it keeps count
            session = if session.idles {
                let waiting = session.idle(self.pace.idle);
                tokio::select! {
                    waited = waiting => waited?,
                    () = to.closed() => return Ok(()),
                }
            } else {
                tokio::select! {
                    () = tokio::time::sleep(self.pace.poll) => session,
                    () = to.closed() => break,
                }
            };
        }
        session.close().await;
        Ok(())
    }
}
