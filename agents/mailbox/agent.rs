//! The agent: reads the mailboxes this node holds, remembers how far, and tells what is worth a word.

use crate::config::MailboxConfig;
use crate::metrics::Metrics;
use crate::session::Looked;
use crate::shelf::Shelf;
use crate::trouble::Trouble;
use crate::watch::{Folder, News};
use actix::prelude::*;
use p7_bus::{FactsHeard, MailFound, MeshNoted, Stated, tell};
use p7_core::mail::{MailRead, Position, Rules};
use p7_core::mesh::words::{Fact, Role};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The mailbox: a mesh's facts of a catch-up, in batches.
const MAILBOX_LIMIT: usize = 4_096;
/// Looks of a folder that wait to be heard.
const NEWS_LIMIT: usize = 4;
/// How often what could not be begun is tried again.
const TRY_EVERY: Duration = Duration::from_secs(30);

/// Whether this node reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It runs alone, and does.
    Alone,
    /// It belongs to a mesh: only the mailboxes it holds there.
    Elected,
}

/// What the agent is made of.
pub struct Parts {
    /// Whether this node reads.
    pub standing: Standing,
    /// The configuration's folder; secrets in files are looked for there.
    pub dir: PathBuf,
    /// The data folder; how far was read is kept there.
    pub data: PathBuf,
    /// Who hears how far was read: the mesh.
    pub states: Option<Recipient<Stated>>,
    /// Who hears what is worth a word: the notifier.
    pub found: Recipient<MailFound>,
}

/// node → mailbox: from now on these are read.
#[derive(Debug, Clone, Default, Message)]
#[rtype(result = "()")]
pub struct Follow(pub BTreeMap<String, MailboxConfig>);

/// A mailbox that is read here.
struct Held {
    rules: Rules,
    streams: Vec<SpawnHandle>,
    folders: Vec<String>,
}

/// The agent that reads mailboxes.
pub struct Mailboxes {
    parts: Parts,
    metrics: Metrics,
    shelf: Shelf,
    follow: BTreeMap<String, MailboxConfig>,
    elected: BTreeSet<String>,
    held: BTreeMap<String, Held>,
    /// How far each mailbox's folders were read, by whomever.
    positions: BTreeMap<(String, String), Position>,
}

impl Mailboxes {
    /// An agent that reads nothing yet.
    ///
    /// # Errors
    /// When `registry` already has metrics of these names.
    pub fn new(parts: Parts, registry: &prometheus::Registry) -> Result<Self, prometheus::Error> {
        let shelf = Shelf::in_folder(&parts.data);
        let positions = shelf.read();
        let metrics = Metrics::new(registry)?;
        let (follow, elected, held) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Ok(Self { parts, metrics, shelf, follow, elected, held, positions })
    }

    fn is_holder(&self, name: &str) -> bool {
        self.parts.standing == Standing::Alone || self.elected.contains(name)
    }

    /// Begins what is held and not read, ends what is read and not held.
    fn turn(&mut self, context: &mut Context<Self>) {
        let over = self.held.keys().filter(|name| !self.follow.contains_key(*name) || !self.is_holder(name));
        for name in over.cloned().collect::<Vec<_>>() {
            self.end(&name, context);
        }
        let wanted = self.follow.keys().filter(|name| self.is_holder(name) && !self.held.contains_key(*name));
        for name in wanted.cloned().collect::<Vec<_>>() {
            if let Err(trouble) = self.begin(&name, context) {
                tracing::error!(mailbox = name, error = %trouble, "a mailbox can't be read on this node");
            }
        }
    }

    fn begin(&mut self, name: &str, context: &mut Context<Self>) -> Result<(), Trouble> {
        let Some(config) = self.follow.get(name) else { return Ok(()) };
        let account = Arc::new(config.account(&self.parts.dir)?);
        let mut held = Held { rules: config.rules(), streams: Vec::new(), folders: Vec::new() };
        for folder in config.folders().into_keys() {
            let (to, news) = mpsc::channel(NEWS_LIMIT);
            let watched = Folder {
                account: Arc::clone(&account),
                name: folder.clone(),
                pace: config.pace(),
                after: self.positions.get(&(name.to_owned(), folder.clone())).copied(),
            };
            actix::spawn(watched.watch(to));
            let heard = futures_util::stream::unfold(news, async |mut news| {
                let next: News = news.recv().await?;
                Some((next, news))
            });
            let (mailbox, place) = (name.to_owned(), folder.clone());
            let heard = actix::fut::wrap_stream::<_, Self>(heard)
                .map(move |news, agent, _| agent.heard(&mailbox, &place, news));
            held.streams.push(context.spawn(heard.finish()));
            held.folders.push(folder);
        }
        self.held.insert(name.to_owned(), held);
        tracing::info!(mailbox = name, "this node reads a mailbox");
        Ok(())
    }

