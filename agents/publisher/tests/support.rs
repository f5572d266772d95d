//! Editions of made-up services, and what must hold of a published site.

use crate::edition::Edition;
use crate::site::{Maker, Values};
use crate::target::{Answer, Found, Put, Tag, Target, TargetError};
use p7_core::mesh::words::{Claim, Term};
use p7_core::service::Service;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{MeshTime, Millis, NodeId};
use p7_pages::{Naming, Pages, Publication, sample};
use regex::Regex;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long anything may take on a loaded machine.
pub(super) const SOON: Duration = Duration::from_secs(60);

pub(super) type Fleet = Vec<(Arc<Service>, Arc<ServiceStatus>)>;

pub(super) fn fleet(n: usize) -> Fleet {
    sample::fleet(n, 3).into_iter().map(|(service, status)| (Arc::new(service), Arc::new(status))).collect()
}

pub(super) fn claim(term: u64, node: &str) -> Claim {
    Claim { full: true, term: Term(term), priority: 50, node: NodeId::new(node).unwrap() }
}

/// A node that publishes.
pub(super) struct Leader {
    pub(super) maker: Maker,
    pub(super) claim: Claim,
}

impl Leader {
    pub(super) fn of(term: u64, node: &str) -> Self {
        let pages = Arc::new(Pages::load_named(None, Naming::Hashed).unwrap());
        let past = Arc::new(|id: &p7_core::vocabulary::ServiceId, _| {
            let service = Service { id: id.clone(), ..sample::service(0) };
            p7_pages::Past {
                hours: sample::history(p7_pages::Range::Week),
                days: sample::history(p7_pages::Range::Quarter),
                incidents: sample::incidents(&service),
                results: Vec::new(),
            }
        });
        Self { maker: Maker::new(pages, past), claim: claim(term, node) }
    }

    /// The site as these services make it, so many seconds after the samples' now.
    pub(super) fn edition(&mut self, fleet: &Fleet, seconds: u64) -> Edition {
        let about = p7_pages::About { name: self.claim.node.to_string(), ..sample::about() };
        let publication = Publication { claim: Some(self.claim.clone()), ..sample::publication() };
        let now = MeshTime(sample::NOW.0).plus(Millis::seconds(seconds));
        let names = Arc::new(sample::names());
        let values = Values {
            about: &about,
            claim: &self.claim,
            publication: &publication,
            names: &names,
            services: fleet,
            now,
        };
        self.maker.edition(&values).unwrap()
    }
}

/// A service that has failed just now.
pub(super) fn fail(fleet: &mut Fleet, index: usize) {
    let (service, status) = &fleet[index];
    let status = ServiceStatus {
        reason: Some(format!("failed on purpose {}", status.reason.as_deref().unwrap_or("")).into()),
        ..sample::status(service, sample::Story::Down, 3, index)
    };
    fleet[index].1 = Arc::new(status);
}

/// A target that is cut off after some writes, as when the process is killed there.
pub(super) struct Cut<'a> {
    pub(super) inner: &'a dyn Target,
    pub(super) left: AtomicUsize,
}

impl Target for Cut<'_> {
    fn may_condition(&self) -> bool {
        self.inner.may_condition()
    }
    fn read<'a>(&'a self, path: &'a str) -> Answer<'a, Option<Found>> {
        self.inner.read(path)
    }
    fn tag<'a>(&'a self, path: &'a str) -> Answer<'a, Option<Tag>> {
        self.inner.tag(path)
    }
    fn write<'a>(&'a self, put: Put<'a>) -> Answer<'a, Option<Tag>> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => self.inner.write(put),
            Err(_) => Box::pin(async { Err(TargetError::Failed("cut off".to_owned())) }),
        }
    }
    fn remove<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        self.inner.remove(path)
    }
}

/// Every file that a page of this folder refers to is there.
pub(super) fn assert_whole(folder: &Path) {
    let reference = Regex::new(r##"(?:href|src)="([^"#?:]+)[^":]*""##).unwrap();
    for page in ["index.html", "p7.html", "p7adv.html"] {
        let Ok(html) = std::fs::read_to_string(folder.join(page)) else { continue };
        let mut found = 0;
        for named in reference.captures_iter(&html) {
            // the overview comes last, so the lists may stand there before it
            if &named[1] == "index.html" {
                continue;
            }
            assert!(folder.join(&named[1]).is_file(), "{page} names {}, which is missing", &named[1]);
            found += 1;
        }
        assert!(found > 3, "{page} names only {found} files");
    }
}

/// What `look` finds, once it does.
pub(super) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + SOON;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {SOON:?}: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
