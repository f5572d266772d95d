//! Who leads when the leader dies, hangs or goes home.

use crate::{SOON, watching};
use p7_tests::node::Node;
use p7_tests::offices::in_a_world;
use p7_tests::seen::{self, until_another_leads, until_whole};
use p7_tests::site::Mood;
use p7_tests::{eventually, throughout};
use std::time::{Duration, Instant};

/// Longer than a node takes to settle and claim, were it to want the role back.
const SETTLED: Duration = Duration::from_secs(14);

#[test]
fn a_killed_leader_is_replaced_at_once_and_comes_back_as_a_follower() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let mut nodes = world.offices(&lan, &["oslo", "paris", "lima"], &watching(&site));
        seen::start(&mut nodes);
        let before = until_whole(&nodes.iter().collect::<Vec<_>>());
        site.set(Mood::Answers(503));
        let id = incident_on_all(&nodes);

        named(&mut nodes, &before.name).kill();
        let (after, took) = until_another_leads(&seen::others(&nodes, &before.name), &before, SOON);
        println!("another leads {:.2} s after kill -9", took.as_secs_f64());
        assert_eq!(after.term, before.term + 1);

        let killed = named(&mut nodes, &before.name);
        killed.spawn();
        killed.wake();
        let all: Vec<&Node> = nodes.iter().collect();
        assert_eq!(until_whole(&all), after, "its return changes nothing");
        throughout("the leader stays", SETTLED, || seen::unfaithful(&all, &after));
        for node in &nodes {
            let known: Vec<_> = seen::incidents(node).into_iter().collect();
            assert_eq!(known, [(id.clone(), true)], "{} knows one incident and no other", node.name());
        }
    });
}

#[test]
fn a_leader_that_hangs_is_replaced_and_takes_nothing_over_when_it_goes_on() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let mut nodes = world.offices(&lan, &["oslo", "paris", "lima"], &watching(&site));
        seen::start(&mut nodes);
        let before = until_whole(&nodes.iter().collect::<Vec<_>>());
        let hung = seen::of(&nodes, &before.name);
        hung.signal("STOP");
        let (after, took) = until_another_leads(&seen::others(&nodes, &before.name), &before, SOON);
        println!("another leads {:.2} s after SIGSTOP", took.as_secs_f64());
        hung.signal("CONT");
        let all: Vec<&Node> = nodes.iter().collect();
        let woken = Instant::now();
        assert_eq!(until_whole(&all), after);
        println!("all follow it {:.2} s after SIGCONT", woken.elapsed().as_secs_f64());
        throughout("the leader stays", SETTLED, || seen::unfaithful(&all, &after));
    });
}

#[test]
fn a_leader_that_is_stopped_on_purpose_hands_over_at_once() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let mut nodes = world.offices(&lan, &["oslo", "paris", "lima"], &watching(&site));
        seen::start(&mut nodes);
        let before = until_whole(&nodes.iter().collect::<Vec<_>>());
        named(&mut nodes, &before.name).signal("TERM");
        let (after, took) = until_another_leads(&seen::others(&nodes, &before.name), &before, SOON);
        println!("another leads {:.2} s after SIGTERM", took.as_secs_f64());
        let status = named(&mut nodes, &before.name).ended(SOON);
        assert_eq!(status.code(), Some(0));
        let follower = seen::of(&nodes, &after.name);
        eventually("it is known to have left", SOON, || {
            (seen::member(follower, &before.name)["liveness"] == "left").then_some(())
        });
    });
}

/// A person's preference: it is given the role in good order, by itself, once both have been stable.
#[test]
fn of_two_that_start_together_the_one_with_the_higher_priority_leads() {
    in_a_world(|world| {
        let site = world.site();
        let lan = world.lan();
        let mut nodes = world.offices(&lan, &["oslo", "paris"], &watching(&site));
        let more = format!("{}\npriority = 90", lan.bootstrap());
        seen::of(&nodes, "paris").write_node(&world.mesh(&more));
        seen::start(&mut nodes);
        let leader = until_whole(&nodes.iter().collect::<Vec<_>>());
        assert_eq!(leader.name, "paris");
    });
}

/// The incident that all of them have open, the same on each.
fn incident_on_all(nodes: &[Node]) -> String {
    eventually("one incident is open on all", SOON, || {
        let mut known = nodes.iter().map(seen::incidents);
        let first = known.next()?;
        known.all(|other| other == first).then_some(())?;
        let mut open = first.into_iter().filter_map(|(id, open)| open.then_some(id));
        open.next().filter(|_| open.next().is_none())
    })
}

fn named<'a>(nodes: &'a mut [Node], name: &str) -> &'a mut Node {
    nodes.iter_mut().find(|node| node.name() == name).unwrap()
}