    /// Stops reading: whoever watches notices that nobody listens.
    fn end(&mut self, name: &str, context: &mut Context<Self>) {
        let Some(held) = self.held.remove(name) else { return };
        for stream in held.streams {
            context.cancel_future(stream);
        }
        for folder in held.folders {
            self.metrics.forget(name, &folder);
        }
        tracing::info!(mailbox = name, "this node no longer reads a mailbox");
    }

    fn heard(&mut self, mailbox: &str, folder: &str, news: News) {
        match news {
            News::Looked(looked) => self.looked(mailbox, folder, &looked),
            News::Troubled(trouble) => {
                self.metrics.troubled(mailbox, folder);
                tracing::warn!(mailbox, folder, error = %trouble, "a mailbox can't be read; trying again");
            }
        }
    }

    fn looked(&mut self, mailbox: &str, folder: &str, looked: &Looked) {
        self.metrics.looked(mailbox, folder, looked.unread);
        let place = (mailbox.to_owned(), folder.to_owned());
        let before = self.positions.get(&place).copied();
        let Some(held) = self.held.get(mailbox) else { return };
        let mut found = Vec::new();
        for (uid, mail) in &looked.new {
            // somebody else may have been further meanwhile
            if before.is_some_and(|before| before.is_new(looked.end.validity, *uid)) {
                found.extend(held.rules.look(folder, mail));
            }
        }
        if looked.passed_over > 0 {
            p7_bus::note_dropped("mails", u64::try_from(looked.passed_over).unwrap_or(u64::MAX));
            tracing::warn!(
                mailbox,
                folder,
                count = looked.passed_over,
                "too many new mails; the older are only counted"
            );
        }
        if before.is_none_or(|before| looked.end > before) {
            // before anything is told: what is told twice is worse than what a crash leaves untold
            self.note(place, looked.end);
            self.keep();
            let read =
                MailRead { mailbox: mailbox.to_owned(), folder: folder.to_owned(), position: looked.end };
            if let Some(states) = &self.parts.states {
                tell(states, "mail positions", Stated(vec![Fact::MailRead(read)]));
            }
        }
        let channels = self.follow.get(mailbox).map(|config| config.channels.clone()).unwrap_or_default();
        for finding in found {
            self.metrics.found(mailbox, finding.level.as_str());
            let (level, says) = (finding.level, finding.says);
            tracing::info!(mailbox, folder, level = level.as_str(), says, "a mail is worth a word");
            let found = MailFound { mailbox: mailbox.to_owned(), channels: channels.clone(), level, says };
            tell(&self.parts.found, "mails found", found);
        }
    }

    fn note(&mut self, place: (String, String), position: Position) {
        let known = self.positions.entry(place).or_default();
        *known = known.merged(position);
    }

    fn keep(&self) {
        if let Err(error) = self.shelf.write(&self.positions) {
            tracing::error!(%error, "can't keep how far mailboxes were read; after a restart mails may be passed over");
        }
    }
}

impl Actor for Mailboxes {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX_LIMIT);
        context.run_interval(TRY_EVERY, Self::turn);
    }
}

impl Handler<Follow> for Mailboxes {
    type Result = ();

    fn handle(&mut self, Follow(follow): Follow, context: &mut Self::Context) {
        let changed = self.held.keys().filter(|name| follow.get(*name) != self.follow.get(*name));
        for name in changed.cloned().collect::<Vec<_>>() {
            self.end(&name, context);
        }
        self.follow = follow;
        self.turn(context);
    }
}

impl Handler<MeshNoted> for Mailboxes {
    type Result = ();

    fn handle(&mut self, MeshNoted(view): MeshNoted, context: &mut Self::Context) {
        let mine = view.holdings.iter().filter_map(|holding| match (&holding.role, &holding.claim) {
            (Role::Mailbox(name), Some(claim)) if claim.node == view.me => Some(name.clone()),
            (Role::Mailbox(_) | Role::Leader | Role::Persona, _) => None,
        });
        let mine: BTreeSet<String> = mine.collect();
        if mine != self.elected {
            self.elected = mine;
            self.turn(context);
        }
    }
}

impl Handler<FactsHeard> for Mailboxes {
    type Result = ();

    fn handle(&mut self, FactsHeard(facts): FactsHeard, _: &mut Self::Context) {
        let mut is_new = false;
        for (_, fact) in facts {
            let Fact::MailRead(read) = fact else { continue };
            let place = (read.mailbox, read.folder);
            let known = self.positions.contains_key(&place);
            // facts are strangers' words: as many places as the largest configuration has
            if known || self.positions.len() < 256 {
                is_new |= self.positions.get(&place).is_none_or(|known| read.position > *known);
                self.note(place, read.position);
            }
        }
        if is_new {
            self.keep();
        }
    }
}
