//! `[publish]` and `[dead_man]` of mesh.toml: where the leader puts the pages, and whom it tells that it lives.

use p7_settings::{Check, Faults, Period, Secret};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Most targets: each has a task and a connection of its own.
const TARGETS_LIMIT: usize = 16;
/// Shortest and longest publishing interval: below, the targets do nothing else; above, nobody believes a page.
const EVERY: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(3_600)];
/// Longest name of a target, in bytes: it is a label of metrics.
const NAME_LIMIT: usize = 64;

/// Where the leader publishes the pages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How often the pages are published at least; what changed is published within seconds. Default "60s".
    /// A page that is older than three times this says that it is out of date.
    pub every: Period,
    /// How often a service's page is made anew at least, for its charts and lists. Default "10m". What
    /// changes its standing is published at once.
    pub pages_every: Period,
    /// The targets, by name.
    pub targets: BTreeMap<String, TargetConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self { every: Period::seconds(60), pages_every: Period::seconds(600), targets: BTreeMap::new() }
    }
}

/// One target: exactly one of these tables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TargetConfig {
    /// A folder that a web server serves.
    pub folder: Option<FolderConfig>,
    /// A bucket of AWS S3 or a compatible store.
    pub s3: Option<S3Config>,
    /// A container of Azure Blob Storage.
    pub azure: Option<AzureConfig>,
}

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FolderConfig {
    /// Its path on the machine that leads; relative to the configuration's folder. Made if it is not there.
    pub path: PathBuf,
}

/// A bucket of AWS S3 or a compatible store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct S3Config {
    /// The bucket's name.
    pub bucket: String,
    /// Its region. Default: as the environment or profile says, else "us-east-1".
    #[serde(default)]
    pub region: Option<String>,
    /// Where a compatible store is: `"https://minio.example.org:9000"`. Default: Amazon's.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Whether the bucket stands in the path and not in the host name, as compatible stores want it.
    /// Default: true where an `endpoint` is given.
    #[serde(default)]
    pub path_style: Option<bool>,
    /// What goes before every name, such as "status/". Default none.
    #[serde(default)]
    pub prefix: String,
    /// The access key's id. Default: the usual chain (environment, profile, web identity, container, instance).
    #[serde(default)]
    pub access_key_id: Option<String>,
    /// The secret access key, by reference. Needed where `access_key_id` is given.
    #[serde(default)]
    pub secret_access_key: Option<Secret>,
}

/// A container of Azure Blob Storage.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AzureConfig {
    /// The connection string as the portal shows it, by reference. Either this or `account`.
    #[serde(default)]
    pub connection_string: Option<Secret>,
    /// The storage account's name.
    #[serde(default)]
    pub account: Option<String>,
    /// The account's key, by reference.
    #[serde(default)]
    pub account_key: Option<Secret>,
    /// A shared access signature instead of the key, by reference.
    #[serde(default)]
    pub sas: Option<Secret>,
    /// Where the account's blobs are. Default `"https://ACCOUNT.blob.core.windows.net"`.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The container. Default "$web", which the account serves as a web site.
    #[serde(default = "web")]
    pub container: String,
    /// What goes before every name, such as "status/". Default none.
    #[serde(default)]
    pub prefix: String,
}

fn web() -> String {
    "$web".to_owned()
}

/// Whom the leader tells that the mesh lives, so that its silence is noticed elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeadManConfig {
    /// The address that is asked (healthchecks style), by reference: whoever knows it can keep it quiet.
    /// Default none. `/fail` is added while the leader knows that it sees nothing.
    pub url: Option<Secret>,
    /// How often. Default "60s".
    pub every: Period,
}

impl Default for DeadManConfig {
    fn default() -> Self {
        Self { url: None, every: Period::seconds(60) }
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        check_period("every", self.every, faults);
        if self.pages_every < self.every {
            faults.push(
                "pages_every",
                "is shorter than `every`; a page can't be published more often than all",
            );
        }
        if self.targets.len() > TARGETS_LIMIT {
            faults.push("targets", format!("more than {TARGETS_LIMIT} targets; leave some out"));
        }
        let mut under = faults.under("targets");
        for (name, target) in &self.targets {
            let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
            if name.is_empty() || name.len() > NAME_LIMIT || !name.bytes().all(fine) {
                under.push(name, "is no name of a target: use a-z, 0-9, `-` and `_`");
            }
            target.check(&mut under.under(name));
        }
    }
}

impl Check for TargetConfig {
    fn check(&self, faults: &mut Faults<'_>) {
        let given = [self.folder.is_some(), self.s3.is_some(), self.azure.is_some()];
        if given.iter().filter(|given| **given).count() != 1 {
            faults.here("needs exactly one of the tables `folder`, `s3` and `azure`");
        }
        if let Some(folder) = &self.folder
            && folder.path.as_os_str().is_empty()
        {
            faults.under("folder").push("path", "names no folder");
        }
        if let Some(s3) = &self.s3 {
            s3.check(&mut faults.under("s3"));
        }
        if let Some(azure) = &self.azure {
            azure.check(&mut faults.under("azure"));
        }
    }
}

impl Check for S3Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.bucket.len() < 3 {
            faults.push("bucket", "is no bucket's name: those have at least 3 characters");
        }
        if self.access_key_id.is_some() != self.secret_access_key.is_some() {
            faults.push("access_key_id", "belongs together with `secret_access_key`; give both or neither");
        }
        check_endpoint(self.endpoint.as_deref(), faults);
        check_prefix(&self.prefix, faults);
    }
}

impl Check for AzureConfig {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.connection_string.is_some() == self.account.is_some() {
            faults.here("needs either `connection_string` or `account`");
        }
        let keys = usize::from(self.account_key.is_some()) + usize::from(self.sas.is_some());
        if self.account.is_some() && keys != 1 {
            faults.push("account", "needs exactly one of `account_key` and `sas`");
        }
        if self.account.is_none() && keys > 0 {
            faults.here("a connection string brings its own key; leave `account_key` and `sas` out");
        }
        if self.container.is_empty() {
            faults.push("container", "is empty; leave it out for `$web`");
        }
        check_endpoint(self.endpoint.as_deref(), faults);
        check_prefix(&self.prefix, faults);
    }
}

impl Check for DeadManConfig {
    fn check(&self, faults: &mut Faults<'_>) {
        check_period("every", self.every, faults);
    }
}

fn check_period(key: &str, period: Period, faults: &mut Faults<'_>) {
    let [least, most] = EVERY;
    if period.0 < least || period.0 > most {
        faults.push(key, "is less than 5 s or more than an hour");
    }
}

fn check_endpoint(endpoint: Option<&str>, faults: &mut Faults<'_>) {
    let Some(endpoint) = endpoint else { return };
    match url::Url::parse(endpoint) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) && url.has_host() => {
            if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
                faults.push("endpoint", "holds credentials; give them by reference in their own keys");
            }
        }
        Ok(_) | Err(_) => faults.push("endpoint", "is no address; write it as \"https://HOST:PORT\""),
    }
}

fn check_prefix(prefix: &str, faults: &mut Faults<'_>) {
    let plain = prefix.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    if !plain || prefix.starts_with('/') || prefix.split('/').any(|part| part == "..") {
        faults.push("prefix", "is no prefix; write it as \"status/\"");
    } else if !prefix.is_empty() && !prefix.ends_with('/') {
        faults.push("prefix", format!("ends without a slash; write it as \"{prefix}/\""));
    }
}
