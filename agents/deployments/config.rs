//! `[deployments.NAME]` and `[services.ID.deployment]` of mesh.toml: where to ask, and for what.

use crate::sources::{azure_devops, github, gitlab};
use p7_settings::{Check, Faults, Period, Secret, suggestion};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// Shortest time between two polls of a source: their rate limits count by the hour.
const INTERVAL_MIN: Duration = Duration::from_secs(60);
/// Longest: a deployment that ended before is never seen running.
const INTERVAL_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest name of anything at a source, in bytes.
const WORD_LIMIT: usize = 255;
/// Longest base address, in bytes.
const URL_LIMIT: usize = 2048;
/// Most sources of a mesh: each is asked each minute.
const SOURCES_LIMIT: usize = 20;

/// `[deployments.NAME]`: one place that deploys. Exactly one of the tables is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourceConfig {
    /// How often the leader asks. Default "60s", at least that.
    pub interval: Period,
    /// Azure DevOps: classic releases and pipelines of one project.
    pub azure_devops: Option<azure_devops::Config>,
    /// GitHub, or a GitHub Enterprise Server: workflow runs and deployments.
    pub github: Option<github::Config>,
    /// GitLab, in the cloud or one's own: deployments and pipelines.
    pub gitlab: Option<gitlab::Config>,
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self { interval: Period(INTERVAL_MIN), azure_devops: None, github: None, gitlab: None }
    }
}

/// Which of the kinds a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Azure DevOps.
    AzureDevops,
    /// GitHub.
    Github,
    /// GitLab.
    Gitlab,
}

impl Kind {
    /// Its table's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AzureDevops => "azure_devops",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
        }
    }

    /// The keys of `[services.ID.deployment]` that mean something there, but for `source`.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::AzureDevops => &["definition", "pipeline", "environment", "branch"],
            Self::Github => &["repository", "workflow", "environment", "branch"],
            Self::Gitlab => &["repository", "environment", "branch"],
        }
    }
}

impl SourceConfig {
    /// Which kind it is; none while no table says so.
    pub fn kind(&self) -> Option<Kind> {
        let kinds = [
            self.azure_devops.as_ref().map(|_| Kind::AzureDevops),
            self.github.as_ref().map(|_| Kind::Github),
            self.gitlab.as_ref().map(|_| Kind::Gitlab),
        ];
        kinds.into_iter().flatten().next()
    }

    /// Where its token is.
    pub fn token(&self) -> Option<&Secret> {
        let azure = self.azure_devops.as_ref().map(|config| &config.token);
        let github = self.github.as_ref().map(|config| &config.token);
        azure.or(github).or(self.gitlab.as_ref().map(|config| &config.token))
    }
}

impl Check for SourceConfig {
    fn check(&self, faults: &mut Faults<'_>) {
        if !(INTERVAL_MIN..=INTERVAL_MAX).contains(&self.interval.0) {
            faults.push("interval", "must be \"60s\" to \"24h\"");
        }
        let tables = [self.azure_devops.is_some(), self.github.is_some(), self.gitlab.is_some()];
        match tables.iter().filter(|there| **there).count() {
            1 => {}
            0 => faults.here("nothing says where to ask; add a table azure_devops, github or gitlab in it"),
            _ => faults.here("a source is one place; give each table a source of its own"),
        }
        if let Some(config) = &self.azure_devops {
            config.check(&mut faults.under("azure_devops"));
        }
        if let Some(config) = &self.github {
            check_base("url", &config.url, &mut faults.under("github"));
        }
        if let Some(config) = &self.gitlab {
            check_base("url", &config.url, &mut faults.under("gitlab"));
        }
    }
}

/// Notes what is wrong with all the sources together.
pub fn check_sources(sources: &BTreeMap<String, SourceConfig>, faults: &mut Faults<'_>) {
    if sources.len() > SOURCES_LIMIT {
        faults.here(format!("more than {SOURCES_LIMIT} sources; leave some out"));
    }
    for (name, source) in sources {
        let lawful = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let mut below = faults.under(name);
        if name.is_empty() || name.len() > 64 || !name.chars().all(lawful) {
            below.here("a source's name is made of 1 to 64 letters, digits, `-` and `_`");
        }
        source.check(&mut below);
    }
}

/// `[services.ID.deployment]`: what deploys the service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The source: the NAME of a table `[deployments.NAME]`. Required.
    pub source: String,
    /// Azure DevOps: the classic release definition, by name or number.
    #[serde(default)]
    pub definition: Option<String>,
    /// Azure DevOps: the pipeline, by name or number, in place of `definition`.
    #[serde(default)]
    pub pipeline: Option<String>,
    /// GitHub and GitLab: the repository, `owner/name`; GitLab also takes a project's number.
    #[serde(default)]
    pub repository: Option<String>,
    /// GitHub: the workflow whose runs deploy, by file name such as `deploy.yml` or by number.
    #[serde(default)]
    pub workflow: Option<String>,
    /// Only deployments to this environment (Azure DevOps: this stage of a release). Default any.
    #[serde(default)]
    pub environment: Option<String>,
    /// Only runs of pipelines and workflows on this branch. Default any.
    #[serde(default)]
    pub branch: Option<String>,
}

