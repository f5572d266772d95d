//! A folder on a real Dovecot is watched: every way in, what arrives, what breaks.

use super::dovecot::{Dovecot, PASSWORD, PATIENCE, TOKEN, watch};
use crate::account::{Login, Security};
use crate::session::Looked;
use crate::tokens::Tokens;
use crate::trouble::Trouble;
use crate::watch::News;
use p7_settings::{Secret, SecretText};
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;

fn secret(text: &str) -> SecretText {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), text).unwrap();
    Secret::File("secret".into()).resolve(folder.path()).unwrap()
}

fn password() -> Login {
    Login::Password(secret(PASSWORD))
}

async fn next(news: &mut Receiver<News>) -> News {
    tokio::time::timeout(PATIENCE, news.recv()).await.expect("nothing is told").unwrap()
}

async fn looked(news: &mut Receiver<News>) -> Looked {
    match next(news).await {
        News::Looked(looked) => looked,
        News::Troubled(trouble) => panic!("{trouble}"),
    }
}

async fn troubled(news: &mut Receiver<News>) -> Trouble {
    match next(news).await {
        News::Looked(looked) => panic!("it was looked at: {looked:?}"),
        News::Troubled(trouble) => trouble,
    }
}

/// Waits for a look that finds new mails: their subjects.
async fn subjects(news: &mut Receiver<News>) -> Vec<String> {
    loop {
        let looked = looked(news).await;
        if !looked.new.is_empty() {
            return looked.new.iter().map(|(_, mail)| mail.subject().to_owned()).collect();
        }
    }
}

fn mail(subject: &str) -> Vec<u8> {
    format!("From: Ann <ann@p7.test>\r\nSubject: {subject}\r\n\r\nThe router burns. Please come.\r\n").into()
}

#[tokio::test]
async fn old_mails_are_counted_and_new_ones_are_told_and_nothing_is_marked_read() {
    for security in [Security::Tls, Security::Starttls] {
        let server = Dovecot::start();
        server.deliver("INBOX", &mail("old"));
        let account = server.account(security, password());
        let mut news = watch(&account, "INBOX", None);
        let first = looked(&mut news).await;
        assert_eq!((first.unread, first.new.len(), first.end.uid), (1, 0, 1), "{security:?}");
        server.deliver("INBOX", &mail("new"));
        assert_eq!(subjects(&mut news).await, ["new"]);
        drop(news);
        let names = server.names("INBOX");
        assert!(names.len() == 2 && names.iter().all(|name| !name.ends_with('S')), "{names:?}");
    }
}

#[tokio::test]
async fn what_is_read_by_a_person_is_no_longer_unread() {
    let server = Dovecot::start();
    server.deliver("Alerts", &mail("[FIRING] shop"));
    let mut news = watch(&server.account(Security::Tls, password()), "Alerts", None);
    assert_eq!(looked(&mut news).await.unread, 1);
    server.read_all("Alerts");
    while looked(&mut news).await.unread != 0 {}
}

#[tokio::test]
async fn a_wrong_password_says_so_and_is_not_repeated() {
    let server = Dovecot::start();
    let login = Login::Password(secret("wrong-passw0rd"));
    let mut news = watch(&server.account(Security::Tls, login), "INBOX", None);
    let trouble = troubled(&mut news).await;
    assert!(matches!(trouble, Trouble::Login { .. }) && trouble.is_lasting(), "{trouble}");
    assert!(!trouble.to_string().contains("wrong-passw0rd"), "{trouble}");
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_not_spoken_to() {
    let server = Dovecot::start();
    let mut account = (*server.account(Security::Tls, password())).clone();
    account.tls = crate::account::trusting(None).unwrap();
    let trouble = troubled(&mut watch(&Arc::new(account), "INBOX", None)).await;
    assert!(matches!(trouble, Trouble::Untrusted { .. }), "{trouble}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let server = Dovecot::start();
    let account = server.account(Security::Tls, password());
    let trouble = troubled(&mut watch(&account, "Nowhere", None)).await;
    assert!(
        matches!(&trouble, Trouble::Refused { command, .. } if command == "EXAMINE Nowhere"),
        "{trouble}"
    );
}

/// A token endpoint that answers each request with the next of these tokens, the last for ever.
fn token_endpoint(tokens: &'static [&'static str]) -> url::Url {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut some = [0; 4096];
            assert!(stream.read(&mut some).unwrap() > 0);
            let token = tokens[number.min(tokens.len() - 1)];
            let body =
                format!("{{\"access_token\":\"{token}\",\"expires_in\":3600,\"token_type\":\"Bearer\"}}");
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            drop(stream.write_all(format!("{head}{body}").as_bytes()));
        }
    });
    url::Url::parse(&format!("http://127.0.0.1:{port}/token")).unwrap()
}

