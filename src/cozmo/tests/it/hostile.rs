//! Datagrams nobody would send in good faith: no panic, no growth, no link kept alive for nothing.

use p7_cozmo::frame::{Frame, Id, Kind, encode};
use p7_cozmo::report::Report;
use p7_cozmo::session::Session;
use p7_cozmo::voice::{pcm, speakable};
use proptest::prelude::*;
use std::time::Duration;

fn framed() -> impl Strategy<Value = Vec<u8>> {
    let part = (0..13_u8, prop::collection::vec(any::<u8>(), 0..40), any::<u8>(), any::<bool>());
    let parts = prop::collection::vec(part, 0..30);
    (0..13_u8, 0..12_u16, any::<u16>(), 0..12_u16, parts).prop_map(|(kind, first, last, ack, parts)| {
        let mut body = Vec::new();
        for (kind, mut payload, tag, right) in parts {
            payload.insert(0, [0xEE, 0xED, 0xF0, 0xF1, 0xD1, 0xC4, 0xC2, tag][usize::from(tag) % 8]);
            body.push(kind);
            let length = if right { u16::try_from(payload.len()).unwrap() } else { u16::from(tag) << 4 };
            body.extend(length.to_le_bytes());
            body.extend(payload);
        }
        let mut datagram = encode(Kind::MixedContainer, None, Id::from_wire(ack), &body);
        datagram[7] = kind;
        datagram[8..10].copy_from_slice(&first.to_le_bytes());
        datagram[10..12].copy_from_slice(&last.to_le_bytes());
        datagram
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..1200)) {
        if let Ok(frame) = Frame::decode(&bytes) {
            prop_assert!(frame.parts().count() <= bytes.len());
        }
        prop_assert!(!bytes.is_empty() || Report::decode(&bytes).is_none());
        prop_assert!(pcm(&bytes).is_none_or(|samples| samples.len() * 2 <= bytes.len()));
        prop_assert!(speakable(&String::from_utf8_lossy(&bytes)).chars().count() <= 300);
    }

    #[test]
    fn a_session_that_is_lied_to_stays_bounded(
        datagrams in prop::collection::vec((framed(), 0..200_u64), 1..120),
    ) {
        let mut now = Duration::ZERO;
        let mut session = Session::open(1, now);
        for (datagram, pause_ms) in datagrams {
            now += Duration::from_millis(pause_ms);
            session.receive(&datagram, now);
            session.tick(now);
            let sent = std::iter::from_fn(|| session.datagram()).map(|sent| prop_ok(&sent)).count();
            prop_assert!(sent <= 64, "{} datagrams for one", sent);
            prop_assert!(std::iter::from_fn(|| session.event()).count() <= 8);
            prop_assert!(session.pending() <= 256);
        }
        // silence ends it, whatever was said before
        for _ in 0..200 {
            now += Duration::from_millis(100);
            session.tick(now);
            while session.datagram().is_some() {}
        }
        prop_assert_eq!(session.deadline(), None);
    }
}

/// What is sent is a frame itself.
fn prop_ok(datagram: &[u8]) {
    Frame::decode(datagram).unwrap();
}
