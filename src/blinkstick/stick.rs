//! A stick: shows rows of colours, spaced and tried again as the chip needs it.

use crate::colour::Rgb;
use crate::frames::{self, MODE_ADDRESSED, MODE_MIRROR};
use crate::model::{FLEX_LEDS, Model};
use crate::port::{Port, PortError};
use std::time::Duration;

/// Between two reports: while the chip clocks colours out, up to 2 ms, it does not answer, and its author
/// finds 20 ms enough for any model.
pub const SPACING: Duration = Duration::from_millis(20);
/// How often a report is tried before the stick counts as lost.
pub const TRIES: u32 = 5;
/// What the chip needs after its mode was set: it writes its memory and blinks.
const MODE_SETTLES: Duration = Duration::from_millis(100);

/// How a unit's LEDs are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Addressing {
    /// There is one colour: a plain LED, or all LEDs alike.
    One,
    /// A whole row at once.
    Row,
    /// One by one: a Flex that did not take a row.
    Single,
}

/// An open stick.
pub struct Stick<P> {
    port: P,
    model: Model,
    leds: usize,
    addressing: Addressing,
    /// The colour of one that has one.
    lit: Option<Rgb>,
    /// When the last report went out.
    last: Option<Duration>,
}

impl<P: Port> Stick<P> {
    /// Takes a port as a stick of this model: reads its mode and sets it where a unit is set up wrongly.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn open(port: P, model: Model) -> Result<Self, PortError> {
        let (leds, addressing) = (model.leds(), Addressing::Row);
        let mut stick = Self { port, model, leds, addressing, lit: None, last: None };
        stick.addressing = match model {
            Model::First => Addressing::One,
            Model::Pro | Model::Square | Model::Strip | Model::Nano | Model::Flex => stick.addressing()?,
        };
        if stick.addressing == Addressing::One {
            stick.leds = 1;
        } else if model == Model::Flex {
            stick.leds = stick.flex_leds();
        }
        Ok(stick)
    }

    fn addressing(&mut self) -> Result<Addressing, PortError> {
        match self.ask(frames::MODE)?.get(1).copied() {
            Some(MODE_ADDRESSED) => Ok(Addressing::Row),
            Some(_) | None if self.model.always_addressed() => {
                self.send(&frames::mode(MODE_ADDRESSED))?;
                self.port.wait(MODE_SETTLES);
                Ok(Addressing::Row)
            }
            Some(MODE_MIRROR | 0..) | None => Ok(Addressing::One),
        }
    }

    /// How many LEDs the Flex says it has; all where it does not say.
    fn flex_leds(&mut self) -> usize {
        let said = self.ask(frames::COUNT).ok().and_then(|answer| answer.get(1).copied());
        said.map(usize::from).filter(|leds| (1..=FLEX_LEDS).contains(leds)).unwrap_or(FLEX_LEDS)
    }

    /// What it is.
    pub fn model(&self) -> Model {
        self.model
    }

    /// How many LEDs can be shown apart.
    pub fn leds(&self) -> usize {
        self.leds
    }

    /// Shows these colours, LED 0 first; LEDs without one go black, colours without an LED are left out.
    ///
    /// # Errors
    /// When the stick is lost: it has gone, or did not take a report in [`TRIES`] tries.
    pub fn show(&mut self, colours: &[Rgb]) -> Result<(), PortError> {
        let mut row = colours.get(..self.leds.min(colours.len())).unwrap_or_default().to_vec();
        row.resize(self.leds, Rgb::BLACK);
        match self.addressing {
            Addressing::One => self.show_one(row.first().copied().unwrap_or_default()),
            Addressing::Row => self.show_row(&row),
            Addressing::Single => self.show_singly(&row),
        }
    }

    /// The first BlinkStick's firmware up to 1.3 takes no colour that is the present one with red and green
    /// swapped; a step in between, too small to be seen, gets it there.
    fn show_one(&mut self, colour: Rgb) -> Result<(), PortError> {
        let swapped = Rgb::new(colour.g, colour.r, colour.b);
        if self.model == Model::First && swapped != colour && self.lit == Some(swapped) {
            self.send(&frames::led(Rgb::new(colour.r, colour.g, colour.b ^ 1)))?;
        }
        self.send(&frames::led(colour))?;
        self.lit = Some(colour);
        Ok(())
    }

    fn show_row(&mut self, row: &[Rgb]) -> Result<(), PortError> {
        for channel in 0..self.model.channels() {
            let Some(report) = frames::all(channel, row) else { continue };
            match self.send(&report) {
                Err(PortError::Failed(_)) if self.model == Model::Flex => {
                    self.show_singly(row)?;
                    self.addressing = Addressing::Single;
                    return Ok(());
                }
                sent @ (Ok(()) | Err(PortError::Failed(_) | PortError::Gone)) => sent?,
            }
        }
        Ok(())
    }

    fn show_singly(&mut self, row: &[Rgb]) -> Result<(), PortError> {
        for (index, colour) in (0..).zip(row) {
            self.send(&frames::indexed(0, index, *colour))?;
        }
        Ok(())
    }

    /// Shows a colour on every LED for `on`, then nothing for `off`, `times` times; ends off.
    ///
    /// # Errors
    /// When the stick is lost.
    pub fn blink(&mut self, colour: Rgb, times: u32, on: Duration, off: Duration) -> Result<(), PortError> {
        for turn in 0..times {
            if turn > 0 {
                self.port.wait(off);
            }
            self.show(&vec![colour; self.leds])?;
            self.port.wait(on);
            self.show(&[])?;
        }
        Ok(())
    }

    /// Its name or its free data.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn info(&mut self, block: frames::Info) -> Result<String, PortError> {
        let id = match block {
            frames::Info::Name => frames::NAME,
            frames::Info::Data => frames::DATA,
        };
        Ok(frames::read_info(&self.ask(id)?))
    }

    /// The colours the stick itself says it shows; for a row, those of the channel written last.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn shown(&mut self) -> Result<Vec<Rgb>, PortError> {
        let row = frames::all(0, &vec![Rgb::BLACK; self.leds]).and_then(|report| report.first().copied());
        match (self.addressing, row) {
            (Addressing::Row | Addressing::Single, Some(id)) => {
                let mut read = frames::read_all(&self.ask(id)?);
                read.truncate(self.leds);
                Ok(read)
            }
            (Addressing::One, _) | (_, None) => match *self.ask(frames::LED)?.as_slice() {
                [_, r, g, b, ..] => Ok(vec![Rgb::new(r, g, b)]),
                _ => Err(PortError::Failed("its answer is too short".to_owned())),
            },
        }
    }

    fn send(&mut self, report: &[u8]) -> Result<(), PortError> {
        self.tried(|port| port.set(report))
    }

    fn ask(&mut self, id: u8) -> Result<Vec<u8>, PortError> {
        let buffer = frames::ask(id).ok_or_else(|| PortError::Failed(format!("no report {id}")))?;
        self.tried(|port| {
            let mut buffer = buffer.clone();
            let length = port.get(&mut buffer)?;
            buffer.truncate(length);
            Ok(buffer)
        })
    }

    /// Does something with the port, spaced from what was before, again if it fails.
    fn tried<T>(&mut self, mut act: impl FnMut(&mut P) -> Result<T, PortError>) -> Result<T, PortError> {
        let mut tries = 0;
        loop {
            self.space();
            let done = act(&mut self.port);
            self.last = Some(self.port.now());
            tries += 1;
            match done {
                Err(PortError::Failed(_)) if tries < TRIES => {}
                done @ (Ok(_) | Err(PortError::Failed(_) | PortError::Gone)) => return done,
            }
        }
    }

    fn space(&mut self) {
        if let Some(last) = self.last {
            let since = self.port.now().saturating_sub(last);
            if let Some(left) = SPACING.checked_sub(since) {
                self.port.wait(left);
            }
        }
    }
}
