//! Whatever the facts are they come back; whatever arrives does no harm.

use crate::samples::{batch, beat, have, keypair, mesh, node, results, statements, suspicion};
use p7_core::mesh::words::{Batch, Chapter, Fact};
use p7_core::result::{Phases, ProbeResult};
use p7_core::vocabulary::{Cycle, MeshTime, Micros, Outcome, ServiceId};
use p7_mesh::frames::{
    Command, Gossip, answer_catch_up, ask_catch_up, ask_command, open_answer, open_gossip, open_question,
    seal_batch, seal_beat, seal_suspicion,
};
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

fn result() -> impl Strategy<Value = ProbeResult> {
    let service = "[a-z0-9][a-z0-9_-]{0,63}".prop_map(|id| ServiceId::new(&id).unwrap());
    let times = (any::<u64>(), any::<u64>(), proptest::option::of(any::<u64>()));
    let spans = (any::<u32>(), any::<[u16; 5]>(), any::<bool>());
    let rest = (
        0..Outcome::ALL.len(),
        any::<u8>(),
        proptest::option::of("[^\\p{C}]{0,70}"),
        proptest::option::of(any::<u16>()),
    );
    (service, times, spans, rest).prop_map(|(service, times, spans, rest)| {
        let [resolve, connect, tls, processing, transfer] =
            spans.1.map(|span| Micros(if spans.2 { u32::from(span) } else { 0 }));
        ProbeResult {
            service,
            cycle: Cycle::starting(MeshTime(times.0)),
            node: node(1),
            at: MeshTime(times.1),
            outcome: Outcome::ALL[rest.0],
            latency: Micros(spans.0),
            phases: Phases { resolve, connect, tls, processing, transfer },
            attempts: rest.1,
            reason: rest.2.map(|text| text.as_str().into()),
            status_code: rest.3,
            certificate_expiry: times.2.map(MeshTime),
        }
    })
}

fn sealed(batch: &Batch) -> Vec<u8> {
    seal_batch(batch, &keypair(1), &mesh(), 2).unwrap()
}

/// One good frame of every kind.
fn good() -> Vec<Vec<u8>> {
    static GOOD: LazyLock<Vec<Vec<u8>>> = LazyLock::new(make_good);
    GOOD.clone()
}

fn make_good() -> Vec<Vec<u8>> {
    let (keypair, mesh) = (keypair(1), mesh());
    let results: Arc<[u8]> = sealed(&results()).into();
    vec![
        results.to_vec(),
        sealed(&statements()),
        seal_beat(&beat(), &keypair, &mesh, 1).unwrap(),
        seal_beat(&beat(), &keypair, &mesh, 2).unwrap(),
        seal_suspicion(&suspicion(), &keypair, &mesh, 2).unwrap(),
        ask_catch_up(&have(), 2).unwrap(),
        answer_catch_up(&[results.clone(), results], &have(), 2).unwrap().0,
        ask_command(&Command { name: "say".to_owned(), text: "{}".to_owned() }, 1).unwrap(),
    ]
}

/// Opens a frame as everything it could be.
fn open(frame: &[u8]) {
    let mesh = mesh();
    let opened =
        [open_gossip(frame, &mesh).is_ok(), open_question(frame).is_ok(), open_answer(frame, &mesh).is_ok()];
    assert!(opened.iter().filter(|is| **is).count() <= 1, "a frame is of one kind: {opened:?}");
}

/// Signatures are slow where nothing is optimized: as many cases as take a few seconds then.
const CASES: u32 = 100;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn results_come_back_as_they_were(tested in proptest::collection::vec(result(), 0..30)) {
        let facts: Vec<Fact> = tested.into_iter().map(|result| Fact::Result(Arc::new(result))).collect();
        let batch = batch(Chapter::Results, facts);
        let Ok(Gossip::Batch(opened)) = open_gossip(&sealed(&batch), &mesh()) else { panic!("no batch") };
        prop_assert_eq!(opened.batch.facts, batch.facts);
        prop_assert_eq!(opened.skipped, 0);
    }

    #[test]
    fn a_flipped_bit_never_passes(which in 0..5usize, place in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut frame = good().swap_remove(which);
        let place = place.index(frame.len());
        frame[place] ^= 1 << bit;
        prop_assert!(open_gossip(&frame, &mesh()).is_err(), "byte {place}, bit {bit}");
    }

    #[test]
    fn any_bytes_do_no_harm(frame in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        open(&frame);
        for kind in [1, 2, 3, 16, 17, 18, 19] {
            open(&[&[0x50, 2, kind], frame.as_slice()].concat());
        }
    }

    #[test]
    fn a_broken_frame_does_no_harm(
        which in 0..8usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        tail in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut frame = good().swap_remove(which);
        for (place, byte) in changes {
            let place = place.index(frame.len());
            frame[place] = byte;
        }
        open(&frame);
        frame.truncate(cut.index(frame.len() + 1));
        frame.extend(tail);
        open(&frame);
    }

    /// A hostile author's signature is good, so that its body is looked at: it may hold anything.
    #[test]
    fn what_a_hostile_author_signs_does_no_harm(
        kind in 1..=3u8,
        wire in 1..=2u8,
        which in 0..5usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        tail in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut body = good().swap_remove(which).split_off(3 + 38 + 64);
        for (place, byte) in changes {
            let place = place.index(body.len());
            body[place] = byte;
        }
        body.extend(tail);
        let frame = signed(kind, wire, &body);
        if let Ok(Gossip::Batch(opened)) = open_gossip(&frame, &mesh()) {
            let own = |fact: &Fact| match fact {
                Fact::Result(result) => result.node == node(1),
                Fact::Noticed(notice) => notice.node == node(1),
                Fact::Acknowledged(_) | Fact::Held(_) | Fact::Deployed(_) | Fact::About(_)
                | Fact::Configured(_) | Fact::Devices(_)
 | Fact::MailRead(_) => true,
            };
            prop_assert!(opened.batch.facts.iter().all(own));
        }
    }
}

/// A frame whose seal is good, whatever its body is.
fn signed(kind: u8, wire: u8, body: &[u8]) -> Vec<u8> {
    let keypair = keypair(1);
    let said = [b"p7 gossip\0".as_slice(), &mesh_bytes(), &[wire, kind], body].concat();
    let id = keypair.public().to_peer_id().to_bytes();
    [&[0x50, wire, kind], id.as_slice(), &keypair.sign(&said).unwrap(), body].concat()
}

/// The hash of the mesh's name, as it is signed: the wire format does not change.
fn mesh_bytes() -> [u8; 16] {
    0xe066_0401_7986_76ca_7c6f_de35_b283_58a2_u128.to_be_bytes()
}

#[test]
fn the_signature_of_this_test_is_one_that_is_taken() {
    let beat = seal_beat(&beat(), &keypair(1), &mesh(), 2).unwrap();
    assert_eq!(signed(1, 2, &beat[3 + 38 + 64..]), beat);
}
