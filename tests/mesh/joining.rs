//! How nodes find each other, and who is not let in.

use crate::{SOON, watching};
use p7_tests::node::Node;
use p7_tests::offices::{MESH_PORT, in_a_world};
use p7_tests::seen::{self, until_whole};
use p7_tests::{eventually, throughout};
use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

#[test]
fn nodes_on_one_lan_find_each_other_by_multicast_alone() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let mut nodes = world.offices(&lan, &["oslo", "paris", "lima"], &watching(&site));
        for node in &nodes {
            // every address, IPv6 as well, and nothing but the key is configured
            node.write_node("[mesh]\nkey = \"file:mesh.key\"\n");
        }
        seen::start(&mut nodes);
        until_whole(&nodes.iter().collect::<Vec<_>>());
        for node in &nodes {
            node.until_level("shop", "healthy", SOON);
        }
    });
}

#[test]
fn one_bootstrap_address_is_enough_and_what_is_learned_is_remembered() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let mut nodes = world.offices(&lan, &["oslo", "paris", "lima"], &watching(&site));
        seen::start(&mut nodes);
        until_whole(&nodes.iter().collect::<Vec<_>>());
        let (_, far) = nodes.split_first().unwrap();
        let [paris, lima] = far else { unreachable!("three nodes") };
        eventually("those who were told of the first only are connected to each other", SOON, || {
            let each_way = [seen::member(paris, "lima"), seen::member(lima, "paris")];
            each_way.iter().all(|member| member["connected"] == true).then_some(())
        });

        for node in &mut nodes {
            node.terminate();
            node.write_node(&world.mesh(""));
        }
        seen::start(&mut nodes);
        until_whole(&nodes.iter().collect::<Vec<_>>());
    });
}

#[test]
fn a_node_with_another_key_gets_nothing_and_is_counted() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let mut nodes = world.offices(&lan, &["oslo", "paris", "eve"], &watching(&site));
        let other_key = p7_tests::node::p7(&["mesh", "key", "--print"]).stdout;
        fs::write(seen::of(&nodes, "eve").path("mesh.key"), other_key).unwrap();
        seen::start(&mut nodes);
        let eve = nodes.pop().unwrap();
        let oslo = seen::of(&nodes, "oslo");
        let refused = eventually("she is refused and counted", SOON, || refusals(oslo).filter(|n| *n >= 2.0));
        until_whole(&nodes.iter().collect::<Vec<_>>());
        throughout("nobody knows her and she knows nobody", Duration::from_secs(5), || {
            let known = seen::members(&eve);
            let strangers = known.keys().find(|name| *name != "eve").map(|name| format!("she knows {name}"));
            let met = nodes.iter().find(|node| seen::members(node).contains_key("eve"));
            strangers.or_else(|| met.map(|node| format!("{} knows her", node.name())))
        });
        let lines = oslo
            .log()
            .lines()
            .filter(|line| line.contains("WARN") && line.contains("the mesh keys differ"))
            .count();
        println!("refused {refused} times at first, {:?} at last; {lines} lines of log", refusals(oslo));
        assert_eq!(lines, 1, "said once, however often she tries");
        // she watches for herself all the same
        eve.until_level("shop", "healthy", SOON);
        assert_eq!(
            seen::leader(&eve).map(|leader| (leader.name, leader.full)),
            Some(("eve".to_owned(), false))
        );
    });
}

/// How many connections a node has refused.
fn refusals(node: &Node) -> Option<f64> {
    node.metric("p7_mesh_refused_total{why=\"wrong_key\"}")
}

#[test]
fn key_invite_and_join_are_all_that_two_people_do() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let mut nodes = vec![world.office("oslo"), world.office("paris")];
        let plugs: Vec<_> = nodes.iter().map(|node| lan.plug(node)).collect();
        for node in &nodes {
            fs::remove_file(node.path("mesh.key")).unwrap();
            // as on machines whose network lets no multicast through
            node.write_node("[mesh]\nmdns = false\n");
        }
        let [oslo, paris] = nodes.as_mut_slice() else { unreachable!("two nodes") };
        oslo.write_mesh(&watching(&site));

        let made = said(oslo, &["mesh", "key"]);
        assert!(made.contains("mesh.key"), "{made}");
        oslo.spawn();
        oslo.wake();
        let invitation = said(oslo, &["mesh", "invite"]);
        let invitation = invitation.trim();
        assert!(!invitation.contains(char::is_whitespace), "one string: {invitation}");
        let joined = said(paris, &["mesh", "join", invitation]);
        assert!(joined.contains("belongs to"), "{joined}");
        let begun = Instant::now();
        paris.run();
        let told = paris.until_level("shop", "healthy", SOON);
        println!("it watches what the mesh watches {:.1} s after its start", begun.elapsed().as_secs_f64());
        assert_eq!(told["name"], "The shop", "{told}");
        until_whole(&nodes.iter().collect::<Vec<_>>());

        let oslo = seen::of(&nodes, "oslo");
        let listed = said(oslo, &["mesh", "peers"]);
        assert!(listed.contains("paris"), "{listed}");
        let names: BTreeSet<String> = seen::alive(oslo);
        assert_eq!(names, BTreeSet::from(["oslo".to_owned(), "paris".to_owned()]));
        drop(plugs);
    });
}

#[test]
fn nodes_that_can_not_be_reached_yet_are_dialled_until_they_can() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let (oslo, paris) = (world.office("oslo"), world.office("paris"));
        let (oslo_plug, _paris_plug) = (lan.plug(&oslo), lan.plug(&paris));
        oslo.write_mesh(&watching(&site));
        paris.write_node(&world.mesh(&format!("bootstrap = [\"{}:{MESH_PORT}\"]", oslo_plug.address)));
        oslo_plug.pull();
        let mut nodes = vec![oslo, paris];
        seen::start(&mut nodes);
        let paris = seen::of(&nodes, "paris");
        eventually("it leads for itself meanwhile", SOON, || {
            seen::leader(paris).filter(|leader| leader.name == "paris" && !leader.full)
        });
        oslo_plug.put_back();
        until_whole(&nodes.iter().collect::<Vec<_>>());
    });
}

/// What `p7` prints where a node is, having succeeded.
fn said(node: &Node, arguments: &[&str]) -> String {
    let output = node.p7(arguments);
    assert!(output.status.success(), "p7 {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
