//! Many eyes: whose failures count, and how soon a real outage is an incident everywhere.

use crate::{SOON, watching};
use p7_tests::node::Node;
use p7_tests::offices::{self, in_a_world};
use p7_tests::seen::{self, until_whole};
use p7_tests::site::{Mood, Site};
use p7_tests::{eventually, throughout};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How many cycles in a row every node must have tested in.
const CYCLES: usize = 8;

#[test]
fn every_node_tests_in_every_cycle_and_all_have_all_results() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let mut nodes = world.offices(&lan, &["oslo", "paris", "lima", "quito"], &watching(&site));
        seen::start(&mut nodes);
        let all: Vec<&Node> = nodes.iter().collect();
        until_whole(&all);
        let begin = seen::results(all[0], "shop").into_keys().map(|(cycle, _)| cycle).next_back().unwrap();
        // of the cycles that begin from now on, the last may still be under way
        let cycles = |node: &Node| {
            let mut cycles: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for (cycle, of) in seen::results(node, "shop").into_keys().filter(|(cycle, _)| *cycle > begin) {
                cycles.entry(cycle).or_default().insert(of);
            }
            cycles
        };
        eventually("some cycles", SOON, || (cycles(all[0]).len() > CYCLES).then_some(()));
        let ids: BTreeSet<String> = all.iter().map(|node| seen::id(node)).collect();
        for node in &all {
            eventually("it has the results of all", SOON, || {
                let known: Vec<_> = cycles(node).into_values().take(CYCLES).collect();
                (known.len() == CYCLES && known.iter().all(|of| *of == ids)).then_some(())
            });
        }
        println!("{} nodes tested in each of {CYCLES} cycles; {} requests", ids.len(), site.requests());
    });
}

#[test]
fn a_node_that_alone_can_not_reach_the_service_makes_it_partial_and_no_incident() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let mut nodes = world.offices(&lan, &["oslo", "paris", "lima"], &watching(&site));
        seen::start(&mut nodes);
        let all: Vec<&Node> = nodes.iter().collect();
        until_whole(&all);
        healthy(&all);
        let oslo = seen::of(&nodes, "oslo");
        offices::lose_the_way_to_town(oslo);
        for node in &all {
            node.until_level("shop", "partial", SOON);
            eventually("it says from whom it fails", SOON, || {
                let told = node.service("shop");
                let of = (told["vantage_failed"].as_u64(), told["vantage_voting"].as_u64());
                (told["fails_from"] == json!(["oslo"]) && of == (Some(1), Some(3))).then_some(())
            });
        }
        throughout("no incident", Duration::from_secs(8), || seen::alarmed(&all));
        offices::find_the_way_to_town(oslo);
        healthy(&all);
    });
}

#[test]
fn a_node_without_network_has_no_vote() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let mut nodes = world.offices(&lan, &["oslo", "paris", "lima"], &watching(&site));
        seen::start(&mut nodes);
        let all: Vec<&Node> = nodes.iter().collect();
        let before = until_whole(&all);
        healthy(&all);
        // the leader's own, so that it has to hand over as well
        let blind = seen::of(&nodes, &before.name);
        let others = seen::others(&nodes, &before.name);
        offices::pull_the_uplink(blind);
        let id = seen::id(blind);
        eventually("it says that it has no network", SOON, || {
            let results = seen::results(others.first()?, "shop");
            let mut its = results.iter().rev().filter(|((_, of), _)| *of == id);
            its.next().filter(|(_, outcome)| *outcome == "no_network").map(|_| ())
        });
        let (after, took) = seen::until_another_leads(&all, &before, SOON);
        println!("{} leads {:.1} s after that", after.name, took.as_secs_f64());
        throughout("the service is well for all", Duration::from_secs(8), || {
            let levels: Vec<Value> = all.iter().map(|node| node.service("shop")["level"].clone()).collect();
            let ill = levels.iter().any(|level| level != "healthy");
            ill.then(|| format!("{levels:?}")).or_else(|| seen::alarmed(&all))
        });
    });
}

#[test]
fn a_real_outage_is_the_same_incident_on_every_node_and_so_is_its_end() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let mesh = watching(&site).replace("\"2s\"", "\"10s\"");
        let mut nodes = world.offices(&lan, &["oslo", "paris", "lima", "quito", "delhi"], &mesh);
        seen::start(&mut nodes);
        let all: Vec<&Node> = nodes.iter().collect();
        until_whole(&all);
        healthy(&all);
        // with five vantage points the first of them looks within 2 s, and the others at once
        site.set(Mood::HangsUp);
        let opened =
            until_every(&all, &site, "incident", |node| seen::incidents(node).into_values().eq([true]));
        println!("an incident on all {:.2} s after the outage began", opened.as_secs_f64());
        let mut ids = all.iter().map(|node| seen::incidents(node).into_keys().next());
        let first = ids.next().unwrap();
        assert!(first.is_some() && ids.all(|id| id == first));
        site.set(Mood::Serves(String::new()));
        let ended =
            until_every(&all, &site, "recovery", |node| seen::incidents(node).into_values().eq([false]));
        println!("recovered on all {:.2} s after it ended", ended.as_secs_f64());
    });
}

/// Waits until it is so on every node and says how long that took.
fn until_every(nodes: &[&Node], site: &Site, what: &str, so: impl Fn(&Node) -> bool) -> Duration {
    let (begun, asked) = (Instant::now(), site.requests());
    let mut left: Vec<&Node> = nodes.to_vec();
    eventually(&format!("the {what} is on all"), SOON, || {
        left.retain(|node| !so(node));
        left.is_empty().then_some(())
    });
    println!("{what}: {} probes until all knew", site.requests() - asked);
    begun.elapsed()
}

fn healthy(nodes: &[&Node]) {
    for node in nodes {
        node.until_level("shop", "healthy", SOON);
    }
}
