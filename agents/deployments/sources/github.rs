//! GitHub: the newest run of a workflow, or the newest deployment to an environment.

use super::{Poll, Polled, below};
use crate::config::Origin;
use crate::fetch::{Login, Manner, Trouble};
use crate::found::{Found, latest, line, link};
use p7_core::facts::DeploymentState;
use p7_settings::Secret;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many of the newest are looked through: some were skipped, or wait for somebody.
const NEWEST: &str = "5";
/// Of a deployment's statuses the newest counts.
const NEWEST_STATUS: &str = "1";

/// `[deployments.NAME.github]`: GitHub, or a GitHub Enterprise Server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A token that may read Actions and Deployments of the repositories: "env:GITHUB_TOKEN". Required.
    pub token: Secret,
    /// Where its API is. Default `"https://api.github.com"`; a server of one's own has
    /// `"https://HOST/api/v3"`.
    #[serde(default = "cloud")]
    pub url: String,
}

fn cloud() -> String {
    "https://api.github.com".to_owned()
}

pub(crate) fn manner(token: &Secret) -> Manner {
    Manner {
        login: Login::Bearer,
        accept: "application/vnd.github+json",
        headers: &[("x-github-api-version", "2022-11-28")],
        scope: "read access to Actions and Deployments of the repository (classic tokens: `repo`)",
        token_at: token.to_string(),
    }
}

/// What is asked for a service; services of the same question share its answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Question {
    owner: String,
    name: String,
    workflow: Option<String>,
    environment: Option<String>,
    branch: Option<String>,
}

impl Question {
    fn of(origin: &Origin) -> Self {
        let repository = origin.repository.as_deref().unwrap_or_default();
        let (owner, name) = repository.split_once('/').unwrap_or((repository, ""));
        Self {
            owner: owner.to_owned(),
            name: name.to_owned(),
            workflow: origin.workflow.clone(),
            environment: origin.environment.clone(),
            branch: origin.branch.clone(),
        }
    }
}

/// One call for each workflow, two for each environment. Unchanged answers cost nothing of the rate limit.
pub(crate) async fn poll(poll: &Poll, config: &Config) -> Polled {
    let ask = async |question: Question| match &question.workflow {
        Some(workflow) => runs(poll, config, &question, workflow).await,
        None => deployments(poll, config, &question).await,
    };
    poll.each(Question::of, ask).await
}

type Answer = Result<(Option<Found>, Option<Duration>), Trouble>;

async fn runs(poll: &Poll, config: &Config, question: &Question, workflow: &str) -> Answer {
    let path = ["repos", &question.owner, &question.name, "actions", "workflows", workflow, "runs"];
    let mut query = vec![("per_page", NEWEST)];
    query.extend(question.branch.as_deref().map(|branch| ("branch", branch)));
    let (runs, wait) = poll.get::<Runs>(&below(&config.url, &path, &query)?).await?;
    Ok((newest_run(&runs), wait))
}

async fn deployments(poll: &Poll, config: &Config, question: &Question) -> Answer {
    let path = ["repos", question.owner.as_str(), &question.name, "deployments"];
    let mut query = vec![("per_page", NEWEST_STATUS)];
    query.extend(question.environment.as_deref().map(|name| ("environment", name)));
    let (list, first) = poll.get::<Vec<Deployed>>(&below(&config.url, &path, &query)?).await?;
    let Some(deployed) = list.into_iter().next() else { return Ok((None, first)) };
    let id = deployed.id.to_string();
    let path = ["repos", &question.owner, &question.name, "deployments", &id, "statuses"];
    let url = below(&config.url, &path, &[("per_page", NEWEST_STATUS)])?;
    let (statuses, second) = poll.get::<Vec<Status>>(&url).await?;
    Ok((deployment(&deployed, &statuses), first.max(second)))
}

/// The newest runs of a workflow.
#[derive(Debug, Deserialize)]
pub(crate) struct Runs {
    workflow_runs: Vec<Run>,
}

#[derive(Debug, Deserialize)]
struct Run {
    name: Option<String>,
    display_title: Option<String>,
    run_number: Option<u64>,
    status: Option<String>,
    conclusion: Option<String>,
    html_url: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
    actor: Option<Account>,
    triggering_actor: Option<Account>,
}

#[derive(Debug, Deserialize)]
struct Account {
    login: String,
}

impl Run {
    /// How it is getting on; none while somebody has yet to approve it, and when nothing was done.
    fn state(&self) -> Option<DeploymentState> {
        match (self.status.as_deref()?, self.conclusion.as_deref()) {
            ("in_progress" | "queued" | "pending" | "requested", _) => Some(DeploymentState::Running),
            ("completed", Some("success" | "neutral")) => Some(DeploymentState::Succeeded),
            ("completed", Some("failure" | "cancelled" | "timed_out" | "startup_failure" | "stale")) => {
                Some(DeploymentState::Failed)
            }
            _ => None,
        }
    }

    /// `Deploy #12: what it is about`.
    fn name(&self) -> Option<String> {
        let number = self.run_number.map(|number| format!("#{number}"));
        let head = [self.name.clone(), number].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let title = self.display_title.clone().filter(|title| Some(title) != self.name.as_ref());
        let parts: Vec<String> =
            [Some(head), title].into_iter().flatten().filter(|part| !part.is_empty()).collect();
        Some(line(&parts.join(": "))).filter(|name| !name.is_empty())
    }
}

/// The newest run that does, or did, something.
pub(crate) fn newest_run(runs: &Runs) -> Option<Found> {
    runs.workflow_runs.iter().find_map(|run| {
        let by = run.triggering_actor.as_ref().or(run.actor.as_ref());
        Some(Found {
            name: run.name()?,
            by: line(by.map_or("", |by| by.login.as_str())),
            state: run.state()?,
            changed: latest([run.created_at.as_ref(), run.updated_at.as_ref()]),
            link: link(run.html_url.as_deref()),
        })
    })
}

/// A deployment to an environment.
#[derive(Debug, Deserialize)]
pub(crate) struct Deployed {
    id: u64,
    #[serde(rename = "ref")]
    reference: Option<String>,
    created_at: Option<String>,
    creator: Option<Account>,
}

/// What was last said about one.
#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    state: String,
    log_url: Option<String>,
    target_url: Option<String>,
    environment_url: Option<String>,
    created_at: Option<String>,
}

/// A deployment with its newest status; one without a status has not begun.
pub(crate) fn deployment(deployed: &Deployed, statuses: &[Status]) -> Option<Found> {
    let status = statuses.first()?;
    let state = match status.state.as_str() {
        "in_progress" | "queued" | "pending" => DeploymentState::Running,
        // inactive: it was good until the next one came
        "success" | "inactive" => DeploymentState::Succeeded,
        "error" | "failure" => DeploymentState::Failed,
        _ => return None,
    };
    let links = [&status.log_url, &status.target_url, &status.environment_url];
    Some(Found {
        name: line(&format!("{} (#{})", deployed.reference.as_deref().unwrap_or("deployment"), deployed.id)),
        by: line(deployed.creator.as_ref().map_or("", |by| by.login.as_str())),
        state,
        changed: latest([deployed.created_at.as_ref(), status.created_at.as_ref()]),
        link: links.into_iter().find_map(|text| link(text.as_deref())),
    })
}
