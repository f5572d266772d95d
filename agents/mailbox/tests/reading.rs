//! Mails of every kind are decoded, or left empty: never more than a bounded line comes of them.

use crate::read::mail;
use proptest::prelude::*;
use std::fmt::Write as _;

#[test]
fn encoded_words_charsets_parts_and_html_are_read() {
    let head = b"From: =?utf-8?q?J=C3=B6rg?= <j@p7.test>\r\nSubject: =?iso-8859-1?Q?B=FCro?= brennt\r\n\r\n";
    let body = [
        &head[..head.len() - 2],
        b"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\
          Content-Type: text/plain; charset=windows-1252\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
          Gr=FC=DFe=2C bitte kommen\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>nein</b>\r\n--b--\r\n",
    ]
    .concat();
    let read = mail(head, &body);
    assert_eq!((read.sender(), read.subject()), ("J\u{f6}rg <j@p7.test>", "B\u{fc}ro brennt"));
    assert_eq!(read.text().trim(), "Gr\u{fc}\u{df}e, bitte kommen");
    let html = b"From: a@p7.test\r\nSubject: h\r\nContent-Type: text/html\r\n\r\n\
        <style>p{}</style><script>alert(1)</script><p>The <b>shop</b> is &lt;down&gt;</p>";
    let read = mail(b"", html);
    assert!(read.text().contains("shop is <down>") && !read.text().contains("alert"), "{}", read.text());
}

#[test]
fn hostile_mails_are_bounded() {
    let mut parts = String::from("Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
    for number in 0..10_000 {
        write!(parts, "--b\r\nContent-Type: text/plain\r\n\r\npart {number}\r\n").unwrap();
    }
    assert_eq!(mail(b"", parts.as_bytes()).text().trim(), "part 0");
    let mut nested = String::from("Subject: deep\r\n");
    for depth in 0..2_000 {
        write!(nested, "Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n").unwrap();
    }
    assert_eq!(mail(b"", nested.as_bytes()).subject(), "deep");
    let mut forwarded = String::from("Subject: forwarded\r\n");
    for _ in 0..3_000 {
        forwarded.push_str("Content-Type: message/rfc822\r\n\r\n");
    }
    assert_eq!(mail(b"", forwarded.as_bytes()).subject(), "forwarded");
    let charset =
        b"Subject: =?no-such?B?/////w==?=\r\nContent-Type: text/plain; charset=no-such\r\n\r\nhello \xff";
    assert!(mail(b"", charset).text().contains("hello"));
    let tags = format!("Subject: tags\r\nContent-Type: text/html\r\n\r\n{}", "<div>".repeat(13_000));
    assert_eq!(mail(b"", tags.as_bytes()).subject(), "tags");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_make_the_reading_panic(
        head in proptest::collection::vec(any::<u8>(), 0..300),
        body in proptest::collection::vec(any::<u8>(), 0..2000),
    ) {
        let read = mail(&head, &body);
        prop_assert!(read.text().len() <= p7_core::mail::TEXT_LIMIT);
    }

    #[test]
    fn no_pieces_of_mime_make_the_reading_panic(pieces in proptest::collection::vec(prop_oneof![
        Just("Content-Type: multipart/mixed; boundary=b\r\n"), Just("\r\n"), Just("--b"), Just("--b--\r\n"),
        Just("Content-Transfer-Encoding: base64\r\n"), Just("Subject: =?utf-8?B?"), Just("?=\r\n"),
        Just("Content-Type: message/rfc822\r\n"), Just("From: <"), Just("<p>"), Just("&#x"), Just("=FF=\r\n"),
        Just("Content-Type: text/html; charset=utf-7\r\n"), Just("\u{202e}"), Just("begin 644 x\r\n"),
    ], 0..60)) {
        let text = pieces.concat();
        let read = mail(text.as_bytes(), text.as_bytes());
        prop_assert!(read.subject().len() <= p7_core::mail::SUBJECT_LIMIT);
    }
}