fn by_token(tokens: &'static [&'static str]) -> Login {
    drop(rustls::crypto::ring::default_provider().install_default());
    let (url, id) = (token_endpoint(tokens), "p7".to_owned());
    let tokens = Tokens::new(url, id, Some(secret("client-s3cret")), String::new());
    Login::Token(Arc::new(tokens.unwrap()))
}

#[tokio::test]
async fn a_token_opens_the_mailbox_and_a_refused_one_is_replaced() {
    let server = Dovecot::start();
    server.deliver("INBOX", &mail("one"));
    let account = server.account(Security::Tls, by_token(&["tok-of-yesterday", TOKEN]));
    let trouble = troubled(&mut watch(&account, "INBOX", None)).await;
    assert!(matches!(trouble, Trouble::Login { .. }), "{trouble}");
    assert_eq!(looked(&mut watch(&account, "INBOX", None)).await.unread, 1);
}

#[tokio::test]
async fn a_killed_server_is_come_back_to_and_what_arrived_meanwhile_is_told_once() {
    let mut server = Dovecot::start();
    let mut news = watch(&server.account(Security::Tls, password()), "INBOX", None);
    looked(&mut news).await;
    server.kill();
    let trouble = troubled(&mut news).await;
    assert!(!trouble.is_lasting(), "{trouble}");
    server.deliver("INBOX", &mail("meanwhile"));
    server.run();
    let told = loop {
        match next(&mut news).await {
            News::Looked(looked) if looked.new.is_empty() => {}
            News::Looked(looked) => break looked,
            News::Troubled(_) => {}
        }
    };
    assert_eq!(told.new.len(), 1);
    server.deliver("INBOX", &mail("afterwards"));
    assert_eq!(subjects(&mut news).await, ["afterwards"]);
}

#[tokio::test]
async fn without_idle_the_folder_is_looked_at_now_and_then() {
    let mut server = Dovecot::start();
    server.kill();
    server.configure("imap_capability = IMAP4rev1 UIDPLUS");
    server.run();
    let mut news = watch(&server.account(Security::Tls, password()), "INBOX", None);
    looked(&mut news).await;
    server.deliver("INBOX", &mail("polled"));
    assert_eq!(subjects(&mut news).await, ["polled"]);
}

#[tokio::test]
async fn ugly_mails_are_read_as_far_as_they_can_be() {
    let server = Dovecot::start();
    let mut news = watch(&server.account(Security::Tls, password()), "INBOX", None);
    looked(&mut news).await;
    let mut big = mail("big");
    big.resize(12 * 1024 * 1024, b'x');
    server.deliver("INBOX", &big);
    let bomb = format!("{}Subject: bomb\r\n\r\nx", "X-Junk: 0123456789\r\n".repeat(20_000));
    server.deliver("INBOX", bomb.as_bytes());
    server.deliver("INBOX", b"\xff\xfe\x00\r\n\r\n\xc3\x28");
    server.deliver("INBOX", b"");
    let mut found = Vec::new();
    let end = tokio::time::Instant::now() + PATIENCE;
    while found.len() < 4 {
        let more = tokio::time::timeout_at(end, subjects(&mut news)).await;
        found.extend(more.unwrap_or_else(|_| panic!("only {found:?}")));
    }
    found.sort();
    assert_eq!(found, ["", "", "big", "bomb"]);
}

/// Prints how long it takes from delivery until a mail is told: `cargo test -p p7-mailbox -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "measures; run by hand"]
async fn measure_delivery_until_told() {
    let server = Dovecot::start();
    let mut news = watch(&server.account(Security::Tls, password()), "INBOX", None);
    looked(&mut news).await;
    let mut spans = Vec::new();
    for number in 0..20 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let began = std::time::Instant::now();
        server.deliver("INBOX", &mail(&format!("number {number}")));
        subjects(&mut news).await;
        spans.push(began.elapsed());
    }
    spans.sort();
    println!("median {:?}, worst {:?}", spans[spans.len() / 2], spans[spans.len() - 1]);
}
