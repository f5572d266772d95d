//! Which of what is due goes into one message, and how many messages a channel gets at a time.

use crate::mesh::words::Steady;
use crate::vocabulary::Millis;
use std::collections::{BTreeMap, VecDeque};

/// From so many on, what goes wrong together is one message, as in the 2020 original.
pub const TOGETHER: usize = 3;
/// Most messages of a channel within [`WINDOW`].
pub const MESSAGES_LIMIT: usize = 3;
/// In which that many may go out.
pub const WINDOW: Millis = Millis::seconds(60);
/// After the first, second … message within the window the next waits so long, and gathers what comes.
const GAPS: [Millis; MESSAGES_LIMIT] = [Millis(0), Millis::seconds(5), Millis::seconds(20)];

/// What grouping looks at of something that is due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trait {
    /// The message that it is a repetition of, perhaps: those of one stay together.
    pub doubt: Option<u64>,
    /// Whether it is good news.
    pub is_recovery: bool,
    /// The earlier message that it follows; 0 for none.
    pub follows: u64,
    /// The host it is tested at: a shared cause.
    pub host: String,
    /// Its environment.
    pub environment: String,
}

/// What those of one message have in common: doubt, good news, what they follow, host, environment.
type Key = (Option<u64>, bool, u64, String, String);

/// Puts things that are due, given by their traits, into at most `room` messages; each is a list of their
/// places. What shares a host, else an environment, goes together from three on; what does not fit is one.
pub fn grouped(due: &[Trait], room: usize) -> Vec<Vec<usize>> {
    let mut by: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    let mut hosts: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    let mut bad: BTreeMap<&str, usize> = BTreeMap::new();
    for one in due {
        *hosts.entry((&one.host, one.is_recovery)).or_default() += 1;
        *bad.entry(&one.environment).or_default() += usize::from(!one.is_recovery);
    }
    for (place, one) in due.iter().enumerate() {
        let alone = || format!("\u{0}{place}");
        let key = if one.doubt.is_some() {
            (one.doubt, one.is_recovery, 0, String::new(), String::new())
        } else if one.is_recovery {
            (
                None,
                true,
                one.follows,
                String::new(),
                if one.follows == 0 { one.environment.clone() } else { String::new() },
            )
        } else if hosts.get(&(one.host.as_str(), false)).is_some_and(|count| *count >= TOGETHER) {
            (None, false, 0, one.host.clone(), String::new())
        } else if bad.get(one.environment.as_str()).is_some_and(|count| *count >= TOGETHER) {
            (None, false, 0, String::new(), one.environment.clone())
        } else {
            (None, false, 0, alone(), String::new())
        };
        by.entry(key).or_default().push(place);
    }
    let mut groups: Vec<Vec<usize>> = by.into_values().collect();
    if groups.len() > room.max(1) {
        groups = vec![(0..due.len()).collect()];
    }
    groups
}

/// When messages went out on a channel, whoever sent them.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    sent: VecDeque<(u64, Steady)>,
}

impl Pace {
    /// A message goes out, here or elsewhere; one that is known is tried again and counts once.
    pub fn note(&mut self, message: u64, now: Steady) {
        self.forget(now);
        if !self.sent.iter().any(|(known, _)| *known == message) {
            self.sent.push_back((message, now));
        }
        if self.sent.len() > 4 * MESSAGES_LIMIT {
            self.sent.pop_front();
        }
    }

    /// How many messages may go out now, or when the next one may.
    ///
    /// # Errors
    /// When none may: not before this moment.
    pub fn room(&mut self, now: Steady) -> Result<usize, Steady> {
        self.forget(now);
        let Some((_, last)) = self.sent.back() else { return Ok(MESSAGES_LIMIT) };
        let count = self.sent.len();
        let from = match GAPS.get(count) {
            Some(gap) => last.plus(*gap),
            None => self.sent.get(count - MESSAGES_LIMIT).map_or(now, |(_, at)| at.plus(WINDOW)),
        };
        if now < from { Err(from) } else { Ok(MESSAGES_LIMIT.saturating_sub(count).max(1)) }
    }

    fn forget(&mut self, now: Steady) {
        while self.sent.front().is_some_and(|(_, at)| now.since(*at) >= WINDOW) {
            self.sent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(environment: &str, host: &str) -> Trait {
        let (environment, host) = (environment.to_owned(), host.to_owned());
        Trait { doubt: None, is_recovery: false, follows: 0, host, environment }
    }

    #[test]
    fn two_are_told_apart_and_three_together() {
        let all = [of("p", "a"), of("p", "b"), of("p", "c")];
        assert_eq!(grouped(&all[..2], 3).len(), 2);
        assert_eq!(grouped(&all, 3), [vec![0, 1, 2]]);
    }

    #[test]
    fn a_shared_host_is_the_cause() {
        let all = [of("p", "h"), of("q", "h"), of("r", "h"), of("p", "x")];
        assert_eq!(grouped(&all, 3), [vec![3], vec![0, 1, 2]]);
    }

    #[test]
    fn more_groups_than_room_are_one_digest() {
        let all: Vec<Trait> = (0..9).map(|n| of(&format!("e{}", n / 3), &format!("h{n}"))).collect();
        assert_eq!((grouped(&all, 3).len(), grouped(&all, 2).len()), (3, 1));
    }

    proptest! {
        #[test]
        fn everything_is_said_once_and_never_in_more_messages_than_there_is_room_for(
            all in prop::collection::vec((0..3_u8, 0..4_u8, any::<bool>(), 0..3_u64, prop::option::of(0..2_u64)), 0..60),
            room in 1..4_usize,
        ) {
            let all: Vec<Trait> = all.into_iter().map(|(e, h, is_recovery, follows, doubt)| Trait {
                doubt, is_recovery, follows, host: h.to_string(), environment: e.to_string(),
            }).collect();
            let groups = grouped(&all, room);
            let mut places: Vec<usize> = groups.concat();
            places.sort_unstable();
            prop_assert_eq!(places, (0..all.len()).collect::<Vec<_>>());
            prop_assert!(groups.len() <= room);
        }

        #[test]
        fn no_minute_has_more_than_three_messages(asked in prop::collection::vec(0..20_000_u64, 1..200)) {
            let mut pace = Pace::default();
            let (mut now, mut number) = (Steady(1), 0);
            let mut sent: Vec<u64> = Vec::new();
            for wait in asked {
                now = now.plus(Millis(wait));
                if let Ok(room) = pace.room(now) {
                    for _ in 0..room.min(2) {
                        number += 1;
                        pace.note(number, now);
                        sent.push(now.0);
                    }
                }
                let within = sent.iter().filter(|at| now.0 - **at < WINDOW.0).count();
                prop_assert!(within <= MESSAGES_LIMIT, "{:?}", sent);
            }
        }
    }
}
