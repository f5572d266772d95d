//! The socket and the agent before a strict Slack.

use super::fake::{APP_TOKEN, BOT, BOT_TOKEN, Fake};
use super::samples::{service, status, view};
use super::world::World;
use crate::agent::Standing;
use crate::slack::api::Api;
use crate::slack::socket::{Line, keep};
use p7_bus::{Configured, MeshNoted, Request, Snapshot};
use p7_core::facts::{HoldKind, Scope};
use p7_core::vocabulary::Level;
use p7_settings::Secret;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

const AT_ONCE: Duration = Duration::ZERO;

fn text(said: &Value) -> &str {
    said["text"].as_str().unwrap()
}

#[actix_rt::test]
async fn a_mention_is_answered_in_its_thread_and_a_direct_message_where_it_was_written() {
    let fake = Fake::start().await;
    let _world = World::new(&fake, Standing::Alone, "", AT_ONCE);
    fake.connected().await;
    let mention = fake.mention("C1", "U1", "status shop");
    let said = fake.said("chat.postMessage", 1).await;
    assert!(text(&said).starts_with(":red_circle: *Shop (production)* is down for 14 min"), "{said}");
    assert_eq!((&said["channel"], &said["thread_ts"]), (&json!("C1"), &mention["payload"]["event"]["ts"]));
    fake.event(&json!({
        "type": "message", "channel_type": "im", "channel": "D1", "user": "U2", "text": "version", "ts": "1.1",
    }));
    let said = fake.said("chat.postMessage", 2).await;
    assert_eq!((text(&said), &said["channel"]), ("Example mesh: p7 0.1.0 on berlin", &json!("D1")));
    assert_eq!(said["thread_ts"], Value::Null);
    fake.is_content().await;
}

#[actix_rt::test]
async fn the_status_of_1000_services_is_answered_from_mention_to_message() {
    let fake = Fake::start().await;
    let world = World::new(&fake, Standing::Alone, "", AT_ONCE);
    let all: Vec<_> =
        (0..1_000).map(|n| service(&format!("s{n}"), &format!("Service {n}"), "test")).collect();
    world.persona.send(Configured(Arc::new(all))).await.unwrap();
    let statuses = (0..1_000).map(|n| status(&format!("s{n}"), Level::Down, 5, "connection refused"));
    world.persona.send(Snapshot(Arc::new(statuses.collect()))).await.unwrap();
    fake.connected().await;
    let began = Instant::now();
    fake.mention("C1", "U1", "status");
    let said = fake.said("chat.postMessage", 1).await;
    println!("from mention to message: {:?}", began.elapsed());
    assert!(text(&said).starts_with("1000 services: 1000 down"), "{said}");
    fake.is_content().await;
}

#[actix_rt::test]
async fn strangers_bots_edits_and_other_workspaces_are_not_heard() {
    let fake = Fake::start().await;
    let world = World::new(&fake, Standing::Alone, "users = ['U1']", AT_ONCE);
    fake.connected().await;
    let mention = |more: Value| {
        let mut event =
            json!({ "type": "app_mention", "user": "U1", "text": "ack shop", "channel": "C1", "team": "T1" });
        event["ts"] = format!("2.{}", fake.state().calls.len()).into();
        for (key, value) in more.as_object().unwrap() {
            event[key] = value.clone();
        }
        fake.event(&event)
    };
    mention(json!({ "ts": "2.1", "bot_id": "B9" }));
    mention(json!({ "ts": "2.2", "subtype": "message_changed" }));
    mention(json!({ "ts": "2.3", "team": "T2" }));
    mention(json!({ "ts": "2.4", "user_team": "T2" }));
    mention(json!({ "ts": "2.5", "user": BOT }));
    mention(json!({ "ts": "2.6", "user": null }));
    mention(json!({ "ts": "2.7", "type": "message", "channel_type": "channel" }));
    fake.mention("C1", "U1", "hello");
    assert!(!text(&fake.said("chat.postMessage", 1).await).is_empty());
    fake.is_content().await;
    assert_eq!((fake.state().called("chat.postMessage").len(), world.requests()), (1, Vec::new()));
    assert!((world.heard("stranger") - 3.0).abs() < f64::EPSILON);
}

#[actix_rt::test]
async fn a_refresh_opens_the_next_socket_first_and_nothing_is_heard_twice() {
    let fake = Fake::start().await;
    let world = World::new(&fake, Standing::Alone, "", AT_ONCE);
    fake.connected().await;
    let before = fake.mention("C1", "U1", "version");
    fake.said("chat.postMessage", 1).await;
    fake.disconnect("refresh_requested");
    fake.wait("two sockets at once", |state| (state.open_sockets() == 2).then_some(())).await;
    // the same event again on the new socket, something new on the old one
    fake.resend(&before);
    let mut late = before.clone();
    late["envelope_id"] = "env-late".into();
    late["payload"]["event_id"] = "EvLate".into();
    late["payload"]["event"]["ts"] = "3.3".into();
    fake.resend_on_oldest(&late);
    fake.said("chat.postMessage", 2).await;
    fake.close_oldest();
    fake.wait("one socket", |state| (state.open_sockets() == 1).then_some(())).await;
    fake.mention("C1", "U1", "version");
    fake.said("chat.postMessage", 3).await;
    fake.is_content().await;
    let state = fake.state();
    assert_eq!((state.all_sockets(), state.called("chat.postMessage").len()), (2, 3));
    assert!((world.heard("repeated") - 1.0).abs() < f64::EPSILON);
}

