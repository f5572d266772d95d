//! The shared configuration: of all versions that are known the greatest stamp stands, on every node alike.
//! Version 0 is a node's own file, offered to nodes that have none.

use super::mix;
use super::words::{Configuration, Stamp};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most versions of one number of which it is remembered that they have lost: edits at the same moment by
/// people, so a few.
const RIVALS_LIMIT: usize = 64;

/// What became of a version that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It stands from now on.
    Newer,
    /// A later one is known, or it is told already that this one lost.
    Older,
    /// It is the one that stands.
    Known,
    /// It and the one that stood are edits of the same version. This is the one that lost: whoever made it
    /// should be told. Unless it is the one just heard, that one stands from now on.
    Conflict(Arc<Configuration>),
    /// Its stamp is not that of its text: it was damaged or made up, and stands nowhere.
    Broken,
}

/// The versions of the shared configuration that are known.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    newest: Option<Arc<Configuration>>,
    /// The hashes of those that lost against it.
    rivals: BTreeSet<u64>,
}

impl Shared {
    /// Takes a version in.
    pub fn take(&mut self, heard: Arc<Configuration>) -> Taken {
        if heard.stamp.hash != mix::of_text(&heard.text) {
            return Taken::Broken;
        }
        let Some(newest) = &mut self.newest else {
            self.newest = Some(heard);
            return Taken::Newer;
        };
        if heard.stamp.version > newest.stamp.version {
            self.rivals.clear();
            *newest = heard;
            return Taken::Newer;
        }
        if heard.stamp.version < newest.stamp.version {
            return Taken::Older;
        }
        // texts are compared, too: a hash of eight bytes can be met on purpose
        match (heard.stamp.hash, &heard.text).cmp(&(newest.stamp.hash, &newest.text)) {
            Ordering::Equal => Taken::Known,
            Ordering::Greater => {
                let lost = std::mem::replace(newest, heard);
                self.is_new_rival(&lost);
                Taken::Conflict(lost)
            }
            Ordering::Less if self.is_new_rival(&heard) => Taken::Conflict(heard),
            Ordering::Less => Taken::Older,
        }
    }

    /// Remembers a version that lost. Whether it was not known to have.
    fn is_new_rival(&mut self, lost: &Configuration) -> bool {
        self.rivals.len() < RIVALS_LIMIT && self.rivals.insert(lost.stamp.hash)
    }

    /// The version that stands; none when there is no shared configuration.
    pub fn newest(&self) -> Option<&Arc<Configuration>> {
        self.newest.as_ref()
    }

    /// Its stamp; all zero when there is none.
    pub fn stamp(&self) -> Stamp {
        self.newest.as_ref().map(|newest| newest.stamp).unwrap_or_default()
    }
}

/// The stamp of a text that is to stand after another version.
pub fn stamp_for(text: &str, after: Stamp) -> Stamp {
    Stamp { version: after.version.saturating_add(1), hash: mix::of_text(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::MeshTime;
    use proptest::prelude::*;

    fn version(version: u64, text: &str) -> Arc<Configuration> {
        let stamp = Stamp { version, hash: mix::of_text(text) };
        Arc::new(Configuration { stamp, by: "ada".into(), at: MeshTime(version), text: text.into() })
    }

    #[test]
    fn the_next_version_is_one_more_with_its_own_hash() {
        let first = stamp_for("a", Stamp::default());
        assert_eq!(first, Stamp { version: 1, hash: 0xaf63_dc4c_8601_ec8c });
        assert_eq!(stamp_for("", first), Stamp { version: 2, hash: 0xcbf2_9ce4_8422_2325 });
    }

    #[test]
    fn the_latest_version_stands_whenever_it_is_heard() {
        let mut shared = Shared::default();
        assert_eq!((shared.newest(), shared.stamp()), (None, Stamp::default()));
        assert_eq!(shared.take(version(2, "two")), Taken::Newer);
        assert_eq!(shared.take(version(1, "one")), Taken::Older);
        assert_eq!(shared.take(version(2, "two")), Taken::Known);
        assert_eq!(shared.take(version(3, "one")), Taken::Newer, "an old text may be given again");
        assert_eq!(shared.newest(), Some(&version(3, "one")));
    }

    #[test]
    fn of_two_edits_at_once_the_greater_hash_stands_and_the_loser_is_told_once() {
        let (greater, lesser) = (version(2, "b"), version(2, "a"));
        assert_eq!((greater.stamp.hash, lesser.stamp.hash), (0xaf63_df4c_8601_f1a5, 0xaf63_dc4c_8601_ec8c));
        let mut shared = Shared::default();
        shared.take(Arc::clone(&lesser));
        assert_eq!(shared.take(Arc::clone(&greater)), Taken::Conflict(Arc::clone(&lesser)));
        assert_eq!(shared.take(Arc::clone(&lesser)), Taken::Older);
        assert_eq!(shared.newest(), Some(&greater));
        let mut other = Shared::default();
        other.take(Arc::clone(&greater));
        assert_eq!(other.take(Arc::clone(&lesser)), Taken::Conflict(lesser));
        assert_eq!(other.newest(), Some(&greater));
    }

    #[test]
    fn a_stamp_that_is_not_its_texts_stands_nowhere() {
        let mut shared = Shared::default();
        let forged =
            Configuration { stamp: Stamp { version: 9, hash: u64::MAX }, ..version(9, "x").as_ref().clone() };
        assert_eq!(shared.take(Arc::new(forged)), Taken::Broken);
        assert_eq!(shared.newest(), None);
    }

    #[test]
    fn an_offer_stands_below_everything_that_was_given() {
        let mut shared = Shared::default();
        assert_eq!(shared.take(version(0, "x")), Taken::Newer);
        assert_eq!(shared.take(version(1, "a")), Taken::Newer);
        assert_eq!(shared.take(version(0, "y")), Taken::Older);
        assert_eq!(shared.newest(), Some(&version(1, "a")));
    }

    proptest! {
        #[test]
        fn the_order_in_which_versions_are_heard_never_matters(
            (first, second) in prop::collection::vec((1..4_u64, "[a-c]{0,2}"), 0..20)
                .prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle())),
        ) {
            let heard = |all: &[(u64, String)]| {
                let mut shared = Shared::default();
                for (number, text) in all {
                    let before = shared.newest().cloned();
                    match shared.take(version(*number, text)) {
                        Taken::Newer => assert_ne!(shared.newest(), before.as_ref()),
                        Taken::Older | Taken::Known => assert_eq!(shared.newest(), before.as_ref()),
                        Taken::Conflict(loser) => assert!(loser.stamp < shared.stamp()),
                        Taken::Broken => panic!("it was whole"),
                    }
                }
                shared.newest().cloned()
            };
            prop_assert_eq!(heard(&first), heard(&second));
            let greatest = first.iter().map(|(number, text)| version(*number, text).stamp).max();
            prop_assert_eq!(heard(&first).map(|newest| newest.stamp), greatest);
        }
    }
}
