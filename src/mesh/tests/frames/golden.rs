//! Frames as they were recorded when their version was new: they are read for ever.
//!
//! To record those of a new version: `P7_RECORD_FRAMES=1 cargo test -p p7-mesh --test frames`. What is
//! recorded is never written over.

use crate::samples::{
    batch, beat, devices, figures, figures_of, have, keypair, mesh, results, statements, suspicion,
};
use p7_core::mesh::devices::{DETAIL_LIMIT, DeviceState, DeviceTold, DevicesTold, TOLD_LIMIT, WORD_LIMIT};
use p7_core::mesh::words::{Beat, Chapter, Detail, Fact, Question, RollupCursor, Word};
use p7_core::rollup::Resolution;
use p7_core::vocabulary::MeshTime;
use p7_mesh::frames::{
    Answered, Asked, Command, CommandAnswer, Figured, Gossip, Refusal, answer_catch_up, answer_command,
    answer_figures, ask_catch_up, ask_command, ask_figures, open_answer, open_gossip, open_question,
    seal_batch, seal_beat, seal_suspicion,
};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The recorded frame of this name; recorded now from `fresh` when that is asked for.
fn recorded(name: &str, wire: u8, fresh: &[u8]) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/frames/v{wire}/{name}.hex"));
    if std::env::var_os("P7_RECORD_FRAMES").is_some() && !path.exists() {
        let mut text = String::new();
        for line in fresh.chunks(48) {
            for byte in line {
                write!(text, "{byte:02x}").unwrap();
            }
            text.push('\n');
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|two| u8::from_str_radix(&String::from_iter(two), 16).unwrap()).collect()
}

fn gossip(name: &str, wire: u8, fresh: &[u8]) -> Gossip {
    open_gossip(&recorded(name, wire, fresh), &mesh()).unwrap()
}

#[test]
fn a_recorded_beat_is_read_and_what_version_1_lacks_is_as_if_nothing_were_wrong() {
    let second = seal_beat(&beat(), &keypair(1), &mesh(), 2).unwrap();
    assert_eq!(gossip("beat", 2, &second), Gossip::Beat(beat()));
    let third = seal_beat(&beat(), &keypair(1), &mesh(), 3).unwrap();
    assert_eq!(gossip("beat", 3, &third), Gossip::Beat(beat()));
    let first = seal_beat(&beat(), &keypair(1), &mesh(), 1).unwrap();
    assert_eq!(gossip("beat", 1, &first), Gossip::Beat(Beat { cut_off: false, digest: 0, ..beat() }));
    assert_eq!(recorded("beat", 2, &second), second, "a beat is written as it was");
    assert_eq!(recorded("beat", 1, &first), first, "a beat is written as it was");
}

#[test]
fn a_recorded_suspicion_is_read() {
    for wire in [1, 2, 3] {
        let fresh = seal_suspicion(&suspicion(), &keypair(1), &mesh(), wire).unwrap();
        assert_eq!(gossip("suspicion", wire, &fresh), Gossip::Suspicion(suspicion()));
    }
}

#[test]
fn recorded_batches_are_read_and_kept_as_they_were_sealed() {
    for (name, expected) in
        [("results", results()), ("statements", statements()), ("empty", batch(Chapter::Results, vec![]))]
    {
        for wire in [1, 2, 3] {
            let fresh = seal_batch(&expected, &keypair(1), &mesh(), wire).unwrap();
            let Gossip::Batch(opened) = gossip(name, wire, &fresh) else { panic!("no batch") };
            assert_eq!(opened.skipped, 0);
            assert_eq!(opened.batch.sealed.as_ref(), recorded(name, wire, &fresh));
            assert_eq!(opened.batch.facts, expected.facts);
            assert_eq!(opened.batch.sequence, expected.sequence);
            assert_eq!((opened.batch.number, opened.batch.at), (expected.number, expected.at));
        }
    }
}

#[test]
fn recorded_questions_and_answers_are_read() {
    for wire in [1, 2, 3] {
        let question = ask_catch_up(&have(), wire).unwrap();
        let read = open_question(&recorded("catch_up", wire, &question));
        assert_eq!(read, Ok(Asked::Question(Question::CatchUp { have: have() })));

        let command = Command { name: "probe-now".to_owned(), text: "{\"service\":\"shop\"}".to_owned() };
        let asked = ask_command(&command, wire).unwrap();
        assert_eq!(open_question(&recorded("command", wire, &asked)), Ok(Asked::Command(command)));

        let sealed: Arc<[u8]> = seal_batch(&results(), &keypair(1), &mesh(), wire).unwrap().into();
        let (answer, taken) = answer_catch_up(&[sealed.clone(), sealed.clone()], &have(), wire).unwrap();
        assert_eq!(taken, 2);
        let answered = open_answer(&recorded("caught_up", wire, &answer), &mesh()).unwrap();
        let Answered::CaughtUp(caught_up) = answered else { panic!("no catching up") };
        assert_eq!(caught_up.have, have());
        assert_eq!((caught_up.skipped, caught_up.unknown, caught_up.refused), (0, 0, 0));
        assert_eq!(caught_up.batches.len(), 2);
        assert_eq!(caught_up.batches[1].facts, results().facts);

        for (name, said) in [
            ("done", CommandAnswer::Done("{}".to_owned())),
            ("refused", CommandAnswer::Refused(Refusal::NotTaken, "no".to_owned())),
        ] {
            let fresh = answer_command(&said, wire).unwrap();
            let read = open_answer(&recorded(name, wire, &fresh), &mesh());
            assert_eq!(read, Ok(Answered::Command(said)));
        }
    }
}

