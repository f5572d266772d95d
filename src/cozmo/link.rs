//! The reliable link as a machine without I/O: datagrams and the time go in, datagrams and events come out.
//!
//! Time is the reading of any clock that never goes back, as a `Duration`. One link is one connection: a
//! lost one is given up for a new one from a fresh port, since the robot takes a request from the old port
//! for a repetition that keeps the dead connection alive.

mod words;

use crate::frame::{self, Frame, Id, Kind, MESSAGE_LIMIT, Part};
use std::collections::VecDeque;
use std::time::Duration;
pub use words::{Ending, LinkEvent, LinkFigures, SendError};

/// How often the connection request is repeated.
const REQUEST_EVERY: Duration = Duration::from_millis(150);
/// Silence after which either side gives the connection up (the robot then shows "COZMO 01").
pub const SILENCE_LIMIT: Duration = Duration::from_secs(5);
/// Silence that is worth a word: a robot that streams its state leaves gaps of 66 ms at most.
const QUIET_AFTER: Duration = Duration::from_secs(1);
/// Without progress for so long, what is unacknowledged is sent again (the official program's figure; the
/// robot acknowledges once every 33 ms).
const RESEND_AFTER: Duration = Duration::from_micros(33_300);
/// A ping goes out when nothing else has for so long. The robot wants something at least every 500 ms;
/// half of that, so that one lost ping does not matter.
pub const KEEP_ALIVE: Duration = Duration::from_millis(250);
/// Least time between two frames that carry nothing but an acknowledgement: what is not acknowledged is
/// repeated every 33 ms, so sooner is of no use.
const ACK_SPACING: Duration = Duration::from_millis(10);
/// Most messages on their way and unacknowledged: more than the sounds that may be in flight.
const WINDOW: usize = 32;
/// Most messages that wait, those on their way included.
pub const QUEUE_LIMIT: usize = 256;
/// Most frames one repetition sends: the robot's radio is slow, and what it has it drops.
const RESEND_FRAMES: usize = 4;
/// How long a link that is being closed waits for what is unacknowledged.
const CLOSING_PATIENCE: Duration = Duration::from_secs(1);
/// Bytes of a ping: when, sent, received, whether it is an answer.
const PING_BYTES: usize = 17;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The request is being repeated since then.
    Opening(Duration),
    Open,
    /// Waiting for the last acknowledgements since then.
    Closing(Duration),
    Over,
}

#[derive(Debug)]
struct Outgoing {
    id: Id,
    kind: Kind,
    payload: Vec<u8>,
}

/// One connection to a robot.
#[derive(Debug)]
pub struct Link {
    state: State,
    /// Everything unacknowledged, oldest first; the first `on_way` have been sent.
    outgoing: VecDeque<Outgoing>,
    on_way: usize,
    next_id: Id,
    /// The last message that has arrived in order.
    arrived: Option<Id>,
    /// Since when the oldest message on its way has waited for progress.
    waiting_since: Duration,
    last_sent: Duration,
    last_heard: Duration,
    said_quiet: bool,
    ack_owed: bool,
    pings: u32,
    figures: LinkFigures,
    datagrams: VecDeque<Vec<u8>>,
    events: VecDeque<LinkEvent>,
}

impl Link {
    /// Starts a connection: the request waits to be taken from [`Link::datagram`].
    pub fn open(now: Duration) -> Self {
        let request = Outgoing { id: Id::FIRST, kind: Kind::ConnectionRequest, payload: Vec::new() };
        let mut link = Self {
            state: State::Opening(now),
            outgoing: VecDeque::from([request]),
            on_way: 1,
            next_id: Id::FIRST.next(),
            arrived: None,
            waiting_since: now,
            last_sent: now,
            last_heard: now,
            said_quiet: false,
            ack_owed: false,
            pings: 0,
            figures: LinkFigures::default(),
            datagrams: VecDeque::new(),
            events: VecDeque::new(),
        };
        link.request(now);
        link
    }

    /// Queues a reliable message, a tag and its fields; it leaves at once if there is room on the way.
    pub fn send(&mut self, message: Vec<u8>, now: Duration) -> Result<(), SendError> {
        if message.len() > MESSAGE_LIMIT {
            return Err(SendError::TooLong(message.len()));
        }
        match self.state {
            State::Closing(_) | State::Over => Err(SendError::Over),
            State::Opening(_) | State::Open if self.outgoing.len() >= QUEUE_LIMIT => Err(SendError::Full),
            State::Opening(_) | State::Open => {
                self.outgoing.push_back(Outgoing {
                    id: self.next_id,
                    kind: Kind::Reliable,
                    payload: message,
                });
                self.next_id = self.next_id.next();
                self.send_fresh(now);
                Ok(())
            }
        }
    }

