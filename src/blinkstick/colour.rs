//! Colours: three bytes, CSS names and hex, and how bright they may be.

mod names;

use names::NAMES;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A colour as a stick takes it: red, green and blue, 0 to 255 each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rgb {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
}

/// Why a text is no colour.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no colour; write a CSS name such as `orange`, or `#rrggbb`")]
pub struct BadColour(String);

/// The brightest a component may be, 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brightness(u8);

impl Rgb {
    /// Off.
    pub const BLACK: Self = Self::new(0, 0, 0);

    /// From its parts.
    pub const fn new(r: u8, g: u8, b: u8) -> Self {
        Self { r, g, b }
    }

    /// Each component `c` as `c × limit ÷ 255`, rounded down, as the original does.
    #[must_use]
    pub fn limited(self, limit: Brightness) -> Self {
        let scaled = |c: u8| {
            let scaled = u16::from(c) * u16::from(limit.0) / 255;
            u8::try_from(scaled).unwrap_or(u8::MAX)
        };
        Self::new(scaled(self.r), scaled(self.g), scaled(self.b))
    }

    /// Its CSS name, or none; of two names for one colour the first of the alphabet.
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(_, colour)| *colour == self).map(|(name, _)| *name)
    }
}

impl Brightness {
    /// As bright as it gets.
    pub const FULL: Self = Self(255);

    /// From per cent; more than 100 is 100.
    pub fn percent(percent: u8) -> Self {
        let of_255 = u16::from(percent.min(100)) * 255 / 100;
        Self(u8::try_from(of_255).unwrap_or(u8::MAX))
    }
}

impl FromStr for Rgb {
    type Err = BadColour;

    fn from_str(text: &str) -> Result<Self, BadColour> {
        let bad = || BadColour(text.chars().take(40).collect());
        let wanted = text.trim().to_ascii_lowercase();
        if let Some(hex) = wanted.strip_prefix('#') {
            return from_hex(hex).ok_or_else(bad);
        }
        NAMES.iter().find(|(name, _)| *name == wanted).map(|(_, colour)| *colour).ok_or_else(bad)
    }
}

/// From `rgb` or `rrggbb`.
fn from_hex(hex: &str) -> Option<Rgb> {
    let digits: Vec<u8> =
        hex.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    match *digits.as_slice() {
        [r, g, b] => Some(Rgb::new(r * 17, g * 17, b * 17)),
        [r1, r0, g1, g0, b1, b0] => Some(Rgb::new(r1 * 16 + r0, g1 * 16 + g0, b1 * 16 + b0)),
        _ => None,
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.r, self.g, self.b)
    }
}

impl TryFrom<String> for Rgb {
    type Error = BadColour;

    fn try_from(text: String) -> Result<Self, BadColour> {
        text.parse()
    }
}

impl From<Rgb> for String {
    fn from(colour: Rgb) -> Self {
        colour.to_string()
    }
}
