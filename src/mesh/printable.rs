//! Secrets as one line that people copy: a prefix that says what it is, base64url, and a checksum that
//! notices a letter gone astray.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Bytes of the checksum: a slip goes unnoticed once in four billion times.
const CHECKSUM_BYTES: usize = 4;

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slip {
    /// It begins with something else.
    Prefix,
    /// It is longer than any.
    Long,
    /// A letter that is in none.
    Letter,
    /// Letters are missing or wrong.
    Checksum,
}

pub(crate) fn print(prefix: &str, bytes: &[u8]) -> String {
    let whole = [bytes, &checksum(prefix, bytes)].concat();
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(whole))
}

/// The bytes of a line of at most `limit` letters; blanks around it don't matter.
pub(crate) fn parse(prefix: &str, text: &str, limit: usize) -> Result<Vec<u8>, Slip> {
    let text = text.trim();
    let letters = text.strip_prefix(prefix).ok_or(Slip::Prefix)?;
    if text.len() > limit {
        return Err(Slip::Long);
    }
    if !letters.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Err(Slip::Letter);
    }
    let mut whole = URL_SAFE_NO_PAD.decode(letters).map_err(|_cut| Slip::Checksum)?;
    let bytes = whole.len().checked_sub(CHECKSUM_BYTES).ok_or(Slip::Checksum)?;
    let sum = whole.split_off(bytes);
    if sum == checksum(prefix, &whole) { Ok(whole) } else { Err(Slip::Checksum) }
}

fn checksum(prefix: &str, bytes: &[u8]) -> Vec<u8> {
    let digest = Sha256::new().chain_update(prefix.as_bytes()).chain_update(bytes).finalize();
    digest.iter().take(CHECKSUM_BYTES).copied().collect()
}
