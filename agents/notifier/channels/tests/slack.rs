//! What Slack is sent, and what its answers mean.

use super::*;
use crate::channel::Speaker;
use crate::http::Http;
use crate::samples::{answer, item, message, outage, previous, recorder, recovery, storm};

fn ready(more: &str) -> Ready {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), "xoxb-secret").unwrap();
    let config: Config = toml::from_str(&format!("token = 'file:token'\nchannel = '#ops'\n{more}")).unwrap();
    config.prepare(&Node::at(dir.path())).unwrap()
}

#[test]
fn an_outage_is_a_message_of_blocks() {
    let calls = ready("username = 'Protocol/7'\nicon_emoji = ':robot_face:'").render(&outage(), None);
    assert_eq!(calls.len(), 1);
    insta::assert_snapshot!(format!("{:#}", calls[0].body));
}

#[test]
fn a_recovery_answers_in_the_thread_and_changes_the_message() {
    let calls = ready("").render(&recovery(), Some(&previous()));
    let [reply, update] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!((reply.method, update.method), (Method::Post, Method::Update));
    assert_eq!(
        (reply.body["thread_ts"].as_str(), reply.body["channel"].as_str()),
        (Some("1795533600.000100"), Some("C123"))
    );
    assert_eq!(
        (reply.body["reply_broadcast"].as_bool(), update.body["ts"].as_str()),
        (Some(true), Some("1795533600.000100"))
    );
    // further messages follow the first one, not its answer
    let said = Answer {
        status: 200,
        retry_after: None,
        body: br#"{"ok":true,"channel":"C123","ts":"9.9"}"#.to_vec(),
    };
    assert_eq!(heard(&said, reply), receipt("C123/1795533600.000100"));
}

#[test]
fn an_update_changes_the_message_and_rings_nobody() {
    let mut message = outage();
    message.kind = Kind::Update;
    let calls = ready("").render(&message, Some(&previous()));
    assert_eq!(calls.iter().map(|call| call.method).collect::<Vec<_>>(), [Method::Update]);
}

/// The texts of the buttons of each block that has some.
fn buttons_of(calls: &[Call]) -> Vec<Vec<String>> {
    let blocks = calls[0].body["blocks"].as_array().unwrap();
    let actions = blocks.iter().filter(|block| block["type"] == "actions");
    let text = |button: &Value| {
        let (action, value) = (button["action_id"].as_str().unwrap(), button["value"].as_str().unwrap());
        format!("{action} {value} {}", button["url"].as_str().unwrap_or_default()).trim_end().to_owned()
    };
    actions.map(|block| block["elements"].as_array().unwrap().iter().map(text).collect()).collect()
}

