//! Brings one target up to an edition: what others refer to first, the overview last, nothing twice.

use crate::claim::outranked;
use crate::edition::{Edition, File, Keep, Rank};
use crate::manifest::{MANIFEST, Manifest};
use crate::target::{Guard, Put, Tag, Target, TargetError};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use p7_core::vocabulary::Millis;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

/// Files on their way to one target at once.
const AT_ONCE: usize = 8;
/// How long an asset stays that no page needs any more: somebody may still read a page of before.
const ASSETS_LINGER: Millis = Millis(86_400_000);
/// What the names of probe files begin with.
const PROBE: &str = "p7-probe-";

/// Numbers probe files: none meets one of before.
static PROBES: AtomicU64 = AtomicU64::new(0);

/// Whether a place writes under a condition when it is asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conditions {
    /// It does: an old leader can't overwrite a newer page.
    Honoured,
    /// It does not: whose pages these are is read before they are written, and nothing more.
    Ignored,
}

/// What is known of a target between editions.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Whether it writes under conditions; none before that was tried.
    pub(crate) conditions: Option<Conditions>,
    /// Its manifest as it was last read or written.
    manifest: Option<(Manifest, Option<Tag>)>,
    /// What was sent since.
    sent: BTreeMap<String, String>,
    /// The tags of the files that are written under a condition.
    tags: BTreeMap<String, Tag>,
}

impl Memory {
    /// Forgets what stands there: others may have written since.
    pub(crate) fn forget(&mut self) {
        *self = Self { conditions: self.conditions, ..Self::default() };
    }

    fn version(&self, path: &str) -> Option<&String> {
        let listed = || self.manifest.as_ref().and_then(|(manifest, _)| manifest.files.get(path));
        self.sent.get(path).or_else(listed)
    }
}

/// What a publication has cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Done {
    /// Files that were sent.
    pub(crate) files: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
}

/// Why an edition is not on a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// The place failed.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Another side of the network leads and publishes there.
    #[error("{by} publishes here as leader of term {term}; this node keeps quiet")]
    Outranked {
        /// Its name.
        by: String,
        /// Its term.
        term: u64,
    },
    /// A page can't be made.
    #[error("`{path}` can't be made: {why}")]
    Page {
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
}

/// Brings the target up to the edition.
pub(crate) async fn publish(
    target: &dyn Target,
    memory: &mut Memory,
    edition: &Edition,
) -> Result<Done, Failure> {
    let mut round = Round { target, memory, edition, done: Done::default() };
    let result = round.go().await;
    let done = round.done;
    if matches!(result, Err(Failure::Target(TargetError::Changed(_)) | Failure::Outranked { .. })) {
        memory.forget();
    }
    result.map(|()| done)
}

struct Round<'a> {
    target: &'a dyn Target,
    memory: &'a mut Memory,
    edition: &'a Edition,
    done: Done,
}

