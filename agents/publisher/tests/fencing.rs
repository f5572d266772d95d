//! Whose pages stand on a target, when two think that they lead.

use super::folder;
use super::support::{Leader, fleet};
use crate::edition::Edition;
use crate::target::{Answer, Found, Put, Tag, Target, TargetError};
use crate::upload::{Done, Failure, Memory, publish};
use std::sync::Mutex;

/// The name of who published the overview.
pub(super) async fn publisher(target: &dyn Target) -> String {
    let index = target.read("index.html").await.unwrap().unwrap();
    let html = String::from_utf8(index.bytes.to_vec()).unwrap();
    html.split("Published by <b>").nth(1).unwrap().split('<').next().unwrap().to_owned()
}

/// An old leader publishes, then a new one, then the old one again: what each gets.
pub(super) async fn one_after_the_other(target: &dyn Target) {
    let (mut old, mut new, fleet) = (Leader::of(5, "paris"), Leader::of(6, "tokyo"), fleet(4));
    let (mut old_memory, mut new_memory) = (Memory::default(), Memory::default());
    publish(target, &mut old_memory, &old.edition(&fleet, 0)).await.unwrap();
    let taken = publish(target, &mut new_memory, &new.edition(&fleet, 10)).await.unwrap();
    assert!(taken.files <= 6, "pages and assets of before serve on: {taken:?}");
    for seconds in [20, 189] {
        let refused = publish(target, &mut old_memory, &old.edition(&fleet, seconds)).await;
        assert_eq!(refused, Err(Failure::Outranked { by: "tokyo".to_owned(), term: 6 }), "{seconds}");
        assert_eq!(publisher(target).await, "tokyo");
    }
    // the new one has been silent for more than three intervals
    publish(target, &mut old_memory, &old.edition(&fleet, 200)).await.unwrap();
    assert_eq!(publisher(target).await, "paris");
}

/// A target on which, before one file is written, a newer leader publishes as a whole.
struct Overtaken<'a> {
    inner: &'a dyn Target,
    before: &'static str,
    newer: Mutex<Option<Edition>>,
}

impl Target for Overtaken<'_> {
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
        let newer = if put.path == self.before { self.newer.lock().unwrap().take() } else { None };
        Box::pin(async move {
            if let Some(newer) = newer {
                publish(self.inner, &mut Memory::default(), &newer).await.unwrap();
            }
            self.inner.write(put).await
        })
    }
    fn remove<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        self.inner.remove(path)
    }
}

/// An old leader is overtaken in the midst of its publication: at which file, and what it gets.
pub(super) async fn overtaken_at(target: &dyn Target, before: &'static str) -> Result<Done, Failure> {
    let (mut old, mut new, fleet) = (Leader::of(5, "paris"), Leader::of(6, "tokyo"), fleet(4));
    let mut memory = Memory::default();
    publish(target, &mut memory, &old.edition(&fleet, 0)).await.unwrap();
    let newer = Mutex::new(Some(new.edition(&fleet, 11)));
    let overtaken = Overtaken { inner: target, before, newer };
    let result = publish(&overtaken, &mut memory, &old.edition(&fleet, 10)).await;
    assert!(overtaken.newer.lock().unwrap().is_none(), "{before} was never written");
    let again = publish(target, &mut memory, &old.edition(&fleet, 12)).await;
    assert_eq!(again, Err(Failure::Outranked { by: "tokyo".to_owned(), term: 6 }));
    result
}

/// On a target that honours conditions an old leader never replaces a newer leader's front.
pub(super) async fn never_replaced(target: &dyn Target) {
    for before in ["p7.html", "state.json", "index.html", "p7-manifest.json"] {
        // nobody's claim of the round before is greater
        target.remove("p7-manifest.json").await.unwrap();
        let result = overtaken_at(target, before).await;
        assert_eq!(result, Err(Failure::Target(TargetError::Changed(before.to_owned()))), "{before}");
        assert_eq!(publisher(target).await, "tokyo", "overtaken before {before}");
    }
}

#[actix::test]
async fn in_a_folder_the_greater_fresh_claim_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    one_after_the_other(&*folder::open(place.path()).await).await;
}

#[actix::test]
async fn a_manifest_that_nobody_can_read_is_replaced() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("p7-manifest.json"), "{ not ours").unwrap();
    let target = folder::open(place.path()).await;
    publish(&*target, &mut Memory::default(), &Leader::of(5, "paris").edition(&fleet(2), 0)).await.unwrap();
    assert_eq!(publisher(&*target).await, "paris");
}
