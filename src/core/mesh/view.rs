//! The mesh as one node sees it, for pages, the API and everybody who cares who is there.

use super::devices::DevicesTold;
use super::words::{About, Claim, Role, Stamp};
use crate::vocabulary::{MeshTime, Millis, NodeId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whether a node is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Liveness {
    /// It is this node, or was heard not long ago.
    Alive,
    /// Its connections closed and it was not heard since: down in a moment, unless it is.
    Suspect,
    /// It was not heard for long.
    Down,
    /// It stopped on purpose.
    Left,
}

impl Liveness {
    /// Its name in the API and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Suspect => "suspect",
            Self::Down => "down",
            Self::Left => "left",
        }
    }
}

/// One node as another sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// Which.
    pub node: NodeId,
    /// What it says about itself; none when that was not heard yet.
    pub about: Option<About>,
    /// How its devices are, as it says; none when that was not heard.
    pub devices: Option<Arc<DevicesTold>>,
    /// Whether it is there.
    pub liveness: Liveness,
    /// Since when it is.
    pub since: MeshTime,
    /// When it was last heard; this node's own now.
    pub heard: MeshTime,
    /// Whether there is a connection to it; not told of this node itself.
    pub connected: bool,
    /// How far its wall clock is ahead of this node's, in milliseconds.
    pub offset_ms: Option<i64>,
    /// How long a beat of its takes to come back answered; none while unknown.
    pub round_trip: Option<Millis>,
    /// The roles it could hold, and whether it is fit for each.
    pub posts: Vec<(Role, bool)>,
    /// Whether it says that it is cut off itself.
    pub cut_off: bool,
    /// Which shared configuration it has taken up.
    pub configuration: Stamp,
    /// How many peers it is connected to.
    pub links: u16,
    /// The newest wire format it understands.
    pub wire: u8,
    /// How many services it is a vantage point of, as assigned.
    pub seats: u32,
}

/// Who holds a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The role.
    pub role: Role,
    /// The claim that is followed; none when nobody holds it.
    pub claim: Option<Claim>,
}

/// The mesh as one node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeshView {
    /// The node that looks.
    pub me: NodeId,
    /// Every node it knows, itself included, by id.
    pub members: Vec<MemberView>,
    /// Who holds the roles that one node holds.
    pub holdings: Vec<Holding>,
    /// The newest shared configuration it knows; version 0 when there is none.
    pub configuration: Stamp,
    /// How far its own clock is corrected, in milliseconds.
    pub correction_ms: i64,
}

impl MeshView {
    /// What people call a node: its name, or the end of its id.
    pub fn name_of<'a>(&'a self, node: &'a NodeId) -> &'a str {
        let known = self.members.iter().find(|member| member.node == *node);
        let name = known.and_then(|member| member.about.as_ref()).map(|about| about.name.as_str());
        let id = node.as_str();
        name.filter(|name| !name.is_empty())
            .unwrap_or_else(|| id.get(id.len().saturating_sub(6)..).unwrap_or(id))
    }

    /// Which node is at which site, where the label says so.
    pub fn sites(&self) -> BTreeMap<NodeId, String> {
        let site = |member: &MemberView| {
            Some((member.node.clone(), member.about.as_ref()?.labels.get("site")?.clone()))
        };
        self.members.iter().filter_map(site).collect()
    }

    /// Who leads.
    pub fn leader(&self) -> Option<&Claim> {
        self.holdings.iter().find(|holding| holding.role == Role::Leader)?.claim.as_ref()
    }
}
