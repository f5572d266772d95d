//! Azure DevOps: classic releases by one call for a whole project, and pipelines by another.

use super::{Poll, Polled, below};
use crate::config::{Origin, check_base};
use crate::fetch::{Login, Manner, Trouble};
use crate::found::{Found, latest, line, link};
use p7_core::facts::DeploymentState;
use p7_settings::{Check, Faults, Secret};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many of the newest deployments, or builds, of the project are looked through.
const NEWEST: &str = "100";
/// The version of the API that is spoken.
const API_VERSION: &str = "7.1";
/// Where the cloud has builds, and where releases.
const CLOUD: &str = "https://dev.azure.com";
const CLOUD_RELEASES: &str = "https://vsrm.dev.azure.com";
/// Longest name of an organization or project, in bytes.
const NAME_LIMIT: usize = 255;

/// `[deployments.NAME.azure_devops]`: one project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The organization, or the collection of a server of one's own. Required.
    pub organization: String,
    /// The project, by name. Required.
    pub project: String,
    /// A personal access token that may read releases and builds: "env:AZDO_TOKEN". Required.
    pub token: Secret,
    /// Where it is. Default `"https://dev.azure.com"`.
    #[serde(default = "cloud")]
    pub url: String,
    /// Where it has its classic releases. Default `"https://vsrm.dev.azure.com"`, or `url` when that is
    /// another: a server of one's own has all in one place.
    #[serde(default)]
    pub release_url: Option<String>,
}

fn cloud() -> String {
    CLOUD.to_owned()
}

impl Config {
    fn releases(&self) -> &str {
        let default = if self.url.trim_end_matches('/') == CLOUD { CLOUD_RELEASES } else { &self.url };
        self.release_url.as_deref().unwrap_or(default)
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        for (key, name) in [("organization", &self.organization), ("project", &self.project)] {
            let lawful = |c: char| !c.is_control() && c != '/' && c != '\\';
            if matches!(name.trim(), "" | "." | "..") || name.len() > NAME_LIMIT || !name.chars().all(lawful)
            {
                faults.push(key, "must be its name alone, as it stands in the browser's address");
            }
        }
        check_base("url", &self.url, faults);
        if let Some(url) = &self.release_url {
            check_base("release_url", url, faults);
        }
    }
}

pub(crate) fn manner(token: &Secret) -> Manner {
    Manner {
        login: Login::BasicPassword,
        accept: "application/json",
        headers: &[("x-tfs-fedauthredirect", "Suppress")],
        scope: "the scopes Release (read) and Build (read)",
        token_at: token.to_string(),
    }
}

/// At most two calls, however many services there are.
pub(crate) async fn poll(poll: &Poll, config: &Config) -> Polled {
    let mut polled = Polled::default();
    let by_definition = |origin: &Origin| origin.definition.is_some();
    if poll.wanted.iter().any(|(_, origin)| by_definition(origin)) {
        match releases(poll, config).await {
            Ok((deployments, wait)) => {
                polled.later(wait);
                for (service, origin) in &poll.wanted {
                    let found = newest_release(&deployments, origin, config);
                    polled.found.extend(found.map(|found| (service.clone(), found)));
                }
            }
            Err(trouble) if !trouble.kind.concerns_one() => return Polled::failed(trouble),
            Err(trouble) => polled.trouble = Some(trouble),
        }
    }
    if poll.wanted.iter().any(|(_, origin)| !by_definition(origin)) {
        match builds(poll, config).await {
            Ok((builds, wait)) => {
                polled.later(wait);
                for (service, origin) in &poll.wanted {
                    let found = newest_build(&builds, origin);
                    polled.found.extend(found.map(|found| (service.clone(), found)));
                }
            }
            Err(trouble) => polled.trouble = polled.trouble.or(Some(trouble)),
        }
    }
    polled
}

async fn releases(poll: &Poll, config: &Config) -> Result<(Vec<Release>, Option<Duration>), Trouble> {
    let path = [config.organization.as_str(), &config.project, "_apis", "release", "deployments"];
    let query = [
        ("latestAttemptsOnly", "true"),
        ("queryOrder", "descending"),
        ("$top", NEWEST),
        ("api-version", API_VERSION),
    ];
    let (list, wait) = poll.get::<List<Release>>(&below(config.releases(), &path, &query)?).await?;
    Ok((list.into_entries(), wait))
}

async fn builds(poll: &Poll, config: &Config) -> Result<(Vec<Build>, Option<Duration>), Trouble> {
    let path = [config.organization.as_str(), &config.project, "_apis", "build", "builds"];
    let numbers: Vec<&str> =
        poll.wanted.iter().filter_map(|(_, origin)| origin.pipeline.as_deref()).collect();
    let all_numbers = numbers.iter().all(|word| word.parse::<u64>().is_ok());
    let definitions = numbers.join(",");
    let mut query =
        vec![("queryOrder", "queueTimeDescending"), ("$top", NEWEST), ("api-version", API_VERSION)];
    if all_numbers {
        // asked for by number, other pipelines of the project do not fill the answer
        query.push(("definitions", &definitions));
    }
    let (list, wait) = poll.get::<List<Build>>(&below(&config.url, &path, &query)?).await?;
    Ok((list.into_entries(), wait))
}

/// A list as it is sent, in an envelope, or as the specification draws it, bare.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum List<T> {
    Enveloped { value: Vec<T> },
    Bare(Vec<T>),
}

