//! The one place that knows bincode; and bounded texts, codes and small numbers.

use super::{ASK_LIMIT, FrameError, SealError};
use bincode::config::{self, Configuration, Limit, LittleEndian, Varint};
use serde::{Deserialize, Serialize};

/// Most that a frame may come to in memory, in bytes: bincode counts a number by the memory it takes, and
/// that is up to eight times what it took on the wire.
const DECODED_LIMIT: usize = 8 * ASK_LIMIT;

fn bounded() -> Configuration<LittleEndian, Varint, Limit<DECODED_LIMIT>> {
    config::standard().with_limit()
}

pub(super) fn encode(value: &impl Serialize) -> Result<Vec<u8>, SealError> {
    let mut bytes = Vec::with_capacity(64);
    append(&mut bytes, value)?;
    Ok(bytes)
}

pub(super) fn append(bytes: &mut Vec<u8>, value: &impl Serialize) -> Result<(), SealError> {
    let written = bincode::serde::encode_into_std_write(value, bytes, config::standard());
    written.map(|_count| ()).map_err(|_refused| SealError::Unlawful(FrameError::Shape("an unlawful value")))
}

/// Reads a value that takes all of `bytes`.
pub(super) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8], what: &'static str) -> Result<T, FrameError> {
    let decoded = bincode::serde::borrow_decode_from_slice(bytes, bounded());
    match decoded {
        Ok((value, read)) if read == bytes.len() => Ok(value),
        Ok(_) | Err(_) => Err(FrameError::Shape(what)),
    }
}

/// A text of at most `limit` bytes.
pub(super) fn text<'a>(text: &'a str, limit: usize, what: &'static str) -> Result<&'a str, FrameError> {
    if text.len() <= limit { Ok(text) } else { Err(FrameError::Shape(what)) }
}

/// The code of a value: its place in the list of all, which is only ever added to.
pub(super) fn code<T: PartialEq>(all: &[T], value: &T) -> u8 {
    let place = all.iter().position(|one| one == value);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
}

/// The value of a code; none when a newer release has added it.
pub(super) fn coded<T: Copy>(all: &[T], code: u8) -> Option<T> {
    all.get(usize::from(code)).copied()
}

/// Appends a number in groups of seven bits, least first: small numbers take few bytes.
pub(super) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(0x80 | u8::try_from(number & 0x7f).unwrap_or(0x7f));
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or(0));
}

/// Appends how far `number` is from `base`, either way.
pub(super) fn put_from(bytes: &mut Vec<u8>, base: u64, number: u64) {
    let apart = number.wrapping_sub(base).cast_signed();
    put(bytes, (apart << 1 ^ apart >> 63).cast_unsigned());
}

/// Reads what [`put`] and its like have written.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> Result<u8, FrameError> {
        let (first, rest) = self.0.split_first().ok_or(ENDS)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(ENDS)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn number(&mut self) -> Result<u64, FrameError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            // a number is written in one way only
            if (shift == 63 && part > 1) || (shift > 0 && byte == 0) {
                return Err(FrameError::Shape("a number"));
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(FrameError::Shape("a number"))
    }

    pub(super) fn number_from(&mut self, base: u64) -> Result<u64, FrameError> {
        let coded = self.number()?;
        let apart = (coded >> 1).cast_signed() ^ -(coded & 1).cast_signed();
        Ok(base.wrapping_add(apart.cast_unsigned()))
    }

    pub(super) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, FrameError> {
        T::try_from(self.number()?).map_err(|_too_great| FrameError::Shape("a number"))
    }
}

const ENDS: FrameError = FrameError::Shape("it ends early");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_small_ones_are_short() {
        for (number, length) in [(0, 1), (127, 1), (128, 2), (16_383, 2), (16_384, 3), (u64::MAX, 10)] {
            let mut bytes = Vec::new();
            put(&mut bytes, number);
            assert_eq!(bytes.len(), length, "{number}");
            assert_eq!(Reader(&bytes).number(), Ok(number));
        }
        for (base, number) in [(0, u64::MAX), (u64::MAX, 0), (5, 3), (3, 5), (1 << 63, 0), (0, 1 << 63)] {
            let mut bytes = Vec::new();
            put_from(&mut bytes, base, number);
            let mut reader = Reader(&bytes);
            assert_eq!(reader.number_from(base), Ok(number));
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn a_number_that_is_too_great_padded_or_cut_is_refused() {
        for bytes in [
            &[0xff; 11][..],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
            &[0x80, 0],
            &[0x80],
            &[],
        ] {
            assert!(Reader(bytes).number().is_err(), "{bytes:?}");
        }
        assert!(Reader(&[0x80, 2]).small::<u8>().is_err());
    }
}
