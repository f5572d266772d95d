//! What a mail looks like.

use super::*;
use crate::samples::{outage, previous, recovery, storm};

fn ready() -> Ready {
    let config = "server = 'localhost'\nprotection = 'none'\nfrom = 'Protocol/7 <p7@example.org>'\nto = ['ops@example.org', 'Ada <ada@example.org>']";
    let config: Config = toml::from_str(config).unwrap();
    let mut list = Vec::new();
    config.check(&mut Faults::new(&mut list));
    assert!(list.is_empty(), "{list:?}");
    config.prepare(&Node::at(std::path::Path::new("."))).unwrap()
}

fn written(message: &Message, previous: Option<&Previous>) -> String {
    let mail = ready().render(message, previous).remove(0).unwrap();
    String::from_utf8(mail.0.formatted()).unwrap().replace("\r\n", "\n")
}

#[test]
fn an_outage_is_a_mail_of_text_and_html() {
    insta::assert_snapshot!(written(&outage(), None));
}

#[test]
fn a_recovery_answers_the_first_mail() {
    let mut before = previous();
    before.receipt = "<first@example.org>".into();
    let mail = written(&recovery(), Some(&before));
    assert!(
        mail.contains("In-Reply-To: <first@example.org>") && mail.contains("References: <first@example.org>"),
        "{mail}"
    );
    let (_, receipt) = ready().render(&recovery(), Some(&before)).remove(0).unwrap();
    assert_eq!(&*receipt, "<first@example.org>");
}

#[test]
fn a_storm_is_one_mail_of_bounded_size() {
    let mut storm = storm();
    storm.items.iter_mut().for_each(|item| item.failing = Vec::new());
    storm.title = "a\r\nBcc: all@example.org ".repeat(50);
    let mail = written(&storm, None);
    assert!(mail.len() < 300_000, "{}", mail.len());
    let (head, _) = mail.split_once("\n\n").unwrap();
    assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
}

#[test]
fn faults_are_told_all_together() {
    let mut list = Vec::new();
    let config: Config = toml::from_str(
        "server = 'mail.example.org'\nprotection = 'none'\nfrom = 'x'\nusername = 'u'\nto = ['y']",
    )
    .unwrap();
    config.check(&mut Faults::new(&mut list));
    assert_eq!(list.len(), 4, "{list:?}");
}
