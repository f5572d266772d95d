//! The whole conversation: every command, and what is answered to it.

use super::samples::{NOW, picture, service, status};
use crate::picture::Picture;
use crate::talk::{Talk, Then};
use crate::text::plain;
use crate::words::Words;
use p7_core::vocabulary::{Level, MeshTime, Millis};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// What is said, each line by the person before the colon.
const SAID: &str = include_str!("said.txt");

fn answer(talk: &mut Talk, person: &str, said: &str, picture: &Picture, now: MeshTime) -> String {
    let turn = talk.hear(person, plain(said).as_deref(), picture, &Words::own(), now);
    match turn.then {
        Then::Say(text) => format!("[{}] {text}", turn.what),
        Then::Do(wish) => format!("[{}] does {wish:?}", turn.what),
    }
}

#[test]
fn every_command_is_answered_as_written_here() {
    let (mut talk, picture, mut all) = (Talk::default(), picture(), String::new());
    for line in SAID.lines().filter(|line| !line.is_empty() && !line.starts_with("//")) {
        let (person, said) = line.split_once(": ").unwrap();
        writeln!(all, "{line}\n{}\n", answer(&mut talk, person, said, &picture, NOW)).unwrap();
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("conversation", all);
    });
}

#[test]
fn conversations_end_by_themselves_and_are_bounded() {
    let (mut talk, picture) = (Talk::default(), picture());
    answer(&mut talk, "a", "statsu", &picture, NOW);
    let late = NOW.plus(Millis::seconds(15 * 60));
    assert!(answer(&mut talk, "a", "yes", &picture, late).starts_with("[unclear] I am not sure"));
    for person in 0..3_000 {
        answer(&mut talk, &person.to_string(), "bilbo", &picture, late);
    }
    assert_eq!(talk.count(), 1_000);
}

#[test]
fn the_status_of_1000_services_is_answered_at_once() {
    let mut picture = picture();
    let services: Vec<_> = (0..1_000)
        .map(|n| service(&format!("service-{n:04}"), &format!("Service {n}"), "production"))
        .collect();
    picture.configured(&services);
    for n in 0..1_000 {
        let level = [Level::Healthy, Level::Down, Level::Incident, Level::Warning][n % 4];
        picture.heard(&status(&format!("service-{n:04}"), level, 5, "connection refused"));
    }
    let mut talk = Talk::default();
    let began = Instant::now();
    let told = answer(&mut talk, "a", "status", &picture, NOW);
    let took = began.elapsed();
    assert!(
        told.starts_with("[status] 1000 services: 250 down, 250 failing, 250 not quite well, 250 well\n"),
        "{told}"
    );
    assert!(told.ends_with("… and 730 more") && told.len() < 4_000, "{} bytes: {told}", told.len());
    // a thousand times the promise would be a hang, not a slow machine
    assert!(took < Duration::from_secs(30), "{took:?}");
    println!("the status of 1,000 services took {took:?}");
}

#[test]
fn words_of_ones_own_are_read_and_faults_are_named() {
    let mine = "hello = ['Moin']\njokes = []\n[story.start]\ntext = 'x'\nchoices = { on = 'there' }\n";
    assert_eq!(
        Words::read(mine).unwrap_err(),
        "in `start` the word `on` leads to `there`, which is not there"
    );
    let words = Words::read(&format!("{mine}[story.there]\ntext = 'the end'\n")).unwrap();
    let mut talk = Talk::default();
    let mut hear = |said: &str| match talk.hear("a", Some(said), &picture(), &words, NOW).then {
        Then::Say(text) => text,
        Then::Do(wish) => panic!("{wish:?}"),
    };
    assert_eq!((hear("hi"), hear("joke")), ("Moin".to_owned(), "I know no joke.".to_owned()));
    assert_eq!((hear("bilbo"), hear("On!")), ("x".to_owned(), "the end".to_owned()));
    assert!(Words::read("hello = []\njokes = []\n[story.a]\ntext = ''").unwrap_err().contains("`start`"));
    assert!(Words::own().story.len() > 5 && !Words::own().jokes.is_empty());
}