#[test]
fn an_outage_has_buttons_where_they_are_wanted_and_a_recovery_a_test_and_a_storm_have_none() {
    assert_eq!(buttons_of(&ready("").render(&outage(), None)), Vec::<Vec<String>>::new());
    let with = ready("buttons = true");
    let mut fresh = item("shop", Kind::Outage, Level::Down);
    fresh.acknowledged = None;
    let known = item("wiki", Kind::Outage, Level::Incident);
    let calls = with.render(&message(Kind::Outage, vec![fresh, known]), None);
    assert_eq!(
        buttons_of(&calls),
        [
            vec!["p7_ack shop", "p7_silence shop", "p7_runbook shop https://wiki.example.org/shop"],
            vec!["p7_silence wiki", "p7_runbook wiki https://wiki.example.org/wiki"],
        ]
    );
    let kinds: Vec<&str> = calls[0].body["blocks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.get(..5), Some(["header", "section", "actions", "section", "actions"].as_slice()));
    for none in [recovery(), message(Kind::Test, vec![item("shop", Kind::Test, Level::Healthy)]), storm()] {
        assert_eq!(buttons_of(&with.render(&none, None)), Vec::<Vec<String>>::new());
    }
}

#[test]
fn a_storm_stays_within_slacks_limits() {
    let mut storm = storm();
    for item in &mut storm.items {
        item.reason = Some("<!channel> & ".repeat(500).into());
        item.failing = Vec::new();
        item.passing = Vec::new();
        item.runbook = Some(format!("https://wiki.example.org/{}", "x".repeat(2000)));
    }
    let body = ready("").render(&storm, None).remove(0).body;
    let blocks = body["blocks"].as_array().unwrap();
    assert!(
        blocks.len() <= 50 && blocks.iter().map(text_of).sum::<usize>() <= BLOCKS_TEXT_LIMIT,
        "{}",
        blocks.len()
    );
    assert!(blocks.iter().all(|block| text_of(block) <= 3000), "{blocks:#?}");
    let text = body.to_string();
    assert!(!text.contains("<!channel>") && text.contains("more"), "{text}");
    assert!(blocks.len() > 5, "{}", blocks.len());
}

#[test]
fn what_is_not_wrong_with_the_message_is_tried_again() {
    let call = Call { method: Method::Post, body: Value::Null, root: None };
    let said =
        |body: &str| heard(&Answer { status: 200, retry_after: None, body: body.as_bytes().to_vec() }, &call);
    assert_eq!(said(r#"{"ok":true,"channel":"C1","ts":"1.2"}"#), receipt("C1/1.2"));
    assert!(matches!(
        said(r#"{"ok":false,"error":"ratelimited"}"#),
        Outcome::Retry { arrival: Arrival::No, .. }
    ));
    assert!(matches!(
        said(r#"{"ok":false,"error":"internal_error"}"#),
        Outcome::Retry { arrival: Arrival::Perhaps, .. }
    ));
    for (error, expected) in [
        ("channel_not_found", "check `channel`"),
        ("not_in_channel", "invite the bot"),
        ("invalid_auth", "check `token`"),
        ("missing_scope", "scope chat:write"),
        ("something_new", "docs.slack.dev"),
    ] {
        let outcome = said(&format!(r#"{{"ok":false,"error":"{error}"}}"#));
        assert!(
            matches!(&outcome, Outcome::Refused { what_to_do, .. } if what_to_do.contains(expected)),
            "{error}: {outcome:?}"
        );
    }
    assert!(matches!(said("<html>"), Outcome::Refused { .. }));
}

#[test]
fn faults_are_told_all_together() {
    let mut list = Vec::new();
    let config: Config = toml::from_str("icon_emoji = 'robot'\napi = 'ftp://x'").unwrap();
    config.check(&mut Faults::new(&mut list));
    assert_eq!(list.len(), 4, "{list:?}");
}

#[tokio::test]
async fn the_token_goes_to_slack_and_nowhere_else() {
    let (at, mut asked) = recorder(vec![
        answer("429 Too Many Requests", "retry-after: 3\r\n", ""),
        answer("200 OK", "", r#"{"ok":true,"channel":"C1","ts":"1.2"}"#),
    ])
    .await;
    let slack = ready(&format!("api = 'http://{at}/api'"));
    assert!(!format!("{slack:?}").contains("xoxb"), "{slack:?}");
    let outside = Outside { http: Http::new().unwrap() };
    let many = message(
        Kind::Outage,
        vec![item("a", Kind::Outage, Level::Down), item("b", Kind::Outage, Level::Incident)],
    );
    let first = slack.say(&many, None, &outside).await;
    assert!(matches!(&first, Outcome::Retry { after: Some(wait), .. } if wait.as_secs() == 3), "{first:?}");
    assert_eq!(slack.say(&many, None, &outside).await, receipt("C1/1.2"));
    let (head, _) = asked.recv().await.unwrap();
    assert!(
        head.starts_with("post /api/chat.postmessage ") && head.contains("authorization: bearer xoxb-secret"),
        "{head}"
    );
}

/// A successor of a leader that died after its message was posted.
#[tokio::test]
async fn a_message_in_doubt_is_looked_up_by_its_key_and_what_it_answers_is_brought_up_to_date() {
    let recovery = recovery();
    let there = json!({ "ok": true, "messages": [
        { "ts": "7.7", "text": "somebody else's" },
        { "ts": "9.9", "thread_ts": "8.8", "metadata":
            { "event_type": "p7_message", "event_payload": { "key": recovery.key } } },
    ] });
    let (at, mut asked) = recorder(vec![
        answer("200 OK", "", &there.to_string()),
        answer("200 OK", "", r#"{"ok":true,"channel":"C12345678","ts":"8.8"}"#),
        answer("200 OK", "", r#"{"ok":true,"messages":[]}"#),
        answer("200 OK", "", r#"{"ok":false,"error":"missing_scope"}"#),
    ])
    .await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), "xoxb-secret").unwrap();
    let config: Config =
        toml::from_str(&format!("token = 'file:token'\nchannel = 'C12345678'\napi = 'http://{at}/api'"))
            .unwrap();
    let slack = config.prepare(&Node::at(dir.path())).unwrap();
    let outside = Outside { http: Http::new().unwrap() };
    let previous = previous();
    let found = Channel::look_up(&slack, &recovery, Some(&previous), &outside).await;
    assert_eq!(found.as_deref(), Some("C12345678/8.8"));
    let (head, _) = asked.recv().await.unwrap();
    assert!(
        head.starts_with("get /api/conversations.history?channel=c12345678&include_all_metadata=true"),
        "{head}"
    );
    let (head, _) = asked.recv().await.unwrap();
    assert!(head.starts_with("post /api/chat.update "), "{head}");
    for why in ["it is not there", "the app may not look"] {
        assert_eq!(Channel::look_up(&slack, &recovery, None, &outside).await, None, "{why}");
    }
    assert!(ready("").history.is_none(), "Slack looks nothing up by a channel's name");
}
