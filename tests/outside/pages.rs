//! The pages in Chromium: tests/browser/pages.cjs looks, this file arranges what there is to see.

use crate::{SOON, service, watching};
use p7_tests::node::{Node, target_folder};
use p7_tests::peers::look;
use p7_tests::site::{Mood, Site};
use std::fs;

/// Runs one scene of pages.cjs; pictures go to the target folder's `screens`.
fn scene(name: &str, node: &Node, site: &Site) {
    let screens = target_folder().join("screens");
    fs::create_dir_all(&screens).unwrap();
    look("pages.cjs", &[name, &node.url(), screens.to_str().unwrap(), &site.url()]);
}

fn shown() -> (Node, Site) {
    let (well, ill) = (Site::start(), Site::start());
    ill.set(Mood::Answers(500));
    let node = Node::start(&watching(&[("well", &well), ("ill", &ill)]));
    node.until_level("well", "healthy", SOON);
    node.until_level("ill", "down", SOON);
    p7_tests::eventually("the incident is stored", SOON, || {
        (node.json("/api/v1/incidents")["items"][0]["service"] == "ill").then_some(())
    });
    (node, well)
}

#[test]
fn the_pages_are_clean_complete_and_ask_nobody_else() {
    let (node, site) = shown();
    scene("clean", &node, &site);
    let log = node.log();
    let wrong = |line: &&str| line.contains("ERROR") || line.contains("WARN");
    let told = log.lines().filter(wrong).find(|line| !line.contains("an incident is open"));
    assert_eq!(told, None, "nothing was wrong with the node");
}

#[test]
fn without_javascript_everything_is_there() {
    let (node, site) = shown();
    scene("plain", &node, &site);
}

#[test]
fn on_a_phone_nothing_runs_off_the_side() {
    let (node, site) = shown();
    scene("phone", &node, &site);
}

#[test]
fn the_filter_works_by_keyboard() {
    let (node, site) = shown();
    scene("filter", &node, &site);
}

#[test]
fn a_change_shows_by_itself_without_a_reload() {
    let (node, well) = shown();
    let switch = well.clone();
    let watcher = std::thread::spawn(move || {
        // the page has been looked at once the service was tested some more times
        let seen = switch.requests();
        p7_tests::eventually("the page is open", SOON, || (switch.requests() > seen + 4).then_some(()));
        switch.set(Mood::Answers(503));
    });
    scene("live", &node, &well);
    watcher.join().unwrap();
}

#[test]
fn a_thousand_services_are_one_page() {
    let site = Site::start();
    let mut mesh = "[defaults]\ninterval = \"10s\"\n".to_owned();
    for n in 0..1000 {
        mesh.push_str(&service(&format!("s{n:04}"), &site.url()));
    }
    let node = Node::start(&mesh);
    node.until_level("s0999", "healthy", SOON);
    scene("many", &node, &site);
}
