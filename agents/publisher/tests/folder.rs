//! A folder: whole after every accident, readable by everybody, only what changed is written.

use super::support::{Cut, Leader, assert_whole, fail, fleet};
use crate::config::{FolderConfig, TargetConfig};
use crate::target::Target;
use crate::targets;
use crate::upload::{Conditions, Memory, publish};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::AtomicUsize;

pub(super) async fn open(path: &Path) -> Box<dyn Target> {
    let folder = Some(FolderConfig { path: path.to_owned() });
    targets::open(&TargetConfig { folder, ..TargetConfig::default() }, Path::new("/")).await.unwrap()
}

#[actix::test]
async fn a_folder_gets_the_whole_site_and_then_only_what_changed() {
    let place = tempfile::tempdir().unwrap();
    let target = open(place.path()).await;
    let (mut leader, mut fleet, mut memory) = (Leader::of(7, "paris"), fleet(20), Memory::default());
    let first = publish(&*target, &mut memory, &leader.edition(&fleet, 0)).await.unwrap();
    assert!(first.files > 30, "{first:?}");
    assert_eq!(memory.conditions, Some(Conditions::Ignored), "a folder promises nothing");
    assert_whole(place.path());
    let mode = |name: &str| std::fs::metadata(place.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("index.html"), mode("p7-manifest.json")), (0o644, 0o644));
    fail(&mut fleet, 3);
    let second = publish(&*target, &mut memory, &leader.edition(&fleet, 5)).await.unwrap();
    assert!((5..=8).contains(&second.files), "one page, four that tell the time, few renewals: {second:?}");
    // another life of the node reads what stands there
    let mut memory = Memory::default();
    let third = publish(&*target, &mut memory, &leader.edition(&fleet, 5)).await.unwrap();
    assert_eq!(third.files, 0);
    fleet.remove(0);
    publish(&*target, &mut memory, &leader.edition(&fleet, 6)).await.unwrap();
    assert_whole(place.path());
    let pages = std::fs::read_dir(place.path()).unwrap().flatten().count();
    assert_eq!(pages, 19 + 4 + 2, "19 services, four fronts, assets and the manifest: the gone one is gone");
}

#[actix::test]
async fn cut_off_at_any_point_the_pages_name_only_what_is_there_and_the_next_life_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let target = open(place.path()).await;
    let (mut leader, mut fleet) = (Leader::of(7, "paris"), fleet(6));
    for writes in 0..60 {
        if writes % 7 == 0 {
            fail(&mut fleet, writes % 6);
        }
        // now and then a service leaves or comes back
        let some: Vec<_> = fleet.iter().skip(writes % 3).cloned().collect();
        let edition = leader.edition(&some, writes as u64);
        let cut = Cut { inner: &*target, left: AtomicUsize::new(writes) };
        let result = publish(&cut, &mut Memory::default(), &edition).await;
        assert_whole(place.path());
        if result.is_ok() {
            assert!(place.path().join("index.html").is_file());
        }
    }
    publish(&*target, &mut Memory::default(), &leader.edition(&fleet, 100)).await.unwrap();
    assert_whole(place.path());
}

#[actix::test]
async fn what_a_killed_life_left_unfinished_is_swept_away() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join(".p7-1-2"), "half a page").unwrap();
    std::fs::write(place.path().join("robots.txt"), "somebody's own").unwrap();
    let target = open(place.path()).await;
    let (mut leader, mut memory) = (Leader::of(7, "paris"), Memory::default());
    publish(&*target, &mut memory, &leader.edition(&fleet(2), 0)).await.unwrap();
    assert!(!place.path().join(".p7-1-2").exists());
    assert!(place.path().join("robots.txt").exists(), "what is not ours stays");
}