impl Origin {
    fn words(&self) -> [(&'static str, Option<&String>); 6] {
        [
            ("definition", self.definition.as_ref()),
            ("pipeline", self.pipeline.as_ref()),
            ("repository", self.repository.as_ref()),
            ("workflow", self.workflow.as_ref()),
            ("environment", self.environment.as_ref()),
            ("branch", self.branch.as_ref()),
        ]
    }

    /// Notes what is wrong with it, held against the sources there are.
    pub fn check(&self, sources: &BTreeMap<String, SourceConfig>, faults: &mut Faults<'_>) {
        for (key, word) in self.words() {
            if let Some(word) = word
                && (word.trim().is_empty() || word.len() > WORD_LIMIT || word.chars().any(char::is_control))
            {
                faults.push(key, format!("must be a line of 1 to {WORD_LIMIT} bytes"));
            }
        }
        let Some(source) = sources.get(&self.source) else {
            let names: Vec<&str> = sources.keys().map(String::as_str).collect();
            let hint = if names.is_empty() {
                format!("; add a table [deployments.{}]", shown(&self.source))
            } else {
                suggestion(&self.source, &names)
            };
            return faults.push("source", format!("there is no source `{}`{hint}", shown(&self.source)));
        };
        let Some(kind) = source.kind() else { return };
        for (key, word) in self.words() {
            if word.is_some() && !kind.keys().contains(&key) {
                faults.push(key, format!("means nothing at {}; leave it out", kind.as_str()));
            }
        }
        match kind {
            Kind::AzureDevops => self.check_azure_devops(faults),
            Kind::Github => self.check_github(faults),
            Kind::Gitlab => self.check_gitlab(faults),
        }
    }

    fn check_azure_devops(&self, faults: &mut Faults<'_>) {
        match (&self.definition, &self.pipeline) {
            (Some(_), None) => alone("branch", self.branch.as_ref(), "pipeline", faults),
            (None, Some(_)) => alone("environment", self.environment.as_ref(), "definition", faults),
            (None, None) => {
                faults.here("say what deploys it: `definition` (classic release) or `pipeline` (YAML)");
            }
            (Some(_), Some(_)) => faults.push("pipeline", "`definition` is there, too; keep one of them"),
        }
    }

    fn check_github(&self, faults: &mut Faults<'_>) {
        match self.repository.as_ref().map(|name| name.split('/').collect::<Vec<_>>()).as_deref() {
            None => faults.here("say which `repository`, as \"owner/name\""),
            Some([owner, name]) if ![owner, name].iter().any(|part| dotted(part)) => {}
            Some(_) => faults.push("repository", "must be \"owner/name\""),
        }
        match (&self.workflow, &self.environment) {
            (Some(file), None) if file.contains('/') || dotted(file) => {
                faults.push("workflow", "must be the workflow's file name alone, such as \"deploy.yml\"");
            }
            (Some(_), None) => {}
            (None, Some(_)) => alone("branch", self.branch.as_ref(), "workflow", faults),
            (None, None) => {
                faults.here("say what deploys it: `workflow` (its runs) or `environment` (its deployments)");
            }
            (Some(_), Some(_)) => faults.push("environment", "`workflow` is there, too; keep one of them"),
        }
    }

    fn check_gitlab(&self, faults: &mut Faults<'_>) {
        let Some(repository) = &self.repository else {
            return faults.here("say which `repository`, as \"group/name\" or by the project's number");
        };
        let numbered = repository.bytes().all(|byte| byte.is_ascii_digit());
        if !numbered && (!repository.contains('/') || repository.split('/').any(dotted)) {
            faults.push("repository", "must be \"group/name\" or the project's number");
        }
        if self.environment.is_some() {
            let why = "is for pipelines; with `environment` its deployments are asked for: keep one of them";
            if self.branch.is_some() {
                faults.push("branch", why);
            }
        }
    }
}

/// Notes that `key` only goes with another.
fn alone(key: &str, word: Option<&String>, with: &str, faults: &mut Faults<'_>) {
    if word.is_some() {
        faults.push(key, format!("goes with `{with}` only; leave it out"));
    }
}

/// Whether a part of a path is none, or leads elsewhere.
fn dotted(part: &str) -> bool {
    matches!(part, "" | "." | "..")
}

fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Notes what is wrong with the address that a source's paths are put behind.
pub(crate) fn check_base(key: &str, url: &str, faults: &mut Faults<'_>) {
    if let Some(wrong) = wrong_base(url) {
        faults.push(key, wrong);
    }
}

fn wrong_base(url: &str) -> Option<String> {
    if url.len() > URL_LIMIT {
        return Some(format!("longer than {URL_LIMIT} bytes"));
    }
    let parsed = match Url::parse(url) {
        Ok(parsed) => parsed,
        Err(error) => return Some(format!("no address: {error}; write \"https://HOST\"")),
    };
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
        return Some("must begin with https:// (or http:// inside one's own network)".to_owned());
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Some("must hold no credentials; the token has its own key".to_owned());
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Some("must end before `?` and `#`".to_owned());
    }
    None
}