impl<T> List<T> {
    pub(crate) fn into_entries(self) -> Vec<T> {
        match self {
            Self::Enveloped { value } | Self::Bare(value) => value,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Named {
    id: Option<u64>,
    name: Option<String>,
}

impl Named {
    /// Whether this is what the configuration calls so: its number, or its name in any case.
    fn is(&self, word: &str) -> bool {
        self.id.is_some_and(|id| id.to_string() == word)
            || self.name.as_ref().is_some_and(|name| name.to_lowercase() == word.to_lowercase())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Person {
    display_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Links {
    web: Option<Href>,
}

#[derive(Debug, Deserialize)]
struct Href {
    href: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ReleaseOf {
    id: Option<u64>,
    name: Option<String>,
    web_access_uri: Option<String>,
    #[serde(rename = "_links")]
    links: Option<Links>,
}

/// One deployment of a classic release to one stage.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Release {
    release: ReleaseOf,
    release_definition: Named,
    #[serde(default)]
    release_environment: Named,
    deployment_status: String,
    #[serde(default)]
    operation_status: String,
    requested_for: Option<Person>,
    queued_on: Option<String>,
    started_on: Option<String>,
    completed_on: Option<String>,
    last_modified_on: Option<String>,
}

impl Release {
    /// How it is getting on; none while it waits, and when it was never begun. The examples write these
    /// words in another case than the specification.
    fn state(&self) -> Option<DeploymentState> {
        let operation = self.operation_status.to_ascii_lowercase();
        match self.deployment_status.to_ascii_lowercase().as_str() {
            "inprogress" => Some(DeploymentState::Running),
            "succeeded" | "partiallysucceeded" => Some(DeploymentState::Succeeded),
            "failed" => Some(DeploymentState::Failed),
            _ => match operation.as_str() {
                "phaseinprogress" | "cancelling" => Some(DeploymentState::Running),
                "phasefailed" | "phasecanceled" | "gatefailed" => Some(DeploymentState::Failed),
                _ => None,
            },
        }
    }

    fn link(&self, config: &Config) -> Option<String> {
        let web = self.release.links.as_ref().and_then(|links| links.web.as_ref());
        let told = self.release.web_access_uri.as_deref().or(web.map(|web| web.href.as_str()));
        link(told).or_else(|| {
            let id = self.release.id?.to_string();
            let query = [("releaseId", id.as_str()), ("_a", "release-pipeline-progress")];
            let path = [config.organization.as_str(), &config.project, "_releaseProgress"];
            below(&config.url, &path, &query).ok().map(|url| url.to_string())
        })
    }
}

/// The newest deployment of what the service says, of a list that has the newest first.
pub(crate) fn newest_release(deployments: &[Release], origin: &Origin, config: &Config) -> Option<Found> {
    let definition = origin.definition.as_deref()?;
    let wanted = |one: &&Release| {
        let stage = origin.environment.as_deref().is_none_or(|stage| one.release_environment.is(stage));
        one.release_definition.is(definition) && stage
    };
    deployments.iter().filter(wanted).find_map(|one| {
        let by = one.requested_for.as_ref().and_then(|person| person.display_name.as_deref());
        let times = [&one.queued_on, &one.started_on, &one.completed_on, &one.last_modified_on];
        Some(Found {
            name: line(one.release.name.as_deref()?),
            by: line(by.unwrap_or_default()),
            state: one.state()?,
            changed: latest(times.map(Option::as_ref)),
            link: one.link(config),
        })
    })
}

/// One run of a pipeline.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Build {
    id: u64,
    build_number: Option<String>,
    definition: Named,
    status: Option<String>,
    result: Option<String>,
    source_branch: Option<String>,
    requested_for: Option<Person>,
    queue_time: Option<String>,
    start_time: Option<String>,
    finish_time: Option<String>,
    #[serde(rename = "_links")]
    links: Option<Links>,
}

impl Build {
    fn state(&self) -> Option<DeploymentState> {
        let word = |text: &Option<String>| text.as_deref().unwrap_or_default().to_ascii_lowercase();
        match (word(&self.status).as_str(), word(&self.result).as_str()) {
            ("inprogress" | "cancelling", _) => Some(DeploymentState::Running),
            ("completed", "succeeded" | "partiallysucceeded") => Some(DeploymentState::Succeeded),
            ("completed", "failed" | "canceled") => Some(DeploymentState::Failed),
            _ => None,
        }
    }
}

/// The newest run of the pipeline that the service says, of a list that has the newest first.
pub(crate) fn newest_build(builds: &[Build], origin: &Origin) -> Option<Found> {
    let pipeline = origin.pipeline.as_deref()?;
    let wanted = |one: &&Build| {
        let branch = one.source_branch.as_deref().unwrap_or_default();
        let short = branch.strip_prefix("refs/heads/").unwrap_or(branch);
        one.definition.is(pipeline)
            && origin.branch.as_deref().is_none_or(|wanted| wanted == branch || wanted == short)
    };
    builds.iter().filter(wanted).find_map(|one| {
        let by = one.requested_for.as_ref().and_then(|person| person.display_name.as_deref());
        let web = one.links.as_ref().and_then(|links| links.web.as_ref());
        Some(Found {
            name: one.build_number.as_deref().map_or_else(|| one.id.to_string(), line),
            by: line(by.unwrap_or_default()),
            state: one.state()?,
            changed: latest([&one.queue_time, &one.start_time, &one.finish_time].map(Option::as_ref)),
            link: link(web.map(|web| web.href.as_str())),
        })
    })
}
