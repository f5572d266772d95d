//! How much a peer may send: so much a second on average, and a burst of some seconds' worth.

/// Seconds' worth that may come at once.
const BURST_SECONDS: u64 = 4;

/// A bucket that fills with time and is emptied by what is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    per_second: u64,
    /// What is in it, in thousandths.
    level: u64,
    at_ms: u64,
}

impl Bucket {
    /// A full one.
    pub(crate) fn full(per_second: u32, now_ms: u64) -> Self {
        let per_second = u64::from(per_second);
        Self { per_second, level: per_second * BURST_SECONDS * 1000, at_ms: now_ms }
    }

    /// Takes `amount` out; false, and nothing is taken, when there is less.
    pub(crate) fn take(&mut self, amount: usize, now_ms: u64) -> bool {
        let passed = now_ms.saturating_sub(self.at_ms);
        self.at_ms = now_ms;
        let filled = self.level.saturating_add(self.per_second.saturating_mul(passed));
        self.level = filled.min(self.per_second * BURST_SECONDS * 1000);
        let wanted = u64::try_from(amount).unwrap_or(u64::MAX).saturating_mul(1000);
        match self.level.checked_sub(wanted) {
            Some(rest) => {
                self.level = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_so_much_a_second() {
        let mut bucket = Bucket::full(10, 0);
        let passed = |bucket: &mut Bucket, at| (0..100).filter(|_| bucket.take(1, at)).count();
        assert_eq!(passed(&mut bucket, 0), 40);
        assert_eq!(passed(&mut bucket, 99), 0);
        assert_eq!(passed(&mut bucket, 300), 3);
        assert_eq!(passed(&mut bucket, 3_600_000), 40);
        assert_eq!(passed(&mut bucket, 0), 0, "time does not run backwards");
    }

    #[test]
    fn more_than_a_burst_never_passes() {
        let mut bucket = Bucket::full(10, 0);
        assert!(!bucket.take(41, 0));
        assert!(bucket.take(40, 0));
        assert!(!bucket.take(usize::MAX, 1_000_000));
    }
}
