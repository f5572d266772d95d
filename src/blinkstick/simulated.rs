//! A stick in software that takes nothing a real one would not: wrong lengths, indices out of range and
//! reports in the wrong mode are noted as faults, which a real stick would swallow in silence.

use crate::colour::Rgb;
use crate::frames::{self, MODE_ADDRESSED, MODE_MIRROR};
use crate::model::{LEDS_LIMIT, Model};
use crate::port::{Finder, Found, OpenError, Port, PortError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the chip clocks out one LED's colour; it does not answer meanwhile.
const DEAF_PER_LED: Duration = Duration::from_micros(30);

/// What a stick in software is like; change it while it is plugged in.
#[derive(Debug)]
pub struct State {
    /// What it is.
    pub model: Model,
    /// Its mode.
    pub mode: u8,
    /// The colours of each channel.
    pub leds: Vec<Vec<Rgb>>,
    /// How many LEDs a Flex has.
    pub count: u8,
    /// Every report that arrived, with when.
    pub arrived: Vec<(Duration, Vec<u8>)>,
    /// What a real stick would have swallowed or choked on.
    pub faults: Vec<String>,
    /// How many of the next requests fail.
    pub failing: u32,
    /// Whether reports of 32 LEDs and more are refused.
    pub refuses_long: bool,
    /// Whether it swallows a colour that is its present one with red and green swapped, as firmware up to 1.3.
    pub swallows_swapped: bool,
    /// How long the next requests hang before they fail.
    pub hangs: Option<Duration>,
    /// Whether it was pulled out.
    pub unplugged: bool,
    /// For how long it does not answer, for each LED it was told the colour of.
    pub deaf_per_led: Duration,
    deaf_until: Duration,
}

/// A stick in software.
#[derive(Debug, Clone)]
pub struct Simulated {
    state: Arc<Mutex<State>>,
    clock: Clock,
}

/// The time of the port.
#[derive(Debug, Clone)]
enum Clock {
    Real(Instant),
    Virtual(Arc<Mutex<Duration>>),
}

impl Simulated {
    /// A stick whose waiting takes no time.
    pub fn new(model: Model) -> Self {
        Self::with(model, Clock::Virtual(Arc::default()))
    }

    /// A stick that waits as long as it is told.
    pub fn in_real_time(model: Model) -> Self {
        Self::with(model, Clock::Real(Instant::now()))
    }

    fn with(model: Model, clock: Clock) -> Self {
        let state = State {
            model,
            mode: if model.always_addressed() { MODE_ADDRESSED } else { 0 },
            leds: vec![vec![Rgb::BLACK; LEDS_LIMIT]; usize::from(model.channels())],
            count: u8::try_from(model.leds()).unwrap_or(u8::MAX),
            arrived: Vec::new(),
            faults: Vec::new(),
            failing: 0,
            refuses_long: false,
            swallows_swapped: false,
            hangs: None,
            unplugged: false,
            deaf_per_led: DEAF_PER_LED,
            deaf_until: Duration::ZERO,
        };
        Self { state: Arc::new(Mutex::new(state)), clock }
    }

    /// Its state.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first `n` colours of channel 0.
    pub fn colours(&self, n: usize) -> Vec<Rgb> {
        self.state().leds.first().map(|leds| leds.iter().take(n).copied().collect()).unwrap_or_default()
    }

    /// Every report that arrived, without when.
    pub fn reports(&self) -> Vec<Vec<u8>> {
        self.state().arrived.iter().map(|(_, report)| report.clone()).collect()
    }

    fn begin(&self) -> Result<MutexGuard<'_, State>, PortError> {
        let hang = self.state().hangs;
        if let Some(hang) = hang {
            self.sleep(hang);
        }
        let now = self.time();
        let mut state = self.state();
        if state.unplugged {
            return Err(PortError::Gone);
        }
        if hang.is_some() {
            return Err(PortError::Failed("ioctl (SFEATURE): ETIMEDOUT".to_owned()));
        }
        if now < state.deaf_until {
            let asked = format!("asked at {now:?}, deaf until {:?}", state.deaf_until);
            state.faults.push(asked);
            return Err(PortError::Failed("ioctl (SFEATURE): EPROTO".to_owned()));
        }
        if state.failing > 0 {
            state.failing -= 1;
            return Err(PortError::Failed("ioctl (SFEATURE): EPIPE".to_owned()));
        }
        Ok(state)
    }

    fn time(&self) -> Duration {
        match &self.clock {
            Clock::Real(born) => born.elapsed(),
            Clock::Virtual(now) => *now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn sleep(&self, span: Duration) {
        match &self.clock {
            Clock::Real(_) => std::thread::sleep(span),
            Clock::Virtual(now) => *now.lock().unwrap_or_else(PoisonError::into_inner) += span,
        }
    }
}

impl State {
    fn fault(&mut self, what: String) -> PortError {
        self.faults.push(what.clone());
        PortError::Failed(what)
    }

    fn take(&mut self, report: &[u8], now: Duration) -> Result<(), PortError> {
        let id = report.first().copied().unwrap_or_default();
        let length = frames::length(id);
        if length != Some(report.len()) {
            return Err(self.fault(format!("report {id:#04x} has {} bytes, not {length:?}", report.len())));
        }
        match *report {
            [frames::LED, r, g, b] => {
                let now_lit = self.leds.first().and_then(|leds| leds.first()).copied();
                if self.swallows_swapped && r != g && now_lit == Some(Rgb::new(g, r, b)) {
                    return Ok(());
                }
                let lit = if self.mode == MODE_MIRROR { LEDS_LIMIT } else { 1 };
                self.put(0, 0, &vec![Rgb::new(r, g, b); lit], now)
            }
            [frames::MODE, mode] if mode > MODE_MIRROR => Err(self.fault(format!("there is no mode {mode}"))),
            [frames::MODE, 1] if self.model == Model::Nano => {
                Err(self.fault("mode 1 hangs a Nano until it is replugged".to_owned()))
            }
            [frames::MODE, mode] => {
                self.mode = mode;
                Ok(())
            }
            [frames::COUNT, _] if self.model != Model::Flex => {
                Err(self.fault("only a Flex counts its LEDs".to_owned()))
            }
            [frames::COUNT, count] => {
                self.count = count;
                Ok(())
            }
            [frames::NAME | frames::DATA, ..] => Ok(()),
            _ if self.mode != MODE_ADDRESSED => {
                Err(self.fault(format!("report {id:#04x} does nothing in mode {}", self.mode)))
            }
            [frames::INDEXED, channel, index, r, g, b] => {
                self.put(channel, usize::from(index), &[Rgb::new(r, g, b)], now)
            }
            [_, channel, ..] => {
                let leds = frames::read_all(report);
                if self.refuses_long && leds.len() >= 32 {
                    return Err(PortError::Failed("ioctl (SFEATURE): EPIPE".to_owned()));
                }
                let unlit = leds.iter().skip(self.model.leds());
                if unlit.clone().any(|colour| *colour != Rgb::BLACK) {
                    return Err(self.fault(format!("colours beyond LED {}", self.model.leds())));
                }
                self.put(channel, 0, &leds, now)
            }
            [] | [_] => Err(self.fault("an empty report".to_owned())),
        }
    }

    fn put(&mut self, channel: u8, from: usize, leds: &[Rgb], now: Duration) -> Result<(), PortError> {
        if channel >= self.model.channels() {
            return Err(self.fault(format!("there is no channel {channel}")));
        }
        if from >= self.model.leds() {
            return Err(self.fault(format!("there is no LED {from}")));
        }
        if let Some(row) = self.leds.get_mut(usize::from(channel)) {
            for (led, colour) in row.iter_mut().skip(from).zip(leds) {
                *led = *colour;
            }
        }
        let clocked = u32::try_from(from + leds.len()).unwrap_or_default();
        if self.mode >= MODE_ADDRESSED {
            self.deaf_until = now + self.deaf_per_led * clocked;
        }
        Ok(())
    }

    fn answer(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        let id = buffer.first().copied().unwrap_or_default();
        let Some(length) = frames::length(id).filter(|length| *length <= buffer.len()) else {
            return Err(self.fault(format!("asked for report {id:#04x} with room for {}", buffer.len())));
        };
        let first = self.leds.first().cloned().unwrap_or_default();
        let said = match id {
            frames::LED => first.first().map(|led| frames::led(*led)),
            frames::MODE => Some(frames::mode(self.mode)),
            frames::COUNT if self.model == Model::Flex => Some(frames::count(self.count)),
            frames::COUNT => return Err(self.fault("only a Flex counts its LEDs".to_owned())),
            frames::NAME => Some(frames::info(frames::Info::Name, "desk")),
            frames::DATA => Some(frames::info(frames::Info::Data, "")),
            frames::INDEXED => first.first().map(|led| frames::indexed(0, 0, *led)),
            _ => frames::all(0, first.get(..(length - 2) / 3).unwrap_or_default()),
        };
        for (to, from) in buffer.iter_mut().zip(said.unwrap_or_default()) {
            *to = from;
        }
        Ok(length)
    }
}

impl Port for Simulated {
    fn set(&mut self, report: &[u8]) -> Result<(), PortError> {
        let now = self.time();
        let mut state = self.begin()?;
        state.arrived.push((now, report.to_vec()));
        state.take(report, now)
    }

    fn get(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        self.begin()?.answer(buffer)
    }

    fn now(&self) -> Duration {
        self.time()
    }

    fn wait(&mut self, span: Duration) {
        self.sleep(span);
    }
}

/// The sticks that are plugged in, in software.
#[derive(Debug, Clone, Default)]
pub struct Sockets(Arc<Mutex<BTreeMap<String, Socket>>>);

#[derive(Debug, Clone)]
struct Socket {
    found: Found,
    stick: Simulated,
    denied: bool,
}

impl Sockets {
    /// Plugs a stick in.
    pub fn plug(&self, place: &str, serial: &str, stick: &Simulated) {
        let model = {
            let mut state = stick.state();
            state.unplugged = false;
            state.model
        };
        let found = Found { place: place.to_owned(), serial: serial.to_owned(), model };
        self.sockets().insert(place.to_owned(), Socket { found, stick: stick.clone(), denied: false });
    }

    /// Pulls it out.
    pub fn unplug(&self, place: &str) {
        if let Some(socket) = self.sockets().remove(place) {
            socket.stick.state().unplugged = true;
        }
    }

    /// Says whether this user may open it.
    pub fn deny(&self, place: &str, denied: bool) {
        if let Some(socket) = self.sockets().get_mut(place) {
            socket.denied = denied;
        }
    }

    fn sockets(&self) -> MutexGuard<'_, BTreeMap<String, Socket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Finder for Sockets {
    fn find(&self) -> Result<Vec<Found>, String> {
        Ok(self.sockets().values().map(|socket| socket.found.clone()).collect())
    }

    fn open(&self, found: &Found) -> Result<Box<dyn Port>, OpenError> {
        match self.sockets().get(&found.place) {
            Some(Socket { denied: true, .. }) => Err(OpenError::Denied(found.place.clone())),
            Some(socket) => Ok(Box::new(socket.stick.clone())),
            None => Err(OpenError::Failed { place: found.place.clone(), why: "it has gone".to_owned() }),
        }
    }
}