impl Round<'_> {
    async fn go(&mut self) -> Result<(), Failure> {
        if self.memory.conditions.is_none() {
            self.memory.conditions = Some(probe(self.target, self.edition).await?);
        }
        self.fence().await?;
        if self.memory.manifest.as_ref().is_none_or(|(known, _)| known.claim != self.edition.claim) {
            // from here on whoever has a smaller claim keeps quiet
            let known = self.memory.manifest.as_ref().map(|(known, _)| known.signed(self.edition));
            self.write_manifest(known.unwrap_or_else(|| Manifest::empty(self.edition))).await?;
        }
        self.send(Rank::Asset).await?;
        self.send(Rank::Page).await?;
        self.fence().await?;
        let edition = self.edition;
        for file in edition.files.iter().filter(|file| file.rank == Rank::Front) {
            self.send_front(file).await?;
        }
        let before = self.memory.manifest.as_ref().map(|(known, _)| known.clone());
        let (manifest, gone) = self.next_manifest(before);
        self.write_manifest(manifest).await?;
        for path in gone {
            self.target.remove(&path).await?;
        }
        Ok(())
    }

    fn honoured(&self) -> bool {
        self.memory.conditions == Some(Conditions::Honoured)
    }

    /// Looks whose pages these are, and learns what stands there.
    async fn fence(&mut self) -> Result<(), Failure> {
        if let Some((_, known @ Some(_))) = &self.memory.manifest
            && self.honoured()
            && self.target.tag(MANIFEST).await? == *known
        {
            return Ok(());
        }
        let found = self.target.read(MANIFEST).await?;
        let tag = found.as_ref().and_then(|found| found.tag.clone());
        let read = found.as_ref().and_then(|found| Manifest::read(&found.bytes));
        if found.is_some() && read.is_none() {
            tracing::warn!("the manifest on a target is of no known form; everything is sent anew");
        }
        if let Some(other) = read.as_ref().and_then(|m| outranked(m, &self.edition.claim, self.edition.at)) {
            return Err(Failure::Outranked { by: other.by.clone(), term: other.claim.term.0 });
        }
        let same = self.memory.manifest.as_ref().map(|(known, _)| known) == read.as_ref();
        if !same {
            self.memory.sent.clear();
            self.memory.tags.clear();
        }
        // an unreadable one is still there, and replaced under its tag
        self.memory.manifest = match (read, tag) {
            (Some(manifest), tag) => Some((manifest, tag)),
            (None, Some(tag)) => Some((Manifest::empty(self.edition), Some(tag))),
            (None, None) => None,
        };
        Ok(())
    }

    async fn write_manifest(&mut self, manifest: Manifest) -> Result<(), Failure> {
        let tag = self.memory.manifest.as_ref().and_then(|(_, tag)| tag.clone());
        let guard = self.guard(tag);
        let put = Put {
            path: MANIFEST,
            bytes: Bytes::from(manifest.written()),
            content_type: "application/json",
            cache_control: Keep::No.cache_control(),
            guard,
        };
        let tag = self.target.write(put).await?;
        self.memory.sent.retain(|path, version| manifest.files.get(path) != Some(version));
        self.memory.manifest = Some((manifest, tag));
        Ok(())
    }

    fn guard(&self, tag: Option<Tag>) -> Guard {
        match tag {
            Some(_) | None if !self.honoured() => Guard::Always,
            Some(tag) => Guard::Same(tag),
            None => Guard::Absent,
        }
    }

    /// Sends the files of a rank that differ, several at once.
    async fn send(&mut self, rank: Rank) -> Result<(), Failure> {
        let (target, edition) = (self.target, self.edition);
        let differ =
            |file: &&File| file.rank == rank && self.memory.version(&file.path) != Some(&file.version);
        let wanted: Vec<&File> = edition.files.iter().filter(differ).collect();
        let each: Vec<_> = wanted.into_iter().map(|file| send_one(target, file)).collect();
        let mut sending = futures_util::stream::iter(each).buffer_unordered(AT_ONCE);
        let mut failed = None;
        while let Some(result) = sending.next().await {
            match result {
                Ok((file, length)) => {
                    self.memory.sent.insert(file.path.clone(), file.version.clone());
                    self.done.files += 1;
                    self.done.bytes += length;
                }
                Err(failure) => {
                    // what is on its way may still arrive; the rest waits for the next time
                    failed = Some(failure);
                    break;
                }
            }
        }
        drop(sending);
        failed.map_or(Ok(()), Err)
    }

    /// Sends one of the files that people begin with, so that it replaces no newer one.
    async fn send_front(&mut self, file: &File) -> Result<(), Failure> {
        if self.memory.version(&file.path) == Some(&file.version) {
            return Ok(());
        }
        let mut tag = self.memory.tags.remove(&file.path);
        if tag.is_none() && self.honoured() {
            tag = self.target.tag(&file.path).await?;
        }
        let bytes = made(file).await?;
        let length = bytes.len() as u64;
        let guard = self.guard(tag);
        let tag = self.target.write(put(file, bytes, guard)).await?;
        if let Some(tag) = tag {
            self.memory.tags.insert(file.path.clone(), tag);
        }
        self.memory.sent.insert(file.path.clone(), file.version.clone());
        self.done.files += 1;
        self.done.bytes += length;
        Ok(())
    }

    /// What stands there once all is sent, and which files are to go.
    fn next_manifest(&self, before: Option<Manifest>) -> (Manifest, Vec<String>) {
        let mut next = Manifest::empty(self.edition);
        let wanted: BTreeSet<&str> = self.edition.files.iter().map(|file| file.path.as_str()).collect();
        next.files =
            self.edition.files.iter().map(|file| (file.path.clone(), file.version.clone())).collect();
        let mut gone = Vec::new();
        let Some(before) = before else { return (next, gone) };
        for path in before.files.keys().filter(|path| !wanted.contains(path.as_str())) {
            if path.starts_with("assets/") {
                next.retired.insert(path.clone(), self.edition.at);
            } else {
                gone.push(path.clone());
            }
        }
        for (path, since) in before.retired {
            if wanted.contains(path.as_str()) {
                continue;
            }
            if self.edition.at.since(since) > ASSETS_LINGER {
                gone.push(path);
            } else {
                next.retired.insert(path, since);
            }
        }
        (next, gone)
    }
}

fn send_one<'a>(target: &'a dyn Target, file: &'a File) -> BoxFuture<'a, Result<(&'a File, u64), Failure>> {
    Box::pin(async move {
        let bytes = made(file).await?;
        let length = bytes.len() as u64;
        target.write(put(file, bytes, Guard::Always)).await?;
        Ok((file, length))
    })
}

async fn made(file: &File) -> Result<Bytes, Failure> {
    file.bytes().await.map_err(|why| Failure::Page { path: file.path.clone(), why })
}

fn put(file: &File, bytes: Bytes, guard: Guard) -> Put<'_> {
    Put {
        path: &file.path,
        bytes,
        content_type: file.content_type,
        cache_control: file.keep.cache_control(),
        guard,
    }
}

/// Finds out whether the place writes under conditions, by a file of its own that is removed again.
pub(crate) async fn probe(target: &dyn Target, edition: &Edition) -> Result<Conditions, TargetError> {
    if !target.may_condition() {
        return Ok(Conditions::Ignored);
    }
    let number = PROBES.fetch_add(1, Ordering::Relaxed);
    let path = format!("{PROBE}{}-{}-{number}", edition.claim.node, edition.at.0);
    let write = |guard| {
        target.write(Put {
            path: &path,
            bytes: Bytes::from_static(b"p7 looks whether this place writes under conditions"),
            content_type: "text/plain",
            cache_control: Keep::No.cache_control(),
            guard,
        })
    };
    let first = write(Guard::Absent).await?;
    let again = write(Guard::Absent).await;
    let stale = match &first {
        Some(_) => write(Guard::Same(Tag("\"0123456789abcdef0123456789abcdef\"".to_owned()))).await,
        None => Ok(None),
    };
    target.remove(&path).await?;
    let changed = |result: &Result<_, _>| matches!(result, Err(TargetError::Changed(_)));
    for result in [&again, &stale] {
        if let Err(failed @ TargetError::Failed(_)) = result {
            // a place that does not know the words at all refuses them: it then does not honour them
            tracing::debug!(error = %failed, "a write under a condition was refused");
        }
    }
    Ok(if changed(&again) && changed(&stale) { Conditions::Honoured } else { Conditions::Ignored })
}
