//! Pictures for the robot's face: 128 × 32 pixels, lit or not, and their encoding.

use crate::frame::MESSAGE_LIMIT;

/// Pixels in a row.
pub const WIDTH: usize = 128;
/// Rows.
pub const HEIGHT: usize = 32;
/// Most bytes of an encoded picture: what a message holds beside tag and length.
pub const PICTURE_LIMIT: usize = MESSAGE_LIMIT - 3;
/// Operation "a run of up to 16 pixels", in the top two bits.
const SHORT_RUN: u8 = 0b10 << 6;
/// Operation "a run of 17 to 32 pixels".
const LONG_RUN: u8 = 0b11 << 6;
/// A column's pixels as one number, the top one lowest.
const BLANK: u32 = 0;

/// A picture, column by column: bit *y* of column *x* is the pixel in row *y*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    columns: [u32; WIDTH],
}

/// A picture that no message can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the picture has too fine a grain: {0} bytes of {PICTURE_LIMIT}")]
pub struct TooFine(pub usize);

impl Default for Picture {
    fn default() -> Self {
        Self { columns: [BLANK; WIDTH] }
    }
}

impl Picture {
    /// Lights a pixel or darkens it; one outside is left.
    pub fn set(&mut self, x: usize, y: usize, pixel: Pixel) {
        if y >= HEIGHT {
            return;
        }
        if let Some(column) = self.columns.get_mut(x) {
            match pixel {
                Pixel::Lit => *column |= 1 << y,
                Pixel::Dark => *column &= !(1 << y),
            }
        }
    }

    /// Whether a pixel is lit.
    pub fn is_lit(&self, x: usize, y: usize) -> bool {
        y < HEIGHT && self.columns.get(x).is_some_and(|column| column >> y & 1 == 1)
    }

    /// Whether nothing is lit.
    pub fn is_blank(&self) -> bool {
        self.columns.iter().all(|column| *column == BLANK)
    }

    /// Encodes it as runs of pixels that fill each column exactly. There are shorter ways for columns that
    /// are black or repeat, but how they meet full columns is subtle, and a text needs none of them.
    pub fn encode(&self) -> Result<Vec<u8>, TooFine> {
        if self.is_blank() {
            // skip 64 columns, twice: the known way to blank the face
            return Ok(vec![0x3F, 0x3F]);
        }
        let mut bytes = Vec::new();
        for column in self.columns {
            let mut rest = column;
            let mut left = HEIGHT;
            while left > 0 {
                let lit = rest & 1;
                let same = if lit == 1 { rest.trailing_ones() } else { rest.trailing_zeros() };
                let run = usize::try_from(same).unwrap_or(HEIGHT).min(left);
                rest = rest.checked_shr(same).unwrap_or(0);
                left -= run;
                bytes.push(run_of(run, lit));
            }
        }
        if bytes.len() > PICTURE_LIMIT { Err(TooFine(bytes.len())) } else { Ok(bytes) }
    }
}

/// A pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pixel {
    /// It shines.
    Lit,
    /// It does not.
    Dark,
}

/// One run of 1 to 32 pixels as a byte.
fn run_of(run: usize, lit: u32) -> u8 {
    let colour = u8::from(lit == 1);
    let (operation, count) = if run > 16 { (LONG_RUN, run - 17) } else { (SHORT_RUN, run - 1) };
    operation | u8::try_from(count).unwrap_or(0) << 2 | colour
}
