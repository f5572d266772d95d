//! `[persona]` of mesh.toml: the Slack app that Persona/7 is, and who may change something through it.

use crate::slack::api::{Api, SLACK};
use chrono_tz::Tz;
use p7_settings::{Check, Faults, Secret, SecretText};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use url::Url;

/// Most people, groups and channels that are listed.
const LISTED_LIMIT: usize = 500;
/// Longest id of Slack's.
const ID_LIMIT: usize = 32;

/// `[persona]`: the Slack assistant. It talks where both tokens are there, on one node of the mesh.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The app-level token (xapp-…) with the scope `connections:write`, by reference: "env:SLACK_APP_TOKEN" or
    /// "file:slack-app.token". Default none: nobody talks.
    pub app_token: Option<Secret>,
    /// The bot's token (xoxb-…), by reference. Needed with `app_token`.
    pub bot_token: Option<Secret>,
    /// The team's time zone, in which times are understood and shown, such as "Europe/Berlin". Default "UTC".
    pub timezone: Option<String>,
    /// A file with greetings, jokes and a story of your own, in the configuration's folder. Default p7's own.
    pub words: Option<PathBuf>,
    /// Who may acknowledge, silence, state maintenance, let a robot speak and probe any address. Default
    /// nobody; everybody in the workspace may ask.
    pub changes: Changes,
    /// The address of Slack's methods, for gateways. Default `"https://slack.com/api/"`.
    pub api: Option<String>,
}

/// `[persona.changes]`: who may change something. One of the three is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Changes {
    /// People by id: `["U0123ABCD"]`. Default none.
    pub users: Vec<String>,
    /// User groups by id: `["S0123ABCD"]`; needs the scope `usergroups:read`. Default none.
    pub groups: Vec<String>,
    /// Channels by id: `["C0123ABCD"]`; everybody who writes there may. Default none.
    pub channels: Vec<String>,
}

/// A configuration with its secrets at hand.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) api: Api,
    pub(crate) app_token: SecretText,
    pub(crate) bot_token: SecretText,
}

impl Config {
    /// Whether anybody is to talk at all.
    pub fn is_wanted(&self) -> bool {
        self.app_token.is_some()
    }

    /// The team's time zone.
    pub(crate) fn zone(&self) -> Tz {
        self.timezone.as_deref().and_then(|name| Tz::from_str(name).ok()).unwrap_or(Tz::UTC)
    }

    /// Looks the secrets up.
    ///
    /// # Errors
    /// Which is not there, and what to do.
    pub(crate) fn prepare(&self, dir: &Path) -> Result<Ready, String> {
        let found = |secret: &Option<Secret>, key: &str| {
            let secret = secret.as_ref().ok_or_else(|| format!("`{key}` of [persona] is not given"))?;
            secret.resolve(dir).map_err(|why| format!("`{key}` of [persona]: {why}"))
        };
        Ok(Ready {
            app_token: found(&self.app_token, "app_token")?,
            bot_token: found(&self.bot_token, "bot_token")?,
            api: Api::new(self.address()?)?,
        })
    }

    fn address(&self) -> Result<Url, String> {
        let api = self.api.as_deref().unwrap_or(SLACK);
        let slash = if api.ends_with('/') { "" } else { "/" };
        let url = Url::parse(&format!("{api}{slash}"))
            .map_err(|_unreadable| "is no address; it begins with https://")?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(url),
            _ => Err("is no http or https address".to_owned()),
        }
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        match (&self.app_token, &self.bot_token) {
            (Some(_), None) => faults.here("needs `bot_token`, too: the bot's token (xoxb-…) by reference"),
            (None, Some(_)) => {
                faults.here("needs `app_token`, too: the app-level token (xapp-…) by reference");
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        if let Some(name) = self.timezone.as_ref().filter(|name| Tz::from_str(name).is_err()) {
            let shown: String = name.chars().take(40).collect();
            faults
                .push("timezone", format!("there is no time zone `{shown}`; write it as \"Europe/Berlin\""));
        }
        if let Some(words) = &self.words
            && (words.is_absolute() || words.components().any(|part| part.as_os_str() == ".."))
        {
            faults.push("words", "must be a file in the configuration's folder, such as \"persona.toml\"");
        }
        if let Err(why) = self.address() {
            faults.push("api", why);
        }
        let mut below = faults.under("changes");
        let lists = [
            ("users", &self.changes.users, ['U', 'W']),
            ("groups", &self.changes.groups, ['S', 'S']),
            ("channels", &self.changes.channels, ['C', 'G']),
        ];
        for (key, list, begins) in lists {
            if list.len() > LISTED_LIMIT {
                below.push(key, format!("more than {LISTED_LIMIT}; a user group holds many"));
            }
            let mut under = below.under(key);
            for (place, id) in list.iter().enumerate() {
                let lawful = id.len() > 1
                    && id.len() <= ID_LIMIT
                    && id.starts_with(begins)
                    && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
                if !lawful {
                    let message =
                        format!("is no id of Slack's; it begins with {} and never changes", begins[0]);
                    under.push(place.to_string(), message);
                }
            }
        }
    }
}
