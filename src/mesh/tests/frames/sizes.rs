//! What frames cost, and where their limits are.

use crate::samples::{batch, beat, configured, have, keypair, mesh, node, suspicion, up};
use p7_core::facts::NOTE_LIMIT;
use p7_core::mesh::words::{About, Batch, Boot, Chapter, Fact, Have, Sequence};
use p7_core::result::{Phases, ProbeResult};
use p7_core::vocabulary::{Micros, Outcome};
use p7_mesh::frames::{
    ASK_LIMIT, Answered, Asked, BATCH_LIMIT, COMMAND_LIMIT, CONFIGURATION_LIMIT, Command, FrameError,
    GOSSIP_LIMIT, HAVE_LIMIT, NEWEST_WIRE, RESULTS_THAT_FIT, SealError, answer_catch_up, ask_catch_up,
    ask_command, open_answer, open_batch, open_gossip, open_question, seal_batch, seal_beat, seal_suspicion,
};
use std::sync::Arc;

fn sealed(batch: &Batch) -> Result<Vec<u8>, SealError> {
    seal_batch(batch, &keypair(1), &mesh(), NEWEST_WIRE)
}

fn many(count: u32, result: impl Fn(u32) -> ProbeResult) -> Batch {
    batch(Chapter::Results, (0..count).map(|i| Fact::Result(Arc::new(result(i)))).collect())
}

/// The bytes that each of a hundred results adds.
fn each(result: impl Fn(u32) -> ProbeResult) -> usize {
    let empty = sealed(&many(0, &result)).unwrap().len();
    (sealed(&many(100, result)).unwrap().len() - empty) / 100
}

#[test]
fn a_result_of_a_service_that_is_up_costs_a_few_bytes() {
    let spread = |i: u32| Micros(1_000 + i * 7_919 % 30_000);
    let tcp = |i| ProbeResult {
        phases: Phases { connect: spread(i), ..Phases::default() },
        latency: Micros(spread(i).0 + 40),
        status_code: None,
        certificate_expiry: None,
        ..up(&format!("warehouse-{i}"))
    };
    let https = |i| {
        let span = spread(i);
        let phases = Phases { resolve: span, connect: span, tls: span, processing: span, transfer: span };
        ProbeResult { phases, latency: Micros(span.0 * 5 + 90), ..up(&format!("warehouse-{i}")) }
    };
    assert_eq!((each(tcp), each(https)), (12, 24));
}

#[test]
fn a_beat_and_a_suspicion_fit_into_one_packet() {
    let beat = seal_beat(&beat(), &keypair(1), &mesh(), NEWEST_WIRE).unwrap().len();
    let suspicion = seal_suspicion(&suspicion(), &keypair(1), &mesh(), NEWEST_WIRE).unwrap().len();
    assert_eq!((beat, suspicion), (203, 120));
}

#[test]
fn as_many_results_as_are_promised_fit_whatever_they_are() {
    let worst = |i: u32| ProbeResult {
        outcome: Outcome::Mismatch,
        reason: Some("§".repeat(150).as_str().into()),
        attempts: 255,
        status_code: Some(u16::MAX),
        latency: Micros(u32::MAX),
        phases: Phases {
            resolve: Micros(u32::MAX),
            connect: Micros(u32::MAX),
            tls: Micros(u32::MAX),
            processing: Micros(u32::MAX),
            transfer: Micros(u32::MAX - i),
        },
        ..up(&format!("{i:064}"))
    };
    let count = u32::try_from(RESULTS_THAT_FIT).unwrap();
    let frame = sealed(&many(count, worst)).unwrap();
    assert!(frame.len() < BATCH_LIMIT, "{}", frame.len());
    assert_eq!(open_batch(&frame, &mesh()).unwrap().batch.facts, many(count, worst).facts);
    let refused = sealed(&many(count * 2, worst));
    assert!(matches!(refused, Err(SealError::TooLarge { what: "a batch", .. })), "{refused:?}");
}

/// A text that deflating does not make much shorter.
fn noise(bytes: usize) -> String {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(33 + u8::try_from((state >> 16) % 90).unwrap())
    };
    (0..bytes).map(|_| next()).collect()
}

#[test]
fn a_large_configuration_has_a_batch_of_its_own() {
    let large = configured(&noise(180_000));
    let alone = batch(Chapter::Statements, vec![large.clone()]);
    let frame = sealed(&alone).unwrap();
    assert!(frame.len() > BATCH_LIMIT && frame.len() < GOSSIP_LIMIT, "{}", frame.len());
    assert_eq!(open_batch(&frame, &mesh()).unwrap().batch.facts, alone.facts);
    let mixed = batch(Chapter::Statements, vec![large, configured("small")]);
    assert!(matches!(sealed(&mixed), Err(SealError::TooLarge { .. })));
    let plain = configured(&"[services.shop]\n".repeat(CONFIGURATION_LIMIT / 16));
    assert!(sealed(&batch(Chapter::Statements, vec![plain])).is_ok());
    let larger = configured(&"[services.shop]\n".repeat(CONFIGURATION_LIMIT / 16 + 1));
    let refused = sealed(&batch(Chapter::Statements, vec![larger]));
    assert_eq!(refused, Err(SealError::Unlawful(FrameError::Shape("a long text"))));
}

