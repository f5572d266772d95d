//! One source as the agent keeps it: its settings, its pace, and what was last the matter with it.

use crate::config::{Origin, SourceConfig};
use crate::fetch::{Fetcher, REQUEST_WITHIN, Trouble, TroubleKind};
use crate::pace::{Ended, Pace};
use crate::sources::{Poll, Polled, azure_devops, github, gitlab};
use p7_core::vocabulary::{MeshTime, ServiceId};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// One source.
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    pub(crate) config: Arc<SourceConfig>,
    /// Whose deployments it tells of.
    pub(crate) wanted: Vec<(ServiceId, Origin)>,
    fetcher: Option<Fetcher>,
    pace: Pace,
    polling: bool,
    /// Each poll begins with another service, so that one cut short does not always miss the same.
    turn: usize,
    /// What is wrong, in words.
    pub(crate) trouble: Option<String>,
    /// When it last answered.
    pub(crate) answered: Option<MeshTime>,
}

impl Source {
    pub(crate) fn new(name: &str, config: &SourceConfig) -> Self {
        let mut source = Self {
            name: name.into(),
            config: Arc::new(config.clone()),
            wanted: Vec::new(),
            fetcher: None,
            pace: Pace::new(config.interval.0),
            polling: false,
            turn: 0,
            trouble: None,
            answered: None,
        };
        source.fetcher = source.fetcher();
        source
    }

    fn fetcher(&mut self) -> Option<Fetcher> {
        let azure = self.config.azure_devops.as_ref().map(|config| azure_devops::manner(&config.token));
        let github = self.config.github.as_ref().map(|config| github::manner(&config.token));
        let gitlab = self.config.gitlab.as_ref().map(|config| gitlab::manner(&config.token));
        let made = Fetcher::new(azure.or(github).or(gitlab)?, REQUEST_WITHIN);
        made.map_err(|error| {
            tracing::error!(source = %self.name, %error, "no HTTP client for a source of deployments");
        })
        .ok()
    }

    /// Whether it is to be asked now.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        !self.polling && !self.wanted.is_empty() && self.fetcher.is_some() && self.pace.is_due(now)
    }

    /// Begins a poll; none when the token is not to be had, which ends it.
    pub(crate) fn begin(&mut self, now: Duration, wall: MeshTime, dir: &Path) -> Result<Poll, Trouble> {
        self.pace.begin(now);
        let none = || Trouble::new(TroubleKind::NoToken, "no table says where to ask");
        let (fetcher, token) = self.fetcher.clone().zip(self.config.token()).ok_or_else(none)?;
        let token = token.resolve(dir).map_err(|error| {
            Trouble::new(
                TroubleKind::NoToken,
                format!("this node has no token for it, so it can't ask: {error}"),
            )
        })?;
        let mut wanted = self.wanted.clone();
        let turn = self.turn % wanted.len().max(1);
        wanted.rotate_left(turn);
        self.turn = turn + 1;
        self.polling = true;
        Ok(Poll { fetcher, token, now: wall.0 / 1_000, wanted })
    }

    /// A poll ended. Says its result for the metric.
    pub(crate) fn end(&mut self, polled: &Polled, now: Duration, wall: MeshTime) -> &'static str {
        self.polling = false;
        let fatal = polled.trouble.as_ref().is_some_and(|trouble| !trouble.kind.concerns_one());
        let ended = if fatal || (polled.trouble.is_some() && polled.found.is_empty()) {
            Ended::Badly
        } else {
            self.answered = Some(wall);
            Ended::Well
        };
        let wait = polled.wait.max(polled.trouble.as_ref().and_then(|trouble| trouble.wait));
        self.pace.end(ended, wait, now);
        self.tell(polled.trouble.as_ref(), now);
        polled.trouble.as_ref().map_or("ok", |trouble| trouble.kind.as_str())
    }

    /// Notes a trouble, and tells it once.
    fn tell(&mut self, trouble: Option<&Trouble>, now: Duration) {
        let what = trouble.map(|trouble| format!("{}: {}", self.name, trouble.what));
        if what == self.trouble {
            return;
        }
        let again_s = self.pace.left(now).as_secs();
        if let Some(what) = &what {
            tracing::warn!(source = %self.name, %what, again_s, "a source of deployments does not answer as it should");
        } else {
            tracing::info!(source = %self.name, "a source of deployments answers again");
        }
        self.trouble = what;
    }
}
