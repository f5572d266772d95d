//! The task behind a robot's handle: one socket a connection, the session's clock, orders, the voice.

use super::{Charger, Order, Settings, View};
use crate::character::{Answer, Character, SayError, reply};
use crate::link::Ending;
use crate::report::RobotState;
use crate::sentence::{Sentence, Topic};
use crate::session::{Session, SessionEnding, SessionEvent};
use crate::sound::frames;
use crate::voice::{Voice, VoiceError};
use std::future::{Future, pending};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// Pause before the next attempt after a connection that had worked.
const AGAIN_SOON: Duration = Duration::from_millis(500);
/// Pause after an attempt that nobody answered; the robot is off, or its Wi-Fi not joined.
const AGAIN_LATER: Duration = Duration::from_secs(10);
/// How often the wall clock is looked at.
const CLOCK_EVERY: Duration = Duration::from_secs(5);
/// A datagram and a byte, to notice one that is too long.
const DATAGRAM_BYTES: usize = 1052;

/// Sound that is being made.
type Speaking = Pin<Box<dyn Future<Output = Result<Vec<i16>, VoiceError>> + Send>>;

struct Task {
    settings: Settings,
    orders: mpsc::Receiver<Order>,
    view: watch::Sender<View>,
    character: Character,
    speaking: Option<(Speaking, Sentence, Option<Answer>)>,
    epoch: Instant,
    clock_at: Instant,
    /// Whether there is nobody left to give orders.
    abandoned: bool,
}

/// Connects again and again until the handle is dropped.
pub(super) async fn run(settings: Settings, orders: mpsc::Receiver<Order>, view: watch::Sender<View>) {
    let now = Instant::now();
    let mut task = Task {
        character: Character::new(settings.manners),
        settings,
        orders,
        view,
        speaking: None,
        epoch: now,
        clock_at: now,
        abandoned: false,
    };
    tokio::spawn(try_voice(task.settings.voice.clone(), task.view.clone()));
    while !task.abandoned {
        let trouble = match connected(task.settings.address).await {
            Ok(socket) => task.converse(&socket).await.to_string(),
            Err(error) => format!("{}: {error}", task.settings.address),
        };
        let had_worked = task.view.borrow().about.is_some();
        tracing::debug!(error = %trouble, "the robot is not connected");
        task.view.send_modify(|view| {
            view.about = None;
            view.trouble = Some(trouble);
        });
        task.pause(if had_worked { AGAIN_SOON } else { AGAIN_LATER }).await;
    }
}

/// A socket on a port of its own, that hears nobody but the robot.
async fn connected(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(address).await?;
    Ok(socket)
}

/// Finds out whether there is a voice before there is anything to say.
async fn try_voice(voice: Voice, view: watch::Sender<View>) {
    let tried = voice.speak("a").await;
    note_voice(&view, tried.as_ref().err());
}

/// Whether the voice works now; what is wrong with it is logged once.
fn note_voice(view: &watch::Sender<View>, error: Option<&VoiceError>) {
    if error == Some(&VoiceError::NothingToSay) {
        return;
    }
    let mute = error.map(VoiceError::to_string);
    view.send_if_modified(|view| {
        let is_news = view.mute != mute;
        if is_news && let Some(error) = &mute {
            tracing::warn!(error, "the robot stays silent");
        }
        view.mute = mute;
        is_news
    });
}

/// What wakes the task.
enum Woken {
    Received(io::Result<usize>),
    Ordered(Option<Order>),
    Spoken(Result<Vec<i16>, VoiceError>),
    Time,
}