#[actix_rt::test]
async fn a_cut_socket_and_too_many_sockets_are_tried_again() {
    let fake = Fake::start().await;
    fake.state().sockets_limit = 0;
    let _world = World::new(&fake, Standing::Alone, "", AT_ONCE);
    fake.wait("two tries", |state| (state.all_sockets() >= 2).then_some(())).await;
    fake.state().sockets_limit = 10;
    fake.connected().await;
    fake.close_oldest();
    fake.wait("no socket", |state| (state.open_sockets() == 0).then_some(())).await;
    fake.connected().await;
    fake.mention("C1", "U1", "version");
    fake.said("chat.postMessage", 1).await;
    fake.is_content().await;
}

#[actix_rt::test]
async fn slack_that_asks_to_wait_is_waited_for() {
    let fake = Fake::start().await;
    fake.limit("apps.connections.open", 1);
    fake.limit("chat.postMessage", 1);
    let _world = World::new(&fake, Standing::Alone, "", AT_ONCE);
    fake.connected().await;
    fake.mention("C1", "U1", "version");
    fake.said("chat.postMessage", 1).await;
    fake.is_content().await;
}

#[actix_rt::test]
async fn a_silent_socket_is_taken_for_dead_and_its_address_shows_nowhere() {
    let fake = Fake::start().await;
    let dir = tempfile::TempDir::new().unwrap();
    for (name, token) in [("app", APP_TOKEN), ("bot", BOT_TOKEN)] {
        std::fs::write(dir.path().join(name), token).unwrap();
    }
    let secret = |name: &str| Secret::File(name.into()).resolve(dir.path()).unwrap();
    let line = Line {
        api: Api::new(fake.base.parse().unwrap()).unwrap(),
        app_token: secret("app"),
        bot_token: secret("bot"),
        silence: Duration::from_millis(300),
    };
    let told = Rc::new(RefCell::new(Vec::new()));
    let noted = Rc::clone(&told);
    let kept = tokio::task::spawn_local(keep(line, move |one| noted.borrow_mut().push(one)));
    fake.connected().await;
    fake.freeze();
    fake.wait("a second socket", |state| {
        (state.all_sockets() == 2 && state.open_sockets() == 1).then_some(())
    })
    .await;
    kept.abort();
    let told = format!("{:?}", told.borrow());
    assert!(told.contains("was silent") && !told.contains("ticket") && !told.contains(APP_TOKEN), "{told}");
}

#[actix_rt::test]
async fn changes_are_for_those_who_are_listed_and_carry_their_names() {
    let fake = Fake::start().await;
    fake.state().groups.insert("S1".to_owned(), vec!["U2".to_owned()]);
    let changes = "users = ['U1']\ngroups = ['S1', 'S2']\nchannels = ['C2']";
    // slower than an acknowledgement may be
    let world = World::new(&fake, Standing::Alone, changes, Duration::from_millis(3_500));
    fake.connected().await;
    fake.mention("C1", "U1", "ack shop on <https://a.b|it>");
    fake.mention("C1", "U2", "silence shop for 2h");
    fake.mention("C1", "U3", "ack shop");
    let said = fake.said("chat.postMessage", 3).await;
    assert!(!said["text"].is_null());
    let texts: Vec<String> =
        fake.state().called("chat.postMessage").iter().map(|said| text(said).to_owned()).collect();
    assert!(texts.iter().any(|text| text.starts_with("You may ask me anything")), "{texts:?}");
    assert!(
        texts.contains(&":eyes: *Ada Lovelace* has acknowledged `shop`: on https://a.b".to_owned()),
        "{texts:?}"
    );
    assert!(
        texts.contains(&":no_bell: `shop` is silenced until Tue 24 Nov 22:00 CET, says *Bob*".to_owned()),
        "{texts:?}"
    );
    {
        let state = fake.state();
        let done = |text: &str| text.starts_with(":eyes:") || text.starts_with(":no_bell:");
        let first_done =
            state.calls.iter().position(|call| call.body["text"].as_str().is_some_and(done)).unwrap();
        // however long the work takes, all of them were acknowledged before
        assert!(state.acks.iter().take(3).all(|(_, before)| *before <= first_done), "{:?}", state.acks);
    }
    fake.mention("C2", "U3", "ack wiki");
    let said = fake.said("chat.postMessage", 4).await;
    assert_eq!(text(&said), "That can't be done: 'wiki' has no open incident to acknowledge");
    fake.is_content().await;
    let by = |request: &Request| match request {
        Request::Acknowledge { by, .. } | Request::Hold { by, .. } => by.clone(),
        Request::Lift { .. } | Request::Deployed(_) | Request::Holds => panic!("{request:?}"),
    };
    assert_eq!(world.requests().iter().map(by).collect::<Vec<_>>(), ["Ada Lovelace", "Bob", "U3"]);
}