    /// Takes in a datagram from the robot.
    pub fn receive(&mut self, datagram: &[u8], now: Duration) {
        if self.state == State::Over {
            return;
        }
        let Ok(frame) = Frame::decode(datagram) else {
            self.figures.refused += 1;
            return;
        };
        self.figures.received += 1;
        self.last_heard = now;
        self.said_quiet = false;
        if let Some(ack) = frame.ack {
            self.acknowledged(ack, now);
        }
        for part in frame.parts() {
            self.take(part, now);
            if self.state == State::Over {
                return;
            }
        }
        self.act(now);
    }

    /// Lets time pass: call it when [`Link::deadline`] is reached; any other time does no harm.
    pub fn tick(&mut self, now: Duration) {
        self.act(now);
    }

    /// Ends the connection in good order: what is queued goes out, then one disconnect, then nothing more.
    pub fn close(&mut self, now: Duration) {
        match self.state {
            State::Opening(_) => self.end(Ending::Closed),
            State::Open => {
                self.state = State::Closing(now);
                self.act(now);
            }
            State::Closing(_) | State::Over => {}
        }
    }

    /// The next datagram to send.
    pub fn datagram(&mut self) -> Option<Vec<u8>> {
        self.datagrams.pop_front()
    }

    /// The next thing that has happened.
    pub fn event(&mut self) -> Option<LinkEvent> {
        self.events.pop_front()
    }

    /// When it wants to be ticked; none once it is over.
    pub fn deadline(&self) -> Option<Duration> {
        let mut at = self.last_heard + SILENCE_LIMIT;
        match self.state {
            State::Over => return None,
            State::Opening(_) => return Some(at.min(self.last_sent + REQUEST_EVERY)),
            State::Closing(since) => at = at.min(since + CLOSING_PATIENCE),
            State::Open => {}
        }
        if !self.said_quiet {
            at = at.min(self.last_heard + QUIET_AFTER);
        }
        if self.on_way > 0 {
            at = at.min(self.waiting_since + RESEND_AFTER);
        }
        if self.ack_owed {
            at = at.min(self.last_sent + ACK_SPACING);
        }
        Some(at.min(self.last_sent + KEEP_ALIVE))
    }

    /// Messages that are not acknowledged yet.
    pub fn pending(&self) -> usize {
        self.outgoing.len()
    }

    /// What it has seen so far.
    pub fn figures(&self) -> LinkFigures {
        self.figures
    }

    /// Everything up to `ack` has arrived. One that is not on its way says nothing.
    fn acknowledged(&mut self, ack: Id, now: Duration) {
        let on_way = self.outgoing.iter().take(self.on_way);
        let Some(place) = on_way.map(|message| message.id).position(|id| id == ack) else {
            return;
        };
        self.outgoing.drain(..=place);
        self.on_way -= place + 1;
        self.waiting_since = now;
    }

    fn take(&mut self, part: Part<'_>, now: Duration) {
        match part.kind {
            Kind::Unreliable => self.tell(part.payload),
            Kind::Ping => self.pong(part.payload, now),
            Kind::ConnectionRequest
            | Kind::ConnectionResponse
            | Kind::Disconnect
            | Kind::Reliable
            | Kind::Multipart => {
                // whatever it is, the robot repeats it until it hears that we have it
                self.ack_owed = true;
                if part.id == Some(self.arrived.map_or(Id::FIRST, Id::next)) {
                    self.arrived = part.id;
                    self.accept(part);
                } else {
                    self.figures.left += 1;
                }
            }
            Kind::ReliableContainer | Kind::UnreliableContainer | Kind::MixedContainer | Kind::AckOnly => {}
        }
    }

    fn accept(&mut self, part: Part<'_>) {
        match part.kind {
            Kind::ConnectionResponse => {
                if let State::Opening(_) = self.state {
                    // who answers has heard the request, even if the acknowledgement does not say so
                    if self.outgoing.front().is_some_and(|m| m.kind == Kind::ConnectionRequest) {
                        self.outgoing.pop_front();
                        self.on_way = self.on_way.saturating_sub(1);
                    }
                    self.state = State::Open;
                    self.events.push_back(LinkEvent::Opened);
                }
            }
            Kind::Disconnect => self.end(Ending::Left),
            Kind::Reliable => self.tell(part.payload),
            Kind::ConnectionRequest
            | Kind::Unreliable
            | Kind::Multipart
            | Kind::ReliableContainer
            | Kind::UnreliableContainer
            | Kind::MixedContainer
            | Kind::AckOnly
            | Kind::Ping => {}
        }
    }

    fn tell(&mut self, message: &[u8]) {
        if !matches!(self.state, State::Opening(_)) {
            self.events.push_back(LinkEvent::Message(message.to_vec()));
        }
    }

