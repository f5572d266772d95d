//! Each message once: the leader is killed at every point of a sending, and its successor says what is due.

use crate::{SOON, service};
use p7_tests::eventually;
use p7_tests::node::Node;
use p7_tests::offices::{World, in_a_world};
use p7_tests::recorder::{Recorder, Request};
use p7_tests::seen::{self, until_whole};
use p7_tests::site::{Mood, Site};
use p7_tests::slack::{CHANNEL, Slack, TOKEN};
use serde_json::Value;
use std::fs;

/// Three nodes that watch a shop, with one channel whose far end is in the test's hands.
struct Office {
    nodes: Vec<Node>,
    site: Site,
    far: Recorder,
    leader: String,
}

impl Office {
    /// A whole mesh. The interval is long, so that what is to be said stays the same while a successor is found.
    fn open(world: &World, channel: &str) -> Self {
        let (site, far, lan) = (world.site(), world.recorder(), world.lan());
        let mesh = format!(
            "[defaults]\ninterval = \"15s\"\ntimeout = \"2s\"\n{}\n{}",
            service("shop", &site.url()),
            channel.replace("FAR", &far.url())
        );
        let mut nodes = world.offices(&lan, &["oslo", "paris", "lima"], &mesh);
        for node in &nodes {
            fs::write(node.path("hook.url"), format!("{}hook", far.url())).unwrap();
            fs::write(node.path("slack.token"), TOKEN).unwrap();
        }
        seen::start(&mut nodes);
        let leader = until_whole(&nodes.iter().collect::<Vec<_>>()).name;
        for node in &nodes {
            node.until_level("shop", "healthy", SOON);
        }
        Self { nodes, site, far, leader }
    }

    fn leader(&self) -> &Node {
        seen::of(&self.nodes, &self.leader)
    }

    fn kill_the_leader(&mut self) {
        self.nodes.iter_mut().find(|node| node.name() == self.leader).unwrap().kill();
    }

    /// What the successors say while the shop fails and then recovers, up to the recovery; each is answered.
    fn said_by_successors(&self, take: impl Fn(Request) -> Value) -> Vec<Value> {
        let mut said = Vec::new();
        while said.is_empty() {
            said.push(take(self.far.next("a successor says that the shop fails", SOON)));
        }
        self.site.set(Mood::Serves("well again".to_owned()));
        while said.last().is_some_and(|last| last["kind"] != "recovery") {
            said.push(take(self.far.next("a successor says that the shop is well again", SOON)));
        }
        said
    }
}

const HOOK: &str = "[channels.hook.webhook]\nurl = \"file:hook.url\"\n";

fn slack() -> String {
    format!(
        "[channels.chat.slack]\ntoken = \"file:slack.token\"\nchannel = \"{CHANNEL}\"\napi = \"FARapi/\"\n"
    )
}

/// A webhook takes everything, and the message is its own record.
fn taken(request: Request) -> Value {
    assert_eq!(request.line, "POST /hook");
    let message = request.json();
    assert_eq!(request.header("idempotency-key"), message["key"].as_str());
    request.answer(200, "");
    message
}

fn told(said: &[Value]) -> Vec<(&str, &str)> {
    said.iter().map(|one| (one["kind"].as_str().unwrap(), one["repeat"].as_str().unwrap())).collect()
}

/// It hangs when the outage begins and is dead by the time others see it: it has stated nothing.
#[test]
fn a_leader_killed_before_its_ledger_entry_is_made_good_by_one_message_without_a_mark() {
    in_a_world(|world| {
        let mut office = Office::open(world, HOOK);
        office.leader().signal("STOP");
        office.site.set(Mood::Answers(503));
        let others = seen::others(&office.nodes, &office.leader);
        eventually("the others have the incident", SOON, || {
            others.iter().all(|node| !seen::incidents(node).is_empty()).then_some(())
        });
        office.kill_the_leader();
        let said = office.said_by_successors(taken);
        assert_eq!(told(&said), [("outage", "no"), ("recovery", "no")], "{said:#?}");
    });
}

