//! The robot's side of the protocol, strictly: what a robot would drop is dropped, what would harm it or
//! show a misunderstanding is a fault. Written from the protocol's description, without the crate's code.

use std::collections::VecDeque;
use std::time::Duration;

pub(crate) const TICK: Duration = Duration::from_micros(33_333);
const SILENCE: Duration = Duration::from_secs(5);
const AUDIO_BUFFER: usize = 14;

struct Connection {
    port: u16,
    expected: u16,
    next: u16,
    unacked: VecDeque<(u16, u8, Vec<u8>)>,
    heard: Duration,
    pings: Vec<Vec<u8>>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the robot's own")]
pub(crate) struct SimulatedRobot {
    connection: Option<Connection>,
    pub(crate) firmware: String,
    pub(crate) battery_v: f32,
    pub(crate) status: u32,
    /// Whether it makes no sound of its own: it looks dead.
    pub(crate) mute: bool,
    enabled: bool,
    streaming: bool,
    animating: bool,
    buffered: usize,
    played: i32,
    pub(crate) pcm: Vec<i16>,
    pub(crate) pictures: Vec<Vec<u8>>,
    /// Everything accepted, in order.
    pub(crate) commands: Vec<Vec<u8>>,
    pub(crate) connections: u32,
    pub(crate) goodbyes: u32,
    pub(crate) dropped_links: u32,
    /// Pictures and sounds that came too early.
    pub(crate) ignored: u32,
    pub(crate) most_buffered: usize,
    pub(crate) faults: Vec<String>,
}

fn next_id(id: u16) -> u16 {
    if id == 65_534 { 1 } else { id + 1 }
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

impl SimulatedRobot {
    pub(crate) fn new() -> Self {
        Self {
            connection: None,
            firmware: r#"{"version": 2457, "git-rev": "x", "build": "RELEASE", "date": "x"}"#.to_owned(),
            battery_v: 4.1,
            status: 0x300,
            mute: false,
            enabled: false,
            streaming: false,
            animating: false,
            buffered: 0,
            played: 1_234,
            pcm: Vec::new(),
            pictures: Vec::new(),
            commands: Vec::new(),
            connections: 0,
            goodbyes: 0,
            dropped_links: 0,
            ignored: 0,
            most_buffered: 0,
            faults: Vec::new(),
        }
    }

    pub(crate) fn tags(&self) -> Vec<u8> {
        self.commands.iter().map(|command| command[0]).collect()
    }

    pub(crate) fn receive(&mut self, port: u16, datagram: &[u8], now: Duration) {
        if datagram.len() < 14 || &datagram[..7] != b"COZ\x03RE\x01" || datagram.len() > 1051 {
            self.faults.push(format!("no frame: {datagram:02x?}"));
            return;
        }
        let (kind, first, last, ack) =
            (datagram[7], word(datagram, 8), word(datagram, 10), word(datagram, 12));
        if kind == 1 {
            self.requested(port, first, last, now);
            return;
        }
        match &mut self.connection {
            Some(connection) if connection.port == port => connection.heard = now,
            _ => return,
        }
        self.acknowledged(ack);
        let body = &datagram[14..];
        match kind {
            7 | 9 => self.container(body, first, last),
            3 | 4 => self.reliable(first, kind, body),
            11 if body.len() == 17 => {
                if let Some(connection) = &mut self.connection {
                    connection.pings.push(body.to_vec());
                }
            }
            other => self.faults.push(format!("a frame of kind {other}, {} bytes", body.len())),
        }
    }

    fn requested(&mut self, port: u16, first: u16, last: u16, now: Duration) {
        if (first, last) != (1, 1) {
            self.faults.push(format!("a request with ids {first} to {last}"));
        }
        match &mut self.connection {
            Some(connection) if connection.port == port => connection.heard = now,
            Some(_) => {} // one client at a time
            None => {
                self.connections += 1;
                (self.enabled, self.streaming, self.animating, self.buffered) = (false, false, false, 0);
                self.connection = Some(Connection {
                    port,
                    expected: 2,
                    next: 1,
                    unacked: VecDeque::new(),
                    heard: now,
                    pings: Vec::new(),
                });
                self.say(2, Vec::new());
                self.say(4, vec![0xC9, 1, 2, 3, 4, 5, 6]);
                let mut signature = vec![0xEE, 1, 2];
                signature.extend(u16::try_from(self.firmware.len()).unwrap().to_le_bytes());
                signature.extend(self.firmware.bytes());
                self.say(4, signature);
                for motor in [3, 2] {
                    self.say(4, vec![0xD1, motor, 1, 0]);
                    self.say(4, vec![0xD1, motor, 0, 0]);
                }
                self.say(4, vec![0xB0, 0, 0, 0, 0, 1, 0, 1, 0, 0]);
            }
        }
    }

    fn say(&mut self, kind: u8, payload: Vec<u8>) {
        if let Some(connection) = &mut self.connection {
            connection.unacked.push_back((connection.next, kind, payload));
            connection.next = next_id(connection.next);
        }
    }

    fn acknowledged(&mut self, ack: u16) {
        if let Some(connection) = &mut self.connection
            && let Some(at) = connection.unacked.iter().position(|(id, ..)| *id == ack)
        {
            connection.unacked.drain(..=at);
        }
    }

    fn container(&mut self, mut body: &[u8], first: u16, last: u16) {
        let (mut id, mut seen) = (first, 0);
        while body.len() >= 3 {
            let (kind, length) = (body[0], usize::from(word(body, 1)));
            if body.len() < 3 + length {
                break;
            }
            if kind == 4 {
                self.reliable(id, kind, &body[3..3 + length]);
                seen = id;
                id = next_id(id);
            } else {
                self.faults.push(format!("a message of kind {kind} in a container"));
            }
            body = &body[3 + length..];
        }
        if !body.is_empty() || seen != last || first == 0 {
            self.faults.push(format!("a container of ids {first} to {last} that ends at {seen}"));
        }
    }

    fn reliable(&mut self, id: u16, kind: u8, payload: &[u8]) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        if connection.expected != id {
            return; // it will come again
        }
        connection.expected = next_id(id);
        if kind == 3 {
            self.goodbyes += 1;
            self.connection = None;
            return;
        }
        self.obey(payload);
    }

    fn obey(&mut self, message: &[u8]) {
        let (tag, fields) = (message[0], &message[1..]);
        self.commands.push(message.to_vec());
        let right = match tag {
            0x25 | 0x8F | 0x9F | 0x3B => fields.is_empty(),
            0x03 => fields.len() == 31,
            0x11 => fields.len() == 21,
            0x36 | 0x37 => fields.len() == 17 && fields[16] != 0,
            0x45 => fields.len() == 24,
            0x4B => fields.len() == if self.firmware.contains("FACTORY") { 12 } else { 8 },
            0x64 => fields.len() == 2,
            0x8E => fields.len() == 744,
            0x97 => fields.len() == 2 + usize::from(word(fields, 0)),
            _ => false,
        };
        if !right {
            self.faults.push(format!("message {tag:#04x} with {} bytes", fields.len()));
        }
        match tag {
            0x25 => {
                self.enabled = true;
                self.say(4, vec![0xED, 9, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
            }
            0x4B if self.enabled => {
                self.streaming = true;
                self.say(4, vec![0xC2]);
            }
            0x9F if self.enabled => self.animating = true,
            0x8E | 0x8F | 0x97 if !self.animating => self.ignored += 1,
            0x8E | 0x8F => self.sound(fields),
            0x97 => self.pictures.push(fields[2..].to_vec()),
            0x36 | 0x37 => self.say(4, vec![0xC4, fields[16]]),
            _ => {}
        }
    }

    fn sound(&mut self, bytes: &[u8]) {
        self.buffered += 1;
        self.most_buffered = self.most_buffered.max(self.buffered);
        if self.buffered > AUDIO_BUFFER {
            self.faults.push(format!("{} sounds in flight", self.buffered));
        }
        self.pcm.extend(bytes.iter().map(|byte| {
            let (exponent, mantissa) = (u32::from(byte >> 4 & 7), i16::from(byte & 15));
            let value = if exponent == 0 { mantissa * 16 } else { (16 + mantissa) << (exponent + 3) };
            if byte & 128 != 0 { -value } else { value }
        }));
    }

    /// One tick: plays a sound, gives up a silent client, sends one frame.
    pub(crate) fn tick(&mut self, now: Duration) -> Option<(u16, Vec<u8>)> {
        if self.buffered > 0 {
            self.buffered -= 1;
            self.played += 1;
        }
        let connection = self.connection.as_mut()?;
        if now.saturating_sub(connection.heard) >= SILENCE {
            self.connection = None;
            self.dropped_links += 1;
            return None;
        }
        if self.mute {
            return None;
        }
        let mut body = Vec::new();
        let mut put = |kind: u8, payload: &[u8]| {
            let fits = body.len() + 3 + payload.len() <= 1037;
            if fits {
                body.push(kind);
                body.extend(u16::try_from(payload.len()).unwrap().to_le_bytes());
                body.extend(payload);
            }
            fits
        };
        let (mut first, mut last) = (0, 0);
        for (id, kind, payload) in &connection.unacked {
            if !put(*kind, payload) {
                break;
            }
            first = if first == 0 { *id } else { first };
            last = *id;
        }
        for ping in connection.pings.drain(..) {
            put(11, &ping);
        }
        if self.streaming {
            let mut state = vec![0; 92];
            state[0] = 0xF0;
            state[73..77].copy_from_slice(&self.battery_v.to_le_bytes());
            state[77..81].copy_from_slice(&self.status.to_le_bytes());
            put(5, &state);
        }
        if self.animating {
            let mut playing = vec![0; 16];
            playing[0] = 0xF1;
            playing[9..13].copy_from_slice(&self.played.to_le_bytes());
            put(5, &playing);
        }
        let mut datagram = b"COZ\x03RE\x01\x09".to_vec();
        let ack = if connection.expected == 1 { 65_534 } else { connection.expected - 1 };
        for number in [first, last, ack] {
            datagram.extend(u16::to_le_bytes(number));
        }
        datagram.extend(body);
        Some((connection.port, datagram))
    }
}

/// The pixels of an encoded picture, by (column, row), if it is made of runs alone or blank.
pub(crate) fn pixels(picture: &[u8]) -> Vec<[bool; 32]> {
    let mut flat = Vec::new();
    for byte in picture {
        let (operation, n) = (byte >> 6, usize::from(byte & 63));
        match operation {
            0 => flat.extend(vec![false; (n + 1) * 32]),
            2 => flat.extend(vec![n & 3 != 0; (n >> 2) + 1]),
            3 => flat.extend(vec![n & 3 != 0; (n >> 2) + 17]),
            _ => panic!("operation {operation}"),
        }
    }
    assert_eq!(flat.len(), 128 * 32, "a picture fills the face");
    flat.chunks_exact(32).map(|column| column.try_into().unwrap()).collect()
}

/// How alike two sounds are: 1 for the same.
pub(crate) fn correlation(a: &[i16], b: &[i16]) -> f64 {
    let sum =
        |x: &[i16], y: &[i16]| -> f64 { x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum() };
    sum(a, b) / (sum(a, a) * sum(b, b)).sqrt()
}
