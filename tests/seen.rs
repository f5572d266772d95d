//! What nodes say of their mesh, and waiting until they say the same.

use crate::eventually;
use crate::node::Node;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long a mesh may take to be whole on a machine that does much else: discovery, then the eight
/// seconds in which nobody claims, then the claim.
const WHOLE_WITHIN: Duration = Duration::from_secs(90);

/// Who leads, as a node sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// Its name.
    pub name: String,
    /// The term of its claim.
    pub term: u64,
    /// Whether the claim was made in company.
    pub full: bool,
}

/// Starts nodes and waits until each answers; they need not have met anybody.
pub fn start(nodes: &mut [Node]) {
    nodes.iter_mut().for_each(Node::spawn);
    nodes.iter_mut().for_each(Node::wake);
}

/// Every node that a node knows, itself included, by name, and whether it is there.
pub fn members(node: &Node) -> BTreeMap<String, String> {
    mesh(node).map(|mesh| named(&mesh, |member| text(&member["liveness"]))).unwrap_or_default()
}

/// One node as another sees it.
pub fn member(node: &Node, name: &str) -> Value {
    let mesh = mesh(node).unwrap_or_default();
    let members = mesh["members"].as_array().cloned().unwrap_or_default();
    members.into_iter().find(|member| member["name"] == name).unwrap_or_default()
}

/// Who leads, as a node sees it.
pub fn leader(node: &Node) -> Option<Leader> {
    leader_of(&mesh(node)?)
}

fn leader_of(mesh: &Value) -> Option<Leader> {
    let holding = mesh["holdings"].as_array()?.iter().find(|one| one["role"] == "leader")?;
    let id = holding["holder"].as_str()?;
    let member = mesh["members"].as_array()?.iter().find(|member| member["id"] == id)?;
    Some(Leader {
        name: text(&member["name"]),
        term: holding["term"].as_u64()?,
        full: holding["full"] == true,
    })
}

/// Waits until these nodes, and no others, are alive for each of them and they follow one leader in full;
/// says who that is.
pub fn until_whole(nodes: &[&Node]) -> Leader {
    let names: BTreeSet<String> = nodes.iter().map(|node| node.name().to_owned()).collect();
    let begun = Instant::now();
    let leader = eventually(&format!("{names:?} are one mesh"), WHOLE_WITHIN, || {
        nodes.iter().all(|node| alive(node) == names).then_some(())?;
        agreed(nodes).filter(|leader| leader.full)
    });
    println!(
        "whole after {:.1} s: {} leads, term {}",
        begun.elapsed().as_secs_f64(),
        leader.name,
        leader.term
    );
    leader
}

/// The leader that all of them follow, if it is one and the same.
pub fn agreed(nodes: &[&Node]) -> Option<Leader> {
    let mut leaders = nodes.iter().map(|node| leader(node));
    let first = leaders.next()??;
    leaders.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// Waits until all of them follow one leader that is not `before`, and says who and after how long.
pub fn until_another_leads(nodes: &[&Node], before: &Leader, within: Duration) -> (Leader, Duration) {
    let begun = Instant::now();
    let what = format!("another leads than {}", before.name);
    let leader = eventually(&what, within, || agreed(nodes).filter(|leader| leader.name != before.name));
    (leader, begun.elapsed())
}

/// The nodes that do not follow this leader; one that is too busy to answer says nothing against it.
pub fn unfaithful(nodes: &[&Node], to: &Leader) -> Option<String> {
    let seen = nodes.iter().filter_map(|node| Some((node.name(), members(node), mesh(node)?)));
    seen.map(|(name, members, mesh)| (name, members, leader_of(&mesh)))
        .find(|(_, _, leader)| leader.as_ref() != Some(to))
        .map(|(name, members, leader)| format!("{name} sees {members:?} and follows {leader:?}"))
}

/// The nodes that know of an incident.
pub fn alarmed(nodes: &[&Node]) -> Option<String> {
    let known = nodes.iter().map(|node| (node.name(), incidents(node)));
    known.filter(|(_, known)| !known.is_empty()).map(|known| format!("{known:?}")).next()
}

/// The names of those that are alive for a node, itself included.
pub fn alive(node: &Node) -> BTreeSet<String> {
    members(node).into_iter().filter(|(_, liveness)| liveness == "alive").map(|(name, _)| name).collect()
}

/// The incidents a node knows, by id, and whether they are open.
pub fn incidents(node: &Node) -> BTreeMap<String, bool> {
    let Some(answer) = node.try_get("/api/v1/incidents") else { return BTreeMap::new() };
    let items = answer.json()["items"].as_array().cloned().unwrap_or_default();
    items.iter().map(|one| (text(&one["id"]), one["open"] == true)).collect()
}

/// The last results a node has of a service: cycle and node they are of, and what they came to.
pub fn results(node: &Node, service: &str) -> BTreeMap<(String, String), String> {
    let answer = node.json(&format!("/api/v1/services/{service}/results?limit=1000"));
    let items = answer["items"].as_array().cloned().unwrap_or_default();
    items.iter().map(|one| ((text(&one["cycle_at"]), text(&one["node"])), text(&one["outcome"]))).collect()
}

/// A node's id.
pub fn id(node: &Node) -> String {
    text(&mesh(node).unwrap_or_default()["this"])
}

/// The node of this name.
pub fn of<'a>(nodes: &'a [Node], name: &str) -> &'a Node {
    nodes.iter().find(|node| node.name() == name).unwrap_or_else(|| panic!("there is no node {name}"))
}

/// All nodes but the one of this name.
pub fn others<'a>(nodes: &'a [Node], name: &str) -> Vec<&'a Node> {
    nodes.iter().filter(|node| node.name() != name).collect()
}

fn mesh(node: &Node) -> Option<Value> {
    let answer = node.try_get("/api/v1/mesh")?;
    (answer.status == 200).then(|| answer.json())
}

fn named<T>(mesh: &Value, of: impl Fn(&Value) -> T) -> BTreeMap<String, T> {
    let members = mesh["members"].as_array().cloned().unwrap_or_default();
    members.iter().map(|member| (text(&member["name"]), of(member))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