#[actix_rt::test]
async fn the_buttons_and_the_slash_command_work() {
    let fake = Fake::start().await;
    let world = World::new(&fake, Standing::Alone, "users = ['U1']", AT_ONCE);
    fake.connected().await;
    fake.slash("U3", "status shop");
    let respond = |state: &super::fake::State| {
        let calls = state.calls.iter().filter(|call| call.method.starts_with("/respond/"));
        calls.map(|call| call.body.clone()).collect::<Vec<_>>()
    };
    let said = fake.wait("a response", |state| respond(state).first().cloned()).await;
    assert!(text(&said).contains("is down") && said["response_type"] == "ephemeral", "{said}");
    fake.press("U3", "p7_ack", "shop");
    let said = fake.wait("a refusal", |state| respond(state).get(1).cloned()).await;
    assert!(text(&said).starts_with("You may ask") && said["replace_original"] == false, "{said}");
    fake.press("U1", "p7_runbook", "shop");
    fake.press("U1", "p7_evil", "shop");
    fake.press("U1", "p7_ack", "../shop");
    fake.press("U1", "p7_ack", "shop");
    let said = fake.said("chat.postMessage", 1).await;
    assert_eq!(said["thread_ts"], "1700000000.000001");
    fake.press("U1", "p7_silence", "shop");
    fake.said("chat.postMessage", 2).await;
    fake.slash("U1", "say Hello you");
    fake.wait("a robot that speaks", |state| respond(state).get(2).cloned()).await;
    fake.is_content().await;
    let requests = world.requests();
    assert!(
        matches!(&requests[0], Request::Acknowledge { service, by, .. } if service.as_str() == "shop" && by == "Ada Lovelace")
    );
    assert!(matches!(&requests[1], Request::Hold { kind: HoldKind::Silence, scope: Scope::Service(_), .. }));
    assert_eq!((requests.len(), world.asked.lock().unwrap().orders.len()), (2, 1));
}

#[actix_rt::test]
async fn a_probe_says_that_it_tests_and_then_what_came_of_it_in_the_same_message() {
    let fake = Fake::start().await;
    let world = World::new(&fake, Standing::Alone, "users = ['U1']", AT_ONCE);
    world.persona.try_send(MeshNoted(Arc::new(view("berlin1")))).unwrap();
    fake.connected().await;
    fake.mention("C1", "U3", "probe shop");
    let said = fake.said("chat.update", 1).await;
    let expected = ":red_circle: `shop` is *failed* from berlin in 42 ms, status 502: status 502 &lt;!here&gt;\n\
        connect 2 ms · processing 40 ms\nTested from this node only. `why shop` tells what the others saw last.";
    assert_eq!(text(&said), expected);
    fake.mention("C1", "U3", "probe <https://a.example/|a.example>");
    assert!(text(&fake.said("chat.postMessage", 2).await).starts_with("You may ask"));
    fake.mention("C1", "U1", "probe <https://a.example/|a.example>");
    fake.said("chat.update", 2).await;
    fake.is_content().await;
    assert_eq!(world.asked.lock().unwrap().probed, ["shop", "https://a.example/"]);
}

#[actix_rt::test]
async fn only_the_holder_of_the_role_has_a_socket() {
    let fake = Fake::start().await;
    let world = World::new(&fake, Standing::Held, "", AT_ONCE);
    world.persona.send(MeshNoted(Arc::new(view("oslo1")))).await.unwrap();
    // nothing of it reached Slack by the time the next is heard
    assert_eq!(fake.state().calls.len(), 0);
    world.persona.try_send(MeshNoted(Arc::new(view("berlin1")))).unwrap();
    fake.connected().await;
    world.persona.try_send(MeshNoted(Arc::new(view("oslo1")))).unwrap();
    fake.wait("no socket", |state| (state.open_sockets() == 0).then_some(())).await;
    assert_eq!(world.asked.lock().unwrap().fitness.first(), Some(&None));
}

#[actix_rt::test]
async fn one_person_is_heard_thirty_times_a_minute() {
    let fake = Fake::start().await;
    let world = World::new(&fake, Standing::Alone, "", AT_ONCE);
    fake.connected().await;
    for _ in 0..80 {
        fake.mention("C1", "U1", "version");
    }
    fake.is_content().await;
    fake.wait("all that is heard", |_| {
        (world.heard("taken") + world.heard("too_many") >= 80.0).then_some(())
    })
    .await;
    // thirty, or sixty if a minute ends meanwhile
    assert!(world.heard("too_many") >= 20.0, "{}", world.heard("taken"));
}
