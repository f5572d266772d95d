//! Numbers from texts, alike on every node: for digests and for choices that nobody coordinates. And chance
//! from a seed.
//!
//! Hashes are compared between nodes, of other versions too: never change them.

/// Where FNV-1a starts.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
/// What it multiplies by.
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// What SplitMix64 adds at each step.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// FNV-1a of a text, 64 bits.
pub fn of_text(text: &str) -> u64 {
    text.bytes().fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME))
}

/// Takes one more word into a hash, so that every bit of both matters (SplitMix64's last steps).
pub fn with(hash: u64, word: u64) -> u64 {
    stirred(hash.rotate_left(23) ^ word.wrapping_add(GOLDEN))
}

fn stirred(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Chance that replays: SplitMix64.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        stirred(self.0)
    }

    /// A number below `limit`; 0 when that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_hash_that_is_published_for_it() {
        assert_eq!(of_text(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(of_text("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(of_text("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn words_count_in_their_order() {
        assert_ne!(with(with(1, 2), 3), with(with(1, 3), 2));
        assert_ne!(with(1, 2), with(2, 1));
    }
}
