//! What nodes are called, and from where a service fails: an id says nothing to a person.

use p7_core::mesh::view::MeshView;
use p7_core::status::ServiceStatus;
use p7_core::vocabulary::{NodeId, Vote};
use std::collections::BTreeMap;

/// How much of a node's id stands for it where no name is known: as the mesh itself does.
const SHORT_ID: usize = 6;
/// Places a sentence names; the service's page has them all.
const NAMED_LIMIT: usize = 4;

/// What the nodes are called and where they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    names: BTreeMap<NodeId, String>,
    sites: BTreeMap<NodeId, String>,
}

impl Names {
    /// Of a node that knows no other.
    pub fn alone(node: &NodeId, name: &str) -> Self {
        Self { names: [(node.clone(), name.to_owned())].into(), sites: BTreeMap::new() }
    }

    /// With everybody in this view of the mesh; who keeps silent about its name keeps the one it had. Of
    /// nodes that share a name each has the end of its id beside it.
    #[must_use]
    pub fn with(&self, view: &MeshView) -> Self {
        let called = |node: &NodeId| {
            let said = view.name_of(node);
            let known = self.names.get(node).filter(|_| said == short(node));
            known.map_or_else(|| said.to_owned(), Clone::clone)
        };
        let mut names: BTreeMap<NodeId, String> =
            view.members.iter().map(|member| (member.node.clone(), called(&member.node))).collect();
        let mut count: BTreeMap<String, usize> = BTreeMap::new();
        for name in names.values() {
            *count.entry(name.clone()).or_default() += 1;
        }
        for (node, name) in &mut names {
            if count.get(name.as_str()).is_some_and(|n| *n > 1) {
                *name = format!("{name} {}", short(node));
            }
        }
        Self { names, sites: view.sites() }
    }

    /// The node's name, or the end of its id.
    pub fn of(&self, node: &NodeId) -> String {
        self.known(node).unwrap_or_else(|| short(node)).to_owned()
    }

    /// The node's name, if one is known.
    pub fn known(&self, node: &NodeId) -> Option<&str> {
        self.names.get(node).map(String::as_str)
    }

    /// The node's site, if its labels name one.
    pub fn site(&self, node: &NodeId) -> Option<&str> {
        self.sites.get(node).map(String::as_str)
    }

    /// Whether both call this node alike.
    pub fn agrees(&self, other: &Self, node: &NodeId) -> bool {
        self.known(node) == other.known(node) && self.site(node) == other.site(node)
    }
}

impl FromIterator<(NodeId, String)> for Names {
    fn from_iter<I: IntoIterator<Item = (NodeId, String)>>(named: I) -> Self {
        Self { names: named.into_iter().collect(), sites: BTreeMap::new() }
    }
}

/// The end of an id.
pub(super) fn short(node: &NodeId) -> &str {
    let id = node.as_str();
    id.get(id.len().saturating_sub(SHORT_ID)..).unwrap_or(id)
}

/// From where a service fails, as each vantage point last saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// How many vantage points fail.
    pub failed: usize,
    /// How many have a vote.
    pub voting: usize,
    /// From where: a site for all of its nodes if they agree, else the nodes.
    pub from: Vec<String>,
}

impl Failing {
    /// As the status has it.
    pub fn of(status: &ServiceStatus, names: &Names) -> Self {
        let votes = || status.vantage.iter().filter_map(|v| Some((&v.node, v.vote?)));
        let failed = || votes().filter(|(_, vote)| *vote == Vote::Failed).map(|(node, _)| node);
        let agree =
            |site: &str| votes().all(|(node, vote)| vote == Vote::Failed || names.site(node) != Some(site));
        let place = |node: &NodeId| match names.site(node) {
            Some(site) if agree(site) => site.to_owned(),
            Some(_) | None => names.of(node),
        };
        let mut from: Vec<String> = Vec::new();
        for place in failed().map(place) {
            if !from.contains(&place) {
                from.push(place);
            }
        }
        Self { failed: failed().count(), voting: votes().count(), from }
    }

    /// Whether some fail and some don't.
    pub fn is_split(&self) -> bool {
        self.failed > 0 && self.failed < self.voting
    }

    /// `2 of 5: sydney, paris`, or `all 5`; what comes before that is the caller's.
    pub fn text(&self) -> String {
        if self.failed == self.voting {
            return format!("all {}", self.voting);
        }
        let said = self.from.get(..NAMED_LIMIT).unwrap_or(&self.from).join(", ");
        let more = if self.from.len() > NAMED_LIMIT { " …" } else { "" };
        format!("{} of {}: {said}{more}", self.failed, self.voting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, Story};

    #[test]
    fn a_node_without_a_name_goes_by_the_end_of_its_id() {
        let id = NodeId::new("12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp").unwrap();
        assert_eq!(Names::default().of(&id), "c6iDEp");
        assert_eq!(Names::alone(&id, "paris").of(&id), "paris");
    }

    #[test]
    fn nodes_that_share_a_name_are_told_apart() {
        let mut view = sample::mesh_view();
        for member in &mut view.members {
            if let Some(about) = &mut member.about {
                "pi".clone_into(&mut about.name);
            }
        }
        let names = Names::default().with(&view);
        let called: Vec<String> = sample::nodes(2).iter().map(|node| names.of(node)).collect();
        assert_eq!(called, ["pi berlin", "pi ntreal"]);
    }

    #[test]
    fn a_name_stays_while_the_mesh_knows_none() {
        let mut view = sample::mesh_view();
        let me = view.me.clone();
        for member in &mut view.members {
            member.about = None;
        }
        let names = Names::alone(&me, "paris").with(&view);
        assert_eq!((names.of(&me).as_str(), names.of(&sample::nodes(1)[0]).as_str()), ("paris", "berlin"));
    }

    #[test]
    fn a_site_stands_for_its_nodes_only_if_all_of_them_fail() {
        let service = sample::service(1);
        let mut status = sample::status(&service, Story::Partial, 5, 1);
        let mut view = sample::mesh_view();
        for member in &mut view.members {
            let about = member.about.get_or_insert_default();
            about.labels.clear();
        }
        let said =
            |view: &MeshView, status: &ServiceStatus| Failing::of(status, &sample::names().with(view)).text();
        assert_eq!(said(&view, &status), "2 of 5: paris, sydney");
        for member in view.members.iter_mut().skip(2).take(2) {
            let about = member.about.get_or_insert_default();
            about.labels.insert("site".to_owned(), "lab".to_owned());
        }
        assert_eq!(said(&view, &status), "2 of 5: lab");
        status.vantage[2].vote = Some(Vote::Passed);
        assert_eq!(said(&view, &status), "1 of 5: sydney");
        for vantage in &mut status.vantage {
            vantage.vote = Some(Vote::Failed);
        }
        assert_eq!(said(&view, &status), "all 5");
    }
}
