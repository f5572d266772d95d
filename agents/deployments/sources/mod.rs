//! One file a source: its settings, how its answers are read, and what is asked.

pub mod azure_devops;
pub mod github;
pub mod gitlab;

use crate::config::{Origin, SourceConfig};
use crate::fetch::{Fetcher, Trouble};
use crate::found::Found;
use futures_util::StreamExt;
use p7_core::vocabulary::ServiceId;
use p7_settings::SecretText;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// How long one poll may take in all, however many questions it has: less than the shortest interval.
const POLL_WITHIN: Duration = Duration::from_secs(50);
/// How many questions run at once: no source minds as many.
const AT_ONCE: usize = 4;

/// What one poll came to.
#[derive(Debug, Default)]
pub(crate) struct Polled {
    /// The latest deployment of each service that has one.
    pub(crate) found: BTreeMap<ServiceId, Found>,
    /// What went wrong, if something did.
    pub(crate) trouble: Option<Trouble>,
    /// How long the source wants to be left alone, though all went well.
    pub(crate) wait: Option<Duration>,
}

impl Polled {
    pub(crate) fn failed(trouble: Trouble) -> Self {
        Self { trouble: Some(trouble), ..Self::default() }
    }

    fn later(&mut self, wait: Option<Duration>) {
        self.wait = self.wait.max(wait);
    }
}

/// One poll: the source asked, with what, and for whom.
#[derive(Debug, Clone)]
pub(crate) struct Poll {
    pub(crate) fetcher: Fetcher,
    pub(crate) token: SecretText,
    /// The wall clock when it began, in seconds since 1970.
    pub(crate) now: u64,
    /// Whose deployments are wanted, and where they are told.
    pub(crate) wanted: Vec<(ServiceId, Origin)>,
}

impl Poll {
    /// Asks the source. Ends within [`POLL_WITHIN`].
    pub(crate) async fn run(self, config: &SourceConfig) -> Polled {
        if let Some(config) = &config.azure_devops {
            return azure_devops::poll(&self, config).await;
        }
        if let Some(config) = &config.github {
            return github::poll(&self, config).await;
        }
        match &config.gitlab {
            Some(config) => gitlab::poll(&self, config).await,
            None => Polled::default(),
        }
    }

    async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<(T, Option<Duration>), Trouble> {
        let body = self.fetcher.get(url, &self.token, self.now).await?;
        Ok((parse(&body.bytes)?, body.wait))
    }

    /// Asks once for each different question, a few at a time, and gives the answer to all services that
    /// have it. What concerns one question keeps the others going.
    async fn each<Q, A>(&self, question: impl Fn(&Origin) -> Q, ask: A) -> Polled
    where
        Q: Ord + Clone,
        A: AsyncFn(Q) -> Result<(Option<Found>, Option<Duration>), Trouble>,
    {
        let until = Instant::now() + POLL_WITHIN;
        let mut questions: BTreeMap<Q, Vec<&ServiceId>> = BTreeMap::new();
        let mut order = Vec::new();
        for (service, origin) in &self.wanted {
            let question = question(origin);
            let services = questions.entry(question.clone()).or_default();
            if services.is_empty() {
                order.push(question);
            }
            services.push(service);
        }
        let asked = order.into_iter().map(|question| async {
            let answer = ask(question.clone()).await;
            (question, answer)
        });
        let mut answers = std::pin::pin!(futures_util::stream::iter(asked).buffer_unordered(AT_ONCE));
        let mut polled = Polled::default();
        loop {
            match timeout_at(until, answers.next()).await {
                Ok(None) => return polled,
                Ok(Some((question, Ok((found, wait))))) => {
                    polled.later(wait);
                    let services = questions.get(&question).into_iter().flatten();
                    polled.found.extend(found.iter().flat_map(|found| {
                        services.clone().map(|service| ((*service).clone(), found.clone()))
                    }));
                    if wait.is_some_and(|wait| !wait.is_zero()) {
                        return polled;
                    }
                }
                Ok(Some((_, Err(trouble)))) => {
                    let goes_on = trouble.kind.concerns_one();
                    polled.trouble.get_or_insert(trouble);
                    if !goes_on {
                        return polled;
                    }
                }
                Err(_elapsed) => {
                    let what = format!("not every answer came within {} s", POLL_WITHIN.as_secs());
                    polled.trouble.get_or_insert(Trouble::new(crate::fetch::TroubleKind::Unreachable, what));
                    return polled;
                }
            }
        }
    }
}

/// Reads a JSON answer. What is wrong is told without the answer's text.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Trouble> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = match error.classify() {
            serde_json::error::Category::Data => "of another shape than documented",
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof => "no whole JSON",
        };
        Trouble::bad(format!("the answer is {what} (line {line}, column {column}); is `url` right?"))
    })
}

/// An address below a base: each segment is escaped, whatever is in it.
pub(crate) fn below(base: &str, segments: &[&str], query: &[(&str, &str)]) -> Result<Url, Trouble> {
    let unusable = || Trouble::bad("`url` is no address that paths can be put behind");
    let mut url = Url::parse(base).map_err(|_checked_before| unusable())?;
    url.path_segments_mut().map_err(|()| unusable())?.pop_if_empty().extend(segments);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}
