//! The rules of mail: tables, and properties for mails of any kind.

use super::*;
use proptest::prelude::*;

fn rules(share: Share) -> Rules {
    let backup = SubjectRule {
        name: "backup".to_owned(),
        pattern: Pattern::new("backup*failed").unwrap(),
        message: Some("the night's backup failed".to_owned()),
        level: Level::Incident,
        service: Some(ServiceId::new("backup").unwrap()),
    };
    let order = SubjectRule {
        name: "order".to_owned(),
        pattern: Pattern::new("new order").unwrap(),
        message: None,
        level: Level::Healthy,
        service: None,
    };
    let alerts = FolderRule {
        service: Some(ServiceId::new("alerts").unwrap()),
        matching: Some(Pattern::new("[FIRING").unwrap()),
        watch: Watching::Nothing,
    };
    Rules {
        subjects: vec![backup, order],
        urgent: DEFAULT_URGENT.iter().map(|word| (*word).to_owned()).collect(),
        folders: [("INBOX".to_owned(), FolderRule::default()), ("Alerts".to_owned(), alerts)].into(),
        share,
    }
}

fn mail(subject: &str, text: &str) -> Mail {
    Mail::new("Ann <ann@example.org>", subject, text)
}

fn said(share: Share, subject: &str, text: &str) -> Vec<String> {
    rules(share).look("INBOX", &mail(subject, text)).into_iter().map(|found| found.says).collect()
}

#[test]
fn words_are_found_whole_and_in_any_case() {
    let words: Vec<String> = ["down", "à bientôt", "p1", "out of office"].map(str::to_owned).into();
    for (text, expected) in [
        ("The shop is DOWN!", Some("down")),
        ("download of the breakdown", None),
        ("it's down-time", Some("down")),
        ("À BIENTÔT les amis", Some("à bientôt")),
        ("P1: router", Some("p1")),
        ("p10 p1x", None),
        ("Out  of\noffice", Some("out of office")),
        ("out office of", None),
        ("", None),
    ] {
        assert_eq!(found_word(text, &words), expected, "{text}");
    }
    assert_eq!(found_word("anything", &["---".to_owned()]), None, "a word without letters is in nothing");
}

