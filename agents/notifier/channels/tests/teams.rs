//! What a Teams workflow is sent.

use super::*;
use crate::samples::{outage, recovery, storm};

fn ready(url: &str) -> Result<Ready, Unready> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("url"), url).unwrap();
    let config: Config = toml::from_str("url = 'file:url'").unwrap();
    config.prepare(&Node::at(dir.path()))
}

#[test]
fn an_outage_is_an_adaptive_card() {
    insta::assert_snapshot!(format!("{:#}", card(&outage())));
}

#[test]
fn a_recovery_is_green() {
    let card = card(&recovery());
    assert_eq!(
        (card["body"][0]["color"].as_str(), card["body"][1]["style"].as_str()),
        (Some("Good"), Some("good"))
    );
}

#[test]
fn a_storm_is_at_most_two_cards_within_the_limit_and_counts_the_rest() {
    for padding in [0, 300, 100_000] {
        let mut storm = storm();
        for item in &mut storm.items {
            item.failing = Vec::new();
            item.passing = Vec::new();
            item.reason = Some("ü*".repeat(padding).into());
        }
        let requests = ready("https://example.org/hook").unwrap().render(&storm, None);
        assert_eq!(requests.len(), CARDS_LIMIT);
        assert!(requests.iter().all(|request| request.body.len() <= CARD_LIMIT));
        let texts: Vec<String> =
            requests.iter().map(|one| String::from_utf8(one.body.clone()).unwrap()).collect();
        let shown: usize = texts.iter().map(|text| text.matches("\"Container\"").count()).sum();
        assert!(
            texts[0].contains("More follows.") && texts[1].contains(&format!("and {} more", 500 - shown)),
            "{texts:?}"
        );
        assert!(shown > 2);
    }
}

#[test]
fn what_services_say_is_no_markdown() {
    assert_eq!(plain("*a* [x](http://h) <b>\n#1"), "\\*a\\* \\[x\\](http://h) &lt;b> \\#1");
}

#[test]
fn a_retired_connector_is_refused_with_what_to_do_instead() {
    let why = ready("https://contoso.webhook.office.com/webhookb2/secret").unwrap_err().to_string();
    assert!(why.contains("workflow") && !why.contains("webhookb2"), "{why}");
}
