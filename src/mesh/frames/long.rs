//! Long texts, deflated where that makes them shorter, and inflated to a limit.

use super::{FrameError, SealError};
use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use serde::{Deserialize, Serialize};
use std::io::Read as _;

/// How a text is written: 0 as it is, 1 deflated.
const PLAIN: u8 = 0;
const DEFLATED: u8 = 1;

#[derive(Serialize, Deserialize)]
pub(super) struct LongV1<B> {
    method: u8,
    bytes: B,
}

impl LongV1<Vec<u8>> {
    pub(super) fn of(text: &str) -> Result<Self, SealError> {
        let mut deflated = Vec::new();
        let read = DeflateEncoder::new(text.as_bytes(), Compression::best()).read_to_end(&mut deflated);
        read.map_err(|_never| SealError::Unlawful(FrameError::Shape("a long text")))?;
        Ok(if deflated.len() < text.len() {
            Self { method: DEFLATED, bytes: deflated }
        } else {
            Self { method: PLAIN, bytes: text.as_bytes().to_vec() }
        })
    }
}

impl LongV1<&[u8]> {
    /// The text, if it has at most `limit` bytes; no more than that are ever inflated.
    pub(super) fn text(&self, limit: usize) -> Result<String, FrameError> {
        const BAD: FrameError = FrameError::Shape("a long text");
        let mut text = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        match self.method {
            PLAIN => text.extend_from_slice(self.bytes),
            DEFLATED => {
                let inflated = DeflateDecoder::new(self.bytes).take(most).read_to_end(&mut text);
                inflated.map_err(|_broken| BAD)?;
            }
            _ => return Err(BAD),
        }
        if text.len() > limit { Err(BAD) } else { String::from_utf8(text).map_err(|_not_utf8| BAD) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(long: &LongV1<Vec<u8>>, limit: usize) -> Result<String, FrameError> {
        LongV1 { method: long.method, bytes: long.bytes.as_slice() }.text(limit)
    }

    #[test]
    fn a_long_text_comes_back_and_is_shorter_on_the_way() {
        let text = "[services.shop]\nurl = \"https://shop.example\"\n".repeat(100);
        let long = LongV1::of(&text).unwrap();
        assert!(long.bytes.len() < 200, "{}", long.bytes.len());
        assert_eq!(back(&long, text.len()), Ok(text));
        assert_eq!(back(&LongV1::of("ab").unwrap(), 2), Ok("ab".to_owned()));
    }

    #[test]
    fn a_bomb_is_inflated_to_the_limit_only() {
        let bomb = LongV1::of(&"0".repeat(50_000_000)).unwrap();
        assert!(bomb.bytes.len() < 100_000);
        assert_eq!(back(&bomb, 1_000), Err(FrameError::Shape("a long text")));
    }
}