#[test]
fn a_notice_carries_its_word_its_message_and_its_receipt() {
    let notices: Vec<Fact> = statements()
        .facts
        .into_iter()
        .filter_map(|fact| if let Fact::Noticed(notice) = fact { Some(notice) } else { None })
        .flat_map(|notice| {
            [Word::Level, Word::Flapping, Word::Reminder(1), Word::Reminder(u16::MAX)].map(|word| {
                let detail = Detail { word, message: u64::MAX, receipt: Some(Arc::from("C1/2.3")) };
                Fact::Noticed(p7_core::mesh::words::Notice { detail, ..notice.clone() })
            })
        })
        .collect();
    let stated = batch(Chapter::Statements, notices);
    let Gossip::Batch(opened) =
        open_gossip(&seal_batch(&stated, &keypair(1), &mesh(), 2).unwrap(), &mesh()).unwrap()
    else {
        panic!("no batch")
    };
    assert_eq!((opened.batch.facts.len(), opened.batch.facts), (4, stated.facts));
}

#[test]
fn recorded_questions_for_figures_and_pages_of_them_are_read() {
    let question = ask_figures(&figures_of(), 3).unwrap();
    let read = open_question(&recorded("figures", 3, &question));
    assert_eq!(read, Ok(Asked::Question(Question::Figures(figures_of()))));
    let more = RollupCursor(vec![104, 0, 1]);
    let page = answer_figures(Resolution::Hour, &figures(), Some(&more), 3).unwrap();
    let read = open_answer(&recorded("figured", 3, &page), &mesh());
    let figured = Figured { rows: figures(), more: Some(more), skipped: 0 };
    assert_eq!(read, Ok(Answered::Figured(figured)));
}

#[test]
fn what_a_node_told_of_its_devices_is_read() {
    let expected = batch(Chapter::Statements, vec![devices()]);
    let fresh = seal_batch(&expected, &keypair(1), &mesh(), 1).unwrap();
    let Gossip::Batch(opened) = gossip("devices", 1, &fresh) else { panic!("no batch") };
    assert_eq!((opened.batch.facts, opened.skipped), (expected.facts, 0));
    assert_eq!(recorded("devices", 1, &fresh), fresh, "they are written as they were");
}

#[test]
fn devices_are_told_up_to_their_limits_and_not_beyond() {
    let long = |limit: usize| "x".repeat(limit);
    let told = |count: usize, detail: usize| {
        let device = DeviceTold {
            name: long(WORD_LIMIT),
            kind: long(WORD_LIMIT),
            unit: long(WORD_LIMIT),
            model: long(WORD_LIMIT),
            state: DeviceState::Trouble,
            detail: Some(long(detail)),
            since: MeshTime(u64::MAX),
            last_order: Some((long(DETAIL_LIMIT), MeshTime(u64::MAX))),
        };
        let devices = vec![device; count];
        let fact = Fact::Devices(Arc::new(DevicesTold { devices, at: MeshTime(u64::MAX) }));
        seal_batch(&batch(Chapter::Statements, vec![fact]), &keypair(1), &mesh(), 1)
    };
    assert!(told(TOLD_LIMIT, DETAIL_LIMIT).is_ok());
    assert!(told(TOLD_LIMIT + 1, DETAIL_LIMIT).is_err());
    assert!(told(1, DETAIL_LIMIT + 1).is_err());
}

#[test]
fn every_refusal_of_a_command_is_read_and_one_of_a_newer_release_too() {
    let refusals =
        [Refusal::NotTaken, Refusal::NotFound, Refusal::Invalid, Refusal::Conflict, Refusal::Unavailable];
    for (index, why) in refusals.into_iter().enumerate() {
        let said = CommandAnswer::Refused(why, "no".to_owned());
        let mut frame = answer_command(&said, 3).unwrap();
        assert_eq!(usize::from(frame[3]), index + 1);
        assert_eq!(open_answer(&frame, &mesh()), Ok(Answered::Command(said)));
        frame[3] = 77;
        let newer = CommandAnswer::Refused(Refusal::Conflict, "no".to_owned());
        assert_eq!(open_answer(&frame, &mesh()), Ok(Answered::Command(newer)));
    }
}