impl Task {
    /// One connection, from its request to its end.
    async fn converse(&mut self, socket: &UdpSocket) -> SessionEnding {
        let mut session = Session::open(self.settings.volume, self.now());
        let mut buffer = [0; DATAGRAM_BYTES];
        loop {
            if let Some(ending) = self.hear(&mut session) {
                send_all(&mut session, socket).await;
                return ending;
            }
            self.speak(&session);
            let now = self.now();
            self.character.step(&mut session, now);
            self.show(&session);
            send_all(&mut session, socket).await;
            let woken = {
                let until = [session.deadline(), self.character.deadline()].into_iter().flatten().min();
                let until = until.map_or(self.clock_at, |at| (self.epoch + at).min(self.clock_at));
                let speaking = speech(&mut self.speaking);
                tokio::select! {
                    received = socket.recv(&mut buffer) => Woken::Received(received),
                    order = self.orders.recv(), if !self.abandoned => Woken::Ordered(order),
                    spoken = speaking => Woken::Spoken(spoken),
                    () = sleep_until(until) => Woken::Time,
                }
            };
            let now = self.now();
            match woken {
                Woken::Received(Ok(length)) => {
                    if let Some(datagram) = buffer.get(..length) {
                        session.receive(datagram, now);
                    }
                }
                // nobody listens on that port yet: the request is repeated
                Woken::Received(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Woken::Received(Err(error)) => {
                    tracing::debug!(%error, "the robot's socket failed");
                    return SessionEnding::Link(Ending::Silence);
                }
                Woken::Ordered(order) => self.obey(order, Some(&mut session)),
                Woken::Spoken(result) => self.utter(result, Some(&mut session)),
                Woken::Time => session.tick(now),
            }
            self.look_at_clock(Some(&mut session));
        }
    }

    /// Waits without a robot; orders are taken all the same.
    async fn pause(&mut self, span: Duration) {
        let until = Instant::now() + span;
        while !self.abandoned && Instant::now() < until {
            let woken = tokio::select! {
                order = self.orders.recv() => Woken::Ordered(order),
                spoken = speech(&mut self.speaking) => Woken::Spoken(spoken),
                () = sleep_until(until.min(self.clock_at)) => Woken::Time,
            };
            match woken {
                Woken::Ordered(order) => self.obey(order, None),
                Woken::Spoken(result) => self.utter(result, None),
                Woken::Received(_) | Woken::Time => {}
            }
            self.look_at_clock(None);
        }
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    fn obey(&mut self, order: Option<Order>, mut session: Option<&mut Session>) {
        let now = self.now();
        let session_is_ready = session.as_ref().is_some_and(|session| session.about().is_some());
        match order {
            Some(Order::Show(board)) => {
                let at = (self.settings.clock.0)();
                self.character.learn(board, session, at, now);
            }
            Some(Order::Say(_, answer) | Order::Test(answer)) if !session_is_ready => {
                reply(Some(answer), Err(SayError::NotConnected));
            }
            Some(Order::Say(text, answer)) => self.character.say(text, answer, now),
            Some(Order::Test(answer)) => {
                if let Some(session) = session {
                    let at = (self.settings.clock.0)();
                    self.character.begin_test(session, answer, at, now);
                }
            }
            None => {
                self.abandoned = true;
                if let Some(session) = session.as_mut() {
                    session.close(now);
                }
            }
        }
    }

    /// What has happened to the session; its ending, if it is over.
    fn hear(&mut self, session: &mut Session) -> Option<SessionEnding> {
        let now = self.now();
        while let Some(event) = session.event() {
            match event {
                SessionEvent::Ready(about) => {
                    tracing::info!(firmware = about.firmware.version, "the robot is connected");
                    if about.firmware.is_recovery() {
                        tracing::warn!("the robot runs its recovery firmware: its motors are left alone");
                    }
                    self.character.greet(session, (self.settings.clock.0)(), now);
                    self.view.send_modify(|view| {
                        view.about = Some(about);
                        view.trouble = None;
                        view.connections += 1;
                    });
                }
                SessionEvent::Quiet => tracing::debug!("a second without a word from the robot"),
                SessionEvent::Played => {}
                SessionEvent::Unplayed => tracing::debug!("the robot did not play what it was sent"),
                SessionEvent::Ended(ending) => return Some(ending),
            }
        }
        None
    }

    /// Begins to make the next sentence's sound, if nothing is being said.
    fn speak(&mut self, session: &Session) {
        let may = session.about().is_some() && !session.is_playing() && self.speaking.is_none();
        if !may || !self.character.has_something_to_say() {
            return;
        }
        let status = session.state().map(|state| state.status);
        let (at, now) = ((self.settings.clock.0)(), self.now());
        let Some((sentence, answer)) = self.character.next_sentence(status, at, now) else {
            return;
        };
        let (voice, text) = (self.settings.voice.clone(), sentence.text.clone());
        let sound: Speaking = Box::pin(async move { voice.speak(&text).await });
        self.speaking = Some((sound, sentence, answer));
    }

    /// Sound has been made, or has not.
    fn utter(&mut self, result: Result<Vec<i16>, VoiceError>, session: Option<&mut Session>) {
        let now = self.now();
        let Some((_, sentence, answer)) = self.speaking.take() else {
            return;
        };
        note_voice(&self.view, result.as_ref().err());
        let outcome = match (result, session) {
            (Err(error), _) => Err(error.into()),
            (Ok(_), None) => Err(SayError::NotConnected),
            (Ok(pcm), Some(session)) => {
                if session.play(frames(&pcm), now) {
                    Ok(())
                } else {
                    Err(SayError::Deaf)
                }
            }
        };
        if outcome.is_ok() {
            // what a person had said is theirs: it is not shown to others
            let text = if sentence.topic == Topic::Person { String::new() } else { sentence.text };
            self.view.send_modify(|view| {
                view.sentences += 1;
                view.said = Some(text).filter(|text| !text.is_empty());
            });
        }
        reply(answer, outcome);
    }

    fn look_at_clock(&mut self, session: Option<&mut Session>) {
        if Instant::now() < self.clock_at {
            return;
        }
        self.clock_at = Instant::now() + CLOCK_EVERY;
        let (at, now) = ((self.settings.clock.0)(), self.now());
        self.character.look_at_clock(session, at, now);
    }

    /// Passes on what has changed; a state comes thirty times a second and says mostly the same.
    fn show(&mut self, session: &Session) {
        let state = session.state();
        let battery_v =
            state.map(|state| (state.battery_v * 20.0).round() / 20.0).filter(|volts| volts.is_finite());
        let charger = state.map_or(Charger::Unknown, charger);
        let unsaid = self.character.dropped();
        self.view.send_if_modified(|view| {
            // a voltage that wavers between two steps is no change
            let wavers = matches!((view.battery_v, battery_v), (Some(a), Some(b)) if (a - b).abs() < 0.09);
            let same =
                (wavers || view.battery_v == battery_v) && view.charger == charger && view.unsaid == unsaid;
            if !same {
                view.battery_v = battery_v;
                view.charger = charger;
                view.unsaid = unsaid;
                view.figures = session.figures();
            }
            !same
        });
    }
}

fn charger(state: RobotState) -> Charger {
    match (state.status.on_charger(), state.status.charging()) {
        (_, true) => Charger::Charging,
        (true, false) => Charger::On,
        (false, false) => Charger::Off,
    }
}

async fn speech(speaking: &mut Option<(Speaking, Sentence, Option<Answer>)>) -> Result<Vec<i16>, VoiceError> {
    match speaking {
        Some((sound, ..)) => sound.await,
        None => pending().await,
    }
}

/// UDP promises nothing: what the socket does not take is as good as lost, and sent again.
async fn send_all(session: &mut Session, socket: &UdpSocket) {
    while let Some(datagram) = session.datagram() {
        if let Err(error) = socket.send(&datagram).await {
            tracing::trace!(%error, "a datagram to the robot was not sent");
        }
    }
}
