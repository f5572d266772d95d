//! What a mail says, out of its first bytes. The library decodes; nothing here runs or follows anything.

use mail_parser::{Address, MessageParser};
use p7_core::mail::Mail;

/// How much of a mail is fetched, in bytes: its headers and the beginning of its first text.
pub(crate) const FETCH_LIMIT: u32 = 64 * 1024;
/// How much of its sender's and subject's headers alone, in bytes.
pub(crate) const HEADER_LIMIT: u32 = 4 * 1024;

/// Reads a mail of which only the beginning is there. What can't be decoded is left empty.
///
/// `head` holds the headers From and Subject alone, so that no flood of other headers hides them.
pub(crate) fn mail(head: &[u8], body: &[u8]) -> Mail {
    let bounded = |bytes: &[u8], limit: u32| {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        bytes.get(..bytes.len().min(limit)).unwrap_or_default().to_vec()
    };
    let (head, body) = (bounded(head, HEADER_LIMIT), bounded(body, FETCH_LIMIT));
    let parser = MessageParser::default();
    let headers = parser.parse_headers(head.as_slice());
    let whole = parser.parse(body.as_slice());
    let one = headers.as_ref().filter(|message| message.subject().is_some() || message.from().is_some());
    let named = one.or(whole.as_ref());
    let sender = named.and_then(|message| message.from()).map(sender).unwrap_or_default();
    let subject = named.and_then(|message| message.subject()).unwrap_or_default();
    let text = whole.as_ref().and_then(|message| message.body_text(0)).unwrap_or_default();
    Mail::new(&sender, subject, &text)
}

/// The first sender: the name where there is one, and the address.
fn sender(from: &Address<'_>) -> String {
    let Some(first) = from.first() else { return String::new() };
    match (first.name(), first.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => String::new(),
    }
}
