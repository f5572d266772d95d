//! How the robot behaves: what a board, the hour and a person make it show and say, and when it keeps quiet.

use crate::board::Board;
use crate::clock::{HourCall, HourTurn, LocalTime, QuietHours};
use crate::light::{Backpack, Light, Rgb};
use crate::queue::{Dropped, SpeechQueue};
use crate::report::Status;
use crate::scene;
use crate::sentence::{self, Sentence, Topic};
use crate::session::{Gesture, Session};
use crate::voice::VoiceError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long clock and date stand on the face, each, as in the 2020 original.
const CLOCK_SHOWN: Duration = Duration::from_secs(3);
/// How long each colour of the test is lit.
const TEST_STEP: Duration = Duration::from_millis(1500);
/// The colours of the test.
const TEST: [(Rgb, &str); 5] = [
    (Rgb::RED, "RED"),
    (Rgb::ORANGE, "ORANGE"),
    (Rgb::GREEN, "GREEN"),
    (Rgb::BLUE, "BLUE"),
    (Rgb::WHITE, "WHITE"),
];

/// What a person should see and hear during the test, a line each.
pub const TEST_TELLS: [&str; 4] = [
    "the back: red, orange, green, blue, white, one and a half seconds each (the sides can only be red)",
    "the face: the name of each colour, then what it showed before",
    "head and lift: one greeting (not on recovery firmware, nor in your hand)",
    "the voice: \"This is a test.\"",
];

/// When the robot keeps quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Manners {
    /// Hours without speech and motion; lights and face stay.
    pub quiet: Option<QuietHours>,
    /// What it does on its charger.
    pub on_charger: OnCharger,
    /// Whether it tells the time.
    pub hour_call: HourCall,
}

/// What the robot does while it stands on its charger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnCharger {
    /// The same as anywhere.
    #[default]
    AsEver,
    /// It neither speaks nor moves.
    Silent,
}

/// Why something was not said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SayError {
    /// There is no robot to say it.
    #[error("the robot is not connected")]
    NotConnected,
    /// It has quiet hours.
    #[error("the robot has quiet hours until {0}")]
    Quiet(String),
    /// It is on its charger and told to be silent there.
    #[error("the robot is on its charger and configured to be silent there")]
    OnCharger,
    /// It waited behind others for too long, or too many waited.
    #[error("the robot had too much else to say")]
    Dropped,
    /// The robot does not take the sound.
    #[error("the robot takes no more sound")]
    Deaf,
    /// There is no voice.
    #[error("{0}")]
    Voice(#[from] VoiceError),
}

/// Hears what became of a sentence: it has begun, or why it was not said.
pub type Answer = oneshot::Sender<Result<(), SayError>>;

/// The robot's behaviour. Time is that of the session.
#[derive(Debug)]
pub struct Character {
    manners: Manners,
    board: Arc<Board>,
    queue: SpeechQueue<Option<Answer>>,
    hour: HourTurn,
    /// The test's step and when the next begins.
    test: Option<(usize, Duration)>,
    dropped: u64,
}

impl Character {
    /// One that knows nothing yet.
    pub fn new(manners: Manners) -> Self {
        Self {
            manners,
            board: Arc::default(),
            queue: SpeechQueue::default(),
            hour: HourTurn::default(),
            test: None,
            dropped: 0,
        }
    }

    /// The mesh knows something new.
    pub fn learn(&mut self, board: Arc<Board>, session: Option<&mut Session>, at: LocalTime, now: Duration) {
        let before = std::mem::replace(&mut self.board, board);
        for sentence in sentence::changes(&before, &self.board) {
            self.queue_sentence(sentence, None, now);
        }
        let Some(session) = session else {
            return;
        };
        self.show(session, now);
        if let Some(gesture) = scene::gesture(before.mood(), self.board.mood())
            && self.may_speak(session.state().map(|state| state.status), at).is_ok()
        {
            session.gesture(gesture, now);
        }
    }

    /// A robot is there: it shows what is known.
    pub fn greet(&mut self, session: &mut Session, at: LocalTime, now: Duration) {
        self.show(session, now);
        if self.may_speak(session.state().map(|state| state.status), at).is_ok() {
            session.gesture(Gesture::Greet, now);
        }
    }

