//! GitLab: the newest deployment to an environment, or the newest pipeline.

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

/// `[deployments.NAME.gitlab]`: GitLab, in the cloud or one's own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// An access token with the scope `read_api`: "env:GITLAB_TOKEN". Required.
    pub token: Secret,
    /// Where it is. Default `"https://gitlab.com"`.
    #[serde(default = "cloud")]
    pub url: String,
}

fn cloud() -> String {
    "https://gitlab.com".to_owned()
}

pub(crate) fn manner(token: &Secret) -> Manner {
    Manner {
        login: Login::PrivateToken,
        accept: "application/json",
        headers: &[],
        scope: "the scope `read_api` and a member's rights in the project",
        token_at: token.to_string(),
    }
}

/// What is asked for a service; services of the same question share its answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Question {
    project: String,
    environment: Option<String>,
    branch: Option<String>,
}

/// One call for each question.
pub(crate) async fn poll(poll: &Poll, config: &Config) -> Polled {
    let question = |origin: &Origin| Question {
        project: origin.repository.clone().unwrap_or_default(),
        environment: origin.environment.clone(),
        branch: origin.branch.clone(),
    };
    let ask = async |question: Question| match &question.environment {
        Some(environment) => deployments(poll, config, &question.project, environment).await,
        None => pipelines(poll, config, &question.project, question.branch.as_deref()).await,
    };
    poll.each(question, ask).await
}

type Answer = Result<(Option<Found>, Option<Duration>), Trouble>;

async fn deployments(poll: &Poll, config: &Config, project: &str, environment: &str) -> Answer {
    let path = ["api", "v4", "projects", project, "deployments"];
    let query =
        [("environment", environment), ("order_by", "updated_at"), ("sort", "desc"), ("per_page", NEWEST)];
    let (list, wait) = poll.get::<Vec<Deployed>>(&below(&config.url, &path, &query)?).await?;
    Ok((newest_deployment(&list), wait))
}

async fn pipelines(poll: &Poll, config: &Config, project: &str, branch: Option<&str>) -> Answer {
    let path = ["api", "v4", "projects", project, "pipelines"];
    let mut query = vec![("order_by", "id"), ("sort", "desc"), ("per_page", NEWEST)];
    query.extend(branch.map(|branch| ("ref", branch)));
    let (list, wait) = poll.get::<Vec<Pipeline>>(&below(&config.url, &path, &query)?).await?;
    Ok((newest_pipeline(&list), wait))
}

#[derive(Debug, Deserialize)]
struct User {
    name: Option<String>,
    username: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Deployable {
    name: Option<String>,
    pipeline: Option<PipelineOf>,
}

#[derive(Debug, Deserialize)]
struct PipelineOf {
    web_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Environment {
    external_url: Option<String>,
}

/// A deployment to an environment.
#[derive(Debug, Deserialize)]
pub(crate) struct Deployed {
    iid: Option<u64>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    status: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
    user: Option<User>,
    deployable: Option<Deployable>,
    environment: Option<Environment>,
}

/// The newest deployment that does, or did, something.
pub(crate) fn newest_deployment(list: &[Deployed]) -> Option<Found> {
    list.iter().find_map(|one| {
        let by = one.user.as_ref().and_then(|user| user.name.as_deref().or(user.username.as_deref()));
        let job = one.deployable.as_ref();
        let name = one.reference.as_deref().or(job.and_then(|job| job.name.as_deref()));
        let number = one.iid.map(|iid| format!(" (#{iid})")).unwrap_or_default();
        let pipeline =
            job.and_then(|job| job.pipeline.as_ref()).and_then(|pipeline| pipeline.web_url.as_deref());
        let outside = one.environment.as_ref().and_then(|environment| environment.external_url.as_deref());
        Some(Found {
            name: line(&format!("{}{number}", name.unwrap_or("deployment"))),
            by: line(by.unwrap_or_default()),
            state: state(one.status.as_deref()?)?,
            changed: latest([one.created_at.as_ref(), one.updated_at.as_ref()]),
            link: link(pipeline).or_else(|| link(outside)),
        })
    })
}

/// A pipeline.
#[derive(Debug, Deserialize)]
pub(crate) struct Pipeline {
    id: u64,
    name: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    status: Option<String>,
    web_url: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
}

/// The newest pipeline that does, or did, something. The list does not say who started it.
pub(crate) fn newest_pipeline(list: &[Pipeline]) -> Option<Found> {
    list.iter().find_map(|one| {
        let name = one.name.as_deref().or(one.reference.as_deref()).unwrap_or("pipeline");
        Some(Found {
            name: line(&format!("{name} (#{})", one.id)),
            by: String::new(),
            state: state(one.status.as_deref()?)?,
            changed: latest([one.created_at.as_ref(), one.updated_at.as_ref()]),
            link: link(one.web_url.as_deref()),
        })
    })
}

/// How it is getting on; none while it waits, and when nothing was done.
fn state(word: &str) -> Option<DeploymentState> {
    match word {
        "running" | "pending" | "preparing" | "waiting_for_resource" | "canceling" => {
            Some(DeploymentState::Running)
        }
        "success" => Some(DeploymentState::Succeeded),
        "failed" | "canceled" => Some(DeploymentState::Failed),
        // created, blocked, manual, scheduled, skipped, and what comes to be
        _ => None,
    }
}
