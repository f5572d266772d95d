//! A connection from its first datagram to its last, without I/O: the link, the handshake on it, and what
//! is shown, played and moved.

mod face;
mod motion;
mod player;

use crate::command::{Command, Layout};
use crate::light::Backpack;
use crate::link::{Ending, Link, LinkEvent, LinkFigures, SendError};
use crate::picture::Picture;
use crate::report::{Calibration, Firmware, Motor, Report, RobotState};
use crate::sound::SoundFrame;
use face::Face;
use motion::Motions;
pub use motion::{Gesture, Step};
use player::Player;
use std::collections::VecDeque;
use std::time::Duration;

/// How long the robot may take to say what it runs, and then what it is.
const GREETING_PATIENCE: Duration = Duration::from_secs(5);

/// What a robot has said of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// What it runs.
    pub firmware: Firmware,
    /// Its body's serial number.
    pub serial: u32,
}

/// What happened in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEvent {
    /// The robot has said what it is and does as told from now on.
    Ready(About),
    /// A second of silence on the link.
    Quiet,
    /// All sound has been played.
    Played,
    /// Sound was given up, since the robot did not play it.
    Unplayed,
    /// It is over.
    Ended(SessionEnding),
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionEnding {
    /// The link ended.
    #[error("{0}")]
    Link(#[from] Ending),
    /// It took the connection and did not say what it is.
    #[error("the robot answered but did not say what it is; switch it off and on")]
    Unnamed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    /// Waiting for what it runs since then.
    Naming(Duration),
    /// Waiting for what it is since then.
    Enabling(Duration, Firmware),
    Ready(About),
    Over,
}

/// One connection to a robot and what it is to show.
#[derive(Debug)]
pub struct Session {
    link: Link,
    stage: Stage,
    volume: u16,
    lights: Backpack,
    face: Face,
    player: Player,
    motions: Motions,
    state: Option<RobotState>,
    /// Whether its end has been said.
    ended: bool,
    events: VecDeque<SessionEvent>,
}

impl Session {
    /// Starts to connect; `volume` is 0 to 65,535.
    pub fn open(volume: u16, now: Duration) -> Self {
        Self {
            link: Link::open(now),
            stage: Stage::Opening,
            volume,
            lights: Backpack::OFF,
            face: Face::default(),
            player: Player::default(),
            motions: Motions::default(),
            state: None,
            ended: false,
            events: VecDeque::new(),
        }
    }

    /// Takes in a datagram.
    pub fn receive(&mut self, datagram: &[u8], now: Duration) {
        self.link.receive(datagram, now);
        self.advance(now);
    }

    /// Lets time pass: call it when [`Session::deadline`] is reached.
    pub fn tick(&mut self, now: Duration) {
        self.link.tick(now);
        self.advance(now);
    }

    /// The next datagram to send.
    pub fn datagram(&mut self) -> Option<Vec<u8>> {
        self.link.datagram()
    }

    /// The next thing that has happened.
    pub fn event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// When it wants to be ticked; none once it is over.
    pub fn deadline(&self) -> Option<Duration> {
        let link = self.link.deadline()?;
        let stage = match self.stage {
            Stage::Naming(since) | Stage::Enabling(since, _) => Some(since + GREETING_PATIENCE),
            Stage::Ready(_) => [self.face.deadline(), self.motions.deadline(), self.player.deadline()]
                .into_iter()
                .flatten()
                .min(),
            Stage::Opening | Stage::Over => None,
        };
        Some(stage.map_or(link, |stage| stage.min(link)))
    }

    /// Lights the back from now on.
    pub fn light(&mut self, lights: Backpack, now: Duration) {
        if lights == self.lights {
            return;
        }
        self.lights = lights;
        if self.is_ready() {
            self.send_lights(now);
        }
    }

    /// Shows a picture from now on.
    pub fn show(&mut self, picture: &Picture, now: Duration) {
        self.face.show(picture, now);
        self.advance(now);
    }

    /// Shows pictures one after the other, each for its time, then again what was shown.
    pub fn show_for_a_while(&mut self, pictures: Vec<(Picture, Duration)>, now: Duration) {
        self.face.interrupt(pictures, now);
        self.advance(now);
    }

    /// Plays sound after what is being played; says whether there was room for all of it.
    pub fn play(&mut self, frames: impl Iterator<Item = SoundFrame>, now: Duration) -> bool {
        let taken = self.is_ready() && self.player.take(frames, now);
        self.advance(now);
        taken
    }

    /// Whether sound is being played.
    pub fn is_playing(&self) -> bool {
        self.player.is_playing()
    }

    /// Moves head and lift; a gesture that is being made is finished by the new one. Nothing moves on
    /// firmware whose motor messages are laid out in another way, or in somebody's hand.
    pub fn gesture(&mut self, gesture: Gesture, now: Duration) {
        let held = self.state.is_some_and(|state| state.status.picked_up());
        let Stage::Ready(about) = self.stage else {
            return;
        };
        if !about.firmware.is_old() && !held {
            self.motions.begin(gesture, now);
            self.advance(now);
        }
    }

    /// How loud it is from now on.
    pub fn set_volume(&mut self, volume: u16, now: Duration) {
        self.volume = volume;
        if self.is_ready() {
            self.send(&Command::Volume(volume), now);
        }
    }

    /// Ends it in good order: lights and face off, then the disconnect, then nothing more.
    pub fn close(&mut self, now: Duration) {
        if self.is_ready() {
            self.lights = Backpack::OFF;
            self.send_lights(now);
            if let Ok(blank) = Picture::default().encode() {
                self.send(&Command::Picture(blank), now);
            }
        }
        self.stage = Stage::Over;
        self.link.close(now);
        self.advance(now);
    }

    /// What the robot has said of itself, once it is ready.
    pub fn about(&self) -> Option<About> {
        match self.stage {
            Stage::Ready(about) => Some(about),
            Stage::Opening | Stage::Naming(_) | Stage::Enabling(..) | Stage::Over => None,
        }
    }

    /// The robot's last state.
    pub fn state(&self) -> Option<RobotState> {
        self.state
    }

    /// Messages the robot has not acknowledged yet.
    pub fn pending(&self) -> usize {
        self.link.pending()
    }

    /// What its link has seen.
    pub fn figures(&self) -> LinkFigures {
        self.link.figures()
    }

    fn is_ready(&self) -> bool {
        self.about().is_some()
    }

    fn advance(&mut self, now: Duration) {
        while let Some(event) = self.link.event() {
            match event {
                LinkEvent::Opened => self.stage = Stage::Naming(now),
                LinkEvent::Quiet => self.events.push_back(SessionEvent::Quiet),
                LinkEvent::Ended(ending) => self.end(ending.into()),
                LinkEvent::Message(message) => {
                    if let Some(report) = Report::decode(&message) {
                        self.hear(report, now);
                    }
                }
            }
        }
        match self.stage {
            Stage::Naming(since) | Stage::Enabling(since, _) if now >= since + GREETING_PATIENCE => {
                self.end(SessionEnding::Unnamed);
                self.link.close(now);
            }
            Stage::Ready(_) => self.perform(now),
            Stage::Opening | Stage::Naming(_) | Stage::Enabling(..) | Stage::Over => {}
        }
    }

    fn end(&mut self, ending: SessionEnding) {
        self.stage = Stage::Over;
        if !std::mem::replace(&mut self.ended, true) {
            self.events.push_back(SessionEvent::Ended(ending));
        }
    }

    fn hear(&mut self, report: Report, now: Duration) {
        match (report, self.stage) {
            (Report::Firmware(firmware), Stage::Naming(_)) => {
                self.stage = Stage::Enabling(now, firmware);
                self.send(&Command::Enable, now);
            }
            (Report::Body(serial), Stage::Enabling(_, firmware)) => {
                self.begin(About { firmware, serial }, now);
            }
            (Report::Calibration(Motor::Head | Motor::Lift, how_far), _) => match how_far {
                Calibration::Started => self.motions.calibration_started(now),
                Calibration::Finished => self.motions.calibration_finished(),
            },
            (Report::State(state), _) => self.state = Some(state),
            (Report::Played(count), _) => self.player.played(count, now),
            (
                Report::Firmware(_)
                | Report::Body(_)
                | Report::Calibration(Motor::Other(_), _)
                | Report::TimeTaken
                | Report::ActionTaken(_)
                | Report::Other(_),
                _,
            ) => {}
        }
    }

    fn begin(&mut self, about: About, now: Duration) {
        let layout = if about.firmware.is_old() { Layout::Old } else { Layout::Current };
        self.stage = Stage::Ready(about);
        for command in [
            Command::SetOrigin,
            Command::SyncTime(layout),
            Command::EnableAnimationState,
            Command::Volume(self.volume),
        ] {
            self.send(&command, now);
        }
        self.send_lights(now);
        self.events.push_back(SessionEvent::Ready(about));
    }

    /// Sends what is due of sound, picture and motion.
    fn perform(&mut self, now: Duration) {
        while let Some(command) = self.player.due(now) {
            self.send(&command, now);
            // with sound at most one picture goes along with each message of it
            if let Some(picture) = self.face.due(now) {
                self.send(&Command::Picture(picture), now);
            }
        }
        if !self.player.is_playing() {
            while let Some(picture) = self.face.due(now) {
                self.send(&Command::Picture(picture), now);
            }
        }
        while let Some(command) = self.motions.due(now) {
            self.send(&command, now);
        }
        self.events.extend(self.player.event());
    }

    fn send_lights(&mut self, now: Duration) {
        for command in Command::backpack(&self.lights) {
            self.send(&command, now);
        }
    }

    /// A link that takes no more is one whose robot answers nothing: the silence will end it.
    fn send(&mut self, command: &Command, now: Duration) {
        match self.link.send(command.encode(), now) {
            Ok(()) => {}
            Err(fault @ (SendError::Full | SendError::TooLong(_) | SendError::Over)) => {
                tracing::debug!(error = %fault, tag = command.tag(), "a message to the robot was left out");
            }
        }
    }
}