    /// Looks at the clock: at the turn of the hour it shows the time and says it.
    pub fn look_at_clock(&mut self, session: Option<&mut Session>, at: LocalTime, now: Duration) {
        if !self.hour.turned(at) || self.manners.hour_call == HourCall::Never {
            return;
        }
        if let Some(session) = session {
            session
                .show_for_a_while(vec![(scene::clock(at), CLOCK_SHOWN), (scene::date(at), CLOCK_SHOWN)], now);
            self.queue_sentence(sentence::time(at), None, now);
        }
    }

    /// Somebody wants something said.
    pub fn say(&mut self, text: String, answer: Answer, now: Duration) {
        self.queue_sentence(Sentence::new(Topic::Person, text), Some(answer), now);
    }

    /// Walks through everything the robot can show; where it may not speak it does not move either.
    pub fn begin_test(&mut self, session: &mut Session, answer: Answer, at: LocalTime, now: Duration) {
        self.test = Some((0, now));
        let pictures = TEST.map(|(_, name)| (scene::two_lines("Protocol/7", name), TEST_STEP));
        session.show_for_a_while(pictures.to_vec(), now);
        if self.may_speak(session.state().map(|state| state.status), at).is_ok() {
            session.gesture(Gesture::Greet, now);
        }
        self.say("This is a test.".to_owned(), answer, now);
        self.step(session, now);
    }

    /// Lets time pass.
    pub fn step(&mut self, session: &mut Session, now: Duration) {
        let Some((step, at)) = self.test else {
            return;
        };
        if now < at {
            return;
        }
        if let Some((colour, _)) = TEST.get(step) {
            self.test = Some((step + 1, now + TEST_STEP));
            session.light(Backpack::all(Light::solid(*colour)), now);
        } else {
            self.test = None;
            self.show(session, now);
        }
    }

    /// When it wants to be stepped.
    pub fn deadline(&self) -> Option<Duration> {
        self.test.map(|(_, at)| at)
    }

    /// The next sentence that may be said now. What may not is answered and dropped.
    pub fn next_sentence(
        &mut self,
        status: Option<Status>,
        at: LocalTime,
        now: Duration,
    ) -> Option<(Sentence, Option<Answer>)> {
        loop {
            let (next, dropped) = self.queue.next(now);
            self.drop_all(dropped);
            let (sentence, answer) = next?;
            match self.may_speak(status, at) {
                Ok(()) => return Some((sentence, answer)),
                Err(reason) => {
                    self.dropped += 1;
                    reply(answer, Err(reason));
                }
            }
        }
    }

    /// Whether anything waits to be said.
    pub fn has_something_to_say(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The board it shows.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Sentences that were not said.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn may_speak(&self, status: Option<Status>, at: LocalTime) -> Result<(), SayError> {
        if let Some(quiet) = self.manners.quiet
            && quiet.contains(at.minute_of_day())
        {
            return Err(SayError::Quiet(quiet.ends()));
        }
        if self.manners.on_charger == OnCharger::Silent && status.is_some_and(Status::on_charger) {
            return Err(SayError::OnCharger);
        }
        Ok(())
    }

    fn show(&self, session: &mut Session, now: Duration) {
        if self.test.is_none() {
            session.light(scene::backpack(&self.board), now);
        }
        session.show(&scene::face(&self.board), now);
    }

    fn queue_sentence(&mut self, sentence: Sentence, answer: Option<Answer>, now: Duration) {
        let dropped = self.queue.push(sentence, answer, now);
        self.drop_all(dropped);
    }

    fn drop_all(&mut self, dropped: Vec<(Option<Answer>, Dropped)>) {
        for (answer, _) in dropped {
            self.dropped += 1;
            reply(answer, Err(SayError::Dropped));
        }
    }
}

/// Answers whoever waits for it; one who has gone needs no answer.
pub(crate) fn reply(answer: Option<Answer>, result: Result<(), SayError>) {
    if let Some(answer) = answer {
        drop(answer.send(result));
    }
}
