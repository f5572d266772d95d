//! What people give to one node and all have: the configuration, acknowledgements, silences.

use crate::{SOON, services, watching};
use p7_tests::eventually;
use p7_tests::node::Node;
use p7_tests::offices::in_a_world;
use p7_tests::seen::{self, until_whole};
use p7_tests::site::Mood;
use std::fs;
use std::process::Output;
use std::time::Instant;

#[test]
fn a_configuration_given_to_one_node_is_taken_up_by_all_and_a_faulty_one_by_none() {
    in_a_world(|world| {
        let (shop, mail) = (world.site(), world.site());
        let lan = world.lan();
        let mut nodes = world.offices(&lan, &["oslo", "paris", "lima"], &watching(&shop));
        seen::start(&mut nodes);
        let all: Vec<&Node> = nodes.iter().collect();
        until_whole(&all);
        let [oslo, paris, lima] = all.as_slice() else { unreachable!("three nodes") };

        let given = give(paris, &services(&[("shop", &shop), ("mail", &mail)]));
        assert!(given.status.success(), "{}", told(&given));
        let begun = Instant::now();
        for node in &all {
            node.until_level("mail", "healthy", SOON);
        }
        println!("all watch the new service after {:.1} s", begun.elapsed().as_secs_f64());
        eventually("all have the same version", SOON, || {
            let mut versions = all.iter().map(|node| node.json("/api/v1/mesh")["configuration"].clone());
            let first = versions.next()?;
            (first["version"] == 1 && versions.all(|other| other == first)).then_some(())
        });
        let drifted = oslo.p7(&["config", "diff"]);
        assert_eq!(drifted.status.code(), Some(1), "the file differs now: {}", told(&drifted));
        assert!(told(&drifted).contains("mail"), "{}", told(&drifted));

        let faulty = services(&[("shop", &shop)]) + "intervall = \"1s\"\n";
        let refused = give(lima, &faulty);
        assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
        let place = format!(":{}:", faulty.lines().count());
        assert!(
            told(&refused).contains(&place) && told(&refused).contains("intervall"),
            "{}",
            told(&refused)
        );
        for node in &all {
            assert_eq!(node.service("mail")["level"], "healthy", "{} keeps the good one", node.name());
        }
    });
}

#[test]
fn of_two_edits_at_once_one_stands_on_all_and_a_node_that_was_away_takes_it_up() {
    in_a_world(|world| {
        let (shop, mail) = (world.site(), world.site());
        let lan = world.lan();
        let mut nodes = world.offices(&lan, &["oslo", "paris", "lima"], &watching(&shop));
        seen::start(&mut nodes);
        until_whole(&nodes.iter().collect::<Vec<_>>());
        nodes.last_mut().unwrap().terminate();
        let [oslo, paris, lima] = nodes.as_mut_slice() else { unreachable!("three nodes") };
        let edits = [
            (&*oslo, services(&[("shop", &shop), ("left", &mail)])),
            (&*paris, services(&[("shop", &shop), ("right", &mail)])),
        ];
        std::thread::scope(|threads| {
            for (node, text) in &edits {
                threads.spawn(move || {
                    let given = give(node, text);
                    assert!([Some(0), Some(1)].contains(&given.status.code()), "{}", told(&given));
                });
            }
        });
        lima.spawn();
        lima.wake();
        let all: Vec<&Node> = nodes.iter().collect();
        let services = eventually("all watch the same", SOON, || {
            let mut known = all.iter().map(|node| watched(node));
            let first = known.next()?;
            (first.len() == 2 && known.all(|other| other == first)).then_some(first)
        });
        println!("this stands: {services:?}");
    });
}

#[test]
fn what_people_state_through_one_node_is_seen_on_all() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let mut nodes = world.offices(&lan, &["oslo", "paris", "lima"], &watching(&site));
        seen::start(&mut nodes);
        let all: Vec<&Node> = nodes.iter().collect();
        until_whole(&all);
        let [oslo, paris, lima] = all.as_slice() else { unreachable!("three nodes") };
        site.set(Mood::Answers(500));
        for node in &all {
            node.until_level("shop", "incident", SOON);
        }
        does(paris, &["ack", "shop", "--reason", "on it", "--by", "ann"]);
        until_all(&all, "the acknowledgement", |node| node.service("shop")["acknowledged"]["by"] == "ann");
        does(lima, &["silence", "shop", "--for", "1h", "--reason", "upgrade", "--by", "bob"]);
        until_all(&all, "the silence", |node| node.service("shop")["silence"]["by"] == "bob");
        let silence = oslo.service("shop")["silence"]["id"].as_str().unwrap().to_owned();
        does(oslo, &["silence", "lift", &silence]);
        until_all(&all, "its end", |node| node.service("shop")["silence"].is_null());
    });
}

fn until_all(nodes: &[&Node], what: &str, so: impl Fn(&Node) -> bool) {
    let begun = Instant::now();
    eventually(&format!("all know {what}"), SOON, || nodes.iter().all(|node| so(node)).then_some(()));
    println!("all know {what} after {:.2} s", begun.elapsed().as_secs_f64());
}

fn does(node: &Node, arguments: &[&str]) {
    let done = node.p7(arguments);
    assert!(done.status.success(), "p7 {arguments:?}: {}", told(&done));
}

/// `p7 apply` of a file with this text.
fn give(node: &Node, text: &str) -> Output {
    let file = node.path("new.toml");
    fs::write(&file, text).unwrap();
    node.p7(&["apply", file.to_str().unwrap()])
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// The ids of what a node watches.
fn watched(node: &Node) -> Vec<String> {
    let items = node.json("/api/v1/services")["items"].as_array().cloned().unwrap_or_default();
    items.iter().map(|one| one["id"].as_str().unwrap_or_default().to_owned()).collect()
}
