//! What a node missed, and nodes of another release.

use crate::{SOON, services, watching};
use p7_tests::eventually;
use p7_tests::node::Node;
use p7_tests::offices::in_a_world;
use p7_tests::seen::{self, until_whole};
use p7_tests::site::Mood;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// How many cycles a node is away for.
const MISSED: usize = 12;

#[test]
fn a_node_that_was_off_for_many_cycles_has_the_others_results_of_them() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let mesh = watching(&site).replace("\"2s\"", "\"1s\"");
        let mut nodes = world.offices(&lan, &["oslo", "paris", "lima"], &mesh);
        seen::start(&mut nodes);
        until_whole(&nodes.iter().collect::<Vec<_>>());
        let away = nodes.last_mut().unwrap();
        away.until_level("shop", "healthy", SOON);
        let last = seen::results(away, "shop").into_keys().next_back().unwrap().0;
        away.kill();
        let (oslo, id) = (seen::of(&nodes, "oslo"), seen::id(seen::of(&nodes, "paris")));
        site.set(Mood::Answers(500));
        let of_others = |node: &Node, after: &str| -> BTreeSet<(String, String)> {
            let known = seen::results(node, "shop").into_keys();
            known.filter(|(cycle, node)| cycle.as_str() > after && *node == id).collect()
        };
        eventually("it misses many cycles", SOON, || (of_others(oslo, &last).len() >= MISSED).then_some(()));
        site.set(Mood::Serves(String::new()));
        oslo.until_level("shop", "healthy", SOON);
        let missed = of_others(oslo, &last);

        let away = nodes.last_mut().unwrap();
        away.spawn();
        away.wake();
        let begun = Instant::now();
        let away = seen::of(&nodes, "lima");
        eventually("it knows what it missed", SOON, || {
            missed.is_subset(&of_others(away, &last)).then_some(())
        });
        println!(
            "{} results of paris caught up {:.1} s after its start",
            missed.len(),
            begun.elapsed().as_secs_f64()
        );
        let all: Vec<&Node> = nodes.iter().collect();
        eventually("the outage it slept through is in its history", SOON, || {
            let known: Vec<BTreeMap<String, bool>> = all.iter().map(|node| seen::incidents(node)).collect();
            known.iter().all(|one| one.len() == 1 && Some(one) == known.first()).then_some(())
        });
    });
}

#[test]
fn a_node_that_speaks_the_older_wire_format_works_with_the_others() {
    in_a_world(|world| {
        let (shop, mail) = (world.site(), world.site());
        let lan = world.lan();
        let mesh = services(&[("shop", &shop), ("mail", &mail)]);
        let mut nodes = world.offices(&lan, &["oslo", "paris", "old"], &mesh);
        seen::of(&nodes, "old").write_node(&world.mesh(&format!("{}\nwire_version = 1", lan.bootstrap())));
        seen::start(&mut nodes);
        let all: Vec<&Node> = nodes.iter().collect();
        until_whole(&all);
        let oslo = seen::of(&nodes, "oslo");
        assert_eq!(seen::member(oslo, "old")["wire"], 1);
        assert_ne!(seen::member(oslo, "paris")["wire"], 1);
        shop.set(Mood::Answers(500));
        for node in &all {
            node.until_level("shop", "incident", SOON);
        }
        every_node_has_results_of_every_other(&all);

        // the upgrade
        let old = nodes.last_mut().unwrap();
        old.terminate();
        old.write_node(&world.mesh(&lan.bootstrap()));
        old.spawn();
        old.wake();
        let all: Vec<&Node> = nodes.iter().collect();
        until_whole(&all);
        shop.set(Mood::Serves(String::new()));
        for node in &all {
            node.until_level("shop", "healthy", SOON);
        }
        let known: Vec<_> = all.iter().map(|node| seen::incidents(node)).collect();
        assert!(known.iter().all(|one| one.len() == 1), "one incident, now over: {known:?}");
        eventually("nobody speaks the older format any more", SOON, || {
            all.iter().all(|node| seen::member(node, "old")["wire"] != 1).then_some(())
        });
    });
}

fn every_node_has_results_of_every_other(nodes: &[&Node]) {
    let ids: BTreeSet<String> = nodes.iter().map(|node| seen::id(node)).collect();
    for service in ["shop", "mail"] {
        eventually("each has results of all", SOON, || {
            let has_all = |node: &&Node| {
                let of: BTreeSet<String> =
                    seen::results(node, service).into_keys().map(|(_, of)| of).collect();
                of == ids
            };
            nodes.iter().all(has_all).then_some(())
        });
    }
}