/// Between the statement and the request there are some 60 ms: whoever is killed later has sent it already,
/// and the successor's is the one repetition. Either is marked, and nobody hears of it a third time.
#[test]
fn a_leader_killed_after_its_intent_and_before_its_request_has_it_said_and_marked() {
    in_a_world(|world| {
        let mut office = Office::open(world, HOOK);
        office.site.set(Mood::Answers(503));
        let others = seen::others(&office.nodes, &office.leader);
        eventually("a follower has the leader's intent", SOON, || {
            let has = |node: &&Node| {
                fs::read_to_string(node.data().join("notices.json")).is_ok_and(|text| text.contains("intent"))
            };
            others.iter().any(has).then_some(())
        });
        office.kill_the_leader();
        let first = office.far.arrived();
        println!("killed {} its request was out", if first.is_some() { "when" } else { "before" });
        drop(first);
        let said = office.said_by_successors(taken);
        assert_eq!(told(&said), [("outage", "perhaps"), ("recovery", "no")], "{said:#?}");
    });
}

#[test]
fn a_leader_killed_while_the_answer_is_held_back_has_it_repeated_once_and_marked() {
    in_a_world(|world| {
        let mut office = Office::open(world, HOOK);
        office.site.set(Mood::Answers(503));
        let request = office.far.next("the leader says that the shop fails", SOON);
        let first = request.json();
        assert_eq!((first["by"].as_str(), first["repeat"].as_str()), (Some(&*office.leader), Some("no")));
        office.kill_the_leader();
        drop(request);
        let said = office.said_by_successors(taken);
        assert_eq!(told(&said), [("outage", "perhaps"), ("recovery", "no")], "{said:#?}");
        assert_eq!(said[0]["key"], first["key"], "the repetition has the same key");
    });
}

/// It is frozen when its request has come, so the answer waits for it unread when it dies.
#[test]
fn a_leader_killed_after_the_answer_and_before_it_is_stated_has_it_repeated_once_and_marked() {
    in_a_world(|world| {
        let mut office = Office::open(world, HOOK);
        office.site.set(Mood::Answers(503));
        let request = office.far.next("the leader says that the shop fails", SOON);
        office.leader().signal("STOP");
        let first = taken(request);
        office.kill_the_leader();
        let said = office.said_by_successors(taken);
        assert_eq!(told(&said), [("outage", "perhaps"), ("recovery", "no")], "{said:#?}");
        assert_eq!(said[0]["key"], first["key"], "the repetition has the same key");
    });
}

/// Slack can be asked: the successor finds what was posted and goes on with it.
#[test]
fn what_a_killed_leader_posted_to_slack_is_looked_up_and_never_posted_again() {
    in_a_world(|world| {
        let mut office = Office::open(world, &slack());
        let mut workspace = Slack::default();
        let mut take = |request: Request| {
            let answer = workspace.answer(&request.line, request.header("authorization"), &request.body);
            assert_eq!(answer["ok"], true, "{}: {answer}", request.line);
            request.answer(200, &answer.to_string());
        };
        office.site.set(Mood::Answers(503));
        let request = office.far.next("the leader says that the shop fails", SOON);
        assert_eq!(request.line, "POST /api/chat.postMessage");
        office.leader().signal("STOP");
        take(request);
        office.kill_the_leader();
        let request = office.far.next("the successor looks whether it was posted", SOON);
        assert!(request.line.starts_with("GET /api/conversations.history?"), "{}", request.line);
        take(request);
        office.site.set(Mood::Serves("well again".to_owned()));
        for call in ["POST /api/chat.postMessage", "POST /api/chat.update"] {
            let request = office.far.next("the successor says that the shop is well again", SOON);
            assert_eq!(request.line, call, "{}", String::from_utf8_lossy(&request.body));
            take(request);
        }
        let roots = workspace.roots();
        assert_eq!((roots.len(), workspace.messages.len(), workspace.updates), (1, 2, 1), "{workspace:#?}");
        let [outage, recovery] = &workspace.messages[..] else { unreachable!() };
        assert_eq!(recovery["thread_ts"], outage["ts"], "the recovery answers the leader's own message");
        assert!(
            outage["text"].as_str().unwrap().contains(":large_green_circle:"),
            "it was brought up to date: {outage}"
        );
    });
}
