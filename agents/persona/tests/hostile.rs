//! Whatever people write, and whatever services are called: nothing panics, nothing grows, nobody is called.

use super::samples::{NOW, picture, service, status};
use crate::slack::envelope::{Frame, read};
use crate::talk::{Talk, Then};
use crate::text::{ANSWER_LIMIT, plain};
use crate::words::Words;
use p7_core::vocabulary::Level;
use proptest::prelude::*;
use serde_json::Value;

/// Words that lead deep into the rules, and signs that mean something to Slack.
fn hostile() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[\\PC]{0,12}",
        "[0-9]{1,12}[smhdw]?",
        "[0-9]{1,2}:[0-9]{1,2}(am|pm)?",
        Just("<!channel>".to_owned()),
        Just("<@U123>".to_owned()),
        Just("&lt;!here&gt;".to_owned()),
        Just("```".to_owned()),
        prop::sample::select(vec![
            "status",
            "why",
            "ack",
            "silence",
            "maintenance",
            "say",
            "probe",
            "for",
            "until",
            "tomorrow",
            "next",
            "last",
            "friday",
            "ago",
            "shop",
            "production",
            "everything",
            "because",
            "yes",
            "bilbo",
            "https://a/",
            "{{ secrets }}",
            "$(reboot)",
            "../../etc/passwd",
            "\u{202e}",
            "\0",
            "<",
            ">",
            "|",
            "<https://a|",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
}

/// Calls, links and mentions in a text for Slack; our own links lead to the dashboard and to runbooks.
fn calls(text: &str) -> Vec<String> {
    let inside = text.split('<').skip(1).map(|part| part.split('>').next().unwrap_or_default().to_owned());
    inside
        .filter(|inside| {
            !inside.starts_with("https://p7.example.org/") && !inside.starts_with("https://wiki.")
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_a_conversation(said in prop::collection::vec(hostile(), 1..4)) {
        let (mut talk, picture, words) = (Talk::default(), picture(), Words::own());
        for said in said {
            let turn = talk.hear("a", plain(&said).as_deref(), &picture, &words, NOW);
            match turn.then {
                Then::Say(text) => {
                    prop_assert!(text.len() <= ANSWER_LIMIT, "{} bytes", text.len());
                    prop_assert!(calls(&text).is_empty(), "{said:?} is answered {text:?}");
                }
                Then::Do(wish) => {
                    let long = format!("{wish:?}").len();
                    prop_assert!(long < 4_000, "{} bytes", long);
                },
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_service_calls_anybody_by_its_name_or_reason(name in "\\PC{0,200}", reason in "\\PC{0,2000}") {
        let mut picture = picture();
        let all: Vec<_> = (0..60).map(|n| service(&format!("s{n}"), &name, &name)).collect();
        picture.configured(&all);
        for n in 0..60 {
            picture.heard(&status(&format!("s{n}"), Level::Down, 5, &reason));
        }
        let mut talk = Talk::default();
        for said in ["status", "status s1", "why s1", "incidents", "status s"] {
            let turn = talk.hear("a", Some(said), &picture, &Words::own(), NOW);
            let Then::Say(text) = turn.then else { panic!("{said} is no question") };
            prop_assert!(text.len() <= ANSWER_LIMIT, "{} bytes", text.len());
            prop_assert!(calls(&text).is_empty(), "{text:?}");
        }
    }
}

/// Any JSON, with the keys that are looked for.
fn envelopes() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        prop::sample::select(vec![
            "events_api",
            "interactive",
            "block_actions",
            "app_mention",
            "message",
            "im",
            "T1"
        ])
        .prop_map(Value::from),
        "x{190,5000}".prop_map(Value::from),
    ];
    let keys = vec![
        "type",
        "envelope_id",
        "payload",
        "event",
        "user",
        "channel",
        "ts",
        "text",
        "team_id",
        "team",
        "actions",
        "id",
        "value",
        "action_id",
        "channel_type",
        "message",
        "response_url",
        "user_id",
        "channel_id",
        "reason",
    ];
    leaf.prop_recursive(5, 200, 12, move |inner| {
        let key = prop::sample::select(keys.clone()).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..12)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_socket_says_is_read_within_bounds(mut json in envelopes(), kind in 0..4_usize) {
        if let Some(object) = json.as_object_mut() {
            let kinds = ["events_api", "slash_commands", "interactive", "disconnect"];
            object.insert("type".to_owned(), kinds[kind].into());
            object.insert("envelope_id".to_owned(), "e".into());
        }
        let text = json.to_string();
        if let Frame::Envelope { heard: Some(heard), .. } = read(&text) {
            let long = format!("{heard:?}").len();
            prop_assert!(long < 20_000, "{} bytes", long);
        }
        let half: String = text.chars().take(text.chars().count() / 2).collect();
        prop_assert!(!matches!(read(&half), Frame::Hello));
    }
}

#[test]
fn a_flood_in_one_message_is_not_read() {
    assert_eq!(plain(&"status ".repeat(1_000)), None);
    assert_eq!(plain(&"<".repeat(2_000)), None);
    assert_eq!(
        plain("a <https://x.org|x> <mailto:b@c|b@c> <#C1|ops> d &amp;lt;").unwrap(),
        "a https://x.org b@c ops d &lt;"
    );
}
