//! `[channels.NAME]` and `[routes.NAME]`: how people are told, and who of what.

use super::node::check_labels;
use p7_core::speech::rules::Route;
use p7_core::vocabulary::{Level, Millis};
use p7_notifier::{ChannelConfig, NAMES};
use p7_settings::{Document, Faults, Period, Reader, suggestion};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Most channels and most routes.
const LIMIT: usize = 100;
/// Longest name of a channel: it stands in every ledger entry.
const NAME_LIMIT: usize = 64;
/// How long somebody has time to acknowledge when nothing is said.
const ESCALATE_AFTER: Period = Period::seconds(15 * 60);

/// How people are told.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Speaking {
    /// The channels, by name.
    pub(crate) channels: BTreeMap<String, ChannelConfig>,
    /// Who is told what.
    pub(crate) routes: Vec<Route>,
}

/// `[routes.NAME]`: which services are told of where.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RouteTable {
    /// Services with all of these labels. Default all.
    pub(super) labels: BTreeMap<String, String>,
    /// Services of one of these environments. Default all.
    pub(super) environments: Vec<String>,
    /// From which level on: "incident" or "down". Default "incident".
    pub(super) level: FromLevel,
    /// The channels that are told. Default none.
    pub(super) channels: Vec<String>,
    /// Whether it stands only for services that no other route takes. Default false.
    pub(super) default: bool,
    /// When the first reminder of an outage that nobody acknowledged comes; each next one after twice the
    /// time, at most a day. Default never.
    pub(super) remind_after: Option<Period>,
    /// Channels that are told when nobody has acknowledged in time. Default none.
    pub(super) escalate_to: Vec<String>,
    /// How long that time is. Default "15m".
    pub(super) escalate_after: Period,
}

impl Default for RouteTable {
    fn default() -> Self {
        Self {
            labels: BTreeMap::new(),
            environments: Vec::new(),
            level: FromLevel::default(),
            channels: Vec::new(),
            default: false,
            remind_after: None,
            escalate_to: Vec::new(),
            escalate_after: ESCALATE_AFTER,
        }
    }
}

/// A level that people are told of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FromLevel {
    /// Orange and worse.
    #[default]
    Incident,
    /// Red.
    Down,
}

/// Reads both; what is wrong is noted in the document.
pub(super) fn read(document: &mut Document) -> Speaking {
    let names = document.keys(&["channels"]);
    let mut channels = BTreeMap::new();
    for name in names.iter().take(LIMIT) {
        if name.is_empty() || name.len() > NAME_LIMIT || name.chars().any(char::is_control) {
            document.note(
                &["channels", name],
                &format!("a channel's name is one line of 1 to {NAME_LIMIT} bytes"),
            );
        }
        if let Some(config) = read_channel(document, name) {
            channels.insert(name.clone(), config);
        }
    }
    let routes = document.keys(&["routes"]);
    for (table, count) in [("channels", names.len()), ("routes", routes.len())] {
        if count > LIMIT {
            document.note(&[table], &format!("more than {LIMIT}; leave some out"));
        }
    }
    let routes = routes.iter().take(LIMIT).filter_map(|name| read_route(document, name, &names)).collect();
    Speaking { channels, routes }
}

fn read_channel(document: &mut Document, name: &str) -> Option<ChannelConfig> {
    let keys = document.keys(&["channels", name]);
    for key in keys.iter().filter(|key| !NAMES.contains(&key.as_str())) {
        let message = format!("there is no kind of channel `{key}`{}", suggestion(key, NAMES));
        document.note_key(&["channels", name, key], &message);
    }
    let kinds: Vec<&str> = keys.iter().map(String::as_str).filter(|key| NAMES.contains(key)).collect();
    match kinds.as_slice() {
        [] if keys.is_empty() => {
            let wanted: Vec<String> = NAMES.iter().map(|kind| format!("[channels.{name}.{kind}]")).collect();
            let message = format!("nothing says how this channel works; add {}", wanted.join(" or "));
            document.note(&["channels", name], &message);
            None
        }
        [] => None,
        [kind] => {
            let path = ["channels", name, kind];
            let read = |reader: Reader<'_>| ChannelConfig::deserialize(kind, reader);
            let config = document.decode_by(&path, &[], read)?;
            document.check(&path, &config);
            Some(config)
        }
        [first, second, ..] => {
            let message =
                format!("a channel is of one kind, and `{first}` is there, too; make it two channels");
            document.note(&["channels", name, second], &message);
            None
        }
    }
}

fn read_route(document: &mut Document, name: &str, channels: &[String]) -> Option<Route> {
    let path = ["routes", name];
    let table: RouteTable = document.decode(&path, &[])?;
    let mut list = Vec::new();
    let mut faults = Faults::new(&mut list);
    check_labels(&table.labels, &mut faults.under("labels"));
    let known: Vec<&str> = channels.iter().map(String::as_str).collect();
    for (key, named) in [("channels", &table.channels), ("escalate_to", &table.escalate_to)] {
        let mut under = faults.under(key);
        for (place, channel) in named.iter().enumerate().filter(|(_, channel)| !channels.contains(channel)) {
            let near = p7_settings::nearest(channel, known.iter().copied());
            let hint = near
                .map_or("; add its table [channels.NAME]".to_owned(), |near| suggestion(channel, &[near]));
            let shown: String = channel.chars().take(NAME_LIMIT).collect();
            under.push(place.to_string(), format!("there is no channel `{shown}`{hint}"));
        }
    }
    if table.channels.is_empty() && table.escalate_to.is_empty() {
        faults.here("tells nobody; name some `channels`");
    }
    if table.remind_after.is_some_and(|after| after < Period::seconds(60)) {
        faults.push("remind_after", "must be at least \"1m\"");
    }
    document.note_below(&path, &list);
    Some(Route {
        labels: table.labels,
        environments: table.environments,
        level: match table.level {
            FromLevel::Incident => Level::Incident,
            FromLevel::Down => Level::Down,
        },
        channels: table.channels,
        is_default: table.default,
        remind_after: table.remind_after.map(Period::as_millis),
        escalate_to: table.escalate_to,
        escalate_after: Millis(table.escalate_after.as_millis().0),
    })
}
