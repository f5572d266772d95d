//! `mesh.toml`: what all nodes share, but for its services.

use super::node::check_line;
use super::table::{RulesTable, VantagePointsKey, check_link};
use p7_deployments::{SourceConfig, check_sources};
use p7_mailbox::{MailboxConfig, check_mailboxes};
use p7_settings::{Check, Faults, Period};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Longest name of a mesh, in characters: it stands in every page's title.
const NAME_LIMIT: usize = 64;

/// `mesh.toml` without its services.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MeshConfig {
    /// `[mesh]`: the mesh as a whole.
    pub(crate) mesh: MeshSection,
    /// `[defaults]`: what holds for every service that does not say otherwise.
    pub(crate) defaults: Defaults,
    /// `[channels.NAME]` and `[routes.NAME]`, which are read apart.
    #[serde(skip)]
    pub(crate) speaking: super::speaking::Speaking,
    /// `[connectivity]`: how a node finds out that it is cut off itself.
    pub(crate) connectivity: p7_prober::ConnectivityConfig,
    /// `[publish]`: where the leader puts the pages.
    pub(crate) publish: p7_publisher::Config,
    /// `[dead_man]`: whom the leader tells that the mesh lives.
    pub(crate) dead_man: p7_publisher::DeadManConfig,
    /// `[persona]`: the Slack assistant.
    pub(crate) persona: p7_persona::Config,
    /// `[deployments.NAME]`: where the leader asks what is being deployed.
    pub(crate) deployments: BTreeMap<String, SourceConfig>,
    /// `[mailboxes.NAME]`: which mailboxes are read, and what is looked for in them.
    pub(crate) mailboxes: BTreeMap<String, MailboxConfig>,
}

/// `[mesh]` of `mesh.toml`: the mesh as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MeshSection {
    /// What people call it; pages are headed so. Default "Protocol/7".
    pub(crate) name: Option<String>,
    /// Where people open the dashboard, such as `"https://p7.example.org"`; messages link there. Default none.
    pub(crate) dashboard: Option<String>,
}

/// `[defaults]`: what holds for every service that does not say otherwise.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Defaults {
    /// How often each vantage point tests a service. Default "60s".
    pub(crate) interval: Option<Period>,
    /// How long one attempt may take in all. Default "10s", or less where the interval has no room.
    pub(crate) timeout: Option<Period>,
    /// How many more attempts follow a failed one. Default 0.
    pub(crate) retries: Option<u8>,
    /// How long to wait before each of them. Default "1s".
    pub(crate) retry_delay: Option<Period>,
    /// How verdicts become a level. Defaults as in the 2020 original.
    pub(crate) rules: RulesTable,
    /// How many nodes test a service: "all" or a number. Default "all".
    pub(crate) vantage_points: VantagePointsKey,
}

impl Check for MeshConfig {
    fn check(&self, faults: &mut Faults<'_>) {
        if let Some(name) = &self.mesh.name {
            check_line("name", name, NAME_LIMIT, &mut faults.under("mesh"));
        }
        check_mailboxes(&self.mailboxes, &mut faults.under("mailboxes"));
        check_sources(&self.deployments, &mut faults.under("deployments"));
        if let Some(link) = &self.mesh.dashboard {
            check_link("dashboard", link, &mut faults.under("mesh"));
        }
        self.connectivity.check(&mut faults.under("connectivity"));
        self.publish.check(&mut faults.under("publish"));
        self.persona.check(&mut faults.under("persona"));
        self.dead_man.check(&mut faults.under("dead_man"));
        self.defaults.rules.check(&mut faults.under("defaults").under("rules"), RulesTable::default());
    }
}
