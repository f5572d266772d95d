//! Who people are and what they may: names and user groups, as Slack tells them, remembered for a while.

use crate::config::{Changes, Ready};
use crate::slack::api::Trouble;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a name or a group's members are taken for true.
const TRUE_FOR: Duration = Duration::from_secs(300);
/// Most names that are remembered.
const NAMES_LIMIT: usize = 2_000;
/// Longest name, in characters.
const NAME_LIMIT: usize = 80;

/// What is known about people. Times are counted from any moment.
#[derive(Debug, Default)]
pub(crate) struct People {
    names: BTreeMap<String, (String, Duration)>,
    groups: BTreeMap<String, (BTreeSet<String>, Duration)>,
}

/// What is to be asked before somebody may do something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Questions {
    user: Option<String>,
    groups: Vec<String>,
}

/// What was answered.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    name: Option<(String, String)>,
    groups: Vec<(String, BTreeSet<String>)>,
    /// What did not work, in words.
    pub(crate) trouble: Option<String>,
}

impl People {
    /// What has to be asked for `user` to change something in `channel`.
    pub(crate) fn questions(&self, changes: &Changes, user: &str, channel: &str, now: Duration) -> Questions {
        let old = |at: &Duration| now.saturating_sub(*at) >= TRUE_FOR;
        let is_listed =
            changes.users.iter().any(|id| id == user) || changes.channels.iter().any(|id| id == channel);
        let groups = changes.groups.iter().filter(|id| self.groups.get(*id).is_none_or(|(_, at)| old(at)));
        Questions {
            user: self.names.get(user).is_none_or(|(_, at)| old(at)).then(|| user.to_owned()),
            groups: if is_listed { Vec::new() } else { groups.cloned().collect() },
        }
    }

    /// Takes note of the answers.
    pub(crate) fn learn(&mut self, answered: Answered, now: Duration) {
        if self.names.len() >= NAMES_LIMIT {
            self.names.clear();
        }
        if let Some((user, name)) = answered.name {
            self.names.insert(user, (name, now));
        }
        for (group, members) in answered.groups {
            self.groups.insert(group, (members, now));
        }
    }

    /// Whether somebody may change something. What is not known is not allowed.
    pub(crate) fn may(&self, changes: &Changes, user: &str, channel: &str, now: Duration) -> bool {
        let member = |id: &String| {
            self.groups.get(id).is_some_and(|(members, at)| {
                // an answer that is a little late counts, one of long ago does not
                members.contains(user) && now.saturating_sub(*at) < TRUE_FOR * 2
            })
        };
        changes.users.iter().any(|id| id == user)
            || changes.channels.iter().any(|id| id == channel)
            || changes.groups.iter().any(member)
    }

    /// What a person is called; their id when that is not known.
    pub(crate) fn name(&self, user: &str) -> String {
        self.names.get(user).map_or_else(|| user.to_owned(), |(name, _)| name.clone())
    }
}

impl Questions {
    /// Asks Slack.
    pub(crate) async fn ask(self, ready: &Ready) -> Answered {
        let mut answered = Answered::default();
        if let Some(user) = &self.user {
            match ready.api.form("users.info", &ready.bot_token, &[("user", user)]).await {
                Ok(said) => {
                    let about = &said["user"];
                    let names = [
                        &about["profile"]["display_name"],
                        &about["profile"]["real_name"],
                        &about["real_name"],
                        &about["name"],
                    ];
                    let name =
                        names.iter().filter_map(|name| name.as_str()).find(|name| !name.trim().is_empty());
                    let name: Option<String> = name.map(|name| name.chars().take(NAME_LIMIT).collect());
                    answered.name = name.map(|name| (user.clone(), name));
                }
                Err(trouble) => answered.note("users.info", &trouble),
            }
        }
        for group in self.groups {
            match ready.api.form("usergroups.users.list", &ready.bot_token, &[("usergroup", &group)]).await {
                Ok(said) => {
                    let users = said["users"].as_array().into_iter().flatten();
                    let members = users.filter_map(|user| user.as_str().map(str::to_owned)).collect();
                    answered.groups.push((group, members));
                }
                Err(trouble) => answered.note("usergroups.users.list", &trouble),
            }
        }
        answered
    }
}

impl Answered {
    fn note(&mut self, method: &str, trouble: &Trouble) {
        self.trouble = Some(format!("{method}: {trouble}"));
    }
}