    /// The robot echoes a ping unchanged, with the time it was sent at.
    fn pong(&mut self, payload: &[u8], now: Duration) {
        let Some(sent) = payload.first_chunk::<8>().map(|bytes| f64::from_le_bytes(*bytes)) else {
            return;
        };
        let passed = now.as_secs_f64() - sent / 1000.0;
        if (0.0..SILENCE_LIMIT.as_secs_f64()).contains(&passed) {
            self.figures.round_trip = Some(Duration::from_secs_f64(passed));
        }
    }

    /// Does whatever is due.
    fn act(&mut self, now: Duration) {
        let silent = now.saturating_sub(self.last_heard);
        match self.state {
            State::Over => return,
            State::Opening(_) if silent >= SILENCE_LIMIT => return self.end(Ending::NoAnswer),
            State::Opening(_) => {
                if now.saturating_sub(self.last_sent) >= REQUEST_EVERY {
                    self.figures.resent += 1;
                    self.request(now);
                }
                return;
            }
            State::Open | State::Closing(_) if silent >= SILENCE_LIMIT => return self.end(Ending::Silence),
            State::Closing(since) => {
                if self.outgoing.is_empty() || now.saturating_sub(since) >= CLOSING_PATIENCE {
                    return self.disconnect(now);
                }
            }
            State::Open => {}
        }
        if silent >= QUIET_AFTER && !self.said_quiet {
            self.said_quiet = true;
            self.events.push_back(LinkEvent::Quiet);
        }
        if self.on_way > 0 && now.saturating_sub(self.waiting_since) >= RESEND_AFTER {
            self.resend(now);
        }
        self.send_fresh(now);
        let since_sent = now.saturating_sub(self.last_sent);
        if since_sent >= KEEP_ALIVE || (self.ack_owed && since_sent >= ACK_SPACING) {
            self.ping(now);
        }
    }

    fn request(&mut self, now: Duration) {
        let datagram = frame::encode(Kind::ConnectionRequest, Some((Id::FIRST, Id::FIRST)), None, &[]);
        self.put(datagram, now);
    }

    /// Sends what has never been sent, as far as the window allows. Nothing before the robot has answered.
    fn send_fresh(&mut self, now: Duration) {
        if let State::Opening(_) | State::Over = self.state {
            return;
        }
        let end = self.outgoing.len().min(WINDOW);
        if self.on_way >= end {
            return;
        }
        if self.on_way == 0 {
            self.waiting_since = now;
        }
        let mut from = self.on_way;
        while from < end {
            from = self.pack(from, end, now);
        }
        self.on_way = end;
    }

    fn resend(&mut self, now: Duration) {
        let mut from = 0;
        for _ in 0..RESEND_FRAMES {
            if from >= self.on_way {
                break;
            }
            from = self.pack(from, self.on_way, now);
            self.figures.resent += 1;
        }
        self.waiting_since = now;
    }

    /// Sends one frame with as many of the messages `from..end` as fit; says where it got to.
    fn pack(&mut self, from: usize, end: usize, now: Duration) -> usize {
        let mut body = Vec::new();
        let mut ids = None;
        let mut taken = from;
        for message in self.outgoing.range(from..end) {
            if !frame::append(&mut body, message.kind, &message.payload) {
                break;
            }
            ids = Some(ids.map_or((message.id, message.id), |(first, _)| (first, message.id)));
            taken += 1;
        }
        let datagram = frame::encode(Kind::ReliableContainer, ids, self.arrived, &body);
        self.put(datagram, now);
        taken.max(from + 1)
    }

    fn ping(&mut self, now: Duration) {
        self.pings = self.pings.wrapping_add(1);
        let mut body = Vec::with_capacity(PING_BYTES);
        body.extend_from_slice(&(now.as_secs_f64() * 1000.0).to_le_bytes());
        body.extend_from_slice(&self.pings.to_le_bytes());
        body.extend_from_slice(&0_u32.to_le_bytes());
        body.push(0);
        let datagram = frame::encode(Kind::Ping, None, self.arrived, &body);
        self.put(datagram, now);
    }

    /// The last frame of a connection. Robots have rebooted over packets that came after it.
    fn disconnect(&mut self, now: Duration) {
        let id = self.next_id;
        let datagram = frame::encode(Kind::Disconnect, Some((id, id)), self.arrived, &[]);
        self.put(datagram, now);
        self.end(Ending::Closed);
    }

    fn put(&mut self, datagram: Vec<u8>, now: Duration) {
        self.figures.sent += 1;
        self.last_sent = now;
        self.ack_owed = false;
        self.datagrams.push_back(datagram);
    }

    fn end(&mut self, ending: Ending) {
        if ending != Ending::Closed {
            self.datagrams.clear();
        }
        self.outgoing.clear();
        self.on_way = 0;
        self.state = State::Over;
        self.events.push_back(LinkEvent::Ended(ending));
    }
}