#[test]
fn nobody_seals_what_others_would_refuse_or_what_is_anothers_word() {
    let foreign = ProbeResult { node: node(2), ..up("shop") };
    let refused = sealed(&batch(Chapter::Results, vec![Fact::Result(Arc::new(foreign))]));
    assert!(matches!(refused, Err(SealError::NotOurs { what: "a result", .. })), "{refused:?}");
    let refused = seal_beat(&beat(), &keypair(2), &mesh(), 1);
    assert!(matches!(refused, Err(SealError::NotOurs { what: "beat", .. })), "{refused:?}");
    let long = About { name: "n".repeat(NOTE_LIMIT + 1), ..About::default() };
    let refused = sealed(&batch(Chapter::Statements, vec![Fact::About(long)]));
    assert_eq!(refused, Err(SealError::Unlawful(FrameError::Shape("a text"))));
    assert_eq!(seal_beat(&beat(), &keypair(1), &mesh(), 4), Err(SealError::Version(4)));
}

#[test]
fn a_long_list_of_what_a_node_has_is_cut_to_what_fits() {
    let sequence = |i| Sequence { author: node(1), boot: Boot(i), chapter: Chapter::Results };
    let span = |at: u64| (at * 3_000_000_000, at * 3_000_000_000 + 1);
    let above: Vec<(u64, u64)> = (1..100).map(span).collect();
    let one = |i| Have { sequence: sequence(i), floor: 1, upto: 2, above: above.clone() };
    let have: Vec<Have> = (0..10_000).map(one).collect();
    let frame = ask_catch_up(&have, NEWEST_WIRE).unwrap();
    assert!(frame.len() <= ASK_LIMIT, "{}", frame.len());
    let Ok(Asked::Question(p7_core::mesh::words::Question::CatchUp { have: read })) = open_question(&frame)
    else {
        panic!("no question")
    };
    assert_eq!(read.len(), HAVE_LIMIT / 64);
    assert_eq!(read[0].above, above[..64]);
    let short = |i| Have { above: vec![], ..one(i) };
    let have: Vec<Have> = (0..10_000).map(short).collect();
    let frame = ask_catch_up(&have, NEWEST_WIRE).unwrap();
    let Ok(Asked::Question(p7_core::mesh::words::Question::CatchUp { have: read })) = open_question(&frame)
    else {
        panic!("no question")
    };
    assert_eq!(read, have[..HAVE_LIMIT]);
}

#[test]
fn an_answer_takes_as_many_batches_as_fit_and_says_how_many() {
    let large: Arc<[u8]> =
        sealed(&batch(Chapter::Statements, vec![configured(&noise(45_000))])).unwrap().into();
    let (frame, taken) = answer_catch_up(&vec![large; 20], &have(), NEWEST_WIRE).unwrap();
    assert_eq!(taken, 7);
    assert!(frame.len() <= ASK_LIMIT);
    let Ok(Answered::CaughtUp(read)) = open_answer(&frame, &mesh()) else { panic!("no answer") };
    assert_eq!((read.batches.len(), read.refused), (7, 0));
}

#[test]
fn an_answer_keeps_its_good_batches_and_counts_the_others() {
    let good: Arc<[u8]> = sealed(&many(1, |_| up("shop"))).unwrap().into();
    let (mut forged, mut newer) = (good.to_vec(), good.to_vec());
    *forged.last_mut().unwrap() ^= 1;
    newer[1] = 9;
    let batches = [forged.into(), good, newer.into()];
    let (frame, _) = answer_catch_up(&batches, &[], NEWEST_WIRE).unwrap();
    let Ok(Answered::CaughtUp(read)) = open_answer(&frame, &mesh()) else { panic!("no answer") };
    assert_eq!((read.batches.len(), read.refused, read.unknown), (1, 1, 1));
}

#[test]
fn a_command_is_bounded() {
    let command = |bytes| Command { name: "say".to_owned(), text: "x".repeat(bytes) };
    assert!(ask_command(&command(COMMAND_LIMIT), 1).is_ok());
    let refused = ask_command(&command(COMMAND_LIMIT + 1), 1);
    assert!(matches!(refused, Err(SealError::TooLarge { what: "a command", .. })));
}

#[test]
fn an_unknown_version_or_kind_is_told_apart_from_a_fault() {
    let frame = seal_beat(&beat(), &keypair(1), &mesh(), 1).unwrap();
    let with = |place: usize, byte| {
        let mut frame = frame.clone();
        frame[place] = byte;
        open_gossip(&frame, &mesh()).unwrap_err()
    };
    assert_eq!(with(1, 4), FrameError::Version(4));
    assert_eq!(with(1, 0), FrameError::Version(0));
    assert_eq!(with(2, 200), FrameError::Kind(200));
    assert_eq!(with(2, 16), FrameError::Kind(16));
    assert!(with(1, 4).is_of_another_release() && with(2, 200).is_of_another_release());
    assert_eq!(with(0, 0x51), FrameError::NotAFrame);
    assert_eq!(with(1, 2), FrameError::Signature);
    assert_eq!(with(2, 3), FrameError::Signature);
    assert!(!with(1, 2).is_of_another_release());
    let other = p7_mesh::mesh_id::MeshId::of("another office");
    assert_eq!(open_gossip(&frame, &other), Err(FrameError::Signature));
    let long = vec![0x50; GOSSIP_LIMIT + 1];
    assert!(matches!(open_gossip(&long, &mesh()), Err(FrameError::TooLarge { .. })));
}
