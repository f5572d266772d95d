//! In which order missing numbers are given: what makes a joiner useful first.

use crate::mesh::words::{Chapter, Sequence, Span};
use crate::vocabulary::NodeId;
use std::collections::BTreeMap;

/// So many numbers of a sequence are given before it is the next one's turn: few, so that the newest of
/// every author come before the older of any; each is read from the disk at once.
const ROUND: u64 = 16;

/// What is missing of one sequence, in order.
pub(super) struct Missing<'a> {
    pub(super) sequence: &'a Sequence,
    pub(super) spans: Vec<(u64, u64)>,
}

/// Statements before results, then each author's newest life before its earlier ones.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    chapter: std::cmp::Reverse<Chapter>,
    lives_later: usize,
}

/// In groups: all of one before any of the next.
fn groups<'a>(missing: Vec<Missing<'a>>) -> BTreeMap<Turn, Vec<Missing<'a>>> {
    let mut lives: BTreeMap<(&NodeId, Chapter), Vec<Missing<'a>>> = BTreeMap::new();
    for one in missing.into_iter().filter(|one| !one.spans.is_empty()) {
        lives.entry((&one.sequence.author, one.sequence.chapter)).or_default().push(one);
    }
    let mut groups: BTreeMap<Turn, Vec<Missing<'a>>> = BTreeMap::new();
    for ((_, chapter), mut lives) in lives {
        lives.sort_by_key(|one| std::cmp::Reverse(one.sequence.boot));
        for (lives_later, one) in lives.into_iter().enumerate() {
            groups.entry(Turn { chapter: std::cmp::Reverse(chapter), lives_later }).or_default().push(one);
        }
    }
    groups
}

/// Whole spans, most wanted first, at most `limit` of them.
pub(super) fn whole(missing: Vec<Missing<'_>>, limit: usize) -> Vec<Span> {
    let spans = |one: Missing<'_>| {
        let sequence = one.sequence.clone();
        let span = move |(first, last)| Span { sequence: sequence.clone(), first, last };
        one.spans.into_iter().rev().map(span).collect::<Vec<_>>()
    };
    groups(missing).into_values().flatten().flat_map(spans).take(limit).collect()
}

/// At most `limit` numbers, most wanted first: in each group the newest of every sequence in turn.
pub(super) fn in_turn(missing: Vec<Missing<'_>>, limit: u64) -> Vec<Span> {
    let mut left = limit;
    let mut given = Vec::new();
    for mut group in groups(missing).into_values() {
        while left > 0 && !group.is_empty() {
            for one in &mut group {
                let Some((first, last)) = one.spans.pop().filter(|_| left > 0) else {
                    continue;
                };
                let from = first.max(last.saturating_sub(ROUND.min(left) - 1));
                left -= last - from + 1;
                given.push(Span { sequence: one.sequence.clone(), first: from, last });
                if first < from {
                    one.spans.push((first, from - 1));
                }
            }
            group.retain(|one| !one.spans.is_empty());
        }
    }
    given
}
