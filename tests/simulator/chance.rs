//! Chance that replays: xoshiro256++, seeded by splitmix64.

/// A source of numbers: the same seed gives the same ones.
#[derive(Debug, Clone)]
pub struct Chance([u64; 4]);

impl Chance {
    /// Numbers of this seed.
    pub fn of(seed: u64) -> Self {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            mix(state)
        };
        Self([next(), next(), next(), next()])
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        let [a, b, c, d] = self.0;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let shifted = b << 17;
        let c = c ^ a;
        let d = d ^ b;
        self.0 = [a ^ d, b ^ c, c ^ shifted, d.rotate_left(45)];
        result
    }

    /// A number below `limit`; 0 when that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        // the high half of the product: no division, and no bias that matters here
        let product = u128::from(self.number()) * u128::from(limit);
        u64::try_from(product >> 64).unwrap_or_default()
    }

    /// A place in something of this length; 0 when it is empty.
    pub fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }

    /// A number from `low` to `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// Whether something happens that happens so many times in a thousand.
    pub fn per_mille(&mut self, times: u64) -> bool {
        times > 0 && self.below(1000) < times
    }

    /// Whether something happens that happens so many times in a hundred.
    pub fn per_cent(&mut self, times: u64) -> bool {
        self.per_mille(times * 10)
    }

    /// A span whose mean is `mean`, at most eight times that: how long until something rare.
    pub fn around(&mut self, mean: u64) -> u64 {
        // an exponential by the sum of halvings: integers only, so that every machine draws alike
        let bits = u64::from(self.number().leading_zeros().min(7));
        mean * bits + self.below(mean.saturating_mul(1).max(1))
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        of.get(self.place(of.len())).copied()
    }
}

/// The end of splitmix64: every bit of the number depends on every bit of the result.
pub fn mix(number: u64) -> u64 {
    let mut z = number;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_gives_others() {
        let first = |seed| {
            let mut chance = Chance::of(seed);
            [chance.number(), chance.number(), chance.number()]
        };
        assert_eq!(first(7), first(7));
        assert_ne!(first(7), first(8));
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        let mut chance = Chance::of(3);
        let drawn: Vec<u64> = (0..1000).map(|_| chance.between(5, 7)).collect();
        assert_eq!(drawn.iter().min(), Some(&5));
        assert_eq!(drawn.iter().max(), Some(&7));
        assert_eq!(chance.below(0), 0);
        assert!(!chance.per_mille(0));
    }
}
