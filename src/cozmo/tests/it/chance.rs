//! Chance with a seed, so that a failure can be played again.

use std::time::Duration;

pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn seeded(seed: u64) -> Self {
        println!("seed {seed}");
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// xorshift64*
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Whether something that happens in `per_cent` of all cases happens.
    pub(crate) fn is(&mut self, per_cent: u64) -> bool {
        (self.next() >> 33) % 100 < per_cent
    }

    pub(crate) fn between(&mut self, low_ms: u64, high_ms: u64) -> Duration {
        Duration::from_micros(low_ms * 1000 + (self.next() >> 33) % ((high_ms - low_ms) * 1000))
    }

    /// The delays after which a datagram arrives: never, once, or twice; close ones overtake each other.
    pub(crate) fn deliveries(&mut self, loss_per_cent: u64) -> Vec<Duration> {
        let copies = if self.is(loss_per_cent) { 0 } else { 1 + usize::from(self.is(5)) };
        (0..copies).map(|_| self.between(2, 12)).collect()
    }
}