#[test]
fn a_pattern_is_found_in_any_case_and_its_pieces_in_order() {
    for (pattern, subject, expected) in [
        ("backup*failed", "[cron] Backup of db1 FAILED", true),
        ("backup*failed", "failed to find the backup", false),
        ("Über", "ÜBERSICHT", true),
        ("*.internal", "host.internal", true),
    ] {
        assert_eq!(Pattern::new(pattern).unwrap().is_in(subject), expected, "{pattern} in {subject}");
    }
    for bad in ["", "*", " * ", &"a*".repeat(20), &"a".repeat(300)] {
        assert!(Pattern::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_is_said_of_a_mail_is_no_more_than_may_be_shared() {
    let (subject, text) = ("Re: URGENT: router", "Hello team,\n\nThe router burns. Please come.");
    assert_eq!(said(Share::Count, subject, text), ["urgent (\"urgent\"): a mail in INBOX"]);
    let who = "urgent (\"urgent\"): Ann <ann@example.org>: URGENT: router";
    assert_eq!(said(Share::Subject, subject, text), [who]);
    assert_eq!(said(Share::Line, subject, text), [format!("{who} — The router burns.")]);
    assert_eq!(said(Share::Line, "Lunch", "Soup or salad?"), [""; 0]);
    assert_eq!(said(Share::Count, "Backup of db1 failed", "x"), ["the night's backup failed"]);
    assert_eq!(said(Share::Count, "New order 17", "x"), ["order: a mail in INBOX"]);
}

#[test]
fn a_word_in_the_text_says_where_it_was_found() {
    let found = rules(Share::Count).look("INBOX", &mail("Hello", "The site is down since noon"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].why, Why::Urgent("down".to_owned(), Place::Text));
    let late = format!("{} urgent", "x ".repeat(TEXT_LIMIT));
    assert_eq!(rules(Share::Count).look("INBOX", &mail("Hello", &late)), []);
}

#[test]
fn a_folder_is_looked_at_as_its_rule_says() {
    let rules = rules(Share::Subject);
    assert_eq!(rules.look("Alerts", &mail("urgent", "")), []);
    assert_eq!(rules.look("Unknown", &mail("urgent", "")), []);
    let firing = [mail("[FIRING:1] DiskFull", ""), mail("newsletter", ""), mail("[firing:2] CpuHot", "")];
    let (service, outcome, reason) = rules.folder_says("Alerts", &firing).unwrap();
    assert_eq!((service.as_str(), outcome), ("alerts", Outcome::Failed));
    let expected = "unread: Ann <ann@example.org>: [firing:2] CpuHot (and 1 more)";
    assert_eq!(reason.as_deref(), Some(expected));
    let (_, outcome, reason) = rules.folder_says("Alerts", &firing[1..2]).unwrap();
    assert_eq!((outcome, reason), (Outcome::Up, None), "read or moved means recovered");
    assert_eq!(rules.folder_says("INBOX", &firing), None);
}

#[test]
fn mails_of_common_tools_become_one_line() {
    for (from, subject, text, expected) in [
        ("Grafana", "[FIRING:1] CPU", "**Firing**\n\nValue: 97", "Grafana: [FIRING:1] CPU — **Firing**"),
        ("cron@db1", "AW: WG: Re: Cron <root@db1>", "", "cron@db1: Cron <root@db1>"),
        (
            "Bo",
            "[EXTERNAL] Fwd: hi",
            "Hi all,\n> quoted\n----\nv1.2 is out! Read on.",
            "Bo: hi — v1.2 is out!",
        ),
        ("", "", "\u{202e}evil\u{0007}\r\n", "somebody: (no subject) — evil"),
        ("A\r\nBcc: x", "a\nb\tc", "", "A Bcc: x: a b c"),
    ] {
        assert_eq!(one_line(&Mail::new(from, subject, text)), expected);
    }
}

#[test]
fn a_position_only_moves_on_whatever_the_order_of_news() {
    let at = |validity, uid| Position { validity, uid };
    assert!(at(1, 5).is_new(1, 6) && !at(1, 5).is_new(1, 5) && !at(1, 5).is_new(1, 4));
    // the server numbered its mails anew: all of them are new
    assert!(at(1, 500).is_new(2, 1) && !at(2, 1).is_new(1, 900));
    assert_eq!(at(1, 5).merged(at(1, 7)), at(1, 7));
    assert_eq!(at(2, 1).merged(at(1, 7)), at(2, 1));
}

#[test]
fn the_change_of_unread_mails_is_since_the_last_look() {
    let first = Unread { count: 3, before: None };
    assert_eq!((first.change(), first.now(5).change(), first.now(5).now(1).change()), (0, 2, -4));
}

proptest! {
    #[test]
    fn no_mail_makes_the_rules_panic_or_say_more_than_a_line(
        from in ".{0,400}", subject in ".{0,1200}", text in "(?s).{0,5000}",
    ) {
        let rules = rules(Share::Line);
        let mail = Mail::new(&from, &subject, &text);
        let line = one_line(&mail);
        let said = rules.look("INBOX", &mail).into_iter().map(|found| found.says);
        let alerts = rules.folder_says("Alerts", std::slice::from_ref(&mail)).and_then(|(_, _, reason)| reason);
        for line in said.chain(alerts).chain([line]) {
            prop_assert!(line.len() <= LINE_LIMIT, "{line}");
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }

    #[test]
    fn nothing_of_a_mail_leaves_the_node_where_only_counts_are_shared(
        from in "[a-z]{12}@x", subject in "[A-Z]{12}", text in "[a-z]{12}",
    ) {
        let mail = Mail::new(&from, &format!("new order urgent {subject}"), &text);
        for found in rules(Share::Count).look("INBOX", &mail) {
            prop_assert!(!found.says.contains(&subject) && !found.says.contains(&from), "{}", found.says);
            prop_assert!(!found.says.contains(&text));
        }
    }

    #[test]
    fn merging_positions_is_the_same_in_any_order(a in any::<(u32, u32)>(), b in any::<(u32, u32)>(), c in any::<(u32, u32)>()) {
        let [a, b, c] = [a, b, c].map(|(validity, uid)| Position { validity, uid });
        prop_assert_eq!(a.merged(b), b.merged(a));
        prop_assert_eq!(a.merged(b).merged(c), a.merged(b.merged(c)));
        prop_assert_eq!(a.merged(a), a);
    }
}
